//! What is on a tape, in numbers.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use systems::units::Nanos;

use super::entry::{Body, Header};
use super::header::OpenError;
use super::payload::{Block, Run};
use super::reader::{End, Reader};
use super::writer::symbol;

/// Entries by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Raw frames.
    pub frames: u64,
    /// Answers to requests.
    pub answers: u64,
    /// Decoded prints.
    pub trades: u64,
    /// Candles of the venue.
    pub candles: u64,
    /// Connections that came up or went down.
    pub links: u64,
    /// Symbols whose prints stopped or came back.
    pub feeds: u64,
    /// Symbols that were halted or resumed.
    pub halts: u64,
    /// Symbols that the venue listed meanwhile.
    pub listed: u64,
    /// Ranges of ids given up.
    pub unrecoverables: u64,
    /// Heartbeats.
    pub heartbeats: u64,
    /// Requests that came to their end.
    pub done: u64,
    /// Entries of kinds that this program does not know.
    pub unknown: u64,
}

impl Counts {
    /// Counts one entry.
    pub fn add(&mut self, body: &Body<'_>) {
        *match body {
            Body::Frame { .. } => &mut self.frames,
            Body::Answer { .. } => &mut self.answers,
            Body::Trade(_) => &mut self.trades,
            Body::Candle { .. } => &mut self.candles,
            Body::Link { .. } => &mut self.links,
            Body::Feed { .. } => &mut self.feeds,
            Body::Halt { .. } => &mut self.halts,
            Body::Listed { .. } => &mut self.listed,
            Body::Unrecoverable { .. } => &mut self.unrecoverables,
            Body::Heartbeat(_) => &mut self.heartbeats,
            Body::Done { .. } => &mut self.done,
        } += 1;
    }

    /// All of them, with the word for each, in the order in which they are shown.
    pub const fn named(&self) -> [(&'static str, u64); 12] {
        [
            ("frames", self.frames),
            ("answers", self.answers),
            ("trades", self.trades),
            ("candles", self.candles),
            ("links", self.links),
            ("feeds", self.feeds),
            ("halts", self.halts),
            ("listed", self.listed),
            ("unrecoverables", self.unrecoverables),
            ("heartbeats", self.heartbeats),
            ("done", self.done),
            ("unknown", self.unknown),
        ]
    }

    /// Entries of all kinds.
    pub fn total(&self) -> u64 {
        self.named().iter().map(|(_, count)| count).sum()
    }
}

/// From the earliest to the latest of some instants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The earliest.
    pub first: Nanos,
    /// The latest.
    pub last: Nanos,
}

impl Span {
    fn stretch(span: &mut Option<Self>, first: Nanos, last: Nanos) {
        *span = Some(match *span {
            None => Self { first, last },
            Some(span) => Self { first: span.first.min(first), last: span.last.max(last) },
        });
    }
}

/// What `tape info` shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// Version of the file's format.
    pub version: u16,
    /// The recording's segment id.
    pub segment: u64,
    /// What the tape says about itself.
    pub header: Header,
    /// Entries by kind.
    pub counts: Counts,
    /// Trades and candles of each symbol, by symbol id.
    pub symbols: Vec<SymbolCounts>,
    /// Intact blocks of entries.
    pub blocks: u64,
    /// Blocks of kinds that this program does not know.
    pub unknown_blocks: u64,
    /// Size of those blocks before compression, in bytes.
    pub raw_bytes: u64,
    /// Their size in the file, in bytes.
    pub stored_bytes: u64,
    /// When entries were received.
    pub received: Option<Span>,
    /// The venue's time of prints and heartbeats.
    pub venue_time: Option<Span>,
    /// Whether it was finished, and whether it is damaged.
    pub end: End,
}

/// What a tape holds of one symbol in decoded form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SymbolCounts {
    /// Decoded prints.
    pub trades: u64,
    /// Candles of the venue.
    pub candles: u64,
}

/// Counts what is on the tape in a file, up to its end or to damage.
///
/// # Errors
/// [`OpenError`]: the file cannot be read, is no tape, or its header is not intact.
pub fn info(path: impl AsRef<Path>) -> Result<Info, OpenError> {
    Ok(count(&mut Reader::new(File::open(path)?)?)?)
}

fn count<R: Read + Seek>(reader: &mut Reader<R>) -> io::Result<Info> {
    let mut info = Info {
        version: reader.version(),
        segment: reader.segment(),
        header: reader.header().clone(),
        counts: Counts::default(),
        symbols: vec![SymbolCounts::default(); reader.header().symbols.len()],
        blocks: 0,
        unknown_blocks: 0,
        raw_bytes: 0,
        stored_bytes: 0,
        received: None,
        venue_time: None,
        end: reader.end_so_far(),
    };
    while let Some(block) = reader.next_block()? {
        info.add(block);
    }
    info.unknown_blocks = reader.unknown_blocks();
    info.end = reader.end_so_far();
    Ok(info)
}

impl Info {
    fn add(&mut self, block: &Block) {
        let (raw, stored) = block.bytes();
        self.raw_bytes += raw;
        self.stored_bytes += stored;
        self.blocks += 1;
        self.counts.unknown += block.unknown();
        let (first, last) = block.received();
        Span::stretch(&mut self.received, first, last);
        for run in block.runs() {
            match run {
                Run::Trades(trades, _) => {
                    self.counts.trades += trades.len() as u64;
                    for trade in trades {
                        self.symbols[usize::from(trade.symbol.0)].trades += 1;
                        Span::stretch(&mut self.venue_time, trade.time, trade.time);
                    }
                }
                Run::Entry(entry) => {
                    self.counts.add(&entry.body);
                    if let Body::Heartbeat(at) = entry.body {
                        Span::stretch(&mut self.venue_time, at, at);
                    }
                    if let (Body::Candle { .. }, Some(id)) = (&entry.body, symbol(&entry.body)) {
                        self.symbols[usize::from(id.0)].candles += 1;
                    }
                }
            }
        }
    }
}
