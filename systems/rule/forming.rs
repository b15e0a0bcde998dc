//! Rules on candles that are forming: judged at every pulse, on what their candles and indicators
//! would be if they closed now.
//!
//! Nothing of this is kept: what was said at a heartbeat was true of what was known then, and a
//! later correction cannot make it untrue. Such alerts are provisional by nature.

use bevy_ecs::prelude::*;

use super::alert::{Alert, Desk, Held, Kind};
use super::judge::{Scene, converged, programs, views};
use super::lanes::{Lanes, Views};
use super::standing::{State, Truth, Verdict};
use super::times::Times;
use super::{Judging, Source, Tell};
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

/// The standings of rules on the forming candle of one row.
#[derive(Component, Clone, Debug)]
pub struct Watched {
    rules: Vec<Watch>,
}

#[derive(Clone, Copy, Debug)]
struct Watch {
    rule: u16,
    state: State,
    /// When a beginning was told that has not ended.
    told: Option<Nanos>,
    /// Beginnings that nobody was told of, because of the cool-down.
    cooled: u64,
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
        self.rules.iter().map(|watch| (watch.rule, watch.cooled))
    }

    /// Since when a rule holds, if it does.
    pub fn holds_since(&self, rule: u16) -> Option<Nanos> {
        self.rules.iter().find(|watch| watch.rule == rule)?.state.holds_since()
    }

    /// Of a row with rules on its forming candle; `None` of others.
    pub fn new(settings: &Settings, interval: usize) -> Option<Self> {
        let rules = settings.rules.judged.iter().enumerate();
        let own = rules.filter(|(_, rule)| rule.forming && usize::from(rule.interval) == interval);
        let new = |(index, _)| Watch {
            rule: index as u16,
            state: State::default(),
            told: None,
            cooled: 0,
        };
        let rules: Vec<_> = own.map(new).collect();
        (!rules.is_empty()).then_some(Self { rules })
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
        for watch in &mut watched.rules {
            let judging = &settings.rules.judged[usize::from(watch.rule)];
            let symbol = row.symbol;
            let Some(kind) = watch.step(judging, &views, inbox.now) else { continue };
            let entered = watch.state.entered();
            let held = Held { rule: watch.rule, symbol, open_time: entered };
            let kind = match kind {
                Kind::Enter
                    if judging.tell == Tell::Exit || desk.spend(settings, held, inbox.now) =>
                {
                    watch.told = Some(entered);
                    (judging.tell != Tell::Exit).then_some(Kind::Enter)
                }
                Kind::Exit if watch.told.take() == Some(entered) => {
                    (judging.tell != Tell::Enter).then_some(Kind::Exit)
                }
                _ => None,
            };
            let alert = kind.map(|kind| (kind, watch.rule, entered));
            if let Some(alert) = alert {
                push(&mut outbox, &views, judging, (row, forming), alert);
            }
        }
    }
}

impl Watch {
    fn step(&mut self, rule: &Judging, views: &Views<'_>, now: Nanos) -> Option<Kind> {
        let ring = views.view(rule.interval)?.ring;
        let run =
            |program: &super::Program| Truth::of(program.run(views, rule.interval, ring.end()));
        let exit = rule.exit.as_ref().map_or(Truth::Unknown, run);
        let verdict = Verdict { open_time: now, when: run(&rule.when), exit };
        let said = self.state.step(rule, verdict, (now, ring.interval().ns()), Nanos(0))?;
        self.cooled += u64::from(said.held && said.enters);
        match (said.held, said.enters) {
            (true, _) => None,
            (_, true) => Some(Kind::Enter),
            (_, false) => Some(Kind::Exit),
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
