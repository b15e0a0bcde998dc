//! Where prints come from: the synthetic market, or a tape.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::path::Path;

use systems::symbol::SymbolSpec;
use systems::trade::{Batch, SymbolId, Trade, TradeKind};
use systems::units::{Nanos, Price, Quantity};

use super::past::Opening;
use crate::session::Session;
use crate::symbols::Symbols;
use crate::synthetic::Prints;
use crate::tape::{OpenError, Reader};

/// A tape's prints are put in the order of trade time as far as they were received within this.
const SORTED_NS: u64 = 10 * Nanos::PER_SECOND;

/// Why a tape cannot feed an exchange.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It cannot be opened.
    #[error("{0}")]
    Open(#[from] OpenError),
    /// It cannot be read.
    #[error("{0}")]
    Read(#[from] std::io::Error),
    /// It has no prints.
    #[error("there are no prints on the tape")]
    Empty,
    /// Its list of symbols cannot be used.
    #[error("{0}")]
    Symbols(#[from] crate::symbols::SymbolsError),
}

/// Prints in the order of trade time; per symbol, ids rise.
pub(super) enum Source {
    Synthetic(Box<Prints>),
    Tape(Box<TapePrints>),
}

impl Iterator for Source {
    type Item = Trade;

    fn next(&mut self) -> Option<Trade> {
        match self {
            Self::Synthetic(prints) => prints.next(),
            Self::Tape(prints) => prints.next(),
        }
    }
}

/// What a first reading of a tape tells.
pub(super) struct Survey {
    /// Time of the first print.
    pub(super) first: Nanos,
    /// The tape's symbols.
    pub(super) symbols: Vec<SymbolSpec>,
    /// Per symbol, its first print; one of nothing where it has none.
    pub(super) openings: Vec<Opening>,
}

/// Reads a whole tape for what must be known before its first print.
pub(super) fn survey(path: &Path) -> Result<Survey, SourceError> {
    let mut prints = TapePrints::open(path, 0)?;
    let symbols = prints.session.symbols().specs().to_vec();
    let mut firsts: BTreeMap<SymbolId, Trade> = BTreeMap::new();
    let (mut first, mut last) = (None, Nanos(0));
    let mut counts = vec![0u64; symbols.len()];
    for trade in prints.by_ref() {
        first.get_or_insert(trade.time);
        last = last.max(trade.time);
        if trade.kind == TradeKind::Market {
            counts[usize::from(trade.symbol.0)] += 1;
            firsts.entry(trade.symbol).or_insert(trade);
        }
    }
    if let Some(error) = prints.failed {
        return Err(error.into());
    }
    // Of less than a minute nothing can be said.
    let span_ns = last.0.saturating_sub(first.unwrap_or_default().0).max(60 * Nanos::PER_SECOND);
    let minutes = span_ns as f64 / (60 * Nanos::PER_SECOND) as f64;
    let openings = (0..symbols.len()).map(|symbol| {
        let first = firsts.get(&SymbolId(symbol as u16));
        let (price, quantity) =
            first.map_or((Price(1), Quantity(1)), |trade| (trade.price, trade.quantity));
        Opening { price, quantity, tick: 1, per_minute: counts[symbol] as f64 / minutes }
    });
    Ok(Survey { first: first.ok_or(SourceError::Empty)?, openings: openings.collect(), symbols })
}

/// The prints of one tape, each once, moved in time.
pub(super) struct TapePrints {
    reader: Reader<std::fs::File>,
    session: Session,
    batch: Batch,
    /// Added to every trade time.
    shift_ns: u64,
    /// Read and not yet given, by trade time.
    waiting: BinaryHeap<Reverse<(Nanos, u16, u64, usize)>>,
    slots: Vec<Trade>,
    free: Vec<usize>,
    newest: Nanos,
    /// The newest single-trade id given, per symbol.
    last: Vec<Option<u64>>,
    /// Single trades of an aggregate that was taken apart.
    parts: VecDeque<Trade>,
    failed: Option<std::io::Error>,
}

impl TapePrints {
    /// Opens a tape; its prints come `shift_ns` (modulo 2^64) later than they were matched.
    pub(super) fn open(path: &Path, shift_ns: u64) -> Result<Self, SourceError> {
        let reader = Reader::open(path)?;
        let header = reader.header();
        let session = Session::new(Symbols::new(header.symbols.clone())?, vec![], &header.venue);
        let last = vec![None; header.symbols.len()];
        Ok(Self {
            reader,
            session,
            batch: Batch::default(),
            shift_ns,
            waiting: BinaryHeap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            newest: Nanos(0),
            last,
            parts: VecDeque::new(),
            failed: None,
        })
    }

    /// Reads one more block; false at the end, which an error is too.
    fn read(&mut self) -> bool {
        let block = match self.reader.next_block() {
            Ok(Some(block)) => block,
            Ok(None) => return false,
            Err(error) => {
                log::error!("the tape ends early: {error}");
                self.failed = Some(error);
                return false;
            }
        };
        for entry in block.entries() {
            self.session.take(&entry, &mut self.batch);
        }
        for trade in self.batch.trades.drain(..) {
            self.newest = self.newest.max(trade.time);
            let slot = self.free.pop().unwrap_or(self.slots.len());
            if slot == self.slots.len() {
                self.slots.push(trade);
            } else {
                self.slots[slot] = trade;
            }
            self.waiting.push(Reverse((trade.time, trade.symbol.0, trade.first_id, slot)));
        }
        self.batch.clear();
        true
    }

    /// The next of the sorted prints, or aggregates.
    fn sorted(&mut self) -> Option<Trade> {
        let due = |waiting: &BinaryHeap<Reverse<(Nanos, u16, u64, usize)>>, newest: Nanos| {
            waiting.peek().is_some_and(|Reverse((time, ..))| time.0 + SORTED_NS <= newest.0)
        };
        while !due(&self.waiting, self.newest) && self.read() {}
        let Reverse((.., slot)) = self.waiting.pop()?;
        self.free.push(slot);
        Some(self.slots[slot])
    }

    /// Splits an aggregate into the single trades that it says it covers, as evenly as whole
    /// units allow. Their sums are the venue's; how they share them is not known.
    fn take_apart(&mut self, whole: Trade) {
        let count = i64::from(whole.count).min(whole.quantity.0).max(1);
        let share = whole.quantity.0 / count;
        for part in 0..count {
            let rest = if part + 1 == count { whole.quantity.0 % count } else { 0 };
            let id = whole.first_id + part as u64;
            let quantity = Quantity(share + rest);
            self.parts.push_back(Trade { id, first_id: id, count: 1, quantity, ..whole });
        }
    }
}

impl Iterator for TapePrints {
    type Item = Trade;

    fn next(&mut self) -> Option<Trade> {
        loop {
            while let Some(mut trade) = self.parts.pop_front() {
                let last = &mut self.last[usize::from(trade.symbol.0)];
                if last.is_none_or(|last| trade.id > last) {
                    *last = Some(trade.id);
                    trade.time = Nanos(trade.time.0.wrapping_add(self.shift_ns));
                    if trade.kind == TradeKind::Backfilled {
                        trade.kind = TradeKind::Market;
                    }
                    return Some(trade);
                }
            }
            let whole = self.sorted()?;
            self.take_apart(whole);
        }
    }
}
