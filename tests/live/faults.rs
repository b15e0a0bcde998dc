//! Everything that the simulated exchange can make go wrong, against live sessions: what closes as
//! whole is the venue's truth, what is not is marked and named, and the tape replays to the bits.
//!
//! Time passes ten times as fast. `TAPESCAN_FAULTS=FAULTS.md` has the table of faults and outcomes
//! written into that file, between its marks.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// How many times faster time passes.
const SPEED: f64 = 10.0;
/// How long a session lasts, by the venue's time.
const SESSION_S: u64 = 60;
/// Sessions side by side: they sleep most of the time.
const BESIDE: usize = 6;

struct Case {
    /// What goes wrong; `{symbol}` is one that trades, `{other}` another one.
    faults: &'static [&'static str],
}

const CASES: &[Case] = &[
    Case { faults: &[] },
    Case { faults: &["disconnect:at=15s,every=10s"] },
    Case { faults: &["half-open:at=15s,for=20s"] },
    Case { faults: &["pings-only:at=15s,for=20s"] },
    Case { faults: &["silent-symbol:symbol={symbol},at=15s,for=15s"] },
    Case { faults: &["slow:at=10s,for=30s,to=0.5"] },
    Case { faults: &["repeat-last:at=15s,every=5s,count=5"] },
    Case { faults: &["duplicate:share=0.3,seed=1"] },
    Case { faults: &["reorder:share=0.1,by=700ms,seed=1"] },
    Case { faults: &["missing:share=0.05,seed=1"] },
    Case { faults: &["invalid-json:share=0.05,seed=1"] },
    Case { faults: &["wrong-types:share=0.05,seed=1"] },
    Case { faults: &["unknown-symbol:share=0.05,seed=1"] },
    Case { faults: &["cut-frame:at=15s,every=10s"] },
    Case { faults: &["reset:at=15s,every=10s"] },
    Case { faults: &["oversized:at=15s,every=20s,bytes=2000000"] },
    Case { faults: &["refuse-subscription:for=20s"] },
    Case { faults: &["lost-ack:for=4s"] },
    Case { faults: &["refuse-upgrade:for=15s,status=503"] },
    Case { faults: &["shutdown:at=15s,by=10s"] },
    Case { faults: &["rest-delay:by=3s", "missing:share=0.05,seed=1"] },
    Case { faults: &["rest-error:status=500,share=0.5,seed=2", "missing:share=0.05,seed=1"] },
    Case { faults: &["rest-error:status=429,at=10s,for=5s", "missing:share=0.05,seed=1"] },
    Case { faults: &["rest-error:status=418,at=10s,for=5s", "missing:share=0.05,seed=1"] },
    Case { faults: &["rest-lie:path=klines,at=10s", "missing:share=0.05,seed=1"] },
    Case { faults: &["rest-lie:path=aggTrades,at=10s", "missing:share=0.05,seed=1"] },
    Case { faults: &["rest-cut:share=0.5,seed=2", "missing:share=0.05,seed=1"] },
    Case { faults: &["revise:by=10s"] },
    Case { faults: &["list:symbol={symbol},at=20s"] },
    Case { faults: &["delist:symbol={symbol},at=20s"] },
];

fn spec() -> Spec {
    Spec { symbols: 4, rate: 20.0, duration: 86_400, ..Spec::default() }
}

fn names() -> Vec<String> {
    let exchange =
        Exchange::start(SimConfig { feed: Feed::Synthetic(spec()), ..SimConfig::default() });
    exchange.unwrap().symbols().iter().map(|spec| spec.name.to_string()).collect()
}

#[derive(Debug)]
struct Outcome {
    line: String,
}

fn live_with(case: &Case, names: &[String]) -> Outcome {
    let texts: Vec<String> = case
        .faults
        .iter()
        .map(|text| text.replace("{symbol}", &names[1]).replace("{other}", &names[2]))
        .collect();
    let faults = texts.iter().map(|text| Fault::parse(text).unwrap()).collect();
    let exchange = Exchange::start(SimConfig {
        feed: Feed::Synthetic(spec()),
        faults,
        speed: SPEED,
        ..SimConfig::default()
    })
    .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        run_for: Some(Duration::from_secs(SESSION_S).div_f64(SPEED)),
        speed: SPEED,
        ..options(&exchange, dir.path())
    };
    let ended = live::run(&options, &config(), &mut |_| {}).unwrap();
    let again = replayed(&ended);
    let same = again.digest == ended.summary.digest;
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let truths: Vec<_> =
        ended.symbols.specs().iter().map(|spec| truth(&exchange.trades(&spec.name))).collect();
    let mut wrong = 0;
    for ((symbol, interval, open_time), latest) in ended.outputs.candles().unwrap() {
        if *interval != 0 {
            continue;
        }
        *counts.entry(latest.candle.mark.name()).or_default() += 1;
        let known = truths[usize::from(symbol.0)].get(open_time);
        let said = matches!(latest.candle.mark, Mark::Complete | Mark::Amended | Mark::Reconciled);
        let off = known.is_some_and(|known| !latest.candle.same_numbers(known));
        let quiet = latest.candle.mark == Mark::Quiet && known.is_some();
        if (said && off) || quiet {
            wrong += 1;
            if wrong < 3 {
                println!("{texts:?} {:?} {known:?}", latest.candle);
            }
        }
    }
    let s = &ended.summary;
    let line = format!(
        "{texts:?} same={same} lost={} {counts:?} wrong={wrong} gaps={} unrec={} filled={} rejects={:?} undecoded={:?} failed={} inbox={} not_done={} absent={}",
        ended.shown.status.lost,
        s.gaps.len(),
        s.unrecoverable,
        s.health.filled,
        s.rejects(),
        s.undecoded.iter().map(|u| (u.0, u.1)).collect::<Vec<_>>(),
        ended.shown.rest.failed,
        ended.shown.status.inbox_max,
        ended.not_done,
        s.absent,
    );
    println!("{line}");
    Outcome { line }
}

#[test]
fn every_fault_ends_in_the_truth_or_in_marks() {
    let names = names();
    let (next, outcomes) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..BESIDE {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = CASES.get(number) else { return };
                    let outcome = live_with(case, &names);
                    outcomes.lock().unwrap().insert(number, outcome);
                }
            });
        }
    });
    for outcome in outcomes.into_inner().unwrap().values() {
        println!("{}", outcome.line);
    }
}
