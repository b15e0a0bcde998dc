//! How each symbol begins: what was before its first print, and what is known without one.

use std::collections::VecDeque;

use systems::interval::Interval;
use systems::trade::{SymbolId, Trade};
use systems::units::Nanos;

use super::limits::UNHEARD_NS;
use crate::rest::budget::Priority;
use crate::rest::plan::{Job, Wanted};
use crate::symbols::Symbols;
use crate::venue::Channel;

/// Which symbols have begun, and what is asked for those that begin or do not.
#[derive(Debug)]
pub(super) struct Beginnings {
    base: Interval,
    /// Symbols whose first print was seen.
    begun: Vec<bool>,
    /// Up to where the warm-up brings base candles, by symbol; zero without one.
    warm_until: Vec<Nanos>,
    /// Symbols that are to be asked for if they stay silent, and when.
    due: VecDeque<(Nanos, SymbolId)>,
    /// Symbols that were asked for.
    asked: Vec<bool>,
}

impl Beginnings {
    /// The symbols of a session with these jobs, before anything has come.
    pub(super) fn new(base: Interval, begun: Vec<bool>, jobs: &[Job]) -> Self {
        let (warm_until, asked) = (vec![Nanos(0); begun.len()], vec![false; begun.len()]);
        let mut beginnings = Self { base, begun, warm_until, due: VecDeque::new(), asked };
        beginnings.warms(jobs);
        beginnings
    }

    /// One more symbol, with the next number.
    pub(super) fn add(&mut self) {
        self.begun.push(false);
        self.warm_until.push(Nanos(0));
        self.asked.push(false);
    }

    /// These jobs bring the past.
    pub(super) fn warms(&mut self, jobs: &[Job]) {
        for job in jobs {
            if let Wanted::Candles { symbol, interval, to, .. } = job.wanted
                && interval == self.base
            {
                self.warm_until[usize::from(symbol.0)] = to;
            }
        }
    }

    /// Whether a symbol's first print was seen.
    pub(super) fn has_begun(&self, symbol: SymbolId) -> bool {
        self.begun[usize::from(symbol.0)]
    }

    /// What a print from a stream calls for if it is its symbol's first: the candle that was
    /// forming has prints from before, and candles have closed since the warm-up was asked for.
    pub(super) fn heard(&mut self, first: &Trade, channel: Channel, symbols: &Symbols) -> Vec<Job> {
        let symbol = first.symbol;
        if std::mem::replace(&mut self.begun[usize::from(symbol.0)], true) {
            return Vec::new();
        }
        let name = symbols.spec(symbol).name.clone();
        let from = self.base.bucket(first.time);
        let warm_until = self.warm_until[usize::from(symbol.0)];
        let seam = (Nanos(0) < warm_until && warm_until < from).then(|| {
            let (name, interval) = (name.clone(), self.base);
            let wanted = Wanted::Candles { symbol, name, interval, from: warm_until, to: from };
            Job { priority: Priority::Suspect, wanted }
        });
        let wanted = Wanted::Head { symbol, name, channel, from, first_id: first.id };
        seam.into_iter().chain([Job { priority: Priority::Backfill, wanted }]).collect()
    }

    /// Prints of these symbols arrive from now on.
    pub(super) fn subscribed(&mut self, symbols: impl IntoIterator<Item = SymbolId>, at: Nanos) {
        let due = at.plus(UNHEARD_NS);
        self.due.extend(symbols.into_iter().map(|symbol| (due, symbol)));
    }

    /// Asks, once, for the last print of symbols that have had none for a while: its id says what
    /// comes next, and so proves that the time since was quiet.
    pub(super) fn unheard(&mut self, at: Nanos, symbols: &Symbols) -> Vec<Job> {
        let mut jobs = Vec::new();
        while let Some((_, symbol)) = self.due.pop_front_if(|(due, _)| *due <= at) {
            let asked = &mut self.asked[usize::from(symbol.0)];
            if !self.begun[usize::from(symbol.0)] && !std::mem::replace(asked, true) {
                jobs.push(last(symbol, symbols.spec(symbol).name.clone()));
            }
        }
        jobs
    }
}

fn last(symbol: SymbolId, name: Box<str>) -> Job {
    Job { priority: Priority::Backfill, wanted: Wanted::Last { symbol, name } }
}
