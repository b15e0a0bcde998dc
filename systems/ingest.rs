//! Ingest: prints grouped by row, admitted or counted, ids entered into the ledger.

use core::ops::Range;

use bevy_ecs::prelude::*;

use crate::bucket::{Open, Placed, Run};
use crate::health::{Health, Reject, Strays};
use crate::ledger::{Ledger, Seen};
use crate::limits::{EARLIEST_NS, FUTURE_MAX_NS, ID_MAX, LATE_MAX, LATEST_NS};
use crate::row::{Alarm, Row};
use crate::trade::{Trade, TradeKind};
use crate::units::Nanos;

/// The prints of the present step, the venue's time, and how the step is to be run.
#[derive(Resource, Default)]
pub struct Inbox {
    /// Prints in arrival order.
    pub trades: Vec<Trade>,
    /// Which of them belong to the present step.
    pub range: Range<usize>,
    /// The venue's time as of the pulse before this step's prints: what they are judged by,
    /// because no cut of the events into steps can move it.
    pub judged_at: Nanos,
    /// The venue's time as of the pulse that ends this step, or of the last one.
    pub now: Nanos,
    /// Whether this step ends with a pulse: candles may close, corrections take effect.
    pub pulse: bool,
    /// Whether the step is large enough to spread over threads.
    pub burst: bool,
}

/// The step's prints by symbol.
#[derive(Resource)]
pub struct Groups {
    /// Indices into `Inbox::trades`, grouped by symbol, each group in arrival order.
    order: Vec<u32>,
    /// Each symbol's group as a range of `order`.
    spans: Vec<(u32, u32)>,
    /// Symbols that have prints in this step, in order of their first.
    touched: Vec<u16>,
}

impl Groups {
    /// Groups for `symbols` symbols.
    pub fn new(symbols: usize) -> Self {
        let touched = Vec::with_capacity(symbols);
        Self { order: Vec::new(), spans: vec![(0, 0); symbols], touched }
    }

    /// Indices of one symbol's prints, in arrival order.
    #[inline]
    pub fn of(&self, row: &Row) -> &[u32] {
        let (start, end) = self.spans[usize::from(row.symbol.0)];
        &self.order[start as usize..end as usize]
    }

    /// Groups the prints `range` of `trades`. Returns how many name a symbol that does not exist.
    fn group(&mut self, trades: &[Trade], range: Range<usize>) -> u64 {
        for &symbol in &self.touched {
            self.spans[usize::from(symbol)] = (0, 0);
        }
        self.touched.clear();
        let mut unknown = 0;
        for trade in &trades[range.clone()] {
            match self.spans.get_mut(usize::from(trade.symbol.0)) {
                Some((_, count)) => {
                    if *count == 0 {
                        self.touched.push(trade.symbol.0);
                    }
                    *count += 1;
                }
                None => unknown += 1,
            }
        }
        let mut next = 0;
        for &symbol in &self.touched {
            let span = &mut self.spans[usize::from(symbol)];
            let count = span.1;
            *span = (next, next);
            next += count;
        }
        self.order.resize(next as usize, 0);
        for index in range {
            if let Some((_, end)) = self.spans.get_mut(usize::from(trades[index].symbol.0)) {
                self.order[*end as usize] = index as u32;
                *end += 1;
            }
        }
        unknown
    }
}

/// The rows of the base interval, by symbol.
#[derive(Resource, Default)]
pub struct BaseRows(pub Vec<Entity>);

/// Groups the step's prints by symbol.
pub fn group(inbox: Res<Inbox>, mut groups: ResMut<Groups>, mut strays: ResMut<Strays>) {
    strays.unknown_symbol += groups.group(&inbox.trades, inbox.range.clone());
}

/// What the intake of prints needs of a row.
type Intake =
    (&'static Row, &'static mut Ledger, &'static mut Health, &'static mut Open, &'static mut Alarm);

/// Admits prints by the rules of the venue and of plausibility, enters their ids into the ledger,
/// and folds them into open buckets: one visit per row while its prints are in the cache.
pub fn take_in(
    inbox: Res<Inbox>,
    groups: Res<Groups>,
    base: Res<BaseRows>,
    mut rows: Query<Intake>,
) {
    if inbox.burst {
        rows.par_iter_mut().for_each(|(row, mut ledger, mut health, mut open, mut alarm)| {
            let prints = groups.of(row);
            if !prints.is_empty() {
                let mut gate = Gate::new(&inbox, &mut ledger, &mut health, &mut open);
                alarm.call |= gate.take(prints);
            }
        });
        return;
    }
    for &symbol in &groups.touched {
        if let Ok((row, mut ledger, mut health, mut open, mut alarm)) =
            rows.get_mut(base.0[usize::from(symbol)])
        {
            let mut gate = Gate::new(&inbox, &mut ledger, &mut health, &mut open);
            alarm.call |= gate.take(groups.of(row));
        }
    }
}

/// What stands between a print and the candles of its symbol.
struct Gate<'a> {
    trades: &'a [Trade],
    now: Nanos,
    ledger: &'a mut Ledger,
    health: &'a mut Health,
    open: &'a mut Open,
}

impl<'a> Gate<'a> {
    fn new(
        inbox: &'a Inbox,
        ledger: &'a mut Ledger,
        health: &'a mut Health,
        open: &'a mut Open,
    ) -> Self {
        Self { trades: &inbox.trades, now: inbox.judged_at, ledger, health, open }
    }

    /// Takes one symbol's prints, given as indices in arrival order. Returns whether any of them
    /// was irregular, so that the row must be looked at in the next pulse.
    fn take(&mut self, mut prints: &[u32]) -> bool {
        let mut irregular = false;
        while let Some((&next, rest)) = prints.split_first() {
            let regular = self.take_regular(prints);
            if regular > 0 {
                prints = &prints[regular..];
                continue;
            }
            self.take_any(&self.trades[next as usize]);
            irregular = true;
            prints = rest;
        }
        irregular
    }

    /// Folds prints from the start of a group as long as they are entirely regular: the next id, a
    /// market print with positive price and quantity, not older than the one before, and inside
    /// the bucket that closes next. Returns how many were folded.
    #[inline]
    fn take_regular(&mut self, prints: &[u32]) -> usize {
        let Some(mut next) = self.ledger.expects() else { return 0 };
        let horizon = self.horizon();
        let mut newest = self.ledger.newest();
        let (mut run, mut regular) = (Run::default(), 0);
        for &index in prints {
            let trade = &self.trades[index as usize];
            let plain = trade.id == next
                && trade.kind == TradeKind::Market
                && trade.price.0 > 0
                && trade.quantity.0 > 0
                && trade.count > 0
                && trade.first_id <= ID_MAX
                && newest <= trade.time
                && trade.time <= horizon
                && self.open.is_current(trade.time);
            if !plain {
                break;
            }
            run.add(trade);
            newest = trade.time;
            next += 1;
            regular += 1;
        }
        if regular == 0 || !self.open.current.has_room(&run) {
            return 0;
        }
        let at = |place: usize| &self.trades[prints[place] as usize];
        self.open.current.fold_run(at(0), at(regular - 1), &run);
        self.ledger.take_until(next, newest);
        self.health.folded += regular as u64;
        regular
    }

    /// Admits, folds or counts any print.
    fn take_any(&mut self, trade: &Trade) {
        if let Some(cause) = self.not_believed(trade) {
            return self.health.reject(cause);
        }
        if trade.time < self.ledger.newest() && trade.kind == TradeKind::Market {
            self.health.behind(self.ledger.newest().0 - trade.time.0);
        }
        match self.ledger.take(trade.id, trade.time, trade.kind != TradeKind::Backfilled) {
            Seen::Next => {}
            Seen::Filled => self.health.filled += 1,
            Seen::Reset => self.health.resets += 1,
            Seen::Duplicate => return self.health.reject(Reject::Duplicate),
        }
        if let Some(cause) = not_folded(trade) {
            return self.health.reject(cause);
        }
        match self.open.place(trade) {
            Placed::Folded => self.health.folded += 1,
            // Counted when it is applied, at the next pulse.
            Placed::Late => {}
            Placed::Rejected(cause) => self.health.reject(cause),
        }
    }

    /// Prints so wrong that not even their id is believed: it stays missing, so that the repair
    /// by id decides.
    fn not_believed(&self, trade: &Trade) -> Option<Reject> {
        if trade.id > ID_MAX || trade.first_id > ID_MAX {
            return Some(Reject::WrongId);
        }
        if !(EARLIEST_NS..LATEST_NS).contains(&trade.time.0) {
            return Some(Reject::WrongTime);
        }
        if trade.time > self.horizon() || self.open.out_of_reach(trade.time) {
            return Some(Reject::Future);
        }
        let late = self.open.started() && trade.time < self.open.until();
        (late && self.open.late.len() >= LATE_MAX).then_some(Reject::LateOverflow)
    }

    /// The latest believable trade time. Before the first heartbeat any plausible one is.
    fn horizon(&self) -> Nanos {
        if self.now.0 == 0 { Nanos(LATEST_NS - 1) } else { self.now.plus(FUTURE_MAX_NS) }
    }
}

/// Why a print with a good id does not belong to a candle.
fn not_folded(trade: &Trade) -> Option<Reject> {
    match trade.kind {
        TradeKind::Void => return Some(Reject::Void),
        TradeKind::InsuranceFund | TradeKind::AutoDeleverage | TradeKind::Block => {
            return Some(Reject::NonMarket);
        }
        TradeKind::Market | TradeKind::Backfilled => {}
    }
    match (trade.price.0, trade.quantity.0) {
        (0, _) => Some(Reject::ZeroPrice),
        (i64::MIN..0, _) => Some(Reject::NegativePrice),
        (_, 0) => Some(Reject::ZeroQuantity),
        (_, i64::MIN..0) => Some(Reject::NegativeQuantity),
        _ if trade.count == 0 => Some(Reject::Void),
        _ => None,
    }
}
