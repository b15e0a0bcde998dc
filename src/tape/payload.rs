//! The content of one data block: in which order entries came, and the two streams they are in.
//!
//! ```text
//! runs    varint count, then varints: trades, others, trades, others, ...
//! others  varint length, then that many bytes (`others.rs`)
//! trades  columns to the end of the block (`trades`), nothing if there are none
//! ```

use systems::trade::Trade;
use systems::units::Nanos;

use super::block::Totals;
use super::bytes::{Cursor, put_bytes, put_varint};
use super::entry::{Body, Entry};
use super::limits::{BLOCK_ENTRIES_MAX, BLOCK_TARGET, BLOCK_TRADES};
use super::others::{Other, OtherDecoder, OtherEncoder};
use super::trades::{TradeDecoder, TradeEncoder};

/// Entries that wait for their block to be written.
#[derive(Default)]
pub(super) struct Pending {
    /// Lengths of the runs so far; even places count trades, odd places others.
    runs: Vec<u64>,
    trades: Vec<Trade>,
    received: Vec<Nanos>,
    others: Vec<u8>,
    totals: Totals,
    other_encoder: OtherEncoder,
    trade_encoder: TradeEncoder,
}

impl Pending {
    pub(super) fn push(&mut self, entry: &Entry<'_>) {
        self.totals.add(entry.received);
        if let Body::Trade(trade) = entry.body {
            self.totals.trades += 1;
            self.count(0);
            self.trades.push(trade);
            self.received.push(entry.received);
        } else {
            self.count(1);
            self.other_encoder.encode(entry, &mut self.others);
        }
    }

    fn count(&mut self, parity: usize) {
        // A block that begins with another entry begins with a run of no trades.
        if self.runs.is_empty() && parity == 1 {
            self.runs.push(0);
        }
        if self.runs.len() % 2 == parity {
            self.runs.push(0);
        }
        if let Some(run) = self.runs.last_mut() {
            *run += 1;
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.trades.len() >= BLOCK_TRADES || self.others.len() >= BLOCK_TARGET
    }

    pub(super) fn totals(&self) -> Totals {
        self.totals
    }

    /// Appends the block's content and starts the next block.
    pub(super) fn drain_into(&mut self, out: &mut Vec<u8>) {
        put_varint(out, self.runs.len() as u64);
        self.runs.iter().for_each(|&run| put_varint(out, run));
        put_bytes(out, &self.others);
        if !self.trades.is_empty() {
            self.trade_encoder.encode(&self.trades, &self.received, out);
        }
        self.runs.clear();
        self.trades.clear();
        self.received.clear();
        self.others.clear();
        self.totals = Totals::default();
        self.other_encoder.restart();
    }
}

/// One block, decoded. Owns its memory and keeps it from block to block.
#[derive(Clone, Debug, Default)]
pub struct Block {
    pub(super) raw: Vec<u8>,
    runs: Vec<u32>,
    trades: Vec<Trade>,
    received: Vec<Nanos>,
    /// Where the other entries lie in `raw`.
    others: core::ops::Range<usize>,
    symbols: usize,
    unknown: u64,
    decoder: TradeDecoder,
    pub(super) totals: Totals,
    pub(super) at_byte: u64,
    pub(super) stored_bytes: u64,
}

/// A stretch of a block in which entries are of one sort.
#[derive(Clone, Copy, Debug)]
pub enum Run<'a> {
    /// Trades and, for each, when it was received.
    Trades(&'a [Trade], &'a [Nanos]),
    /// Anything else.
    Entry(Entry<'a>),
}

impl Block {
    /// All entries in the order in which they were written.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.runs().flat_map(|run| {
            let (entry, trades, received) = match run {
                Run::Trades(trades, received) => (None, trades, received),
                Run::Entry(entry) => (Some(entry), Default::default(), Default::default()),
            };
            let trades = trades.iter().zip(received);
            entry.into_iter().chain(
                trades.map(|(&trade, &received)| Entry { received, body: Body::Trade(trade) }),
            )
        })
    }

    /// The same, with neighbouring trades as slices: the fast way into a batch.
    pub fn runs(&self) -> Runs<'_> {
        Runs {
            lengths: &self.runs,
            others_left: 0,
            trades: &self.trades,
            received: &self.received,
            others: OtherDecoder::new(&self.raw[self.others.clone()], self.symbols),
        }
    }

    /// All trades, oldest arrival first, whatever lies between them.
    pub fn trades(&self) -> &[Trade] {
        &self.trades
    }

    /// The same, to be changed in place.
    pub fn trades_mut(&mut self) -> &mut [Trade] {
        &mut self.trades
    }

    /// How many entries it holds, unknown ones included.
    pub fn len(&self) -> usize {
        self.totals.entries as usize
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Entries of kinds that this program does not know; iterating passes over them.
    pub fn unknown(&self) -> u64 {
        self.unknown
    }

    /// Earliest and latest instant at which one of its entries was received.
    pub fn received(&self) -> (Nanos, Nanos) {
        (self.totals.earliest, self.totals.latest)
    }

    /// Where it begins in the file.
    pub fn at_byte(&self) -> u64 {
        self.at_byte
    }

    /// Its size before compression and as it lies in the file, in bytes.
    pub fn bytes(&self) -> (u64, u64) {
        (self.raw.len() as u64, self.stored_bytes)
    }

    /// Empties it, keeping its memory.
    pub(super) fn clear(&mut self) {
        self.raw.clear();
        self.runs.clear();
        self.trades.clear();
        self.received.clear();
        self.others = 0..0;
        self.unknown = 0;
        self.totals = Totals::default();
    }

    /// Decodes `raw` and checks all of it, so that iterating cannot fail. `None` if it is not
    /// the content that `totals` promises; symbols must be below `symbols`.
    pub(super) fn decode(&mut self, totals: Totals, symbols: usize) -> Option<()> {
        let (trades, entries) = (totals.trades as usize, totals.entries as usize);
        if entries > BLOCK_ENTRIES_MAX || trades > entries {
            return None;
        }
        let mut cursor = Cursor(&self.raw);
        let others = read_runs(&mut cursor, trades, entries, &mut self.runs)?;
        let other_bytes = cursor.bytes()?;
        let others_end = self.raw.len() - cursor.0.len();
        if trades > 0 {
            let (into, received) = (&mut self.trades, &mut self.received);
            self.decoder.decode(&mut cursor, trades, symbols, into, received)?;
        }
        let mut decoder = OtherDecoder::new(other_bytes, symbols);
        let mut found = Totals { trades: totals.trades, ..Totals::default() };
        for _ in 0..others {
            match decoder.next()? {
                Other::Entry(entry) => found.add(entry.received),
                Other::UnknownKind(received) => {
                    found.add(received);
                    self.unknown += 1;
                }
            }
        }
        self.received.iter().for_each(|&received| found.add(received));
        self.others = others_end - other_bytes.len()..others_end;
        self.symbols = symbols;
        self.totals = totals;
        (decoder.is_empty() && cursor.0.is_empty() && found == totals).then_some(())
    }
}

/// Reads the lengths of runs, which must add up; returns how many other entries there are.
fn read_runs(
    cursor: &mut Cursor<'_>,
    trades: usize,
    entries: usize,
    runs: &mut Vec<u32>,
) -> Option<usize> {
    let count = cursor.small::<usize>().filter(|&count| count <= entries + 1)?;
    let mut sums = [0usize; 2];
    for place in 0..count {
        let length = cursor.small::<u32>()?;
        sums[place % 2] += length as usize;
        runs.push(length);
    }
    (sums == [trades, entries - trades]).then_some(sums[1])
}

/// Iterates over [`Block::runs`].
#[derive(Clone, Debug)]
pub struct Runs<'a> {
    lengths: &'a [u32],
    others_left: u32,
    trades: &'a [Trade],
    received: &'a [Nanos],
    others: OtherDecoder<'a>,
}

impl<'a> Iterator for Runs<'a> {
    type Item = Run<'a>;

    #[inline]
    fn next(&mut self) -> Option<Run<'a>> {
        loop {
            while self.others_left > 0 {
                self.others_left -= 1;
                if let Other::Entry(entry) = self.others.next()? {
                    return Some(Run::Entry(entry));
                }
            }
            let (&length, lengths) = self.lengths.split_first()?;
            self.others_left = lengths.first().copied().unwrap_or(0);
            self.lengths = lengths.get(1..).unwrap_or_default();
            if length > 0 {
                let (trades, later) = self.trades.split_at_checked(length as usize)?;
                let (received, received_later) = self.received.split_at_checked(length as usize)?;
                (self.trades, self.received) = (later, received_later);
                return Some(Run::Trades(trades, received));
            }
        }
    }
}
