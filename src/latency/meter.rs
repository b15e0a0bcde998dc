//! The recorder of the thread that folds: instants while events are decoded, histograms when their
//! step is done.

use systems::units::Nanos;

use super::Ask;
use super::boundary::Boundary;
use super::sheet::Sheet;
use super::stage::{Kind, Phase, Stage};

/// Where not every step is timed, the response of one event in so many stands for theirs, and steps
/// of so many always tell it: events that waited for a stall come in such steps.
const THIN: u32 = 128;

/// Of the steps that move time and close nothing, one in so many is timed.
const BEATS: u32 = 4;

/// Of a step that is timed, so many events are by themselves, and stand for the rest.
const FIRST: u32 = 8;

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
    /// Whether it was timed by itself.
    timed: bool,
    /// Its place among the events of its step that are no heartbeats.
    place: u32,
    /// How many of its step it stands for.
    alike: u32,
}

/// Measures one thread.
///
/// A look at the clock takes as long as decoding a third of a frame, and recording all stages of an
/// event as long as folding it. So a session times one step in `every` and one after each
/// heartbeat, which count for those before, and beside it what is rare and matters: steps that
/// close candles, one in `BEATS` of the others that move time, and the response in steps that are
/// not small.
pub struct Meter {
    now: Ask,
    /// How many times faster than the machine's the clock passes.
    speed: f64,
    boundary: Boundary,
    every: u32,
    /// Steps since one was timed last.
    skipped: u32,
    beats_left: u32,
    /// The last stretch of candles that time has passed, and whether that is of the step at hand.
    passed: u64,
    closes: bool,
    /// Whether events of the step at hand are timed in all their stages.
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
    /// A meter for steps of about `room` events, of which at least one in `every` is timed in all
    /// stages.
    pub fn new(now: Ask, boundary: Boundary, every: u32, room: usize) -> Self {
        let never = Nanos(0);
        Self {
            now,
            speed: 1.0,
            boundary,
            every: every.max(1),
            skipped: 0,
            beats_left: 1,
            passed: 0,
            closes: false,
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
        if self.times() {
            // Where each is timed, one begins when the one before it is done.
            self.begun = if self.every == 1 { self.last } else { (self.now)() };
        }
    }

    /// It was decoded: it is this, was received then, and was due, if anything says so, at `since`.
    #[inline]
    pub fn decoded(&mut self, kind: impl FnOnce() -> Kind, since: Nanos, received: Nanos) {
        if self.times() || self.others.is_multiple_of(THIN) {
            self.push(kind(), since, received);
        }
        self.others += 1;
    }

    /// It was a heartbeat, which moves the market's time to `at`.
    pub fn beat(&mut self, at: Nanos, since: Nanos, received: Nanos) {
        let passed = self.boundary.passed(at);
        self.closes |= core::mem::replace(&mut self.passed, passed) != passed;
        self.heartbeat = received;
        self.beats += 1;
        self.push(Kind::Heartbeat, since, received);
    }

    /// Whether the event at hand is timed.
    #[inline]
    fn times(&self) -> bool {
        self.timed && (self.others < FIRST || self.every == 1)
    }

    fn push(&mut self, kind: Kind, since: Nanos, received: Nanos) {
        let timed = self.times();
        if timed {
            self.last = (self.now)();
        }
        let (begun, decoded, place) = (self.begun, self.last, self.others);
        let one = Pending { since, received, begun, decoded, kind, timed, place, alike: 1 };
        self.pending.push(one);
    }

    /// What was taken goes into a step. Says whether its stages are to be timed.
    #[inline]
    pub fn entered(&mut self) -> bool {
        if self.events() == 0 {
            return false;
        }
        self.weight = match self.beats {
            _ if self.every == 1 || self.closes => 1,
            0 if self.timed => self.skipped + 1,
            0 => 0,
            _ => {
                self.beats_left -= 1;
                let timed = self.beats_left == 0;
                self.beats_left = if timed { BEATS } else { self.beats_left };
                if timed { BEATS } else { 0 }
            }
        };
        if self.weight > 0 || self.timed {
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

    /// The step is done. `how` tells what its stages took and the market's time by now, and is
    /// asked where that matters.
    #[inline]
    pub fn stepped(&mut self, how: impl FnOnce() -> (Spent, Nanos)) {
        let events = self.events();
        if events == 0 {
            return;
        }
        if self.weight > 0 || self.timed || events >= THIN {
            let (spent, market) = how();
            self.record(&spent, market);
        }
        self.pending.clear();
        let timed_beat = self.beats > 0 && self.weight > 0;
        (self.beats, self.others, self.closes) = (0, 0, false);
        self.skipped = if self.timed { 0 } else { self.skipped + 1 };
        // Where steps are few, time passes ten times a second.
        self.timed = self.skipped + 1 >= self.every || timed_beat;
    }

    fn events(&self) -> u32 {
        self.beats + self.others
    }

    /// Says of each event that was noted how many of its step it stands for.
    fn weigh(&mut self) {
        let mut next = self.others;
        let noted = self.pending.iter_mut().filter(|event| event.kind != Kind::Heartbeat);
        for event in noted.rev() {
            event.alike = next - event.place;
            next = event.place;
        }
    }

    fn record(&mut self, spent: &Spent, market: Nanos) {
        let (end, phase) = ((self.now)(), self.boundary.phase(market));
        self.last = end;
        self.weigh();
        // Small steps that say nothing are stood for by those like them that do.
        let small = if self.events() < THIN { self.weight } else { 1 };
        let mut counts = [0u32; KINDS];
        let pending = core::mem::take(&mut self.pending);
        for event in &pending {
            let response = self.span(event.since, end);
            counts[event.kind as usize] += event.alike;
            if small > 0 {
                let cell = self.sheet.cell((Stage::Response, event.kind, phase));
                cell.record(response, event.alike * small);
            }
            if event.timed {
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
        for (kind, count) in Kind::ALL.into_iter().zip(counts).filter(|(_, count)| *count > 0) {
            for (stage, (ns, ran)) in Stage::INNER.iter().zip(spent.ns.iter().zip(spent.ran)) {
                if ran {
                    let ns = self.span(Nanos(0), Nanos(*ns));
                    self.sheet.cell((*stage, kind, phase)).record(ns, count * self.weight);
                }
            }
        }
        let (length, size) = (self.span(self.entered, end), self.events().into());
        self.sheet.cell((Stage::StepLength, Kind::All, phase)).record(length, self.weight);
        self.sheet.cell((Stage::StepSize, Kind::All, phase)).record(size, self.weight);
    }

    fn stages(&mut self, event: &Pending, end: Nanos, phase: Phase) {
        // The last one that is timed stands for those that are not.
        let last = self.every > 1 && event.place + 1 == FIRST.min(self.others);
        let rest = last && event.kind != Kind::Heartbeat;
        let alike = if rest { self.others - event.place } else { 1 };
        for (stage, from, to) in [
            (Stage::Inbox, event.received, event.begun),
            (Stage::Decode, event.begun, event.decoded),
            (Stage::Gather, event.decoded, self.entered),
            (Stage::Service, event.begun, end),
        ] {
            let ns = self.span(from, to);
            self.sheet.cell((stage, event.kind, phase)).record(ns, alike * (self.skipped + 1));
        }
    }

    /// Exchanges what was recorded for an empty sheet.
    pub fn turn(&mut self, empty: Sheet) -> Sheet {
        core::mem::replace(&mut self.sheet, empty)
    }
}

#[cfg(test)]
mod tests;
