//! Dispatch: what changed leaves the core through the outbox, in a defined order.
//!
//! Within one pulse: intervals from short to long, symbols by number, candles by open time. The
//! order depends on nothing else, least of all on how rows are stored or which thread ran them.

use bevy_ecs::prelude::*;

use crate::awake::Awake;
use crate::candle::Candle;
use crate::indicator::Indicator;
use crate::reconcile::{Difference, Evidence};
use crate::ring::Ring;
use crate::room::Room;
use crate::row::{Absent, Dirty, Row};
use crate::rule::{Alert, Held, Move};
use crate::track::{Bars, Track, Value};
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

/// Where a row's values begin in the outbox in this pulse, and how many there are.
#[derive(Component, Clone, Copy, Debug)]
pub struct Published {
    values: usize,
    candles: usize,
    /// Values of one candle.
    columns: usize,
}

impl Published {
    /// Nothing yet, of a row with so many columns.
    pub fn new(columns: usize) -> Self {
        Self { values: 0, candles: 0, columns }
    }

    /// The values of the candle so many places after `Dirty::fold_from`.
    pub fn values_at<'a>(&self, outbox: &'a Outbox, place: u64) -> &'a [Value] {
        let at = self.values + place as usize * self.columns;
        outbox.values.get(at..at + self.columns).unwrap_or_default()
    }
}

/// Lists candles and differences in the defined order and makes room for their values.
pub fn hand_out(
    mut awake: ResMut<Awake>,
    mut outbox: ResMut<Outbox>,
    mut rows: Query<(&Row, &Ring, &Room, &Dirty, &mut Absent, &mut Evidence, &mut Published)>,
) {
    for place in 0..awake.rows().len() {
        let Ok((row, ring, room, dirty, mut absent, mut evidence, mut published)) =
            rows.get_mut(awake.rows()[place])
        else {
            continue;
        };
        *published = outbox.list_candles(row, ring, dirty, published.columns);
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
    fn list_candles(&mut self, row: &Row, ring: &Ring, dirty: &Dirty, columns: usize) -> Published {
        let published = Published {
            values: self.values.len(),
            candles: dirty.fold_from.map_or(0, |from| (ring.end() - from) as usize),
            columns,
        };
        self.values.resize(published.values + published.candles * columns, Value::default());
        let Some(from) = dirty.from() else { return published };
        for position in from..ring.end() {
            let Some(candle) = ring.get(position) else { continue };
            let Some(change) = dirty.change(position, ring.touched(position)) else { continue };
            let values = dirty
                .fold_from
                .and_then(|from| position.checked_sub(from))
                .map(|place| published.values + place as usize * columns);
            let (symbol, interval) = (row.symbol, row.interval);
            self.records.push(Record { symbol, interval, change, candle, values });
        }
        published
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

/// Copies the values of one indicator type into the room that [`hand_out`] made.
pub fn publish<I: Indicator>(
    awake: Res<Awake>,
    mut outbox: ResMut<Outbox>,
    mut rows: Query<(&Published, &mut Track<I>)>,
) {
    let mut rows = rows.iter_many_mut(awake.rows());
    while let Some(row) = rows.fetch_next() {
        let Ok((&Published { values, candles, columns }, mut track)) = row else { continue };
        for candle in 0..candles {
            let at = values + candle * columns;
            track.write_columns(candle, &mut outbox.values[at..at + columns]);
        }
        if candles > 0 {
            track.release();
        }
    }
}

/// Declares every row handed out.
pub fn clean(awake: Res<Awake>, mut rows: Query<(&mut Ring, &mut Dirty, &mut Bars)>) {
    let mut rows = rows.iter_many_mut(awake.rows());
    while let Some(row) = rows.fetch_next() {
        if let Ok((mut ring, mut dirty, mut bars)) = row
            && let Some(from) = dirty.from()
        {
            ring.clear_touched(from);
            dirty.clean(ring.end());
            bars.release();
        }
    }
}
