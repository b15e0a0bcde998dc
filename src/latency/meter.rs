//! The recorder of the thread that folds: instants while events are decoded, histograms when their
//! step is done.

use systems::interval::Interval;
use systems::units::Nanos;

use super::Ask;
use super::sheet::Sheet;
use super::stage::{Kind, Phase, Stage};

/// Steps of so many events are always timed: what four looks at the clock take is nothing to them.
const LARGE: usize = 64;

const KINDS: usize = Kind::ALL.len();

/// What the stages of one step took, from stopwatches between them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Nanoseconds by [`Stage::INNER`].
    pub ns: [u64; Stage::INNER.len()],
    /// Whether the stage ran.
    pub ran: [bool; Stage::INNER.len()],
}

/// Candles that end are work of their own: what a step does right after an end is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boundary {
    base_ns: u64,
    span_ns: u64,
}

impl Boundary {
    /// Intervals shorter than this end all the time.
    const SHORTEST_NS: u64 = 10 * Nanos::PER_SECOND;

    /// After the ends of `base`, for the grace and a second on top.
    pub fn of(base: Interval, grace_ns: u64) -> Self {
        let base_ns = base.ns();
        let whole = base_ns >= Self::SHORTEST_NS.max(2 * grace_ns);
        Self { base_ns, span_ns: if whole { grace_ns + Nanos::PER_SECOND } else { 0 } }
    }

    /// The phase at an instant of the market's time.
    pub fn phase(&self, now: Nanos) -> Phase {
        if now.0 % self.base_ns < self.span_ns { Phase::Boundary } else { Phase::Calm }
    }
}

/// An event on its way into a step.
#[derive(Clone, Copy, Debug)]
struct Pending {
    /// When it was due, or else received.
    since: Nanos,
    received: Nanos,
    /// When work on it began and when it was decoded; equal if it was not timed.
    begun: Nanos,
    decoded: Nanos,
    kind: Kind,
}

/// Measures one thread.
pub struct Meter {
    now: Ask,
    /// How many times faster than the machine's the clock passes.
    speed: f64,
    boundary: Boundary,
    /// One in so many events, and of small steps one in so many, is timed in all its stages, and
    /// counts for the others. The response is recorded of every event.
    every: u32,
    left: u32,
    steps_left: u32,
    /// What the step at hand counts for; 0 if it is not timed.
    weight: u32,
    /// Whether it moves time.
    pulse: bool,
    /// Whether any event in it is timed.
    timed: bool,
    /// When work on the event at hand began, if it is timed.
    begun: Option<Nanos>,
    /// The last instant that was asked for, while every event is timed.
    last: Nanos,
    entered: Nanos,
    heartbeat: Nanos,
    pending: Vec<Pending>,
    sheet: Sheet,
}

impl Meter {
    /// A meter for steps of about `room` events, of which one in `every` is timed by itself.
    pub fn new(now: Ask, boundary: Boundary, every: u32, room: usize) -> Self {
        let (every, pending) = (every.max(1), Vec::with_capacity(room));
        let (last, entered, heartbeat) = (Nanos(0), Nanos(0), Nanos(0));
        let (begun, sheet, speed) = (None, Sheet::default(), 1.0);
        Self {
            now,
            speed,
            boundary,
            every,
            left: 1,
            steps_left: 1,
            weight: 1,
            pulse: false,
            timed: false,
            begun,
            last,
            entered,
            heartbeat,
            pending,
            sheet,
        }
    }

    /// The same with a clock that passes `speed` times as fast as the machine's.
    pub fn at_speed(self, speed: f64) -> Self {
        Self { speed, ..self }
    }

    /// The present instant.
    pub fn now(&self) -> Nanos {
        (self.now)()
    }

    /// Events were taken out of the inbox; work on the first one begins.
    #[inline]
    pub fn drained(&mut self) {
        if self.every == 1 {
            self.last = (self.now)();
        }
    }

    /// Work on an event begins.
    #[inline]
    pub fn begin(&mut self) {
        self.left -= 1;
        if self.left == 0 {
            self.left = self.every;
            // Where each is timed, one begins when the one before it is done.
            self.begun = Some(if self.every == 1 { self.last } else { (self.now)() });
        }
    }

    /// It was decoded: it is this, was received then, and was due, if anything says so, at `since`.
    #[inline]
    pub fn decoded(&mut self, kind: Kind, since: Nanos, received: Nanos) {
        let (begun, decoded) = match self.begun.take() {
            Some(begun) => {
                (self.last, self.timed) = ((self.now)(), true);
                (begun, self.last)
            }
            None => (Nanos(0), Nanos(0)),
        };
        if kind == Kind::Heartbeat {
            (self.heartbeat, self.pulse) = (received, true);
        }
        self.pending.push(Pending { since, received, begun, decoded, kind });
    }

    /// What was taken goes into a step. Says whether its stages are to be timed: those of large
    /// steps and of steps that move time always are, of the others some.
    #[inline]
    pub fn entered(&mut self) -> bool {
        if self.pending.is_empty() {
            return false;
        }
        let always = self.pulse || self.pending.len() >= LARGE;
        self.weight = if always { 1 } else { 0 };
        if !always {
            self.steps_left -= 1;
            if self.steps_left == 0 {
                (self.steps_left, self.weight) = (self.every, self.every);
            }
        }
        self.pulse = false;
        // Whoever is timed by itself wants to know how long it waited for its step.
        self.entered = if self.weight > 0 || self.timed { (self.now)() } else { Nanos(0) };
        self.timed = false;
        self.weight > 0
    }

    /// A span of the meter's clock in nanoseconds of the machine's.
    #[inline]
    pub(super) fn span(&self, from: Nanos, to: Nanos) -> u64 {
        let ns = to.0.saturating_sub(from.0);
        if self.speed == 1.0 { ns } else { (ns as f64 / self.speed) as u64 }
    }

    /// Something that belongs to no event took so long.
    pub fn note(&mut self, stage: Stage, kind: Kind, ns: u64, at: Nanos) {
        let phase = self.boundary.phase(at);
        self.sheet.cell((stage, kind, phase)).record(ns, 1);
    }

    /// So many candles that ended at `end` were handed out as closed by a pulse at `pulse`: so long
    /// after their end by the market's time, and the heartbeat that made the pulse has been with us
    /// for a while.
    pub fn closed(&mut self, end: Nanos, pulse: Nanos, count: u32) {
        let market = pulse.0.saturating_sub(end.0);
        let here = self.span(self.heartbeat, (self.now)());
        let phase = self.boundary.phase(pulse);
        self.sheet.cell((Stage::CloseDelay, Kind::All, phase)).record(market + here, count);
    }

    /// The step is done; the market's time is `market` by now.
    pub fn stepped(&mut self, spent: &Spent, market: Nanos) {
        if self.pending.is_empty() {
            return;
        }
        let (end, phase) = ((self.now)(), self.boundary.phase(market));
        self.last = end;
        let mut counts = [0u32; KINDS];
        let pending = core::mem::take(&mut self.pending);
        for event in &pending {
            counts[event.kind as usize] += 1;
            let response = self.span(event.since, end);
            self.sheet.cell((Stage::Response, event.kind, phase)).record(response, 1);
            if event.decoded > Nanos(0) {
                self.stages(event, end, phase);
            }
        }
        self.pending = pending;
        if self.weight > 0 {
            self.inside(spent, end, phase, counts);
        }
        self.pending.clear();
    }

    /// Records the stages of a step that was timed.
    fn inside(&mut self, spent: &Spent, end: Nanos, phase: Phase, counts: [u32; KINDS]) {
        let weight = self.weight;
        for (kind, count) in Kind::ALL.into_iter().zip(counts).filter(|(_, count)| *count > 0) {
            for (stage, (ns, ran)) in Stage::INNER.iter().zip(spent.ns.iter().zip(spent.ran)) {
                if ran {
                    let ns = self.span(Nanos(0), Nanos(*ns));
                    self.sheet.cell((*stage, kind, phase)).record(ns, count * weight);
                }
            }
        }
        let length = self.span(self.entered, end);
        let size = self.pending.len() as u64;
        self.sheet.cell((Stage::StepLength, Kind::All, phase)).record(length, weight);
        self.sheet.cell((Stage::StepSize, Kind::All, phase)).record(size, weight);
    }

    fn stages(&mut self, event: &Pending, end: Nanos, phase: Phase) {
        for (stage, from, to) in [
            (Stage::Inbox, event.received, event.begun),
            (Stage::Decode, event.begun, event.decoded),
            (Stage::Gather, event.decoded, self.entered),
            (Stage::Service, event.begun, end),
        ] {
            let ns = self.span(from, to);
            self.sheet.cell((stage, event.kind, phase)).record(ns, self.every);
        }
    }

    /// Exchanges what was recorded for an empty sheet.
    pub fn turn(&mut self, empty: Sheet) -> Sheet {
        core::mem::replace(&mut self.sheet, empty)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    const BASE: Interval = match Interval::new(60) {
        Some(base) => base,
        None => unreachable!(),
    };

    /// A meter whose clock passes 100 ns each time it is asked, and how often that was.
    fn meter(every: u32) -> (Meter, Arc<AtomicU64>) {
        let asked = Arc::new(AtomicU64::new(1));
        let own = asked.clone();
        let now = move || Nanos(own.fetch_add(1, Ordering::Relaxed) * 100);
        (Meter::new(Arc::new(now), Boundary::of(BASE, 0), every, 8), asked)
    }

    fn counts(meter: &mut Meter) -> Vec<(Stage, Kind, u64)> {
        let sheet = meter.turn(Sheet::default());
        let cells = sheet.cells();
        cells.map(|((stage, kind, _), cell)| (stage, kind, cell.count())).collect()
    }

    fn step(meter: &mut Meter, kinds: &[Kind]) -> bool {
        meter.drained();
        for kind in kinds {
            meter.begin();
            meter.decoded(*kind, Nanos(1), Nanos(1));
        }
        let timed = meter.entered();
        let spent = Spent { ns: [7; 6], ran: [true, false, false, false, false, false] };
        meter.stepped(&spent, Nanos::from_seconds(30));
        timed
    }

    #[test]
    fn one_in_so_many_counts_for_the_others_and_the_response_is_of_all() {
        let (mut meter, asked) = meter(4);
        let timed = (0..16).filter(|_| step(&mut meter, &[Kind::Trade])).count();
        assert_eq!(timed, 4);
        assert!(!step(&mut meter, &[]), "nothing to measure");
        let inner = [Stage::Inbox, Stage::Decode, Stage::Gather, Stage::Ingest, Stage::Service];
        let mut found = counts(&mut meter);
        found.retain(|(_, kind, _)| *kind == Kind::Trade);
        let own = inner.into_iter().chain([Stage::Response]);
        assert_eq!(found, own.map(|stage| (stage, Kind::Trade, 16)).collect::<Vec<_>>());
        // At the end of each step; and of four events where they begin, are decoded and enter.
        assert_eq!(asked.load(Ordering::Relaxed) - 1, 16 + 4 * 3);
    }

    #[test]
    fn steps_that_move_time_and_large_ones_are_always_timed() {
        let (mut meter, _) = meter(1_000);
        assert!(step(&mut meter, &[Kind::Trade]), "the first");
        assert!(!step(&mut meter, &[Kind::Trade]));
        assert!(step(&mut meter, &[Kind::Trade, Kind::Heartbeat]));
        assert!(!step(&mut meter, &[Kind::Trade]));
        assert!(step(&mut meter, &[Kind::Trade; LARGE]));
    }

    #[test]
    fn spans_are_the_machines_whatever_the_speed_of_the_clock() {
        let (meter, _) = meter(1);
        let mut meter = meter.at_speed(20.0);
        meter.decoded(Kind::Trade, Nanos(0), Nanos(0));
        meter.entered();
        meter.stepped(&Spent { ns: [2_000; 6], ran: [true; 6] }, Nanos(0));
        let sheet = meter.turn(Sheet::default());
        let at = |stage| {
            let cell = sheet.cells().find(|((own, ..), _)| *own == stage);
            cell.map(|(_, cell)| cell.max())
        };
        assert_eq!((at(Stage::Ingest), at(Stage::Response)), (Some(100), Some(10)));
    }

    #[test]
    fn ends_of_candles_are_told_apart_unless_they_are_all_the_time() {
        let minute = Boundary::of(BASE, 500 * Nanos::PER_MS);
        for (ms, phase) in [(0, Phase::Boundary), (1_499, Phase::Boundary), (1_500, Phase::Calm)] {
            assert_eq!(minute.phase(Nanos::from_ms(120_000 + ms)), phase, "{ms}");
        }
        let second = Interval::new(1).unwrap();
        assert_eq!(Boundary::of(second, 0).phase(Nanos(0)), Phase::Calm);
    }
}
