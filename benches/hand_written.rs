//! The yardstick: one single-threaded loop over plain arrays that folds decoded prints into the
//! same three intervals and the same seven indicators. No ledger, no late prints, no corrections,
//! no marks: what one would write on an afternoon, as fast as that goes.

use systems::candle::Candle;
use systems::symbol::SymbolSpec;
use systems::trade::{Aggressor, Trade};

/// A candle of one interval, in the making or closed.
#[derive(Clone, Copy, Default)]
pub struct Forming {
    open_time: u64,
    open: i64,
    high: i64,
    low: i64,
    close: i64,
    volume: i64,
    quote_volume: u128,
    taker_buy_volume: i64,
    taker_buy_quote_volume: u128,
    trades: u32,
}

const KEPT: usize = 300;
const WINDOW: usize = 20;

/// The seven indicators of one row.
#[derive(Clone, Default)]
pub struct Indicators {
    seen: u32,
    previous: f64,
    vwap_day: u64,
    vwap_quote: u128,
    vwap_volume: i64,
    atr: f64,
    ema: [f64; 4],
    signal: f64,
    gain: f64,
    loss: f64,
    window: [f64; WINDOW],
    sum: f64,
    squares: f64,
    values: [f64; 12],
}

/// One row: the candle in the making, the closed ones, the indicators.
#[derive(Clone)]
struct Row {
    length: u64,
    forming: Forming,
    closed: Box<[Forming]>,
    count: usize,
    indicators: Indicators,
    price_unit: f64,
}

/// All rows of all symbols.
pub struct HandWritten {
    rows: Vec<[Row; 3]>,
    closed: u64,
}

const MINUTE: u64 = 60_000_000_000;

impl HandWritten {
    /// Rows for the symbols at 1, 3 and 15 minutes.
    pub fn new(symbols: &[SymbolSpec]) -> Self {
        let row = |minutes: u64, spec: &SymbolSpec| Row {
            length: minutes * MINUTE,
            forming: Forming::default(),
            closed: vec![Forming::default(); KEPT].into(),
            count: 0,
            indicators: Indicators::default(),
            price_unit: spec.price.unit() as f64,
        };
        let rows = symbols.iter().map(|spec| [row(1, spec), row(3, spec), row(15, spec)]);
        Self { rows: rows.collect(), closed: 0 }
    }

    /// Folds prints in order; returns how many candles have closed so far.
    pub fn fold(&mut self, trades: &[Trade]) -> u64 {
        for trade in trades {
            let rows = &mut self.rows[usize::from(trade.symbol.0)];
            let base = &mut rows[0];
            if trade.time.0 - base.forming.open_time >= MINUTE {
                if base.forming.trades > 0 {
                    let candle = base.forming;
                    base.close();
                    self.closed += 1;
                    for row in &mut rows[1..] {
                        self.closed += row.roll_up(&candle);
                    }
                }
                rows[0].forming =
                    Forming { open_time: trade.time.0 / MINUTE * MINUTE, ..Forming::default() };
            }
            rows[0].forming.print(trade);
        }
        self.closed
    }

    /// Something that depends on every value, so that nothing is optimised away.
    pub fn checksum(&self) -> f64 {
        self.rows.iter().flatten().map(|row| row.indicators.values.iter().sum::<f64>()).sum()
    }
}

impl From<&Candle> for Forming {
    fn from(candle: &Candle) -> Self {
        Self {
            open_time: candle.open_time.0,
            open: candle.open.0,
            high: candle.high.0,
            low: candle.low.0,
            close: candle.close.0,
            volume: candle.volume.0,
            quote_volume: candle.quote_volume,
            taker_buy_volume: candle.taker_buy_volume.0,
            taker_buy_quote_volume: candle.taker_buy_quote_volume,
            trades: candle.trades,
        }
    }
}

impl Forming {
    #[inline]
    fn print(&mut self, trade: &Trade) {
        let (price, quantity) = (trade.price.0, trade.quantity.0);
        if self.trades == 0 {
            (self.open, self.high, self.low) = (price, price, price);
        }
        self.high = self.high.max(price);
        self.low = self.low.min(price);
        self.close = price;
        let quote = price as u128 * quantity as u128;
        self.volume += quantity;
        self.quote_volume += quote;
        if trade.aggressor == Aggressor::Buyer {
            self.taker_buy_volume += quantity;
            self.taker_buy_quote_volume += quote;
        }
        self.trades += trade.count;
    }

    fn extend(&mut self, later: &Self) {
        if self.trades == 0 {
            *self = Self { open_time: self.open_time, ..*later };
            return;
        }
        self.high = self.high.max(later.high);
        self.low = self.low.min(later.low);
        self.close = later.close;
        self.volume += later.volume;
        self.quote_volume += later.quote_volume;
        self.taker_buy_volume += later.taker_buy_volume;
        self.taker_buy_quote_volume += later.taker_buy_quote_volume;
        self.trades += later.trades;
    }
}

impl Row {
    fn roll_up(&mut self, candle: &Forming) -> u64 {
        let open_time = candle.open_time / self.length * self.length;
        let mut closed = 0;
        if open_time != self.forming.open_time {
            if self.forming.trades > 0 {
                self.close();
                closed = 1;
            }
            self.forming = Forming { open_time, ..Forming::default() };
        }
        self.forming.extend(candle);
        closed
    }

    fn close(&mut self) {
        self.closed[self.count % KEPT] = self.forming;
        self.count += 1;
        self.indicators.update(&self.forming, self.price_unit);
    }
}

impl Indicators {
    /// Folds one closed candle and gives the values; `unit` is price units in one quote unit.
    pub fn update(&mut self, candle: &Forming, unit: f64) -> &[f64; 12] {
        let (high, low) = (candle.high as f64 / unit, candle.low as f64 / unit);
        let close = candle.close as f64 / unit;
        let day = candle.open_time / (1_440 * MINUTE);
        if day != self.vwap_day {
            (self.vwap_day, self.vwap_quote, self.vwap_volume) = (day, 0, 0);
        }
        self.vwap_quote += candle.quote_volume;
        self.vwap_volume += candle.volume;
        let change = close - self.previous;
        let range = (high - low).max((high - self.previous).abs()).max((low - self.previous).abs());
        self.atr += (range - self.atr) / 14.0;
        self.gain += (change.max(0.0) - self.gain) / 14.0;
        self.loss += ((-change).max(0.0) - self.loss) / 14.0;
        for (ema, period) in self.ema.iter_mut().zip([12.0, 26.0, 12.0, 26.0]) {
            *ema += 2.0 / (period + 1.0) * (close - *ema);
        }
        let macd = self.ema[2] - self.ema[3];
        self.signal += 0.2 * (macd - self.signal);
        let slot = &mut self.window[self.seen as usize % WINDOW];
        self.sum += close - *slot;
        self.squares += close * close - *slot * *slot;
        *slot = close;
        let mean = self.sum / WINDOW as f64;
        let deviation = (self.squares / WINDOW as f64 - mean * mean).max(0.0).sqrt();
        self.values = [
            self.vwap_quote as f64 / self.vwap_volume as f64 / unit,
            self.atr,
            self.ema[0],
            self.ema[1],
            100.0 * self.gain / (self.gain + self.loss),
            macd,
            self.signal,
            macd - self.signal,
            mean + 2.0 * deviation,
            mean,
            mean - 2.0 * deviation,
            4.0 * deviation / mean,
        ];
        self.previous = close;
        self.seen += 1;
        &self.values
    }
}
