//! The recorder of the thread that folds: instants while events are decoded, histograms when their
//! step is done.

use systems::units::Nanos;

use super::Ask;
use super::boundary::Boundary;
use super::sheet::Sheet;
use super::stage::{Kind, Phase, Stage};

/// Where not every step is timed, the response of one event in so many stands for theirs, and steps of
/// so many always tell it: events that waited for a stall come in such steps.
const THIN: u32 = 32;

const KINDS: usize = Kind::ALL.len();

/// What the stages of one step took, from stopwatches between them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Nanoseconds by [`Stage::INNER`].
    pub ns: [u64; Stage::INNER.len()],
    /// Whether the stage ran.
    pub ran: [bool; Stage::INNER.len()],
}

/// An event on its way into a step.
#[derive(Clone, Copy, Debug)]
struct Pending {
    /// When it was due, or else received.
    since: Nanos,
    received: Nanos,
    /// When work on it began and when it was decoded; means nothing unless its step is timed.
    begun: Nanos,
    decoded: Nanos,
    kind: Kind,
    /// Of an untimed step, how many events it stands for.
    alike: u32,
}

/// Measures one thread.
///
/// A look at the clock takes as long as decoding a third of a frame, and recording all stages of an
/// event as long as folding it. So a session times one step in `every`, which counts for the others,
/// and beside it what is rare and matters: steps that move time, and the response in steps that are
/// not small.
pub struct Meter {
    now: Ask,
    /// How many times faster than the machine's the clock passes.
    speed: f64,
    boundary: Boundary,
    every: u32,
    steps_left: u32,
    /// Whether each event of the step at hand is timed in all its stages.
    timed: bool,
    /// What the stages inside the step at hand count for; 0 if they are not timed.
    weight: u32,
    /// Heartbeats in it, and other events.
    beats: u32,
    others: u32,
    /// When work on the event at hand began, if it is timed.
    begun: Nanos,
    /// The last instant that was asked for, while every event is timed.
    last: Nanos,
    entered: Nanos,
    heartbeat: Nanos,
    pending: Vec<Pending>,
    sheet: Sheet,
}

impl Meter {
    /// A meter for steps of at most `room` events, of which one in `every` is timed in all stages.
    pub fn new(now: Ask, boundary: Boundary, every: u32, room: usize) -> Self {
        let never = Nanos(0);
        Self {
            now,
            speed: 1.0,
            boundary,
            every: every.max(1),
            steps_left: every.max(1),
            timed: true,
            weight: 1,
            beats: 0,
            others: 0,
            begun: never,
            last: never,
            entered: never,
            heartbeat: never,
            pending: Vec::with_capacity(room),
            sheet: Sheet::default(),
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
        if self.timed {
            // Where each is timed, one begins when the one before it is done.
            self.begun = if self.every == 1 { self.last } else { (self.now)() };
        }
    }

    /// It was decoded: it is this, was received then, and was due, if anything says so, at `since`.
    #[inline]
    pub fn decoded(&mut self, kind: impl FnOnce() -> Kind, since: Nanos, received: Nanos) {
        if self.timed || self.others.is_multiple_of(THIN) {
            self.push(kind(), since, received);
        }
        self.others += 1;
    }

    /// It was a heartbeat: those are rare, and move time.
    pub fn beat(&mut self, since: Nanos, received: Nanos) {
        self.heartbeat = received;
        self.beats += 1;
        self.push(Kind::Heartbeat, since, received);
    }

    fn push(&mut self, kind: Kind, since: Nanos, received: Nanos) {
        if self.timed {
            self.last = (self.now)();
        }
        let (begun, decoded) = (self.begun, self.last);
        self.pending.push(Pending { since, received, begun, decoded, kind, alike: 1 });
    }

    /// What was taken goes into a step. Says whether its stages are to be timed.
    #[inline]
    pub fn entered(&mut self) -> bool {
        if self.events() == 0 {
            return false;
        }
        let always = self.every == 1 || self.beats > 0;
        self.weight = match (always, self.timed) {
            (true, _) => 1,
            (false, true) => self.every,
            _ => 0,
        };
        if self.weight > 0 {
            self.entered = (self.now)();
        }
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

    /// The step is done. `how` tells what its stages took and the market's time by now, and is asked
    /// where that matters.
    #[inline]
    pub fn stepped(&mut self, how: impl FnOnce() -> (Spent, Nanos)) {
        let events = self.events();
        if events == 0 {
            return;
        }
        if self.weight > 0 || events >= THIN {
            let (spent, market) = how();
            self.record(&spent, market);
        }
        self.pending.clear();
        (self.beats, self.others) = (0, 0);
        self.steps_left -= 1;
        self.timed = self.steps_left == 0 || self.every == 1;
        if self.timed {
            self.steps_left = self.every;
        }
    }

    fn events(&self) -> u32 {
        self.beats + self.others
    }

    /// Says of each event that was noted how many it stands for.
    fn weigh(&mut self) {
        // Small steps that were not timed said nothing, and one that was speaks for them.
        let alone = self.timed && self.weight > 1 && self.events() < THIN;
        let mut left = self.others;
        for event in &mut self.pending {
            event.alike = match event.kind {
                _ if alone => self.every,
                Kind::Heartbeat => 1,
                _ if self.timed => 1,
                _ => {
                    let alike = THIN.min(left);
                    left -= alike;
                    alike
                }
            };
        }
    }

    fn record(&mut self, spent: &Spent, market: Nanos) {
        let (end, phase) = ((self.now)(), self.boundary.phase(market));
        self.last = end;
        self.weigh();
        let mut counts = [0u32; KINDS];
        let pending = core::mem::take(&mut self.pending);
        for event in &pending {
            counts[event.kind as usize] += if self.timed { 1 } else { event.alike };
            let response = self.span(event.since, end);
            self.sheet.cell((Stage::Response, event.kind, phase)).record(response, event.alike);
            if self.timed {
                self.stages(event, end, phase);
            }
        }
        self.pending = pending;
        if self.weight > 0 {
            self.inside(spent, end, phase, counts);
        }
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
        let (length, size) = (self.span(self.entered, end), self.events().into());
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

    use systems::interval::Interval;

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
        (Meter::new(Arc::new(now), Boundary::of(BASE, 0), every, 200), asked)
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
            match kind {
                Kind::Heartbeat => meter.beat(Nanos(1), Nanos(1)),
                kind => meter.decoded(|| *kind, Nanos(1), Nanos(1)),
            }
        }
        let timed = meter.entered();
        let spent = Spent { ns: [7; 6], ran: [true, false, false, false, false, false] };
        meter.stepped(|| (spent, Nanos::from_seconds(30)));
        timed
    }

    #[test]
    fn one_small_step_in_so_many_is_timed_and_counts_for_the_others() {
        let (mut meter, asked) = meter(4);
        let timed = (0..16).filter(|_| step(&mut meter, &[Kind::Trade])).count();
        assert_eq!(timed, 4);
        assert!(!step(&mut meter, &[]), "nothing to measure");
        let inner = [Stage::Inbox, Stage::Decode, Stage::Gather, Stage::Ingest, Stage::Service];
        let mut found = counts(&mut meter);
        found.retain(|(_, kind, _)| *kind == Kind::Trade);
        let own = inner.into_iter().chain([Stage::Response]);
        assert_eq!(found, own.map(|stage| (stage, Kind::Trade, 16)).collect::<Vec<_>>());
        // Of four steps where an event begins and is decoded, where it enters and where it ends.
        assert_eq!(asked.load(Ordering::Relaxed) - 1, 4 * 4);
    }

    #[test]
    fn steps_that_move_time_are_always_timed() {
        let (mut meter, _) = meter(1_000);
        assert!(step(&mut meter, &[Kind::Trade]), "the first");
        assert!(!step(&mut meter, &[Kind::Trade]));
        assert!(step(&mut meter, &[Kind::Trade, Kind::Heartbeat]));
        assert!(!step(&mut meter, &[Kind::Trade]));
    }

    #[test]
    fn the_response_of_steps_that_are_not_small_stands_for_each_of_their_events() {
        let (mut meter, asked) = meter(1_000);
        step(&mut meter, &[Kind::Trade]);
        counts(&mut meter);
        let begun = asked.load(Ordering::Relaxed);
        let mut kinds = vec![Kind::Trade; 75];
        kinds[32] = Kind::Candle;
        assert!(!step(&mut meter, &kinds));
        assert_eq!(asked.load(Ordering::Relaxed) - begun, 1, "at the end");
        let response = |kind, count| (Stage::Response, kind, count);
        assert_eq!(counts(&mut meter), [response(Kind::Trade, 43), response(Kind::Candle, 32)]);
        // A step that moves time tells it, however small; any other one of fewer events does not.
        step(&mut meter, &[Kind::Trade; THIN as usize - 1]);
        assert_eq!(counts(&mut meter), []);
        step(&mut meter, &[Kind::Trade, Kind::Trade, Kind::Heartbeat]);
        let told = counts(&mut meter).into_iter().filter(|(stage, ..)| *stage == Stage::Response);
        let both = [response(Kind::Trade, 2), response(Kind::Heartbeat, 1)];
        assert_eq!(told.collect::<Vec<_>>(), both);
    }

    #[test]
    fn spans_are_the_machines_whatever_the_speed_of_the_clock() {
        let (meter, _) = meter(1);
        let mut meter = meter.at_speed(20.0);
        meter.decoded(|| Kind::Trade, Nanos(0), Nanos(0));
        meter.entered();
        meter.stepped(|| (Spent { ns: [2_000; 6], ran: [true; 6] }, Nanos(0)));
        let sheet = meter.turn(Sheet::default());
        let at = |stage| {
            let cell = sheet.cells().find(|((own, ..), _)| *own == stage);
            cell.map(|(_, cell)| cell.max())
        };
        assert_eq!((at(Stage::Ingest), at(Stage::Response)), (Some(100), Some(10)));
    }
}
