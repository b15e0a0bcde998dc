//! Dispatch: what changed leaves the core through the outbox, in a defined order.
//!
//! Within one pulse: intervals from short to long, symbols by number, candles by open time. The
//! order depends on nothing else, least of all on how rows are stored or which thread ran them.

use bevy_ecs::prelude::*;

use crate::awake::Awake;
use crate::candle::Candle;
use crate::each_row;
use crate::ingest::Inbox;
use crate::reconcile::{Difference, Evidence};
use crate::ring::Ring;
use crate::room::Room;
use crate::row::{Absent, Dirty, Row};
use crate::rule::{Alert, Held, Move};
use crate::track::{Bars, Value, Values};
use crate::trade::SymbolId;
use crate::units::Nanos;

/// Why a candle is handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Change {
    /// Closed for the first time.
    Closed,
    /// Its numbers changed after it was closed.
    Corrected,
    /// Its numbers stand, but an earlier candle was corrected, so its values may have moved.
    Revalued,
    /// Only its mark changed; values stand and are not repeated.
    Marked,
    /// The stretch is over, prints are missing and there is none at all: no candle.
    Absent,
}

/// One candle as it leaves the core.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Record {
    /// Which symbol.
    pub symbol: SymbolId,
    /// Index into `Settings::intervals`.
    pub interval: u8,
    /// Why it is handed out.
    pub change: Change,
    /// The candle; for [`Change::Absent`] only its open time and mark mean anything.
    pub candle: Candle,
    /// Where its values begin in [`Outbox::values`]; as many as the interval has columns.
    values: Option<usize>,
}

/// What a worker at the edge is asked to fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Prints by id, both ends included.
    Ids {
        /// Which symbol.
        symbol: SymbolId,
        /// First missing id.
        from_id: u64,
        /// Last missing id.
        to_id: u64,
    },
    /// The venue's candles in `[from, to)`.
    Candles {
        /// Which symbol.
        symbol: SymbolId,
        /// Index into `Settings::intervals`.
        interval: u8,
        /// Open time of the first candle.
        from: Nanos,
        /// End of the last one.
        to: Nanos,
    },
}

/// Everything that one pulse hands out.
#[derive(Resource, Clone, Debug, Default)]
pub struct Outbox {
    /// The venue's time of the pulse.
    pub at: Nanos,
    /// Candles in the defined order.
    pub records: Vec<Record>,
    /// Values of the records that have any.
    pub values: Vec<Value>,
    /// What reconcile found, in the order of rows.
    pub differences: Vec<(SymbolId, u8, Difference)>,
    /// What is to be fetched, most urgent first.
    pub requests: Vec<Request>,
    /// What rules have to say.
    pub alerts: Vec<Alert>,
    /// Values of the alerts' clauses; NaN is not known.
    pub clauses: Vec<f64>,
    /// What budgets held back, for the digests among the alerts.
    pub held: Vec<Held>,
    /// Who came into tables, left them or changed places.
    pub moves: Vec<Move>,
}

impl Outbox {
    /// The values of a record: one per column of its interval, none where they did not change.
    pub fn values_of(&self, record: &Record, columns: usize) -> &[Value] {
        record.values.map_or(&[], |at| &self.values[at..at + columns])
    }

    /// The values of an alert's clauses; NaN is not known.
    pub fn clauses_of(&self, alert: &Alert) -> &[f64] {
        let (from, count) = alert.clauses;
        self.clauses.get(from..from + count).unwrap_or_default()
    }

    /// What a digest lists.
    pub fn held_by(&self, alert: &Alert) -> &[Held] {
        let (from, count) = alert.held;
        self.held.get(from..from + count).unwrap_or_default()
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
            && self.differences.is_empty()
            && self.requests.is_empty()
            && self.alerts.is_empty()
            && self.moves.is_empty()
    }

    /// Empties it, keeping its memory.
    pub fn clear(&mut self) {
        self.records.clear();
        self.values.clear();
        self.differences.clear();
        self.requests.clear();
        self.alerts.clear();
        self.clauses.clear();
        self.held.clear();
        self.moves.clear();
    }
}

/// Lists candles, their values and differences in the defined order.
pub fn hand_out(
    mut awake: ResMut<Awake>,
    mut outbox: ResMut<Outbox>,
    mut rows: Query<(&Row, &Ring, &Room, &Dirty, &Values, &mut Absent, &mut Evidence)>,
) {
    for place in 0..awake.rows().len() {
        let Ok((row, ring, room, dirty, values, mut absent, mut evidence)) =
            rows.get_mut(awake.rows()[place])
        else {
            continue;
        };
        outbox.list_candles(row, ring, dirty, values);
        outbox.list_absent(row, &absent);
        absent.clear_fresh();
        let found = evidence.differences.drain(..);
        outbox.differences.extend(found.map(|found| (row.symbol, row.interval, found)));
        let unfinished = room.short() || !evidence.decided.is_empty();
        if unfinished || evidence.waits() || evidence.joint.is_some() {
            awake.call(row.symbol, unfinished);
        }
    }
}

impl Outbox {
    fn list_candles(&mut self, row: &Row, ring: &Ring, dirty: &Dirty, values: &Values) {
        let first = self.values.len();
        if dirty.fold_from.is_some() {
            self.values.extend_from_slice(values.all());
        }
        let Some(from) = dirty.from() else { return };
        for position in from..ring.end() {
            let Some(candle) = ring.get(position) else { continue };
            let Some(change) = dirty.change(position, ring.touched(position)) else { continue };
            let values = dirty
                .fold_from
                .and_then(|from| position.checked_sub(from))
                .map(|place| first + place as usize * values.columns());
            let (symbol, interval) = (row.symbol, row.interval);
            self.records.push(Record { symbol, interval, change, candle, values });
        }
    }

    fn list_absent(&mut self, row: &Row, absent: &Absent) {
        for &open_time in absent.fresh() {
            let mark = crate::candle::Mark::Gap;
            let candle = Candle { open_time, mark, ..Candle::default() };
            let (symbol, interval, change) = (row.symbol, row.interval, Change::Absent);
            self.records.push(Record { symbol, interval, change, candle, values: None });
        }
    }
}

type Handed<'w> = (&'w Row, Mut<'w, Ring>, Mut<'w, Dirty>, Mut<'w, Bars>, Mut<'w, Values>);

/// Declares every row handed out.
pub fn clean(
    inbox: Res<Inbox>,
    awake: Res<Awake>,
    mut rows: Query<(&Row, &mut Ring, &mut Dirty, &mut Bars, &mut Values)>,
) {
    each_row!(inbox, awake, rows, |(row, mut ring, mut dirty, mut bars, mut values): Handed<
        '_,
    >| {
        if let Some(from) = dirty.from() {
            debug_assert!(awake.has(row.symbol), "it was not handed out");
            ring.clear_touched(from);
            dirty.clean(ring.end());
            bars.release();
            values.release();
        }
    });
}
