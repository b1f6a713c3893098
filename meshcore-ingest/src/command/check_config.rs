//! `check-config`: whether the configuration can be used, said without opening a port or a database.

use std::io;

use crate::config::{Config, ConfigError, ConfigFile, IngestArgs, Layers, Setting, json_schema_of};
use crate::keys::key_ring;

use super::Display;

/// Arguments of `check-config`, beside those of the part that is checked.
#[derive(Clone, Debug, clap::Args)]
pub struct CheckConfig {
    /// What is checked, with all that would be laid over it.
    #[command(flatten)]
    pub ingest: IngestArgs,

    /// Show each value in force and where it was written; secrets are masked
    #[arg(long)]
    pub print: bool,

    /// Write the JSON schema of the file instead, for editors
    #[arg(long, conflicts_with = "print")]
    pub schema: bool,
}

impl CheckConfig {
    /// Has `check` say what it finds, and says so when it finds the configuration wrong.
    ///
    /// # Errors
    /// Those of `check`.
    pub fn run(&self, check: impl FnOnce(&mut Display) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let mut display = Display::standard();
        let result = check(&mut display);
        if result.as_ref().is_err_and(|error| error.is::<ConfigError>()) {
            display.line("the configuration cannot be used")?;
        }
        result
    }

    /// Checks the part that ingest reads.
    pub(super) fn of_ingest(&self) -> anyhow::Result<()> {
        self.run(|display| {
            if self.schema {
                return Ok(display.line(&format!("{:#}", json_schema_of::<Config>()))?);
            }
            let file = ConfigFile::find(self.ingest.config.as_deref())?;
            let layers = Layers::new(&file, &self.ingest)?;
            let config = Config::read(&layers)?;
            let settings = self.print.then(|| layers.settings::<Config>());
            Ok(tell(&layers, &config, settings, display)?)
        })
    }
}

/// Says what is worth knowing of a configuration that can be used.
///
/// # Errors
/// When the output takes no lines.
pub fn tell(
    layers: &Layers,
    config: &Config,
    settings: Option<Vec<Setting>>,
    display: &mut Display,
) -> io::Result<()> {
    for setting in settings.into_iter().flatten() {
        display.line(&setting.to_string())?;
    }
    key_ring(config); // which says in the log what is no key
    let warnings = layers.warnings().into_iter().chain(config.warnings().into_iter().map(str::to_owned));
    for warning in warnings {
        display.line(&format!("warning: {warning}"))?;
    }
    match layers.file().path() {
        Some(path) => display.line(&format!("{}: can be used", path.display())),
        None => display.line("there is no file; the defaults can be used"),
    }
}
