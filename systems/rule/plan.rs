//! The conditions of all rules on one interval as one program, for many symbols abreast.
//!
//! Rules resemble one another: they compare with the same averages, look back over the same
//! candles, and differ by a number. So loops are written out candle by candle, and what several
//! conditions name, or one at several candles, is a node once. Nothing is skipped, since what one
//! symbol could skip another cannot; [`Program`] stays the judge of what a condition means.

use std::collections::BTreeMap;

use super::Judging;
use super::pack::Columns;
use super::program::{Fold, Marks, Op, Program};
use super::registers::assign;
use crate::limits::{PLAN_MAX, PLANNED_MAX};

/// Which candle a node looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The one that is judged.
    Judged,
    /// So many candles before that of another place.
    Before(u16, u32),
    /// That of another interval which had closed when the one of a place ended.
    At(u16),
}

/// What has one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum One {
    Neg,
    Abs,
    Not,
}

/// What has two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Two {
    Add,
    Sub,
    Mul,
    Div,
    /// As in a loop: it may grow beyond what is finite.
    Sum,
    /// Of a close, in percent against another.
    Change,
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

/// A value; its operands are nodes, or in a [`Step`] registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Node {
    /// A constant, by its bits.
    Const(u64),
    /// A column at a place.
    Load(u16, u8),
    /// The same, of the judged row's newest candles: it is in this register to begin with.
    Given(u16),
    /// Whether the candle at a place bears one of these marks.
    Marked(u16, Marks),
    /// The close so many nanoseconds before the end of the candle at a place, by an interval.
    Close(u16, u8, u64),
    One(One, u16),
    Two(Two, u16, u16),
    /// So many candles ago if the first is true, else the second.
    Since(u16, u16, u16),
}

/// One step of a plan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    /// Puts a value into a register.
    Put(Node, u16),
    /// A condition is complete: of which rule by its place in the list, whether it is the one that
    /// ends, and the register.
    Say(u16, bool, u16),
}

/// All conditions on the closed candles of one interval.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    /// Places with their intervals, each after the one it rests on; the first is the judged candle.
    pub(super) places: Vec<(Place, u8)>,
    /// Which of them are looked at beside packs, or lead to one that is.
    pub(super) sought: Vec<u16>,
    /// What packs have.
    pub(super) columns: Columns,
    /// What the registers after those that packs fill hold for ever.
    pub(super) constants: Vec<f64>,
    pub(super) registers: usize,
    pub(super) steps: Vec<Step>,
    /// How many rules there are.
    pub(super) rules: usize,
    /// Which of them are too large for it, by their places: those are judged one by one.
    pub(super) alone: Vec<u16>,
    /// Which of the others want candles that have all their prints.
    pub(super) strict: Vec<u16>,
    /// The intervals that any rule reads which is judged on closed candles of this one.
    pub(super) reads: Vec<u8>,
}

impl Plan {
    /// The plan of these rules on an interval.
    pub(super) fn new<'a>(interval: u8, rules: impl Iterator<Item = &'a Judging>) -> Self {
        let mut writer = Writer { places: vec![(Place::Judged, interval)], ..Writer::default() };
        let (mut alone, mut strict, mut count) = (vec![], vec![], 0);
        for (place, rule) in (0..).zip(rules) {
            count += 1;
            let begun = writer.mark();
            let mut parts = [(false, Some(&rule.when)), (true, rule.exit.as_ref())].into_iter();
            let whole = parts.all(|(ends, program)| {
                program.is_none_or(|program| writer.say(place, ends, program).is_some())
            });
            match whole {
                true if rule.only_complete => strict.push(place),
                true => {}
                false => {
                    writer.back_to(begun);
                    alone.push(place);
                }
            }
        }
        let Writer { places, mut nodes, items, .. } = writer;
        let columns = Columns::taken_from(&places, &mut nodes);
        let plan = Self { places, columns, rules: count, alone, strict, ..Self::default() };
        let mut plan = assign(plan, &nodes, &items);
        plan.sought = plan.sought();
        plan
    }

    fn sought(&self) -> Vec<u16> {
        let mut sought = vec![false; self.places.len()];
        for step in &self.steps {
            if let Step::Put(
                Node::Load(place, _) | Node::Marked(place, _) | Node::Close(place, ..),
                _,
            ) = *step
            {
                sought[usize::from(place)] = true;
            }
        }
        for index in (0..sought.len()).rev() {
            if let (true, Place::Before(from, _) | Place::At(from)) =
                (sought[index], self.places[index].0)
            {
                sought[usize::from(from)] = true;
            }
        }
        (0..).zip(sought).filter_map(|(index, sought)| sought.then_some(index)).collect()
    }
}

/// What is written in order: a node, or that a condition is complete.
#[derive(Clone, Copy)]
pub(super) enum Item {
    Node(u16),
    Say(u16, bool, u16),
}

#[derive(Default)]
struct Writer {
    places: Vec<(Place, u8)>,
    nodes: Vec<Node>,
    known: BTreeMap<Node, u16>,
    items: Vec<Item>,
    /// Nodes that the rule under way may end with.
    limit: usize,
}

impl Writer {
    fn mark(&mut self) -> [usize; 3] {
        self.limit = (self.nodes.len() + PLANNED_MAX).min(PLAN_MAX);
        [self.places.len(), self.nodes.len(), self.items.len()]
    }

    fn back_to(&mut self, [places, nodes, items]: [usize; 3]) {
        self.places.truncate(places);
        self.nodes.truncate(nodes);
        self.items.truncate(items);
        self.known.retain(|_, id| usize::from(*id) < nodes);
    }

    /// Writes one condition, unless it is too large.
    fn say(&mut self, rule: u16, exit: bool, program: &Program) -> Option<()> {
        let mut stack = Vec::new();
        self.block(program.ops(), 0, &mut stack)?;
        self.items.push(Item::Say(rule, exit, stack.pop()?));
        Some(())
    }

    fn node(&mut self, node: Node) -> Option<u16> {
        if let Some(&known) = self.known.get(&node) {
            return Some(known);
        }
        if self.nodes.len() >= self.limit {
            return None;
        }
        let id = self.nodes.len() as u16;
        self.nodes.push(node);
        self.items.push(Item::Node(id));
        self.known.insert(node, id);
        Some(id)
    }

    fn place(&mut self, place: Place, interval: u8) -> u16 {
        let wanted = (place, interval);
        let known = self.places.iter().position(|known| *known == wanted);
        known.unwrap_or_else(|| {
            self.places.push(wanted);
            self.places.len() - 1
        }) as u16
    }

    fn before(&mut self, place: u16, ago: u32) -> u16 {
        let (at, interval) = self.places[usize::from(place)];
        match at {
            _ if ago == 0 => place,
            Place::Before(from, already) => {
                self.place(Place::Before(from, already + ago), interval)
            }
            _ => self.place(Place::Before(place, ago), interval),
        }
    }

    /// Writes steps that look at the candle of a place.
    fn block(&mut self, ops: &[Op], outside: u16, stack: &mut Vec<u16>) -> Option<()> {
        let (mut place, mut outer) = (outside, Vec::new());
        let mut step = 0;
        while let Some(&op) = ops.get(step) {
            step += 1;
            let node = match op {
                Op::Const(value) => Node::Const(value.to_bits()),
                Op::Load { column, ago } => Node::Load(self.before(place, ago.into()), column),
                Op::LoadAt { interval, column, ago } => {
                    let there = self.place(Place::At(place), interval);
                    Node::Load(self.before(there, ago.into()), column)
                }
                Op::Marked { marks, ago } => Node::Marked(self.before(place, ago.into()), marks),
                Op::Change { interval, ns } => {
                    let then = self.node(Node::Close(place, interval, ns))?;
                    Node::Two(Two::Change, stack.pop()?, then)
                }
                Op::IfFalse(_) | Op::IfTrue(_) => continue,
                Op::Each { fold, from, to } => {
                    let length = body(&ops[step..])?;
                    let inside = &ops[step..step + length];
                    let value = self.fold(fold, (from, to), inside, place, stack)?;
                    stack.push(value);
                    step += length + 1;
                    continue;
                }
                Op::At(interval) => {
                    outer.push(place);
                    place = self.place(Place::At(place), interval);
                    continue;
                }
                Op::Back => {
                    place = outer.pop()?;
                    continue;
                }
                Op::Again(_) => return None,
                Op::Neg => Node::One(One::Neg, stack.pop()?),
                Op::Abs => Node::One(One::Abs, stack.pop()?),
                Op::Not => Node::One(One::Not, stack.pop()?),
                _ => {
                    let right = stack.pop()?;
                    Node::Two(two(op)?, stack.pop()?, right)
                }
            };
            let value = self.node(node)?;
            stack.push(value);
        }
        Some(())
    }

    /// Writes a loop out: its body once per candle, and what becomes of the values.
    fn fold(
        &mut self,
        fold: Fold,
        (from, to): (u16, u16),
        inside: &[Op],
        place: u16,
        stack: &mut Vec<u16>,
    ) -> Option<u16> {
        let mut values = Vec::new();
        for ago in from..=to.max(from) {
            let there = self.before(place, ago.into());
            self.block(inside, there, stack)?;
            values.push(stack.pop()?);
        }
        let how = match fold {
            Fold::Any => Two::Or,
            Fold::All => Two::And,
            Fold::Highest => Two::Max,
            Fold::Lowest => Two::Min,
            Fold::Sum => Two::Sum,
            Fold::Since => {
                let never = self.node(Node::Const((values.len() as f64).to_bits()))?;
                return (0..values.len()).rev().try_fold(never, |later, ago| {
                    self.node(Node::Since(ago as u16, values[ago], later))
                });
            }
        };
        // From the nearest on, so that a longer look back begins with a shorter one.
        let mut rest = values.into_iter();
        let first = rest.next()?;
        rest.try_fold(first, |so_far, value| self.node(Node::Two(how, so_far, value)))
    }
}

/// How many steps the body of a loop has that begins here.
fn body(ops: &[Op]) -> Option<usize> {
    let mut within = 0;
    ops.iter().position(|op| {
        match op {
            Op::Each { .. } => within += 1,
            Op::Again(_) if within == 0 => return true,
            Op::Again(_) => within -= 1,
            _ => {}
        }
        false
    })
}

fn two(op: Op) -> Option<Two> {
    Some(match op {
        Op::Add => Two::Add,
        Op::Sub => Two::Sub,
        Op::Mul => Two::Mul,
        Op::Div => Two::Div,
        Op::Min => Two::Min,
        Op::Max => Two::Max,
        Op::Less => Two::Less,
        Op::LessEq => Two::LessEq,
        Op::Greater => Two::Greater,
        Op::GreaterEq => Two::GreaterEq,
        Op::Equal => Two::Equal,
        Op::NotEqual => Two::NotEqual,
        Op::And => Two::And,
        Op::Or => Two::Or,
        _ => return None,
    })
}
