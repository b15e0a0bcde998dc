//! What a condition means, evaluated the slow way: over plain lists of candles, everything anew.
//!
//! It shares the expressions with the program it checks, and nothing else: no columns, no history
//! kept, no units. Indicators are taken from the catalog, whose own tests hold them to account.

use std::cell::RefCell;
use std::collections::BTreeMap;

use systems::candle::{Candle, Mark};
use systems::catalog::Spec;
use systems::indicator::Units;
use systems::interval::Interval;
use systems::ring::Ring;
use systems::units::{Nanos, Scale};
use tapescan::rules::ast::{Binary, Expr, Kind};

/// The closed candles of one symbol, by interval.
pub(crate) struct Naive<'a> {
    pub(crate) rows: &'a [(Interval, Vec<Candle>)],
    known: RefCell<BTreeMap<(usize, String), Columns>>,
}

/// What an indicator says at each candle, by output.
type Columns = Vec<Vec<Option<f64>>>;

const FIELDS: &[&str] =
    &["open", "high", "low", "close", "volume", "turnover", "taker_volume", "trades"];

/// A candle of an interval; `None` where there is none.
#[derive(Clone, Copy)]
pub(crate) struct At(pub(crate) usize, pub(crate) Option<usize>);

impl<'a> Naive<'a> {
    pub(crate) fn new(rows: &'a [(Interval, Vec<Candle>)]) -> Self {
        Self { rows, known: RefCell::default() }
    }

    fn candle(&self, At(row, index): At) -> Option<&Candle> {
        self.rows[row].1.get(index?)
    }

    fn before(At(row, index): At, ago: usize) -> At {
        At(row, index.and_then(|index| index.checked_sub(ago)))
    }

    /// A condition: known to be true, known to be false, or not known.
    pub(crate) fn truth(&self, expr: &Expr, at: At) -> Option<bool> {
        match &expr.kind {
            Kind::Not(inner) => self.truth(inner, at).map(|holds| !holds),
            Kind::Binary(Binary::And, a, b) => match (self.truth(a, at), self.truth(b, at)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Kind::Binary(Binary::Or, a, b) => match (self.truth(a, at), self.truth(b, at)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Kind::Binary(op @ (Binary::CrossesAbove | Binary::CrossesBelow), a, b) => {
                self.crosses(*op == Binary::CrossesAbove, a, b, at)
            }
            Kind::Binary(op, a, b) => {
                let (a, b) = (self.number(a, at)?, self.number(b, at)?);
                Some(match op {
                    Binary::Less => a < b,
                    Binary::LessEq => a <= b,
                    Binary::Greater => a > b,
                    Binary::GreaterEq => a >= b,
                    Binary::Equal => a == b,
                    Binary::NotEqual => a != b,
                    _ => panic!("{op:?} is no comparison"),
                })
            }
            Kind::At(inner, text) => self.truth(inner, self.aligned(at, text)),
            Kind::Ago(inner, ago) => self.earlier(inner, *ago, at, |expr, at| self.truth(expr, at)),
            Kind::Name { name, args } => match args.as_deref() {
                None => self.flag(name, at),
                Some(args) => self.predicate(name, args, at),
            },
            other => panic!("{other:?} is no condition"),
        }
    }

    /// `close@5m[3]` counts candles of 5m, `(close)[3]` those of the present interval.
    fn earlier<T>(
        &self,
        inner: &Expr,
        ago: u64,
        at: At,
        value: impl Fn(&Expr, At) -> Option<T>,
    ) -> Option<T> {
        match &inner.kind {
            Kind::At(inner, text) => {
                value(inner, Self::before(self.aligned(at, text), ago as usize))
            }
            _ => value(inner, Self::before(at, ago as usize)),
        }
    }

    fn aligned(&self, at: At, text: &str) -> At {
        let interval = Interval::parse(text).unwrap();
        let row = self.rows.iter().position(|(known, _)| *known == interval).unwrap();
        if row == at.0 {
            return at;
        }
        let end = self.candle(at).map(|candle| candle.open_time.plus(self.rows[at.0].0.ns()));
        At(row, end.and_then(|end| self.closed_by(end, row)))
    }

    /// The candle of the last whole stretch before `end`, if there is one.
    fn closed_by(&self, end: Nanos, row: usize) -> Option<usize> {
        let (interval, candles) = &self.rows[row];
        let opens = end.0.checked_sub(interval.ns())? / interval.ns() * interval.ns();
        candles.iter().position(|candle| candle.open_time.0 == opens)
    }

    fn flag(&self, name: &str, at: At) -> Option<bool> {
        let mark = self.candle(at)?.mark;
        Some(match name {
            "complete" => !matches!(mark, Mark::Gap | Mark::HeadPartial | Mark::Disputed),
            "quiet" => mark == Mark::Quiet,
            "gap" => mark == Mark::Gap,
            "partial" => matches!(mark, Mark::Gap | Mark::HeadPartial),
            "amended" => mark == Mark::Amended,
            "disputed" => mark == Mark::Disputed,
            _ => panic!("{name} is no flag"),
        })
    }

    fn crosses(&self, above: bool, a: &Expr, b: &Expr, at: At) -> Option<bool> {
        let side = |at| {
            let (a, b) = (self.number(a, at)?, self.number(b, at)?);
            Some(if above { a > b } else { a < b })
        };
        match (side(at), side(Self::before(at, 1))) {
            (Some(false), _) | (_, Some(true)) => Some(false),
            (Some(true), Some(false)) => Some(true),
            _ => None,
        }
    }

    fn predicate(&self, name: &str, args: &[Expr], at: At) -> Option<bool> {
        let close = column("close");
        match (name, args) {
            ("rising" | "falling", [n]) => self.steps(name, &close, whole(n), at),
            ("rising" | "falling", [x, n]) => self.steps(name, x, whole(n), at),
            ("new_high", [n]) => self.extreme(&column("high"), true, whole(n), at),
            ("new_low", [n]) => self.extreme(&column("low"), false, whole(n), at),
            ("new_high", [x, n]) => self.extreme(x, true, whole(n), at),
            ("new_low", [x, n]) => self.extreme(x, false, whole(n), at),
            ("crosses_above", [a, b]) => self.crosses(true, a, b, at),
            ("crosses_below", [a, b]) => self.crosses(false, a, b, at),
            ("within", [n, x]) => {
                let all = (0..whole(n)).map(|ago| self.truth(x, Self::before(at, ago)));
                let all: Vec<_> = all.collect();
                if all.contains(&Some(true)) {
                    return Some(true);
                }
                (!all.contains(&None)).then_some(false)
            }
            ("between", [x, low, high]) => {
                let x = self.number(x, at);
                let above = x.zip(self.number(low, at)).map(|(x, low)| x >= low);
                let below = x.zip(self.number(high, at)).map(|(x, high)| x <= high);
                match (above, below) {
                    (Some(false), _) | (_, Some(false)) => Some(false),
                    (Some(true), Some(true)) => Some(true),
                    _ => None,
                }
            }
            _ => panic!("{name} is no predicate"),
        }
    }

    fn steps(&self, name: &str, x: &Expr, n: usize, at: At) -> Option<bool> {
        let value = |ago| self.number(x, Self::before(at, ago));
        let step = |ago| {
            let (now, then) = (value(ago)?, value(ago + 1)?);
            Some(if name == "rising" { now > then } else { now < then })
        };
        let steps: Vec<_> = (0..n).map(step).collect();
        if steps.contains(&Some(false)) {
            return Some(false);
        }
        (!steps.contains(&None)).then_some(true)
    }

    fn extreme(&self, x: &Expr, high: bool, n: usize, at: At) -> Option<bool> {
        let now = self.number(x, at)?;
        let before: Option<Vec<f64>> =
            (1..=n).map(|ago| self.number(x, Self::before(at, ago))).collect();
        Some(before?.iter().all(|&then| if high { now > then } else { now < then }))
    }

    /// A number, if it is known.
    pub(crate) fn number(&self, expr: &Expr, at: At) -> Option<f64> {
        let found = match &expr.kind {
            Kind::Number { value, .. } => Some(*value),
            Kind::Neg(inner) => self.number(inner, at).map(|value| -value),
            Kind::Binary(op, a, b) => self.arithmetic(*op, a, b, at),
            Kind::At(inner, text) => self.number(inner, self.aligned(at, text)),
            Kind::Ago(inner, ago) => {
                self.earlier(inner, *ago, at, |expr, at| self.number(expr, at))
            }
            Kind::Output(inner, output) => self.indicator(inner, output, at),
            Kind::Name { name, args } => match args.as_deref() {
                Some(args) => self.function(expr, name, args, at),
                None if FIELDS.contains(&name.as_str()) => self.field(name, at),
                None => self.indicator(expr, "", at),
            },
            other => panic!("{other:?} is no number"),
        };
        found.filter(|value| value.is_finite())
    }

    fn arithmetic(&self, op: Binary, a: &Expr, b: &Expr, at: At) -> Option<f64> {
        // A percentage of something: only such are written in these tests.
        let part = |expr: &Expr| matches!(expr.kind, Kind::Number { percent: true, .. });
        let factor = if part(a) || part(b) { 0.01 } else { 1.0 };
        let (a, b) = (self.number(a, at)?, self.number(b, at)?);
        Some(match op {
            Binary::Add => a + b,
            Binary::Sub => a - b,
            Binary::Mul => a * b * factor,
            Binary::Div => a / b,
            _ => panic!("{op:?} is no arithmetic"),
        })
    }

    fn field(&self, name: &str, at: At) -> Option<f64> {
        let candle = self.candle(at)?;
        let price = |price: systems::units::Price| price.0 as f64 / 100.0;
        let quantity = |quantity: systems::units::Quantity| quantity.0 as f64 / 1_000.0;
        Some(match name {
            "open" => price(candle.open),
            "high" => price(candle.high),
            "low" => price(candle.low),
            "close" => price(candle.close),
            "volume" => quantity(candle.volume),
            "turnover" => candle.quote_volume as f64 / 100_000.0,
            "taker_volume" => quantity(candle.taker_buy_volume),
            "trades" => f64::from(candle.trades),
            _ => panic!("{name} is no field"),
        })
    }

    fn function(&self, expr: &Expr, name: &str, args: &[Expr], at: At) -> Option<f64> {
        let many = |x: &Expr, from: usize, to: usize| -> Option<Vec<f64>> {
            (from..to).map(|ago| self.number(x, Self::before(at, ago))).collect()
        };
        match (name, args) {
            ("highest", [x, n]) => many(x, 0, whole(n))?.into_iter().reduce(f64::max),
            ("lowest", [x, n]) => many(x, 0, whole(n))?.into_iter().reduce(f64::min),
            ("average", [x, n]) => {
                let all = many(x, 0, whole(n))?;
                Some(all.iter().sum::<f64>() / all.len() as f64)
            }
            ("abs", [x]) => self.number(x, at).map(f64::abs),
            ("min", [a, b]) => Some(self.number(a, at)?.min(self.number(b, at)?)),
            ("max", [a, b]) => Some(self.number(a, at)?.max(self.number(b, at)?)),
            ("bars_since", [x, n]) => {
                for ago in 0..whole(n) {
                    match self.truth(x, Self::before(at, ago)) {
                        Some(true) => return Some(ago as f64),
                        Some(false) => {}
                        None => return None,
                    }
                }
                Some(whole(n) as f64)
            }
            ("change", [over]) => self.change(over, at),
            ("to_high", [over]) => self.distance(over, true, at),
            ("to_low", [over]) => self.distance(over, false, at),
            _ => self.indicator(expr, "", at),
        }
    }

    fn change(&self, over: &Expr, at: At) -> Option<f64> {
        let now = self.field("close", at)?;
        let then = match &over.kind {
            Kind::Time(seconds) => {
                let end = self.candle(at)?.open_time.plus(self.rows[at.0].0.ns());
                let before = end.minus(seconds * 1_000_000_000);
                // The shortest interval here always reaches.
                let row =
                    if seconds % u64::from(self.rows[at.0].0.seconds()) == 0 { at.0 } else { 0 };
                self.field("close", At(row, self.closed_by(before, row)))?
            }
            _ => self.day(at)?.first().map(|candle| candle.open.0 as f64 / 100.0)?,
        };
        Some((now / then - 1.0) * 100.0)
    }

    /// The traded candles of the UTC day so far.
    fn day(&self, at: At) -> Option<Vec<&Candle>> {
        let today = |candle: &Candle| candle.open_time.0 / Nanos::PER_DAY;
        let now = today(self.candle(at)?);
        let so_far = self.rows[at.0].1[..=at.1?].iter();
        Some(so_far.filter(|candle| today(candle) == now && candle.trades > 0).collect())
    }

    fn distance(&self, over: &Expr, high: bool, at: At) -> Option<f64> {
        let prices: Vec<f64> = match &over.kind {
            Kind::Name { .. } => {
                let price = |candle: &&Candle| (if high { candle.high } else { candle.low }).0;
                self.day(at)?.iter().map(|candle| price(candle) as f64 / 100.0).collect()
            }
            _ => {
                let name = if high { "high" } else { "low" };
                let all = (0..whole(over)).map(|ago| self.field(name, Self::before(at, ago)));
                all.collect::<Option<_>>()?
            }
        };
        let best = prices.into_iter().reduce(if high { f64::max } else { f64::min })?;
        Some((self.field("close", at)? / best - 1.0) * 100.0)
    }

    fn indicator(&self, expr: &Expr, output: &str, At(row, index): At) -> Option<f64> {
        let Kind::Name { name, args } = &expr.kind else { panic!("{expr:?} is no indicator") };
        let params: Vec<String> = args
            .iter()
            .flatten()
            .map(|arg| match arg.kind {
                Kind::Number { value, .. } => value.to_string(),
                _ => panic!("{arg:?} is no parameter"),
            })
            .collect();
        let text = format!("{name}({})", params.join(","));
        let spec = Spec::parse(&text).unwrap();
        let place = spec.entry().outputs.iter().position(|known| *known == output).unwrap();
        let mut known = self.known.borrow_mut();
        let columns = known.entry((row, text)).or_insert_with(|| {
            let (interval, candles) = &self.rows[row];
            let units = Units::new(Scale::exact(2), Scale::exact(3), interval.seconds());
            let mut ring = Ring::new(candles.len().max(1), *interval);
            candles.iter().for_each(|candle| ring.push(candle));
            let values = spec.over(&ring, units);
            values.iter().map(|column| column.iter().map(|value| value.number).collect()).collect()
        });
        columns[place].get(index?).copied().flatten()
    }
}

fn column(name: &str) -> Expr {
    Expr { kind: Kind::Name { name: name.to_owned(), args: None }, span: 0..0 }
}

fn whole(expr: &Expr) -> usize {
    match expr.kind {
        Kind::Number { value, .. } => value as usize,
        _ => panic!("{expr:?} is no number of candles"),
    }
}
