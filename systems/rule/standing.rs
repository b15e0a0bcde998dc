//! A rule's standing with one symbol: what it said about the newest candles, and what it says now.
//!
//! What a rule says follows from its conditions at each candle alone: they are kept as bits, and a
//! correction is judged by running the same small machine over the old bits and over the new ones.
//! What differs is withdrawn or told late.

use super::Judging;
use crate::limits::REJUDGE_MAX;
use crate::units::Nanos;

/// What is known of a condition at one candle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It does not hold.
    False,
    /// It holds.
    True,
    /// What it depends on is not known.
    Unknown,
}

impl Truth {
    /// From a program's value.
    pub fn of(value: f64) -> Self {
        match value {
            1.0 => Self::True,
            0.0 => Self::False,
            _ => Self::Unknown,
        }
    }
}

/// Both conditions of a rule at one candle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Start of the candle.
    pub open_time: Nanos,
    /// Whether what must hold does.
    pub when: Truth,
    /// Whether it has ended.
    pub exit: Truth,
}

/// What a rule says at one candle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// Whether it begins to hold; else it ends.
    pub enters: bool,
    /// Start of the candle.
    pub open_time: Nanos,
    /// Start of the candle at which it began to hold.
    pub entered: Nanos,
    /// Whether nobody is told, because it is history or within the cool-down.
    pub held: bool,
}

/// The machine: conditions in, beginnings and ends out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    active: bool,
    /// Whether nobody was told of the present beginning.
    held: bool,
    /// End of the first candle since which `when` has held; 0 while it does not.
    since: Nanos,
    entered: Nanos,
    /// When an alert was last due; 0 before the first.
    alerted: Nanos,
    /// End of the candle before.
    last: Nanos,
}

impl State {
    /// Start of the candle since which it holds, if it does.
    pub fn holds_since(&self) -> Option<Nanos> {
        self.active.then_some(self.entered)
    }

    /// Start of the candle at which it began to hold last.
    pub fn entered(&self) -> Nanos {
        self.entered
    }

    /// Takes the conditions as of `end`. Over more than `length` nanoseconds since the last time
    /// nobody knows whether they held. What ended at `history` or before is not told.
    pub fn step(
        &mut self,
        rule: &Judging,
        verdict: Verdict,
        (end, length): (Nanos, u64),
        history: Nanos,
    ) -> Option<Said> {
        let joined = self.last.plus(length) >= end;
        self.last = end;
        if verdict.when != Truth::True {
            self.since = Nanos(0);
        } else if self.since == Nanos(0) || !joined {
            self.since = end;
        }
        let said = |state: &Self, enters| Said {
            enters,
            open_time: verdict.open_time,
            entered: state.entered,
            held: state.held,
        };
        if self.active {
            let over = match rule.exit {
                Some(_) => verdict.exit == Truth::True,
                None => verdict.when == Truth::False,
            };
            if !over {
                return None;
            }
            (self.active, self.since) = (false, Nanos(0));
            return Some(said(self, false));
        }
        let dwelt = self.since != Nanos(0) && end.0 - self.since.0 >= rule.dwell_ns;
        if !dwelt {
            return None;
        }
        let cooling = self.alerted != Nanos(0) && end < self.alerted.plus(rule.cool_down_ns);
        self.active = true;
        self.held = cooling || end <= history;
        self.entered = verdict.open_time;
        if !self.held {
            self.alerted = end;
        }
        Some(said(self, true))
    }
}

/// A truth per candle, the newest in the lowest bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Bits {
    holds: u64,
    known: u64,
}

const _: () = assert!(REJUDGE_MAX == u64::BITS as usize);

impl Bits {
    fn push(&mut self, truth: Truth) {
        self.holds = self.holds << 1 | u64::from(truth == Truth::True);
        self.known = self.known << 1 | u64::from(truth != Truth::Unknown);
    }

    fn drop_newest(&mut self, count: u64) {
        let shift = |bits: u64| bits.checked_shr(count as u32).unwrap_or(0);
        (self.holds, self.known) = (shift(self.holds), shift(self.known));
    }

    fn back(&self, back: u64) -> Truth {
        match (self.known >> back & 1, self.holds >> back & 1) {
            (0, _) => Truth::Unknown,
            (_, 0) => Truth::False,
            _ => Truth::True,
        }
    }
}

/// What had been said about the candles that are judged, and what is said now; kept for its memory.
#[derive(Clone, Debug, Default)]
pub struct Sayings {
    was: Vec<Said>,
    is: Vec<Said>,
}

impl Sayings {
    /// What is not said any more.
    pub fn withdrawn(&self) -> impl Iterator<Item = Said> + '_ {
        self.was.iter().copied().filter(|said| !self.is.contains(said))
    }

    /// What had not been said.
    pub fn fresh(&self) -> impl Iterator<Item = Said> + '_ {
        self.is.iter().copied().filter(|said| !self.was.contains(said))
    }
}

/// What one rule said about one symbol's newest candles.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// After the newest candle that was judged.
    state: State,
    /// Before the oldest candle whose bits are kept.
    base: State,
    when: Bits,
    exit: Bits,
    /// Candles whose bits are kept.
    kept: u64,
    /// Position after the newest candle that was judged.
    end: u64,
    /// Beginnings that nobody was told of, because of the cool-down.
    pub cooled: u64,
    /// Candles at which it began to hold and somebody was told.
    pub told: Vec<Nanos>,
}

/// What judging needs to know of a row beside the rule.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// Length of its candles in nanoseconds.
    pub length: u64,
    /// What ended at this or before is history.
    pub history: Nanos,
    /// Open times as they were when the candles were last judged.
    pub before: &'a dyn Fn(u64) -> Nanos,
}

impl Row<'_> {
    fn step(&self, state: &mut State, rule: &Judging, verdict: Verdict) -> Option<Said> {
        let end = verdict.open_time.plus(self.length);
        state.step(rule, verdict, (end, self.length), self.history)
    }
}

impl Standing {
    /// Start of the candle since which the rule holds, if it does.
    pub fn holds_since(&self) -> Option<Nanos> {
        self.state.holds_since()
    }

    /// Position after the newest candle that was judged.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Judges the candles from `from` to `end` (excluded), again or for the first time, and notes
    /// what had been said about them and what is said now.
    pub fn judge(
        &mut self,
        rule: &Judging,
        row: Row<'_>,
        (from, end): (u64, u64),
        Sayings { was, is }: &mut Sayings,
        mut verdict: impl FnMut(u64) -> Verdict,
    ) {
        was.clear();
        is.clear();
        if from > self.end || self.kept < self.end.saturating_sub(from) {
            // What lies between was never judged, or is not remembered.
            (self.base, self.kept) = (self.state, 0);
        } else if from < self.end {
            let mut state = self.base;
            for position in self.end - self.kept..from {
                row.step(&mut state, rule, self.verdict(row, position));
            }
            let before = state;
            for position in from..self.end {
                let verdict = self.verdict(row, position);
                was.extend(row.step(&mut state, rule, verdict));
            }
            let count = self.end - from;
            self.when.drop_newest(count);
            self.exit.drop_newest(count);
            (self.state, self.kept) = (before, self.kept - count);
        }
        self.end = from;
        for position in from..end {
            let verdict = verdict(position);
            if self.kept == REJUDGE_MAX as u64 {
                let oldest = self.verdict(row, self.end - self.kept);
                row.step(&mut self.base, rule, oldest);
                self.kept -= 1;
            }
            self.when.push(verdict.when);
            self.exit.push(verdict.exit);
            (self.kept, self.end) = (self.kept + 1, position + 1);
            is.extend(row.step(&mut self.state, rule, verdict));
        }
    }

    /// What was judged at a position.
    fn verdict(&self, row: Row<'_>, position: u64) -> Verdict {
        let back = self.end - 1 - position;
        let (when, exit) = (self.when.back(back), self.exit.back(back));
        Verdict { open_time: (row.before)(position), when, exit }
    }

    /// Forgets those told of that can no longer be withdrawn.
    pub fn prune(&mut self, oldest: Nanos) {
        let present = self.state.entered;
        self.told.retain(|&told| told >= oldest || told == present);
    }
}
