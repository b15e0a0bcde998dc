//! The crates that people would use instead: `yata` and `ta`.
//!
//! `yata` calls some of its indicators methods, which give a value, and others indicators, which
//! give a signal too; where it has both, the method is measured.

use criterion::Criterion;
use systems::candle::Candle;
use systems::indicator::Bar;
use ta::Next;
use ta::indicators as single;
use yata::core::{IndicatorConfig, IndicatorInstance, Method};
use yata::helpers::MA;
use yata::indicators as with_signals;
use yata::methods::{EMA, RMA, RateOfChange, SMA, StDev, TR, WMA};

use benches::inputs::candles;
use benches::tracks::units;

use crate::{COUNT, measure};

fn bars() -> impl Iterator<Item = Bar> {
    candles(COUNT).into_iter().map(|candle: Candle| Bar::new(candle, units()))
}

fn yata_candle(bar: Bar) -> yata::core::Candle {
    yata::core::Candle {
        open: bar.open,
        high: bar.high,
        low: bar.low,
        close: bar.close,
        volume: bar.volume,
    }
}

/// Indicators of `yata` that take whole candles.
fn whole<C>(criterion: &mut Criterion, what: &str, items: &[yata::core::Candle], config: C)
where
    C: IndicatorConfig + Clone,
{
    let start = || config.clone().init(&items[0]).unwrap();
    measure(criterion, (what, "yata"), items, start, |state, candle| state.next(candle));
}

/// Methods of `yata` that take closes.
fn closes<M>(criterion: &mut Criterion, what: &str, items: &[yata::core::Candle], period: u8)
where
    M: Method<Params = u8, Input = f64>,
{
    let start = || M::new(period, &items[0].close).unwrap();
    measure(criterion, (what, "yata"), items, start, |state, candle| state.next(&candle.close));
}

/// What `yata` has of our catalog.
pub(crate) fn yata(criterion: &mut Criterion) {
    let items: Vec<yata::core::Candle> = bars().map(yata_candle).collect();
    closes::<EMA>(criterion, "ema(12)", &items, 12);
    closes::<EMA>(criterion, "ema(26)", &items, 26);
    closes::<SMA>(criterion, "sma(20)", &items, 20);
    closes::<WMA>(criterion, "wma(20)", &items, 20);
    closes::<RMA>(criterion, "rma(14)", &items, 14);
    closes::<StDev>(criterion, "stddev(20)", &items, 20);
    closes::<RateOfChange>(criterion, "roc(10)", &items, 10);
    let range = || (TR::new(&items[0]).unwrap(), RMA::new(14, &0.0).unwrap());
    measure(criterion, ("atr(14)", "yata"), &items, range, |(range, average), candle| {
        average.next(&range.next(candle))
    });
    let rsi = with_signals::RSI { ma: MA::RMA(14), ..Default::default() };
    whole(criterion, "rsi(14)", &items, rsi);
    whole(criterion, "macd(12,26,9)", &items, with_signals::MACD::default());
    whole(criterion, "bbands(20,2)", &items, with_signals::BollingerBands::default());
    let cci = with_signals::CommodityChannelIndex { period: 20, ..Default::default() };
    whole(criterion, "cci(20)", &items, cci);
    whole(criterion, "adx(14)", &items, with_signals::AverageDirectionalIndex::default());
    let stochastic = with_signals::StochasticOscillator {
        ma: MA::SMA(3),
        signal: MA::SMA(3),
        ..Default::default()
    };
    whole(criterion, "stoch(14,3,3)", &items, stochastic);
    whole(criterion, "keltner(20,10,2)", &items, with_signals::KeltnerChannel::default());
    whole(criterion, "donchian(20)", &items, with_signals::DonchianChannel::default());
    whole(criterion, "mfi(14)", &items, with_signals::MoneyFlowIndex::default());
    let six = || {
        (
            (EMA::new(12, &items[0].close).unwrap(), EMA::new(26, &items[0].close).unwrap()),
            range(),
            rsi.init(&items[0]).unwrap(),
            with_signals::MACD::default().init(&items[0]).unwrap(),
            with_signals::BollingerBands::default().init(&items[0]).unwrap(),
        )
    };
    measure(criterion, ("all seven", "yata"), &items, six, |state, candle| {
        let ((fast, slow), (range, average), rsi, macd, bands) = state;
        (
            (fast.next(&candle.close), slow.next(&candle.close)),
            average.next(&range.next(candle)),
            rsi.next(candle),
            macd.next(candle),
            bands.next(candle),
        )
    });
}

/// What `ta` has of our catalog.
pub(crate) fn ta(criterion: &mut Criterion) {
    let item = |bar: Bar| {
        let built = ta::DataItem::builder().open(bar.open).high(bar.high).low(bar.low);
        built.close(bar.close).volume(bar.volume).build().unwrap()
    };
    let items: Vec<ta::DataItem> = bars().map(item).collect();
    macro_rules! each {
        ($($what:literal: $start:expr,)*) => {$(
            measure(criterion, ($what, "ta"), &items, || $start, |state, item| state.next(item));
        )*};
    }
    each! {
        "ema(12)": single::ExponentialMovingAverage::new(12).unwrap(),
        "ema(26)": single::ExponentialMovingAverage::new(26).unwrap(),
        "sma(20)": single::SimpleMovingAverage::new(20).unwrap(),
        "stddev(20)": single::StandardDeviation::new(20).unwrap(),
        "roc(10)": single::RateOfChange::new(10).unwrap(),
        "atr(14)": single::AverageTrueRange::new(14).unwrap(),
        "rsi(14)": single::RelativeStrengthIndex::new(14).unwrap(),
        "macd(12,26,9)": single::MovingAverageConvergenceDivergence::new(12, 26, 9).unwrap(),
        "bbands(20,2)": single::BollingerBands::new(20, 2.0).unwrap(),
        "cci(20)": single::CommodityChannelIndex::new(20).unwrap(),
        "stoch(14,3,3)": single::SlowStochastic::new(14, 3).unwrap(),
        "keltner(20,10,2)": single::KeltnerChannel::new(20, 2.0).unwrap(),
        "mfi(14)": single::MoneyFlowIndex::new(14).unwrap(),
        "obv": single::OnBalanceVolume::new(),
    }
}
