//! Earlier tapes through a session and an engine that will go on from there.

use systems::dispatch::Request;
use systems::interval::Interval;
use systems::trade::{Batch, SymbolId};
use systems::units::Nanos;

use super::{Outputs, ReplayError, Tapes};
use crate::engine::Engine;
use crate::session::Session;
use crate::tape::entry::Body;
use crate::tape::{Block, Entry, Run};

/// Prints and controls of one step.
const STEP: usize = 16_384;

/// What tapes leave to whoever goes on from their end.
#[derive(Clone, Debug, Default)]
pub struct CaughtUp {
    /// Entries gone through.
    pub entries: u64,
    /// Prints among them.
    pub prints: u64,
    /// When the last entry was received.
    pub received: Nanos,
    /// Requests that were handed out and whose end is not on the tapes.
    pub requests: Vec<Request>,
}

/// Takes `tapes` through a session and an engine that have their symbols, `intervals` and
/// configuration. `going` is asked at every block; once it says no, the rest is left.
///
/// # Errors
/// [`ReplayError`]. A torn tape is no error: its intact part counts.
pub fn catch_up(
    tapes: &mut Tapes,
    intervals: &[Interval],
    session: &mut Session,
    engine: &mut Engine,
    outputs: &mut Outputs,
    going: &dyn Fn() -> bool,
) -> Result<CaughtUp, ReplayError> {
    let (batch, done) = (Batch::default(), CaughtUp::default());
    let mut follower = Follower { intervals, session, engine, outputs, batch, done };
    let mut block = Block::default();
    while going() && tapes.next_block(&mut block)? {
        for run in block.runs() {
            match run {
                Run::Trades(trades, received) => {
                    follower.batch.trades.extend_from_slice(trades);
                    follower.done.entries += trades.len() as u64;
                    follower.received(received.last().copied());
                }
                Run::Entry(entry) => follower.take(&tapes.entry(entry)?),
            }
            if follower.batch.len() >= STEP {
                follower.step();
            }
        }
    }
    follower.step();
    Ok(follower.done)
}

struct Follower<'a> {
    intervals: &'a [Interval],
    session: &'a mut Session,
    engine: &'a mut Engine,
    outputs: &'a mut Outputs,
    batch: Batch,
    done: CaughtUp,
}

impl Follower<'_> {
    fn take(&mut self, entry: &Entry<'_>) {
        self.done.entries += 1;
        self.received(Some(entry.received));
        if let Body::Done { symbol, interval } = entry.body {
            // What was asked for before this is handed out by now, and what is asked for after it
            // is not ended by it.
            self.step();
            let intervals = self.intervals;
            self.done.requests.retain(|request| of(request, intervals) != (symbol, interval));
        }
        self.session.take(entry, &mut self.batch);
    }

    fn received(&mut self, at: Option<Nanos>) {
        self.done.received = self.done.received.max(at.unwrap_or_default());
    }

    fn step(&mut self) {
        self.done.prints += self.batch.trades.len() as u64;
        let (outputs, requests) = (&mut *self.outputs, &mut self.done.requests);
        self.engine.step(&mut self.batch, &mut |outbox| {
            outputs.take(outbox);
            requests.extend_from_slice(&outbox.requests);
        });
    }
}

/// What the end of a request names.
fn of(request: &Request, intervals: &[Interval]) -> (SymbolId, Option<Interval>) {
    match *request {
        Request::Ids { symbol, .. } => (symbol, None),
        Request::Candles { symbol, interval, .. } => {
            (symbol, intervals.get(usize::from(interval)).copied())
        }
    }
}
