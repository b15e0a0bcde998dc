//! What the end of a minute does to a session of many symbols, beside calm seconds.
//!
//!     cargo test --release --test all live::boundary -- --ignored --nocapture --test-threads 1

use super::*;
use hdrhistogram::Histogram;
use tapescan::tape::Reader;
use tapescan::tape::entry::Body;

/// Candles of every symbol are compared with the venue's after each minute.
const ALL: &str = "intervals = [\"1m\", \"3m\", \"15m\"]\nlookback = 120\n\
                   [reconcile]\nscope = \"all\"\n";

/// Seconds of each minute: those in which candles close and are asked for, and calm ones.
const CLOSING: std::ops::Range<u64> = 0..5;
const CALM: std::ops::Range<u64> = 20..50;

/// The beginning, with its warm-up, is left out.
const SKIPPED: u64 = 150;

/// Frames by how much later than the quickest one each was read after the venue sent it, in
/// microseconds: the venue's clock is not ours, and nobody knows what the quickest took. The venue
/// tells whole milliseconds, rounded down, so up to one is not ours.
fn read_after(ended: &Ended) -> [Histogram<u64>; 2] {
    let mut taken: [Vec<u64>; 2] = Default::default();
    let mut begun = None;
    for file in tapes(ended) {
        let mut reader = Reader::open(&file).unwrap();
        while let Some(block) = reader.next_block().unwrap() {
            for entry in block.entries() {
                let Body::Frame { text, .. } = entry.body else { continue };
                let since = *begun.get_or_insert(entry.received);
                let counts = entry.received.0 >= since.0 + SKIPPED * Nanos::PER_SECOND;
                let Some(sent) = sent_at(text).filter(|_| counts) else { continue };
                if let Some(kind) = kind_of(sent.seconds()) {
                    taken[kind].push(entry.received.0.saturating_sub(sent.0) / 1_000);
                }
            }
        }
    }
    let quickest = taken.iter().flatten().copied().min().unwrap_or(0);
    taken.map(|taken| {
        let mut found = Histogram::new_with_bounds(1, 60_000_000, 3).unwrap();
        taken.iter().for_each(|late| found.saturating_record((late - quickest).max(1)));
        found
    })
}

/// Whether a second is among those in which candles close, or a calm one.
fn kind_of(second: u64) -> Option<usize> {
    [CLOSING, CALM].iter().position(|seconds| seconds.contains(&(second % 60)))
}

/// When the venue sent a frame, as that says.
fn sent_at(text: &[u8]) -> Option<Nanos> {
    let text = std::str::from_utf8(text).ok()?;
    let digits = text.split_once("\"E\":")?.1;
    let end = digits.find(|c: char| !c.is_ascii_digit())?;
    digits[..end].parse().ok().map(Nanos::from_ms)
}

/// Of the statuses: the most events that waited, and the worst 99th percentile from trade to
/// engine in milliseconds.
type Worst = [(usize, f64); 2];

fn watched(symbols: u32, rate: f64, seconds: u64) -> (Ended, Worst, u64) {
    let spec = Spec { symbols, rate, duration: 86_400, ..Spec::default() };
    let faults = vec![Fault::parse("rest-delay:by=300ms,share=1").unwrap()];
    let feed = Feed::Synthetic(spec);
    let exchange = Exchange::start(SimConfig { feed, faults, ..SimConfig::default() }).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let config = Config::parse("here", ALL).unwrap();
    let (mut worst, mut begun) = (Worst::default(), None);
    let ended = live::run(&options(&exchange, seconds, dir.path()), &config, &mut |shown| {
        let status = &shown.status;
        if status.now.0 == 0 {
            return;
        }
        let since = *begun.get_or_insert(status.now);
        let second = status.now.seconds();
        if let Some(kind) = kind_of(second).filter(|_| second >= since.seconds() + SKIPPED) {
            let (waited, late) = &mut worst[kind];
            *waited = (*waited).max(status.inbox);
            *late = late.max(status.lag_ms.map_or(0.0, |(_, late)| late));
        }
    })
    .unwrap();
    let again = replayed(&ended);
    assert_eq!(again.digest, ended.summary.digest, "the tape replays to the same bits");
    // The tapes are needed until they have been read.
    let totals = exchange.totals();
    assert_eq!(totals.refused, 0);
    report(symbols, &ended, &worst, totals.requests);
    (ended, worst, totals.requests)
}

fn report(symbols: u32, ended: &Ended, worst: &Worst, requests: u64) {
    let read = read_after(ended);
    eprintln!(
        "{symbols} symbols, {} prints, {requests} requests, {} candles compared",
        ended.summary.trades,
        ended.summary.drift.iter().sum::<u64>()
    );
    for ((name, read), (waited, late)) in ["closing", "calm"].iter().zip(&read).zip(worst) {
        let ms = |quantile| read.value_at_quantile(quantile) as f64 / 1e3;
        eprintln!(
            "  {name}: {} frames, read later than the quickest: p50 {:.1} ms, p99 {:.1} ms, \
             p99.9 {:.1} ms, at most {:.1} ms; trade to engine p99 at most {late:.1} ms; \
             {waited} events waited at most",
            read.len(),
            ms(0.5),
            ms(0.99),
            ms(0.999),
            read.max() as f64 / 1e3
        );
    }
}

#[test]
#[ignore = "takes minutes"]
fn the_end_of_a_minute_is_not_felt_by_five_hundred_symbols() {
    let (ended, worst, requests) = watched(500, 5_000.0, 300);
    assert!(requests > 500 && ended.summary.trades > 500_000);
    assert!(worst.iter().all(|(waited, _)| *waited < tapescan::live::limits::INBOX));
}

#[test]
#[ignore = "takes minutes"]
fn the_end_of_a_minute_is_not_felt_by_two_thousand_symbols() {
    let (ended, worst, requests) = watched(2_000, 5_000.0, 420);
    assert!(requests > 2_000 && ended.summary.trades > 500_000);
    assert!(worst.iter().all(|(waited, _)| *waited < tapescan::live::limits::INBOX));
}
