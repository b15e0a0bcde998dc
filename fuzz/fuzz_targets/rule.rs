//! Any text as a condition: nothing panics, every mistake can be shown, and what passes the checks
//! runs, with nothing skipped or not, to the same value.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use systems::candle::Candle;
use systems::interval::Interval;
use systems::ring::Ring;
use systems::rule::{Lanes, Moves, Tell, View, Views};
use systems::track::Value;
use systems::units::{Nanos, Price};
use tapescan::rules::{Rule, Table, compile_all, compile_set};

const CANDLES: u64 = 300;

static INTERVALS: LazyLock<Vec<(Interval, usize)>> = LazyLock::new(|| {
    ["1m", "5m", "15m"].map(|text| (Interval::parse(text).expect("a constant"), 300)).into()
});

static RINGS: LazyLock<Vec<Ring>> = LazyLock::new(|| {
    let begin = Nanos::from_seconds(1_723_154_400);
    let ring = |&(interval, _): &(Interval, usize)| {
        let mut ring = Ring::new(CANDLES as usize, interval);
        for index in 0..CANDLES {
            let open_time = begin.plus(index * interval.ns());
            ring.push(&Candle::quiet(open_time, Price(1_000 + (index * 7 % 31) as i64)));
        }
        ring
    };
    INTERVALS.iter().map(ring).collect()
});

/// As what a table is ranked by, and as a column of it.
fn as_table(text: &str) {
    let table = Table {
        name: "fuzz".to_owned(),
        interval: INTERVALS[0].0,
        by: text.to_owned(),
        ascending: false,
        top: 3,
        tell: Moves::All,
        columns: vec![text.to_owned()],
    };
    let none = [vec![], vec![], vec![]];
    if let Err(mistakes) = compile_set((&[], &[table]), &INTERVALS, &none, None) {
        assert!(!mistakes.is_empty());
        for mistake in mistakes {
            assert!(mistake.table && mistake.fault.shown(text).ends_with('^'));
        }
    }
}

fuzz_target!(|text: &str| {
    as_table(text);
    for forming in [false, true] {
        let rule = Rule {
            name: "fuzz".to_owned(),
            interval: INTERVALS[0].0,
            forming,
            when: text.to_owned(),
            exit: None,
            dwell_ns: 0,
            cool_down_ns: 0,
            budget: None,
            only_complete: false,
            tell: Tell::Both,
        };
        match compile_all(&[rule], &INTERVALS, &[vec![], vec![], vec![]], None) {
            Err(mistakes) => {
                assert!(!mistakes.is_empty());
                for mistake in mistakes {
                    assert!(!mistake.fault.message.is_empty());
                    assert!(mistake.fault.shown(text).ends_with('^'));
                }
            }
            Ok(set) => {
                let lanes: Vec<Lanes> = (0..RINGS.len())
                    .map(|place| {
                        let width = set.core.columns[place].len();
                        let mut lanes = Lanes::new(width, set.core.kept(place));
                        for position in 0..CANDLES {
                            lanes.put(position, |column| Value {
                                number: (position % 5 != 4)
                                    .then_some((position * 3 % 11 + column as u64) as f64),
                                converged: true,
                            });
                        }
                        lanes
                    })
                    .collect();
                let mut views = Views::new(Nanos::from_seconds(1_723_200_000));
                for (place, (ring, lanes)) in RINGS.iter().zip(&lanes).enumerate() {
                    views.set(place, View { ring, lanes, price: 100.0 });
                }
                let program = &set.compiled[0].when.program;
                for position in [0, 1, CANDLES - 1, CANDLES] {
                    let value = program.run(&views, 0, position);
                    assert!(value.is_nan() || value == 0.0 || value == 1.0);
                    let mut values = Vec::new();
                    program.explain(&views, 0, position, &mut values);
                    let whole = values[0];
                    assert!(whole == value || whole.is_nan() && value.is_nan());
                }
            }
        }
    }
});
