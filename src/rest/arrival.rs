//! What leaves the worker: answers as received, ids that cannot be had, and ends of jobs.

use systems::trade::SymbolId;
use systems::units::Nanos;

use super::plan::{Job, Reason};
use crate::tape::entry::{Body, Entry};
use crate::tape::limits::ENTRY_MAX;

/// One thing that the worker hands on, in the order in which it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When it was received.
    pub received: Nanos,
    /// What it is.
    pub news: News,
}

/// What the worker hands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A checked answer, as received.
    Answer {
        /// When the request left.
        sent: Nanos,
        /// Path and query, with names as the venue writes them.
        request: String,
        /// The body.
        text: Vec<u8>,
    },
    /// Ids that cannot be had any more.
    Unrecoverable {
        /// Which symbol.
        symbol: SymbolId,
        /// First id given up.
        from_id: u64,
        /// Last id given up.
        to_id: u64,
        /// Why.
        reason: Reason,
    },
    /// A job came to its end: everything of it was handed on before this. A job that was merged
    /// into another ends with that one.
    Ended {
        /// Which job; where others were merged into it, all that it covered.
        job: Job,
        /// How.
        end: End,
    },
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Everything that the venue has was handed on.
    Complete {
        /// Candles of it that the venue does not have.
        missing: u64,
    },
    /// The rest cannot be had.
    GivenUp(Reason),
}

impl Arrival {
    /// The tape's entry for it; `None` for what is not on tapes: ends, which only this session's
    /// queue is concerned with, and answers that are longer than an entry (lists of all symbols,
    /// which the header holds).
    pub fn entry(&self) -> Option<Entry<'_>> {
        let body = match &self.news {
            News::Answer { request, text, .. } => {
                let fits = request.len() + text.len() <= ENTRY_MAX;
                fits.then_some(Body::Answer { request, text })?
            }
            News::Unrecoverable { symbol, from_id, to_id, .. } => {
                Body::Unrecoverable { symbol: *symbol, from_id: *from_id, to_id: *to_id }
            }
            News::Ended { .. } => return None,
        };
        Some(Entry { received: self.received, body })
    }
}
