//! Ingest: prints admitted or counted, their ids entered into the ledger, folded into buckets.

use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use bevy_ecs::change_detection::ContiguousMut;
use bevy_ecs::prelude::*;

use crate::awake::Alarm;
use crate::bucket::{Open, Placed};
use crate::health::{Health, Reject, Strays};
use crate::interval::Interval;
use crate::ledger::Seen;
use crate::limits::{EARLIEST_NS, FUTURE_MAX_NS, ID_MAX, LATE_MAX, LATEST_NS};
use crate::settings::Settings;
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

/// What the intake of prints needs of a row.
type Intake = (&'static mut Open, &'static mut Health, &'static mut Alarm);

/// Admits prints by the rules of the venue and of plausibility, enters their ids into the ledger,
/// and folds them into open buckets.
///
/// Prints go straight to their rows, as they arrive. In a burst each thread has a share of the
/// rows, sees all prints, and takes those of its own: reading a print costs little beside folding
/// it, while sorting prints by row first costs as much again.
pub fn take_in(
    inbox: Res<Inbox>,
    settings: Res<Settings>,
    mut strays: ResMut<Strays>,
    mut rows: Query<Intake>,
) {
    let gate = Gate::new(&inbox, settings.base());
    // Base rows carry the same components, so they lie in one table, in the order of symbols.
    if inbox.burst {
        let shares = rows.contiguous_par_iter_mut().into_iter();
        shares.for_each(|rows| rows.for_each(|rows| gate.take_all(rows)));
    } else {
        rows.contiguous_iter_mut().into_iter().flatten().for_each(|rows| gate.take_all(rows));
    }
    strays.unknown_symbol += gate.trades.len() as u64 - gate.found.into_inner();
}

/// Neighbouring rows, as slices.
type Rows<'w> = (ContiguousMut<'w, Open>, ContiguousMut<'w, Health>, ContiguousMut<'w, Alarm>);

/// What stands between a print and the candles of its symbol.
struct Gate<'a> {
    trades: &'a [Trade],
    base: Interval,
    /// The latest believable trade time. Before the first heartbeat any plausible one is that
    /// follows others closely.
    horizon: Nanos,
    /// Whether there was no heartbeat yet.
    timeless: bool,
    /// Prints that found their row.
    found: AtomicU64,
}

impl<'a> Gate<'a> {
    fn new(inbox: &'a Inbox, base: Interval) -> Self {
        let now = inbox.judged_at;
        let timeless = now.0 == 0;
        let horizon = if timeless { Nanos(LATEST_NS - 1) } else { now.plus(FUTURE_MAX_NS) };
        let trades = &inbox.trades[inbox.range.clone()];
        Self { trades, base, horizon, timeless, found: AtomicU64::new(0) }
    }

    /// Takes the prints of some rows, as they arrived.
    fn take_all(&self, (mut opens, mut healths, mut alarms): Rows<'_>) {
        // Nothing asks when these changed, and noting it would touch one more cache line of each.
        let opens = opens.bypass_change_detection();
        let healths = healths.bypass_change_detection();
        let alarms = alarms.bypass_change_detection();
        let first = opens.first().map_or(0, |open| usize::from(open.symbol.0));
        let mut found = 0;
        for trade in self.trades {
            let place = usize::from(trade.symbol.0).wrapping_sub(first);
            let Some(open) = opens.get_mut(place) else { continue };
            found += 1;
            if !self.take_regular(trade, open) {
                self.take_any(trade, open, &mut healths[place]);
                alarms[place].call = true;
            }
        }
        self.found.fetch_add(found, Ordering::Relaxed);
    }

    /// Folds a print that is entirely regular: the next id, a market print with positive price and
    /// quantity, not older than the one before, and inside the bucket that closes next. Says
    /// whether it was.
    #[inline]
    fn take_regular(&self, trade: &Trade, open: &mut Open) -> bool {
        let plain = open.ledger.expects(trade.id, trade.time)
            && trade.kind == TradeKind::Market
            && trade.price.0 > 0
            && trade.quantity.0 > 0
            && trade.count > 0
            && (trade.id | trade.first_id) <= ID_MAX
            && trade.time <= self.horizon
            // Before the start the bucket is the epoch's, which no believable print is in.
            && trade.time.0.wrapping_sub(open.until().0) < self.base.ns();
        let folded = plain && open.current.append(trade);
        if folded {
            open.folded += 1;
            open.ledger.take_expected(trade.time);
        }
        folded
    }

    /// Admits, folds or counts any print.
    #[cold]
    #[inline(never)]
    fn take_any(&self, trade: &Trade, open: &mut Open, health: &mut Health) {
        if let Some(cause) = self.not_believed(trade, open) {
            return health.reject(cause);
        }
        let ledger = &mut open.ledger;
        if trade.time < ledger.newest() && trade.kind == TradeKind::Market {
            health.behind(ledger.newest().0 - trade.time.0);
        }
        match ledger.take(trade.id, trade.time, trade.kind != TradeKind::Backfilled) {
            Seen::Next => {}
            Seen::Filled => health.filled += 1,
            Seen::Reset => health.resets += 1,
            Seen::Duplicate => return health.reject(Reject::Duplicate),
            Seen::Stray => return health.reject(Reject::WrongId),
        }
        if let Some(cause) = not_folded(trade) {
            return health.reject(cause);
        }
        match open.place(trade, self.base) {
            Placed::Folded => open.folded += 1,
            // Counted when it is applied, at the next pulse.
            Placed::Late => {}
            Placed::Rejected(cause) => health.reject(cause),
        }
    }

    /// Prints so wrong that not even their id is believed: it stays missing, so that the repair
    /// by id decides.
    fn not_believed(&self, trade: &Trade, open: &Open) -> Option<Reject> {
        if trade.id > ID_MAX || trade.first_id > ID_MAX {
            return Some(Reject::WrongId);
        }
        if !(EARLIEST_NS..LATEST_NS).contains(&trade.time.0) {
            return Some(Reject::WrongTime);
        }
        let astray = self.timeless && open.out_of_reach(trade.time, self.base);
        if trade.time > self.horizon || astray {
            return Some(Reject::Future);
        }
        let late = open.started() && trade.time < open.until();
        (late && open.late.len() >= LATE_MAX).then_some(Reject::LateOverflow)
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
