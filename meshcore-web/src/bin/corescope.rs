//! `corescope`: everything in one process.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use actix_web::web;
use clap::Parser;
use meshcore_ingest::cli::{exit_code, start_logging};
use meshcore_ingest::command::CheckConfig;
use meshcore_ingest::config::IngestArgs;
use meshcore_ingest::figures::{Figures, StatsFile};
use meshcore_ingest::{Feed as Messages, Ingest, system_clock};
use meshcore_store::db::{self, ReadPool};
use meshcore_web::cli::{ServeArgs, Settings, serve};
use meshcore_web::{App, Build, Feed, IngestFigures, News, Notices, Server};

/// Where `--demo` keeps its packets.
const DEMO_DATABASE: &str = "data/demo.db";

/// Collects the packets of a MeshCore mesh over MQTT and shows them live in the browser.
#[derive(Parser)]
#[command(name = "corescope", version, args_conflicts_with_subcommands = true)]
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

    /// Without one: collect and show
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Say whether the configuration can be used, without starting anything
    CheckConfig(CheckBoth),
}

#[derive(clap::Args)]
struct CheckBoth {
    #[command(flatten)]
    check: CheckConfig,

    #[command(flatten)]
    serve: ServeArgs,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_logging();
    let result = match &cli.command {
        Some(Command::CheckConfig(CheckBoth { check, serve })) => {
            check.run(|display| Ok(Settings::load(&check.ingest, serve)?.tell(check.print, display)?))
        }
        None => run(cli),
    };
    exit_code("corescope", &result)
}

#[actix_web::main]
async fn run(mut cli: Cli) -> anyhow::Result<()> {
    if cli.demo {
        // Whatever flag, environment and file say: what is emptied below must never be somebody's mesh.
        cli.ingest.db = Some(DEMO_DATABASE.into());
    }
    let settings = Settings::load(&cli.ingest, &cli.serve)?;
    settings.warn();
    let server = Server::bind(cli.serve.bind, settings.port())?;
    if cli.demo {
        db::erase(Path::new(DEMO_DATABASE))?; // so that its packets are new again
    }
    let messages = match cli.replay {
        Some(file) => Messages::Replay { file, speed: cli.speed },
        None if cli.demo => Messages::Demo { speed: cli.speed },
        None => Messages::Brokers,
    };
    let (notices, news) = Notices::new();
    let stats = StatsFile::named(&cli.ingest.environment);
    let ingest = Ingest::start(&settings.ingest, &messages, stats, move |commit| notices.tell(commit))?;
    let shown = show(&settings, server, news, ingest.figures()).await;
    ingest.stop().await;
    shown
}

/// The page, until the program is told to end.
async fn show(settings: &Settings, server: Server, news: News, figures: Arc<Figures>) -> anyhow::Result<()> {
    let database = settings.ingest.db_path();
    let readers = Arc::new(ReadPool::open(&database)?);
    let web = settings.web.clone();
    let ingest: IngestFigures = Arc::new(move |_| Some(figures.snapshot()));
    let app = web::Data::new(App::new(readers, web, ingest, system_clock(), Build::current()));
    let _feed = Feed::start(&database, app.hub().clone(), news)?;
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
