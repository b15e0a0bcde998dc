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
    /// Symbols that are to be asked for if they stay silent, and when.
    due: VecDeque<(Nanos, SymbolId)>,
    /// Symbols that were asked for.
    asked: Vec<bool>,
}

impl Beginnings {
    /// The symbols of a session before anything has come.
    pub(super) fn new(base: Interval, begun: Vec<bool>) -> Self {
        let asked = vec![false; begun.len()];
        Self { base, begun, due: VecDeque::new(), asked }
    }

    /// One more symbol, with the next number.
    pub(super) fn add(&mut self) {
        self.begun.push(false);
        self.asked.push(false);
    }

    /// Whether a symbol's first print was seen.
    pub(super) fn has_begun(&self, symbol: SymbolId) -> bool {
        self.begun[usize::from(symbol.0)]
    }

    /// What a print from a stream calls for if it is its symbol's first: the candle that was
    /// forming has prints from before.
    pub(super) fn heard(
        &mut self,
        first: &Trade,
        channel: Channel,
        symbols: &Symbols,
    ) -> Option<Job> {
        let symbol = first.symbol;
        if std::mem::replace(&mut self.begun[usize::from(symbol.0)], true) {
            return None;
        }
        let (name, from) = (symbols.spec(symbol).name.clone(), self.base.bucket(first.time));
        let wanted = Wanted::Head { symbol, name, channel, from, first_id: first.id };
        Some(Job { priority: Priority::Backfill, wanted })
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
