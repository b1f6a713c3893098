//! What both binaries of this crate share: flags, the configuration file, and waiting for the end.

use std::io;
use std::net::IpAddr;

use actix_web::web;
use anyhow::Context;
use meshcore_ingest::command::Display;
use meshcore_ingest::command::check_config::tell;
use meshcore_ingest::config::{
    Config as IngestConfig, ConfigError, ConfigFile, IngestArgs, Layers, json_schema_of, merge_schema,
};
use meshcore_ingest::reload::Keys;
use serde_json::Value;
use tracing::{info, warn};

use crate::app::App;
use crate::assets;
use crate::config::Config;
use crate::serve::Server;

/// Flags of the server.
#[derive(Clone, Debug, clap::Args)]
pub struct ServeArgs {
    /// Port of the web page [default: 3000] [env: `PORT`]
    #[arg(long)]
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
    /// What both were read from.
    pub layers: Layers,
}

impl Settings {
    /// Reads the file once for both parts.
    ///
    /// # Errors
    /// [`ConfigError`], naming file, key and line.
    pub fn load(args: &IngestArgs, serve: &ServeArgs) -> Result<Self, ConfigError> {
        let file = ConfigFile::find(args.config.as_deref())?;
        let mut layers = Layers::new(&file, args)?;
        layers.flag("--port", "port", serve.port.as_deref());
        Ok(Self { ingest: IngestConfig::read(&layers)?, web: layers.read()?, layers })
    }

    /// What the file says, to know at a reload what has changed.
    ///
    /// # Errors
    /// [`ConfigError`], naming line and column.
    pub fn keys(&self) -> Result<Keys, ConfigError> {
        Keys::of(self.layers.file())
    }

    /// Says in the log what the operator should know about keys that nobody reads.
    pub fn warn(&self) {
        for warning in self.layers.warnings() {
            warn!("configuration: {warning}");
        }
    }

    /// The port to listen on.
    pub fn port(&self) -> u16 {
        self.web.port.unwrap_or(Config::DEFAULT_PORT)
    }

    /// The JSON schema of the file, for editors.
    pub fn schema() -> Value {
        let mut schema = json_schema_of::<IngestConfig>();
        merge_schema(&mut schema, json_schema_of::<Config>());
        schema
    }

    /// `corescope check-config`.
    ///
    /// # Errors
    /// When the answer takes no lines.
    pub fn tell(&self, should_print: bool, display: &mut Display) -> io::Result<()> {
        let settings = should_print.then(|| {
            let mut settings = self.layers.settings::<IngestConfig>();
            settings.extend(self.layers.settings::<Config>());
            settings
        });
        tell(&self.layers, &self.ingest, settings, display)
    }
}

/// Answers requests until the program is told to end (Ctrl-C or SIGTERM), then lets those under way finish.
///
/// # Errors
/// When the port cannot be listened on.
pub async fn serve(server: Server, app: web::Data<App>) -> anyhow::Result<()> {
    std::thread::spawn(assets::prepare); // who asks before it is done waits for it
    let url = server.url();
    let (hub, door) = (app.hub().clone(), app.door().cloned());
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
    if let Some(door) = door {
        door.close();
    }
    handle.stop(true).await;
    Ok(())
}
