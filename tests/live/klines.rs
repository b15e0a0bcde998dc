//! Sessions that take the venue's candles from its streams: nothing is asked for that came, and
//! what came late, wrong or not at all is asked for.

use super::*;

const STREAMED: &str = "intervals = [\"1s\", \"1m\"]\nlookback = 60\nindicators = [\"ema(12)\"]\n\
    [reconcile]\nscope = \"all\"\nstream = \"all\"\n";

/// How many times faster time passes.
const SPEED: f64 = 10.0;

/// What is left before the end to compare and to ask, by the venue's time.
const SETTLE_NS: u64 = 15 * Nanos::PER_SECOND;

/// Lives 60 s of the venue; how many candles of a second were compared with the truth in the end.
fn session(faults: &[&str]) -> (Ended, usize) {
    let spec = Spec { symbols: 4, rate: 20.0, duration: 86_400, ..Spec::default() };
    let faults = faults.iter().map(|text| Fault::parse(text).unwrap()).collect();
    let feed = Feed::Synthetic(spec);
    let exchange =
        Exchange::start(SimConfig { feed, speed: SPEED, faults, ..SimConfig::default() }).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let run_for = Some(Duration::from_secs_f64(60.0 / SPEED));
    let options = Options { run_for, speed: SPEED, ..options(&exchange, 0, dir.path()) };
    let config = Config::parse("here", STREAMED).unwrap();
    let ended = live::run(&options, &config, &mut |_| {}).unwrap();
    let settled = Nanos(ended.summary.ended_at.0 - SETTLE_NS);
    let mut proven = 0;
    for (number, spec) in ended.symbols.specs().iter().enumerate() {
        let truth = truth(&exchange.trades(&spec.name));
        for ((symbol, interval, open_time), latest) in ended.outputs.candles().unwrap() {
            let ours = usize::from(symbol.0) == number && *interval == 0;
            let Some(known) = truth.get(open_time).filter(|_| ours && *open_time < settled) else {
                continue;
            };
            assert_eq!(latest.candle.mark, Mark::Reconciled, "{:?}", latest.candle);
            assert!(latest.candle.same_numbers(known), "{:?}\n{known:?}", latest.candle);
            proven += 1;
        }
    }
    let again = replayed(&ended);
    assert_eq!((&again.digest, again.trades), (&ended.summary.digest, ended.summary.trades));
    (ended, proven)
}

#[test]
fn every_candle_is_proven_whatever_becomes_of_the_venues_streams() {
    let cases: [&[&str]; 4] = [
        &[],
        &["late-kline:share=0.3,seed=1,by=8s"],
        &["missing-kline:share=0.3,seed=2"],
        &["wrong-kline:share=0.3,seed=3,at=15s"],
    ];
    let ended: Vec<(Ended, usize)> = std::thread::scope(|scope| {
        let run = cases.map(|faults| scope.spawn(move || session(faults)));
        run.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for ((ended, proven), faults) in ended.iter().zip(cases) {
        assert!(*proven > 60, "{proven} with {faults:?}");
        assert_eq!(ended.summary.unrecoverable, 0);
    }
    let spared = |case: usize| ended[case].0.shown.status.spared;
    assert!(spared(0) > spared(2), "{} and {}", spared(0), spared(2));
    // A print that the venue counted too much, until its answer said otherwise. Where nothing is
    // wrong, a candle may still be compared before its last prints have come.
    let sound = &ended[0].0.summary;
    let told = &ended[3].0.summary.drifted;
    assert!(ended[3].0.summary.drift[2] > 10 * ended[0].0.summary.drift[2].max(1), "{told:?}");
    assert!(!told.worst.is_empty() && !told.examples.is_empty(), "{told:?}");
    assert!(sound.drift[3..].iter().all(|count| *count == 0), "{:?}", sound.drifted);
}
