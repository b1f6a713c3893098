//! What the command line does to a database beside collecting: save it, put it back, examine it, upgrade it.
//!
//! Lines for people go to standard output; errors and the log go to standard error. Exit codes: 0 done, 1 failed or not
//! in order, 2 called wrongly.

pub mod check_config;
mod decrypt;
mod display;
mod export;
mod html;
mod reprocess;

use std::path::{Path, PathBuf};

use anyhow::bail;
use meshcore_store::UnixMillis;
use meshcore_store::db::migrate::{self, MigrationOptions};
use meshcore_store::db::{self, CheckReport, Writer, WriterOptions};

pub use check_config::CheckConfig;
pub use decrypt::Decrypt;
pub use display::Display;
pub use reprocess::Reprocess;

use crate::config::{Config, ConfigError, ConfigFile, Environment, IngestArgs};

/// A subcommand.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Copy a database, also while it is written
    Backup {
        /// The database
        file: PathBuf,

        /// Name of the copy, which must not exist [default: FILE.backup-<milliseconds since 1970>]
        #[arg(long, value_name = "COPY")]
        to: Option<PathBuf>,
    },

    /// Put a backup in the place of a database; what was there is kept beside it
    Restore {
        /// The database
        file: PathBuf,

        /// The backup, which stays as it is
        #[arg(long, value_name = "COPY")]
        from: PathBuf,
    },

    /// Examine a database without changing it
    Check {
        /// The database
        file: PathBuf,
    },

    /// Upgrade a database of any age now, instead of at the next start
    Migrate {
        /// The database
        file: PathBuf,

        /// Say what would be done, and do nothing
        #[arg(long)]
        dry_run: bool,
    },

    /// Write down the messages of channels, also while the database is written
    Decrypt(Decrypt),

    /// Read all stored frames again, with today's decoder and keys; can be interrupted
    Reprocess(Reprocess),

    /// Say whether the configuration can be used, without starting anything
    CheckConfig(CheckConfig),

    /// Bring packed observations back (db.packAfterHours), for programs that do not know them
    Unpack {
        /// The database
        file: PathBuf,
    },
}

impl Command {
    /// Does it, and tells standard output about it.
    ///
    /// # Errors
    /// When it could not be done, or when a check finds something wrong.
    pub fn run(&self, now: UnixMillis) -> anyhow::Result<()> {
        let mut display = Display::standard();
        match self {
            Self::Backup { file, to } => backup(file, to.as_deref(), now, &mut display),
            Self::Restore { file, from } => restore(file, from, now, &mut display),
            Self::Check { file } => check(file, &mut display),
            Self::Migrate { file, dry_run: true } => plan(file, &mut display),
            Self::Migrate { file, dry_run: false } => migrate(file, now, &mut display),
            Self::Decrypt(decrypt) => decrypt.run(&mut display),
            Self::Reprocess(reprocess) => reprocess.run(now, &mut display),
            Self::CheckConfig(check) => check.of_ingest(),
            Self::Unpack { file } => unpack(file, now, &mut display),
        }
    }
}

/// Where keys come from.
#[derive(Clone, Debug, clap::Args)]
pub struct ConfigArgs {
    /// Configuration file [default: config.json, else data/config.json, else none]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Set any key of the configuration, such as channelKeys; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,

    #[arg(skip = Environment::current())]
    environment: Environment,
}

impl ConfigArgs {
    fn load(&self) -> Result<Config, ConfigError> {
        let Self { set, environment, .. } = self.clone();
        let file = ConfigFile::find(self.config.as_deref())?;
        let args = IngestArgs { set, environment, ..IngestArgs::default() };
        Ok(Config::load(&file, &args)?.0)
    }
}

fn backup(file: &Path, to: Option<&Path>, now: UnixMillis, display: &mut Display) -> anyhow::Result<()> {
    let to = to.map_or_else(|| default_copy(file, now), Path::to_owned);
    let copied = db::backup(file, &to, &mut |progress| display.progress(progress))?;
    display.line(&format!("{}: {} bytes, verified", to.display(), copied.bytes))?;
    Ok(())
}

fn restore(file: &Path, from: &Path, now: UnixMillis, display: &mut Display) -> anyhow::Result<()> {
    let restored = db::restore(file, from, now, &mut |progress| display.progress(progress))?;
    display.line(&format!("{}: restored from {}", file.display(), from.display()))?;
    if let Some(kept) = restored.kept {
        display.line(&format!("{}: what was there before", kept.display()))?;
    }
    Ok(())
}

fn check(file: &Path, display: &mut Display) -> anyhow::Result<()> {
    let report = db::check(file)?;
    for line in lines(&report) {
        display.line(&line)?;
    }
    if !report.is_ok() {
        bail!("{}: not in order", file.display());
    }
    display.line(&format!("{}: in order", file.display()))?;
    Ok(())
}

fn plan(file: &Path, display: &mut Display) -> anyhow::Result<()> {
    let plan = migrate::plan(file)?;
    display.line(&format!("{}: {}", file.display(), plan.generation))?;
    for step in &plan.steps {
        let rows = step.rows.map_or_else(|| "rows not known yet".to_owned(), |rows| format!("{rows} rows"));
        display.line(&format!("{}: {rows}", step.name))?;
    }
    if plan.keeps_copy {
        display.line(&format!(
            "a copy would be kept: {} bytes are needed, {} are free",
            plan.needed_bytes, plan.free_bytes
        ))?;
    }
    let steps = plan.steps.len();
    display.line(&format!("{}: {steps} steps to do, nothing was changed", file.display()))?;
    Ok(())
}

fn migrate(file: &Path, now: UnixMillis, display: &mut Display) -> anyhow::Result<()> {
    if !file.exists() {
        bail!("{}: no such file", file.display()); // an upgrade makes none
    }
    // Region keys are a matter of the configuration, which knows no file named on the command line.
    let options = MigrationOptions { now, ..MigrationOptions::default() };
    let report = migrate::upgrade(file, &options, &mut |progress| display.progress(progress))?;
    display.line(&format!("{}: was {}", file.display(), report.generation))?;
    if let Some(copy) = &report.backup {
        display.line(&format!("{}: a copy of what it was", copy.display()))?;
    }
    for step in &report.applied {
        display.line(&format!("{}: {} rows", step.name, step.rows))?;
    }
    let count = |rows: Option<u64>| rows.map_or_else(|| "not there".to_owned(), |rows| rows.to_string());
    for table in report.counts.iter().filter(|table| table.before != table.after) {
        display.line(&format!(
            "rows of {}: {}, now {}",
            table.table,
            count(table.before),
            count(table.after)
        ))?;
    }
    display.line(&format!("{}: up to date, {} steps were done", file.display(), report.applied.len()))?;
    Ok(())
}

fn unpack(file: &Path, now: UnixMillis, display: &mut Display) -> anyhow::Result<()> {
    if !file.exists() {
        bail!("{}: no such file", file.display());
    }
    let writer = Writer::open(file, WriterOptions { opened_at: now, ..WriterOptions::default() }, |_| {})?;
    let observations = db::unpack(&writer.handle(), &|| false)?;
    drop(writer);
    display.line(&format!("{}: {observations} observations unpacked", file.display()))?;
    Ok(())
}

fn default_copy(file: &Path, now: UnixMillis) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".backup-{}", now.get()));
    name.into()
}

/// The report, what is wrong last.
fn lines(report: &CheckReport) -> Vec<String> {
    let mut lines: Vec<String> =
        report.rows.iter().map(|rows| format!("rows of {}: {}", rows.table, rows.rows)).collect();
    lines.push(format!("bytes: {}, of which free: {}", report.bytes, report.free_bytes));
    lines.push(format!("journal mode: {}", report.journal_mode));
    if !report.returns_free_pages {
        lines.push("free pages are not given back to the disk (db.vacuumOnStartup changes that)".into());
    }
    if report.packets_without_observation > 0 {
        lines.push(format!("packets without an observation: {}", report.packets_without_observation));
    }
    if report.vacuum_interrupted {
        lines.push("a full vacuum was interrupted: the next start of meshcore-ingest ends it".into());
    }
    if let Some(missing) = &report.missing {
        lines.push(format!("MISSING: {missing}"));
    }
    lines.extend(report.problems.iter().map(|problem| format!("DAMAGED: {problem}")));
    let orphans = [
        ("references to rows that are not there", report.broken_references),
        ("observations of packets that are not there", report.observations_without_packet),
        ("observations of observers that are not there", report.observations_without_observer),
    ];
    lines.extend(orphans.iter().filter(|(_, n)| *n > 0).map(|(what, n)| format!("WRONG: {what}: {n}")));
    lines
}
