//! What every binary does around its work: logging, waiting for the end, and the exit code.

use std::io::IsTerminal;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};
use tracing::warn;
use tracing_subscriber::EnvFilter;

use crate::config::ConfigError;

/// Targets that are silent unless they are asked for by name. Of the first, the C part formats a line per message as soon
/// as any level of it is on, a third of all the work, and the other part writes passwords. The second writes what clients
/// say into the log as it is.
const SILENT: &[&str] = &["paho_mqtt", "mqtt5"];

/// Logs to standard error; `RUST_LOG` chooses what, `info` when absent (the web server only its warnings).
pub fn start_logging() {
    let asked = std::env::var("RUST_LOG").ok().filter(|text| EnvFilter::try_new(text).is_ok());
    let mut filter = asked.unwrap_or_else(|| "info,actix_server=warn".into());
    for target in SILENT {
        if !filter.contains(target) {
            filter = format!("{filter},{target}=off");
        }
    }
    let filter = EnvFilter::new(filter);
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
}

/// Returns at Ctrl-C or SIGTERM.
pub async fn told_to_end() {
    match (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) {
        (Ok(mut interrupt), Ok(mut terminate)) => {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
        _ => {
            warn!("signals cannot be received; the program ends only by force");
            std::future::pending().await
        }
    }
}

/// Says why a program ended, and gives its exit code: 2 for a wrong configuration, 1 for any other failure.
#[expect(clippy::print_stderr, reason = "the last word of a program is for the person who started it")]
pub fn exit_code(program: &str, result: &anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{program}: {error:#}");
            if error.downcast_ref::<ConfigError>().is_some() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}
