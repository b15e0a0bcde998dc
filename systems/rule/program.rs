//! A condition as a flat program, and how it is carried out: on a small stack, allocating nothing.
//!
//! Every value is a float. A truth is 1 or 0; NaN is "not known" for numbers and truths alike, and
//! passes through arithmetic and comparison by itself. `and` and `or` are those of Kleene's
//! three-valued logic: what is not known stays so unless the other side decides alone.

use super::lanes::Views;
use super::run::{Run, and, or};
use crate::candle::Mark;

/// Values that a program may have on its stack at once.
pub const STACK_MAX: usize = 32;

/// Loops, and changes of the row, that may lie within one another.
pub const NESTED_MAX: usize = 4;

/// A set of marks, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Marks(u8);

impl Marks {
    /// These marks.
    pub const fn of(marks: &[Mark]) -> Self {
        let (mut bits, mut index) = (0, 0);
        while index < marks.len() {
            bits |= 1 << marks[index] as u8;
            index += 1;
        }
        Self(bits)
    }

    /// Whether a mark is among them.
    pub const fn has(self, mark: Mark) -> bool {
        self.0 >> mark as u8 & 1 == 1
    }
}

/// What a loop makes of its body's values, one per candle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// True at any.
    Any,
    /// True at all.
    All,
    /// The largest.
    Highest,
    /// The smallest.
    Lowest,
    /// Their sum.
    Sum,
    /// How many candles ago it was true last; as many as were looked at if it was not.
    Since,
}

impl Fold {
    pub(super) const fn start(self) -> f64 {
        match self {
            Self::Any | Self::Sum | Self::Since => 0.0,
            Self::All => 1.0,
            Self::Highest => f64::NEG_INFINITY,
            Self::Lowest => f64::INFINITY,
        }
    }

    /// Takes in one more value; the second is whether no other can change the result.
    #[inline]
    pub(super) fn take(self, so_far: f64, value: f64) -> (f64, bool) {
        let unknown = value.is_nan();
        match self {
            Self::Any => (or(so_far, value), value == 1.0),
            Self::All => (and(so_far, value), value == 0.0),
            Self::Since if value == 1.0 => (so_far, true),
            Self::Since => (so_far + 1.0, unknown),
            _ if unknown => (f64::NAN, true),
            Self::Highest => (so_far.max(value), false),
            Self::Lowest => (so_far.min(value), false),
            Self::Sum => (so_far + value, false),
        }
    }
}

/// One step of a program.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Op {
    /// A constant.
    Const(f64),
    /// A column, so many candles before the one that is judged.
    Load {
        /// Which column of the row's lanes.
        column: u8,
        /// Candles before.
        ago: u16,
    },
    /// A column of another interval, of its candle that had closed then.
    LoadAt {
        /// Index of the interval.
        interval: u8,
        /// Which column of its lanes.
        column: u8,
        /// Candles of that interval before.
        ago: u16,
    },
    /// The change of the top, a close, in percent against the close so long before.
    Change {
        /// Whose closes are looked up.
        interval: u8,
        /// How long, in nanoseconds.
        ns: u64,
    },
    /// Whether the candle bears one of these marks.
    Marked {
        /// Which.
        marks: Marks,
        /// Candles before.
        ago: u16,
    },
    /// The negative.
    Neg,
    /// The distance from 0.
    Abs,
    /// The sum.
    Add,
    /// The difference.
    Sub,
    /// The product.
    Mul,
    /// The quotient; not known where it is not finite.
    Div,
    /// The smaller one.
    Min,
    /// The larger one.
    Max,
    /// Below.
    Less,
    /// Below or equal.
    LessEq,
    /// Above.
    Greater,
    /// Above or equal.
    GreaterEq,
    /// Equal.
    Equal,
    /// Not equal.
    NotEqual,
    /// The opposite.
    Not,
    /// Both.
    And,
    /// Either.
    Or,
    /// Goes to a step if the top is known to be false, which it then stays.
    IfFalse(u16),
    /// Goes to a step if the top is known to be true, which it then stays.
    IfTrue(u16),
    /// Begins a loop over candles, from so many before to so many before, both included.
    Each {
        /// What becomes of the values.
        fold: Fold,
        /// The nearest candle.
        from: u16,
        /// The farthest candle.
        to: u16,
    },
    /// Ends a loop that began with the step after this one.
    Again(u16),
    /// Goes on at another interval's candle that had closed then.
    At(u8),
    /// Comes back from it.
    Back,
}

impl Op {
    /// How many values it leaves on the stack more than it finds there.
    pub const fn growth(self) -> i32 {
        match self {
            Self::Const(_) | Self::Load { .. } | Self::LoadAt { .. } | Self::Marked { .. } => 1,
            Self::Change { .. }
            | Self::Neg
            | Self::Abs
            | Self::Not
            | Self::IfFalse(_)
            | Self::IfTrue(_) => 0,
            Self::Each { .. } | Self::Again(_) | Self::At(_) | Self::Back => 0,
            _ => -1,
        }
    }
}

/// A checked program.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Program {
    ops: Box<[Op]>,
    /// Steps after which the top of the stack is the value of a clause.
    clauses: Box<[u16]>,
    /// Which columns are read, by interval.
    reads: Box<[(u8, u128)]>,
}

impl Program {
    /// A program of `ops`, whose clauses are complete after the steps `clauses`, and which reads
    /// the columns `reads` of each interval, a bit for each. It must leave one value, and stay
    /// within [`STACK_MAX`] and [`NESTED_MAX`].
    pub fn new(ops: Vec<Op>, clauses: Vec<u16>, reads: Vec<(u8, u128)>) -> Self {
        Self { ops: ops.into(), clauses: clauses.into(), reads: reads.into() }
    }

    /// Its steps.
    pub fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// Which columns it reads, by interval, a bit for each.
    pub fn reads(&self) -> &[(u8, u128)] {
        &self.reads
    }

    /// Its value at a candle: NaN is not known.
    #[inline]
    pub fn run(&self, views: &Views<'_>, interval: u8, position: u64) -> f64 {
        self.execute::<false>(views, interval, position, &mut |_, _| ())
    }

    /// The value of each clause, in their order; NaN is not known.
    pub fn explain(&self, views: &Views<'_>, interval: u8, position: u64, values: &mut Vec<f64>) {
        let first = values.len();
        values.resize(first + self.clauses.len(), f64::NAN);
        let values = &mut values[first..];
        self.execute::<true>(views, interval, position, &mut |step, value| {
            // In a loop the last round is what stays.
            for (clause, at) in values.iter_mut().zip(&self.clauses) {
                if usize::from(*at) == step {
                    *clause = value;
                }
            }
        });
    }

    /// Carries it out. If `WHOLE`, nothing is skipped, and `seen` is told the top after each step.
    #[inline(always)]
    fn execute<const WHOLE: bool>(
        &self,
        views: &Views<'_>,
        interval: u8,
        position: u64,
        seen: &mut dyn FnMut(usize, f64),
    ) -> f64 {
        let mut run = Run::new(views, interval, position);
        let mut step = 0;
        while let Some(&op) = self.ops.get(step) {
            let to = run.step::<WHOLE>(op);
            if WHOLE && run.has_any() {
                seen(step, run.top());
            }
            step = to.map_or(step + 1, usize::from);
        }
        run.top()
    }
}
