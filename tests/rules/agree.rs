//! Programs agree with the naive evaluator on random conditions over random candles: warming up,
//! with stretches that have no candle, quiet ones, and after candles were restated or put in.

use systems::candle::{Candle, Mark};
use systems::catalog::Spec;
use systems::indicator::{Bar, Units};
use systems::interval::Interval;
use systems::ring::Ring;
use systems::rule::group::{ABREAST, Planned};
use systems::rule::state::Truth;
use systems::rule::{Lanes, Source, View, Views};
use systems::track::Value;
use systems::units::{Nanos, Price, Quantity, Scale};
use tapescan::rules::{Set, parse};

use super::naive::{At, Naive};
use super::{compiled, intervals, rule};
use crate::support::Seed;

/// 2024-08-08 22:00 UTC: the UTC day ends two hours after the beginning.
const BEGIN: u64 = 1_723_154_400;

type Rows = Vec<(Interval, Vec<Candle>)>;

/// Candles of each interval over `minutes`, unlike one another, some of them missing.
fn rows(seed: &mut Seed, minutes: u64) -> Rows {
    let row = |(interval, _): (Interval, usize)| {
        let mut close = 10_000;
        let count = minutes * 60 / u64::from(interval.seconds());
        let mut candles = Vec::new();
        for index in 0..count {
            if seed.one_in(12) {
                continue;
            }
            let open_time = Nanos::from_seconds(BEGIN).plus(index * interval.ns());
            let candle = candle(seed, open_time, close);
            close = candle.close.0;
            candles.push(candle);
        }
        (interval, candles)
    };
    intervals().into_iter().map(row).collect()
}

fn candle(seed: &mut Seed, open_time: Nanos, before: i64) -> Candle {
    if seed.one_in(8) {
        return Candle::quiet(open_time, Price(before));
    }
    let step = |seed: &mut Seed| seed.below(7) as i64 * 10 - 30;
    let open = (before + step(seed)).max(100);
    let close = (open + step(seed)).max(100);
    let volume = 1 + seed.below(50) as i64;
    Candle {
        open_time,
        open: Price(open),
        close: Price(close),
        high: Price(open.max(close) + seed.below(3) as i64 * 10),
        low: Price(open.min(close) - seed.below(3) as i64 * 10),
        volume: Quantity(volume),
        quote_volume: (volume * (open + close) / 2) as u128,
        taker_buy_volume: Quantity(volume / 2),
        taker_buy_quote_volume: (volume / 2 * open) as u128,
        trades: 1 + seed.below(20) as u32,
        revision: 0,
        mark: Mark::ALL[[0, 0, 2, 3, 4, 5, 6][seed.below(7) as usize]],
    }
}

/// What the core keeps of those candles.
struct Kept {
    rings: Vec<Ring>,
    lanes: Vec<Lanes>,
}

impl Kept {
    fn of(rows: &Rows, set: &Set) -> Self {
        let ring = |(interval, candles): &(Interval, Vec<Candle>)| {
            let mut ring = Ring::new(candles.len().max(1), *interval);
            candles.iter().for_each(|candle| ring.push(candle));
            ring
        };
        let rings = rows.iter().map(ring).collect();
        let lanes = |place: usize| Lanes::new(set.core.columns[place].len(), set.core.kept(place));
        let mut kept = Self { rings, lanes: (0..rows.len()).map(lanes).collect() };
        (0..rows.len()).for_each(|place| kept.fill(set, place, 0));
        kept
    }

    /// Takes the columns of an interval from a position on.
    fn fill(&mut self, set: &Set, place: usize, from: u64) {
        let ring = &self.rings[place];
        let units = Units::new(Scale::exact(2), Scale::exact(3), ring.interval().seconds());
        let outputs: Vec<Vec<Value>> =
            set.named[place].iter().flat_map(|spec: &Spec| spec.over(ring, units)).collect();
        for position in from..ring.end() {
            let bar = Bar::new(ring.get(position).unwrap(), units);
            self.lanes[place].put(position, |column| match set.core.columns[place][column] {
                Source::Field(field) => Value { number: Some(field.of(&bar)), converged: true },
                Source::Output(output) => outputs[usize::from(output)][position as usize],
                other => panic!("{other:?} is not among these conditions"),
            });
        }
    }

    fn views(&self) -> Views<'_> {
        let mut views = Views::new(Nanos(0));
        for (place, (ring, lanes)) in self.rings.iter().zip(&self.lanes).enumerate() {
            views.set(place, View { ring, lanes, price: 100.0 });
        }
        views
    }
}

/// The newest candles judged, well within what is kept.
const JUDGED: u64 = 40;

fn compare(text: &str, set: &Set, own: u8, rows: &Rows, kept: &Kept, seen: &mut [u64; 3]) {
    let (naive, expr) = (Naive::new(rows), parse(text).unwrap());
    let views = kept.views();
    let end = kept.rings[usize::from(own)].end();
    let program = &set.compiled[0].when.program;
    let held = views.held_from(own, program.reads(), &set.core.depth);
    let mut planned = Planned::new(&set.core.judged[0]);
    for position in end.saturating_sub(JUDGED).max(held)..end {
        let value = program.run(&views, own, position);
        let got = (!value.is_nan()).then_some(value == 1.0);
        assert!(got.is_none() || value == 0.0 || value == 1.0, "{text}: {value}");
        let want = naive.truth(&expr, At(usize::from(own), Some(position as usize)));
        assert_eq!(got, want, "{text} on {:?} at {position}", rows[usize::from(own)].0);
        seen[want.map_or(2, usize::from)] += 1;
        // So does the plan by which many symbols are judged abreast, unless it is too large for it;
        // the others are the candles before.
        if let Some(planned) = &mut planned {
            let judged =
                core::array::from_fn(|lane| position.saturating_sub(lane as u64).max(held));
            let want = judged.map(|at| Truth::of(program.run(&views, own, at)));
            assert_eq!(planned.run(&[views; ABREAST], judged), want, "{text} at {position}");
        }
        // Nothing skipped gives the same, and its first clause is the whole.
        let mut values = Vec::new();
        program.explain(&views, own, position, &mut values);
        assert_eq!(values[0].to_bits() << 1, value.to_bits() << 1, "{text} explained: {values:?}");
    }
}

/// Restates a candle or puts in one that was missing, near the end of a row; says from where on.
fn restate(seed: &mut Seed, (interval, candles): &mut (Interval, Vec<Candle>)) -> Option<u64> {
    let near = candles.len().checked_sub(1 + seed.below(20) as usize)?;
    let open_time = candles[near].open_time.plus(interval.ns());
    let missing = candles.get(near + 1).is_some_and(|next| next.open_time > open_time);
    let before = candles[near].close.0;
    if missing {
        candles.insert(near + 1, candle(seed, open_time, before));
        return Some(near as u64 + 1);
    }
    candles[near] = candle(seed, candles[near].open_time, before);
    Some(near as u64)
}

#[test]
fn random_conditions_mean_what_they_say() {
    let mut seen = [0; 3];
    let mut texts = String::new();
    for case in 0..600 {
        let mut seed = Seed(case);
        let own = [0, 0, 0, 1, 1, 2][seed.below(6) as usize];
        let (text, set) = loop {
            let text = Writer { seed: &mut seed, away: false }.condition(3);
            let interval = intervals()[usize::from(own)].0;
            // What the checks refuse, such as loops in loops in loops, is written anew.
            if let Ok(set) = compiled(tapescan::rules::Rule { interval, ..rule(&text) }) {
                break (text, set);
            }
        };
        let minutes = [5, 60, 300][seed.below(3) as usize];
        let mut rows = rows(&mut seed, minutes);
        let kept = Kept::of(&rows, &set);
        compare(&text, &set, own, &rows, &kept, &mut seen);
        for place in 0..rows.len() {
            let mut kept = Kept::of(&rows, &set);
            let Some(from) = restate(&mut seed, &mut rows[place]) else { continue };
            kept.rings[place] = Kept::of(&rows, &set).rings.swap_remove(place);
            kept.fill(&set, place, from);
            compare(&text, &set, own, &rows, &kept, &mut seen);
        }
        texts += &text;
    }
    eprintln!("false, true, not known: {seen:?}");
    assert!(seen.iter().all(|&count| count > 3_000), "{seen:?}");
    for function in FUNCTIONS {
        assert!(texts.contains(function), "{function} was never written");
    }
}

const FUNCTIONS: &[&str] = &[
    "change(",
    "to_high(",
    "to_low(",
    "highest(",
    "lowest(",
    "average(",
    "rising(",
    "falling(",
    "new_high(",
    "new_low(",
    "within(",
    "bars_since(",
    "between(",
    "crosses_above",
    "crosses_below",
    "abs(",
    "min(",
    "max(",
    "not ",
    " and ",
    " or ",
    "@5m",
    "session",
    "]",
    "%",
    "gap",
    "quiet",
];

/// Writes random conditions whose units fit.
struct Writer<'s> {
    seed: &'s mut Seed,
    away: bool,
}

impl Writer<'_> {
    fn pick<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.seed.below(texts.len() as u64) as usize]
    }

    fn n(&mut self) -> u64 {
        1 + self.seed.below(6)
    }

    /// On another interval, now and then; never on one within one.
    fn elsewhere(&mut self, write: impl FnOnce(&mut Self) -> String) -> String {
        if self.away || !self.seed.one_in(3) {
            return write(self);
        }
        self.away = true;
        let text = write(self);
        self.away = false;
        let interval = self.pick(&["1m", "5m", "15m"]);
        format!("({text})@{interval}")
    }

    fn condition(&mut self, depth: u32) -> String {
        if depth == 0 {
            return self.comparison(0);
        }
        let n = self.n();
        match self.seed.below(13) {
            0 | 1 => format!("({} and {})", self.condition(depth - 1), self.condition(depth - 1)),
            2 | 3 => format!("({} or {})", self.condition(depth - 1), self.condition(depth - 1)),
            4 => format!("not {}", self.condition(depth - 1)),
            5 => format!("within({n}, {})", self.condition(depth - 1)),
            6 => format!("({})[{n}]", self.condition(depth - 1)),
            7 => self.pick(&["gap", "quiet", "complete", "disputed", "partial", "amended"]).into(),
            8 => self.elsewhere(|it| it.condition(depth - 1)),
            _ => self.comparison(depth - 1),
        }
    }

    fn comparison(&mut self, depth: u32) -> String {
        let n = self.n();
        let kind = self.seed.below(5);
        let (a, b) = (self.number(kind, depth), self.number(kind, depth));
        match self.seed.below(10) {
            0 => format!("{a} crosses_above {b}"),
            1 => format!("crosses_below({a}, {b})"),
            2 => format!("rising({a}, {n})"),
            3 => format!("falling({a}, {n})"),
            4 => format!("between({a}, {b}, {})", self.number(kind, depth)),
            5 => format!("new_high({a}, {n})"),
            6 => format!("new_low({a}, {n})"),
            7 => {
                let name = self.pick(&["rising", "falling", "new_high", "new_low"]);
                format!("{name}({n})")
            }
            _ => {
                let sign = self.pick(&["<", "<=", ">", ">=", "==", "!="]);
                format!("{a} {sign} {b}")
            }
        }
    }

    /// A number of one kind: prices, ratios, percentages, counts or quantities.
    fn number(&mut self, kind: u64, depth: u32) -> String {
        if depth > 0 {
            let n = self.n();
            match self.seed.below(10) {
                0 => return format!("highest({}, {n})", self.number(kind, depth - 1)),
                1 => return format!("lowest({}, {n})", self.number(kind, depth - 1)),
                2 => return format!("{}[{n}]", self.leaf(kind)),
                3 => return self.elsewhere(|it| it.number(kind, depth - 1)),
                4 => {
                    let name = self.pick(&["min", "max"]);
                    let (a, b) = (self.number(kind, depth - 1), self.number(kind, depth - 1));
                    return format!("{name}({a}, {b})");
                }
                5 => {
                    let sign = self.pick(&["+", "-"]);
                    let (a, b) = (self.number(kind, depth - 1), self.number(kind, depth - 1));
                    return format!("({a} {sign} {b})");
                }
                6 if kind != 3 => return format!("average({}, {n})", self.number(kind, depth - 1)),
                7 if kind == 0 => return format!("{} * 101%", self.number(0, depth - 1)),
                8 if kind == 3 => return format!("bars_since({}, {n})", self.condition(depth - 1)),
                9 if kind == 2 => return format!("abs({})", self.number(2, depth - 1)),
                _ => {}
            }
        }
        self.leaf(kind)
    }

    fn leaf(&mut self, kind: u64) -> String {
        let leaves: &[&str] = match kind {
            0 => &[
                "close",
                "open",
                "high",
                "low",
                "ema(5)",
                "vwap",
                "bbands(5,2).upper",
                "sma(3)",
                "donchian(4).lower",
                "macd(3,6,2).hist",
                "session.open",
                "atr(3)",
                "-close",
            ],
            1 => &[
                "rsi(3)",
                "close / open",
                "bbands(5,2).percent_b",
                "zscore(5)",
                "trade_accel(2)",
                "taker_volume / volume",
                "taker_share(3)",
                "supertrend(3,2).direction",
                "0.5",
            ],
            2 => &[
                "change(5m)",
                "change(15m)",
                "change(1h)",
                "change(session)",
                "to_high(4)",
                "to_low(session)",
                "to_high(session)",
                "to_low(3)",
                "roc(3)",
                "natr(3)",
                "0.1%",
            ],
            3 => &["trades", "10", "trades"],
            _ => &["volume", "taker_volume", "0.02"],
        };
        self.pick(leaves).into()
    }
}
