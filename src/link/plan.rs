//! Which symbols go over which connection, decided before anything is dialled.

use core::fmt;

use systems::interval::Interval;
use systems::trade::SymbolId;
use systems::units::Nanos;

use super::commands::batches;
use super::limits::{
    ATTEMPTS_PER_LINK, ATTEMPTS_PERCENT, MESSAGES_FOR_PONGS, MESSAGES_SPAN_PERCENT, MESSAGES_SPARE,
    ROTATE_BEFORE_NS,
};
use crate::symbols::Symbols;
use crate::venue::Venue;
use crate::venue::link::{LinkFacts, Streams};

/// Symbols shared out over connections within the venue's limits.
#[derive(Clone, Debug)]
pub struct Plan {
    venue: Venue,
    facts: LinkFacts,
    streams: Streams,
    shares: Vec<Vec<Planned>>,
    /// Symbol ids are below this.
    ids: usize,
}

/// One symbol of a plan.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) id: SymbolId,
    pub(super) name: Box<str>,
    /// Expected prints per second; 0 if unknown.
    pub(super) rate: f64,
}

/// One connection of a plan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlannedLink {
    /// Symbols it brings.
    pub symbols: usize,
    /// Streams it carries.
    pub streams: usize,
    /// Commands that ask for them.
    pub commands: usize,
    /// Expected prints per second; 0 if unknown.
    pub rate: f64,
    /// From connecting until all commands are sent, in nanoseconds.
    pub subscribe_ns: u64,
}

/// Why symbols cannot be shared out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Nothing to follow.
    #[error("no symbols to follow")]
    NoSymbols,
    /// The same symbol twice.
    #[error("symbol {0} is listed twice")]
    Twice(Box<str>),
    /// More streams per symbol than a connection carries.
    #[error("{per_symbol} streams per symbol, but a connection carries at most {max}")]
    TooManyStreams {
        /// Streams of one symbol.
        per_symbol: usize,
        /// What a connection carries.
        max: usize,
    },
    /// The venue publishes no candles of this interval.
    #[error("{venue} publishes no candles of {interval}")]
    NoCandles {
        /// The venue's name.
        venue: &'static str,
        /// The interval.
        interval: Interval,
    },
    /// More connections than could all be dialled again within the limit of attempts.
    #[error(
        "{symbols} symbols need {needed} connections, but with {attempts} attempts to connect in \
         {span_s} s no more than {max} can be kept up: follow at most {symbols_max} symbols, or \
         fewer streams of each"
    )]
    TooManyLinks {
        /// Symbols asked for.
        symbols: usize,
        /// Connections they need.
        needed: usize,
        /// Attempts that we allow ourselves.
        attempts: usize,
        /// Within so many seconds.
        span_s: u64,
        /// Connections that can be kept up.
        max: usize,
        /// Symbols that these can carry.
        symbols_max: usize,
    },
}

/// Attempts to connect that we allow ourselves within the venue's span.
pub(super) const fn attempts_max(facts: &LinkFacts) -> usize {
    facts.attempts_max * ATTEMPTS_PERCENT / 100
}

impl Plan {
    /// Shares `chosen` out over as few connections as carry them. `rates` holds expected prints
    /// per second by symbol id, or nothing; connections then get about the same of it. The same
    /// input gives the same plan.
    ///
    /// # Errors
    /// A list that is empty or repeats a symbol, candles that the venue does not have, or more
    /// than its limits allow.
    ///
    /// # Panics
    /// If an id is not one of `symbols`.
    pub fn new(
        venue: Venue,
        streams: Streams,
        symbols: &Symbols,
        chosen: &[SymbolId],
        rates: &[f64],
    ) -> Result<Self, PlanError> {
        let facts = venue.link_facts();
        if let Some(&interval) = streams.candles.iter().find(|i| !venue.has_candles(**i)) {
            return Err(PlanError::NoCandles { venue: venue.name(), interval });
        }
        let per_link = symbols_per_link(&facts, &streams)?;
        let needed = links_needed(&facts, per_link, chosen.len())?;
        let ids = symbols.specs().len();
        let shares = share_out(planned(symbols, chosen, rates)?, needed, per_link);
        Ok(Self { venue, facts, streams, shares, ids })
    }

    /// How many connections there are, successors aside.
    pub fn links(&self) -> usize {
        self.shares.len()
    }

    /// Every connection, in order of its number.
    pub fn rows(&self) -> impl Iterator<Item = PlannedLink> {
        self.shares.iter().map(|share| self.row(share))
    }

    /// The symbols of one connection, by its place in [`Plan::rows`].
    pub fn symbols_of(&self, row: usize) -> impl Iterator<Item = SymbolId> {
        self.shares[row].iter().map(|symbol| symbol.id)
    }

    fn row(&self, share: &[Planned]) -> PlannedLink {
        let per_symbol = self.streams.per_symbol();
        let lengths = (0..share.len() * per_symbol).map(|stream| {
            let name = &share[stream % share.len()].name;
            self.venue.stream_name(&self.streams, stream / share.len(), name).len()
        });
        let commands = batches(lengths, self.facts.command_max).len();
        let at_once = self.facts.messages_max - MESSAGES_SPARE - MESSAGES_FOR_PONGS;
        let span_ns = self.facts.messages_span_ns * MESSAGES_SPAN_PERCENT / 100;
        PlannedLink {
            symbols: share.len(),
            streams: share.len() * per_symbol,
            commands,
            rate: share.iter().map(|symbol| symbol.rate).sum(),
            subscribe_ns: (commands.div_ceil(at_once) - 1) as u64 * span_ns,
        }
    }

    pub(super) fn venue(&self) -> Venue {
        self.venue
    }

    pub(super) fn facts(&self) -> LinkFacts {
        self.facts
    }

    pub(super) fn streams(&self) -> &Streams {
        &self.streams
    }

    pub(super) fn shares(&self) -> &[Vec<Planned>] {
        &self.shares
    }

    pub(super) fn ids(&self) -> usize {
        self.ids
    }

    /// Expected prints per second by symbol id.
    pub(super) fn rates(&self) -> Vec<f64> {
        let mut rates = vec![0.0; self.ids];
        for symbol in self.shares.iter().flatten() {
            rates[usize::from(symbol.id.0)] = symbol.rate;
        }
        rates
    }
}

/// Connections for so many symbols, if they can be kept up.
pub(super) fn links_needed(
    facts: &LinkFacts,
    per_link: usize,
    symbols: usize,
) -> Result<usize, PlanError> {
    let needed = symbols.div_ceil(per_link);
    let attempts = attempts_max(facts);
    let max = attempts / ATTEMPTS_PER_LINK;
    if needed <= max {
        return Ok(needed);
    }
    let (span_s, symbols_max) = (facts.attempts_span_ns / Nanos::PER_SECOND, max * per_link);
    Err(PlanError::TooManyLinks { symbols, needed, attempts, span_s, max, symbols_max })
}

/// Symbols that one connection carries.
pub(super) fn symbols_per_link(facts: &LinkFacts, streams: &Streams) -> Result<usize, PlanError> {
    let (per_symbol, max) = (streams.per_symbol(), facts.streams_max);
    match max / per_symbol {
        0 => Err(PlanError::TooManyStreams { per_symbol, max }),
        symbols => Ok(symbols),
    }
}

/// The chosen symbols, busiest first.
fn planned(
    symbols: &Symbols,
    chosen: &[SymbolId],
    rates: &[f64],
) -> Result<Vec<Planned>, PlanError> {
    if chosen.is_empty() {
        return Err(PlanError::NoSymbols);
    }
    let mut seen = vec![false; symbols.specs().len()];
    let mut planned = Vec::with_capacity(chosen.len());
    for &id in chosen {
        let (index, name) = (usize::from(id.0), symbols.spec(id).name.clone());
        if core::mem::replace(&mut seen[index], true) {
            return Err(PlanError::Twice(name));
        }
        // A rate that is no number is as good as none.
        let rate = rates.get(index).copied().filter(|rate| *rate > 0.0).unwrap_or_default();
        planned.push(Planned { id, name, rate });
    }
    planned.sort_by(|a, b| b.rate.total_cmp(&a.rate).then(a.id.cmp(&b.id)));
    Ok(planned)
}

/// Gives each symbol to the share that expects least so far, then the shortest, then the first.
fn share_out(symbols: Vec<Planned>, shares: usize, per_share: usize) -> Vec<Vec<Planned>> {
    let mut shares: Vec<(f64, Vec<Planned>)> = vec![(0.0, Vec::new()); shares];
    for symbol in symbols {
        let open = shares.iter_mut().filter(|(_, share)| share.len() < per_share);
        let least = open.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.len().cmp(&b.1.len())));
        // There are as many shares as hold all symbols.
        if let Some((rate, share)) = least {
            *rate += symbol.rate;
            share.push(symbol);
        }
    }
    let sorted = |mut share: Vec<Planned>| {
        share.sort_by_key(|symbol| symbol.id);
        share
    };
    shares.into_iter().map(|(_, share)| sorted(share)).collect()
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (facts, links) = (&self.facts, self.links());
        let symbols: usize = self.shares.iter().map(Vec::len).sum();
        let each = self.streams.per_symbol();
        writeln!(
            f,
            "{}: {symbols} symbols, {each} {} each, over {links} {}",
            self.venue.name(),
            plural(each, "stream"),
            plural(links, "connection"),
        )?;
        writeln!(f, "link  symbols  streams  commands  sent within  prints/s")?;
        for (index, row) in self.rows().enumerate() {
            let seconds = row.subscribe_ns as f64 / Nanos::PER_SECOND as f64;
            let PlannedLink { symbols, streams, commands, rate, .. } = row;
            let link = 2 * index;
            write!(f, "{link:>4} {symbols:>8} {streams:>8} {commands:>9} {seconds:>10.1} s")?;
            if rate > 0.0 { writeln!(f, " {rate:>9.1}") } else { writeln!(f, "         ?") }?;
        }
        let attempts = attempts_max(facts);
        let span_s = facts.attempts_span_ns / Nanos::PER_SECOND;
        let hours = |ns: u64| ns / (3_600 * Nanos::PER_SECOND);
        let (from, to) = (2 * ROTATE_BEFORE_NS, ROTATE_BEFORE_NS);
        writeln!(
            f,
            "limits: {} streams per connection, {} of {} attempts to connect in {span_s} s, {} \
             messages per second; replaced at an age of {} to {} h",
            facts.streams_max,
            attempts,
            facts.attempts_max,
            facts.messages_max - MESSAGES_SPARE,
            hours(facts.lifetime_ns - from),
            hours(facts.lifetime_ns - to),
        )
    }
}

fn plural(count: usize, noun: &'static str) -> impl fmt::Display {
    let end = if count == 1 { "" } else { "s" };
    fmt::from_fn(move |f| write!(f, "{noun}{end}"))
}
