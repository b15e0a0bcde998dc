//! Seeds, builders, a collector of outputs, and a candle builder so plain that it can be trusted.

use std::collections::BTreeMap;

use systems::candle::{Candle, Mark};
use systems::catalog::CATALOG;
use systems::dispatch::{Change, Outbox, Request};
use systems::interval::Interval;
use systems::settings::{IndicatorSetting, Scope, Settings, Winner};
use systems::symbol::SymbolSpec;
use systems::track::Value;
use systems::trade::{Aggressor, Batch, Control, SymbolId, Trade, TradeKind};
use systems::units::{Nanos, Price, Quantity, Scale};
use tapescan::digest::Digest;
use tapescan::engine::Engine;

/// 2024-08-08 23:00 UTC.
pub(crate) const START: Nanos = Nanos::from_seconds(1_723_158_000);

/// A small generator whose numbers never change with a crate's version.
pub(crate) struct Seed(pub(crate) u64);

impl Seed {
    /// The next 64 bits (SplitMix64).
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// True once in `n` times.
    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// Settings with the default indicators on the given intervals.
pub(crate) fn settings(intervals: &[&str]) -> Settings {
    let intervals: Vec<_> = intervals.iter().map(|text| Interval::parse(text).unwrap()).collect();
    let specs: [(&str, &[f64]); 4] =
        [("sma", &[20.0]), ("ema", &[12.0]), ("ema", &[26.0]), ("sma", &[5.0])];
    let mut indicators = Vec::new();
    for interval in 0..intervals.len() as u8 {
        for (name, params) in specs {
            let entry = CATALOG.iter().find(|entry| entry.name == name).unwrap();
            indicators.push(IndicatorSetting { interval, entry, params: params.to_vec() });
        }
    }
    Settings {
        lookback: vec![300; intervals.len()],
        intervals,
        indicators,
        grace_ns: 500 * Nanos::PER_MS,
        winner: Winner::Ours,
        scope: Scope::Suspect,
        requests_max: 1_024,
        rules: systems::rule::Rules::default(),
    }
}

/// `count` symbols with two price and three quantity decimals.
pub(crate) fn symbols(count: usize) -> Vec<SymbolSpec> {
    let spec = |index| SymbolSpec {
        name: format!("SYM{index}USDT").into(),
        price: Scale::exact(2),
        quantity: Scale::exact(3),
    };
    (0..count).map(spec).collect()
}

/// A plain market print.
pub(crate) fn trade(symbol: u16, id: u64, time: Nanos, price: i64, quantity: i64) -> Trade {
    Trade {
        time,
        price: Price(price),
        quantity: Quantity(quantity),
        id,
        first_id: id,
        count: 1,
        symbol: SymbolId(symbol),
        aggressor: if id.is_multiple_of(3) { Aggressor::Seller } else { Aggressor::Buyer },
        kind: TradeKind::Market,
    }
}

/// Clean prints of `symbols` symbols over `seconds`, in order of time, ids from 1000 on.
pub(crate) fn clean_market(
    seed: &mut Seed,
    symbols: u16,
    seconds: u64,
    per_second: u64,
) -> Vec<Trade> {
    let mut next_id = vec![1_000; usize::from(symbols)];
    let mut price: Vec<i64> = (0..symbols).map(|s| 10_000 + i64::from(s) * 100).collect();
    let mut trades = Vec::new();
    for ms in 0..seconds * 1_000 {
        // A quiet minute now and then, so that flat candles occur.
        if (ms / 60_000) % 7 == 5 || seed.below(1_000) >= per_second {
            continue;
        }
        let symbol = seed.below(u64::from(symbols)) as u16;
        let s = usize::from(symbol);
        price[s] = (price[s] + seed.below(21) as i64 - 10).max(100);
        let quantity = 1 + seed.below(5_000) as i64;
        let time = START.plus(ms * Nanos::PER_MS);
        trades.push(trade(symbol, next_id[s], time, price[s], quantity));
        next_id[s] += 1;
    }
    trades
}

/// Candles by the definition: sort, cut, add up. One symbol, one interval; closed ones with
/// prints, and quiet ones in between.
pub(crate) fn naive_candles(
    trades: &[Trade],
    symbol: u16,
    interval: Interval,
    until: Nanos,
) -> Vec<Candle> {
    let mut own: Vec<_> = trades.iter().filter(|t| t.symbol.0 == symbol).collect();
    own.sort_by_key(|t| (t.time, t.id));
    let Some(first) = own.first() else { return Vec::new() };
    let mut candles: Vec<Candle> = Vec::new();
    let mut open_time = interval.bucket(first.time);
    while open_time.plus(interval.ns()) <= until {
        let inside: Vec<_> = own.iter().filter(|t| interval.bucket(t.time) == open_time).collect();
        let candle = match (inside.first(), inside.last()) {
            (Some(first), Some(last)) => Candle {
                open_time,
                open: first.price,
                close: last.price,
                high: inside.iter().map(|t| t.price).max().unwrap(),
                low: inside.iter().map(|t| t.price).min().unwrap(),
                volume: Quantity(inside.iter().map(|t| t.quantity.0).sum()),
                quote_volume: inside.iter().map(|t| (t.price.0 * t.quantity.0) as u128).sum(),
                taker_buy_volume: Quantity(bought(&inside).map(|t| t.quantity.0).sum()),
                taker_buy_quote_volume: bought(&inside)
                    .map(|t| (t.price.0 * t.quantity.0) as u128)
                    .sum(),
                trades: inside.iter().map(|t| t.count).sum(),
                revision: 0,
                mark: Mark::Complete,
            },
            _ => Candle::quiet(open_time, candles.last().unwrap().close),
        };
        candles.push(candle);
        open_time = open_time.plus(interval.ns());
    }
    candles
}

fn bought<'a>(trades: &'a [&&'a Trade]) -> impl Iterator<Item = &'a Trade> {
    trades.iter().map(|t| **t).filter(|t| t.aggressor == Aggressor::Buyer)
}

/// The last that was said about each candle, and the digest of everything that was said.
pub(crate) struct Collected {
    /// By symbol, interval and open time.
    pub(crate) candles: BTreeMap<(u16, u8, Nanos), (Candle, Vec<Value>)>,
    /// Stretches reported without a candle and not filled since.
    pub(crate) absent: Vec<(u16, u8, Nanos)>,
    /// What was asked for.
    pub(crate) requests: Vec<Request>,
    /// Everything in order.
    pub(crate) digest: Digest,
    columns: Vec<usize>,
}

impl Collected {
    /// Nothing yet.
    pub(crate) fn new(settings: &Settings) -> Self {
        let columns: Vec<_> = (0..settings.intervals.len()).map(|i| settings.columns(i)).collect();
        let digest = Digest::new(columns.clone());
        let (candles, absent, requests) = Default::default();
        Self { candles, absent, requests, digest, columns }
    }

    /// Takes one pulse.
    pub(crate) fn take(&mut self, outbox: &Outbox) {
        self.digest.take(outbox);
        self.requests.extend(&outbox.requests);
        for record in &outbox.records {
            let key = (record.symbol.0, record.interval, record.candle.open_time);
            let values = outbox.values_of(record, self.columns[usize::from(record.interval)]);
            match record.change {
                Change::Absent => self.absent.push(key),
                Change::Marked => self.candles.get_mut(&key).unwrap().0 = record.candle,
                Change::Closed | Change::Corrected | Change::Revalued => {
                    self.absent.retain(|absent| *absent != key);
                    self.candles.insert(key, (record.candle, values.to_vec()));
                }
            }
        }
    }

    /// The candles of one row, oldest first.
    pub(crate) fn row(&self, symbol: u16, interval: u8) -> Vec<Candle> {
        let range = (symbol, interval, Nanos(0))..(symbol, interval, Nanos(u64::MAX));
        self.candles.range(range).map(|(_, (candle, _))| *candle).collect()
    }
}

/// An event of a test's stream.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    /// A print.
    Print(Trade),
    /// Anything else.
    Control(Control),
}

/// Prints in the given order with a heartbeat each 100 ms of the largest time so far, and one
/// `tail_ms` after the last.
pub(crate) fn with_heartbeats(trades: &[Trade], tail_ms: u64) -> Vec<Event> {
    let step = 100 * Nanos::PER_MS;
    let mut events = Vec::new();
    let mut newest = 0;
    for trade in trades {
        if trade.time.0 / step > newest / step {
            newest = trade.time.0;
            events.push(Event::Control(Control::Heartbeat(Nanos(newest / step * step))));
        }
        newest = newest.max(trade.time.0);
        events.push(Event::Print(*trade));
    }
    let end = Nanos(newest).plus(tail_ms * Nanos::PER_MS);
    events.push(Event::Control(Control::Heartbeat(end)));
    events
}

/// Runs events through an engine, cut into batches of the sizes that `cut` gives.
pub(crate) fn run(
    settings: &Settings,
    symbols: &[SymbolSpec],
    events: &[Event],
    cut: impl FnMut() -> usize,
) -> (Collected, Engine) {
    run_on(1, settings, symbols, events, cut)
}

/// [`run`] on several threads. The pool belongs to the process, so it is made for two at once.
pub(crate) fn run_on(
    threads: usize,
    settings: &Settings,
    symbols: &[SymbolSpec],
    events: &[Event],
    mut cut: impl FnMut() -> usize,
) -> (Collected, Engine) {
    drop(Engine::new(settings, &[], 2).unwrap());
    let mut engine = Engine::new(settings, symbols, threads).unwrap();
    let mut collected = Collected::new(settings);
    let mut batch = Batch::default();
    let mut rest = events;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(cut().clamp(1, rest.len()));
        for event in now {
            match event {
                Event::Print(trade) => batch.push(*trade),
                Event::Control(control) => batch.control(*control),
            }
        }
        engine.step(&mut batch, &mut |outbox| collected.take(outbox));
        rest = later;
    }
    engine.finish(&mut |outbox| collected.take(outbox));
    (collected, engine)
}
