//! The bodies of answers that hold the market's data.

use std::collections::VecDeque;

use systems::trade::Trade;
use systems::units::Nanos;

use super::hub::Hub;
use super::intervals::KlineInterval;
use super::query::{Query, Refusal, refuse};
use super::text::{TimeUnit, Wording};
use super::ticker::day_ticker;
use crate::venue::Venue;

/// Rows of aggregates and trades in one answer.
const ROWS_MAX: u64 = 1_000;

/// What a request is answered from.
pub(super) struct Asking<'a> {
    pub(super) hub: &'a mut Hub,
    pub(super) query: &'a Query,
    pub(super) unit: TimeUnit,
    pub(super) now: Nanos,
    /// Answers know nothing of what happened since.
    pub(super) known: Nanos,
}

impl Asking<'_> {
    fn wording(&self) -> Wording {
        Wording { venue: self.hub.market.venue, unit: self.unit }
    }

    fn is_usdm(&self) -> bool {
        self.hub.market.venue == Venue::BinanceUsdm
    }

    /// The number of the symbol that is asked for, if it is listed.
    fn symbol(&self) -> Result<usize, Refusal> {
        let name = self.query.need("symbol")?;
        let market = &self.hub.market;
        let listed = |symbol: &usize| market.listings[*symbol].is_listed(self.now);
        market.symbol(name).filter(listed).ok_or_else(|| refuse(-1121, "Invalid symbol."))
    }

    /// `klines`. With a start time, the oldest rows from there on; else the latest.
    pub(super) fn klines(self) -> Result<String, Refusal> {
        let symbol = self.symbol()?;
        let interval = KlineInterval::parse(self.query.need("interval")?)
            .filter(|interval| !(self.is_usdm() && interval.is_below_a_minute()))
            .ok_or_else(|| refuse(-1120, "Invalid interval."))?;
        let limit = self.query.limit(500, if self.is_usdm() { 1_500 } else { 1_000 })?;
        let (start, end) = (self.query.instant("startTime")?, self.query.instant("endTime")?);
        let listing = &self.hub.market.listings[symbol];
        let truth = &self.hub.market.truth;
        let oldest = interval.bucket(truth.since(symbol).max(listing.from)).0;
        let newest = self.now.min(listing.until.minus(1)).min(end.unwrap_or(self.now));
        let mut open = match start {
            Some(start) => match interval.bucket(start) {
                (open, _) if open == start => open,
                (_, next) => next,
            },
            None => {
                let mut open = interval.bucket(newest).0;
                for _ in 1..limit {
                    open = interval.bucket(open.minus(1).max(oldest)).0;
                }
                open
            }
        };
        open = open.max(oldest);
        let (wording, mut text) = (self.wording(), String::from("["));
        for row in 0..limit {
            if open > newest {
                break;
            }
            if row > 0 {
                text.push(',');
            }
            let next = interval.bucket(open).1;
            let mut kline = truth.candle(symbol, interval, open, self.known);
            if interval.name == "1m" {
                kline = self.hub.as_published(symbol, open, self.now, kline);
            }
            wording.kline_row(&mut text, listing, &kline.candle, next);
            open = next;
        }
        text.push(']');
        Ok(text)
    }

    /// `aggTrades`: by id, by time, or the latest.
    pub(super) fn aggregates(self) -> Result<String, Refusal> {
        let symbol = self.symbol()?;
        let (start, end) = (self.query.instant("startTime")?, self.query.instant("endTime")?);
        let from_id = self.query.number("fromId")?;
        if self.is_usdm() {
            const HOUR_NS: u64 = 3_600 * Nanos::PER_SECOND;
            if from_id.is_some() && (start.is_some() || end.is_some()) {
                return Err(refuse(-1128, "Combination of optional parameters invalid."));
            }
            if let (Some(start), Some(end)) = (start, end)
                && end.0.saturating_sub(start.0) > HOUR_NS
            {
                return Err(refuse(-1127, "More than 1 hours between startTime and endTime."));
            }
        }
        let limit = self.query.limit(500, ROWS_MAX)?;
        let kept = self.hub.market.truth.aggregates(symbol);
        let rows = choose(kept, self.known, limit, from_id, (start, end));
        let (wording, listing) = (self.wording(), &self.hub.market.listings[symbol]);
        Ok(array(rows, |text, trade| wording.aggregate_row(text, listing, trade)))
    }

    /// `trades` and `historicalTrades`: by id, or the latest.
    pub(super) fn trades(self, by_id: bool) -> Result<String, Refusal> {
        let symbol = self.symbol()?;
        let most = if by_id && self.is_usdm() { 500 } else { ROWS_MAX };
        let limit = self.query.limit(500, most)?;
        let from_id = if by_id { self.query.number("fromId")? } else { None };
        let kept = self.hub.market.truth.trades(symbol);
        let rows = choose(kept, self.known, limit, from_id, (None, None));
        let (wording, listing) = (self.wording(), &self.hub.market.listings[symbol]);
        Ok(array(rows, |text, trade| wording.trade_row(text, listing, trade)))
    }

    /// `ticker/24hr` and `ticker/price`: of one symbol, of some, or of all.
    pub(super) fn tickers(self, prices_only: bool) -> Result<String, Refusal> {
        let Hub { market, days, .. } = self.hub;
        let (unit, now) = (self.unit, self.now);
        let number = |name: &str| {
            let listed = |symbol: &usize| market.listings[*symbol].is_listed(now);
            market.symbol(name).filter(listed).ok_or_else(|| refuse(-1121, "Invalid symbol."))
        };
        let one = self.query.get("symbol");
        let symbols = match (one, self.query.list("symbols")) {
            (Some(name), _) => vec![number(name)?],
            (None, Some(names)) => names.into_iter().map(number).collect::<Result<_, _>>()?,
            (None, None) => {
                let all = 0..market.listings.len();
                all.filter(|symbol| market.listings[*symbol].is_listed(now)).collect()
            }
        };
        let text = array(symbols, |text, symbol| {
            let (listing, day) = (&market.listings[symbol], days.of(symbol, &market.truth));
            if prices_only {
                let price = listing.spec.price.format(day.candle.close.0.into());
                let name = &listing.spec.name;
                *text += &format!("{{\"symbol\":\"{name}\",\"price\":\"{price}\"}}");
            } else {
                day_ticker(text, unit, now, listing, &day);
            }
        });
        Ok(if one.is_some() { text[1..text.len() - 1].to_owned() } else { text })
    }
}

/// A JSON array of what `write` writes for each row.
fn array<T>(rows: impl IntoIterator<Item = T>, mut write: impl FnMut(&mut String, T)) -> String {
    let mut text = String::from("[");
    for (index, row) in rows.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        write(&mut text, row);
    }
    text.push(']');
    text
}

/// The rows that a request asks for: from an id on, or from a time on; else the latest, up to an
/// end if one is given.
fn choose(
    kept: &VecDeque<Trade>,
    known: Nanos,
    limit: usize,
    from_id: Option<u64>,
    (start, end): (Option<Nanos>, Option<Nanos>),
) -> impl Iterator<Item = &Trade> {
    let before = |at: Nanos| kept.partition_point(|trade| trade.time < at);
    let end = before(known).min(end.map_or(kept.len(), |end| before(end.plus(1))));
    let first = match (from_id, start) {
        (Some(id), _) => kept.partition_point(|trade| trade.id < id),
        (None, Some(start)) => before(start),
        (None, None) => end.saturating_sub(limit),
    };
    kept.range(first.min(end)..end).take(limit)
}
