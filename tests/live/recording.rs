//! Recordings of live sessions: going on from earlier tapes, and what ends a recording early.

use systems::candle::Mark;
use tapescan::live::record::Recording;

use super::*;

/// Candles of a second that still lack prints, those before the first session aside.
fn holes(ended: &Ended) -> Vec<String> {
    let candles = ended.outputs.candles().unwrap();
    let lacking = candles.iter().filter(|((_, interval, _), latest)| {
        *interval == 0 && (latest.absent || latest.candle.mark == Mark::Gap)
    });
    lacking.map(|(key, latest)| format!("{key:?} {latest:?}")).collect()
}

#[test]
fn a_session_goes_on_from_earlier_tapes_and_repairs_the_hole_between() {
    let (exchange, dir) = (exchange(&[]), tempfile::tempdir().unwrap());
    let first = follow(&exchange, 3, dir.path());
    std::thread::sleep(Duration::from_millis(1_500));
    let second = follow(&exchange, 5, dir.path());
    let earlier = &second.record.as_ref().unwrap().earlier;
    assert_eq!(*earlier, tapes(&first));
    let (before, after) = (&first.summary, &second.summary);
    assert!(
        second.shown.status.begun.as_ref().is_some_and(|begun| begun.prints == before.trades)
            && after.trades > before.trades
    );
    assert!(after.health.filled > 0, "{after:?}");
    assert_eq!((after.gaps.len(), after.unrecoverable, holes(&second)), (0, 0, vec![]));
    let compared = assert_true(&exchange, &second);
    assert!(compared >= 4 * 3, "{compared} candles");
    let again = replayed(&second);
    assert_eq!((&again.digest, again.trades), (&after.digest, after.trades));
}

#[test]
fn tapes_of_other_symbols_or_another_configuration_are_left_beside() {
    let (exchange, dir) = (exchange(&[]), tempfile::tempdir().unwrap());
    let first = follow(&exchange, 2, dir.path());
    let name = first.symbols.specs()[0].name.to_string();
    let mut fewer = options(&exchange, 2, dir.path());
    fewer.choice = Choice::Names(vec![name]);
    let second = live::run(&fewer, &config(), &mut |_| {}).unwrap();
    assert!(second.record.as_ref().unwrap().earlier.is_empty());
    let mut other = config();
    other.intervals[0].lookback = 50;
    let third = live::run(&fewer, &other, &mut |_| {}).unwrap();
    assert!(third.record.as_ref().unwrap().earlier.is_empty());
    let mut logged = other.clone();
    logged.log.keep += 1;
    let fourth = live::run(&fewer, &logged, &mut |_| {}).unwrap();
    assert_eq!(fourth.record.as_ref().unwrap().earlier, tapes(&third));
    assert_eq!(replayed(&fourth).digest, fourth.summary.digest);
    assert!(tapes(&first).iter().chain(&tapes(&second)).all(|file| file.exists()));
}

#[test]
fn a_folder_that_is_taken_away_ends_the_recording_and_not_the_session() {
    let (exchange, dir) = (exchange(&[]), tempfile::tempdir().unwrap());
    let inner = dir.path().join("tapes");
    let (mut looks, mut last) = (0, Recording::Off);
    let ended = live::run(&options(&exchange, 4, &inner), &config(), &mut |shown| {
        looks += 1;
        last = shown.status.recording.clone();
        if looks == 6 {
            std::fs::remove_dir_all(&inner).unwrap();
        }
    });
    let ended = ended.unwrap();
    assert!(ended.record.unwrap().failed.is_some() && ended.summary.trades > 400);
    let Recording::Failed(why) = last else { panic!("{last:?}") };
    assert!(why.contains("tapes"), "{why}");
}
