//! The hot path allocates nothing after warm-up, measured or not: counted by an allocator.

use std::sync::Arc;

use allocation_counter::measure;
use benches::inputs::{defaults, early, market};
use benches::live_steps::{Event, Live, frames};
use tapescan::clock;
use tapescan::config::Config;
use tapescan::latency::Ask;
use tapescan::settings::settings;

const SYMBOLS: usize = 50;

/// Far more columns than the defaults have, of each kind of state.
const MANY: &str = r#"indicators = [
    "ema(3)", "ema(4)", "ema(5)", "ema(6)", "ema(7)", "ema(8)", "ema(9)", "ema(10)", "sma(5)",
    "sma(6)", "sma(7)", "wma(5)", "rsi(5)", "rsi(6)", "rsi(7)", "atr(5)", "natr(5)", "adx(5)",
    "macd(3,6,4)", "macd(4,8,3)", "bbands(5,2)", "bbands(6,2)", "bbands(7,2)", "keltner(5,5,2)",
    "donchian(5)", "donchian(6)", "stoch(5,3,3)", "stoch(6,3,3)", "supertrend(5,3)", "vwap",
    "cci(5)", "mfi(5)", "willr(5)", "roc(5)", "obv", "zscore(5)", "stddev(5)", "linreg_slope(5)",
]
"#;

fn fold(live: &mut Live, events: &[Event], clock: &Ask) {
    for some in events.chunks(256) {
        live.step(some, clock());
    }
}

#[test]
fn frames_become_candles_and_histograms_without_an_allocation() {
    let clock: Ask = Arc::new(clock::steady(1.0));
    let (specs, trades) = market(SYMBOLS, 4_000_000, 20_000);
    let early = frames(&specs, &early(SYMBOLS, &trades));
    // Up to half a minute after the end of a candle: everything was used once.
    let minute = |trade: &systems::trade::Trade| trade.time.ms() / 60_000;
    let second = trades.partition_point(|trade| minute(trade) <= minute(&trades[0]) + 1);
    let (warm, rest) = trades.split_at(second + 600_000);
    let (warm, timed) = (frames(&specs, warm), frames(&specs, &rest[..400_000]));
    let many = Config::parse("here", MANY).map(|config| settings(&config));
    let Ok(many) = many else { panic!("the configuration is right") };
    assert!(many.columns(0) > 60, "{}", many.columns(0));
    let cases = [(defaults(), None), (defaults(), Some(clock.clone())), (many, None)];
    for (settings, ask) in cases {
        let measured = ask.is_some();
        let mut live = Live::new(&settings, &specs, ask);
        fold(&mut live, &early, &clock);
        fold(&mut live, &warm, &clock);
        let counted = measure(|| fold(&mut live, &timed, &clock));
        assert_eq!(counted.count_total, 0, "measured: {measured}, {counted:?}");
    }
}

#[test]
fn the_counter_counts() {
    let counted = measure(|| drop(std::hint::black_box(vec![0u8; 100])));
    assert_eq!(counted.count_total, 1);
}
