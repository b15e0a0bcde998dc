//! Runs that take minutes: many disconnects, the cut after a day, and two thousand symbols against
//! a venue that enforces its limits.
//!
//!     cargo test --release --test all live::long -- --ignored --nocapture --test-threads 1

use super::*;

/// Candles of a minute: what is compared here is whether any trade is missing or counted twice.
fn minutes() -> Config {
    let text = "intervals = [\"1m\", \"15m\"]\nlookback = 120\nindicators = [\"ema(12)\"]\n";
    Config::parse("here", text).unwrap()
}

struct Run {
    symbols: u32,
    /// Prints per second of the venue's time.
    rate: f64,
    speed: f64,
    /// Seconds of the venue's time.
    seconds: u64,
    faults: Vec<String>,
}

impl Run {
    fn live(&self, config: &Config) -> (Exchange, Ended) {
        let spec = Spec {
            symbols: self.symbols,
            rate: self.rate,
            duration: 7 * 86_400,
            ..Spec::default()
        };
        let faults = self.faults.iter().map(|text| Fault::parse(text).unwrap()).collect();
        let exchange = Exchange::start(SimConfig {
            feed: Feed::Synthetic(spec),
            faults,
            speed: self.speed,
            keep: 12_000_000,
            ..SimConfig::default()
        })
        .unwrap();
        let dir = tempfile::tempdir().unwrap();
        let options = Options {
            run_for: Some(Duration::from_secs(self.seconds).div_f64(self.speed)),
            speed: self.speed,
            ..options(&exchange, 0, dir.path())
        };
        let ended = live::run(&options, config, &mut |_| {}).unwrap();
        let again = replayed(&ended);
        assert_eq!(again.digest, ended.summary.digest, "the tape replays to the same bits");
        (exchange, ended)
    }
}

/// Compares every minute from the first live one to `settle` seconds before the end: how many
/// prints were compared.
fn assert_nothing_missing(exchange: &Exchange, ended: &Ended, settle: u64) -> u64 {
    let until = Nanos(ended.summary.ended_at.0 - settle * Nanos::PER_SECOND);
    let mut ours: BTreeMap<(u16, Nanos), Candle> = BTreeMap::new();
    for ((symbol, interval, open_time), latest) in ended.outputs.candles().unwrap() {
        if *interval == 0 {
            ours.insert((symbol.0, *open_time), latest.candle);
        }
    }
    let mut compared = 0;
    for (number, spec) in ended.symbols.specs().iter().enumerate() {
        let truth = truth_of(&exchange.trades(&spec.name), 60 * Nanos::PER_SECOND);
        // The first minute may have begun before the exchange did.
        for (open_time, known) in truth.range(..until).skip(1) {
            let Some(candle) = ours.get(&(number as u16, *open_time)) else {
                panic!("{} has no minute {open_time:?}: {known:?}", spec.name)
            };
            assert!(candle.same_numbers(known), "{}: {candle:?}\nis {known:?}", spec.name);
            compared += u64::from(known.trades);
        }
    }
    compared
}

#[test]
#[ignore = "takes minutes"]
fn a_thousand_disconnects_lose_nothing() {
    let run = Run {
        symbols: 500,
        rate: 60.0,
        speed: 300.0,
        seconds: 82_000,
        faults: vec!["disconnect:mean=60s,for=81000s,code=0,seed=7".to_owned()],
    };
    let (exchange, ended) = run.live(&minutes());
    let compared = assert_nothing_missing(&exchange, &ended, 600);
    let (summary, lost) = (&ended.summary, ended.shown.status.lost);
    eprintln!(
        "{lost} disconnects, {} prints, {compared} trades compared, {} fetched by id, \
         {} duplicates refused, {} given up, inbox at most {}",
        summary.trades,
        summary.health.filled,
        summary.rejects().iter().find(|(cause, _)| *cause == "duplicate").map_or(0, |(_, n)| *n),
        summary.unrecoverable,
        ended.shown.status.inbox_max
    );
    assert!(lost >= 1_000 && compared > 3_000_000, "{lost} disconnects");
    assert_eq!((summary.unrecoverable, summary.gaps.len()), (0, 0));
}

#[test]
#[ignore = "takes minutes"]
fn the_cut_after_a_day_is_never_felt() {
    let run =
        Run { symbols: 100, rate: 8.0, speed: 200.0, seconds: 26 * 3_600, faults: Vec::new() };
    let (exchange, ended) = run.live(&minutes());
    let compared = assert_nothing_missing(&exchange, &ended, 120);
    let (summary, totals) = (&ended.summary, exchange.totals());
    eprintln!(
        "{} connections, {} lost, {compared} prints compared, {} requests by the core",
        totals.connections, ended.shown.status.lost, summary.requests.0
    );
    assert!(totals.connections >= 2, "one connection took the place of another");
    assert_eq!((ended.shown.status.lost, summary.gaps.len(), summary.unrecoverable), (0, 0, 0));
    // What was asked for belongs to the beginning.
    assert!(summary.requests.0 <= 3 * u64::from(run.symbols), "{}", summary.requests.0);
}

#[test]
#[ignore = "takes minutes"]
fn two_thousand_symbols_never_draw_a_429() {
    let text =
        "intervals = [\"1m\", \"3m\", \"15m\"]\nlookback = 300\n[reconcile]\nscope = \"all\"\n";
    let config = Config::parse("here", text).unwrap();
    let run = Run {
        symbols: 2_000,
        rate: 800.0,
        speed: 20.0,
        seconds: 1_200,
        faults: vec!["missing:share=0.0005,seed=3".to_owned()],
    };
    let (exchange, ended) = run.live(&config);
    let (rest, totals) = (&ended.shown.rest, exchange.totals());
    eprintln!(
        "{} requests, {} refused, {} failed, {} merged, warm-up {:?}, {} prints, {} fetched by id",
        totals.requests,
        totals.refused,
        rest.failed,
        rest.merged,
        ended.shown.status.warm_up,
        ended.summary.trades,
        ended.summary.health.filled
    );
    assert_eq!((totals.refused, rest.failed), (0, 0));
    assert!(ended.summary.health.filled > 0 && rest.sent > 6_000);
}
