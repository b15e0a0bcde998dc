//! A condition as it was written: expressions, each with where it stands.

use std::ops::Range;

/// Where something stands in the text, in bytes.
pub type Span = Range<usize>;

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: Kind,
    /// Where it stands.
    pub span: Span,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A number; with `%` it is a percentage.
    Number {
        /// The number as written.
        value: f64,
        /// Whether it has a `%`.
        percent: bool,
    },
    /// A length of time such as `5m`, in seconds.
    Time(u64),
    /// A column or a function: `close`, `rsi(14)`.
    Name {
        /// How it is called.
        name: String,
        /// What is in its parentheses, if it has any.
        args: Option<Vec<Expr>>,
    },
    /// One of several outputs: `macd(12,26,9).hist`.
    Output(Box<Expr>, String),
    /// On another interval: `rsi(14)@15m`.
    At(Box<Expr>, String),
    /// So many candles before: `close[3]`.
    Ago(Box<Expr>, u64),
    /// With the word that says which candle: `forming close`.
    Worded(Word, Box<Expr>),
    /// `-x`.
    Neg(Box<Expr>),
    /// `not x`.
    Not(Box<Expr>),
    /// `a + b`, `a > b`, `a and b`.
    Binary(Binary, Box<Expr>, Box<Expr>),
}

/// Which candle is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// The one that closed last.
    Closed,
    /// The one that still takes prints.
    Forming,
}

impl Word {
    /// As it is written.
    pub fn text(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Forming => "forming",
        }
    }
}

/// What stands between two expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `<`
    Less,
    /// `<=`
    LessEq,
    /// `>`
    Greater,
    /// `>=`
    GreaterEq,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `crosses_above`
    CrossesAbove,
    /// `crosses_below`
    CrossesBelow,
    /// `and`
    And,
    /// `or`
    Or,
}

impl Binary {
    /// As it is written.
    pub fn text(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Less => "<",
            Self::LessEq => "<=",
            Self::Greater => ">",
            Self::GreaterEq => ">=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::CrossesAbove => "crosses_above",
            Self::CrossesBelow => "crosses_below",
            Self::And => "and",
            Self::Or => "or",
        }
    }
}
