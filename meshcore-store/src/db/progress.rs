//! How far long work on the file is.

/// A report about work under way: an upgrade, a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done: the name of a migration, `backup`, `verify`.
    pub step: &'static str,
    /// Rows or pages done so far.
    pub done: u64,
    /// Rows or pages in all, as far as known; at least `done`.
    pub total: u64,
}

/// Takes reports. Called at most a few times per second of work; must not block.
pub type OnProgress<'a> = &'a mut dyn FnMut(Progress);
