//! What both paths share: session, engine, outputs, and the meter over them.

use systems::interval::Interval;
use systems::trade::Batch;
use systems::units::Nanos;

use super::drain::{Drain, Surge, Waited};
use super::process::Used;
use super::{Load, Plan, ProfileError, Run, Schedule};
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

/// Later than anything is due.
const NEVER: Nanos = Nanos(u64::MAX);

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
    /// The surge of the load, if it has one, and the steps that are measured: when each ended, and
    /// since when the first of its entries had been due.
    surge: Option<Surge>,
    steps: Vec<(Nanos, Nanos)>,
    /// Since when the first entry of the step at hand has been due.
    oldest: Nanos,
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
        schedule: &Schedule,
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
            cold: plan.warm_up,
            surge: Surge::of(schedule.instants_since_start()),
            steps: Vec::new(),
            oldest: NEVER,
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
        self.oldest = self.oldest.min(due);
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
        let oldest = core::mem::replace(&mut self.oldest, NEVER);
        if self.cold > 0 {
            self.warm();
        } else {
            let now = self.meter.now();
            self.keeper.turn(&mut self.meter, now, market);
            if self.surge.is_some() {
                self.steps.push((now, oldest));
            }
        }
    }

    /// How the run, which started at `start`, came out of its surge.
    fn drain(&self, start: Nanos) -> Option<Drain> {
        let since = |from: Nanos, to: Nanos| to.0.saturating_sub(from.0);
        let steps = self
            .steps
            .iter()
            .map(|(end, oldest)| Waited { end_ns: since(start, *end), ns: since(*oldest, *end) });
        Drain::of(self.surge?, &steps.collect::<Vec<_>>())
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

    /// Ends the run, which started at `start`.
    pub(super) fn finish(mut self, start: Nanos) -> Run {
        let drain = self.drain(start);
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
            drain,
            used,
        }
    }
}
