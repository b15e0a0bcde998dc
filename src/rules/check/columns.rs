//! Columns: numbers of candles, indicators and their outputs, and which candle is meant.

use systems::catalog::{Entry, Spec};
use systems::rule::Time;

use super::super::ast::{Expr, Kind, Span, Word};
use super::super::tree::{Node, Wanted, What};
use super::super::unit::{Unit, of_output};
use super::super::warm_up::needed;
use super::names::{FIELDS, FLAGS, TIMES};
use super::{Checker, Here};
use crate::config::nearest;

impl Checker<'_> {
    /// How many candles before the judged one the meant one is, if it was said which it is.
    pub(super) fn which(&mut self, what: &str, span: &Span, here: Here) -> Option<u64> {
        match (self.scope.forming, here.word) {
            (false, _) | (true, Some(Word::Forming)) => Some(0),
            (true, Some(Word::Closed)) => Some(1),
            (true, None) => {
                self.fault(
                    span,
                    format!(
                        "say which candle is meant: {} {what} or {} {what}",
                        Word::Forming.text(),
                        Word::Closed.text()
                    ),
                );
                None
            }
        }
    }

    /// A number or a flag of a candle, if the name is one.
    pub(super) fn field(&mut self, name: &str, span: &Span, here: Here) -> Option<Node> {
        if let Some(&(_, field, unit)) = FIELDS.iter().find(|(known, ..)| *known == name) {
            let Some(ago) = self.which(name, span, here) else {
                return Some(Node::wrong(span.clone()));
            };
            return Some(Node::column(Wanted::Field(field), unit, span.clone()).ago(ago));
        }
        if let Some(&(_, time)) = TIMES.iter().find(|(known, _)| *known == name) {
            return Some(self.time(time, name, span, here));
        }
        let (_, marks) = FLAGS.iter().find(|(known, _)| *known == name)?;
        if self.scope.forming && here.word == Some(Word::Forming) {
            let message = format!("{name} is known of closed candles; write closed {name}");
            return Some(self.fault(span, message));
        }
        let Some(ago) = self.which(name, span, here) else {
            return Some(Node::wrong(span.clone()));
        };
        Some(Node::new(What::Marked(*marks, ago), Unit::Truth, span.clone()))
    }

    /// A time that is known of a candle.
    pub(super) fn time(&mut self, time: Time, what: &str, span: &Span, here: Here) -> Node {
        match self.which(what, span, here) {
            Some(ago) => Node::column(Wanted::Time(time), Unit::Time, span.clone()).ago(ago),
            None => Node::wrong(span.clone()),
        }
    }

    /// `macd(12,26,9).hist`.
    pub(super) fn output(&mut self, inner: &Expr, output: &str, span: &Span, here: Here) -> Node {
        if let Kind::Name { name, args } = &inner.kind
            && let Some(entry) = entry(name)
        {
            return self.indicator(entry, args.as_deref(), Some(output), span, here);
        }
        if let Kind::At(..) | Kind::Ago(..) = &inner.kind {
            return self.fault(span, format!(".{output} stands before @ and [ ]"));
        }
        // What is wrong with it says more than that it has no outputs.
        let before = self.faults.len();
        self.node(inner, here);
        if self.faults.len() > before {
            return Node::wrong(span.clone());
        }
        self.fault(span, format!("only indicators have outputs; leave out .{output}"))
    }

    /// An indicator with its parameters.
    pub(super) fn indicator(
        &mut self,
        entry: &'static Entry,
        args: Option<&[Expr]>,
        output: Option<&str>,
        span: &Span,
        here: Here,
    ) -> Node {
        let Some(params) = self.parameters(entry, args.unwrap_or_default()) else {
            return Node::wrong(span.clone());
        };
        let text = format!("{}({})", entry.name, params.join(","));
        let spec = match Spec::parse(&text) {
            Ok(spec) => spec,
            Err(error) => return self.fault(span, error.to_string()),
        };
        let index = match chosen(entry, &spec, output) {
            Ok(index) => index,
            Err(message) => return self.fault(span, message),
        };
        let written = spec.text();
        let Some(ago) = self.which(&written, span, here) else { return Node::wrong(span.clone()) };
        self.note_warm_up(&spec, span, here);
        let unit = of_output(entry.name, plain(entry.outputs[index]));
        Node::column(Wanted::Output(spec, index), unit, span.clone()).ago(ago)
    }

    /// The parameters as texts; they are numbers as written.
    fn parameters(&mut self, entry: &Entry, args: &[Expr]) -> Option<Vec<String>> {
        let mut params = Vec::with_capacity(args.len());
        for arg in args {
            let number = match &arg.kind {
                Kind::Number { value, percent: false } => Some(*value),
                Kind::Neg(inner) => match inner.kind {
                    Kind::Number { value, percent: false } => Some(-value),
                    _ => None,
                },
                _ => None,
            };
            match number {
                Some(number) => params.push(number.to_string()),
                None => {
                    let message = format!("parameters of {} are numbers: {entry:?}", entry.name);
                    self.fault(&arg.span, message);
                }
            }
        }
        (params.len() == args.len()).then_some(params)
    }

    /// Notes an indicator that the candles fetched at the start do not bring up.
    fn note_warm_up(&mut self, spec: &Spec, span: &Span, here: Here) {
        let (interval, lookback) = self.scope.intervals[usize::from(here.interval)];
        let message = match needed(spec, interval) {
            Some(candles) if candles <= lookback => return,
            Some(candles) => format!(
                "{} is known after {candles} candles of {interval}, and a session begins with \
                 {lookback}; until then what depends on it is not known (raise lookback)",
                spec.text()
            ),
            None => format!(
                "{} needs so many candles of {interval} that it is not known for days",
                spec.text()
            ),
        };
        self.notes.push(super::Fault::new(span.clone(), message));
    }
}

/// The indicator of a name.
pub(super) fn entry(name: &str) -> Option<&'static Entry> {
    systems::catalog::CATALOG.iter().find(|entry| entry.name == name)
}

/// An output's name: a column that replaces the indicator's is called so, too.
fn plain(output: &'static str) -> &'static str {
    output.strip_prefix('=').unwrap_or(output)
}

fn chosen(entry: &Entry, spec: &Spec, output: Option<&str>) -> Result<usize, String> {
    let outputs = entry.outputs;
    let names = || outputs.iter().map(|output| plain(output)).filter(|name| !name.is_empty());
    let Some(wanted) = output else {
        let plain = outputs.iter().position(|output| output.is_empty());
        return plain.or((outputs.len() == 1).then_some(0)).ok_or_else(|| {
            let forms: Vec<_> = names().map(|name| format!("{}.{name}", spec.text())).collect();
            format!("{} has several outputs; write {}", entry.name, forms.join(" or "))
        });
    };
    let found = outputs.iter().position(|output| plain(output) == wanted);
    found.filter(|_| !wanted.is_empty()).ok_or_else(|| {
        let all: Vec<_> = names().collect();
        if all.is_empty() {
            return format!("{} has one output; leave out .{wanted}", entry.name);
        }
        let hint = nearest(wanted, all.iter().copied())
            .map_or_else(String::new, |near| format!("; did you mean .{near}?"));
        format!("{} has no output .{wanted}; it has .{}{hint}", entry.name, all.join(", ."))
    })
}
