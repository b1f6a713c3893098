//! `corescope`: everything in one process.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use actix_web::web;
use clap::Parser;
use meshcore_ingest::cli::{exit_code, start_logging};
use meshcore_ingest::config::IngestArgs;
use meshcore_ingest::{Feed as Messages, Ingest, system_clock};
use meshcore_store::db::{self, ReadPool};
use meshcore_web::cli::{ServeArgs, Settings, serve};
use meshcore_web::{App, Build, Feed, News, Notices, Server};

/// Where `--demo` keeps its packets.
const DEMO_DATABASE: &str = "data/demo.db";

/// Collects the packets of a MeshCore mesh over MQTT and shows them live in the browser.
#[derive(Parser)]
#[command(name = "corescope", version)]
struct Cli {
    #[command(flatten)]
    ingest: IngestArgs,

    #[command(flatten)]
    serve: ServeArgs,

    /// Play a recording (one JSON object per line) instead of listening to brokers
    #[arg(long, value_name = "FILE", conflicts_with = "demo")]
    replay: Option<PathBuf>,

    /// Show a mesh made up, in a database of its own that starts empty
    #[arg(long)]
    demo: bool,

    /// Times the recorded pace; 0 = without pauses
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = speed)]
    speed: f64,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_logging();
    exit_code("corescope", &run(cli))
}

#[actix_web::main]
async fn run(mut cli: Cli) -> anyhow::Result<()> {
    if cli.demo {
        // Whatever flag, environment and file say: what is emptied below must never be somebody's mesh.
        cli.ingest.db = Some(DEMO_DATABASE.into());
    }
    let settings = Settings::load(&cli.ingest)?;
    let server = Server::bind(cli.serve.bind, settings.port(&cli.serve)?)?;
    if cli.demo {
        db::erase(Path::new(DEMO_DATABASE))?; // so that its packets are new again
    }
    let messages = match cli.replay {
        Some(file) => Messages::Replay { file, speed: cli.speed },
        None if cli.demo => Messages::Demo { speed: cli.speed },
        None => Messages::Brokers,
    };
    let (notices, news) = Notices::new();
    let ingest = Ingest::start(&settings.ingest, &messages, move |commit| notices.tell(commit))?;
    let shown = show(&settings, server, news, &ingest).await;
    ingest.stop().await;
    shown
}

/// The page, until the program is told to end.
async fn show(settings: &Settings, server: Server, news: News, ingest: &Ingest) -> anyhow::Result<()> {
    let database = settings.ingest.db_path();
    let visibility = Arc::new(settings.ingest.visibility());
    let readers = Arc::new(ReadPool::open(&database)?.hiding(Arc::clone(&visibility)));
    let web = settings.web.clone();
    let app = App::new(readers, web, Some(ingest.accounting()), system_clock(), Build::current());
    let app = web::Data::new(app.beside(ingest.memory()));
    let _feed = Feed::start(&database, &visibility, app.hub().clone(), news)?;
    serve(server, app).await
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| "expected a number".to_owned())?;
    if speed.is_finite() && speed >= 0.0 {
        Ok(speed)
    } else {
        Err("expected 0 or a positive number".to_owned())
    }
}
