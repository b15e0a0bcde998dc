//! The budget against tables, and against a venue whose clock and other users we do not know.

use super::*;
use proptest::prelude::*;

const START: Nanos = Nanos::from_seconds(1_723_161_600);

fn at(seconds: u64) -> Nanos {
    START.plus(seconds * Nanos::PER_SECOND)
}

#[test]
fn weight_comes_back_a_minute_after_it_was_spent() {
    let mut budget = Budget::new(1_000, 60);
    for second in 0..6 {
        assert_eq!(budget.ask(100, Priority::Instruments, at(second)), Leave::Now);
        budget.send(100, at(second));
    }
    assert_eq!(budget.used(at(6)), 600);
    assert_eq!(budget.ask(1, Priority::Instruments, at(6)), Leave::At(at(60)));
    assert_eq!(budget.ask(101, Priority::Instruments, at(6)), Leave::At(at(61)));
    assert_eq!(budget.ask(100, Priority::Instruments, at(60)), Leave::Now);
    assert_eq!(budget.used(at(60)), 500);
}

#[test]
fn each_priority_leaves_a_reserve_to_those_above_it() {
    for (priority, reach) in Priority::ALL.into_iter().zip([600, 570, 510, 450, 390, 300]) {
        let mut budget = Budget::new(1_000, 60);
        budget.send(reach - 1, at(0));
        assert_eq!(budget.ask(1, priority, at(1)), Leave::Now, "{priority:?}");
        assert_eq!(budget.ask(2, priority, at(1)), Leave::At(at(60)), "{priority:?}");
    }
}

#[test]
fn the_venue_s_figure_counts_when_it_is_larger() {
    let mut budget = Budget::new(1_000, 60);
    let sent = budget.send(10, at(0));
    budget.told_used(sent, 580, at(1));
    assert_eq!(budget.used(at(1)), 580, "another program uses most of it");
    budget.send(20, at(2));
    assert_eq!(budget.used(at(2)), 600, "and ours comes on top");
    assert_eq!(budget.ask(1, Priority::Instruments, at(2)), Leave::At(at(61)));
    assert_eq!(budget.used(at(61)), 20, "a figure lasts a minute");
}

#[test]
fn a_figure_that_was_overtaken_is_not_believed() {
    let mut budget = Budget::new(1_000, 60);
    let (first, second) = (budget.send(10, at(0)), budget.send(10, at(0)));
    budget.told_used(second, 500, at(1));
    budget.told_used(first, 490, at(2));
    assert_eq!(budget.used(at(2)), 500);
    let third = budget.send(10, at(3));
    budget.told_used(third, 10, at(4));
    assert_eq!(budget.used(at(4)), 30, "the venue's minute began anew, ours did not");
}

#[test]
fn pauses_and_bans_are_obeyed_within_bounds() {
    let s = Nanos::PER_SECOND;
    for (seconds, pause) in [
        (None, 60),
        (Some(0), 1),
        (Some(1), 1),
        (Some(30), 30),
        (Some(900), 900),
        (Some(1_000_000_000_000), 900),
        (Some(u64::MAX), 900),
    ] {
        let mut budget = Budget::new(1_000, 60);
        budget.pause(seconds, at(0));
        let closed = Closed { until: at(pause), banned: false };
        assert_eq!(budget.closed(at(0)), Some(closed), "{seconds:?}");
        let before = Nanos(closed.until.0 - 1);
        assert_eq!(budget.ask(1, Priority::Instruments, before), Leave::At(closed.until));
        assert_eq!(budget.ask(1, Priority::Instruments, closed.until), Leave::Now);
    }
    for (seconds, until, ban_s) in [
        (None, None, 120),
        (Some(1), None, 120),
        (Some(7_200), None, 7_200),
        (Some(300), Some(at(600)), 600),
        (Some(u64::MAX), None, 259_200),
        (None, Some(Nanos(u64::MAX)), 259_200),
        (None, Some(Nanos(0)), 120),
    ] {
        let mut budget = Budget::new(1_000, 60);
        budget.ban(seconds, until, at(0));
        assert_eq!(budget.closed(at(0)), Some(Closed { until: at(ban_s), banned: true }));
        assert_eq!(budget.eta_ns(1, Priority::Backfill, at(20)), (ban_s - 20) * s);
    }
}

#[test]
fn bans_in_a_row_grow_and_a_pause_does_not_end_one() {
    let mut budget = Budget::new(1_000, 60);
    budget.ban(None, None, at(0));
    budget.pause(Some(1), at(0));
    assert_eq!(budget.closed(at(1)), Some(Closed { until: at(120), banned: true }));
    budget.ban(None, None, at(120));
    assert_eq!(budget.closed(at(121)).map(|closed| closed.until), Some(at(120 + 240)));
    budget.answered();
    budget.ban(None, None, at(400));
    assert_eq!(budget.closed(at(401)).map(|closed| closed.until), Some(at(520)));
}

#[test]
fn an_estimate_counts_minutes_of_weight() {
    let mut budget = Budget::new(1_000, 60);
    budget.send(150, at(0));
    for (weight, minutes) in [(0, 0), (300, 0), (301, 1), (750, 1), (751, 2)] {
        assert_eq!(budget.eta_ns(weight, Priority::WarmUp, at(1)), minutes * WINDOW_NS);
    }
}

/// One thing that happens, so many milliseconds after the one before.
#[derive(Clone, Debug)]
enum Event {
    Ours { weight: u32, priority: usize },
    Others(u32),
    Answer { which: usize },
}

fn events() -> impl Strategy<Value = Vec<(u64, Event)>> {
    let event = prop_oneof![
        4 => (1u32..60, 0usize..5).prop_map(|(weight, priority)| {
            Event::Ours { weight, priority }
        }),
        1 => (1u32..200).prop_map(Event::Others),
        3 => (0usize..8).prop_map(|which| Event::Answer { which }),
    ];
    prop::collection::vec((0u64..3_000, event), 1..300)
}

proptest! {
    /// A venue that counts by the minute of a clock we do not know, others behind the same
    /// address, and answers that overtake each other.
    #[test]
    fn no_window_ever_exceeds_what_is_allowed(skew_s in 0u64..60, events in events()) {
        let mut budget = Budget::new(1_000, 60);
        let minute = |now: Nanos| now.plus(skew_s * Nanos::PER_SECOND).0 / WINDOW_NS;
        let (mut now, mut venue) = (START, (minute(START), 0u32));
        let mut others_since_told = 0;
        let mut ours: Vec<(Nanos, u32)> = Vec::new();
        // Sent, and the figure and minute of the venue that its answer will give.
        let mut under_way: Vec<(Sent, (u64, u32))> = Vec::new();
        for (ms, event) in events {
            now = now.plus(ms * Nanos::PER_MS);
            if venue.0 != minute(now) {
                (venue, others_since_told) = ((minute(now), 0), 0);
            }
            match event {
                Event::Others(weight) => {
                    venue.1 += weight;
                    others_since_told += weight;
                }
                Event::Answer { which } if which < under_way.len() => {
                    let (sent, figure) = under_way.remove(which);
                    budget.told_used(sent, figure.1, now);
                    if figure == venue {
                        others_since_told = 0;
                    }
                }
                Event::Answer { .. } => {}
                Event::Ours { weight, priority } => {
                    let priority = Priority::ALL[priority];
                    match budget.ask(weight, priority, now) {
                        Leave::At(then) => prop_assert!(then > now),
                        Leave::Now => {
                            let sent = budget.send(weight, now);
                            venue.1 += weight;
                            ours.push((now, weight));
                            under_way.push((sent, venue));
                            // What others sent since the last word cannot be known.
                            prop_assert!(venue.1 - others_since_told <= 600);
                        }
                    }
                }
            }
            let recent = ours.iter().filter(|(sent, _)| now < sent.plus(WINDOW_NS));
            prop_assert!(recent.map(|(_, weight)| weight).sum::<u32>() <= 600);
        }
    }

    /// Whoever waits as long as he is told may then send, if nobody else did.
    #[test]
    fn waiting_as_told_is_enough(spent in prop::collection::vec((0u64..9_000, 1u32..90), 1..40),
                                 used in 0u32..900, weight in 1u32..100) {
        let mut budget = Budget::new(1_000, 60);
        let mut now = START;
        for (ms, weight) in spent {
            now = now.plus(ms * Nanos::PER_MS);
            if budget.ask(weight, Priority::Routine, now) == Leave::Now {
                let sent = budget.send(weight, now);
                budget.told_used(sent, used, now);
            }
        }
        if let Leave::At(then) = budget.ask(weight, Priority::Routine, now) {
            prop_assert_eq!(budget.ask(weight, Priority::Routine, then), Leave::Now);
        }
    }
}
