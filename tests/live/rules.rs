//! Rules and tables of a live session: what they tell in it is what they tell on its tapes.

use tapescan::rules::{beginnings, rehearse};

use super::*;

const RULES: &str = r#"
    lookback = 60
    [rules.rising]
    when = "rising(2) and volume > 0"
    exit = "falling(1)"
    [rules.first]
    when = "rank(turnover) <= 5"
    interval = "3m"
    [tables.movers]
    by = "change(3m)"
    columns = ["close", "rsi(14)"]
"#;

/// Minutes of a tape, sent by the exchange a hundred times as fast.
#[test]
fn a_tape_played_to_a_session_is_rehearsed_to_the_same_counts() {
    let (speed, dir) = (100.0, tempfile::tempdir().unwrap());
    let feed = Feed::Tape("replays/market.tape".into());
    let exchange = Exchange::start(SimConfig { feed, speed, ..SimConfig::default() }).unwrap();
    let config = Config::parse("here", RULES).unwrap();
    let run_for = Some(Duration::from_secs(6));
    let options = Options { run_for, speed, ..options(&exchange, 0, dir.path()) };
    let ended = live::run(&options, &config, &mut |_| {}).unwrap();
    let told = &ended.summary;
    assert!(told.alerts > 0 && told.moves >= 10, "{} {}", told.alerts, told.moves);

    let mut tapes = Tapes::open(&tapes(&ended)).unwrap();
    let config = Config::parse("the tape", tapes.config()).unwrap();
    let mut outputs = Outputs::new(widths(&config), true).keeping_alerts();
    let plan = Plan { batch: 1_000, threads: 1, speed: Speed::Max };
    let mut unseen = tapescan::progress::Unseen;
    let again = replay(&mut tapes, &config, &plan, &mut outputs, &mut unseen).unwrap();
    assert_eq!((again.alerts, again.moves), (told.alerts, told.moves));
    assert_eq!((&again.digest, &again.cooled), (&told.digest, &told.cooled));
    let candles = outputs.candles().unwrap();
    let rehearsed = rehearse(2, outputs.told(), candles, &again.cooled);
    let standing = beginnings(2, outputs.told());
    for (rule, standing) in rehearsed.iter().zip(standing) {
        assert!(rule.entered > 0 && rule.entered == standing.len() as u64, "{rehearsed:?}");
    }
}
