//! Seeded inputs: the same prints for the engine and for everything it is measured against.

use systems::candle::Candle;
use systems::settings::Settings;
use systems::symbol::SymbolSpec;
use systems::trade::{Batch, Control, Trade};
use systems::units::{Nanos, Price, Quantity};
use tapescan::config::Config;
use tapescan::engine::Engine;
use tapescan::settings::settings;
use tapescan::synthetic::{Market, Spec};

/// Events per step of a replay.
pub const BATCH: usize = 16_384;

/// Clean prints of a synthetic market, and its symbols.
pub fn market(symbols: usize, prints: usize, rate: u64) -> (Vec<SymbolSpec>, Vec<Trade>) {
    let text = format!("symbols={symbols},rate={rate},seed=7,duration=1h,quiet=0");
    let market = Market::new(Spec::parse(&text).unwrap_or_default());
    let trades = market.truth().take(prints).collect();
    (market.header().symbols.clone(), trades)
}

/// One print a minute of each symbol for the `EARLY` minutes before `trades`, in their order:
/// enough that every row has closed candles before the clock starts.
pub fn early(symbols: usize, trades: &[Trade]) -> Vec<Trade> {
    let minute = 60 * Nanos::PER_SECOND;
    let begin = trades.first().map_or(0, |first| first.time.0 / minute * minute);
    let mut firsts = vec![None; symbols];
    for trade in trades {
        firsts[usize::from(trade.symbol.0)].get_or_insert(*trade);
    }
    let before = |minutes: u64| {
        firsts.iter().flatten().filter(move |first| first.first_id > EARLY).map(move |first| {
            Trade {
                time: Nanos(begin - minutes * minute + u64::from(first.symbol.0) * Nanos::PER_MS),
                id: first.id - minutes,
                first_id: first.first_id - minutes,
                count: 1,
                ..*first
            }
        })
    };
    (1..=EARLY).rev().flat_map(before).collect()
}

/// Minutes that [`early`] covers: the longest interval of the defaults, and one more.
const EARLY: u64 = 16;

/// The prints as batches of `size` events, with a heartbeat each 100 ms of market time.
pub fn batches(trades: &[Trade], size: usize) -> Vec<Batch> {
    let step = 100 * Nanos::PER_MS;
    let (mut batches, mut batch, mut beat) = (Vec::new(), Batch::default(), 0);
    for trade in trades {
        if trade.time.0 / step > beat {
            beat = trade.time.0 / step;
            batch.control(Control::Heartbeat(Nanos(beat * step)));
        }
        batch.push(*trade);
        if batch.len() >= size {
            batches.push(core::mem::take(&mut batch));
        }
    }
    batches.push(batch);
    batches
}

/// The default configuration: three intervals, seven indicators.
pub fn defaults() -> Settings {
    settings(&Config::default())
}

/// An engine that has folded `warm` already.
pub fn warmed(
    settings: &Settings,
    symbols: &[SymbolSpec],
    threads: usize,
    warm: &[Batch],
) -> Engine {
    let Ok(mut engine) = Engine::new(settings, symbols, threads) else {
        panic!("the schedule builds");
    };
    for batch in warm {
        engine.step(&mut batch.clone(), &mut |_| {});
    }
    engine
}

/// A walk of closed one-minute candles at two price and three quantity decimals.
pub fn candles(count: usize) -> Vec<Candle> {
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |bound: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % bound
    };
    let mut close = 6_000_000;
    let candle = |index: usize| {
        let open = close;
        close = (open + next(2_001) as i64 - 1_000).max(1_000_000);
        let volume = 1 + next(1_000_000) as i64;
        let bought = next(volume as u64) as i64;
        Candle {
            open_time: Nanos::from_seconds(1_723_161_600 + index as u64 * 60),
            open: Price(open),
            high: Price(open.max(close) + next(500) as i64),
            low: Price(open.min(close) - next(500) as i64),
            close: Price(close),
            volume: Quantity(volume),
            quote_volume: (volume * close) as u128,
            taker_buy_volume: Quantity(bought),
            taker_buy_quote_volume: (bought * close) as u128,
            trades: 1 + next(500) as u32,
            ..Candle::default()
        }
    };
    (0..count).map(candle).collect()
}
