//! Rules: what each mistake is told, and that every function agrees with its definition.

mod agree;
mod alerts;
mod corrections;
mod mistakes;
mod naive;
mod sections;
mod tables;
mod times;
mod together;

use systems::dispatch::Outbox;
use systems::interval::Interval;
use systems::rule::Tell;
use systems::settings::{IndicatorSetting, Settings};
use systems::trade::Batch;
use tapescan::engine::Engine;
use tapescan::rules::{Mistake, Rule, Set, compile_all};

use crate::support::{Event, symbols};

/// A rule on one-minute candles with nothing but a condition.
pub(crate) fn rule(when: &str) -> Rule {
    Rule {
        name: "test".to_owned(),
        interval: Interval::parse("1m").unwrap(),
        forming: false,
        when: when.to_owned(),
        exit: None,
        dwell_ns: 0,
        cool_down_ns: 0,
        budget: None,
        only_complete: false,
        tell: Tell::Both,
    }
}

/// The same settings with these rules and tables, and the indicators that they name.
pub(crate) fn told(plain: Settings, set: Set) -> Settings {
    let mut indicators = Vec::new();
    for (interval, specs) in set.named.iter().enumerate() {
        indicators.extend(specs.iter().map(|spec| IndicatorSetting {
            interval: interval as u8,
            entry: spec.entry(),
            params: spec.params().to_vec(),
        }));
    }
    Settings { indicators, rules: set.core, ..plain }
}

/// Runs events and gives what `short` makes of what comes out, and the engine. Threads and cut
/// cannot be seen in it.
pub(crate) fn drive(
    settings: &Settings,
    count: usize,
    events: &[Event],
    (threads, cut): (usize, usize),
    short: impl Fn(&Outbox) -> Vec<String>,
) -> (Vec<String>, Engine) {
    drop(Engine::new(settings, &[], 2).unwrap());
    let mut engine = Engine::new(settings, &symbols(count), threads).unwrap();
    let (mut all, mut batch) = (Vec::new(), Batch::default());
    for events in events.chunks(cut.min(events.len()).max(1)) {
        for event in events {
            match event {
                Event::Print(trade) => batch.push(*trade),
                Event::Control(control) => batch.control(*control),
            }
        }
        engine.step(&mut batch, &mut |outbox| all.extend(short(outbox)));
    }
    engine.finish(&mut |outbox| all.extend(short(outbox)));
    (all, engine)
}

/// 1m, 5m and 15m with 300 candles each and no indicators.
pub(crate) fn intervals() -> Vec<(Interval, usize)> {
    ["1m", "5m", "15m"].map(|text| (Interval::parse(text).unwrap(), 300)).into()
}

/// One rule, compiled.
pub(crate) fn compiled(rule: Rule) -> Result<Set, Vec<Mistake>> {
    compile_all(&[rule], &intervals(), &[vec![], vec![], vec![]], None)
}

#[test]
fn steps_are_counted_and_clauses_shown() {
    let set =
        compiled(rule("close > ema(20)@5m and not (within(5, gap) or rsi(14) < 30)")).unwrap();
    let when = &set.compiled[0].when;
    let clauses: Vec<_> =
        when.clauses.iter().map(|clause| (clause.depth, clause.text.as_str())).collect();
    assert_eq!(
        clauses,
        [
            (0, "close > ema(20)@5m and not (within(5, gap) or rsi(14) < 30)"),
            (1, "close > ema(20)@5m"),
            (2, "close"),
            (2, "ema(20)@5m"),
            (1, "not (within(5, gap) or rsi(14) < 30)"),
            (2, "(within(5, gap) or rsi(14) < 30)"),
            (3, "within(5, gap)"),
            (3, "rsi(14) < 30"),
            (4, "rsi(14)"),
        ]
    );
    // Two loads and a comparison; a jump; a loop of 5 rounds of 2; a jump, 3, an or, a not, an and.
    assert_eq!(when.steps, 3 + 1 + 1 + 10 + 1 + 3 + 1 + 1 + 1);
    assert_eq!(set.named.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 0]);
    assert_eq!(set.core.depth, [Some(4), Some(0), None]);
}

#[test]
fn an_indicator_that_is_configured_is_not_set_up_twice() {
    let spec = |text| systems::catalog::Spec::parse(text).unwrap();
    let configured = [vec![spec("vwap"), spec("ema(20)")], vec![], vec![]];
    let rules = [rule("close > ema(20)"), rule("rsi > 50 and ema(20) > ema(50)")];
    let set = compile_all(&rules, &intervals(), &configured, None).unwrap();
    let named: Vec<_> = set.named[0].iter().map(|spec| spec.text()).collect();
    assert_eq!(named, ["rsi(14)", "ema(50)"]);
    use systems::rule::{Field, Source};
    assert_eq!(
        set.core.columns[0],
        [Source::Field(Field::Close), Source::Output(3), Source::Output(4), Source::Output(5)]
    );
}

#[test]
fn what_is_not_known_at_the_start_is_noted() {
    let set = compiled(rule("rvol(5) > 3 and close > ema(400)@5m")).unwrap();
    let notes: Vec<_> =
        set.compiled[0].notes.iter().map(|(_, note)| note.message.as_str()).collect();
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes[0].starts_with("rvol(5) is known after 1441 candles of 1m"), "{}", notes[0]);
    assert!(notes[1].starts_with("ema(400) is known after 400 candles of 5m"), "{}", notes[1]);
}
