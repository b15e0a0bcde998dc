//! How each symbol begins: what was before its first print, and what is known without one.

use std::collections::VecDeque;

use systems::interval::Interval;
use systems::trade::{SymbolId, Trade};
use systems::units::Nanos;

use super::limits::UNHEARD_NS;
use crate::link::Plan;
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
    /// Connections whose silent symbols are to be asked for, and when.
    due: VecDeque<(Nanos, u16)>,
    /// Symbols that were asked for.
    asked: Vec<bool>,
}

impl Beginnings {
    /// The symbols of a session with these jobs, before anything has come.
    pub(super) fn new(base: Interval, begun: Vec<bool>, jobs: &[Job]) -> Self {
        let mut warm_until = vec![Nanos(0); begun.len()];
        for job in jobs {
            if let Wanted::Candles { symbol, interval, to, .. } = job.wanted
                && interval == base
            {
                warm_until[usize::from(symbol.0)] = to;
            }
        }
        let asked = vec![false; begun.len()];
        Self { base, begun, warm_until, due: VecDeque::new(), asked }
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

    /// A connection brings its symbols from now on.
    pub(super) fn subscribed(&mut self, link: u16, at: Nanos) {
        self.due.push_back((at.plus(UNHEARD_NS), link));
    }

    /// Asks, once, for the last print of symbols that have had none for a while: its id says what
    /// comes next, and so proves that the time since was quiet.
    pub(super) fn unheard(&mut self, at: Nanos, plan: &Plan, symbols: &Symbols) -> Vec<Job> {
        let mut jobs = Vec::new();
        while let Some((_, link)) = self.due.pop_front_if(|(due, _)| *due <= at) {
            for symbol in plan.symbols_of(usize::from(link / 2)) {
                let number = usize::from(symbol.0);
                if !self.begun[number] && !std::mem::replace(&mut self.asked[number], true) {
                    let name = symbols.spec(symbol).name.clone();
                    jobs.push(last(symbol, name));
                }
            }
        }
        jobs
    }
}

fn last(symbol: SymbolId, name: Box<str>) -> Job {
    Job { priority: Priority::Backfill, wanted: Wanted::Last { symbol, name } }
}
