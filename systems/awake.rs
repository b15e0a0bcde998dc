//! Which rows a pulse looks at. Most pulses need nothing of most rows, and finding that out must
//! not touch what they carry.

use bevy_ecs::batching::BatchingStrategy;
use bevy_ecs::prelude::*;

use crate::ingest::Inbox;
use crate::limits::SHARE;
use crate::row::{Row, Rows};
use crate::trade::SymbolId;
use crate::units::Nanos;

/// When a base row, and with it the longer rows of its symbol, must be looked at.
#[derive(Component, Clone, Copy, Debug)]
pub struct Alarm {
    /// Once the venue's time has reached this.
    pub due: Nanos,
    /// At the next pulse, because something irregular happened.
    pub call: bool,
}

impl Alarm {
    /// Time alone changes nothing.
    pub const NEVER: Self = Self { due: Nanos(u64::MAX), call: false };
}

/// The rows that are looked at in this pulse.
#[derive(Resource, Default)]
pub struct Awake {
    /// Symbols to be woken by the next pulse whatever their alarm says.
    called: Vec<SymbolId>,
    /// Whether the last pulse left work that needs nothing but another pulse.
    unfinished: bool,
    /// Symbols awake, ascending.
    symbols: Vec<SymbolId>,
    /// Their rows, in the order in which they are handed out: by interval, then by symbol.
    rows: Vec<Entity>,
    /// Whether they are so many that visiting all rows, as they lie in memory, is faster.
    most: bool,
}

impl Awake {
    /// Wakes a symbol in the next pulse, which may be all that its work still needs.
    pub fn call(&mut self, symbol: SymbolId, unfinished: bool) {
        self.called.push(symbol);
        self.unfinished |= unfinished;
    }

    /// Whether the last pulse left work that needs nothing but another pulse.
    pub fn unfinished(&self) -> bool {
        self.unfinished
    }

    /// The rows that are awake, by interval and then by symbol.
    pub fn rows(&self) -> &[Entity] {
        &self.rows
    }

    /// The symbols awake whose numbers are in a range, ascending.
    pub fn symbols_within(&self, numbers: core::ops::Range<usize>) -> &[SymbolId] {
        let place = |number| self.symbols.partition_point(|at| usize::from(at.0) < number);
        &self.symbols[place(numbers.start)..place(numbers.end)]
    }

    /// Whether a symbol's rows are awake.
    pub fn has(&self, symbol: SymbolId) -> bool {
        self.symbols.binary_search(&symbol).is_ok()
    }

    /// Whether most rows are awake.
    pub fn most(&self) -> bool {
        self.most
    }
}

/// Whether anything is awake: otherwise the later stages have nothing to do.
pub fn anyone(awake: Res<Awake>) -> bool {
    !awake.rows.is_empty()
}

/// Lists the rows that this pulse looks at.
pub fn wake(
    inbox: Res<Inbox>,
    rows: Res<Rows>,
    mut awake: ResMut<Awake>,
    alarms: Query<(&Row, &Alarm)>,
) {
    let Awake { called, unfinished, symbols, rows: woken, most } = &mut *awake;
    *unfinished = false;
    symbols.clear();
    for (rows, alarms) in alarms.contiguous_iter().into_iter().flatten() {
        let awake =
            rows.iter().zip(alarms).filter(|(_, alarm)| alarm.call || alarm.due <= inbox.now);
        symbols.extend(awake.map(|(row, _)| row.symbol));
    }
    if !called.is_empty() {
        symbols.append(called);
        symbols.sort_unstable();
        symbols.dedup();
    }
    woken.clear();
    for rows in rows.by_interval() {
        woken.extend(symbols.iter().map(|symbol| rows[usize::from(symbol.0)]));
    }
    *most = woken.len() * 2 > rows.len();
}

/// How rows are shared out among threads. Left to itself a query cuts all tables by the largest
/// one, and the rows of one interval, which close together, may be all one thread's.
pub const fn shares() -> BatchingStrategy {
    BatchingStrategy::fixed(SHARE)
}

/// Visits the awake rows that a query finds: in a burst spread over threads, since waking those
/// costs more than a calm pulse does.
#[macro_export]
macro_rules! each_row {
    ($inbox:expr, $awake:expr, $rows:expr, $visit:expr) => {
        if !$awake.most() {
            let mut rows = $rows.iter_many_mut($awake.rows());
            while let Some(row) = rows.fetch_next() {
                // A longer row is not what a system of base rows looks for, and the reverse.
                row.into_iter().for_each($visit);
            }
        } else if $inbox.burst {
            $rows.par_iter_mut().batching_strategy($crate::awake::shares()).for_each($visit);
        } else {
            $rows.iter_mut().for_each($visit);
        }
    };
}
