//! Replay: tapes through the session and the engine, at any speed, to the same bits.

mod catch_up;
mod drift;
mod outputs;
mod pace;
mod remap;
mod summary;
mod tally;
mod tapes;
mod until;

pub use catch_up::{CaughtUp, catch_up};
pub use drift::{DriftReport, Example};
pub use outputs::{Candles, Latest, Outputs, Said, Told, write_csv};
pub use pace::{Pace, Speed};
pub use summary::{LATENESS_OPEN_MS, OpenGap, Summary};
pub use tally::Tally;
pub use tapes::{Tapes, TapesError};
pub use until::replay_until;

use std::io;

use systems::trade::Batch;
use systems::units::Nanos;

use crate::config::Config;
use crate::engine::{Engine, ScheduleError};
use crate::session::Session;
use crate::settings::settings;
use crate::tape::{Block, Run};

/// How a replay is carried out; none of it can be seen in what comes out.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Events per step.
    pub batch: usize,
    /// Threads of the engine.
    pub threads: usize,
    /// How fast.
    pub speed: Speed,
}

/// Why a replay did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The tapes cannot be read as one session.
    #[error(transparent)]
    Tapes(#[from] TapesError),
    /// A tape's file failed while it was read.
    #[error("cannot read {file}: {source}")]
    Read {
        /// Which file.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// The schedule does not build.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
}

/// Told how far a replay has come; shows progress and sets the pace.
pub trait Watch {
    /// So many bytes of the tapes were read, so many prints seen, and market time is `now`.
    fn progress(&mut self, bytes: u64, prints: u64, now: Nanos);
}

/// Replays `tapes` under `config` and gives everything that comes out to `outputs`.
///
/// # Errors
/// [`ReplayError`]. A torn or damaged tape is no error: its intact part is replayed, and the
/// summary says what was lost.
pub fn replay(
    tapes: &mut Tapes,
    config: &Config,
    plan: &Plan,
    outputs: &mut Outputs,
    watch: &mut dyn Watch,
) -> Result<Summary, ReplayError> {
    let settings = settings(config);
    let symbols = tapes.symbols().clone();
    let mut engine = Engine::new(&settings, symbols.specs(), plan.threads)?;
    let mut session = Session::new(symbols, settings.intervals.clone(), tapes.venue());
    let mut pace = Pace::new(plan.speed);
    let mut player = Player {
        engine: &mut engine,
        outputs,
        batch: Batch::default(),
        limit: plan.batch.max(1),
        prints: 0,
    };
    let mut block = Block::default();
    let mut bytes = 0;
    while tapes.next_block(&mut block)? {
        player.play(&block, tapes, &mut session, &mut pace)?;
        bytes += block.bytes().1;
        let now = player.engine.now();
        watch.progress(bytes, player.prints, now);
    }
    player.flush();
    let prints = player.prints;
    engine.finish(&mut |outbox| outputs.take(outbox));
    let (venue, threads) = (tapes.venue(), plan.threads);
    let mut summary = Summary::collect(&engine, &session, outputs, venue, threads, prints);
    let torn = tapes.ends().filter(|(_, end)| !end.sealed || end.damage.is_some());
    summary.torn = torn.map(|(path, end)| (path.display().to_string(), end)).collect();
    Ok(summary)
}

/// Cuts entries into batches and steps the engine.
struct Player<'a> {
    engine: &'a mut Engine,
    outputs: &'a mut Outputs,
    batch: Batch,
    limit: usize,
    prints: u64,
}

impl Player<'_> {
    fn play(
        &mut self,
        block: &Block,
        tapes: &Tapes,
        session: &mut Session,
        pace: &mut Pace,
    ) -> Result<(), TapesError> {
        for run in block.runs() {
            match run {
                Run::Trades(trades, received) if pace.flat_out() => {
                    let _ = received;
                    let mut rest = trades;
                    while !rest.is_empty() {
                        let room = self.limit - self.batch.len();
                        let (now, later) = rest.split_at(room.min(rest.len()));
                        self.batch.trades.extend_from_slice(now);
                        rest = later;
                        self.flush_if_full();
                    }
                }
                Run::Trades(trades, received) => {
                    for (trade, at) in trades.iter().zip(received) {
                        self.wait(pace, *at);
                        self.batch.push(*trade);
                        self.flush_if_full();
                    }
                }
                Run::Entry(entry) => {
                    self.wait(pace, entry.received);
                    session.take(&tapes.entry(entry)?, &mut self.batch);
                    self.flush_if_full();
                }
            }
        }
        Ok(())
    }

    /// At a recorded pace: whatever was due before `at` is folded before waiting for it.
    fn wait(&mut self, pace: &mut Pace, at: Nanos) {
        if pace.must_wait(at) {
            self.flush();
            pace.wait(at, self.outputs.closed());
        }
    }

    fn flush_if_full(&mut self) {
        if self.batch.len() >= self.limit {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.prints += self.batch.trades.len() as u64;
        let outputs = &mut *self.outputs;
        self.engine.step(&mut self.batch, &mut |outbox| outputs.take(outbox));
    }
}
