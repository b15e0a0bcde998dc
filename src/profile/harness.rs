//! What both paths share: session, engine, outputs, and the meter over them.

use systems::interval::Interval;
use systems::trade::Batch;
use systems::units::Nanos;

use super::process::Used;
use super::{Load, Plan, ProfileError, Run};
use crate::config::Config;
use crate::engine::Engine;
use crate::latency::{
    Ask, Boundary, Keeper, Kind, LogFile, Meter, kind_of, note_closed, note_decoded,
};
use crate::live::limits::BATCH;
use crate::replay::Outputs;
use crate::session::Session;
use crate::settings::{settings, widths};
use crate::tape::entry::Entry;

/// The engine's side of a profile.
pub(super) struct Harness {
    engine: Engine,
    session: Session,
    outputs: Outputs,
    batch: Batch,
    intervals: Vec<Interval>,
    pub(super) meter: Meter,
    keeper: Keeper,
    /// Entries that are still warm-up.
    cold: usize,
    /// When measuring began, what the thread had used, and steps until then.
    begun: (Nanos, Used, u64),
    entries: u64,
    prints: u64,
}

impl Harness {
    pub(super) fn new(
        load: &Load,
        config: &Config,
        plan: &Plan,
        log: Option<&LogFile>,
        clock: &Ask,
    ) -> Result<Self, ProfileError> {
        let told = settings(config);
        let symbols = load.symbols();
        let engine = Engine::watched(&told, symbols.specs(), plan.threads, clock.clone())?;
        let session = Session::new(symbols.clone(), told.intervals.clone(), load.venue().name());
        let boundary = Boundary::of(told.base(), told.grace_ns);
        let now = clock();
        Ok(Self {
            engine,
            session,
            outputs: Outputs::new(widths(config), false),
            batch: Batch::default(),
            intervals: told.intervals,
            meter: Meter::new(clock.clone(), boundary, 1, BATCH),
            keeper: Keeper::start(plan.interval_ns, log, now)?,
            cold: plan.warm_up.min(load.entries().len() / 2),
            begun: (now, Used::now(), 0),
            entries: 0,
            prints: 0,
        })
    }

    /// The market's time.
    pub(super) fn market(&self) -> Nanos {
        self.engine.now()
    }

    /// Decodes an entry into the batch. It was received at `received`, and was due at `due`.
    pub(super) fn take(&mut self, entry: &Entry<'_>, due: Nanos, received: Nanos) -> Kind {
        self.meter.begin();
        let prints = self.batch.trades.len();
        let decoded = self.session.take(entry, &mut self.batch);
        note_decoded(&mut self.meter, entry, decoded.as_ref(), due, received);
        self.prints += (self.batch.trades.len() - prints) as u64;
        self.entries += 1;
        kind_of(entry, decoded.as_ref())
    }

    /// Folds what was taken.
    pub(super) fn step(&mut self) {
        let timed = self.meter.entered();
        self.engine.watch(timed);
        let Self { engine, outputs, meter, intervals, .. } = self;
        engine.step(&mut self.batch, &mut |outbox| {
            outputs.take(outbox);
            note_closed(outbox, intervals, meter);
        });
        let market = self.engine.now();
        self.meter.stepped(|| (self.engine.spent(), market));
        if self.cold > 0 {
            self.warm();
        } else {
            let now = self.meter.now();
            self.keeper.turn(&mut self.meter, now, market);
        }
    }

    /// Begins to measure once the warm-up is over.
    fn warm(&mut self) {
        if (self.entries as usize) < self.cold {
            return;
        }
        self.cold = 0;
        let now = self.meter.now();
        self.keeper.forget(&mut self.meter, now);
        self.begun = (now, Used::now(), self.engine.steps());
        (self.entries, self.prints) = (0, 0);
    }

    /// Ends the run.
    pub(super) fn finish(mut self) -> Run {
        let (now, market) = (self.meter.now(), self.engine.now());
        let (begun, used, steps) = self.begun;
        let used = Used::now().since(&used);
        let steps = self.engine.steps() - steps;
        let kept = self.keeper.finish(&mut self.meter, now, market);
        let outputs = &mut self.outputs;
        self.engine.finish(&mut |outbox| outputs.take(outbox));
        Run {
            kept,
            elapsed_ns: now.0.saturating_sub(begun.0),
            entries: self.entries,
            prints: self.prints,
            steps,
            candles: self.outputs.closed(),
            digest: self.outputs.digest(),
            used,
        }
    }
}
