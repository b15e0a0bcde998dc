//! A program under way: its stack, its loops, and which candle it looks at.

use super::lanes::{View, Views};
use super::program::{Fold, NESTED_MAX, Op, STACK_MAX};

/// Which candle is looked at.
#[derive(Clone, Copy, Default)]
struct Place<'a> {
    interval: u8,
    /// The row of the interval: looked up once, since most steps read it.
    view: Option<&'a View<'a>>,
    /// Its position; that of the ring's end is the forming candle. `None` if there is no such one.
    position: Option<u64>,
}

#[derive(Clone, Copy)]
struct Loop<'a> {
    fold: Fold,
    value: f64,
    /// Rounds to go after this one.
    left: u16,
    /// The place outside of the loop.
    outside: Place<'a>,
}

/// A program under way.
pub(super) struct Run<'a> {
    views: &'a Views<'a>,
    stack: [f64; STACK_MAX],
    height: usize,
    place: Place<'a>,
    loops: [Option<Loop<'a>>; NESTED_MAX],
    looping: usize,
    outside: [Place<'a>; NESTED_MAX],
    away: usize,
}

impl<'a> Run<'a> {
    #[inline]
    pub(super) fn new(views: &'a Views<'a>, interval: u8, position: u64) -> Self {
        Self {
            views,
            stack: [0.0; STACK_MAX],
            height: 0,
            place: Place { interval, view: views.view(interval), position: Some(position) },
            loops: [None; NESTED_MAX],
            looping: 0,
            outside: [Place::default(); NESTED_MAX],
            away: 0,
        }
    }

    /// Whether there is a value on the stack.
    #[inline]
    pub(super) fn has_any(&self) -> bool {
        self.height > 0
    }

    #[inline]
    pub(super) fn top(&self) -> f64 {
        self.stack[self.height.wrapping_sub(1) % STACK_MAX]
    }

    #[inline]
    fn push(&mut self, value: f64) {
        self.stack[self.height % STACK_MAX] = value;
        self.height += 1;
    }

    #[inline]
    fn pop(&mut self) -> f64 {
        let top = self.top();
        self.height = self.height.wrapping_sub(1);
        top
    }

    #[inline]
    fn replace(&mut self, with: impl FnOnce(f64) -> f64) {
        let top = self.pop();
        self.push(with(top));
    }

    #[inline]
    fn join(&mut self, with: impl FnOnce(f64, f64) -> f64) {
        let right = self.pop();
        let left = self.pop();
        self.push(with(left, right));
    }

    /// Carries out one step, and says where to go on if it is not the next.
    #[inline(always)]
    pub(super) fn step<const WHOLE: bool>(&mut self, op: Op) -> Option<u16> {
        match op {
            Op::Const(value) => self.push(value),
            Op::Load { column, ago } => {
                let here = self.place.view.zip(self.back(ago));
                self.push(here.map_or(f64::NAN, |(view, at)| view.lanes.get(at, column)));
            }
            Op::LoadAt { interval, column, ago } => {
                let there = self.aligned(interval).and_then(|at| at.checked_sub(u64::from(ago)));
                self.push(self.views.column(interval, there, column));
            }
            Op::Change { interval, ns } => {
                let then = self.close_before(interval, ns);
                self.replace(|now| finite((now / then - 1.0) * 100.0));
            }
            Op::Marked { marks, ago } => {
                let mark = self.back(ago).and_then(|at| self.views.mark(self.place.interval, at));
                self.push(mark.map_or(f64::NAN, |mark| truth(marks.has(mark))));
            }
            Op::Neg => self.replace(|value| -value),
            Op::Abs => self.replace(f64::abs),
            Op::Not => self.replace(|value| 1.0 - value),
            Op::IfFalse(to) if !WHOLE && self.top() == 0.0 => return Some(to),
            Op::IfTrue(to) if !WHOLE && self.top() == 1.0 => return Some(to),
            Op::IfFalse(_) | Op::IfTrue(_) => {}
            // Each has an arm of its own: a second look at which it is costs as much as doing it.
            Op::Add => self.join(|left, right| finite(left + right)),
            Op::Sub => self.join(|left, right| finite(left - right)),
            Op::Mul => self.join(|left, right| finite(left * right)),
            Op::Div => self.join(|left, right| finite(left / right)),
            Op::Min => self.join(|left, right| chosen(left, right, left <= right)),
            Op::Max => self.join(|left, right| chosen(left, right, left >= right)),
            Op::Less => self.join(|left, right| compare(left, right, left < right)),
            Op::LessEq => self.join(|left, right| compare(left, right, left <= right)),
            Op::Greater => self.join(|left, right| compare(left, right, left > right)),
            Op::GreaterEq => self.join(|left, right| compare(left, right, left >= right)),
            Op::Equal => self.join(|left, right| compare(left, right, left == right)),
            Op::NotEqual => self.join(|left, right| compare(left, right, left != right)),
            Op::And => self.join(and),
            Op::Or => self.join(or),
            Op::Each { fold, from, to } => self.each(fold, from, to),
            Op::Again(start) => return self.again::<WHOLE>(start),
            Op::At(interval) => {
                self.outside[self.away % NESTED_MAX] = self.place;
                self.away += 1;
                let (view, position) = (self.views.view(interval), self.aligned(interval));
                self.place = Place { interval, view, position };
            }
            Op::Back => {
                self.away = self.away.wrapping_sub(1);
                self.place = self.outside[self.away % NESTED_MAX];
            }
        }
        None
    }

    #[inline]
    fn back(&self, ago: u16) -> Option<u64> {
        self.place.position?.checked_sub(u64::from(ago))
    }

    fn close_before(&self, interval: u8, ns: u64) -> f64 {
        let Place { interval: own, position, .. } = self.place;
        position.map_or(f64::NAN, |at| self.views.close_before(own, at, interval, ns))
    }

    fn aligned(&self, interval: u8) -> Option<u64> {
        self.views.aligned(self.place.interval, self.place.position?, interval)
    }

    fn each(&mut self, fold: Fold, from: u16, to: u16) {
        let outside = self.place;
        let left = to.saturating_sub(from);
        self.loops[self.looping % NESTED_MAX] =
            Some(Loop { fold, value: fold.start(), left, outside });
        self.looping += 1;
        self.place.position = self.back(from);
    }

    fn again<const WHOLE: bool>(&mut self, start: u16) -> Option<u16> {
        let value = self.pop();
        let slot = self.looping.wrapping_sub(1) % NESTED_MAX;
        let Some(current) = &mut self.loops[slot] else { return None };
        let (so_far, decided) = current.fold.take(current.value, value);
        let lost = current.fold == Fold::Since && value.is_nan();
        current.value = if lost { f64::NAN } else { so_far };
        if current.left > 0 && !decided {
            current.left -= 1;
            self.place.position = self.place.position.and_then(|at| at.checked_sub(1));
            return Some(start);
        }
        (self.place, self.looping) = (current.outside, self.looping.wrapping_sub(1));
        let value = current.value;
        self.push(value);
        None
    }
}

/// A truth as a value.
#[inline]
const fn truth(holds: bool) -> f64 {
    if holds { 1.0 } else { 0.0 }
}

#[inline]
pub(super) fn and(left: f64, right: f64) -> f64 {
    if left == 0.0 || right == 0.0 { 0.0 } else { left * right }
}

#[inline]
pub(super) fn or(left: f64, right: f64) -> f64 {
    if left == 1.0 || right == 1.0 { 1.0 } else { left + right }
}

#[inline]
fn compare(left: f64, right: f64, holds: bool) -> f64 {
    if left.is_nan() || right.is_nan() { f64::NAN } else { truth(holds) }
}

/// What is not finite is not known.
#[inline]
fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { f64::NAN }
}

/// Unlike minimum and maximum of floats, this does not pass over what is not known.
#[inline]
fn chosen(left: f64, right: f64, first: bool) -> f64 {
    if first || left.is_nan() { left } else { right }
}
