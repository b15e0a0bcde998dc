//! Rules on candles that are forming: judged at every pulse, on what their candles and indicators
//! would be if they closed now.
//!
//! Nothing of this is kept: what was said at a heartbeat was true of what was known then, and a
//! later correction cannot make it untrue. Such alerts are provisional by nature.

use bevy_ecs::prelude::*;

use super::abreast::Truths;
use super::alert::{Alert, Desk, Held, Kind};
use super::group::{Group, Groups, On, asked};
use super::judge::{Scene, converged, programs, views};
use super::lanes::{Lanes, Views};
use super::machine::{Entry, Known, Machine};
use super::plan::Plan;
use super::standing::exits;
use super::state::{Said, Truth, Verdict};
use super::times::Times;
use super::{Judging, Program, Source, Tell};
use crate::bucket::Open;
use crate::candle::Candle;
use crate::dispatch::Outbox;
use crate::indicator::{Bar, Indicator};
use crate::ingest::Inbox;
use crate::ring::Ring;
use crate::row::{Row, Rows};
use crate::settings::Settings;
use crate::track::{Track, Value};
use crate::units::Nanos;

/// The candle of a row that is forming, and what its indicators would say.
#[derive(Component, Clone, Debug, Default)]
pub struct Forming {
    /// Where it begins: until the grace of the one before is over, that one is it.
    open_time: Nanos,
    /// `None` while it has no print.
    candle: Option<Candle>,
    columns: Vec<Value>,
}

/// The standing of rules on the forming candle of one row.
#[derive(Component, Clone, Debug)]
pub struct Watched {
    /// Which rules, by number.
    numbers: Box<[u16]>,
    /// Which of them have a condition that ends them, a bit for each.
    exits: Box<[u64]>,
    machine: Machine,
    /// What is known of them now; kept for its memory.
    entries: Box<[Entry]>,
    /// By rule, when a beginning was told that has not ended.
    told: Box<[Option<Nanos>]>,
    /// By rule, beginnings that nobody was told of, because of the cool-down.
    cooled: Box<[u32]>,
    /// What they say now, by their places; kept for its memory.
    said: Vec<(usize, Said)>,
}

impl Forming {
    /// Of a row that rules on forming candles read; `None` of others.
    pub fn new(settings: &Settings, interval: usize) -> Option<Self> {
        let reads = |rule: &Judging| {
            let mut reads = programs(rule).flat_map(|program| program.reads());
            usize::from(rule.interval) == interval
                || reads.any(|(other, _)| usize::from(*other) == interval)
        };
        let read = settings.rules.judged.iter().any(|rule| rule.forming && reads(rule));
        let columns = vec![Value::default(); settings.columns(interval)];
        read.then_some(Self { open_time: Nanos(0), candle: None, columns })
    }
}

impl Watched {
    /// By rule, the beginnings that nobody was told of, because of the cool-down.
    pub fn cooled(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        self.numbers.iter().zip(&self.cooled).map(|(number, cooled)| (*number, (*cooled).into()))
    }

    /// Since when a rule holds, if it does.
    pub fn holds_since(&self, rule: u16) -> Option<Nanos> {
        self.machine.holds_since(self.numbers.binary_search(&rule).ok()?)
    }

    /// Of a row with rules on its forming candle; `None` of others.
    pub fn new(settings: &Settings, interval: usize) -> Option<Self> {
        let numbers: Box<[u16]> = asked(settings, interval as u8, On::Forming).collect();
        let exits = exits(&settings.rules.judged, &numbers);
        (!numbers.is_empty()).then(|| Self {
            machine: Machine::new(numbers.len()),
            entries: vec![Entry::default(); exits.len()].into(),
            told: vec![None; numbers.len()].into(),
            cooled: vec![0; numbers.len()].into(),
            said: Vec::new(),
            numbers,
            exits,
        })
    }

    /// Judges the rules as of `now`: most by what the plan said of the row, if it did.
    fn judge(
        &mut self,
        (rules, plan): (&[Judging], &Plan),
        truths: Option<&[Truths]>,
        (views, interval): (&Views<'_>, u8),
        now: Nanos,
    ) -> Option<()> {
        let ring = views.view(interval)?.ring;
        let Self { numbers, exits, machine, entries, cooled, said, .. } = self;
        let all = 0..numbers.len();
        for (entry, truths) in entries.iter_mut().zip(truths.into_iter().flatten()) {
            *entry = Entry { judged: u64::MAX, truths: *truths };
        }
        let alone = plan.alone.iter().map(|place| usize::from(*place));
        let alone = alone.filter(|_| truths.is_some()).chain(all.filter(|_| truths.is_none()));
        for place in alone {
            let rule = &rules[usize::from(numbers[place])];
            let run = |program: &Program| Truth::of(program.run(views, interval, ring.end()));
            let exit = rule.exit.as_ref().map_or(Truth::Unknown, run);
            let verdict = Verdict { open_time: now, when: run(&rule.when), exit };
            entries[place / 64].put(place % 64, verdict);
        }
        let (length, history) = (ring.interval().ns(), Nanos(0));
        let known = Known { rules, numbers, exits, length, history };
        said.clear();
        machine.step(&known, entries, (now, now), |place, one| match one.held {
            true => cooled[place] += u32::from(one.enters),
            false => said.push((place, one)),
        });
        // By rule: the machine tells ends first.
        said.sort_unstable_by_key(|(place, _)| *place);
        Some(())
    }
}

/// Whether any rule looks at forming candles.
pub fn foresees(settings: &Settings) -> bool {
    settings.rules.judged.iter().any(|rule| rule.forming)
}

/// Folds the candle of each row that is forming: closed base candles, and the open bucket.
pub fn form(
    inbox: Res<Inbox>,
    settings: Res<Settings>,
    table: Res<Rows>,
    opens: Query<(&Open, &Ring)>,
    mut rows: Query<(&Row, &mut Forming)>,
) {
    for (row, mut forming) in &mut rows {
        let base = table.get(row.symbol, 0).and_then(|base| opens.get(base).ok());
        let base = base.filter(|(open, _)| open.started());
        let interval = settings.intervals[usize::from(row.interval)];
        let open_time = interval.bucket(base.map_or(inbox.now, |(open, _)| open.until()));
        forming.open_time = open_time;
        forming.candle = base.and_then(|(open, ring)| {
            let mut candle = Candle { open_time, ..Candle::default() };
            for position in ring.lower_bound(open_time)..ring.end() {
                candle.extend(&ring.get(position)?);
            }
            candle.extend(&open.current.candle);
            (candle.trades > 0).then_some(candle)
        });
        if forming.candle.is_none() {
            forming.columns.fill(Value::default());
        }
    }
}

type Foreseen<'w, I> = (&'w Row, &'w Ring, Mut<'w, Forming>, &'w Track<I>);

/// What one indicator type would say if the candles closed now.
pub fn foresee<I: Indicator>(mut rows: Query<(&Row, &Ring, &mut Forming, &Track<I>)>) {
    rows.iter_mut().for_each(|(row, ring, mut forming, track): Foreseen<'_, I>| {
        let Forming { candle, columns, .. } = &mut *forming;
        if let Some(candle) = candle {
            track.peek(ring, row.units, candle, columns);
        }
    });
}

/// Takes the columns that rules read of forming candles.
pub fn fill(
    inbox: Res<Inbox>,
    settings: Res<Settings>,
    mut rows: Query<(&Row, &Ring, &Forming, &mut Lanes)>,
) {
    let rules = &settings.rules;
    for (row, ring, forming, mut lanes) in &mut rows {
        let bar = forming.candle.map(|candle| Bar::new(candle, row.units));
        let sources = &rules.columns[usize::from(row.interval)];
        let begun = (forming.open_time, bar.is_some());
        let times = Times::forming((rules, sources), (ring, &lanes), begun, inbox.now);
        for (place, source) in lanes.forming_mut().iter_mut().zip(sources) {
            let number = match *source {
                Source::Field(field) => bar.as_ref().map(|bar| field.of(bar)),
                Source::Output(output) => forming.columns[usize::from(output)].number,
                Source::Rank(_) | Source::Percentile(_) => None,
                Source::Time(time) => times.get(time),
            };
            *place = number.unwrap_or(f64::NAN);
        }
    }
}

/// Judges rules on forming candles, and tells what they say: intervals from short to long, symbols
/// by number, rules by number.
pub fn watch(
    scene: Scene,
    (groups, abreast): (Res<Groups>, Query<&Group>),
    opens: Query<&Open>,
    mut desk: ResMut<Desk>,
    mut outbox: ResMut<Outbox>,
    mut rows: Query<(&Row, &Forming, &mut Watched)>,
) {
    let Scene { inbox, settings, table, seen, .. } = &scene;
    for &entity in table.by_interval().flatten() {
        let Ok((row, forming, mut watched)) = rows.get_mut(entity) else { continue };
        let base = table.get(row.symbol, 0).and_then(|base| opens.get(base).ok());
        if !base.is_some_and(|open| open.ledger.started()) {
            continue;
        }
        let views = views(settings, table, seen, row, inbox.now);
        let Some((group, plan)) = groups.of(row, On::Forming) else { continue };
        let group = group.and_then(|group| abreast.get(group).ok());
        let end = views.view(row.interval).map_or(0, |view| view.ring.end());
        let truths = group.and_then(|group| group.truths(row.symbol, end));
        let plan = (&*settings.rules.judged, plan);
        watched.judge(plan, truths, (&views, row.interval), inbox.now);
        let Watched { numbers, told, said, .. } = &mut *watched;
        for (place, said) in said.drain(..) {
            let (rule, told) = (numbers[place], &mut told[place]);
            let judging = &settings.rules.judged[usize::from(rule)];
            let entered = said.entered;
            let held = Held { rule, symbol: row.symbol, open_time: entered };
            let kind = match said.enters {
                true if judging.tell == Tell::Exit || desk.spend(settings, held, inbox.now) => {
                    *told = Some(entered);
                    (judging.tell != Tell::Exit).then_some(Kind::Enter)
                }
                false if told.take() == Some(entered) => {
                    (judging.tell != Tell::Enter).then_some(Kind::Exit)
                }
                _ => None,
            };
            if let Some(kind) = kind {
                push(&mut outbox, &views, judging, (row, forming), (kind, rule, entered));
            }
        }
    }
}

fn push(
    outbox: &mut Outbox,
    views: &Views<'_>,
    judging: &Judging,
    (row, forming): (&Row, &Forming),
    (kind, rule, entered): (Kind, u16, Nanos),
) {
    let (interval, symbol) = (row.interval, row.symbol);
    let Some(view) = views.view(interval) else { return };
    let end = view.ring.end();
    let first = outbox.clauses.len();
    let program = match (kind, &judging.exit) {
        (Kind::Exit, Some(exit)) => exit,
        _ => &judging.when,
    };
    program.explain(views, interval, end, &mut outbox.clauses);
    let at = outbox.at;
    let none = Candle { open_time: forming.open_time, ..Candle::default() };
    let clauses = (first, outbox.clauses.len() - first);
    outbox.alerts.push(Alert {
        kind,
        rule: Some(rule),
        symbol,
        interval,
        candle: forming.candle.unwrap_or(none),
        entered,
        at,
        late: false,
        provisional: true,
        converged: end > 0 && converged(views, judging, interval, end - 1),
        clauses,
        held: (0, 0),
        count: 0,
    });
}
