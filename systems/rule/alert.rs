//! Alerts: what rules have to say leaves through the outbox, within its budgets, in a defined
//! order, and with what it rests on.

use bevy_ecs::prelude::*;

use super::judge::{Fresh, Judged, Scene, converged, proven, views};
use super::lanes::{Lanes, Views};
use super::state::Said;
use super::universe::Universe;
use super::{Budget, Judging, Tell};
use crate::awake::Awake;
use crate::candle::Candle;
use crate::dispatch::Outbox;
use crate::limits::DIGEST_MAX;
use crate::row::Row;
use crate::settings::Settings;
use crate::trade::SymbolId;
use crate::units::Nanos;

/// What an alert says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A rule begins to hold for a symbol.
    Enter,
    /// It no longer holds.
    Exit,
    /// An `Enter` that was told rests on candles that have been corrected: it is taken back.
    EnterWithdrawn,
    /// The same of an `Exit`.
    ExitWithdrawn,
    /// What a budget held back.
    Digest,
}

/// One alert as it leaves the core.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alert {
    /// What it says.
    pub kind: Kind,
    /// Which rule; `None` for the digest of the budget of all.
    pub rule: Option<u16>,
    /// Which symbol; means nothing for a digest.
    pub symbol: SymbolId,
    /// Index of the interval of the candle.
    pub interval: u8,
    /// The candle it rests on, as it is now; if it is gone, only the open time means anything. Of a
    /// rule on forming candles, the candle so far.
    pub candle: Candle,
    /// Start of the candle at which the rule began to hold; of a rule on forming candles, when.
    pub entered: Nanos,
    /// The venue's time of the pulse.
    pub at: Nanos,
    /// Whether it follows from a correction, and was due before.
    pub late: bool,
    /// Whether it may rest on numbers that will still change, or depend on where the series began.
    pub provisional: bool,
    /// Whether nothing that it rests on depends on where the series began.
    pub converged: bool,
    /// Where the values of its clauses begin in [`Outbox::clauses`], and how many there are. They
    /// are those of the condition that decided: of an exit, its own if the rule has one.
    pub clauses: (usize, usize),
    /// Of a digest: where what was held begins in [`Outbox::held`], and how many are listed.
    pub held: (usize, usize),
    /// Of a digest: how many were held, listed or not.
    pub count: u64,
}

/// An alert that a budget held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Which rule.
    pub rule: u16,
    /// Which symbol.
    pub symbol: SymbolId,
    /// Start of the candle.
    pub open_time: Nanos,
}

/// What one budget has given away in the present stretch of time.
#[derive(Clone, Debug, Default)]
struct Purse {
    window: u64,
    spent: u32,
    held: Vec<Held>,
    count: u64,
}

impl Purse {
    fn turn(&mut self, budget: Budget, now: Nanos) {
        let window = now.0 / budget.window_ns;
        if self.window != window {
            (self.window, self.spent) = (window, 0);
        }
    }

    /// Whether the stretch is over in which something was held.
    fn due(&self, budget: Budget, now: Nanos) -> bool {
        self.count > 0 && self.window != now.0 / budget.window_ns
    }

    fn hold(&mut self, held: Held) {
        self.count += 1;
        if self.held.len() < DIGEST_MAX {
            self.held.push(held);
        }
    }

    /// Takes out what was held, if it is listed.
    fn release(&mut self, held: Held) -> bool {
        let Some(at) = self.held.iter().position(|known| *known == held) else { return false };
        self.held.remove(at);
        self.count -= 1;
        true
    }
}

/// The budgets: one per rule, and that of all.
#[derive(Resource, Default)]
pub struct Desk {
    rules: Vec<Purse>,
    all: Purse,
    /// Whether the run ends: what is held is told now.
    pub closing: bool,
}

impl Desk {
    /// Whether an alert may go out now; if not, it waits for the digest.
    pub(super) fn spend(&mut self, settings: &Settings, held: Held, now: Nanos) -> bool {
        let rules = &settings.rules;
        self.rules.resize(rules.judged.len(), Purse::default());
        let own = &mut self.rules[usize::from(held.rule)];
        if let Some(budget) = rules.judged[usize::from(held.rule)].budget {
            own.turn(budget, now);
            if own.spent >= budget.count {
                own.hold(held);
                return false;
            }
        }
        if let Some(budget) = rules.budget {
            self.all.turn(budget, now);
            if self.all.spent >= budget.count {
                self.all.hold(held);
                return false;
            }
        }
        own.spent += 1;
        self.all.spent += 1;
        true
    }

    fn release(&mut self, held: Held) -> bool {
        let own = self.rules.get_mut(usize::from(held.rule));
        own.is_some_and(|own| own.release(held)) || self.all.release(held)
    }

    /// Tells what was held in stretches that are over.
    fn digests(&mut self, settings: &Settings, now: Nanos, outbox: &mut Outbox) {
        let closing = self.closing;
        let rules = settings.rules.judged.iter().map(|rule| rule.budget).enumerate();
        let own = self.rules.iter_mut().zip(rules);
        let own = own.map(|(purse, (index, budget))| (purse, Some(index as u16), budget));
        for (purse, rule, budget) in own.chain([(&mut self.all, None, settings.rules.budget)]) {
            let Some(budget) = budget else { continue };
            if purse.due(budget, now) || (closing && purse.count > 0) {
                outbox.digest(rule, &purse.held, purse.count, now);
                purse.held.clear();
                purse.count = 0;
            }
        }
    }
}

impl Outbox {
    fn digest(&mut self, rule: Option<u16>, held: &[Held], count: u64, at: Nanos) {
        let listed = (self.held.len(), held.len());
        self.held.extend_from_slice(held);
        self.alerts.push(Alert {
            kind: Kind::Digest,
            rule,
            symbol: SymbolId(0),
            interval: 0,
            candle: Candle::default(),
            entered: Nanos(0),
            at,
            late: false,
            provisional: false,
            converged: true,
            clauses: (0, 0),
            held: listed,
            count,
        });
    }
}

/// Tells what the judging found, in the order of candles' hand-out: intervals from short to long,
/// symbols by number; of one row what is taken back first, then by candle, then by rule.
pub fn tell(
    scene: Scene,
    mut desk: ResMut<Desk>,
    mut outbox: ResMut<Outbox>,
    mut rows: Query<(&Row, &mut Judged)>,
) {
    let Scene { inbox, awake, settings, universe, table, seen } = &scene;
    let (desk, outbox) = (&mut *desk, &mut *outbox);
    desk.digests(settings, inbox.now, outbox);
    let all = table.by_interval().flatten().filter(|_| universe.ranked());
    let some = awake.rows().iter().filter(|_| !universe.ranked());
    for &entity in all.chain(some) {
        let Ok((row, mut judged)) = rows.get_mut(entity) else { continue };
        if judged.fresh.is_empty() {
            continue;
        }
        let views = views(settings, table, seen, row, inbox.now);
        let mut teller = Teller { settings, row, views, now: inbox.now, desk, outbox };
        teller.tell(&mut judged);
    }
}

/// Tells what is to be told about one row.
struct Teller<'a> {
    settings: &'a Settings,
    row: &'a Row,
    views: Views<'a>,
    now: Nanos,
    desk: &'a mut Desk,
    outbox: &'a mut Outbox,
}

impl Teller<'_> {
    fn tell(&mut self, judged: &mut Judged) {
        let Judged { told, fresh, .. } = judged;
        // What is taken back comes first, and an end before the beginning that it belongs to.
        let turn = |fresh: &Fresh| match (fresh.withdrawn, fresh.said.enters) {
            (true, false) => 0,
            (true, true) => 1,
            _ => 2,
        };
        fresh.sort_by_key(|fresh| (turn(fresh), fresh.said.open_time, fresh.rule));
        for fresh in fresh.drain(..) {
            self.one(fresh, told);
        }
    }

    fn one(&mut self, fresh: Fresh, told: &mut Vec<(u16, Nanos)>) {
        let Fresh { rule, said, withdrawn, late } = fresh;
        let judging = &self.settings.rules.judged[usize::from(rule)];
        let known = told.iter().position(|&told| told == (rule, said.entered));
        let symbol = self.row.symbol;
        let held = Held { rule, symbol, open_time: said.open_time };
        let kind = match (said.enters, withdrawn, known) {
            (true, false, None) => {
                // Of a rule whose ends alone are told, a beginning spends nothing.
                if judging.tell != Tell::Exit && !self.desk.spend(self.settings, held, self.now) {
                    return;
                }
                told.push((rule, said.entered));
                Kind::Enter
            }
            (true, true, Some(at)) => {
                told.remove(at);
                Kind::EnterWithdrawn
            }
            (true, true, None) => {
                // It waited for a digest, or was held for good.
                self.desk.release(held);
                return;
            }
            (false, false, Some(_)) => Kind::Exit,
            (false, true, Some(_)) => Kind::ExitWithdrawn,
            (true, false, Some(_)) | (false, _, None) => return,
        };
        let silent = match judging.tell {
            Tell::Both => false,
            Tell::Enter => !said.enters,
            Tell::Exit => said.enters,
        };
        if !silent {
            self.alert(kind, rule, judging, said, late);
        }
    }

    fn alert(&mut self, kind: Kind, rule: u16, judging: &Judging, said: Said, late: bool) {
        let (interval, symbol) = (self.row.interval, self.row.symbol);
        let ring = self.views.view(interval).map(|view| view.ring);
        let position = ring.and_then(|ring| ring.find(said.open_time).ok());
        let candle = ring.zip(position).and_then(|(ring, position)| ring.get(position));
        let first = self.outbox.clauses.len();
        if let Some(position) = position {
            let program = match (said.enters, &judging.exit) {
                (false, Some(exit)) => exit,
                _ => &judging.when,
            };
            program.explain(&self.views, interval, position, &mut self.outbox.clauses);
        }
        let holds = |check: fn(&Views<'_>, &Judging, u8, u64) -> bool| {
            position.is_some_and(|position| check(&self.views, judging, interval, position))
        };
        let (proven, converged) = (holds(proven), holds(converged));
        let gone = Candle { open_time: said.open_time, ..Candle::default() };
        self.outbox.alerts.push(Alert {
            kind,
            rule: Some(rule),
            symbol,
            interval,
            candle: candle.unwrap_or(gone),
            entered: said.entered,
            at: self.now,
            late,
            provisional: !proven,
            converged,
            clauses: (first, self.outbox.clauses.len() - first),
            held: (0, 0),
            count: 0,
        });
    }
}

/// The pulse is over: nothing is new any more.
pub fn forget(awake: Res<Awake>, mut universe: ResMut<Universe>, mut lanes: Query<&mut Lanes>) {
    if universe.ranked() {
        lanes.iter_mut().for_each(|mut lanes| lanes.changed = None);
    } else {
        let mut lanes = lanes.iter_many_mut(awake.rows());
        while let Some(lanes) = lanes.fetch_next() {
            if let Ok(mut lanes) = lanes {
                lanes.changed = None;
            }
        }
    }
    universe.forget();
}
