//! A condition whose names and units are known: what the checks make, and the compiler takes.

use systems::catalog::Spec;
use systems::rule::{Field, Fold, Marks, Time};

use super::ast::Span;
use super::unit::Unit;

/// A checked expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) what: What,
    pub(super) unit: Unit,
    pub(super) span: Span,
}

/// What a checked expression is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    Const(f64),
    /// A column of the present interval, so many candles before.
    Column(Wanted, u64),
    /// Whether the candle so many before bears one of these marks.
    Marked(Marks, u64),
    /// The change of a close, in percent, against that so many nanoseconds before by the candles
    /// of an interval.
    Change(Box<Node>, u8, u64),
    One(One, Box<Node>),
    Two(Two, Box<Node>, Box<Node>),
    /// Both cross: the left one comes from the other side.
    Crosses(bool, Box<Node>, Box<Node>),
    /// The value, the low end and the high end, both included.
    Between(Box<[Node; 3]>),
    /// A body over candles, from so many before to so many before.
    Each(Fold, u64, u64, Box<Node>),
    /// On another interval.
    At(u8, Box<Node>),
}

/// What is done to one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum One {
    Neg,
    Abs,
    Not,
}

/// What is done to two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Two {
    Add,
    Sub,
    Mul,
    Div,
    Min,
    Max,
    Less,
    LessEq,
    Greater,
    GreaterEq,
    Equal,
    NotEqual,
    And,
    Or,
}

/// A column that is wanted of an interval's rows.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wanted {
    Field(Field),
    Time(Time),
    /// An indicator and which of its outputs.
    Output(Spec, usize),
    /// The place by a score, or the share of symbols below it.
    Ranked {
        score: Box<Node>,
        percentile: bool,
    },
}

impl Node {
    pub(super) fn new(what: What, unit: Unit, span: Span) -> Self {
        Self { what, unit, span }
    }

    /// A number as written.
    pub(super) fn plain(value: f64, span: Span) -> Self {
        Self::new(What::Const(value), Unit::Plain, span)
    }

    /// What stands for something that is wrong.
    pub(super) fn wrong(span: Span) -> Self {
        Self::new(What::Const(f64::NAN), Unit::Wrong, span)
    }

    /// A column of the present candle.
    pub(super) fn column(wanted: Wanted, unit: Unit, span: Span) -> Self {
        Self::new(What::Column(wanted, 0), unit, span)
    }

    pub(super) fn two(two: Two, left: Self, right: Self, unit: Unit, span: Span) -> Self {
        Self::new(What::Two(two, Box::new(left), Box::new(right)), unit, span)
    }

    pub(super) fn each(fold: Fold, from: u64, to: u64, body: Self, unit: Unit, span: Span) -> Self {
        Self::new(What::Each(fold, from, to, Box::new(body)), unit, span)
    }

    /// So many candles before.
    pub(super) fn ago(self, ago: u64) -> Self {
        let Self { what, unit, span } = self;
        let what = match what {
            What::Column(wanted, at) => What::Column(wanted, at + ago),
            What::Marked(marks, at) => What::Marked(marks, at + ago),
            What::At(interval, body) => What::At(interval, Box::new(body.ago(ago))),
            What::Const(value) => What::Const(value),
            what => {
                let body = Self::new(what, unit, span.clone());
                // A loop of one round gives its body's value.
                let fold = if unit == Unit::Truth { Fold::Any } else { Fold::Sum };
                What::Each(fold, ago, ago, Box::new(body))
            }
        };
        Self { what, unit, span }
    }

    /// Whether anything in it is looked up on another interval.
    pub(super) fn away(&self) -> bool {
        match &self.what {
            What::At(..) => true,
            What::Const(_) | What::Column(..) | What::Marked(..) => false,
            What::Change(body, ..) | What::One(_, body) | What::Each(.., body) => body.away(),
            What::Two(_, left, right) | What::Crosses(_, left, right) => {
                left.away() || right.away()
            }
            What::Between(parts) => parts.iter().any(Self::away),
        }
    }

    /// Whether anything in it is looked up on its own interval.
    pub(super) fn at_home(&self) -> bool {
        match &self.what {
            What::Column(..) | What::Marked(..) | What::Change(..) => true,
            What::At(..) | What::Const(_) => false,
            What::One(_, body) | What::Each(.., body) => body.at_home(),
            What::Two(_, left, right) | What::Crosses(_, left, right) => {
                left.at_home() || right.at_home()
            }
            What::Between(parts) => parts.iter().any(Self::at_home),
        }
    }
}
