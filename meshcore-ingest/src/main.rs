//! `meshcore-ingest`: the writing process, for those who run it apart from the server, and the care of its database.

use std::process::ExitCode;

use clap::Parser;
use meshcore_ingest::cli::{exit_code, start_logging, told_to_end};
use meshcore_ingest::command::Command;
use meshcore_ingest::config::{Config, ConfigError, ConfigFile, IngestArgs};
use meshcore_ingest::figures::StatsFile;
use meshcore_ingest::reload::{Keys, Reloads};
use meshcore_ingest::{Feed, Ingest, system_clock};
use tracing::{info, warn};

/// Collects MeshCore packets from MQTT brokers into a CoreScope database.
#[derive(Parser)]
#[command(name = "meshcore-ingest", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(flatten)]
    ingest: IngestArgs,

    /// Without one: collect
    #[command(subcommand)]
    command: Option<Command>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_logging();
    let result = match &cli.command {
        Some(command) => command.run(system_clock()()),
        None => collect(&cli.ingest),
    };
    exit_code("meshcore-ingest", &result)
}

#[tokio::main]
async fn collect(args: &IngestArgs) -> anyhow::Result<()> {
    let (config, keys) = load(args)?;
    let mut reloads = Reloads::new(keys);
    let stats = StatsFile::of(&args.environment);
    let mut ingest = Ingest::start(&config, &Feed::Brokers, Some(stats), |_| {})?;
    info!(db.path = %config.db_path().display(), "collecting");
    tokio::select! {
        () = told_to_end() => {}
        () = reloads.follow(&mut ingest, || load(args)) => {}
    }
    info!("stopping");
    ingest.stop().await;
    Ok(())
}

fn load(args: &IngestArgs) -> Result<(Config, Keys), ConfigError> {
    let file = ConfigFile::find(args.config.as_deref())?;
    let (config, warnings) = Config::load(&file, args)?;
    for warning in warnings {
        warn!("configuration: {warning}");
    }
    Ok((config, Keys::of(&file)?))
}
