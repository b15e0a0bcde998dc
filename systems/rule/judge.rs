//! Judging: every rule at every candle that closed or changed, on every row, and what differs from
//! what was said before. Rows do not see what others say, so they may be judged in any order.

use bevy_ecs::prelude::*;
use bevy_ecs::system::SystemParam;

use super::lanes::{Lanes, View, Views};
use super::standing::{Row as Known, Said, Sayings, Standing, Truth, Verdict};
use super::{Judging, Program};
use crate::awake::Awake;
use crate::bucket::Open;
use crate::candle::Mark;
use crate::each_row;
use crate::ingest::Inbox;
use crate::lane::Lane;
use crate::limits::{ADDED_MAX, REJUDGE_MAX};
use crate::ring::Ring;
use crate::row::{Row, Rows};
use crate::rule::universe::Universe;
use crate::settings::Settings;
use crate::units::Nanos;

/// What a rule has to say about a row, in this pulse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fresh {
    /// Which rule.
    pub rule: u16,
    /// What.
    pub said: Said,
    /// Whether it takes back what was said.
    pub withdrawn: bool,
    /// Whether it follows from a correction of a candle that had been judged.
    pub late: bool,
}

/// The standings of all rules with one row.
#[derive(Component, Clone, Debug)]
pub struct Judged {
    /// By rule, those of the row's interval.
    pub rules: Vec<(u16, Standing)>,
    /// Open times of the candles as they were judged last.
    times: Lane<Nanos>,
    /// What ended at this or before was there before its symbol was listened to.
    history: Nanos,
    /// What is to be told.
    pub fresh: Vec<Fresh>,
    sayings: Sayings,
}

impl Judged {
    /// No candle was judged yet, by the rules of an interval; `None` if it has none.
    pub fn new(settings: &Settings, interval: usize) -> Option<Self> {
        let own =
            |(_, rule): &(usize, &Judging)| usize::from(rule.interval) == interval && !rule.forming;
        let rules = settings.rules.judged.iter().enumerate().filter(own);
        let rules: Vec<_> = rules.map(|(index, _)| (index as u16, Standing::default())).collect();
        let times = Lane::new(2 * REJUDGE_MAX);
        let history = Nanos(u64::MAX);
        let (fresh, sayings) = (Vec::new(), Sayings::default());
        (!rules.is_empty()).then_some(Self { rules, times, history, fresh, sayings })
    }

    fn judge(&mut self, settings: &Settings, views: &Views<'_>, interval: u8, first: Nanos) {
        let Some(&View { ring, lanes, .. }) = views.view(interval) else { return };
        if self.history == Nanos(u64::MAX) {
            self.history = first;
        }
        let Self { rules, times, history, fresh, sayings } = self;
        let length = ring.interval().ns();
        for (index, standing) in &mut *rules {
            let rule = &settings.rules.judged[usize::from(*index)];
            let end = if rule.ranks { lanes.ranked.min(ring.end()) } else { ring.end() };
            let Some(from) = from(settings, views, rule, standing.end(), end) else { continue };
            let newest = standing.end().checked_sub(1).and_then(|at| times.get(at)).copied();
            let before = |at: u64| times.get(at).copied().unwrap_or_default();
            let row = Known { length, history: *history, before: &before };
            standing.judge(rule, row, (from, end), sayings, |position| {
                verdict(views, rule, interval, position)
            });
            let late = |said: &Said| newest.is_some_and(|newest| said.open_time <= newest);
            let rule = *index;
            let withdrawn = sayings.withdrawn().filter(|said| !said.held);
            fresh.extend(withdrawn.map(|said| Fresh { rule, said, withdrawn: true, late: true }));
            for said in sayings.fresh() {
                if said.held {
                    standing.cooled +=
                        u64::from(said.enters && said.open_time.plus(length) > *history);
                } else {
                    fresh.push(Fresh { rule, said, withdrawn: false, late: late(&said) });
                }
            }
        }
        self.remember(ring, lanes);
        let oldest = self.times.start();
        if let Some(&oldest) = self.times.get(oldest) {
            self.rules.iter_mut().for_each(|(_, standing)| standing.prune(oldest));
        }
    }

    /// Notes when the candles opened that were judged now.
    fn remember(&mut self, ring: &Ring, lanes: &Lanes) {
        let known = self.times.end();
        let from = lanes.changed.unwrap_or(known).min(known);
        for position in from..ring.end() {
            let opened = ring.read(position, |candle| candle.open_time).unwrap_or_default();
            match self.times.get_mut(position) {
                Some(time) => *time = opened,
                None if position >= known => self.times.push(opened),
                None => {}
            }
        }
    }
}

/// The programs of a rule.
pub fn programs(rule: &Judging) -> impl Iterator<Item = &Program> {
    core::iter::once(&rule.when).chain(&rule.exit)
}

/// The first position that a rule judges, if any: what is new, or what reads something that
/// changed, as far back as everything is still held.
fn from(
    settings: &Settings,
    views: &Views<'_>,
    rule: &Judging,
    judged: u64,
    end: u64,
) -> Option<u64> {
    let own = rule.interval;
    let mut from = judged;
    let reads = || programs(rule).flat_map(Program::reads);
    for other in reads().map(|(other, _)| *other).chain(core::iter::once(own)) {
        if let Some(changed) = views.changed(own, other) {
            from = from.min(changed);
        }
    }
    // What is new is held for certain, unless it is a lot.
    let ordinary = from == judged && end.saturating_sub(from) <= ADDED_MAX as u64;
    for program in programs(rule).filter(|_| !ordinary) {
        from = from.max(views.held_from(own, program.reads(), &settings.rules.depth));
    }
    let from = from.max(end.saturating_sub(REJUDGE_MAX as u64));
    (from < end || from < judged).then_some(from.min(end))
}

/// Both conditions at a candle.
fn verdict(views: &Views<'_>, rule: &Judging, interval: u8, position: u64) -> Verdict {
    let open_time = views.open_time(interval, position);
    let run = |program: &Program| Truth::of(program.run(views, interval, position));
    let mut when = run(&rule.when);
    if rule.only_complete && when == Truth::True && !proven(views, rule, interval, position) {
        when = Truth::Unknown;
    }
    let exit = rule.exit.as_ref().map_or(Truth::Unknown, run);
    Verdict { open_time, when, exit }
}

/// Whether a candle and those of other intervals that the rule reads at it have all their prints,
/// and nothing that it reads there depends on where the series began.
pub fn proven(views: &Views<'_>, rule: &Judging, interval: u8, position: u64) -> bool {
    let whole = |mark: Mark| !mark.is_partial() && mark != Mark::Disputed;
    let mut others =
        programs(rule).flat_map(Program::reads).filter(|(other, _)| *other != interval);
    views.mark(interval, position).is_some_and(whole)
        && converged(views, rule, interval, position)
        && others.all(|(other, _)| {
            let at = views.aligned(interval, position, *other);
            at.and_then(|at| views.mark(*other, at)).is_some_and(whole)
        })
}

/// Whether nothing that a rule reads at a candle depends on where the series began.
pub fn converged(views: &Views<'_>, rule: &Judging, interval: u8, position: u64) -> bool {
    programs(rule).flat_map(Program::reads).all(|&(other, mask)| {
        let at = match other == interval {
            true => Some(position),
            false => views.aligned(interval, position, other),
        };
        at.is_some_and(|at| views.converged(other, at) & mask == mask)
    })
}

/// What rules read of each row.
pub type Seen = (&'static Row, &'static Ring, &'static Lanes);

/// The rows of a symbol as rules see them.
pub fn views<'w>(
    settings: &Settings,
    rows: &Rows,
    seen: &'w Query<Seen>,
    row: &Row,
    now: Nanos,
) -> Views<'w> {
    let mut views = Views::new(now);
    for interval in 0..settings.intervals.len() {
        let entity = rows.get(row.symbol, interval as u8);
        if let Some((row, ring, lanes)) = entity.and_then(|entity| seen.get(entity).ok()) {
            views.set(interval, View { ring, lanes, price: row.units.price });
        }
    }
    views
}

/// What judging and telling look at.
#[derive(SystemParam)]
pub struct Scene<'w, 's> {
    pub(super) inbox: Res<'w, Inbox>,
    pub(super) awake: Res<'w, Awake>,
    pub(super) settings: Res<'w, Settings>,
    pub(super) universe: Res<'w, Universe>,
    pub(super) table: Res<'w, Rows>,
    pub(super) seen: Query<'w, 's, Seen>,
}

type Each<'w> = (&'w Row, Mut<'w, Judged>);

/// Judges the rows that are awake; all of them, where ranks have changed.
pub fn judge(scene: Scene, opens: Query<&Open>, mut rows: Query<(&Row, &mut Judged)>) {
    let Scene { inbox, awake, settings, universe, table, seen } = &scene;
    let visit = |(row, mut judged): Each<'_>| {
        let base = table.get(row.symbol, 0).and_then(|base| opens.get(base).ok());
        let listening = base.filter(|open| open.ledger.started());
        let first = listening.map_or(Nanos(u64::MAX), |open| open.ledger.began());
        let views = views(settings, table, seen, row, inbox.now);
        judged.judge(settings, &views, row.interval, first);
    };
    if universe.ranked() {
        rows.iter_mut().for_each(visit);
    } else {
        each_row!(inbox, awake, rows, visit);
    }
}
