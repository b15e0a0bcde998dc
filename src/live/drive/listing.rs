//! What the venue lists, looked at now and then: symbols that are new join, those that no longer
//! trade are retired, and come back under their number if they trade again.

use std::collections::{HashMap, HashSet};

use systems::interval::Interval;
use systems::limits::SYMBOLS_MAX;
use systems::symbol::SymbolSpec;
use systems::trade::SymbolId;
use systems::units::Nanos;

use super::{Drive, Ports};
use crate::config::Universe;
use crate::live::record::Kept;
use crate::live::universe;
use crate::rest::budget::Priority;
use crate::rest::plan::{Job, Wanted};
use crate::rest::warm_up::WarmUp;
use crate::symbols::Symbols;
use crate::tape::entry::Body;
use crate::venue::Venue;
use crate::venue::binance::{DayStatistics, Instrument};

/// What is followed of what the venue lists.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The venue.
    pub venue: Venue,
    /// Whether symbols are followed that the venue lists anew.
    pub grows: bool,
    /// What symbols that are new must be like.
    pub universe: Universe,
    /// What was traded in the last 24 hours, as the venue said last.
    pub days: Vec<DayStatistics>,
    /// How often its list is asked for, in nanoseconds; 0 for never.
    pub every_ns: u64,
    /// Symbols that traded at the venue when it was asked last.
    pub trading: usize,
    /// By number: symbols that do not trade any more.
    pub retired: Vec<bool>,
    /// How many candles of each interval are kept.
    pub lookback: Vec<(Interval, usize)>,
    /// When it was asked last.
    pub asked: Nanos,
    /// Whether that has no answer yet.
    pub under_way: bool,
}

impl Listing {
    /// Asks for the list when it is time, and never twice at once.
    pub(super) fn ask(&mut self, at: Nanos) -> impl Iterator<Item = Job> + use<> {
        let due = self.every_ns > 0 && self.asked.plus(self.every_ns) <= at && !self.under_way;
        if due {
            (self.asked, self.under_way) = (at, true);
        }
        let days = due && self.grows && universe::needs_days(&self.universe);
        let job = |wanted| Job { priority: Priority::Instruments, wanted };
        // The list comes last, and finds the day's activity there.
        let days = days.then(|| job(Wanted::DayStatistics));
        days.into_iter().chain(due.then(|| job(Wanted::Instruments)))
    }

    /// The request has come to its end.
    pub(super) fn answered(&mut self) {
        self.under_way = false;
    }

    /// Whether a symbol does not trade any more.
    pub(super) fn is_retired(&self, symbol: SymbolId) -> bool {
        self.retired.get(usize::from(symbol.0)).is_some_and(|retired| *retired)
    }

    /// How many do not trade any more.
    pub(super) fn retired(&self) -> usize {
        self.retired.iter().filter(|retired| **retired).count()
    }

    /// What has changed; `None` if the whole venue seems to be halted, which is for its minutes
    /// and no reason to leave every symbol.
    fn changes(&mut self, symbols: &Symbols, listed: &[Instrument], now: Nanos) -> Option<Changes> {
        let trading: HashMap<&str, &SymbolSpec> = listed
            .iter()
            .filter(|one| one.trading)
            .map(|one| (&*one.spec.name, &one.spec))
            .collect();
        if trading.len() * 2 < self.trading {
            let (now, before) = (trading.len(), self.trading);
            log::warn!("{now} symbols trade and {before} did: the venue seems to be halted");
            return None;
        }
        self.trading = trading.len();
        let mut changes = Changes::default();
        for (symbol, spec) in (0..).map(SymbolId).zip(symbols.specs()) {
            match (trading.get(&*spec.name), self.is_retired(symbol)) {
                (None, false) => changes.gone.push(symbol),
                (Some(now), true) if *now == spec => changes.back.push(symbol),
                (Some(_), true) => {
                    log::warn!(
                        "{} trades again, with other decimals: start anew for it",
                        spec.name
                    );
                }
                _ => {}
            }
        }
        if self.grows {
            let known: HashSet<&str> = symbols.specs().iter().map(|spec| &*spec.name).collect();
            let new = listed.iter().filter(|one| one.trading && !known.contains(&*one.spec.name));
            let days = universe::by_symbol(&self.days);
            let passing =
                new.filter(|one| universe::stopped_by(&self.universe, one, &days, now).is_none());
            changes.new = passing.map(|one| one.spec.clone()).collect();
        }
        Some(changes)
    }
}

/// How the venue's list differs from what is followed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Changes {
    gone: Vec<SymbolId>,
    back: Vec<SymbolId>,
    new: Vec<SymbolSpec>,
}

impl<P: Ports> Drive<P> {
    /// The venue's list has come.
    pub(super) fn listed(&mut self, listed: &[Instrument], at: Nanos) {
        let symbols = self.parts.session.symbols();
        let now = self.venue_now;
        let Some(changes) = self.parts.listing.changes(symbols, listed, now) else { return };
        changes.gone.into_iter().for_each(|symbol| self.retire(symbol, at));
        changes.back.into_iter().for_each(|symbol| self.bring_back(symbol, at));
        self.list(changes.new, at);
    }

    /// A symbol does not trade any more. Whether prints from just before its end are missing cannot
    /// be told by an id that follows: so what came after its last one is in doubt, and the core
    /// compares it with the venue's candles. After that it is halted, and makes none.
    fn retire(&mut self, symbol: SymbolId, at: Nanos) {
        log::info!("{} trades no more: retired", self.name(symbol));
        self.parts.listing.retired[usize::from(symbol.0)] = true;
        self.parts.fleet.leave(symbol);
        self.enter(at, Kept::Plain(Body::Feed { symbol, up: false }));
        self.enter(at, Kept::Plain(Body::Halt { symbol, halted: true }));
        self.beginnings.leave(symbol);
        let needless = |job: &Job| {
            let past = matches!(job.priority, Priority::WarmUp | Priority::Head);
            past && job.wanted.symbol() == Some(symbol)
        };
        let waiting = std::mem::take(&mut self.waiting);
        let (dropped, kept): (Vec<Job>, _) = waiting.into_iter().partition(needless);
        self.waiting = Vec::into(kept);
        dropped.iter().for_each(|job| self.ended(job, at));
    }

    /// It trades again: its next print tells by its id what was missed.
    fn bring_back(&mut self, symbol: SymbolId, at: Nanos) {
        let name = self.name(symbol);
        if let Err(error) = self.parts.fleet.join(symbol, &name, at) {
            return log::warn!("{name} trades again and cannot be followed: {error}");
        }
        log::info!("{name} trades again");
        self.parts.listing.retired[usize::from(symbol.0)] = false;
        self.enter(at, Kept::Plain(Body::Halt { symbol, halted: false }));
        if !self.beginnings.has_begun(symbol) {
            self.warm(symbol, &name, at);
        }
    }

    /// The venue lists symbols that are to be followed.
    fn list(&mut self, new: Vec<SymbolSpec>, at: Nanos) {
        let first = self.parts.session.symbols().specs().len();
        let mut taken = Vec::new();
        for spec in new {
            let next = first + taken.len();
            let joined = match next {
                SYMBOLS_MAX.. => Err(format!("{SYMBOLS_MAX} symbols are followed already")),
                _ => self
                    .parts
                    .fleet
                    .join(SymbolId(next as u16), &spec.name, at)
                    .map_err(|e| e.to_string()),
            };
            let listed = joined
                .and_then(|()| self.parts.session.list(spec.clone()).map_err(|e| e.to_string()));
            if let Err(why) = listed {
                log::warn!("{} is new and cannot be followed: {why}", spec.name);
                break;
            }
            taken.push(spec);
        }
        let count = taken.len();
        let mut anew = std::mem::take(&mut taken);
        for symbol in (first..first + count).map(|id| SymbolId(id as u16)) {
            let name = self.name(symbol);
            log::info!("{name} is listed: followed");
            self.beginnings.add();
            self.parts.listing.retired.push(false);
            self.status.listed += 1;
            self.enter(at, Kept::Listed(symbol, std::mem::take(&mut anew)));
            self.enter(at, Kept::Plain(Body::Feed { symbol, up: false }));
            self.warm(symbol, &name, at);
        }
    }

    /// Has the past of a symbol fetched.
    fn warm(&mut self, symbol: SymbolId, name: &str, at: Nanos) {
        let Listing { venue, lookback, .. } = &self.parts.listing;
        let now = self.parts.fleet.clock().venue_time(at).unwrap_or(self.venue_now);
        let mut warm = WarmUp::default();
        warm.add_symbol(*venue, (symbol, name), lookback, now);
        self.status.warm_up.1 += warm.jobs.len();
        self.waiting.extend(warm.jobs);
    }

    pub(super) fn name(&self, symbol: SymbolId) -> Box<str> {
        self.parts.session.symbols().spec(symbol).name.clone()
    }
}
