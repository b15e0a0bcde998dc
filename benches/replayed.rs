//! The same prints through the engine and through the hand-written loop, by the clock.

use std::hint::black_box;
use std::time::{Duration, Instant};

use systems::settings::Settings;
use systems::symbol::SymbolSpec;
use systems::trade::Batch;

use crate::hand_written::HandWritten;
use crate::inputs::{BATCH, batches, early, market, warmed};

/// Prints that are folded before the clock starts, beside some quiet minutes before them, and while
/// it runs.
pub struct Prints {
    specs: Vec<SymbolSpec>,
    warm: Vec<Batch>,
    timed: Vec<Batch>,
}

impl Prints {
    /// So many of each, of a market with `rate` prints a second.
    pub fn new(symbols: usize, rate: u64, warm: usize, timed: usize) -> Self {
        let (specs, trades) = market(symbols, warm + timed, rate);
        let (warm, timed) = trades.split_at(warm);
        let warm = [&early(symbols, &trades), warm].concat();
        Self { specs, warm: batches(&warm, BATCH), timed: batches(timed, BATCH) }
    }

    /// How long the engine takes.
    pub fn engine(&self, settings: &Settings, threads: usize) -> Duration {
        let mut engine = warmed(settings, &self.specs, threads, &self.warm);
        let mut timed = self.timed.clone();
        let begun = Instant::now();
        for batch in &mut timed {
            engine.step(batch, &mut |outbox| {
                black_box(outbox.records.len());
            });
        }
        begun.elapsed()
    }

    /// How long the loop takes, which knows the defaults alone.
    pub fn hand_written(&self) -> Duration {
        let mut own = HandWritten::new(&self.specs);
        self.warm.iter().for_each(|batch| {
            own.fold(&batch.trades);
        });
        let timed = self.timed.clone();
        let begun = Instant::now();
        for batch in &timed {
            black_box(own.fold(&batch.trades));
        }
        let elapsed = begun.elapsed();
        black_box(own.checksum());
        elapsed
    }
}
