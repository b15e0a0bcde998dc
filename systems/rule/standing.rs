//! The standing of a row's rules: what they said about the newest candles, and what they say now.
//!
//! What a rule says follows from its conditions at each candle alone: they are kept as bits, and a
//! correction is judged by running the same small machine over the old bits and over the new ones.
//! What differs is withdrawn or told late. Bits lie by candle, those of all rules beside each
//! other, so that a close touches little memory.

use super::abreast::Truths;
use super::machine::{Entry, Known, Machine};
use super::state::{Said, Truth, Verdict};
use super::{Judging, judge::Fresh};
use crate::limits::REJUDGE_MAX;
use crate::units::Nanos;

/// Candles whose bits are kept.
const KEPT: u64 = REJUDGE_MAX as u64;

/// Sayings for which room is kept: what a correction of one candle rarely exceeds.
const SAYINGS_KEPT: usize = 64;

/// What had been said about the candles that are judged, and what is said now, by the rules'
/// places; kept for its memory.
#[derive(Clone, Debug, Default)]
pub struct Sayings {
    was: Vec<(usize, Said)>,
    is: Vec<(usize, Said)>,
    /// By place, the first position at which the rule is judged.
    pub(super) from: Vec<u64>,
}

/// What judging needs to know of a row beside the rules.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// All rules of the configuration.
    pub rules: &'a [Judging],
    /// Length of its candles in nanoseconds.
    pub length: u64,
    /// What ended at this or before is history.
    pub history: Nanos,
    /// Open times as they were when the candles were last judged.
    pub before: &'a dyn Fn(u64) -> Nanos,
    /// Open times as they are.
    pub now: &'a dyn Fn(u64) -> Nanos,
}

/// What the rules of one row said about its newest candles.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Which rules, by number.
    numbers: Box<[u16]>,
    /// Which of them have a condition that ends them, a bit for each.
    exits: Box<[u64]>,
    /// After the newest candle that was judged.
    state: Machine,
    /// Before the oldest candle whose bits are kept.
    base: Machine,
    /// By candle, a ring of [`KEPT`].
    entries: Box<[Entry]>,
    /// Candles whose bits are kept.
    kept: u64,
    /// Position after the newest candle that was judged.
    end: u64,
    /// By rule, beginnings that nobody was told of because of the cool-down.
    cooled: Box<[u32]>,
}

impl Row<'_> {
    /// When a candle opened and ended.
    fn times(&self, opened: Nanos) -> (Nanos, Nanos) {
        (opened, opened.plus(self.length))
    }
}

impl Standing {
    /// Of these rules, which judged nothing yet.
    pub fn new(rules: &[Judging], numbers: Box<[u16]>) -> Self {
        let words = numbers.len().div_ceil(64);
        let machine = Machine::new(numbers.len());
        Self {
            exits: exits(rules, &numbers),
            state: machine.clone(),
            base: machine,
            entries: vec![Entry::default(); words * REJUDGE_MAX].into(),
            kept: 0,
            end: 0,
            cooled: vec![0; numbers.len()].into(),
            numbers,
        }
    }

    /// Bytes that the standing of so many rules takes beside itself.
    pub const fn bytes(rules: usize) -> usize {
        let words = rules.div_ceil(64);
        let each = 2 * 3 * size_of::<Nanos>() + size_of::<u32>() + size_of::<u16>();
        words * (REJUDGE_MAX + 2) * size_of::<Entry>() + rules * each
    }

    /// Which rules, by number.
    pub fn numbers(&self) -> &[u16] {
        &self.numbers
    }

    /// By rule, beginnings that nobody was told of because of the cool-down.
    pub fn cooled(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        self.numbers.iter().zip(&self.cooled).map(|(number, cooled)| (*number, (*cooled).into()))
    }

    /// Start of the candle since which a rule holds, if it does.
    pub fn holds_since(&self, number: u16) -> Option<Nanos> {
        self.state.holds_since(self.numbers.binary_search(&number).ok()?)
    }

    /// Whether what a rule says about a candle that is kept, or will say, may be the end of what
    /// began at the candle that opened then.
    pub fn may_end(&self, number: u16, entered: Nanos) -> bool {
        let Ok(place) = self.numbers.binary_search(&number) else { return false };
        self.state.entered(place) == entered || self.base.entered(place) == entered
    }

    /// Position after the newest candle that was judged.
    pub fn end(&self) -> u64 {
        self.end
    }

    fn known<'a>(numbers: &'a [u16], exits: &'a [u64], row: &Row<'a>) -> Known<'a> {
        Known { rules: row.rules, numbers, exits, length: row.length, history: row.history }
    }

    fn slot(&self, position: u64) -> core::ops::Range<usize> {
        let (words, slot) = (self.exits.len(), (position % KEPT) as usize);
        slot * words..(slot + 1) * words
    }

    /// Takes what is known of the next candle, once `complete` has put in what is missing of it.
    pub(super) fn add(
        &mut self,
        row: &Row<'_>,
        truths: &[Truths],
        fresh: &mut Vec<Fresh>,
        complete: impl FnOnce(&[u16], &mut [Entry]),
    ) {
        let (position, open_time) = (self.end, (row.now)(self.end));
        self.make_room(row);
        let slot = self.slot(position);
        let places = self.numbers.len();
        for (index, (entry, truths)) in
            self.entries[slot.clone()].iter_mut().zip(truths).enumerate()
        {
            let judged = u64::MAX >> (64 - (places - index * 64).min(64));
            *entry = Entry { judged, truths: *truths };
        }
        let Self { numbers, exits, state, entries, cooled, .. } = self;
        complete(numbers, &mut entries[slot.clone()]);
        let known = Self::known(numbers, exits, row);
        state.step(&known, &entries[slot], row.times(open_time), |place, said| {
            tell(row, (numbers[place], &mut cooled[place]), said, false, fresh);
        });
        self.end += 1;
        self.kept += 1;
    }

    /// Takes the oldest candle's bits into the base, if all room is taken.
    fn make_room(&mut self, row: &Row<'_>) {
        if self.kept < KEPT {
            return;
        }
        let oldest = self.end - self.kept;
        let slot = self.slot(oldest);
        let known = Self::known(&self.numbers, &self.exits, row);
        self.base.step(&known, &self.entries[slot], row.times((row.before)(oldest)), |_, _| ());
        self.kept -= 1;
    }

    /// Judges each rule from the position on that `sayings` has for its place, up to `end`
    /// (excluded), again or for the first time, and adds what differs from what had been said.
    /// None of them is more than [`REJUDGE_MAX`] before `end`.
    pub fn judge(
        &mut self,
        row: &Row<'_>,
        end: u64,
        (sayings, fresh): (&mut Sayings, &mut Vec<Fresh>),
        mut verdict: impl FnMut(u16, u64) -> Verdict,
    ) {
        let Sayings { was, is, from } = sayings;
        let (judged, first) = (self.end, from.iter().copied().min().unwrap_or(end));
        let newest = judged.checked_sub(1).map(row.before);
        was.clear();
        if first < judged {
            self.run(row, first, row.before, |place, said| was.push((place, said)));
            self.kept -= (judged - first).min(self.kept);
            self.end = first;
        } else if judged == 0 {
            // So many candles before the first can be judged later.
            self.end = first.saturating_sub(KEPT);
        }
        for position in self.end..end {
            self.make_room(row);
            let slot = self.slot(position);
            if position >= judged {
                self.entries[slot.clone()].fill(Entry::default());
            }
            for (place, (&number, &from)) in self.numbers.iter().zip(&*from).enumerate() {
                if position >= from {
                    let verdict = verdict(number, position);
                    self.entries[slot.start + place / 64].put(place % 64, verdict);
                }
            }
            self.end += 1;
            self.kept += 1;
        }
        is.clear();
        self.run(row, first, row.now, |place, said| is.push((place, said)));
        debug_assert!(was.is_sorted_by_key(order) && is.is_sorted_by_key(order));
        for (place, said) in was.iter().filter(|said| !has(is, said) && !said.1.held) {
            let rule = self.numbers[*place];
            fresh.push(Fresh { rule, said: *said, withdrawn: true, late: true });
        }
        for (place, said) in is.iter().filter(|said| !has(was, said)) {
            let late = newest.is_some_and(|newest| said.open_time <= newest);
            tell(row, (self.numbers[*place], &mut self.cooled[*place]), *said, late, fresh);
        }
        // A correction of many candles may happen to any row, and the next is far off.
        [was, is].into_iter().for_each(|said| said.shrink_to(SAYINGS_KEPT));
    }

    /// Runs the machine over what is kept, and tells what is said from `first` on.
    fn run(
        &mut self,
        row: &Row<'_>,
        first: u64,
        opened: &dyn Fn(u64) -> Nanos,
        mut say: impl FnMut(usize, Said),
    ) {
        self.state.copy_from(&self.base);
        for position in self.end - self.kept..self.end {
            let slot = self.slot(position);
            let tells = position >= first;
            let time = if tells { opened(position) } else { (row.before)(position) };
            let known = Self::known(&self.numbers, &self.exits, row);
            self.state.step(&known, &self.entries[slot], row.times(time), |place, said| {
                if tells {
                    say(place, said);
                }
            });
        }
    }
}

/// The order in which a machine says things.
fn order((place, said): &(usize, Said)) -> (Nanos, usize, bool, usize) {
    (said.open_time, place / 64, said.enters, *place)
}

/// Whether the same is among what a machine said.
fn has(sayings: &[(usize, Said)], one: &(usize, Said)) -> bool {
    sayings.binary_search_by_key(&order(one), order).is_ok_and(|at| sayings[at] == *one)
}

/// Which of these rules have a condition that ends them, a bit for each.
pub(super) fn exits(rules: &[Judging], numbers: &[u16]) -> Box<[u64]> {
    let mut exits = vec![0; numbers.len().div_ceil(64)];
    for (place, &number) in numbers.iter().enumerate() {
        let exit = rules[usize::from(number)].exit.is_some();
        exits[place / 64] |= u64::from(exit) << (place % 64);
    }
    exits.into()
}

/// Adds what a rule says now and had not said.
fn tell(
    row: &Row<'_>,
    (rule, cooled): (u16, &mut u32),
    said: Said,
    late: bool,
    fresh: &mut Vec<Fresh>,
) {
    if !said.held {
        fresh.push(Fresh { rule, said, withdrawn: false, late });
    } else if said.enters && said.open_time.plus(row.length) > row.history {
        *cooled += 1;
    }
}

impl Entry {
    pub(super) fn put(&mut self, place: usize, verdict: Verdict) {
        let bit = 1 << place;
        let mut set = |of: fn(&mut Self) -> &mut u64, is: bool| {
            let bits = of(self);
            *bits = if is { *bits | bit } else { *bits & !bit };
        };
        set(|entry| &mut entry.judged, true);
        set(|entry| &mut entry.truths.holds, verdict.when == Truth::True);
        set(|entry| &mut entry.truths.known, verdict.when != Truth::Unknown);
        set(|entry| &mut entry.truths.ends, verdict.exit == Truth::True);
    }
}
