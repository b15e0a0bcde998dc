//! Checks: every name is known, every unit fits, every candle that is meant is said.
//!
//! What is wrong is noted, and the check goes on, so that all mistakes are told at once; what
//! stands for a mistake fits everywhere.

use systems::interval::Interval;

use super::ast::{Binary, Expr, Kind, Span, Word};
use super::fault::Fault;
use super::limits::LOOK_BACK_MAX;
use super::tree::{Node, One, Two, What};
use super::unit::{Unit, arithmetic, comparable};
use crate::config::nearest;

mod columns;
mod functions;
mod names;

/// What conditions are checked against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope<'a> {
    /// The configured intervals, and the lookback of each.
    pub(super) intervals: &'a [(Interval, usize)],
    /// Which of them the rule is judged on.
    pub(super) own: u8,
    /// Whether it is judged on the candle that is forming.
    pub(super) forming: bool,
}

/// Checks one condition.
pub(super) struct Checker<'a> {
    scope: Scope<'a>,
    faults: Vec<Fault>,
    notes: Vec<Fault>,
}

/// Where in a condition an expression stands.
#[derive(Clone, Copy)]
struct Here {
    /// The interval whose candles are meant.
    interval: u8,
    /// The word that was said.
    word: Option<Word>,
    /// Whether the interval is another one than the rule's.
    away: bool,
    /// Whether it is looked at over several candles.
    looped: bool,
    /// Whether it is what symbols are ranked by.
    ranked: bool,
}

/// A checked condition, and what is worth knowing about it.
pub(super) struct Checked {
    pub(super) node: Node,
    pub(super) notes: Vec<Fault>,
}

impl<'a> Checker<'a> {
    /// Checks a condition.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of places.
    pub(super) fn condition(scope: Scope<'a>, expr: &Expr) -> Result<Checked, Vec<Fault>> {
        Self::checked(scope, |checker, here| checker.truth(expr, here))
    }

    /// Checks what gives a number, or a truth where `number` is not set.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of places.
    pub(super) fn value(
        scope: Scope<'a>,
        expr: &Expr,
        number: bool,
    ) -> Result<Checked, Vec<Fault>> {
        Self::checked(scope, |checker, here| match number {
            true => checker.number(expr, here),
            false => checker.node(expr, here),
        })
    }

    fn checked(
        scope: Scope<'a>,
        check: impl FnOnce(&mut Self, Here) -> Node,
    ) -> Result<Checked, Vec<Fault>> {
        let mut checker = Self { scope, faults: Vec::new(), notes: Vec::new() };
        let own = scope.own;
        let here = Here { interval: own, word: None, away: false, looped: false, ranked: false };
        let node = check(&mut checker, here);
        let Self { mut faults, notes, .. } = checker;
        if faults.is_empty() {
            return Ok(Checked { node, notes });
        }
        faults.sort_by_key(|fault| (fault.span.start, fault.span.end));
        faults.dedup();
        Err(faults)
    }

    fn fault(&mut self, span: &Span, message: impl Into<String>) -> Node {
        self.faults.push(Fault::new(span.clone(), message));
        Node::wrong(span.clone())
    }

    fn node(&mut self, expr: &Expr, here: Here) -> Node {
        let span = &expr.span;
        match &expr.kind {
            Kind::Number { value, percent } => {
                let unit = if *percent { Unit::Percent } else { Unit::Plain };
                Node::new(What::Const(*value), unit, span.clone())
            }
            Kind::Time(seconds) => {
                Node::new(What::Const(*seconds as f64), Unit::Time, span.clone())
            }
            Kind::Name { name, args } => self.name(name, args.as_deref(), span, here),
            Kind::Output(inner, output) => self.output(inner, output, span, here),
            Kind::At(inner, text) => self.at(inner, text, span, here),
            Kind::Ago(inner, ago) => self.ago(inner, *ago, span, here),
            Kind::Worded(word, inner) => {
                if *word == Word::Forming && !self.scope.forming {
                    return self.fault(
                        span,
                        "this rule is judged when candles close, and then none is forming; say \
                         on = \"forming\" to have it judged at heartbeats",
                    );
                }
                let node = self.node(inner, Here { word: Some(*word), ..here });
                Node { span: span.clone(), ..node }
            }
            Kind::Neg(inner) => {
                let inner = self.number(inner, here);
                let unit = inner.unit;
                match inner.what {
                    What::Const(value) => Node::new(What::Const(-value), unit, span.clone()),
                    _ => Node::new(What::One(One::Neg, Box::new(inner)), unit, span.clone()),
                }
            }
            Kind::Not(inner) => {
                let inner = self.truth(inner, here);
                Node::new(What::One(One::Not, Box::new(inner)), Unit::Truth, span.clone())
            }
            Kind::Binary(op, left, right) => self.binary(*op, left, right, span, here),
        }
    }

    /// An expression that must be true or false.
    fn truth(&mut self, expr: &Expr, here: Here) -> Node {
        let node = self.node(expr, here);
        match node.unit {
            Unit::Truth | Unit::Wrong => node,
            unit => {
                let message = format!(
                    "expected a condition, not {}; compare it with something",
                    unit.called()
                );
                self.fault(&expr.span, message)
            }
        }
    }

    /// An expression that must be a number.
    fn number(&mut self, expr: &Expr, here: Here) -> Node {
        let node = self.node(expr, here);
        if node.unit == Unit::Truth {
            return self.fault(&expr.span, "expected a number, and this is true or false");
        }
        node
    }

    fn binary(&mut self, op: Binary, left: &Expr, right: &Expr, span: &Span, here: Here) -> Node {
        let two = match op {
            Binary::And | Binary::Or => {
                let (left, right) = (self.truth(left, here), self.truth(right, here));
                let two = if op == Binary::And { Two::And } else { Two::Or };
                return Node::two(two, left, right, Unit::Truth, span.clone());
            }
            Binary::Add => Two::Add,
            Binary::Sub => Two::Sub,
            Binary::Mul => Two::Mul,
            Binary::Div => Two::Div,
            Binary::Less => Two::Less,
            Binary::LessEq => Two::LessEq,
            Binary::Greater => Two::Greater,
            Binary::GreaterEq => Two::GreaterEq,
            Binary::Equal => Two::Equal,
            Binary::NotEqual => Two::NotEqual,
            Binary::CrossesAbove | Binary::CrossesBelow => {
                let above = op == Binary::CrossesAbove;
                return self.crosses(above, left, right, span, here);
            }
        };
        let (left, right) = (self.node(left, here), self.node(right, here));
        match two {
            Two::Add | Two::Sub | Two::Mul | Two::Div => {
                self.arithmetic(op, two, left, right, span)
            }
            _ => self.comparison(two, left, right, span),
        }
    }

    fn arithmetic(&mut self, op: Binary, two: Two, left: Node, right: Node, span: &Span) -> Node {
        if two == Two::Div && right.what == What::Const(0.0) {
            return self.fault(span, "divided by 0, which is never known");
        }
        let (unit, factor) = match arithmetic(op, left.unit, right.unit) {
            Ok(result) => result,
            Err(message) => return self.fault(span, message),
        };
        if let (What::Const(a), What::Const(b)) = (&left.what, &right.what) {
            let value = match two {
                Two::Add => a + b,
                Two::Sub => a - b,
                Two::Mul => a * b,
                _ => a / b,
            };
            if unit != Unit::Wrong && !value.is_finite() {
                return self.fault(span, "this number is too large");
            }
            return Node::new(What::Const(value * factor), unit, span.clone());
        }
        let node = Node::two(two, left, right, unit, span.clone());
        if factor == 1.0 {
            return node;
        }
        Node::two(Two::Mul, node, Node::plain(factor, span.clone()), unit, span.clone())
    }

    fn comparison(&mut self, two: Two, left: Node, right: Node, span: &Span) -> Node {
        if let Err(message) = comparable(left.unit, right.unit) {
            return self.fault(span, message);
        }
        if constants(&left, &right) {
            return self.fault(span, "two constants: this is the same for every candle");
        }
        Node::two(two, left, right, Unit::Truth, span.clone())
    }

    fn crosses(&mut self, above: bool, a: &Expr, b: &Expr, span: &Span, here: Here) -> Node {
        let looped = Here { looped: true, ..here };
        let (left, right) = (self.number(a, looped), self.number(b, looped));
        if let Err(message) = comparable(left.unit, right.unit) {
            return self.fault(span, message);
        }
        if constants(&left, &right) {
            return self.fault(span, "two constants never cross");
        }
        let pair = Node::two(Two::Sub, left, right, Unit::Plain, span.clone());
        if let Some(node) = self.stays_home(&pair, span, here) {
            return node;
        }
        let What::Two(_, left, right) = pair.what else { return Node::wrong(span.clone()) };
        Node::new(What::Crosses(above, left, right), Unit::Truth, span.clone())
    }

    /// What is looked at over several candles must not be of another interval alone: its steps
    /// would be candles of the wrong one.
    fn stays_home(&mut self, body: &Node, span: &Span, here: Here) -> Option<Node> {
        if !body.away() || body.at_home() {
            return None;
        }
        let (own, _) = self.scope.intervals[usize::from(here.interval)];
        let message = format!(
            "its steps are candles of {own}, of which most have the same value of the longer \
             interval; put the interval behind the whole, as in rising(rsi(14), 3)@15m"
        );
        Some(self.fault(span, message))
    }

    fn at(&mut self, inner: &Expr, text: &str, span: &Span, here: Here) -> Node {
        let place = Interval::parse(text).ok().and_then(|interval| {
            self.scope.intervals.iter().position(|(known, _)| *known == interval)
        });
        let Some(place) = place else {
            let message = self.no_interval(text);
            // What is inside may be wrong as well.
            self.node(inner, here);
            return self.fault(span, message);
        };
        let interval = place as u8;
        if here.ranked || (here.away && interval != here.interval) {
            let why = if here.ranked { "a rank" } else { "an @" };
            return self.fault(span, format!("{why} cannot hold another @; say the interval once"));
        }
        if self.scope.forming && here.looped && here.word == Some(Word::Closed) {
            return self.fault(
                span,
                "closed candles of another interval do not step with the forming one; put the \
                 interval behind the whole, as in within(3, closed rsi(14) > 70)@15m",
            );
        }
        if interval == here.interval {
            return self.node(inner, here);
        }
        let body = self.node(inner, Here { interval, away: true, ..here });
        let unit = body.unit;
        if matches!(body.what, What::Const(_)) {
            if unit != Unit::Wrong {
                return self.fault(span, "a number is the same on every interval");
            }
            return body;
        }
        Node::new(What::At(interval, Box::new(body)), unit, span.clone())
    }

    fn no_interval(&self, text: &str) -> String {
        let names: Vec<String> =
            self.scope.intervals.iter().map(|(interval, _)| interval.to_string()).collect();
        // Of equally near ones, the one that goes on as it was begun.
        let (begun, others): (Vec<&str>, Vec<&str>) =
            names.iter().map(String::as_str).partition(|name| name.starts_with(text));
        let hint = nearest(text, begun.into_iter().chain(others))
            .map_or_else(String::new, |near| format!("; did you mean @{near}?"));
        format!("@{text} is not among the intervals {}{hint}", names.join(", "))
    }

    fn ago(&mut self, inner: &Expr, ago: u64, span: &Span, here: Here) -> Node {
        if ago > LOOK_BACK_MAX {
            return self.fault(span, format!("at most {LOOK_BACK_MAX} candles back"));
        }
        let node = self.node(inner, Here { looped: true, ..here });
        match node.what {
            What::Const(_) if node.unit == Unit::Wrong => node,
            What::Const(_) => self.fault(span, "a number is the same at every candle"),
            What::At(..) => Node { span: span.clone(), ..node.ago(ago) },
            _ => match self.stays_home(&node, span, here) {
                Some(wrong) => wrong,
                None => Node { span: span.clone(), ..node.ago(ago) },
            },
        }
    }
}

/// Whether both are numbers as written, and none of them stands for a mistake.
fn constants(left: &Node, right: &Node) -> bool {
    let number = |node: &Node| matches!(node.what, What::Const(value) if !value.is_nan());
    number(left) && number(right)
}
