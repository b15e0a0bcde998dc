//! The engine: a world, its schedules, and `step`. It knows no channel, no file and no clock.

use bevy_ecs::prelude::*;
use bevy_ecs::schedule::Schedule;
use bevy_tasks::{ComputeTaskPool, TaskPoolBuilder};

use systems::awake::{Alarm, Awake};
use systems::base::Series;
use systems::bucket::Open;
use systems::dispatch::Outbox;
use systems::health::Strays;
use systems::ingest::Inbox;
use systems::ledger::Ledger;
use systems::pulse::{Beat, Clock};
use systems::reconcile::Evidence;
use systems::request::{Queue, Wants};
use systems::row::Rows;
use systems::rule::Lanes;
use systems::rule::alert::Desk;
use systems::settings::Settings;
use systems::symbol::SymbolSpec;
use systems::trade::{Batch, Control, SymbolId};
use systems::units::Nanos;
use systems::{schedule, spawn};

use crate::latency::{Ask, Spent};
use crate::probe::{self, Laps};

/// Prints in one step from which spreading over threads pays for waking them.
const BURST_PRINTS: usize = 8_192;
/// Rows whose candles may close in one pulse from which spreading pays.
const BURST_ROWS: usize = 1_500;

const fn many_rows(rows: usize) -> bool {
    rows >= BURST_ROWS
}

/// Folds batches of events into candles, values and requests.
///
/// The same events give the same outputs however they are cut into batches and on however many
/// threads: outputs are only made at pulses, and pulses follow from the heartbeats alone.
pub struct Engine {
    world: World,
    calm: Timetable,
    burst: Option<Timetable>,
    base: systems::interval::Interval,
    grace_ns: u64,
    rows: usize,
    steps: u64,
    bursts: u64,
    /// Whether stopwatches between the stages run; `None` without any.
    watched: Option<bool>,
}

/// One schedule, and the same with stopwatches where there are any. Stopwatches that rest would
/// still be visited by every step, which costs a small one more than measuring may.
struct Timetable {
    bare: Schedule,
    watched: Option<Schedule>,
}

impl Timetable {
    fn new(
        make: impl Fn() -> Schedule,
        watched: bool,
        world: &mut World,
    ) -> Result<Self, ScheduleError> {
        let mut ready = |mut schedule: Schedule| match schedule.initialize(world) {
            Ok(_) => Ok(schedule),
            Err(error) => Err(ScheduleError(error.to_string(schedule.graph(), world))),
        };
        let bare = ready(make())?;
        let hung = || {
            let mut schedule = make();
            probe::hang(&mut schedule);
            schedule
        };
        Ok(Self { bare, watched: watched.then(|| ready(hung())).transpose()? })
    }

    fn schedule(&mut self, watched: bool) -> &mut Schedule {
        match &mut self.watched {
            Some(schedule) if watched => schedule,
            _ => &mut self.bare,
        }
    }
}

/// What an engine could not be built from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the schedule does not build: {0}")]
pub struct ScheduleError(String);

impl Engine {
    /// An engine for a session's symbols, on `threads` threads (at least 1).
    ///
    /// The thread pool belongs to the process: the first engine that asks for more than one
    /// thread decides how many there are.
    ///
    /// # Errors
    /// [`ScheduleError`] if two systems are ambiguous: a mistake in `systems/schedule.rs`.
    pub fn new(
        settings: &Settings,
        symbols: &[SymbolSpec],
        threads: usize,
    ) -> Result<Self, ScheduleError> {
        Self::build(settings, symbols, threads, None)
    }

    /// The same with stopwatches between the stages, which ask this clock. The bits that come out
    /// are the same.
    ///
    /// # Errors
    /// [`ScheduleError`], as [`Engine::new`].
    pub fn watched(
        settings: &Settings,
        symbols: &[SymbolSpec],
        threads: usize,
        ask: Ask,
    ) -> Result<Self, ScheduleError> {
        Self::build(settings, symbols, threads, Some(Laps::new(ask)))
    }

    fn build(
        settings: &Settings,
        symbols: &[SymbolSpec],
        threads: usize,
        laps: Option<Laps>,
    ) -> Result<Self, ScheduleError> {
        ComputeTaskPool::get_or_init(|| {
            TaskPoolBuilder::new().num_threads(threads).thread_name("engine".into()).build()
        });
        let mut world = spawn::world(settings, symbols);
        world.insert_resource(Clock::new(settings.base(), settings.grace_ns));
        let watched = laps.as_ref().map(|_| true);
        if let Some(laps) = laps {
            world.insert_resource(laps);
        }
        let any = watched.is_some();
        let calm = Timetable::new(|| schedule::calm(settings), any, &mut world)?;
        let burst = match threads {
            0 | 1 => None,
            _ => Some(Timetable::new(|| schedule::burst(settings), any, &mut world)?),
        };
        let rows = symbols.len() * settings.intervals.len();
        let (base, grace_ns) = (settings.base(), settings.grace_ns);
        Ok(Self { world, calm, burst, base, grace_ns, rows, steps: 0, bursts: 0, watched })
    }

    /// Whether the ends of candles of so many rows are spread over threads.
    pub fn spreads(rows: usize, threads: usize) -> bool {
        threads > 1 && many_rows(rows)
    }

    /// Folds a batch and hands what each pulse put out to `sink`. The batch is left empty; its
    /// memory goes back and forth, so a caller that reuses it allocates nothing.
    pub fn step(&mut self, batch: &mut Batch, sink: &mut dyn FnMut(&Outbox)) {
        self.steps += 1;
        core::mem::swap(&mut self.world.resource_mut::<Inbox>().trades, &mut batch.trades);
        let mut from = 0;
        for (position, control) in batch.controls.drain(..) {
            if let Control::Heartbeat(to) = control {
                self.heartbeat(to, &mut from, position, sink);
            } else {
                if touches_prints(&control) {
                    let prints = core::mem::replace(&mut from, position)..position;
                    self.run(prints, None);
                }
                self.control(control);
            }
        }
        let end = self.world.resource::<Inbox>().trades.len();
        self.run(from..end, None);
        core::mem::swap(&mut self.world.resource_mut::<Inbox>().trades, &mut batch.trades);
        batch.trades.clear();
    }

    /// Ends the run: lets what earlier pulses decided or could not finish take effect. Open
    /// candles stay open.
    pub fn finish(&mut self, sink: &mut dyn FnMut(&Outbox)) {
        let now = self.world.resource::<Clock>().now();
        if now.0 == 0 {
            return;
        }
        self.pulse(0..0, now, sink);
        self.pulse(0..0, now, sink);
        while self.world.resource::<Awake>().unfinished() {
            self.pulse(0..0, now, sink);
        }
        if !self.world.resource::<Settings>().rules.judged.is_empty() {
            // What budgets hold back is told before nothing more is.
            self.world.resource_mut::<Desk>().closing = true;
            self.pulse(0..0, now, sink);
            self.world.resource_mut::<Desk>().closing = false;
        }
    }

    fn heartbeat(
        &mut self,
        to: Nanos,
        from: &mut usize,
        position: usize,
        sink: &mut dyn FnMut(&Outbox),
    ) {
        loop {
            match self.world.resource_mut::<Clock>().beat(to) {
                Beat::Pulse(at) => {
                    let prints = core::mem::replace(from, position)..position;
                    self.pulse(prints, at, sink);
                }
                Beat::Idle => return,
                Beat::Bad => {
                    self.world.resource_mut::<Strays>().bad_heartbeats += 1;
                    return;
                }
            }
        }
    }

    fn pulse(&mut self, prints: core::ops::Range<usize>, at: Nanos, sink: &mut dyn FnMut(&Outbox)) {
        self.run(prints, Some(at));
        let mut outbox = self.world.resource_mut::<Outbox>();
        if !outbox.is_empty() {
            sink(&outbox);
            outbox.clear();
            self.lap(Laps::delivered);
        }
    }

    fn lap(&mut self, mut lap: impl FnMut(&mut Laps)) {
        if self.watched == Some(true) {
            lap(&mut self.world.resource_mut::<Laps>());
        }
    }

    /// Lets the stopwatches, if there are any, run or rest from the next step on.
    pub fn watch(&mut self, on: bool) {
        self.watched = self.watched.map(|_| on);
    }

    /// What the stages took since this was asked last; nothing unless the engine is watched.
    pub fn spent(&mut self) -> Spent {
        let mut spent = Spent::default();
        self.lap(|laps| spent = laps.take());
        spent
    }

    /// Runs the schedule over some prints, and with a pulse if `pulse` says when.
    fn run(&mut self, prints: core::ops::Range<usize>, pulse: Option<Nanos>) {
        if prints.is_empty() && pulse.is_none() {
            return;
        }
        let mut inbox = self.world.resource_mut::<Inbox>();
        let due = |at: Nanos| self.base.bucket(at.minus(self.grace_ns));
        let closing = pulse.is_some_and(|at| due(at) != due(inbox.now));
        let many_rows = closing && many_rows(self.rows);
        let many = many_rows || prints.len() >= BURST_PRINTS;
        (inbox.range, inbox.pulse) = (prints, pulse.is_some());
        inbox.now = pulse.unwrap_or(inbox.now);
        inbox.burst = many && self.burst.is_some();
        self.bursts += u64::from(inbox.burst);
        self.lap(Laps::begin);
        let timetable = match &mut self.burst {
            Some(burst) if many_rows => burst,
            _ => &mut self.calm,
        };
        timetable.schedule(self.watched == Some(true)).run(&mut self.world);
        self.world.clear_trackers();
        self.lap(|laps| laps.end(pulse.is_some()));
        let mut inbox = self.world.resource_mut::<Inbox>();
        inbox.judged_at = inbox.now;
    }

    fn control(&mut self, control: Control) {
        if self.apply(control).is_none() {
            self.world.resource_mut::<Strays>().bad_controls += 1;
        }
    }

    /// Applies a control to the row it names; `None` if there is no such row.
    fn apply(&mut self, control: Control) -> Option<()> {
        let now = self.world.resource::<Clock>().now();
        match control {
            Control::Heartbeat(_) => {}
            Control::VenueCandle { symbol, interval, candle } => {
                self.evidence(symbol, interval)?.offer(candle);
            }
            Control::Feed { symbol, up } => self.ledger(symbol)?.feed(up, now),
            Control::Halt { symbol, halted } => {
                let row = self.row(symbol, 0)?;
                self.world.get_mut::<Series>(row)?.halt(halted, now);
            }
            Control::List { symbol, price, quantity } => {
                let listed = spawn::list(&mut self.world, symbol, (price, quantity));
                self.rows += if listed { self.intervals() } else { 0 };
                self.row(symbol, 0)?;
                self.note_listed(symbol, now);
            }
            Control::Unrecoverable { symbol, from_id, to_id } => {
                self.ledger(symbol)?.give_up(from_id, to_id);
            }
            Control::RequestDone { symbol, interval } => {
                let row = self.row(symbol, interval.unwrap_or(0))?;
                if interval.is_some() {
                    self.world.get_mut::<Evidence>(row)?.answer_ended();
                }
                if self.world.get_mut::<Wants>(row)?.done(interval.is_some()) {
                    self.world.resource_mut::<Queue>().answered();
                }
                self.call(symbol)?;
            }
        }
        Some(())
    }

    fn row(&self, symbol: SymbolId, interval: u8) -> Option<Entity> {
        self.world.resource::<Rows>().get(symbol, interval)
    }

    /// Notes when a symbol was listed, for rules: the first time it is.
    fn note_listed(&mut self, symbol: SymbolId, now: Nanos) {
        for interval in 0..self.intervals() as u8 {
            let row = self.row(symbol, interval);
            if let Some(mut lanes) = row.and_then(|row| self.world.get_mut::<Lanes>(row)) {
                lanes.listed.get_or_insert(now);
            }
        }
    }

    /// Has the rows of a symbol looked at in the next pulse.
    fn call(&mut self, symbol: SymbolId) -> Option<()> {
        let row = self.row(symbol, 0)?;
        self.world.get_mut::<Alarm>(row)?.call = true;
        Some(())
    }

    /// Has every row looked at in the next pulse, as if no alarm spared any: what comes out may not
    /// differ by it.
    pub fn call_all(&mut self) {
        let mut alarms = self.world.query::<&mut Alarm>();
        alarms.iter_mut(&mut self.world).for_each(|mut alarm| alarm.call = true);
    }

    fn ledger(&mut self, symbol: SymbolId) -> Option<&mut Ledger> {
        self.call(symbol)?;
        let row = self.row(symbol, 0)?;
        Some(&mut self.world.get_mut::<Open>(row)?.into_inner().ledger)
    }

    fn open(&self, symbol: SymbolId) -> Option<&Open> {
        self.world.get(self.row(symbol, 0)?)
    }

    fn evidence(&mut self, symbol: SymbolId, interval: u8) -> Option<Mut<'_, Evidence>> {
        self.call(symbol)?;
        let row = self.row(symbol, interval)?;
        self.world.get_mut::<Evidence>(row)
    }

    /// How many intervals each symbol has.
    pub fn intervals(&self) -> usize {
        self.world.resource::<Settings>().intervals.len()
    }

    /// Batches folded so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Runs of the schedule that were spread over threads.
    pub fn bursts(&self) -> u64 {
        self.bursts
    }

    /// The venue's time as of the last heartbeat.
    pub fn now(&self) -> Nanos {
        self.world.resource::<Clock>().now()
    }
}

/// Whether a control must take effect between the prints around it.
fn touches_prints(control: &Control) -> bool {
    !matches!(control, Control::VenueCandle { .. } | Control::RequestDone { interval: Some(_), .. })
}

mod ranking;
mod told;
