//! Functions: what each takes, and the tree it becomes.

use systems::catalog::Spec;
use systems::limits::PERIOD_MAX;
use systems::rule::{Field, Fold, Time};

use super::super::ast::{Expr, Kind, Span};
use super::super::limits::LOOK_BACK_MAX;
use super::super::tree::{Node, One, Two, Wanted, What};
use super::super::unit::{Unit, comparable};
use super::columns::entry;
use super::names::{FUNCTIONS, form, unknown};
use super::{Checker, Here};

type Args<'e> = &'e [Expr];

impl Checker<'_> {
    /// A column or a function.
    pub(super) fn name(
        &mut self,
        name: &str,
        args: Option<&[Expr]>,
        span: &Span,
        here: Here,
    ) -> Node {
        if FUNCTIONS.iter().any(|(known, _)| *known == name) {
            return match args {
                Some(args) => self.function(name, args, span, here),
                None => self.fault(span, format!("{name} is a function; write {}", form(name))),
            };
        }
        if let Some(entry) = entry(name) {
            return self.indicator(entry, args, None, span, here);
        }
        match (self.field(name, span, here), args) {
            (Some(node), None) => node,
            (Some(_), Some([Expr { kind: Kind::Number { value, .. }, .. }])) => {
                let message =
                    format!("{name} is no function; for a former candle write {name}[{value}]");
                self.fault(span, message)
            }
            (Some(_), Some(_)) => {
                self.fault(span, format!("{name} is no function; leave out the parentheses"))
            }
            (None, args) => {
                // What is inside may be wrong as well.
                for arg in args.unwrap_or_default() {
                    self.node(arg, here);
                }
                self.fault(span, unknown(name))
            }
        }
    }

    fn function(&mut self, name: &str, args: Args<'_>, span: &Span, here: Here) -> Node {
        match (name, args) {
            ("change", [over]) => self.change(over, span, here),
            ("to_high", [over]) => self.distance(over, true, span, here),
            ("to_low", [over]) => self.distance(over, false, span, here),
            ("highest", [x, n]) => self.over(Fold::Highest, x, n, span, here),
            ("lowest", [x, n]) => self.over(Fold::Lowest, x, n, span, here),
            ("average", [x, n]) => self.average(x, n, span, here),
            ("rising", [n]) => self.steps(None, n, Two::Greater, span, here),
            ("rising", [x, n]) => self.steps(Some(x), n, Two::Greater, span, here),
            ("falling", [n]) => self.steps(None, n, Two::Less, span, here),
            ("falling", [x, n]) => self.steps(Some(x), n, Two::Less, span, here),
            ("new_high", [n]) => self.extreme_of_prices(true, n, span, here),
            ("new_low", [n]) => self.extreme_of_prices(false, n, span, here),
            ("new_high", [x, n]) => self.extreme(Two::Greater, x, n, span, here),
            ("new_low", [x, n]) => self.extreme(Two::Less, x, n, span, here),
            ("within", [n, x]) => self.within(n, x, span, here),
            ("bars_since", [x, n]) => self.since(x, n, span, here),
            ("between", [x, low, high]) => self.between([x, low, high], span, here),
            ("crosses_above", [a, b]) => self.crosses(true, a, b, span, here),
            ("crosses_below", [a, b]) => self.crosses(false, a, b, span, here),
            ("abs", [x]) => {
                let x = self.number(x, here);
                let unit = x.unit;
                Node::new(What::One(One::Abs, Box::new(x)), unit, span.clone())
            }
            ("min", [a, b]) => self.smaller(Two::Min, a, b, span, here),
            ("max", [a, b]) => self.smaller(Two::Max, a, b, span, here),
            ("rank", [x]) => self.ranked(x, false, span, here),
            ("stale", [over]) => self.stale(over, span, here),
            ("percentile", [x]) => self.ranked(x, true, span, here),
            _ => {
                let given = args.len();
                self.fault(
                    span,
                    format!("{name} does not take {given} values; write {}", form(name)),
                )
            }
        }
    }

    /// A whole number as written.
    fn whole(&mut self, expr: &Expr, min: u64, max: u64) -> Option<u64> {
        if let Kind::Number { value, percent: false } = expr.kind
            && value.fract() == 0.0
            && (min as f64..=max as f64).contains(&value)
        {
            return Some(value as u64);
        }
        self.fault(&expr.span, format!("expected a whole number of candles from {min} to {max}"));
        None
    }

    /// The close that the function's name implies, or another price.
    fn price(&mut self, field: Field, called: &str, span: &Span, here: Here) -> Option<Node> {
        let ago = self.which(called, span, here)?;
        Some(Node::column(Wanted::Field(field), Unit::Price, span.clone()).ago(ago))
    }

    /// An indicator that a function stands for.
    fn implied(&mut self, text: &str, output: usize, ago: u64, span: &Span) -> Node {
        match Spec::parse(text) {
            Ok(spec) => {
                Node::column(Wanted::Output(spec, output), Unit::Price, span.clone()).ago(ago)
            }
            Err(error) => self.fault(span, error.to_string()),
        }
    }

    fn change(&mut self, over: &Expr, span: &Span, here: Here) -> Node {
        let seconds = match &over.kind {
            Kind::Time(seconds) => *seconds,
            Kind::Name { name, args: None } if name == "session" => {
                let Some(close) = self.price(Field::Close, "change(session)", span, here) else {
                    return Node::wrong(span.clone());
                };
                let ago = self.which("", span, here).unwrap_or(0);
                let open = self.implied("session", 0, ago, span);
                return percent(close, open, span);
            }
            _ => {
                let message = format!("expected a time; write {}", form("change"));
                return self.fault(&over.span, message);
            }
        };
        let Some(close) = self.price(Field::Close, "change", span, here) else {
            return Node::wrong(span.clone());
        };
        match self.reference(seconds, here) {
            Ok(interval) => {
                let ns = seconds * 1_000_000_000;
                let what = What::Change(Box::new(close), interval, ns);
                Node::new(what, Unit::Percent, span.clone())
            }
            Err(message) => self.fault(&over.span, message),
        }
    }

    /// The interval whose candles say what the close was so long ago: the present one if its
    /// lookback reaches, or else the shortest whose lookback does.
    fn reference(&self, seconds: u64, here: Here) -> Result<u8, String> {
        let covers =
            |&(index, (interval, lookback)): &(usize, &(systems::interval::Interval, usize))| {
                let length = u64::from(interval.seconds());
                let own = index == usize::from(here.interval);
                (!own || seconds.is_multiple_of(length))
                    && seconds >= length
                    && seconds / length < *lookback as u64
            };
        let all = || self.scope.intervals.iter().enumerate();
        let own = all().filter(|(index, _)| *index == usize::from(here.interval)).find(covers);
        if let Some((index, _)) = own.or_else(|| all().find(covers)) {
            return Ok(index as u8);
        }
        let (shortest, _) = self.scope.intervals[0];
        if seconds < u64::from(shortest.seconds()) {
            return Err(format!(
                "the shortest interval is {shortest}; no change is known over less"
            ));
        }
        let reaches: Vec<String> = self
            .scope
            .intervals
            .iter()
            .map(|(interval, lookback)| {
                let needed = seconds / u64::from(interval.seconds()) + 1;
                format!("{interval} keeps {lookback} of the {needed} that it takes")
            })
            .collect();
        Err(format!("no lookback reaches so far: {}; raise one", reaches.join(", ")))
    }

    /// `to_high(20)`, `to_low(session)`: the close against it, in percent.
    fn distance(&mut self, over: &Expr, high: bool, span: &Span, here: Here) -> Node {
        let name = if high { "to_high" } else { "to_low" };
        let session = matches!(&over.kind, Kind::Name { name, args: None } if name == "session");
        let (text, output) = if session {
            ("session".to_owned(), if high { 1 } else { 2 })
        } else {
            let Some(n) = self.whole(over, 1, PERIOD_MAX as u64) else {
                return Node::wrong(span.clone());
            };
            (format!("donchian({n})"), if high { 0 } else { 2 })
        };
        let Some(close) = self.price(Field::Close, name, span, here) else {
            return Node::wrong(span.clone());
        };
        let ago = self.which("", span, here).unwrap_or(0);
        let extreme = self.implied(&text, output, ago, span);
        percent(close, extreme, span)
    }

    /// What a function looks at over several candles.
    fn body(&mut self, x: &Expr, truth: bool, span: &Span, here: Here) -> Option<Node> {
        let looped = Here { looped: true, ..here };
        let body = if truth { self.truth(x, looped) } else { self.number(x, looped) };
        if body.unit == Unit::Wrong || self.stays_home(&body, span, here).is_some() {
            return None;
        }
        if matches!(body.what, What::Const(_)) {
            self.fault(&x.span, "a number is the same at every candle");
            return None;
        }
        Some(body)
    }

    fn over(&mut self, fold: Fold, x: &Expr, n: &Expr, span: &Span, here: Here) -> Node {
        let (body, n) = (self.body(x, false, span, here), self.whole(n, 1, LOOK_BACK_MAX));
        let (Some(body), Some(n)) = (body, n) else { return Node::wrong(span.clone()) };
        let unit = body.unit;
        Node::each(fold, 0, n - 1, body, unit, span.clone())
    }

    fn average(&mut self, x: &Expr, n: &Expr, span: &Span, here: Here) -> Node {
        let sum = self.over(Fold::Sum, x, n, span, here);
        let What::Each(_, _, to, _) = &sum.what else { return sum };
        let n = Node::plain((*to + 1) as f64, span.clone());
        let unit = if sum.unit == Unit::Count { Unit::Ratio } else { sum.unit };
        Node::two(Two::Div, sum, n, unit, span.clone())
    }

    /// `rising` and `falling`: each of the last `n` candles goes on from the one before it.
    fn steps(&mut self, x: Option<&Expr>, n: &Expr, two: Two, span: &Span, here: Here) -> Node {
        let body = match x {
            Some(x) => self.body(x, false, span, here),
            None => self.price(Field::Close, "rising", span, here),
        };
        let (Some(x), Some(n)) = (body, self.whole(n, 1, LOOK_BACK_MAX)) else {
            return Node::wrong(span.clone());
        };
        let step = Node::two(two, x.clone(), x.ago(1), Unit::Truth, span.clone());
        Node::each(Fold::All, 0, n - 1, step, Unit::Truth, span.clone())
    }

    /// `new_high(20)`: the candle's high is above those of the 20 before it.
    fn extreme_of_prices(&mut self, high: bool, n: &Expr, span: &Span, here: Here) -> Node {
        let (field, output, two) = match high {
            true => (Field::High, 0, Two::Greater),
            false => (Field::Low, 2, Two::Less),
        };
        let price = self.price(field, if high { "new_high" } else { "new_low" }, span, here);
        let (Some(price), Some(n)) = (price, self.whole(n, 1, PERIOD_MAX as u64)) else {
            return Node::wrong(span.clone());
        };
        let ago = self.which("", span, here).unwrap_or(0) + 1;
        let before = self.implied(&format!("donchian({n})"), output, ago, span);
        Node::two(two, price, before, Unit::Truth, span.clone())
    }

    /// `new_high(x, 20)`: x is above what it was at any of the 20 candles before.
    fn extreme(&mut self, two: Two, x: &Expr, n: &Expr, span: &Span, here: Here) -> Node {
        let (body, n) = (self.body(x, false, span, here), self.whole(n, 1, LOOK_BACK_MAX));
        let (Some(body), Some(n)) = (body, n) else { return Node::wrong(span.clone()) };
        let fold = if two == Two::Greater { Fold::Highest } else { Fold::Lowest };
        let unit = body.unit;
        let before = Node::each(fold, 1, n, body.clone(), unit, span.clone());
        Node::two(two, body, before, Unit::Truth, span.clone())
    }

    fn within(&mut self, n: &Expr, x: &Expr, span: &Span, here: Here) -> Node {
        let (n, body) = (self.whole(n, 1, LOOK_BACK_MAX), self.body(x, true, span, here));
        let (Some(n), Some(body)) = (n, body) else { return Node::wrong(span.clone()) };
        Node::each(Fold::Any, 0, n - 1, body, Unit::Truth, span.clone())
    }

    fn since(&mut self, x: &Expr, n: &Expr, span: &Span, here: Here) -> Node {
        let (body, n) = (self.body(x, true, span, here), self.whole(n, 1, LOOK_BACK_MAX));
        let (Some(body), Some(n)) = (body, n) else { return Node::wrong(span.clone()) };
        Node::each(Fold::Since, 0, n - 1, body, Unit::Count, span.clone())
    }

    fn between(&mut self, parts: [&Expr; 3], span: &Span, here: Here) -> Node {
        let nodes = parts.map(|part| self.number(part, here));
        for end in &nodes[1..] {
            if let Err(message) = comparable(nodes[0].unit, end.unit) {
                return self.fault(span, message);
            }
        }
        if let (What::Const(low), What::Const(high)) = (&nodes[1].what, &nodes[2].what)
            && low > high
        {
            return self
                .fault(span, format!("nothing is between {low} and {high}; the low end first"));
        }
        if nodes.iter().all(|node| matches!(node.what, What::Const(value) if !value.is_nan())) {
            return self.fault(span, "three constants: this is the same for every candle");
        }
        Node::new(What::Between(Box::new(nodes)), Unit::Truth, span.clone())
    }

    fn smaller(&mut self, two: Two, a: &Expr, b: &Expr, span: &Span, here: Here) -> Node {
        let (a, b) = (self.number(a, here), self.number(b, here));
        if let Err(message) = comparable(a.unit, b.unit) {
            return self.fault(span, message);
        }
        let unit = if a.unit == Unit::Plain { b.unit } else { a.unit };
        Node::two(two, a, b, unit, span.clone())
    }

    /// `stale(5m)`: nothing has traded for so long.
    fn stale(&mut self, over: &Expr, span: &Span, here: Here) -> Node {
        let Kind::Time(seconds) = over.kind else {
            return self.fault(&over.span, "expected a time; write stale(5m)");
        };
        let quiet = self.time(Time::Quiet, "stale", span, here);
        let limit = Node::new(What::Const(seconds as f64), Unit::Time, over.span.clone());
        Node::two(Two::GreaterEq, quiet, limit, Unit::Truth, span.clone())
    }

    fn ranked(&mut self, x: &Expr, percentile: bool, span: &Span, here: Here) -> Node {
        let name = if percentile { "percentile" } else { "rank" };
        let refused = if here.ranked {
            Some("is by one score; ranks of ranks are not kept")
        } else if here.away {
            Some("is kept on the rule's own interval; leave out the @, or set interval to it")
        } else if self.scope.forming {
            Some("is known when candles have closed; say on = \"close\"")
        } else {
            None
        };
        if let Some(why) = refused {
            return self.fault(span, format!("{name} {why}"));
        }
        let score = self.number(x, Here { ranked: true, looped: false, ..here });
        if score.unit == Unit::Wrong {
            return score;
        }
        if matches!(score.what, What::Const(_)) {
            return self.fault(span, "a number is the same for every symbol");
        }
        let unit = if percentile { Unit::Percent } else { Unit::Count };
        let wanted = Wanted::Ranked { score: Box::new(score), percentile };
        Node::column(wanted, unit, span.clone())
    }
}

/// The first against the second, in percent.
fn percent(now: Node, then: Node, span: &Span) -> Node {
    let ratio = Node::two(Two::Div, now, then, Unit::Ratio, span.clone());
    let less =
        Node::two(Two::Sub, ratio, Node::plain(1.0, span.clone()), Unit::Ratio, span.clone());
    let hundred = Node::plain(100.0, span.clone());
    Node::two(Two::Mul, less, hundred, Unit::Percent, span.clone())
}
