//! The market behind the exchange: prints in the venue's time, and the truth about them.

use std::iter::Peekable;
use std::path::PathBuf;

use systems::trade::Trade;
use systems::units::Nanos;

use super::listing::Listing;
use super::past::Opening;
use super::source::{Source, SourceError, TapePrints, survey};
use super::truth::Truth;
use crate::symbols::Symbols;
use crate::synthetic::{Market as Synthetic, Spec};
use crate::venue::Venue;

const MINUTE_NS: u64 = 60 * Nanos::PER_SECOND;

/// USD-M merges fills of one price and side within this time.
const USDM_MERGE_NS: u64 = 100 * Nanos::PER_MS;

/// What feeds the exchange.
#[derive(Clone, Debug, PartialEq)]
pub enum Feed {
    /// A synthetic market of this kind; when it starts is up to the exchange. What its links do
    /// to prints does not matter here: the exchange has faults of its own.
    Synthetic(Spec),
    /// The prints of a tape, moved by whole minutes so that the first is due in the minute in
    /// which the exchange starts.
    Tape(PathBuf),
}

/// How a market is opened.
#[derive(Clone, Debug)]
pub(super) struct Opens {
    pub(super) venue: Venue,
    /// The venue's time at the start.
    pub(super) start: Nanos,
    /// How much trading there was before the start, at least.
    pub(super) recent_ns: u64,
    /// How far back candles go.
    pub(super) history_ns: u64,
    /// Prints kept, over all symbols.
    pub(super) keep: usize,
}

/// Prints to come, and everything there was.
pub(super) struct Market {
    pub(super) venue: Venue,
    pub(super) listings: Vec<Listing>,
    names: Symbols,
    pub(super) truth: Truth,
    source: Peekable<Source>,
    /// Per symbol, the next id where the source's own ids cannot be used, because some of its
    /// prints never happened here.
    renumbered: Vec<Option<u64>>,
}

impl Market {
    pub(super) fn open(feed: &Feed, opens: &Opens) -> Result<Self, SourceError> {
        match feed {
            Feed::Synthetic(spec) => Self::synthetic(spec, opens),
            Feed::Tape(path) => {
                let survey = survey(path)?;
                let minutes = |at: Nanos| at.0 / MINUTE_NS;
                let shift = minutes(opens.start).wrapping_sub(minutes(survey.first));
                let shift_ns = shift.wrapping_mul(MINUTE_NS);
                let source = Source::Tape(Box::new(TapePrints::open(path, shift_ns)?));
                let begins = Nanos(opens.start.0 - opens.start.0 % MINUTE_NS);
                let listings = survey
                    .symbols
                    .into_iter()
                    .map(|spec| Listing::new(opens.venue, spec, 1, Nanos(0), Nanos(u64::MAX)));
                Self::new(opens, source, begins, listings.collect(), survey.openings, 0)
            }
        }
    }

    fn synthetic(spec: &Spec, opens: &Opens) -> Result<Self, SourceError> {
        let before = opens.start.minus(opens.recent_ns);
        let begins = Nanos(before.0 - before.0 % MINUTE_NS);
        let market = Synthetic::new(Spec { start: begins.seconds(), ..spec.clone() });
        let prints = market.truth();
        let openings: Vec<_> = prints
            .openings()
            .zip(prints.rates())
            .map(|((price, quantity, tick), rate)| Opening {
                price,
                quantity,
                tick,
                per_minute: 60.0 * rate,
            })
            .collect();
        let symbols = market.header().symbols.iter().zip(prints.listed()).zip(&openings);
        let listings = symbols.map(|((symbol, (from, until)), opening)| {
            // What was there from the beginning was there before it, too.
            let from = if from == begins.seconds() { 0 } else { from };
            let until = Nanos(until.saturating_mul(Nanos::PER_SECOND));
            let from = Nanos::from_seconds(from);
            Listing::new(opens.venue, symbol.clone(), opening.tick, from, until)
        });
        let listings = listings.collect();
        let source = Source::Synthetic(Box::new(prints));
        Self::new(opens, source, begins, listings, openings, spec.seed)
    }

    fn new(
        opens: &Opens,
        source: Source,
        begins: Nanos,
        listings: Vec<Listing>,
        openings: Vec<Opening>,
        seed: u64,
    ) -> Result<Self, SourceError> {
        let merge_ns = match opens.venue {
            // Prints of one taker order bear one time.
            Venue::BinanceSpot => 1,
            Venue::BinanceUsdm => USDM_MERGE_NS,
        };
        let since = begins.minus(opens.history_ns);
        let since = Nanos(since.0 - since.0 % MINUTE_NS);
        let mut truth = Truth::new(seed, (since, begins), openings, opens.keep, merge_ns);
        for (symbol, listing) in listings.iter().enumerate() {
            truth.list(symbol, listing.from);
        }
        let renumbered = vec![None; listings.len()];
        let names = Symbols::new(listings.iter().map(|listing| listing.spec.clone()).collect())?;
        let (venue, source) = (opens.venue, source.peekable());
        Ok(Self { venue, listings, names, truth, source, renumbered })
    }

    /// A symbol is listed at `at`, and not before.
    pub(super) fn list(&mut self, symbol: usize, at: Nanos) {
        self.listings[symbol].from = at;
        self.renumbered[symbol] = Some(0);
        self.truth.list(symbol, at);
    }

    /// A symbol stops trading at `at`.
    pub(super) fn delist(&mut self, symbol: usize, at: Nanos) {
        self.listings[symbol].until = at;
    }

    /// A symbol that stopped trading trades again from `at` on, under ids that go on.
    pub(super) fn relist(&mut self, symbol: usize, at: Nanos) {
        self.listings[symbol].again = at;
    }

    /// The number of a symbol by its name in capitals.
    pub(super) fn symbol(&self, name: &str) -> Option<usize> {
        self.names.id(name).map(|id| usize::from(id.0))
    }

    /// Moves to `now`: what was matched since the last time goes to `prints`, and the aggregates
    /// that are complete to `aggregates`.
    ///
    /// Trade times are whole milliseconds, so a print is due when its millisecond is over: then
    /// all prints of its taker order are known.
    pub(super) fn advance(
        &mut self,
        now: Nanos,
        prints: &mut Vec<Trade>,
        aggregates: &mut Vec<Trade>,
    ) {
        let due = Nanos(now.0 - now.0 % Nanos::PER_MS);
        while let Some(mut trade) = self.source.next_if(|trade| trade.time < due) {
            let symbol = usize::from(trade.symbol.0);
            if !self.listings[symbol].is_trading(trade.time) {
                if trade.time >= self.listings[symbol].until {
                    self.renumbered[symbol].get_or_insert(trade.id);
                }
                continue;
            }
            if let Some(next) = &mut self.renumbered[symbol] {
                (trade.id, trade.first_id) = (*next, *next);
                *next += 1;
            }
            self.truth.push(trade, aggregates);
            prints.push(trade);
        }
        self.truth.pass(due, aggregates);
    }

    /// Lives through everything before the start, which nobody sees.
    pub(super) fn catch_up(&mut self, start: Nanos) {
        let (mut prints, mut aggregates) = (Vec::new(), Vec::new());
        let mut at = self.truth.begins();
        while at < start {
            // In pieces, so that only the truth must hold all of it.
            at = start.min(at.plus(Nanos::PER_SECOND));
            self.advance(at, &mut prints, &mut aggregates);
            prints.clear();
            aggregates.clear();
        }
    }

    /// When the next print will be due.
    pub(super) fn next_due(&mut self) -> Option<Nanos> {
        self.source
            .peek()
            .map(|trade| Nanos(trade.time.0 - trade.time.0 % Nanos::PER_MS + Nanos::PER_MS))
    }
}
