//! Judging: every rule at every candle that closed or changed, on every row, and what differs from
//! what was said before. Rows do not see what others say, so they may be judged in any order.

use bevy_ecs::prelude::*;
use bevy_ecs::system::SystemParam;

use super::abreast::Truths;
use super::group::{Group, Groups, On, asked};
use super::lanes::{Lanes, View, Views};
use super::machine::Entry;
use super::plan::Plan;
use super::standing::{Row as Known, Sayings, Standing};
use super::state::{Said, Truth, Verdict};
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

/// The standing of all rules with one row.
#[derive(Component, Clone, Debug)]
pub struct Judged {
    /// Of the rules that look at their own symbol alone.
    own: Standing,
    /// Of those that compare symbols, and so are judged when all of them are ranked.
    ranking: Standing,
    /// Open times of the candles as they were judged last.
    times: Lane<Nanos>,
    /// What ended at this or before was there before its symbol was listened to.
    history: Nanos,
    /// By rule, the candles at which it began to hold and somebody was told.
    pub told: Vec<(u16, Nanos)>,
    /// What is to be told.
    pub fresh: Vec<Fresh>,
    sayings: Sayings,
}

impl Judged {
    /// No candle was judged yet, by the rules of an interval; `None` if it has none.
    pub fn new(settings: &Settings, interval: usize) -> Option<Self> {
        let standing = |on| {
            let numbers = asked(settings, interval as u8, on).collect();
            Standing::new(&settings.rules.judged, numbers)
        };
        let (own, ranking) = (standing(On::Closed), standing(On::Ranked));
        let any = own.numbers().len() + ranking.numbers().len() > 0;
        any.then(|| Self {
            own,
            ranking,
            times: Lane::new(2 * REJUDGE_MAX),
            history: Nanos(u64::MAX),
            told: Vec::new(),
            fresh: Vec::new(),
            sayings: Sayings::default(),
        })
    }

    /// By rule, beginnings that nobody was told of because of the cool-down.
    pub fn cooled(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        self.own.cooled().chain(self.ranking.cooled())
    }

    /// Start of the candle since which a rule holds, if it does.
    pub fn holds_since(&self, rule: u16) -> Option<Nanos> {
        self.own.holds_since(rule).or_else(|| self.ranking.holds_since(rule))
    }

    fn judge(&mut self, bench: &Bench<'_>, first: Nanos) {
        let Bench { settings, views, interval, .. } = *bench;
        let Some(&View { ring, lanes, .. }) = views.view(interval) else { return };
        if self.history == Nanos(u64::MAX) {
            self.history = first;
        }
        let Self { own, ranking, times, history, fresh, sayings, .. } = self;
        let before = |at: u64| times.get(at).copied().unwrap_or_default();
        let now = |at: u64| views.open_time(interval, at);
        let row = Known {
            rules: &settings.rules.judged,
            length: ring.interval().ns(),
            history: *history,
            before: &before,
            now: &now,
        };
        bench.judge(own, &row, ring.end(), (sayings, fresh));
        // No plan has those: their candle is another one where ranks have to wait.
        let one_by_one = Bench { truths: None, ..*bench };
        one_by_one.judge(ranking, &row, lanes.ranked.min(ring.end()), (sayings, fresh));
        self.remember(ring, lanes);
        // What can be neither withdrawn nor ended any more is forgotten.
        if let Some(&oldest) = self.times.get(self.times.start()) {
            let Self { own, ranking, told, .. } = self;
            told.retain(|&(rule, told)| {
                told >= oldest || own.may_end(rule, told) || ranking.may_end(rule, told)
            });
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

/// One row as it is judged.
struct Bench<'a> {
    settings: &'a Settings,
    views: &'a Views<'a>,
    interval: u8,
    plan: &'a Plan,
    /// What is known of the newest candle, if it was judged with those of other symbols.
    truths: Option<&'a [Truths]>,
}

impl Bench<'_> {
    /// Judges what is new or changed up to `end`.
    fn judge(
        &self,
        standing: &mut Standing,
        row: &Known<'_>,
        end: u64,
        (sayings, fresh): (&mut Sayings, &mut Vec<Fresh>),
    ) {
        let Self { settings, views, interval, plan, truths } = *self;
        if standing.numbers().is_empty() {
            return;
        }
        let judged = standing.end();
        // The earliest at which anything changed that any of the rules reads.
        let others = plan.reads.iter().filter_map(|other| views.changed(interval, *other));
        let changed = others.fold(judged, u64::min);
        if changed >= end.max(judged) {
            return;
        }
        if let Some(truths) = truths.filter(|_| changed == judged && judged + 1 == end) {
            standing.add(row, truths, fresh, |numbers, entries| {
                self.complete(numbers, entries, judged);
            });
            return;
        }
        let rules = &settings.rules.judged;
        sayings.from.clear();
        sayings.from.extend(standing.numbers().iter().map(|number| {
            let rule = &rules[usize::from(*number)];
            from(settings, views, rule, judged, end).unwrap_or(end)
        }));
        standing.judge(row, end, (sayings, fresh), |number, position| {
            verdict(views, &rules[usize::from(number)], interval, position)
        });
    }

    /// Puts in what the plan does not say of the candle at `position`.
    fn complete(&self, numbers: &[u16], entries: &mut [Entry], position: u64) {
        let rule = |place: usize| &self.settings.rules.judged[usize::from(numbers[place])];
        for place in self.plan.strict.iter().map(|place| usize::from(*place)) {
            let entry = &mut entries[place / 64];
            let holds = entry.truths.holds >> (place % 64) & 1 == 1;
            if holds && !proven(self.views, rule(place), self.interval, position) {
                entry.truths.holds &= !(1 << (place % 64));
                entry.truths.known &= !(1 << (place % 64));
            }
        }
        for place in self.plan.alone.iter().map(|place| usize::from(*place)) {
            let verdict = verdict(self.views, rule(place), self.interval, position);
            entries[place / 64].put(place % 64, verdict);
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
    // What is new is held for certain, unless it is a lot: whatever else changed, it is judged.
    let certain = judged.max(end.saturating_sub(ADDED_MAX as u64));
    for program in programs(rule) {
        if from >= certain {
            break;
        }
        let held = views.held_from(own, program.reads(), &settings.rules.depth);
        from = from.max(held.min(certain));
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
pub fn judge(
    scene: Scene,
    groups: Res<Groups>,
    abreast: Query<&Group>,
    opens: Query<&Open>,
    mut rows: Query<(&Row, &mut Judged)>,
) {
    let Scene { inbox, awake, settings, universe, table, seen } = &scene;
    let visit = |(row, mut judged): Each<'_>| {
        let Some((group, plan)) = groups.of(row, On::Closed) else { return };
        // Most rows that are awake got no candle, and looking at all of a symbol's takes long.
        let lanes = |other: &u8| seen.get(table.get(row.symbol, *other)?).ok();
        let changed = |other| lanes(other).is_some_and(|(.., lanes)| lanes.changed.is_some());
        let known = judged.history != Nanos(u64::MAX);
        if known && !universe.ranked() && !plan.reads.iter().any(changed) {
            return;
        }
        let base = table.get(row.symbol, 0).and_then(|base| opens.get(base).ok());
        let listening = base.filter(|open| open.ledger.started());
        let first = listening.map_or(Nanos(u64::MAX), |open| open.ledger.began());
        let views = &views(settings, table, seen, row, inbox.now);
        let group = group.and_then(|group| abreast.get(group).ok());
        let end = views.view(row.interval).map_or(0, |view| view.ring.end());
        let truths = group.and_then(|group| group.truths(row.symbol, end));
        judged.judge(&Bench { settings, views, interval: row.interval, plan, truths }, first);
    };
    if universe.ranked() {
        rows.iter_mut().for_each(visit);
    } else {
        each_row!(inbox, awake, rows, visit);
    }
}
