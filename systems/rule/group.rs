//! Groups: neighbouring symbols whose rows of one interval are judged abreast.
//!
//! What a plan says is taken only of a row whose newest candle is new and all that changed.
//! Whatever else happens to a row, its rules are judged one by one.

use bevy_ecs::prelude::*;

pub use super::abreast::ABREAST;
use super::abreast::{Bench, Truths};
use super::judge::{Scene, programs, views};
use super::lanes::Views;
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
    bench: Bench,
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

impl Groups {
    /// The plans of a configuration, for no symbol yet.
    pub fn new(settings: &Settings) -> Self {
        let share = |interval: usize, on| {
            let rules = asked(settings, interval as u8, on);
            let rules = rules.map(|number| &settings.rules.judged[usize::from(number)]);
            let mut plan = Plan::new(interval as u8, rules);
            plan.reads = read(settings, interval as u8);
            Share { plan, groups: Vec::new() }
        };
        let shares = |on| (0..settings.intervals.len()).map(|at| share(at, on)).collect();
        Self { closed: shares(On::Closed), forming: shares(On::Forming) }
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
        let first = usize::from(self.first);
        let symbols = match self.on {
            On::Forming => None,
            _ => Some(scene.awake.symbols_within(first..first + GROUP_MAX)),
        };
        let count = symbols.map_or(GROUP_MAX, <[SymbolId]>::len);
        let none = Views::new(scene.inbox.now);
        let (mut abreast, mut full) = (([none; ABREAST], [0; ABREAST], [0; ABREAST]), 0);
        for index in 0..count {
            let symbol = symbols.map_or(SymbolId((first + index) as u16), |symbols| symbols[index]);
            let entity = scene.table.get(symbol, self.interval);
            let Some((row, ring, lanes)) = entity.and_then(|it| scene.seen.get(it).ok()) else {
                continue;
            };
            let end = ring.end();
            let only_new = lanes.changed.is_some_and(|changed| changed + 1 == end);
            if symbols.is_some() && !only_new {
                continue;
            }
            let (seen, judged, places) = &mut abreast;
            seen[full] = views(&scene.settings, &scene.table, &scene.seen, row, scene.inbox.now);
            judged[full] = if symbols.is_some() { end - 1 } else { end };
            places[full] = usize::from(symbol.0 - self.first);
            self.ends[places[full]] = end;
            full += 1;
            if full == ABREAST {
                self.run(plan, &abreast, full);
                full = 0;
            }
        }
        if full > 0 {
            self.run(plan, &abreast, full);
        }
    }

    fn run(
        &mut self,
        plan: &Plan,
        (views, judged, places): &([Views<'_>; ABREAST], [u64; ABREAST], [usize; ABREAST]),
        count: usize,
    ) {
        let each = self.truths.len() / GROUP_MAX;
        let truths = &mut self.truths;
        self.bench.run(plan, views, *judged, |word, said| {
            for (place, said) in places.iter().zip(said).take(count) {
                truths[place * each + word] = *said;
            }
        });
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
        rows.par_iter_mut().for_each(visit);
    } else {
        rows.iter_mut().for_each(visit);
    }
}

/// The plan of one rule alone, as [`ABREAST`] candles are judged by it: for tests and benches.
pub struct Planned {
    plan: Plan,
    bench: Bench,
}

impl Planned {
    /// `None` if the rule is too large for a plan.
    pub fn new(rule: &Judging) -> Option<Self> {
        let plan = Plan::new(rule.interval, core::iter::once(rule));
        let bench = Bench::new(&plan);
        plan.alone.is_empty().then_some(Self { plan, bench })
    }

    /// What it says of a candle of each of so many symbols.
    pub fn run(
        &mut self,
        views: &[Views<'_>; ABREAST],
        judged: [u64; ABREAST],
    ) -> [Truth; ABREAST] {
        let mut found = [Truth::Unknown; ABREAST];
        self.bench.run(&self.plan, views, judged, |_, truths| {
            found = truths.map(|truths| match truths {
                Truths { known: 0, .. } => Truth::Unknown,
                Truths { holds: 0, .. } => Truth::False,
                _ => Truth::True,
            });
        });
        found
    }
}
