//! A program under way: its stack, its loops, and which candle it looks at.

use super::lanes::{View, Views};
use super::program::{Fold, Marks, NESTED_MAX, Op, STACK_MAX};

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

/// A program under way. Whatever most steps touch is here and handed on by value, so that it can
/// live in registers; what few need is apart.
pub(super) struct Run<'a> {
    views: &'a Views<'a>,
    /// What lies below the top.
    stack: [f64; STACK_MAX],
    height: usize,
    top: f64,
    place: Place<'a>,
    around: Around<'a>,
}

/// Loops, and changes of the row, that are under way.
struct Around<'a> {
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
            top: f64::NAN,
            place: Place { interval, view: views.view(interval), position: Some(position) },
            around: Around {
                loops: [None; NESTED_MAX],
                looping: 0,
                outside: [Place::default(); NESTED_MAX],
                away: 0,
            },
        }
    }

    /// Whether there is a value on the stack.
    #[inline]
    pub(super) fn has_any(&self) -> bool {
        self.height > 0
    }

    #[inline(always)]
    pub(super) fn top(&self) -> f64 {
        self.top
    }

    #[inline(always)]
    fn push(&mut self, value: f64) {
        self.stack[self.height % STACK_MAX] = self.top;
        self.height += 1;
        self.top = value;
    }

    #[inline(always)]
    fn pop(&mut self) -> f64 {
        self.height = self.height.wrapping_sub(1);
        core::mem::replace(&mut self.top, self.stack[self.height % STACK_MAX])
    }

    #[inline(always)]
    fn replace(&mut self, with: impl FnOnce(f64) -> f64) {
        self.top = with(self.top);
    }

    #[inline(always)]
    fn join(&mut self, with: impl FnOnce(f64, f64) -> f64) {
        let right = self.pop();
        self.top = with(self.top, right);
    }

    /// Carries out one step, and says where to go on if it is not the next.
    #[inline(always)]
    pub(super) fn step<const WHOLE: bool>(&mut self, op: Op) -> Option<u16> {
        match op {
            Op::Const(value) => self.push(value),
            Op::Load { column, ago } => {
                let here = self.place.view.zip(self.place.back(ago));
                self.push(here.map_or(f64::NAN, |(view, at)| view.lanes.get(at, column)));
            }
            Op::LoadAt { interval, column, ago } => {
                self.push(self.place.column_at(self.views, interval, column, ago));
            }
            Op::Change { interval, ns } => {
                let then = self.place.close_before(self.views, interval, ns);
                self.replace(|now| finite((now / then - 1.0) * 100.0));
            }
            Op::Marked { marks, ago } => {
                self.push(self.place.marked(self.views, marks, ago));
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
            Op::Each { fold, from, to } => {
                self.place = self.around.each(self.place, fold, (from, to));
            }
            Op::Again(start) => {
                let value = self.pop();
                let (place, done) = self.around.again(self.place, value);
                self.place = place;
                match done {
                    Some(value) => self.push(value),
                    None => return Some(start),
                }
            }
            Op::At(interval) => self.place = self.around.leave(self.place, self.views, interval),
            Op::Back => self.place = self.around.back(),
        }
        None
    }
}

impl<'a> Place<'a> {
    #[inline(always)]
    fn back(self, ago: u16) -> Option<u64> {
        self.position?.checked_sub(u64::from(ago))
    }

    #[inline(never)]
    fn column_at(self, views: &Views<'_>, interval: u8, column: u8, ago: u16) -> f64 {
        let there = self.aligned(views, interval).and_then(|at| at.checked_sub(u64::from(ago)));
        views.column(interval, there, column)
    }

    #[inline(never)]
    fn marked(self, views: &Views<'_>, marks: Marks, ago: u16) -> f64 {
        let mark = self.back(ago).and_then(|at| views.mark(self.interval, at));
        mark.map_or(f64::NAN, |mark| truth(marks.has(mark)))
    }

    #[inline(never)]
    fn close_before(self, views: &Views<'_>, interval: u8, ns: u64) -> f64 {
        self.position.map_or(f64::NAN, |at| views.close_before(self.interval, at, interval, ns))
    }

    fn aligned(self, views: &Views<'_>, interval: u8) -> Option<u64> {
        views.aligned(self.interval, self.position?, interval)
    }
}

impl<'a> Around<'a> {
    /// Begins a loop: its first place.
    #[inline(never)]
    fn each(&mut self, outside: Place<'a>, fold: Fold, (from, to): (u16, u16)) -> Place<'a> {
        let left = to.saturating_sub(from);
        self.loops[self.looping % NESTED_MAX] =
            Some(Loop { fold, value: fold.start(), left, outside });
        self.looping += 1;
        Place { position: outside.back(from), ..outside }
    }

    /// Takes the value of one round: where to go on, and what came of the loop if it is over.
    #[inline(never)]
    fn again(&mut self, place: Place<'a>, value: f64) -> (Place<'a>, Option<f64>) {
        let slot = self.looping.wrapping_sub(1) % NESTED_MAX;
        let Some(current) = &mut self.loops[slot] else { return (place, Some(f64::NAN)) };
        let (so_far, decided) = current.fold.take(current.value, value);
        let lost = current.fold == Fold::Since && value.is_nan();
        current.value = if lost { f64::NAN } else { so_far };
        if current.left > 0 && !decided {
            current.left -= 1;
            return (Place { position: place.back(1), ..place }, None);
        }
        self.looping = self.looping.wrapping_sub(1);
        (current.outside, Some(current.value))
    }

    #[inline(never)]
    fn leave(&mut self, from: Place<'a>, views: &'a Views<'a>, interval: u8) -> Place<'a> {
        self.outside[self.away % NESTED_MAX] = from;
        self.away += 1;
        let position = from.aligned(views, interval);
        Place { interval, view: views.view(interval), position }
    }

    #[inline(never)]
    fn back(&mut self) -> Place<'a> {
        self.away = self.away.wrapping_sub(1);
        self.outside[self.away % NESTED_MAX]
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
pub(super) fn compare(left: f64, right: f64, holds: bool) -> f64 {
    if left.is_nan() || right.is_nan() { f64::NAN } else { truth(holds) }
}

/// What is not finite is not known.
#[inline]
pub(super) fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { f64::NAN }
}

/// Unlike minimum and maximum of floats, this does not pass over what is not known.
#[inline]
pub(super) fn chosen(left: f64, right: f64, first: bool) -> f64 {
    if first || left.is_nan() { left } else { right }
}
