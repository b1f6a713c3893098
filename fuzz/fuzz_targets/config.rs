//! No text panics the configuration, and a refusal names the file.

#![no_main]

use libfuzzer_sys::fuzz_target;
use meshcore_ingest::config::{Config, ConfigError, ConfigFile, IngestArgs};

fuzz_target!(|text: &str| {
    match Config::load(&ConfigFile::from_text("c.json", text), &IngestArgs::default()) {
        Ok((config, _)) => assert!(config.brokers().is_ok(), "load checks the brokers"),
        Err(error @ ConfigError::Value { .. }) => assert!(error.to_string().contains(": ")),
        Err(error) => assert!(error.to_string().starts_with("c.json: ")),
    }
});
