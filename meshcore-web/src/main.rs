//! `meshcore-web`: the server without ingest, for those who run the two as processes of their own.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::web;
use clap::Parser;
use meshcore_ingest::cli::{exit_code, start_logging};
use meshcore_ingest::config::IngestArgs;
use meshcore_ingest::figures::StatsFile;
use meshcore_ingest::system_clock;
use meshcore_store::db::{ReadPool, StoreError};
use meshcore_web::cli::{ServeArgs, Settings, serve};
use meshcore_web::{App, Build, Feed, IngestFigures, News, Server};
use tokio::time::sleep;
use tracing::warn;

/// How long the two processes may be apart at a start.
const PATIENCE: Duration = Duration::from_secs(60);
const RETRY: Duration = Duration::from_secs(1);

/// Shows a CoreScope database that meshcore-ingest writes.
#[derive(Parser)]
#[command(name = "meshcore-web", version)]
struct Cli {
    #[command(flatten)]
    ingest: IngestArgs,
    #[command(flatten)]
    serve: ServeArgs,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_logging();
    exit_code("meshcore-web", &run(&cli))
}

#[actix_web::main]
async fn run(cli: &Cli) -> anyhow::Result<()> {
    let settings = Settings::load(&cli.ingest, &cli.serve)?;
    settings.warn();
    let server = Server::bind(cli.serve.bind, settings.port())?;
    let database = settings.ingest.db_path();
    let visibility = Arc::new(settings.ingest.visibility());
    let readers = Arc::new(open_when_ready(&database).await?.hiding(Arc::clone(&visibility)));
    let stats = StatsFile::of(&cli.ingest.environment);
    let ingest: IngestFigures = Arc::new(move |now| stats.read_fresh(now));
    let app = web::Data::new(App::new(readers, settings.web, ingest, system_clock(), Build::current()));
    let _feed = Feed::start(&database, &visibility, app.hub().clone(), News::Poll)?;
    serve(server, app).await
}

/// Opens the database; for a minute, one that meshcore-ingest has still to make or upgrade is waited for.
async fn open_when_ready(database: &Path) -> Result<ReadPool, StoreError> {
    let give_up = Instant::now() + PATIENCE;
    let mut told = false;
    loop {
        match ReadPool::open(database) {
            Err(error @ (StoreError::Open { .. } | StoreError::NotReady { .. }))
                if Instant::now() < give_up =>
            {
                if !told {
                    warn!(%error, "waiting for meshcore-ingest");
                    told = true;
                }
                sleep(RETRY).await;
            }
            result => return result,
        }
    }
}
