//! `reprocess`: what is stored, read again with today's decoder and keys.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

use anyhow::bail;
use meshcore_proto::{KeyRing, Packet, Regions};
use meshcore_store::UnixMillis;
use meshcore_store::db::{self, Reading, Reprocessed, Writer, WriterOptions};
use meshcore_store::decoded::Signatures;

use super::{ConfigArgs, Display};
use crate::keys::{key_ring, regions};

/// Arguments of `reprocess`.
#[derive(Clone, Debug, clap::Args)]
pub struct Reprocess {
    /// The database
    file: PathBuf,

    #[command(flatten)]
    config: ConfigArgs,

    /// Say what would be changed, and change nothing; also while the database is written
    #[arg(long)]
    dry_run: bool,
}

impl Reprocess {
    pub(super) fn run(&self, now: UnixMillis, display: &mut Display) -> anyhow::Result<()> {
        let file = self.file.display();
        if !self.file.exists() {
            bail!("{file}: no such file");
        }
        let config = self.config.load()?;
        let (keys, signatures) = (key_ring(&config), Signatures::of(config.validate_signatures));
        let regions = regions(&config);
        let plan = plan(&keys, &regions, signatures);
        let region = |packet: &Packet<'_>| regions.first_match(packet).map(|region| region.name.clone());
        let reading = Reading { keys: &keys, signatures, region: &region, plan: &plan };
        let writer = if self.dry_run {
            None
        } else {
            let options = WriterOptions { opened_at: now, ..WriterOptions::default() };
            Some(Writer::open(&self.file, options, |_| {})?)
        };
        let handle = writer.as_ref().map(Writer::handle);
        let done = db::reprocess(&self.file, handle.as_ref(), &reading, &|| false, &mut |progress| {
            display.progress(progress);
        })?;
        drop(writer);
        if let Some(id) = done.resumed_after {
            display.line(&format!("{file}: a run that was interrupted went on after packet {id}"))?;
        }
        let Reprocessed { read, changed, opened, unreadable, .. } = done;
        display.line(&format!(
            "{file}: {read} packets read, {changed} {}, of which {opened} messages that were closed before; \
             {unreadable} frames cannot be decoded and stay as they are",
            if self.dry_run { "would change" } else { "changed" }
        ))?;
        Ok(())
    }
}

/// Names the decoder and the keys, without giving them away.
fn plan(keys: &KeyRing, regions: &Regions, signatures: Signatures) -> String {
    let mut hasher = DefaultHasher::new();
    for key in keys {
        key.name.hash(&mut hasher);
        key.key.secret().hash(&mut hasher);
    }
    for region in regions.iter() {
        region.name.hash(&mut hasher);
    }
    format!("{} {signatures:?} {:016x}", env!("CARGO_PKG_VERSION"), hasher.finish())
}
