//! The machine of all rules of a row at once: most of them say nothing at most
//! candles, and that is found out for sixty-four of them by a few operations on bits.

use super::Judging;
use super::abreast::Truths;
use super::state::Said;
use crate::units::Nanos;

/// What was judged at one candle of sixty-four rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// Which of them were judged there at all.
    pub(super) judged: u64,
    /// With what result.
    pub(super) truths: Truths,
}

/// Of sixty-four rules, a bit for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Word {
    active: u64,
    /// Whether nobody was told of the present beginning.
    held: u64,
    /// Whether what must hold does since an instant that is known.
    dwells: u64,
    /// Whether the candle before was judged.
    judged: u64,
}

/// When things happened to one rule; each means something only while its bit says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Times {
    /// End of the first candle since which what must hold does.
    since: Nanos,
    /// Start of the candle at which it began to hold last.
    entered: Nanos,
    /// When an alert was last due; 0 before the first.
    alerted: Nanos,
}

/// The machines of the rules of one row.
#[derive(Clone, Debug, Default)]
pub(super) struct Machine {
    words: Box<[Word]>,
    times: Box<[Times]>,
    /// End of the candle before.
    last: Nanos,
}

/// What a machine needs to know beside the conditions.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    /// All rules of the configuration.
    pub(super) rules: &'a [Judging],
    /// Which of them these are.
    pub(super) numbers: &'a [u16],
    /// Which of these have a condition that ends them, a bit for each.
    pub(super) exits: &'a [u64],
    /// Length of the candles in nanoseconds.
    pub(super) length: u64,
    /// What ended at this or before is history.
    pub(super) history: Nanos,
}

impl Machine {
    pub(super) fn new(rules: usize) -> Self {
        let words = vec![Word::default(); rules.div_ceil(64)].into();
        Self { words, times: vec![Times::default(); rules].into(), last: Nanos(0) }
    }

    /// Becomes what another one is, in the memory that it has.
    pub(super) fn copy_from(&mut self, other: &Self) {
        self.words.copy_from_slice(&other.words);
        self.times.copy_from_slice(&other.times);
        self.last = other.last;
    }

    /// Start of the candle since which a rule holds, if it does.
    pub(super) fn holds_since(&self, place: usize) -> Option<Nanos> {
        let active = self.words.get(place / 64)?.active >> (place % 64) & 1 == 1;
        active.then(|| self.times[place].entered)
    }

    /// Start of the candle at which a rule began to hold last.
    pub(super) fn entered(&self, place: usize) -> Nanos {
        self.times[place].entered
    }

    /// Takes the conditions as of `end` at the candle that opened at `open_time`, and tells by the
    /// rules' places what they say.
    #[inline]
    pub(super) fn step(
        &mut self,
        known: &Known<'_>,
        entries: &[Entry],
        (open_time, end): (Nanos, Nanos),
        mut say: impl FnMut(usize, Said),
    ) {
        // Over more than a candle since the last time nobody knows whether they held.
        let joined = if self.last.plus(known.length) >= end { u64::MAX } else { 0 };
        self.last = end;
        for (index, (word, entry)) in self.words.iter_mut().zip(entries).enumerate() {
            let Entry { judged, truths: Truths { holds, known: sure, ends } } = *entry;
            let (first, exits) = (index * 64, known.exits[index]);
            let holds = holds & judged;
            for place in places(holds & !(word.dwells & word.judged & joined)) {
                self.times[first + place].since = end;
            }
            word.dwells = word.dwells & !judged | holds;
            word.judged = judged;
            let over = word.active & judged & (exits & ends | !exits & sure & !holds);
            let may = !word.active & judged & word.dwells;
            word.active &= !over;
            word.dwells &= !over;
            for place in places(over) {
                let entered = self.times[first + place].entered;
                let held = word.held >> place & 1 == 1;
                say(first + place, Said { enters: false, open_time, entered, held });
            }
            for place in places(may) {
                let times = &mut self.times[first + place];
                let rule = &known.rules[usize::from(known.numbers[first + place])];
                if end.0 - times.since.0 < rule.dwell_ns {
                    continue;
                }
                let cooled = times.alerted.plus(rule.cool_down_ns);
                let cooling = times.alerted != Nanos(0) && end < cooled;
                let held = cooling || end <= known.history;
                word.active |= 1 << place;
                word.held = word.held & !(1 << place) | u64::from(held) << place;
                times.entered = open_time;
                if !held {
                    times.alerted = end;
                }
                say(first + place, Said { enters: true, open_time, entered: open_time, held });
            }
        }
    }
}

/// The places of the bits that are set, from the lowest on.
fn places(mut bits: u64) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        let place = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
        bits &= bits - 1;
        Some(place)
    })
}

#[cfg(test)]
mod tests {
    use super::super::state::{State, Truth, Verdict};
    use super::*;
    use crate::rule::{Program, Tell};
    use proptest::prelude::*;

    const LENGTH: u64 = 60;

    fn rule(index: u64) -> Judging {
        Judging {
            interval: 0,
            forming: false,
            when: Program::default(),
            exit: index.is_multiple_of(3).then(Program::default),
            dwell_ns: index % 4 * LENGTH,
            cool_down_ns: index % 5 * LENGTH,
            budget: None,
            only_complete: false,
            tell: Tell::Both,
            ranks: false,
        }
    }

    fn truth(known: bool, holds: bool) -> Truth {
        match (known, holds) {
            (false, _) => Truth::Unknown,
            (_, true) => Truth::True,
            _ => Truth::False,
        }
    }

    proptest! {
        /// Seventy rules at once say what seventy machines of one rule say, over stretches without
        /// candles and candles at which some are not judged.
        #[test]
        fn many_at_once_are_many_of_one(
            candles in prop::collection::vec((1u64..4, any::<[u64; 8]>()), 1..60),
            history in 0u64..600,
        ) {
            let rules: Vec<_> = (0..70).map(rule).collect();
            let numbers: Vec<u16> = (0..70).collect();
            let mut exits = [0u64; 2];
            (0..70).step_by(3).for_each(|place| exits[place / 64] |= 1 << (place % 64));
            let history = Nanos(history);
            let (rules, numbers, exits) = (&rules[..], &numbers[..], &exits[..]);
            let known = Known { rules, numbers, exits, length: LENGTH, history };
            let (mut machine, mut each) = (Machine::new(70), vec![State::default(); 70]);
            let mut open_time = Nanos(LENGTH);
            for (step, random) in candles {
                open_time = open_time.plus(step * LENGTH);
                let entry = |word: usize| {
                    let bits = &random[word * 4..][..4];
                    let truths = Truths { holds: bits[0] & bits[1], known: bits[1], ends: bits[2] };
                    // There are no rules behind the seventieth.
                    let there = if word == 0 { u64::MAX } else { (1 << (70 - 64)) - 1 };
                    Entry { judged: (bits[3] | bits[0]) & there, truths }
                };
                let entries = [entry(0), entry(1)];
                let mut got = Vec::new();
                let times = (open_time, open_time.plus(LENGTH));
                machine.step(&known, &entries, times, |place, said| got.push((place, said)));
                got.sort_by_key(|(place, _)| *place);
                let mut want = Vec::new();
                for (place, state) in each.iter_mut().enumerate() {
                    let Entry { judged, truths } = entries[place / 64];
                    let bit = |bits: u64| bits >> (place % 64) & 1 == 1;
                    if !bit(judged) {
                        continue;
                    }
                    let when = truth(bit(truths.known), bit(truths.holds));
                    let verdict = Verdict { open_time, when, exit: truth(true, bit(truths.ends)) };
                    let end = (open_time.plus(LENGTH), LENGTH);
                    let said = state.step(&rules[place], verdict, end, history);
                    want.extend(said.map(|said| (place, said)));
                }
                prop_assert_eq!(got, want);
                for (place, state) in each.iter().enumerate() {
                    prop_assert_eq!(machine.holds_since(place), state.holds_since());
                }
            }
        }
    }
}
