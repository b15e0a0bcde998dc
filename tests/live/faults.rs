//! Everything that the simulated exchange can make go wrong, against live sessions: what closes as
//! whole is the venue's truth, what is not is marked and named, and the tape replays to the bits.
//!
//! Time passes ten times as fast. With `TAPESCAN_FAULTS` set to a file, the table of faults and
//! outcomes is written there; `FAULTS.md` is made so.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use systems::trade::SymbolId;
use tapescan::config::{Published, Scope};
use tapescan::live::limits::INBOX;
use tapescan::sim::help;

use super::*;

/// How many times faster time passes.
const SPEED: f64 = 10.0;
/// How long a session lasts, by the venue's time.
const SESSION: Duration = Duration::from_secs(60);
/// What is left before the end to repair and to compare, by the venue's time.
const SETTLE_NS: u64 = 20 * Nanos::PER_SECOND;
/// How long a busy machine may hold up everything.
const STALL_NS: u64 = 20 * Nanos::PER_SECOND;
/// Sessions side by side: they sleep most of the time.
const BESIDE: usize = 6;

/// What is left when all is over.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Left {
    /// Every candle is the venue's.
    Whole,
    /// Some cannot be known, and are marked.
    Marked,
}

/// One row of the table.
struct Case {
    /// What goes wrong; `{symbol}` is one of the market's.
    faults: &'static [&'static str],
    /// Connections that are lost or cannot be made, at least.
    lost: u64,
    /// A cause that must be counted.
    counted: &'static str,
    left: Left,
    /// The venue's candles come over streams as well.
    streamed: bool,
}

const fn case(faults: &'static [&'static str]) -> Case {
    Case { faults, lost: 0, counted: "", left: Left::Whole, streamed: false }
}

const fn lost(lost: u64, faults: &'static [&'static str]) -> Case {
    Case { lost, ..case(faults) }
}

const fn counted(counted: &'static str, faults: &'static [&'static str]) -> Case {
    Case { counted, ..case(faults) }
}

const fn marked(faults: &'static [&'static str]) -> Case {
    Case { left: Left::Marked, ..case(faults) }
}

const fn streamed(faults: &'static [&'static str]) -> Case {
    Case { streamed: true, ..case(faults) }
}

/// Without missing prints nobody would ask for any.
const SOME_MISSING: &str = "missing:share=0.05,seed=1";

const CASES: &[Case] = &[
    case(&[]),
    lost(3, &["disconnect:at=10s,every=10s,for=30s"]),
    lost(1, &["half-open:at=10s,for=20s"]),
    lost(1, &["pings-only:at=10s,for=20s"]),
    case(&["silent-symbol:symbol={symbol},at=10s,for=15s"]),
    case(&["slow:at=5s,for=20s,to=0.8"]),
    case(&["slow:at=5s,for=20s,to=0.5"]),
    counted("duplicate", &["repeat-last:at=10s,every=5s,count=5"]),
    counted("duplicate", &["duplicate:share=0.3,seed=1"]),
    case(&["reorder:share=0.1,by=700ms,seed=1,at=0s,for=40s"]),
    case(&["missing:share=0.05,seed=1"]),
    counted("not-json", &["invalid-json:share=0.05,seed=1"]),
    counted("wrong-type", &["wrong-types:share=0.05,seed=1"]),
    counted("unknown-symbol", &["unknown-symbol:share=0.05,seed=1"]),
    lost(3, &["cut-frame:at=10s,every=10s,for=30s"]),
    lost(3, &["reset:at=10s,every=10s,for=30s"]),
    lost(2, &["oversized:at=10s,every=15s,bytes=2000000,for=30s"]),
    lost(1, &["refuse-subscription:for=15s"]),
    case(&["lost-ack:for=4s"]),
    lost(1, &["refuse-upgrade:for=10s,status=503"]),
    case(&["shutdown:at=15s,by=10s"]),
    case(&["rest-delay:by=1s", SOME_MISSING]),
    marked(&["rest-error:status=500,share=0.5,seed=2", SOME_MISSING]),
    case(&["rest-error:status=429,at=10s,for=5s", SOME_MISSING]),
    marked(&["rest-error:status=418,at=10s,for=5s", SOME_MISSING]),
    marked(&["rest-lie:path=klines,at=10s", SOME_MISSING]),
    marked(&["rest-lie:path=aggTrades,at=10s", SOME_MISSING]),
    marked(&["rest-cut:share=0.5,seed=2", SOME_MISSING]),
    case(&["revise:by=10s", SOME_MISSING]),
    case(&["list:symbol={symbol},at=20s", SOME_MISSING]),
    case(&["delist:symbol={symbol},at=30s", SOME_MISSING]),
    case(&["delist:symbol={symbol},at=15s", "relist:symbol={symbol},at=30s", SOME_MISSING]),
    streamed(&["late-kline:share=0.3,seed=1,by=8s", SOME_MISSING]),
    streamed(&["missing-kline:share=0.3,seed=2", SOME_MISSING]),
    streamed(&["wrong-kline:share=0.3,seed=3,at=15s", SOME_MISSING]),
];

/// Kinds that other tests show.
const ELSEWHERE: &[&str] = &["tls-failure"];

fn market() -> SimConfig {
    let spec = Spec { symbols: 4, rate: 20.0, duration: 86_400, ..Spec::default() };
    SimConfig { feed: Feed::Synthetic(spec), speed: SPEED, ..SimConfig::default() }
}

/// What became of a session.
struct Outcome {
    faults: String,
    /// Connections lost or not made, and the latter alone.
    lost: u64,
    not_made: u64,
    filled: u64,
    /// Candles of a second by what is known of them.
    whole: usize,
    restated: usize,
    left: usize,
    counted: BTreeMap<&'static str, u64>,
    complaints: Vec<String>,
}

fn outcome(case: &Case, symbol: &str) -> Outcome {
    let faults: Vec<String> =
        case.faults.iter().map(|text| text.replace("{symbol}", symbol)).collect();
    let parsed = faults.iter().map(|text| Fault::parse(text).unwrap()).collect();
    let exchange = Exchange::start(SimConfig { faults: parsed, ..market() }).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        run_for: Some(SESSION.div_f64(SPEED)),
        speed: SPEED,
        ..options(&exchange, 0, dir.path())
    };
    let mut config = config();
    config.refresh_ns = 10 * Nanos::PER_SECOND;
    if case.streamed {
        (config.reconcile.stream, config.reconcile.scope) = (Published::All, Scope::All);
    }
    let ended = live::run(&options, &config, &mut |_| {}).unwrap();
    let mut counted: BTreeMap<_, _> = ended.summary.rejects().into_iter().collect();
    counted.extend(ended.summary.undecoded.iter().map(|(cause, count, _)| (*cause, *count)));
    let mut outcome = Outcome {
        faults: case.faults.join(" ").replace("{symbol}", "..."),
        lost: ended.shown.status.lost + ended.shown.status.dials_failed,
        not_made: ended.shown.status.dials_failed,
        filled: ended.summary.health.filled,
        whole: 0,
        restated: 0,
        left: 0,
        counted,
        complaints: Vec::new(),
    };
    outcome.judge_candles(case, &exchange, &ended);
    outcome.judge_session(case, &ended);
    outcome
}

impl Outcome {
    fn complain(&mut self, text: impl Into<String>) {
        self.complaints.push(text.into());
    }

    /// Every second in which the venue traded has a candle that tells the truth, or one that says
    /// that it does not, or is reported as absent.
    fn judge_candles(&mut self, case: &Case, exchange: &Exchange, ended: &Ended) {
        let candles = ended.outputs.candles().unwrap();
        let heard = candles.iter().filter(|(key, one)| key.1 == 0 && one.candle.trades > 0);
        let heard = heard.map(|((.., open_time), _)| *open_time).max().unwrap_or_default();
        // A stalled machine may end the session before it has read what the venue sent.
        let settled = Nanos(ended.summary.ended_at.0 - SETTLE_NS);
        if settled.0 > heard.0 + STALL_NS {
            self.complain(format!(
                "nothing was heard after {heard:?}, of what ended at {settled:?}"
            ));
        }
        let settled = settled.min(heard);
        let mut without = Vec::new();
        for (number, spec) in ended.symbols.specs().iter().enumerate() {
            let of_row = |((symbol, interval, _), _): &(&(SymbolId, u8, Nanos), &_)| {
                usize::from(symbol.0) == number && *interval == 0
            };
            let ours: BTreeMap<Nanos, Candle> = candles
                .iter()
                .filter(of_row)
                .map(|((.., open_time), latest)| (*open_time, latest.candle))
                .collect();
            let truth = truth(&exchange.trades(&spec.name));
            let first = *ours.keys().next().unwrap();
            for (open_time, known) in truth.range(first..settled) {
                match ours.get(open_time) {
                    Some(candle) => self.judge(case, &spec.name, candle, known),
                    None => without.push((&spec.name, open_time.0 / Nanos::PER_SECOND)),
                }
            }
            let invented = |candle: &&Candle| {
                candle.open_time < settled
                    && candle.trades > 0
                    && candle.mark != Mark::Reconciled
                    && !truth.contains_key(&candle.open_time)
            };
            if let Some(candle) = ours.values().find(invented) {
                self.complain(format!("{} never traded in {candle:?}", spec.name));
            }
        }
        if without.len() as u64 > ended.summary.absent {
            self.complain(format!("without a candle and not reported: {without:?}"));
        }
        self.left += without.len();
        if case.left == Left::Whole && self.left > 0 {
            self.complain(format!("{} seconds are not known in the end", self.left));
        }
    }

    fn judge(&mut self, case: &Case, name: &str, ours: &Candle, known: &Candle) {
        let same = ours.same_numbers(known);
        match ours.mark {
            Mark::Complete => self.whole += 1,
            Mark::Amended | Mark::Reconciled => self.restated += 1,
            Mark::Gap | Mark::HeadPartial | Mark::Disputed => self.left += 1,
            Mark::Quiet => {}
        }
        let claims = !matches!(ours.mark, Mark::Gap | Mark::HeadPartial | Mark::Disputed);
        // Whom the venue lies to twice cannot know.
        let believed = ours.mark == Mark::Reconciled
            && case.faults.first().is_some_and(|fault| fault.starts_with("rest-lie"));
        if claims && !same && !believed {
            self.complain(format!("{name}: {ours:?}\nis in truth {known:?}"));
        }
    }

    fn judge_session(&mut self, case: &Case, ended: &Ended) {
        let again = replayed(ended);
        if again.digest != ended.summary.digest {
            self.complain("its tape replays to other bits");
        }
        if self.lost < case.lost {
            self.complain(format!("{} connections lost, not {}", self.lost, case.lost));
        }
        // A venue that refuses connections does so before there is one to be lost.
        let refused = self.faults.contains("refuse-upgrade");
        if refused != (self.not_made > 0) || (refused && self.lost > self.not_made) {
            self.complain(format!("{} of {} were not made", self.not_made, self.lost));
        }
        if !case.counted.is_empty() && !self.counted.contains_key(case.counted) {
            self.complain(format!("no {} among {:?}", case.counted, self.counted));
        }
        if ended.shown.status.inbox_max >= INBOX {
            self.complain("the inbox was full");
        }
    }

    fn row(&self) -> String {
        let counted = self.counted.iter().map(|(cause, count)| format!("{count} {cause}"));
        format!(
            "| {} | {} | {} | {} | {} | {} | {} |\n",
            if self.faults.is_empty() { "none" } else { &self.faults },
            self.lost,
            counted.collect::<Vec<_>>().join(", "),
            self.filled,
            self.whole,
            self.restated,
            self.left
        )
    }
}

const HEAD: &str = "\
# Faults and outcomes

What the simulated exchange can make go wrong, and what became of a live session of a minute with
four symbols and candles of a second: connections lost or not made, messages and prints not used by
cause, ids that were missed and fetched, and the seconds in which the exchange traded: those whole
when they closed, those made whole later (repaired by id, or taken from the exchange's own candle),
and those that are marked as a gap or disputed in the end. Where the last number is not 0, the
exchange refused or falsified its answers until the end. Every whole candle was compared with the
exchange's truth, and every session's tape replays to the session's digest. Where the exchange lies
in its answers (`rest-lie`), what was taken from them counts as made whole: nobody could tell. The
inbox was never full, and the sessions together, six at a time, never held more than 512 MiB.

    TAPESCAN_FAULTS=FAULTS.md cargo test --release --test all live::faults

| fault | lost | not used | fetched | whole | made whole | marked |
|---|---|---|---|---|---|---|
";

/// Memory that sessions may have held at once, in KiB.
const RESIDENT_MAX_KIB: u64 = 512 << 10;

/// The most memory that this process ever held, in KiB, where the system tells.
fn most_resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[test]
fn every_fault_ends_in_the_truth_or_in_marks() {
    let exchange = Exchange::start(market()).unwrap();
    let symbol = exchange.symbols()[1].name.to_string();
    drop(exchange);
    let (next, outcomes) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..BESIDE {
            scope.spawn(|| {
                while let number = next.fetch_add(1, Ordering::Relaxed)
                    && let Some(case) = CASES.get(number)
                {
                    let outcome = outcome(case, &symbol);
                    outcomes.lock().unwrap().insert(number, outcome);
                }
            });
        }
    });
    let outcomes = outcomes.into_inner().unwrap();
    let mut complaints = String::new();
    for outcome in outcomes.values().filter(|outcome| !outcome.complaints.is_empty()) {
        writeln!(complaints, "{}:\n{}", outcome.faults, outcome.complaints.join("\n")).unwrap();
    }
    assert!(complaints.is_empty() && outcomes.len() == CASES.len(), "{complaints}");
    if let Some(file) = std::env::var_os("TAPESCAN_FAULTS") {
        // Nothing else runs in this process then.
        if let Some(kib) = most_resident() {
            assert!(kib < RESIDENT_MAX_KIB, "{kib} KiB were resident");
        }
        let rows: String = outcomes.values().map(Outcome::row).collect();
        std::fs::write(file, format!("{HEAD}{rows}")).unwrap();
    }
}

#[test]
fn every_kind_of_fault_is_tried_and_in_the_table() {
    let help = help();
    let kinds: Vec<&str> =
        help.lines().skip(1).map(|line| line.split(' ').next().unwrap()).collect();
    let tried: BTreeSet<&str> = CASES
        .iter()
        .flat_map(|case| case.faults)
        .map(|text| text.split(':').next().unwrap())
        .chain(ELSEWHERE.iter().copied())
        .collect();
    assert!(kinds.len() > 20 && kinds.iter().all(|kind| tried.contains(kind)), "{kinds:?}");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("FAULTS.md");
    let table = std::fs::read_to_string(file).unwrap();
    for case in CASES.iter().skip(1) {
        let row = format!("| {} |", case.faults.join(" ").replace("{symbol}", "..."));
        assert!(table.contains(&row), "{row} is missing: make the table anew");
    }
}
