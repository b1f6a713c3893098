//! What both binaries of this crate share: flags, the configuration file, and waiting for the end.

use std::collections::BTreeSet;
use std::net::IpAddr;

use actix_web::web;
use anyhow::Context;
use meshcore_ingest::config::{Config as IngestConfig, ConfigError, ConfigFile, IngestArgs, read_by_neither};
use meshcore_ingest::reload::Keys;
use tracing::{info, warn};

use crate::app::App;
use crate::assets;
use crate::config::Config;
use crate::serve::Server;

/// Flags of the server.
#[derive(Clone, Debug, clap::Args)]
pub struct ServeArgs {
    /// Port of the web page [default: 3000]
    #[arg(long, env = "PORT")]
    pub port: Option<String>,

    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0")]
    pub bind: IpAddr,
}

/// The configuration of both parts.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What ingest reads.
    pub ingest: IngestConfig,
    /// What the server reads.
    pub web: Config,
    /// What the file says.
    pub keys: Keys,
}

impl Settings {
    /// Reads the file once for both parts, and warns about keys that neither reads.
    ///
    /// # Errors
    /// [`ConfigError`], naming file, key and line.
    pub fn load(args: &IngestArgs) -> Result<Self, ConfigError> {
        let file = ConfigFile::find(args.config.as_deref())?;
        let (ingest, not_ingest) = IngestConfig::load(&file, args)?;
        let (web, not_web): (Config, BTreeSet<String>) = file.read()?;
        let unused = read_by_neither(&not_ingest, &not_web);
        if !unused.is_empty() {
            let keys = unused.into_iter().collect::<Vec<_>>().join(", ");
            warn!("configuration: not used by this version: {}", keys.escape_debug());
        }
        Ok(Self { ingest, web, keys: Keys::of(&file)? })
    }

    /// The port: flag or environment, else file, else 3000.
    ///
    /// # Errors
    /// [`ConfigError::Value`], when the text is no port.
    pub fn port(&self, args: &ServeArgs) -> Result<u16, ConfigError> {
        match args.port.as_deref().map(str::trim).filter(|port| !port.is_empty()) {
            Some(port) => port.parse().map_err(|_| ConfigError::Value {
                key: "port".into(),
                reason: format!("`{}` is no port; expected a number from 0 to 65535", port.escape_debug()),
            }),
            None => Ok(self.web.port.unwrap_or(Config::DEFAULT_PORT)),
        }
    }
}

/// Answers requests until the program is told to end (Ctrl-C or SIGTERM), then lets those under way finish.
///
/// # Errors
/// When the port cannot be listened on.
pub async fn serve(server: Server, app: web::Data<App>) -> anyhow::Result<()> {
    std::thread::spawn(assets::prepare); // who asks before it is done waits for it
    let url = server.url();
    let hub = app.hub().clone();
    let (running, handle) = server.start(app)?;
    info!(url, "the web page is open");
    let mut running = actix_web::rt::spawn(running);
    tokio::select! {
        ended = &mut running => {
            ended.context("the web server ended")??;
            return Ok(());
        }
        () = meshcore_ingest::cli::told_to_end() => {}
    }
    info!("stopping");
    hub.close();
    handle.stop(true).await;
    Ok(())
}
