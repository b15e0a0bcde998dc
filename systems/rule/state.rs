//! What is known of a rule's conditions, and what it says. In tests there is the machine of one
//! rule and one symbol in plain words, too: the oracle of `machine.rs`, that of many at once.

#[cfg(test)]
use super::Judging;
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

/// The machine of one rule: conditions in, beginnings and ends out.
#[cfg(test)]
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

#[cfg(test)]
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
