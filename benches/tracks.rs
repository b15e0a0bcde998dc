//! One row outside of any schedule: its ring, and the seven default indicators over it.

use systems::candle::Candle;
use systems::indicator::Units;
use systems::indicators::atr::Atr;
use systems::indicators::bbands::Bbands;
use systems::indicators::ema::Ema;
use systems::indicators::macd::Macd;
use systems::indicators::rsi::Rsi;
use systems::indicators::session_vwap::SessionVwap;
use systems::ring::Ring;
use systems::settings::Settings;
use systems::track::{Bars, Track, Value, Values};
use systems::units::Scale;

/// What `inputs::candles` are measured in, as one-minute candles.
pub fn units() -> Units {
    Units::new(Scale::exact(2), Scale::exact(3), 60)
}

/// A row of the base interval with all seven indicators of the default configuration.
pub struct SevenRow {
    ring: Ring,
    units: Units,
    bars: Bars,
    values: Values,
    vwap: Track<SessionVwap>,
    atr: Track<Atr>,
    /// Two instances.
    ema: Track<Ema>,
    rsi: Track<Rsi>,
    macd: Track<Macd>,
    bbands: Track<Bbands>,
}

/// Bytes that closing a candle reads or writes in tables: the candle in its ring, the same as
/// floats, the states of six types and those before the newest candle, and what they say.
pub fn candle_bytes(settings: &Settings) -> usize {
    let states = size_of::<Track<SessionVwap>>()
        + size_of::<Track<Atr>>()
        + size_of::<Track<Ema>>()
        + size_of::<Track<Rsi>>()
        + size_of::<Track<Macd>>()
        + size_of::<Track<Bbands>>();
    CANDLE + size_of::<Bars>() + states + settings.columns(0) * size_of::<Value>()
}

/// Bytes of a closed candle.
const CANDLE: usize = 64;

impl SevenRow {
    /// An empty row for the default configuration.
    ///
    /// # Panics
    /// If the default configuration has other indicators than these seven.
    pub fn new(settings: &Settings) -> Self {
        let capacity = settings.ring_capacity(0);
        let mut row = Self {
            ring: Ring::new(capacity, settings.base()),
            units: units(),
            bars: Bars::default(),
            values: Values::new(settings.columns(0)),
            vwap: Track::new(),
            atr: Track::new(),
            ema: Track::new(),
            rsi: Track::new(),
            macd: Track::new(),
            bbands: Track::new(),
        };
        let mut column = 0;
        for setting in settings.on(0) {
            let (params, units) = (&setting.params[..], row.units);
            match setting.entry.name {
                "vwap" => row.vwap.add(params, units, column, capacity),
                "atr" => row.atr.add(params, units, column, capacity),
                "ema" => row.ema.add(params, units, column, capacity),
                "rsi" => row.rsi.add(params, units, column, capacity),
                "macd" => row.macd.add(params, units, column, capacity),
                "bbands" => row.bbands.add(params, units, column, capacity),
                other => panic!("the default configuration has {other} too"),
            }
            column += setting.entry.outputs.len();
        }
        assert_eq!(settings.on(0).count(), 7, "the default configuration has seven indicators");
        row
    }

    /// Closes a candle.
    pub fn push(&mut self, candle: &Candle) {
        self.ring.push(candle);
        self.fold(self.ring.end() - 1);
    }

    /// The candle `depth` candles from the end; 1 is the newest.
    pub fn back(&self, depth: u64) -> Candle {
        self.ring.get(self.ring.end() - depth).unwrap_or_default()
    }

    /// Replaces the candle `depth` candles from the end, and every value from there on.
    pub fn restate(&mut self, depth: u64, candle: &Candle) {
        let position = self.ring.end() - depth;
        self.ring.set(position, candle);
        self.fold(position);
    }

    /// As `convert` and `indicate` do it: the candles once, then each type of indicator.
    fn fold(&mut self, from: u64) {
        let Self { ring, units, bars, values, .. } = self;
        bars.refill(ring, *units, from);
        values.refill((ring.end() - from) as usize);
        self.vwap.fold(ring, bars, values);
        self.atr.fold(ring, bars, values);
        self.ema.fold(ring, bars, values);
        self.rsi.fold(ring, bars, values);
        self.macd.fold(ring, bars, values);
        self.bbands.fold(ring, bars, values);
    }
}
