//! From a checked tree to the flat program that the core carries out, with what it costs and how
//! far back it reads.

use systems::interval::Interval;
use systems::rule::program::{NESTED_MAX, STACK_MAX};
use systems::rule::{Fold, Op, Program};

use super::ast::Span;
use super::fault::Fault;
use super::limits::{LOOK_BACK_MAX, OPS_MAX, STEPS_MAX};
use super::reads::Reads;
use super::tree::{Node, One, Two, Wanted, What};
use super::unit::Unit;

/// A part of a condition that an alert shows with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Clause {
    /// How deep it lies: 0 is the whole.
    pub depth: usize,
    /// As it was written.
    pub text: String,
    /// What kind of value it has.
    pub unit: Unit,
}

/// A compiled condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// What the core carries out.
    pub program: Program,
    /// Its parts, each before those that lie in it.
    pub clauses: Vec<Clause>,
    /// Steps that one evaluation may take.
    pub steps: u64,
    /// Whether it compares symbols.
    pub ranks: bool,
}

/// Compiles a tree of the rule on interval `own`, written as `text`.
///
/// # Errors
/// What is too much: history, steps, columns.
pub(super) fn compile(
    node: &Node,
    text: &str,
    own: u8,
    intervals: &[(Interval, usize)],
    reads: &mut Reads,
) -> Result<Condition, Fault> {
    let mut compiler = Compiler {
        intervals,
        reads,
        text,
        ops: Vec::new(),
        clauses: Vec::new(),
        ends: Vec::new(),
        masks: vec![None; intervals.len()],
        height: 0,
        steps: 0,
        loops: 0,
        ranks: false,
    };
    // A rule's own row is read, if only for when its candles end.
    compiler.reads.reach(own, 0);
    let place = Place { interval: own, back: 0, times: 1 };
    compiler.emit(node, place, Some(0), &(usize::MAX..usize::MAX))?;
    let Compiler { ops, clauses, ends, masks, steps, ranks, .. } = compiler;
    if steps > STEPS_MAX {
        let message = format!(
            "one evaluation may take {steps} steps, and {STEPS_MAX} are allowed; look over fewer \
             candles"
        );
        return Err(Fault::new(node.span.clone(), message));
    }
    let masks = masks.into_iter().enumerate();
    let masks = masks.filter_map(|(interval, mask)| Some((interval as u8, mask?))).collect();
    Ok(Condition { program: Program::new(ops, ends, masks), clauses, steps, ranks })
}

struct Compiler<'a> {
    intervals: &'a [(Interval, usize)],
    reads: &'a mut Reads,
    text: &'a str,
    ops: Vec<Op>,
    clauses: Vec<Clause>,
    ends: Vec<u16>,
    /// Columns read, by interval, if anything of it is.
    masks: Vec<Option<u128>>,
    height: i32,
    steps: u64,
    loops: usize,
    ranks: bool,
}

/// Where a part is evaluated.
#[derive(Clone, Copy)]
struct Place {
    interval: u8,
    /// How far the candle may lie behind the judged one, in seconds.
    back: u64,
    /// How often it is evaluated.
    times: u64,
}

impl Compiler<'_> {
    fn length(&self, interval: u8) -> u64 {
        u64::from(self.intervals[usize::from(interval)].0.seconds())
    }

    fn push(&mut self, op: Op, place: Place, span: &Span) -> Result<(), Fault> {
        self.ops.push(op);
        self.height += op.growth();
        self.steps = self.steps.saturating_add(place.times);
        if self.ops.len() > OPS_MAX || self.height > STACK_MAX as i32 {
            return Err(Fault::new(span.clone(), "too large a condition; make two rules of it"));
        }
        Ok(())
    }

    /// Emits a part, and notes it as a clause if `depth` says how deep it lies. What stands for a
    /// part of the same text is none.
    fn emit(
        &mut self,
        node: &Node,
        place: Place,
        depth: Option<usize>,
        parent: &Span,
    ) -> Result<(), Fault> {
        let shown = depth.filter(|_| {
            self.loops == 0 && node.span != *parent && !matches!(node.what, What::Const(_))
        });
        let clause = shown.map(|depth| {
            let text = self.text.get(node.span.clone()).unwrap_or_default().to_owned();
            self.clauses.push(Clause { depth, text, unit: node.unit });
            self.ends.push(0);
            self.ends.len() - 1
        });
        // Conditions are shown down to the numbers that they compare.
        let below = shown.filter(|_| node.unit == Unit::Truth).map(|depth| depth + 1);
        self.part(node, place, below)?;
        if let Some(clause) = clause {
            self.ends[clause] = self.ops.len() as u16 - 1;
        }
        Ok(())
    }

    fn part(&mut self, node: &Node, place: Place, below: Option<usize>) -> Result<(), Fault> {
        let span = &node.span;
        match &node.what {
            What::Const(value) => self.push(Op::Const(*value), place, span),
            What::Column(wanted, ago) => {
                let column = self.column(wanted, *ago, place, span)?;
                self.push(Op::Load { column, ago: *ago as u16 }, place, span)
            }
            What::Marked(marks, ago) => {
                self.reach(place.interval, place.back, *ago, span)?;
                self.push(Op::Marked { marks: *marks, ago: *ago as u16 }, place, span)
            }
            What::Change(close, interval, ns) => {
                self.emit(close, place, None, span)?;
                self.reach_by_time(*interval, place.back + ns / 1_000_000_000, span)?;
                self.push(Op::Change { interval: *interval, ns: *ns }, place, span)
            }
            What::One(one, inner) => {
                self.emit(inner, place, below, span)?;
                let op = match one {
                    One::Neg => Op::Neg,
                    One::Abs => Op::Abs,
                    One::Not => Op::Not,
                };
                self.push(op, place, span)
            }
            What::Two(two, left, right) => self.two(*two, [left, right], place, below, span),
            What::Crosses(above, left, right) => {
                self.crosses(*above, [left, right], place, below, span)
            }
            What::Between(parts) => self.between(parts, place, below, span),
            What::Each(fold, from, to, body) => self.each(*fold, (*from, *to), body, place, span),
            What::At(interval, body) => self.at(*interval, body, place, below, span),
        }
    }

    fn two(
        &mut self,
        two: Two,
        [left, right]: [&Node; 2],
        place: Place,
        below: Option<usize>,
        span: &Span,
    ) -> Result<(), Fault> {
        self.emit(left, place, below, span)?;
        let skip = match two {
            Two::And | Two::Or => {
                let at = self.ops.len();
                self.push(Op::IfFalse(0), place, span)?;
                Some(at)
            }
            _ => None,
        };
        self.emit(right, place, below, span)?;
        self.push(op(two), place, span)?;
        if let Some(at) = skip {
            let to = self.ops.len() as u16;
            self.ops[at] = if two == Two::And { Op::IfFalse(to) } else { Op::IfTrue(to) };
        }
        Ok(())
    }

    /// On the other side one candle before, and on this side now.
    fn crosses(
        &mut self,
        above: bool,
        [left, right]: [&Node; 2],
        place: Place,
        below: Option<usize>,
        span: &Span,
    ) -> Result<(), Fault> {
        let (now, then) = if above { (Op::Greater, Op::LessEq) } else { (Op::Less, Op::GreaterEq) };
        self.emit(left, place, below, span)?;
        self.emit(right, place, below, span)?;
        self.push(now, place, span)?;
        let skip = self.ops.len();
        self.push(Op::IfFalse(0), place, span)?;
        self.looped(Fold::Any, (1, 1), place, span, |compiler, inside| {
            compiler.emit(left, inside, None, span)?;
            compiler.emit(right, inside, None, span)?;
            compiler.push(then, inside, span)
        })?;
        self.push(Op::And, place, span)?;
        self.ops[skip] = Op::IfFalse(self.ops.len() as u16);
        Ok(())
    }

    fn between(
        &mut self,
        [x, low, high]: &[Node; 3],
        place: Place,
        below: Option<usize>,
        span: &Span,
    ) -> Result<(), Fault> {
        self.emit(x, place, below, span)?;
        self.emit(low, place, below, span)?;
        self.push(Op::GreaterEq, place, span)?;
        let skip = self.ops.len();
        self.push(Op::IfFalse(0), place, span)?;
        self.emit(x, place, None, span)?;
        self.emit(high, place, below, span)?;
        self.push(Op::LessEq, place, span)?;
        self.push(Op::And, place, span)?;
        self.ops[skip] = Op::IfFalse(self.ops.len() as u16);
        Ok(())
    }

    fn each(
        &mut self,
        fold: Fold,
        range: (u64, u64),
        body: &Node,
        place: Place,
        span: &Span,
    ) -> Result<(), Fault> {
        self.looped(fold, range, place, span, |compiler, inside| {
            compiler.emit(body, inside, None, span)
        })
    }

    fn looped(
        &mut self,
        fold: Fold,
        (from, to): (u64, u64),
        place: Place,
        span: &Span,
        body: impl FnOnce(&mut Self, Place) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        if self.loops == NESTED_MAX {
            let message = format!("functions over candles lie more than {NESTED_MAX} deep");
            return Err(Fault::new(span.clone(), message));
        }
        self.push(Op::Each { fold, from: from as u16, to: to as u16 }, place, span)?;
        let start = self.ops.len() as u16;
        let back = place.back + to * self.length(place.interval);
        let times = place.times.saturating_mul(to - from + 1);
        self.loops += 1;
        body(self, Place { back, times, ..place })?;
        self.loops -= 1;
        self.push(Op::Again(start), Place { times, ..place }, span)
    }

    fn at(
        &mut self,
        interval: u8,
        body: &Node,
        place: Place,
        below: Option<usize>,
        span: &Span,
    ) -> Result<(), Fault> {
        let inside = Place { interval, ..place };
        if let What::Column(wanted, ago) = &body.what {
            let column = self.column(wanted, *ago, inside, span)?;
            return self.push(Op::LoadAt { interval, column, ago: *ago as u16 }, place, span);
        }
        self.push(Op::At(interval), place, span)?;
        self.emit(body, inside, below, span)?;
        self.push(Op::Back, place, span)
    }

    fn column(
        &mut self,
        wanted: &Wanted,
        ago: u64,
        place: Place,
        span: &Span,
    ) -> Result<u8, Fault> {
        self.reach(place.interval, place.back, ago, span)?;
        self.ranks |= matches!(wanted, Wanted::Ranked { .. });
        let interval = place.interval;
        let column = self.reads.column(interval, wanted, self.intervals, span)?;
        *self.masks[usize::from(interval)].get_or_insert(0) |= 1 << column;
        Ok(column)
    }

    /// Notes how far back the candles of an interval are read: `back` seconds behind the judged
    /// one's end, and so many candles before that.
    fn reach(&mut self, interval: u8, back: u64, ago: u64, span: &Span) -> Result<(), Fault> {
        if ago > LOOK_BACK_MAX {
            let message = format!("at most {LOOK_BACK_MAX} candles back, also in parts");
            return Err(Fault::new(span.clone(), message));
        }
        let depth = back.div_ceil(self.length(interval)) + ago;
        self.masks[usize::from(interval)].get_or_insert(0);
        self.reads.reach(interval, depth as usize);
        self.kept(interval, depth, span)
    }

    fn reach_by_time(&mut self, interval: u8, back: u64, span: &Span) -> Result<(), Fault> {
        // The ring says what the close was: no column is kept for it.
        self.masks[usize::from(interval)].get_or_insert(0);
        self.reads.reach(interval, 0);
        self.kept(interval, back.div_ceil(self.length(interval)), span)
    }

    fn kept(&self, interval: u8, depth: u64, span: &Span) -> Result<(), Fault> {
        let (length, lookback) = self.intervals[usize::from(interval)];
        if depth < lookback as u64 {
            return Ok(());
        }
        let message = format!(
            "reads {depth} candles of {length} back, and its lookback keeps {lookback} with the \
             newest; raise lookback to {} or look back less",
            depth + 1
        );
        Err(Fault::new(span.clone(), message))
    }
}

fn op(two: Two) -> Op {
    match two {
        Two::Add => Op::Add,
        Two::Sub => Op::Sub,
        Two::Mul => Op::Mul,
        Two::Div => Op::Div,
        Two::Min => Op::Min,
        Two::Max => Op::Max,
        Two::Less => Op::Less,
        Two::LessEq => Op::LessEq,
        Two::Greater => Op::Greater,
        Two::GreaterEq => Op::GreaterEq,
        Two::Equal => Op::Equal,
        Two::NotEqual => Op::NotEqual,
        Two::And => Op::And,
        Two::Or => Op::Or,
    }
}
