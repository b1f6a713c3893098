//! Why a message goes no further, and what the log says about it.

use std::fmt;

use meshcore_proto::FrameError;
use meshcore_store::Reception;
use meshcore_store::db::{Job, Write};

use super::{Inbound, Verdict};
use crate::accounting::{Discard, Reject, UNCOUNTED};
use crate::log_text::LogText;

/// Why a message goes no further, and what is written all the same.
pub(super) struct Refusal {
    reason: Reason,
    write: Option<Box<Write>>,
}

enum Reason {
    Reject(Reject),
    Discard(Discard),
}

impl Refusal {
    /// The same, from an observer that is alive.
    pub(super) fn heard(self, reception: Reception) -> Self {
        self.noting(Write::Seen(reception))
    }

    /// The same, and this is written.
    pub(super) fn noting(self, write: Write) -> Self {
        Self { write: Some(Box::new(write)), ..self }
    }
}

impl From<Reject> for Refusal {
    fn from(reason: Reject) -> Self {
        Self { reason: Reason::Reject(reason), write: None }
    }
}

impl From<Discard> for Refusal {
    fn from(reason: Discard) -> Self {
        Self { reason: Reason::Discard(reason), write: None }
    }
}

impl From<Refusal> for Verdict {
    fn from(Refusal { reason, write }: Refusal) -> Self {
        // Its message is counted already.
        let job = write.map(|write| Job { ticket: UNCOUNTED, write: *write });
        match reason {
            Reason::Reject(reason) => Self::Reject(reason, job),
            Reason::Discard(reason) => Self::Discard(reason, job),
        }
    }
}

impl From<FrameError> for Reject {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::Truncated { .. } => Self::Truncated,
            FrameError::ReservedHashSize { .. } => Self::ReservedHashSize,
            FrameError::PathTooLong { .. } => Self::PathTooLong,
            FrameError::PayloadTooLong { .. } => Self::PayloadTooLong,
            _ => Self::BadFrame,
        }
    }
}

/// What a log line says about a message that was refused: where it came from, and of a forged advert whose it claims
/// to be. Nothing in it can deceive a reader.
#[derive(Clone, Copy, Debug)]
pub struct Refused<'a> {
    /// The message.
    pub inbound: &'a Inbound,
    /// What is written all the same.
    pub job: Option<&'a Job>,
}

impl fmt::Display for Refused<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("topic ")?;
        for (number, level) in self.inbound.topic.split('/').take(LEVELS).enumerate() {
            let separator = if number == 0 { "" } else { "/" };
            // The third level is an observer's key, or the like.
            let level = if number == 2 { LogText::id(level) } else { LogText::new(level) };
            write!(f, "{separator}{level}")?;
        }
        write!(f, ", {} bytes", self.inbound.payload.len())?;
        if let Some(Job { write: Write::Dropped(advert), .. }) = self.job {
            let name = advert.node_name.as_deref().unwrap_or_default();
            let observer = &advert.reception.observer;
            write!(
                f,
                ", advert {} of {} `{}`, heard by {}",
                advert.hash,
                LogText::key(&advert.node_key),
                LogText::new(name),
                LogText::id(observer.as_str())
            )?;
        }
        Ok(())
    }
}

/// Levels of a topic that are shown.
const LEVELS: usize = 5;
