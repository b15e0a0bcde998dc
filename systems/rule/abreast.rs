//! Carrying out a plan for several symbols abreast: one step for all of them, then the next one.

use super::lanes::Views;
use super::pack::Pack;
use super::plan::{Node, One, Place, Plan, Step, Two};
use super::run::{and, chosen, compare, finite, or};
use crate::limits::INTERVALS_MAX;

/// Symbols abreast. More share each step's dispatch, fewer keep the registers near.
pub const ABREAST: usize = 8;

/// One value of each symbol.
pub(super) type Values = [f64; ABREAST];

/// No candle.
const NONE: u64 = u64::MAX;

/// Which candles a place means, and where their columns begin.
#[derive(Clone, Copy, Debug)]
struct Placed {
    at: [u64; ABREAST],
    begin: [usize; ABREAST],
}

/// What is known of a rule's conditions, a bit for each of 64 rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Truths {
    /// What must hold does.
    pub holds: u64,
    /// Whether it does is known.
    pub known: u64,
    /// What ends it holds.
    pub ends: u64,
}

/// What a plan is carried out in; kept for its memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Bench {
    registers: Vec<Values>,
    places: Vec<Placed>,
}

impl Bench {
    pub(super) fn new(plan: &Plan) -> Self {
        let mut registers = vec![[0.0; ABREAST]; plan.registers];
        let rest = &mut registers[plan.columns.registers()..];
        for (register, constant) in rest.iter_mut().zip(&plan.constants) {
            *register = [*constant; ABREAST];
        }
        let none = Placed { at: [NONE; ABREAST], begin: [0; ABREAST] };
        Self { registers, places: vec![none; plan.places.len()] }
    }

    /// Judges one candle of each symbol, those to which the pack has turned, and says of every 64
    /// rules what is known of them: by their place in the list, divided by 64.
    pub(super) fn run(
        &mut self,
        plan: &Plan,
        pack: &Pack,
        views: &[Views<'_>; ABREAST],
        judged: [u64; ABREAST],
        mut say: impl FnMut(usize, &[Truths; ABREAST]),
    ) {
        self.find(plan, views, judged);
        let columns: [[&[f64]; ABREAST]; INTERVALS_MAX] = core::array::from_fn(|interval| {
            core::array::from_fn(|lane| {
                views[lane].view(interval as u8).map_or(&[][..], |view| view.lanes.values())
            })
        });
        let Self { registers, places } = self;
        pack.give(&plan.columns, registers);
        let (mut word, mut truths) = (0, [Truths::default(); ABREAST]);
        for step in &plan.steps {
            match *step {
                Step::Put(node, to) => {
                    let value = match node {
                        Node::Load(place, column) => {
                            let (_, interval) = plan.places[usize::from(place)];
                            let (of, place) =
                                (&columns[usize::from(interval)], &places[usize::from(place)]);
                            each(|lane| {
                                let at = place.begin[lane] + usize::from(column);
                                of[lane].get(at).copied().unwrap_or(f64::NAN)
                            })
                        }
                        Node::One(one, of) => unary(one, registers[usize::from(of)]),
                        Node::Two(two, left, right) => {
                            let right = registers[usize::from(right)];
                            binary(two, registers[usize::from(left)], right)
                        }
                        Node::Since(ago, now, later) => {
                            let (now, later) =
                                (registers[usize::from(now)], registers[usize::from(later)]);
                            each(|lane| match now[lane] {
                                1.0 => f64::from(ago),
                                other if other.is_nan() => f64::NAN,
                                _ => later[lane],
                            })
                        }
                        other => look_up(plan, views, places, other),
                    };
                    registers[usize::from(to)] = value;
                }
                Step::Say(rule, ends, from) => {
                    if usize::from(rule) / 64 != word {
                        say(word, &truths);
                        (word, truths) = (usize::from(rule) / 64, Default::default());
                    }
                    let value = &registers[usize::from(from)];
                    for (truths, &value) in truths.iter_mut().zip(value) {
                        let holds = u64::from(value == 1.0) << (rule % 64);
                        if ends {
                            truths.ends |= holds;
                        } else {
                            truths.holds |= holds;
                            truths.known |= holds | u64::from(value == 0.0) << (rule % 64);
                        }
                    }
                }
            }
        }
        say(word, &truths);
    }

    /// Finds the candles of all places.
    fn find(&mut self, plan: &Plan, views: &[Views<'_>; ABREAST], judged: [u64; ABREAST]) {
        for index in plan.sought.iter().map(|index| usize::from(*index)) {
            let (place, interval) = plan.places[index];
            let at = match place {
                Place::Judged => judged,
                Place::Before(from, ago) => self.places[usize::from(from)].at.map(|at| match at {
                    NONE => NONE,
                    at => at.checked_sub(u64::from(ago)).unwrap_or(NONE),
                }),
                Place::At(from) => {
                    let own = plan.places[usize::from(from)].1;
                    let from = self.places[usize::from(from)].at;
                    core::array::from_fn(|lane| match from[lane] {
                        NONE => NONE,
                        at => views[lane].aligned(own, at, interval).unwrap_or(NONE),
                    })
                }
            };
            let begin = core::array::from_fn(|lane| {
                views[lane].view(interval).map_or(0, |view| view.lanes.place(at[lane]))
            });
            self.places[index] = Placed { at, begin };
        }
    }
}

/// What is looked up in rings.
fn look_up(plan: &Plan, views: &[Views<'_>; ABREAST], places: &[Placed], node: Node) -> Values {
    let of = |place: u16| (plan.places[usize::from(place)].1, places[usize::from(place)].at);
    match node {
        Node::Marked(place, marks) => {
            let (interval, at) = of(place);
            each(|lane| match views[lane].mark(interval, at[lane]) {
                Some(mark) => f64::from(u8::from(marks.has(mark))),
                None => f64::NAN,
            })
        }
        Node::Close(place, other, ns) => {
            let (interval, at) = of(place);
            each(|lane| match at[lane] {
                NONE => f64::NAN,
                at => views[lane].close_before(interval, at, other, ns),
            })
        }
        _ => [f64::NAN; ABREAST],
    }
}

#[inline(always)]
fn each(of: impl Fn(usize) -> f64) -> Values {
    core::array::from_fn(of)
}

#[inline(always)]
fn unary(one: One, of: Values) -> Values {
    match one {
        One::Neg => of.map(|value| -value),
        One::Abs => of.map(f64::abs),
        One::Not => of.map(|value| 1.0 - value),
    }
}

#[inline(always)]
fn binary(two: Two, left: Values, right: Values) -> Values {
    // Written where it is called, so that each has its own loop without a call in it.
    macro_rules! both {
        ($with:expr) => {
            each(|lane| $with(left[lane], right[lane]))
        };
    }
    match two {
        Two::Add => both!(|a: f64, b: f64| finite(a + b)),
        Two::Sub => both!(|a: f64, b: f64| finite(a - b)),
        Two::Mul => both!(|a: f64, b: f64| finite(a * b)),
        Two::Div => both!(|a: f64, b: f64| finite(a / b)),
        Two::Sum => both!(|a: f64, b: f64| a + b),
        Two::Change => both!(|now: f64, then: f64| finite((now / then - 1.0) * 100.0)),
        Two::Min => both!(|a: f64, b: f64| chosen(a, b, a <= b)),
        Two::Max => both!(|a: f64, b: f64| chosen(a, b, a >= b)),
        Two::Less => both!(|a: f64, b: f64| compare(a, b, a < b)),
        Two::LessEq => both!(|a: f64, b: f64| compare(a, b, a <= b)),
        Two::Greater => both!(|a: f64, b: f64| compare(a, b, a > b)),
        Two::GreaterEq => both!(|a: f64, b: f64| compare(a, b, a >= b)),
        Two::Equal => both!(|a: f64, b: f64| compare(a, b, a == b)),
        Two::NotEqual => both!(|a: f64, b: f64| compare(a, b, a != b)),
        Two::And => both!(and),
        Two::Or => both!(or),
    }
}
