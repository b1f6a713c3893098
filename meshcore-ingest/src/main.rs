//! `meshcore-ingest`: the writing process, for those who run it apart from the server.

use std::process::ExitCode;

use clap::Parser;
use meshcore_ingest::cli::{exit_code, start_logging, told_to_end};
use meshcore_ingest::config::{Config, ConfigFile, IngestArgs};
use meshcore_ingest::{Feed, Ingest};
use tracing::info;

/// Collects MeshCore packets from MQTT brokers into a CoreScope database.
#[derive(Parser)]
#[command(name = "meshcore-ingest", version)]
struct Cli {
    #[command(flatten)]
    ingest: IngestArgs,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_logging();
    exit_code("meshcore-ingest", &run(&cli))
}

#[tokio::main]
async fn run(cli: &Cli) -> anyhow::Result<()> {
    let file = ConfigFile::find(cli.ingest.config.as_deref())?;
    let (config, _) = Config::load(&file, &cli.ingest)?;
    let ingest = Ingest::start(&config, &Feed::Brokers, |_| {})?;
    info!(db.path = %config.db_path().display(), "collecting");
    told_to_end().await;
    info!("stopping");
    ingest.stop().await;
    Ok(())
}
