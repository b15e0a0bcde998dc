//! Cost per closed candle of every indicator, beside the crates `yata` and `ta` on the same
//! candles where they have it.
//!
//! Ours reads the past from the row's ring, which is there anyway, so the ring is filled before
//! the clock starts; `all seven` has everything in it: ring, conversion, saved states, values.
//! Conventions differ (seeds, signals), so values are not compared here; the tests do that.

mod peers;

use std::hint::black_box;

use benches::hand_written::{Forming, Indicators};
use benches::inputs::{candles, defaults};
use benches::timing::quick;
use benches::tracks::{SevenRow, units};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use systems::candle::Candle;
use systems::catalog::{CATALOG, Spec};
use systems::indicator::{Bar, Indicator, Past};
use systems::indicators::{
    adx, anchored_vwap, atr, bbands, cci, deviation, donchian, ema, keltner, linreg, macd, mfi,
    natr, obv, rma, roc, rolling_vwap, rsi, rvol, session, session_vwap, sma, stoch, supertrend,
    taker_share, trade_rate, willr, wma,
};
use systems::ring::Ring;
use systems::track::OUTPUTS_MAX;

// As the program allocates.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Candles per iteration: a week of minutes.
pub(crate) const COUNT: usize = 10_000;

/// The same candles as integers, as bars and as the ring that holds them all.
struct Input {
    candles: Vec<Candle>,
    bars: Vec<Bar>,
    ring: Ring,
}

impl Input {
    fn new() -> Self {
        let candles = candles(COUNT);
        let mut ring = Ring::new(COUNT, defaults().base());
        candles.iter().for_each(|candle| ring.push(candle));
        let bars = candles.iter().map(|candle| Bar::new(*candle, units())).collect();
        Self { candles, bars, ring }
    }
}

/// Folds all items into a fresh state, over and over; the figure is for all of them.
pub(crate) fn measure<T, S, R>(
    criterion: &mut Criterion,
    (what, who): (&str, &str),
    items: &[T],
    start: impl Fn() -> S,
    step: impl Fn(&mut S, &T) -> R,
) {
    let mut group = quick(criterion, format!("indicators/{what}"));
    group.throughput(Throughput::Elements(items.len() as u64));
    group.bench_function(who, |bencher| {
        bencher.iter(|| {
            let mut state = start();
            for item in items {
                black_box(&step(&mut state, item));
            }
        });
    });
    group.finish();
}

fn ours<I: Indicator>(criterion: &mut Criterion, input: &Input, text: &str) {
    let spec = Spec::parse(text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(spec.entry().name, I::NAME);
    let start = || {
        let mut state = I::new(spec.params(), units());
        state.allow_rewind(defaults().ring_capacity(0));
        (state, 0)
    };
    measure(criterion, (text, "ours"), &input.bars, start, |(state, position), bar| {
        let mut out = [None; OUTPUTS_MAX];
        state.update(bar, &Past::before(&input.ring, *position), &mut out[..I::OUTPUTS.len()]);
        *position += 1;
        out
    });
}

fn catalog(criterion: &mut Criterion) {
    let input = Input::new();
    let mut measured = 0;
    macro_rules! each {
        ($($indicator:ty: $text:literal,)*) => {$(
            ours::<$indicator>(criterion, &input, $text);
            measured += 1;
        )*};
    }
    each! {
        adx::Adx: "adx(14)",
        anchored_vwap::AnchoredVwap: "anchored_vwap(1723161600)",
        atr::Atr: "atr(14)",
        bbands::Bbands: "bbands(20,2)",
        cci::Cci: "cci(20)",
        deviation::Stddev: "stddev(20)",
        deviation::Zscore: "zscore(20)",
        donchian::Donchian: "donchian(20)",
        ema::Ema: "ema(12)",
        ema::Ema: "ema(26)",
        keltner::Keltner: "keltner(20,10,2)",
        linreg::LinregSlope: "linreg_slope(14)",
        macd::Macd: "macd(12,26,9)",
        mfi::Mfi: "mfi(14)",
        natr::Natr: "natr(14)",
        obv::Obv: "obv",
        rma::Rma: "rma(14)",
        roc::Roc: "roc(10)",
        rolling_vwap::RollingVwap: "rolling_vwap(20)",
        rsi::Rsi: "rsi(14)",
        rvol::Rvol: "rvol(5)",
        session::Session: "session",
        session_vwap::SessionVwap: "vwap",
        sma::Sma: "sma(20)",
        stoch::Stoch: "stoch(14,3,3)",
        supertrend::Supertrend: "supertrend(10,3)",
        taker_share::TakerShare: "taker_share(5)",
        trade_rate::TradeAccel: "trade_accel(5)",
        trade_rate::TradeRate: "trade_rate(5)",
        willr::Willr: "willr(14)",
        wma::Wma: "wma(20)",
    }
    // EMA stands there twice.
    assert_eq!(measured, CATALOG.len() + 1, "an indicator is not measured");
}

fn all_seven(criterion: &mut Criterion) {
    let input = Input::new();
    let settings = defaults();
    let start = || SevenRow::new(&settings);
    measure(criterion, ("all seven", "ours"), &input.candles, start, SevenRow::push);
    let closed: Vec<Forming> = input.candles.iter().map(Forming::from).collect();
    let unit = units().price;
    measure(
        criterion,
        ("all seven", "hand_written"),
        &closed,
        Indicators::default,
        |state, candle| *state.update(candle, unit),
    );
}

criterion_group!(indicators, catalog, peers::yata, peers::ta, all_seven);
criterion_main!(indicators);
