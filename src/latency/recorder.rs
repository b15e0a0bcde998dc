//! A meter with its keeper: what a live session carries.

use std::io;

use systems::units::Nanos;

use super::keeper::{Keeper, Kept, LogFile, View};
use super::meter::Meter;
use super::stage::{Kind, Stage};

/// Measures a session and keeps what it measured.
pub struct Recorder {
    /// What the engine's thread notes in.
    pub meter: Meter,
    keeper: Keeper,
}

impl Recorder {
    /// Starts the keeper's thread.
    ///
    /// # Errors
    /// The thread or the log cannot be made.
    pub fn start(meter: Meter, interval_ns: u64, log: Option<&LogFile>) -> io::Result<Self> {
        let keeper = Keeper::start(interval_ns, log, meter.now())?;
        Ok(Self { meter, keeper })
    }

    /// Where others may look.
    pub fn view(&self) -> View {
        self.keeper.view()
    }

    /// An answer to `request`, sent at `sent`, was there at `received`.
    pub fn answered(&mut self, request: &str, sent: Nanos, received: Nanos, market: Nanos) {
        let kind = if request.contains("klines") {
            Kind::Candle
        } else if request.contains("rades") {
            Kind::Trade
        } else {
            Kind::Answer
        };
        let ns = self.meter.span(sent, received);
        self.meter.note(Stage::RoundTrip, kind, ns, market);
    }

    /// Hands over what was recorded if an interval is over.
    pub fn turn(&mut self, market: Nanos) {
        let now = self.meter.now();
        self.keeper.turn(&mut self.meter, now, market);
    }

    /// Ends it.
    pub fn finish(mut self, market: Nanos) -> Kept {
        let now = self.meter.now();
        self.keeper.finish(&mut self.meter, now, market)
    }
}
