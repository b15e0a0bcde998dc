//! What an engine tells of itself and of its rows; nothing here changes anything.

use std::ops::Range;

use systems::base::Series;
use systems::candle::{Candle, Mark};
use systems::health::{Health, Strays};
use systems::ledger::Gap;
use systems::reconcile::{Cause, Evidence};
use systems::request::{Queue, QueueState};
use systems::ring::Ring;
use systems::row::{Absent, Rows};
use systems::rule::forming::Watched;
use systems::rule::judge::Judged;
use systems::settings::Settings;
use systems::trade::SymbolId;
use systems::units::Nanos;

use super::Engine;

impl Engine {
    /// What happened to the prints of one symbol.
    pub fn health(&self, symbol: SymbolId) -> Option<&Health> {
        self.world.get::<Health>(self.row(symbol, 0)?)
    }

    /// Prints of one symbol folded into candles.
    pub fn folded(&self, symbol: SymbolId) -> u64 {
        self.open(symbol).map_or(0, |open| open.folded)
    }

    /// Counts that belong to no symbol.
    pub fn strays(&self) -> Strays {
        *self.world.resource::<Strays>()
    }

    /// The state of the request queue.
    pub fn queue(&self) -> QueueState {
        self.world.resource::<Queue>().state()
    }

    /// Open gaps of one symbol, ascending by id.
    pub fn gaps(&self, symbol: SymbolId) -> &[Gap] {
        self.open(symbol).map_or(&[], |open| open.ledger.gaps())
    }

    /// Ids of one symbol given up for good.
    pub fn unrecoverable(&self, symbol: SymbolId) -> u64 {
        self.open(symbol).map_or(0, |open| open.ledger.unrecoverable())
    }

    /// Open times of stretches that have no candle because prints are missing.
    pub fn absent(&self, symbol: SymbolId, interval: u8) -> &[Nanos] {
        let absent = self.row(symbol, interval).and_then(|row| self.world.get::<Absent>(row));
        absent.map_or(&[], Absent::times)
    }

    /// Comparisons with the venue's candles, by cause, and candles taken over where we had none.
    pub fn drift(&self, symbol: SymbolId, interval: u8) -> ([u64; Cause::ALL.len()], u64) {
        let evidence = self.row(symbol, interval).and_then(|row| self.world.get::<Evidence>(row));
        evidence.map_or(Default::default(), |evidence| (evidence.counts, evidence.adopted))
    }

    /// What of a range is not proven by the venue's candles: from the first such one to the last.
    /// Two must say the same: the venue's numbers in the place of ours are the word of one, so of
    /// base candles only those count that we had ourselves.
    pub fn unproven(
        &self,
        symbol: SymbolId,
        interval: u8,
        range: Range<Nanos>,
    ) -> Option<Range<Nanos>> {
        let row = self.row(symbol, interval)?;
        let (ring, series) = (self.world.get::<Ring>(row)?, self.world.get::<Series>(row));
        let proven = |open_time| {
            let Ok(position) = ring.find(open_time) else { return false };
            let taken = series.and_then(|series| series.edges.get(position)).map(|it| it.sealed);
            let mark = ring.get(position).map(|candle| candle.mark);
            mark == Some(Mark::Reconciled) && taken != Some(true)
        };
        let (Range { mut start, mut end }, length_ns) = (range, ring.interval().ns());
        while start < end && proven(start) {
            start = start.plus(length_ns);
        }
        while start < end && proven(end.minus(length_ns)) {
            end = end.minus(length_ns);
        }
        (start < end).then_some(start..end)
    }

    /// Whether prints that the base candle at `open_time` lacks would still become part of it: not
    /// where the venue's own stands for it, and not where it is kept no more.
    pub fn wants_prints(&self, symbol: SymbolId, open_time: Nanos) -> bool {
        let ring = self.row(symbol, 0).and_then(|row| self.world.get::<Ring>(row));
        let Some(ring) = ring else { return false };
        match ring.find(open_time).map(|position| ring.get(position)) {
            Ok(candle) => {
                let mark = candle.map(|candle| candle.mark);
                !matches!(mark, Some(Mark::Reconciled | Mark::Disputed))
            }
            // It is forming, or there is none.
            Err(place) => place > ring.start() || ring.start() == 0,
        }
    }

    /// By rule, the beginnings that nobody was told of, because of the cool-down.
    pub fn cooled(&self) -> Vec<u64> {
        let mut counts = vec![0; self.world.resource::<Settings>().rules.judged.len()];
        for &row in self.world.resource::<Rows>().by_interval().flatten() {
            let judged = self.world.get::<Judged>(row);
            let closed = judged.into_iter().flat_map(Judged::cooled);
            let forming = self.world.get::<Watched>(row).into_iter().flat_map(Watched::cooled);
            closed.chain(forming).for_each(|(rule, count)| counts[usize::from(rule)] += count);
        }
        counts
    }

    /// The closed candles that a row still holds, oldest first.
    pub fn candles(&self, symbol: SymbolId, interval: u8) -> Vec<Candle> {
        let ring = self.row(symbol, interval).and_then(|row| self.world.get::<Ring>(row));
        ring.map_or_else(Vec::new, |ring| {
            (ring.start()..ring.end()).filter_map(|position| ring.get(position)).collect()
        })
    }

    /// The base candle that is forming, if it has prints.
    pub fn forming(&self, symbol: SymbolId) -> Option<Candle> {
        let open = self.open(symbol)?;
        (!open.current.is_empty()).then_some(open.current.candle)
    }
}
