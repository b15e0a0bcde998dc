//! Groups: neighbouring symbols whose rows of one interval are judged abreast.
//!
//! What a plan says is taken only of a row whose newest candle is new and all that changed.
//! Whatever else happens to a row, its rules are judged one by one.

use bevy_ecs::batching::BatchingStrategy;
use bevy_ecs::prelude::*;

pub use super::abreast::ABREAST;
use super::abreast::{Bench, Truths};
use super::judge::{Scene, programs, views};
use super::lanes::{Lanes, Views};
use super::pack::{Pack, Together};
use super::plan::Plan;
use super::state::Truth;
use super::{Judging, Program};
use crate::limits::GROUP_MAX;
use crate::row::Row;
use crate::settings::Settings;
use crate::trade::SymbolId;

/// Which candles rules are judged on, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum On {
    /// Closed ones, at once.
    Closed,
    /// Closed ones, once all symbols are ranked: no plan has those.
    Ranked,
    /// Those that are forming.
    Forming,
}

/// The plans of all intervals, and who carries them out.
#[derive(Resource, Default)]
pub struct Groups {
    closed: Vec<Share>,
    forming: Vec<Share>,
}

/// One plan, and by symbol a group for every [`GROUP_MAX`] of them.
#[derive(Default)]
struct Share {
    plan: Plan,
    groups: Vec<Entity>,
}

/// Neighbouring symbols, and what the conditions on one interval were last.
#[derive(Component, Debug)]
pub struct Group {
    on: On,
    interval: u8,
    first: u16,
    /// By symbol: position after its newest closed candle when its candle was judged.
    ends: [u64; GROUP_MAX],
    /// By symbol, so many of each.
    truths: Vec<Truths>,
    /// One for [`ABREAST`] symbols.
    packs: Vec<Pack>,
    bench: Bench,
}

/// What some of a group's symbols are judged by, side by side.
struct Abreast<'a> {
    views: [Views<'a>; ABREAST],
    /// By symbol the columns and the position of what is to be judged, if it is.
    judged: [Option<(&'a Lanes, u64)>; ABREAST],
    /// The stretch of its newest closed candle, counted in lengths of a candle.
    stretches: [u64; ABREAST],
}

/// The rules of an interval that are judged on such candles, by number.
pub(super) fn asked(settings: &Settings, interval: u8, on: On) -> impl Iterator<Item = u16> + '_ {
    let rules = (0..).zip(&settings.rules.judged);
    let own = rules.filter(move |(_, rule)| {
        let candles = match (rule.forming, rule.ranks) {
            (true, _) => On::Forming,
            (_, true) => On::Ranked,
            _ => On::Closed,
        };
        rule.interval == interval && candles == on
    });
    own.map(|(number, _)| number)
}

/// The intervals that any rule on closed candles of an interval reads.
fn read(settings: &Settings, interval: u8) -> Vec<u8> {
    let rules = settings.rules.judged.iter();
    let own = rules.filter(|rule| rule.interval == interval && !rule.forming);
    let reads = own.flat_map(programs).flat_map(Program::reads);
    let mut read: Vec<u8> = reads.map(|(other, _)| *other).chain([interval]).collect();
    read.sort_unstable();
    read.dedup();
    read
}

/// The plan of the rules of an interval that are judged on such candles.
fn planned(settings: &Settings, interval: usize, on: On) -> Plan {
    let rules = asked(settings, interval as u8, on);
    let rules = rules.map(|number| &settings.rules.judged[usize::from(number)]);
    Plan::new(interval as u8, rules)
}

impl Groups {
    /// The plans of a configuration, for no symbol yet.
    pub fn new(settings: &Settings) -> Self {
        let share = |interval: usize, on| {
            let mut plan = planned(settings, interval, on);
            plan.reads = read(settings, interval as u8);
            Share { plan, groups: Vec::new() }
        };
        let shares = |on| (0..settings.intervals.len()).map(|at| share(at, on)).collect();
        Self { closed: shares(On::Closed), forming: shares(On::Forming) }
    }

    /// Bytes that the groups of an interval take for each symbol.
    pub fn bytes(settings: &Settings, interval: usize) -> usize {
        let each = |on| {
            let plan = planned(settings, interval, on);
            let words = plan.rules.div_ceil(64) * size_of::<Truths>();
            let registers = plan.registers * size_of::<[f64; ABREAST]>() / GROUP_MAX;
            plan.columns.values() * size_of::<f64>() + words + registers
        };
        each(On::Closed) + each(On::Forming)
    }

    /// The groups that the next symbol's row of an interval needs and that are not there yet: each
    /// is to be spawned and given to [`Groups::add`].
    pub fn wanted(&self, interval: usize, symbol: SymbolId) -> impl Iterator<Item = Group> {
        let place = usize::from(symbol.0) / GROUP_MAX;
        let first = (place * GROUP_MAX) as u16;
        let shares = [(On::Closed, &self.closed), (On::Forming, &self.forming)];
        shares.into_iter().filter_map(move |(on, shares)| {
            let Share { plan, groups } = shares.get(interval)?;
            let missing = plan.alone.len() < plan.rules && groups.len() <= place;
            missing.then(|| Group {
                on,
                interval: interval as u8,
                first,
                ends: [0; GROUP_MAX],
                truths: vec![Truths::default(); GROUP_MAX * plan.rules.div_ceil(64)],
                packs: vec![Pack::new(&plan.columns); GROUP_MAX / ABREAST],
                bench: Bench::new(plan),
            })
        })
    }

    /// Takes a group that was wanted, which is this entity now.
    pub fn add(&mut self, group: &Group, entity: Entity) {
        let shares = if group.on == On::Forming { &mut self.forming } else { &mut self.closed };
        shares[usize::from(group.interval)].groups.push(entity);
    }

    /// The plan for a row, and who carries it out, if anything is in it.
    pub(super) fn of(&self, row: &Row, on: On) -> Option<(Option<Entity>, &Plan)> {
        let shares = if on == On::Forming { &self.forming } else { &self.closed };
        let Share { plan, groups } = shares.get(usize::from(row.interval))?;
        Some((groups.get(usize::from(row.symbol.0) / GROUP_MAX).copied(), plan))
    }
}

impl Group {
    /// What is known of a row's candle, if it was judged with others when the ring ended at `end`.
    pub(super) fn truths(&self, symbol: SymbolId, end: u64) -> Option<&[Truths]> {
        let place = usize::from(symbol.0 - self.first);
        let each = self.truths.len() / GROUP_MAX;
        (self.ends[place] == end).then(|| &self.truths[place * each..][..each])
    }

    /// Judges the newest candles of the rows that are awake and have nothing but a new one; of all
    /// rows, those that are forming.
    fn judge(&mut self, scene: &Scene, plan: &Plan) {
        let first = self.first;
        let all: [_; GROUP_MAX] = core::array::from_fn(|place| SymbolId(first + place as u16));
        let numbers = usize::from(first)..usize::from(first) + GROUP_MAX;
        let symbols = match self.on {
            On::Forming => &all[..],
            _ => scene.awake.symbols_within(numbers),
        };
        let pack = |symbol: SymbolId| usize::from(symbol.0 - first) / ABREAST;
        for neighbours in symbols.chunk_by(|a, b| pack(*a) == pack(*b)) {
            let mut abreast = Abreast {
                views: [Views::new(scene.inbox.now); ABREAST],
                judged: [None; ABREAST],
                stretches: [0; ABREAST],
            };
            neighbours.iter().for_each(|symbol| self.ask(scene, *symbol, &mut abreast));
            self.run(plan, pack(neighbours[0]), &abreast);
        }
    }

    /// Looks up what is to be judged of a symbol, if anything is.
    fn ask<'a>(&mut self, scene: &'a Scene, symbol: SymbolId, abreast: &mut Abreast<'a>) {
        let entity = scene.table.get(symbol, self.interval);
        let Some((row, ring, lanes)) = entity.and_then(|it| scene.seen.get(it).ok()) else {
            return;
        };
        let place = usize::from(symbol.0 - self.first);
        let (pack, lane, end) = (place / ABREAST, place % ABREAST, ring.end());
        let only_new = lanes.changed.map(|changed| changed + 1 == end);
        if only_new == Some(false) {
            self.packs[pack].forget(lane);
        }
        let forming = self.on == On::Forming;
        if forming || only_new == Some(true) {
            abreast.views[lane] =
                views(&scene.settings, &scene.table, &scene.seen, row, scene.inbox.now);
            abreast.judged[lane] = Some((lanes, if forming { end } else { end - 1 }));
            let newest = end.checked_sub(1).and_then(|at| ring.read(at, |candle| candle.open_time));
            abreast.stretches[lane] = newest.map_or(0, |newest| newest.0 / ring.interval().ns());
            self.ends[place] = end;
        }
    }

    /// Judges candles of one stretch after the other: mostly there is one.
    fn run(&mut self, plan: &Plan, pack: usize, abreast: &Abreast<'_>) {
        let Abreast { views, judged, stretches } = abreast;
        let mut left = *judged;
        let each = self.truths.len() / GROUP_MAX;
        let Self { truths, packs, bench, on, .. } = self;
        // What was forming may have closed, as it was or not.
        let again = u64::from(*on == On::Forming);
        while let Some(next) = left.iter().position(Option::is_some) {
            let stretch = stretches[next];
            let judged =
                core::array::from_fn(|lane| left[lane].take_if(|_| stretches[lane] == stretch));
            packs[pack].turn(&plan.columns, &Together { stretch, judged }, again);
            let positions = judged.map(|judged| judged.map_or(u64::MAX, |(_, position)| position));
            bench.run(plan, &packs[pack], views, positions, |word, said| {
                for (lane, said) in said.iter().enumerate() {
                    if judged[lane].is_some() {
                        truths[(pack * ABREAST + lane) * each + word] = *said;
                    }
                }
            });
        }
    }
}

/// Judges the newest closed candles of all groups, in a burst spread over threads.
pub fn closed(scene: Scene, groups: Res<Groups>, mut rows: Query<&mut Group>) {
    judge(On::Closed, &scene, &groups.closed, &mut rows);
}

/// Judges the candles of all groups that are forming.
pub fn forming(scene: Scene, groups: Res<Groups>, mut rows: Query<&mut Group>) {
    judge(On::Forming, &scene, &groups.forming, &mut rows);
}

fn judge(on: On, scene: &Scene, shares: &[Share], rows: &mut Query<&mut Group>) {
    let visit = |mut group: Mut<'_, Group>| {
        if group.on == on {
            let plan = &shares[usize::from(group.interval)].plan;
            group.judge(scene, plan);
        }
    };
    if scene.inbox.burst {
        // A group takes as long as many rows do.
        rows.par_iter_mut().batching_strategy(BatchingStrategy::fixed(1)).for_each(visit);
    } else {
        rows.iter_mut().for_each(visit);
    }
}

/// The plan of one rule alone, as [`ABREAST`] candles are judged by it: for tests and benches.
pub struct Planned {
    plan: Plan,
    pack: Pack,
    bench: Bench,
    turns: u64,
}

impl Planned {
    /// `None` if the rule is too large for a plan.
    pub fn new(rule: &Judging) -> Option<Self> {
        let plan = Plan::new(rule.interval, core::iter::once(rule));
        let (pack, bench) = (Pack::new(&plan.columns), Bench::new(&plan));
        plan.alone.is_empty().then_some(Self { plan, pack, bench, turns: 0 })
    }

    /// What it says of a candle of each of so many symbols.
    pub fn run(
        &mut self,
        views: &[Views<'_>; ABREAST],
        judged: [u64; ABREAST],
    ) -> [Truth; ABREAST] {
        let interval = self.plan.places[0].1;
        let lanes = core::array::from_fn(|lane| {
            views[lane].view(interval).map(|view| (view.lanes, judged[lane]))
        });
        self.turns += 1;
        let together = Together { stretch: self.turns, judged: lanes };
        self.pack.turn(&self.plan.columns, &together, 0);
        let mut found = [Truth::Unknown; ABREAST];
        self.bench.run(&self.plan, &self.pack, views, judged, |_, truths| {
            found = truths.map(|truths| match truths {
                Truths { known: 0, .. } => Truth::Unknown,
                Truths { holds: 0, .. } => Truth::False,
                _ => Truth::True,
            });
        });
        found
    }
}
