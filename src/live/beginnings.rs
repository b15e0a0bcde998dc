//! How each symbol begins: what was before its first print, and what is known without one.

use std::collections::VecDeque;

use systems::interval::Interval;
use systems::trade::{SymbolId, Trade};
use systems::units::Nanos;

use super::limits::{HEADS, UNHEARD_NS};
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
    /// Heads that wait: what candles lack that were forming when their symbol's first print came.
    heads: VecDeque<Job>,
    /// Heads that are being fetched.
    under_way: usize,
}

impl Beginnings {
    /// The symbols of a session before anything has come.
    pub(super) fn new(base: Interval, begun: Vec<bool>) -> Self {
        let asked = vec![false; begun.len()];
        let (due, heads) = (VecDeque::new(), VecDeque::new());
        Self { base, begun, due, asked, heads, under_way: 0 }
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

    /// Notes what a print from a stream calls for if it is its symbol's first: the candle that was
    /// forming has prints from before.
    pub(super) fn heard(&mut self, first: &Trade, channel: Channel, symbols: &Symbols) {
        let symbol = first.symbol;
        if std::mem::replace(&mut self.begun[usize::from(symbol.0)], true) {
            return;
        }
        let (name, from) = (symbols.spec(symbol).name.clone(), self.base.bucket(first.time));
        let wanted = Wanted::Head { symbol, name, channel, from, first_id: first.id };
        self.heads.push_back(Job { priority: Priority::Head, wanted });
    }

    /// The next head to be fetched; `needless` is raised by those before it whose candle does not
    /// want prints any more. They are expensive, and the venue's own candle comes for nothing: so
    /// only a few are under way at a time, and the others may become needless.
    pub(super) fn next_head(
        &mut self,
        is_wanted: impl Fn(SymbolId, Nanos) -> bool,
        needless: &mut u64,
    ) -> Option<Job> {
        while self.under_way < HEADS {
            let job = self.heads.pop_front()?;
            match job.wanted {
                Wanted::Head { symbol, from, .. } if !is_wanted(symbol, from) => *needless += 1,
                _ => {
                    self.under_way += 1;
                    return Some(job);
                }
            }
        }
        None
    }

    /// Nobody had room for it: it is the next again.
    pub(super) fn give_back(&mut self, head: Job) {
        self.head_ended();
        self.heads.push_front(head);
    }

    /// The head of a symbol has come to its end.
    pub(super) fn head_ended(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// A symbol trades no more: its head need not be fetched.
    pub(super) fn leave(&mut self, symbol: SymbolId) {
        self.heads.retain(|job| job.wanted.symbol() != Some(symbol));
    }

    /// Heads that wait.
    pub(super) fn waiting(&self) -> usize {
        self.heads.len()
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
    // As expensive as a head, and no more urgent.
    Job { priority: Priority::Head, wanted: Wanted::Last { symbol, name } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use systems::symbol::SymbolSpec;
    use systems::trade::TradeKind;
    use systems::units::{Price, Quantity, Scale};

    #[test]
    fn a_few_heads_are_fetched_at_a_time_and_those_that_became_needless_never() {
        let scale = Scale::exact(2);
        let spec = |id| SymbolSpec { name: format!("S{id}").into(), price: scale, quantity: scale };
        let symbols = Symbols::new((0..20).map(spec).collect()).unwrap();
        let base = Interval::parse("1m").unwrap();
        let mut beginnings = Beginnings::new(base, vec![false; 20]);
        let print = |symbol, id| Trade {
            symbol: SymbolId(symbol),
            id,
            first_id: id,
            time: Nanos::from_seconds(70),
            price: Price(1),
            quantity: Quantity(1),
            count: 1,
            aggressor: systems::trade::Aggressor::Buyer,
            kind: TradeKind::Market,
        };
        for symbol in (0..20).chain(0..20) {
            beginnings.heard(&print(symbol, 9), Channel::AggregateTrades, &symbols);
        }
        let symbol_of = |job: Job| job.wanted.symbol().unwrap().0;
        let mut needless = 0;
        let mut next = |beginnings: &mut Beginnings, wanted: &dyn Fn(SymbolId, Nanos) -> bool| {
            beginnings.next_head(wanted, &mut needless)
        };
        let all = |_, _| true;
        let first: Vec<u16> =
            std::iter::from_fn(|| next(&mut beginnings, &all).map(symbol_of)).collect();
        assert_eq!(first, (0..HEADS as u16).collect::<Vec<_>>());
        beginnings.head_ended();
        beginnings.leave(SymbolId(12));
        // Two more would be asked for, one is.
        let minute = Nanos::from_seconds(60);
        let later = move |symbol: SymbolId, from| symbol.0 >= 12 || from != minute;
        let job = next(&mut beginnings, &later).unwrap();
        assert!(next(&mut beginnings, &later).is_none());
        assert_eq!(job.wanted.symbol(), Some(SymbolId(13)));
        beginnings.give_back(job);
        assert_eq!(next(&mut beginnings, &later).map(symbol_of), Some(13));
        assert_eq!(needless, 12 - HEADS as u64);
        assert_eq!(beginnings.waiting(), 6);
    }
}
