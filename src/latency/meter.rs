//! The recorder of the thread that folds: instants while events are decoded, histograms when their
//! step is done.

use systems::units::Nanos;

use super::Ask;
use super::boundary::Boundary;
use super::sheet::Sheet;
use super::stage::{Kind, Phase, Stage};
use counts::{Counts, Owed, Shares, add, group};

/// Where not every step is timed, the response of one event in so many stands for theirs, and steps
/// of so many always tell it: events that waited for a stall come in such steps.
const THIN: u32 = 256;

/// Of the steps that move time and close nothing, one in so many is timed.
const BEATS: u32 = 16;

/// Of a step that is timed, so many events are by themselves, and stand for the rest.
const FIRST: u32 = 8;

const KINDS: usize = Kind::ALL.len();

/// So many of [`Stage::INNER`] are over when indicators are updated.
const UPDATING: usize = 3;

/// What the stages of one step took, from stopwatches between them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Nanoseconds by [`Stage::INNER`].
    pub ns: [u64; Stage::INNER.len()],
    /// Whether the stage ran.
    pub ran: [bool; Stage::INNER.len()],
}

/// An event on its way into a step that is noted: the only one, or one for others.
#[derive(Clone, Copy, Debug)]
struct Noted {
    /// When it was due, or else received.
    since: Nanos,
    received: Nanos,
    /// When work on it began and when it was decoded, if it is timed by itself.
    timed: Option<(Nanos, Nanos)>,
    kind: Kind,
}

/// How many of the first events of a step are timed by themselves.
const fn alone(timed: bool, every: u32) -> u32 {
    match timed {
        false => 0,
        true if every == 1 => u32::MAX,
        true => FIRST,
    }
}

/// Measures one thread.
///
/// A look at the clock takes as long as decoding a third of a frame, and recording all stages of an
/// event as long as folding it. So a session times one step in `every` and some after heartbeats,
/// and beside it what is rare and matters: steps that close candles, one in `BEATS` of the others
/// that move time, and the response in steps that are not small. What is told next takes the counts
/// of what was not, so that counts are of all events, less what is owed still.
pub struct Meter {
    now: Ask,
    /// How many times faster than the machine's the clock passes.
    speed: f64,
    boundary: Boundary,
    every: u32,
    /// Steps, and events, since one was timed last.
    skipped: u32,
    unseen: Counts,
    /// By whether steps move time.
    owed: [Owed; 2],
    /// What is owed of the usual steps since one was told or timed.
    plain: Owed,
    beats_left: u32,
    /// The last stretch of candles that time has passed, and whether that is of the step at hand.
    passed: u64,
    closes: bool,
    /// Whether so many of the step at hand's first events are timed by themselves, in all stages.
    timed: bool,
    alone: u32,
    /// Number of the next event in it that is noted.
    next: u32,
    /// Whether the stages inside it are.
    inside: bool,
    /// Events in it.
    events: Counts,
    /// When work on the event at hand began, if it is timed.
    begun: Nanos,
    /// The last instant that was asked for, while every event is timed.
    last: Nanos,
    entered: Nanos,
    heartbeat: Nanos,
    noted: Vec<Noted>,
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
            unseen: [0; 2],
            owed: Default::default(),
            plain: Owed::default(),
            beats_left: 1,
            passed: 0,
            closes: false,
            timed: true,
            alone: alone(true, every.max(1)),
            next: 0,
            inside: false,
            events: [0; 2],
            begun: never,
            last: never,
            entered: never,
            heartbeat: never,
            noted: Vec::with_capacity(room),
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
        if self.events[0] < self.alone {
            // Where each is timed, one begins when the one before it is done.
            self.begun = if self.every == 1 { self.last } else { (self.now)() };
        }
    }

    /// It was decoded: it is this, was received then, and was due, if anything says so, at `since`.
    #[inline]
    pub fn decoded(&mut self, kind: impl FnOnce() -> Kind, since: Nanos, received: Nanos) {
        if self.events[0] == self.next {
            self.push(kind(), since, received);
            let after = self.next + 1;
            self.next = if after < self.alone { after } else { after.next_multiple_of(THIN) };
        }
        self.events[0] += 1;
    }

    /// It was a heartbeat, which moves the market's time to `at`.
    pub fn beat(&mut self, at: Nanos, since: Nanos, received: Nanos) {
        let passed = self.boundary.passed(at);
        self.closes |= core::mem::replace(&mut self.passed, passed) != passed;
        self.heartbeat = received;
        self.push(Kind::Heartbeat, since, received);
        self.events[1] += 1;
    }

    fn push(&mut self, kind: Kind, since: Nanos, received: Nanos) {
        let timed = (self.events[0] < self.alone).then(|| self.instants());
        self.noted.push(Noted { since, received, timed, kind });
    }

    /// Of an event that is timed by itself.
    fn instants(&mut self) -> (Nanos, Nanos) {
        self.last = (self.now)();
        (self.begun, self.last)
    }

    /// What was taken goes into a step. Says whether its stages are to be timed.
    #[inline]
    pub fn entered(&mut self) -> bool {
        let [others, beats] = self.events;
        self.inside = false;
        if beats == 0 && (others == 0 || !self.timed) {
            return false;
        }
        self.inside = self.every == 1 || self.closes;
        if !self.inside && beats > 0 {
            self.beats_left -= 1;
            self.inside = self.beats_left == 0;
            self.beats_left = if self.inside { BEATS } else { self.beats_left };
        } else {
            self.inside |= self.timed;
        }
        if self.inside || self.timed {
            self.entered = (self.now)();
        }
        self.inside
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
        self.sheet.cell((Stage::Closing, Kind::All, phase)).record(here, count);
    }

    /// The step is done. `how` tells what its stages took and the market's time by now, and is
    /// asked where that matters.
    #[inline]
    pub fn stepped(&mut self, how: impl FnOnce() -> (Spent, Nanos)) {
        let [others, beats] = self.events;
        // What a session does most of the time.
        if beats == 0 && others < THIN && !self.timed && others > 0 {
            self.plain.steps += 1;
            self.plain.events[0] += others;
            self.skipped += 1;
            if self.skipped + 1 >= self.every {
                (self.timed, self.alone) = (true, alone(true, self.every));
            }
            self.noted.clear();
            (self.events[0], self.next) = (0, 0);
        } else {
            self.tell(how);
        }
    }

    /// Tells of the step at hand, as far as it is one that is told.
    #[inline(never)]
    fn tell(&mut self, how: impl FnOnce() -> (Spent, Nanos)) {
        let [others, beats] = self.events;
        if others + beats == 0 {
            return;
        }
        let plain = core::mem::take(&mut self.plain);
        self.owed[0].steps += plain.steps;
        add(&mut self.owed[0].events, plain.events);
        add(&mut self.unseen, plain.events);
        let told = self.inside || others + beats >= THIN;
        let owed = &mut self.owed[usize::from(beats > 0)];
        owed.steps += u32::from(!self.inside);
        if !told {
            add(&mut owed.events, self.events);
        }
        if !self.timed {
            add(&mut self.unseen, self.events);
        }
        if told || self.timed {
            let (spent, market) = how();
            self.record(told, &spent, market);
        }
        self.skipped = if self.timed { 0 } else { self.skipped + 1 };
        // Where steps are few, time passes ten times a second.
        self.timed = self.skipped + 1 >= self.every || beats > 0 && self.inside;
        self.alone = alone(self.timed, self.every);
        self.noted.clear();
        (self.events, self.next, self.closes) = ([0; 2], 0, false);
    }

    fn record(&mut self, told: bool, spent: &Spent, market: Nanos) {
        let (end, phase) = ((self.now)(), self.boundary.phase(market));
        self.last = end;
        let [others, beats] = self.events;
        // What is told always speaks for nothing else.
        let speaks = self.inside && !self.closes;
        let small = others + beats < THIN;
        let class = usize::from(beats > 0);
        let mut inner = [0u32; KINDS];
        let noted = core::mem::take(&mut self.noted);
        let updated = self.entered.plus(spent.ns[..UPDATING].iter().sum());
        for of in 0..self.events.len() {
            let alike = || noted.iter().filter(|event| group(event.kind) == of);
            let own = self.events[of];
            let own_shares = Shares::new(own, alike().count());
            let owed = &mut self.owed[class].events[of];
            let owed = if speaks && small && own > 0 { core::mem::take(owed) } else { 0 };
            let responses = Shares::new(own + owed, alike().count());
            let timed = alike().filter(|event| event.timed.is_some()).count();
            let unseen = if timed > 0 { core::mem::take(&mut self.unseen[of]) } else { 0 };
            let mut stages = Shares::new(own + unseen, timed);
            if self.timed && timed == 0 {
                self.unseen[of] += own;
            }
            for ((event, own), count) in alike().zip(own_shares).zip(responses) {
                inner[event.kind as usize] += own;
                if told {
                    let response = self.span(event.since, end);
                    self.sheet.cell((Stage::Response, event.kind, phase)).record(response, count);
                }
                if let Some(instants) = event.timed {
                    let count = stages.next().unwrap_or(0);
                    self.stages(event, instants, (end, phase), count);
                    if self.every == 1 {
                        let ns = self.span(event.received, updated);
                        self.sheet.cell((Stage::Updated, event.kind, phase)).record(ns, count);
                    }
                }
            }
        }
        self.noted = noted;
        if self.inside {
            let owed = &mut self.owed[class].steps;
            let weight = 1 + if speaks { core::mem::take(owed) } else { 0 };
            self.inside(spent, (end, phase), inner, weight);
        }
    }

    /// Records the stages of a step that was timed, which counts for so many.
    fn inside(
        &mut self,
        spent: &Spent,
        (end, phase): (Nanos, Phase),
        counts: [u32; KINDS],
        weight: u32,
    ) {
        for (kind, count) in Kind::ALL.into_iter().zip(counts).filter(|(_, count)| *count > 0) {
            for (stage, (ns, ran)) in Stage::INNER.iter().zip(spent.ns.iter().zip(spent.ran)) {
                if ran {
                    let ns = self.span(Nanos(0), Nanos(*ns));
                    self.sheet.cell((*stage, kind, phase)).record(ns, count * weight);
                }
            }
        }
        let length = self.span(self.entered, end);
        let size = self.events.iter().sum::<u32>().into();
        self.sheet.cell((Stage::StepLength, Kind::All, phase)).record(length, weight);
        self.sheet.cell((Stage::StepSize, Kind::All, phase)).record(size, weight);
    }

    /// Records the stages of an event that was timed by itself, which counts for so many.
    fn stages(
        &mut self,
        event: &Noted,
        (begun, decoded): (Nanos, Nanos),
        (end, phase): (Nanos, Phase),
        count: u32,
    ) {
        for (stage, from, to) in [
            (Stage::Inbox, event.received, begun),
            (Stage::Decode, begun, decoded),
            (Stage::Gather, decoded, self.entered),
            (Stage::Service, begun, end),
        ] {
            let ns = self.span(from, to);
            self.sheet.cell((stage, event.kind, phase)).record(ns, count);
        }
    }

    /// Exchanges what was recorded for an empty sheet.
    pub fn turn(&mut self, empty: Sheet) -> Sheet {
        core::mem::replace(&mut self.sheet, empty)
    }
}

mod counts;
#[cfg(test)]
mod tests;
