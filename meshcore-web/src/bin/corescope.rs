//! `corescope`: everything in one process.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use actix_web::web;
use anyhow::Context;
use clap::Parser;
use meshcore_ingest::broker::{self, BoundBroker, Door};
use meshcore_ingest::cli::{exit_code, start_logging};
use meshcore_ingest::command::CheckConfig;
use meshcore_ingest::config::{EmbeddedBroker, IngestArgs};
use meshcore_ingest::figures::{Figures, StatsFile};
use meshcore_ingest::intake::Memory;
use meshcore_ingest::reload::Reloads;
use meshcore_ingest::{Feed as Messages, Ingest, system_clock};
use meshcore_store::db::ReadPool;
use meshcore_web::cli::{ServeArgs, Settings, serve};
use meshcore_web::{App, Build, Feed, IngestFigures, News, Notices, Server};

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

    /// Show a mesh made up, in a database that is removed at the end
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
        Some(Command::CheckConfig(CheckBoth { check, serve })) => check.run(|display| {
            if check.schema {
                return Ok(display.line(&format!("{:#}", Settings::schema()))?);
            }
            Ok(Settings::load(&check.ingest, serve)?.tell(check.print, display)?)
        }),
        None => run(cli),
    };
    exit_code("corescope", &result)
}

#[actix_web::main]
async fn run(mut cli: Cli) -> anyhow::Result<()> {
    // Whatever flag, environment and file say: a demonstration must never write into somebody's mesh.
    let demo_folder =
        cli.demo.then(tempfile::tempdir).transpose().context("no folder for the demonstration")?;
    if let Some(folder) = &demo_folder {
        cli.ingest.db = Some(folder.path().join("demo.db"));
    }
    let settings = Settings::load(&cli.ingest, &cli.serve)?;
    settings.warn();
    let server = Server::bind(cli.serve.bind, settings.port())?;
    let (messages, broker) = messages(&cli, &settings)?;
    let mut reloads = Reloads::new(settings.keys()?);
    let (notices, news) = Notices::new();
    let stats = StatsFile::named(&cli.ingest.environment);
    let mut ingest = Ingest::start(&settings.ingest, &messages, stats, move |commit| notices.tell(commit))?;
    let again = || {
        let settings = Settings::load(&cli.ingest, &cli.serve)?;
        settings.warn();
        let keys = settings.keys()?;
        Ok((settings.ingest, keys))
    };
    let shown = match embed(&mut ingest, broker) {
        Ok(door) => {
            let shown = show(&settings, server, news, (ingest.figures(), ingest.memory()), door);
            tokio::select! {
                shown = shown => shown,
                () = reloads.follow(&mut ingest, again) => Ok(()),
            }
        }
        Err(error) => Err(error),
    };
    ingest.stop().await;
    shown
}

/// Where messages come from, and the broker that is to be started for it.
fn messages(cli: &Cli, settings: &Settings) -> anyhow::Result<(Messages, Option<BoundBroker>)> {
    if let Some(file) = cli.replay.clone() {
        return Ok((Messages::Replay { file, speed: cli.speed }, None));
    }
    if cli.demo {
        let broker = demo_broker()?;
        return Ok((Messages::Demo { broker: broker.address()?, speed: cli.speed }, Some(broker)));
    }
    Ok(match broker::bind(&settings.ingest)? {
        Some(broker) => (Messages::Configured, Some(broker)),
        None => (Messages::Brokers, None),
    })
}

/// A broker that the real one, if there is one, does not notice.
fn demo_broker() -> anyhow::Result<BoundBroker> {
    let options = EmbeddedBroker { port: Some(0), ..EmbeddedBroker::default() };
    BoundBroker::bind(options.resolve()?)
}

/// Starts the broker; the way to it, if the web server is to let clients pass.
fn embed(ingest: &mut Ingest, broker: Option<BoundBroker>) -> anyhow::Result<Option<Door>> {
    let Some(broker) = broker else { return Ok(None) };
    let is_open_to_the_web = broker.is_open_to_the_web();
    let door = ingest.embed(broker)?;
    Ok(is_open_to_the_web.then_some(door))
}

/// The page, until the program is told to end.
async fn show(
    settings: &Settings,
    server: Server,
    news: News,
    parts: (Arc<Figures>, Arc<Memory>),
    door: Option<Door>,
) -> anyhow::Result<()> {
    let database = settings.ingest.db_path();
    let visibility = Arc::new(settings.ingest.visibility());
    let readers = Arc::new(ReadPool::open(&database)?.hiding(Arc::clone(&visibility)));
    let web = settings.web.clone();
    let (figures, memory) = parts;
    let figures: IngestFigures = Arc::new(move |_| Some(figures.snapshot()));
    let app = App::new(readers, web, figures, system_clock(), Build::current());
    let app = web::Data::new(app.with_broker(door).beside(memory));
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
