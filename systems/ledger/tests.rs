//! The ledger by itself.

use super::*;

fn at(second: u64) -> Nanos {
    Nanos::from_seconds(1_700_000_000 + second)
}

/// A ledger that saw these ids, one a second.
fn saw(ids: &[u64]) -> Ledger {
    let mut ledger = Ledger::default();
    for (second, &id) in ids.iter().enumerate() {
        ledger.take(id, at(second as u64), true);
    }
    ledger
}

fn missing(ledger: &Ledger) -> Vec<(u64, u64)> {
    ledger.gaps().iter().map(|gap| (gap.from_id, gap.to_id)).collect()
}

#[test]
fn a_hole_is_a_gap_until_its_ids_come() {
    let mut ledger = saw(&[10, 11, 15]);
    assert_eq!(missing(&ledger), [(12, 14)]);
    assert_eq!(ledger.take(13, at(1), false), Seen::Filled);
    assert_eq!(missing(&ledger), [(12, 12), (14, 14)]);
    assert_eq!(ledger.take(13, at(1), false), Seen::Duplicate);
    assert_eq!(ledger.take(12, at(1), false), Seen::Filled);
    assert_eq!(ledger.take(14, at(1), false), Seen::Filled);
    assert!(ledger.contiguous());
    assert_eq!(ledger.take(16, at(3), true), Seen::Next);
}

#[test]
fn the_cursor_stays_pinned_whatever_arrives_after_a_gap() {
    let ledger = saw(&[10, 12, 13, 20, 21]);
    assert_eq!(missing(&ledger), [(11, 11), (14, 19)]);
    assert!(ledger.incomplete(at(0), at(1)) && ledger.incomplete(at(2), at(4)));
    assert!(!ledger.incomplete(at(4), at(9)));
}

#[test]
fn ids_given_up_are_counted_refused_and_remembered() {
    let mut ledger = saw(&[10, 20]);
    ledger.give_up(12, 14);
    assert_eq!(missing(&ledger), [(11, 11), (15, 19)]);
    assert_eq!(ledger.unrecoverable(), 3);
    assert_eq!(ledger.take(13, at(0), false), Seen::Duplicate);
    ledger.give_up(0, u64::MAX);
    assert!(ledger.contiguous() && ledger.incomplete(at(0), at(1)));
}

#[test]
fn at_the_limit_the_oldest_gap_is_given_up_and_nothing_is_taken_twice() {
    let every_other: Vec<u64> = (0..=GAPS_MAX as u64 + 5).map(|k| 10 + 2 * k).collect();
    let mut ledger = saw(&every_other);
    assert_eq!(ledger.gaps().len(), GAPS_MAX);
    assert_eq!(ledger.unrecoverable(), 5);
    for id in every_other {
        assert_eq!(ledger.take(id, at(0), true), Seen::Duplicate);
    }
    assert_eq!(ledger.take(11, at(0), false), Seen::Duplicate, "given up");
}

#[test]
fn an_outage_is_proved_harmless_or_becomes_a_gap_by_the_next_print() {
    for (next, gaps) in [(12, vec![]), (14, vec![(12, 13)])] {
        let mut ledger = saw(&[10, 11]);
        ledger.feed(false, at(5));
        assert!(ledger.incomplete(at(5), at(6)) && !ledger.expects(12, at(6)));
        ledger.feed(true, at(9));
        assert!(ledger.incomplete(at(8), at(9)));
        ledger.take(next, at(10), true);
        assert_eq!(missing(&ledger), gaps);
    }
}

#[test]
fn a_head_is_repaired_downwards() {
    let mut ledger = saw(&[100, 101]);
    assert_eq!(ledger.take(97, at(0).minus(9), false), Seen::Filled);
    assert_eq!(missing(&ledger), [(98, 99)]);
    assert_eq!(ledger.began(), at(0).minus(9));
}

#[test]
fn old_ids_with_new_times_begin_anew() {
    let mut ledger = saw(&[100, 101, 110]);
    assert_eq!(ledger.take(5, at(2 + 61), true), Seen::Reset);
    assert_eq!(ledger.unrecoverable(), 8);
    assert!(ledger.expects(6, at(99)));
}

#[test]
fn ids_that_begin_anew_after_an_outage_prove_nothing_about_it() {
    let mut ledger = saw(&[100, 101, 102]);
    ledger.feed(false, at(5));
    ledger.feed(true, at(9));
    assert_eq!(ledger.take(5, at(100), true), Seen::Reset);
    assert!(ledger.expects(6, at(101)));
    ledger.take(6, at(101), true);
    assert!(ledger.incomplete(at(6), at(7)) && ledger.incomplete(at(50), at(60)));
    assert!(!ledger.incomplete(at(101), at(102)));
}

#[test]
fn extreme_ids_are_only_numbers() {
    let ledger = saw(&[0, 1, 1 << 62]);
    assert_eq!(missing(&ledger), [(2, (1 << 62) - 1)]);
}

#[test]
fn ids_given_up_inside_a_gap_keep_to_the_limit() {
    let mut ledger = saw(&[10, 10_000]);
    for k in 0..2 * GAPS_MAX as u64 {
        ledger.give_up(12 + 2 * k, 12 + 2 * k);
        assert!(ledger.gaps().len() <= GAPS_MAX);
    }
    let missing: u64 = ledger.gaps().iter().map(|gap| gap.to_id - gap.from_id + 1).sum();
    assert_eq!(ledger.unrecoverable() + missing, 9_989);
}

#[test]
fn answers_about_old_ids_move_and_fill_nothing() {
    let mut ledger = saw(&[100, 101, 110]);
    assert_eq!(ledger.take(50, at(100), true), Seen::Reset);
    assert_eq!(ledger.take(52, at(101), true), Seen::Next);
    for id in [51, 53, 102] {
        assert_eq!(ledger.take(id, at(1), false), Seen::Stray);
    }
    assert!(ledger.expects(53, at(102)));
    assert_eq!(missing(&ledger), [(51, 51)]);
    assert_eq!(ledger.take(51, at(100), false), Seen::Filled);
    assert_eq!(ledger.take(53, at(102), false), Seen::Next, "later than all that was seen");
}

#[test]
fn ids_that_begin_anew_put_nothing_in_doubt_that_was_known() {
    let mut ledger = saw(&[10, 11, 12]);
    let again = at(2).plus(RESET_AFTER_NS + 1);
    assert_eq!(ledger.take(5, again, true), Seen::Reset);
    assert!(!ledger.incomplete(at(1), at(2)), "seen before");
    assert!(ledger.incomplete(at(3), at(4)), "nobody knows how many came after the last");
    assert!(ledger.incomplete(at(0).minus(9), at(0)), "before the first print");
    // Nor does a first id make anything known of before we listened.
    let mut ledger = saw(&[10, 11, 12]);
    assert_eq!(ledger.take(1, again, true), Seen::Reset);
    assert!(!ledger.from_the_very_first() && ledger.incomplete(at(0).minus(9), at(0)));
    // Even if it comes behind the second.
    let mut ledger = saw(&[10, 11, 12]);
    assert_eq!(ledger.take(2, again, true), Seen::Reset);
    assert_eq!(ledger.take(1, again, true), Seen::Filled);
    assert!(!ledger.from_the_very_first() && ledger.incomplete(at(0).minus(9), at(0)));
}
