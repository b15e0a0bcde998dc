//! A live session measures itself: every print has a response, and the interval log is there.

use std::fs;

use systems::units::Nanos;
use tapescan::latency::{Stage, Totals};
use tapescan::live;

use crate::live::{config, exchange, options};

#[test]
fn a_session_measures_every_print_and_writes_its_log() {
    let dir = tempfile::tempdir().unwrap();
    let exchange = exchange(&[]);
    let mut config = config();
    config.profile.interval_ns = Nanos::PER_SECOND;
    config.profile.file = Some(dir.path().join("latency.hlog"));
    let mut shown = 0;
    let ended = live::run(&options(&exchange, 5, &dir.path().join("tapes")), &config, &mut |it| {
        shown = shown.max(it.status.latency.prints);
    });
    let ended = ended.unwrap();
    assert!(shown > 100, "the last interval is shown: {shown}");
    let totals = &ended.latency.totals;
    let count = |stage| totals.merged(|key| key.0 == stage).map_or(0, |total| total.count());
    let response = totals.merged(Totals::is_response).unwrap();
    // Answers bring prints, too; they have a response of their own kind.
    let streamed = ended.summary.trades;
    assert!(response.count() > 500 && response.count() <= streamed, "{}", response.count());
    for stage in [Stage::Decode, Stage::Ingest, Stage::Deliver, Stage::CloseDelay] {
        assert!(count(stage) > 0, "{stage:?}");
    }
    assert!(count(Stage::RoundTrip) > 3, "the warm-up asks for candles");
    // One in so many is timed and counts for the others.
    let (all, decoded) = (count(Stage::Response), count(Stage::Decode));
    assert!(decoded.abs_diff(all) <= u64::from(live::limits::TIMED), "{decoded} of {all}");
    // A candle of a second closes after its end and its grace at the latest, give or take.
    let delay = totals.merged(|key| key.0 == Stage::CloseDelay).unwrap();
    assert!(delay.at(0.5) < 5 * Nanos::PER_SECOND, "{}", delay.at(0.5));
    assert!(ended.latency.points.len() >= 4, "{:?}", ended.latency.points);
    let text = fs::read_to_string(dir.path().join("latency.hlog")).unwrap();
    let lines = text.lines().filter(|line| line.starts_with("Tag=response.")).count();
    assert!(lines >= 4, "{lines} intervals");
    assert_eq!(ended.latency.log_failed, None);
}
