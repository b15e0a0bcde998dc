//! A tape in memory as what a socket would bring: prints as the venue's text.

use systems::symbol::SymbolSpec;
use systems::trade::{Trade, TradeKind};
use systems::units::Nanos;

use crate::live::record::{Kept, Recorded};
use crate::replay::{ReplayError, Tapes, TapesError};
use crate::sim::Frames;
use crate::symbols::Symbols;
use crate::tape::entry::Body;
use crate::tape::{Block, Run};
use crate::venue::Venue;

/// Bytes of text that a load may hold. Reading from a file while measuring would measure the file.
const TEXT_MAX: usize = 2 << 30;

/// Bytes that an entry takes beside its text.
const ENTRY_BYTES: usize = size_of::<Recorded>() + 40;

/// Why a tape makes no load.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The tapes cannot be read.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// An entry cannot be told in the session's numbers.
    #[error(transparent)]
    Tapes(#[from] TapesError),
    /// A venue whose frames nobody here can write or read.
    #[error("frames of venue {0} cannot be decoded by this program")]
    Venue(String),
    /// There is nothing on it.
    #[error("there are {0} entries on the tape: too few to measure anything")]
    Empty(usize),
    /// It does not fit.
    #[error("more than {} GiB of frames: cut the tape, or use --frames N", TEXT_MAX >> 30)]
    TooLarge,
}

/// What a run is loaded with.
pub struct Load {
    entries: Vec<Recorded>,
    symbols: Symbols,
    venue: Venue,
    /// Prints that were decoded on the tape and have been written as frames.
    pub rendered: u64,
    /// Prints that the venue has no words for: they are folded without being decoded.
    pub as_they_are: u64,
}

/// Fewer entries have no tail to speak of.
const ENTRIES_MIN: usize = 100;

impl Load {
    /// Reads tapes until `frames` prints or frames are there.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn read(tapes: &mut Tapes, frames: usize) -> Result<Self, LoadError> {
        let known = Venue::parse(tapes.venue());
        // A made-up market has no frames of its own, so it may speak like anybody.
        let venue = known.unwrap_or(Venue::BinanceSpot);
        let symbols = tapes.symbols().clone();
        let mut reading = Reading::new(venue, symbols.specs(), frames);
        let mut block = Block::default();
        while !reading.is_full() && tapes.next_block(&mut block)? {
            for run in block.runs() {
                match run {
                    Run::Trades(trades, received) => {
                        for (trade, at) in trades.iter().zip(received) {
                            reading.print(*trade, *at)?;
                        }
                    }
                    Run::Entry(entry) => {
                        let entry = tapes.entry(entry)?;
                        if known.is_none() && matches!(entry.body, Body::Frame { .. }) {
                            return Err(LoadError::Venue(tapes.venue().to_owned()));
                        }
                        reading.entry(entry.received, entry.body)?;
                    }
                }
            }
        }
        let Reading { entries, rendered, as_they_are, .. } = reading;
        if entries.len() < ENTRIES_MIN {
            return Err(LoadError::Empty(entries.len()));
        }
        Ok(Self { entries, symbols, venue, rendered, as_they_are })
    }

    /// What comes, in order.
    pub fn entries(&self) -> &[Recorded] {
        &self.entries
    }

    /// The symbols.
    pub fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    /// Whose frames they are.
    pub fn venue(&self) -> Venue {
        self.venue
    }
}

struct Reading {
    entries: Vec<Recorded>,
    frames: Frames,
    /// Per symbol: whether its prints are aggregates, once one of them said so.
    aggregates: Vec<Option<bool>>,
    /// The connection that decoded prints are said to have come over.
    link: u16,
    left: usize,
    bytes: usize,
    rendered: u64,
    as_they_are: u64,
}

impl Reading {
    fn new(venue: Venue, symbols: &[SymbolSpec], left: usize) -> Self {
        let (entries, frames) = (Vec::new(), Frames::new(venue, symbols));
        let aggregates = vec![None; symbols.len()];
        Self { entries, frames, aggregates, link: 0, left, bytes: 0, rendered: 0, as_they_are: 0 }
    }

    fn is_full(&self) -> bool {
        self.left == 0
    }

    /// A print that was decoded before it was recorded, as the frame that it came in.
    fn print(&mut self, trade: Trade, at: Nanos) -> Result<(), LoadError> {
        if self.is_full() {
            return Ok(());
        }
        self.left -= 1;
        let symbol = usize::from(trade.symbol.0);
        // A stream is of one sort from its first print on. Where a print of single trades has
        // several, it is none.
        let single = trade.count == 1 && trade.first_id == trade.id;
        let aggregate = self.aggregates.get_mut(symbol).map(|known| *known.get_or_insert(!single));
        let streamed = trade.kind == TradeKind::Market && (single || aggregate == Some(true));
        let text = match aggregate.filter(|_| streamed) {
            Some(aggregate) => self.frames.print(&trade, aggregate, at.max(trade.time)),
            None => None,
        };
        let body = match text {
            Some(text) => {
                self.rendered += 1;
                Kept::Frame(self.link, text.into())
            }
            None => {
                self.as_they_are += 1;
                Kept::Plain(Body::Trade(trade))
            }
        };
        self.push(at, body)
    }

    fn entry(&mut self, at: Nanos, body: Body<'_>) -> Result<(), LoadError> {
        if self.is_full() {
            return Ok(());
        }
        let body = match body {
            Body::Frame { link, text } => {
                self.left -= 1;
                // A WebSocket's text is UTF-8, or the connection ends.
                match core::str::from_utf8(text) {
                    Ok(text) => Kept::Frame(link, text.into()),
                    Err(_) => return Ok(()),
                }
            }
            Body::Answer { request, text } => Kept::Answer(request.to_owned(), text.to_vec()),
            Body::Link { link, up, reason } => {
                self.link = link;
                Kept::Link(link, up, reason.to_owned())
            }
            Body::Trade(trade) => return self.print(trade, at),
            Body::Candle { symbol, interval, candle } => {
                Kept::Plain(Body::Candle { symbol, interval, candle })
            }
            Body::Feed { symbol, up } => Kept::Plain(Body::Feed { symbol, up }),
            Body::Halt { symbol, halted } => Kept::Plain(Body::Halt { symbol, halted }),
            Body::Listed { symbol } => Kept::Plain(Body::Listed { symbol }),
            Body::Unrecoverable { symbol, from_id, to_id } => {
                Kept::Plain(Body::Unrecoverable { symbol, from_id, to_id })
            }
            Body::Heartbeat(at) => Kept::Plain(Body::Heartbeat(at)),
            Body::Done { symbol, interval } => Kept::Plain(Body::Done { symbol, interval }),
        };
        self.push(at, body)
    }

    fn push(&mut self, received: Nanos, body: Kept) -> Result<(), LoadError> {
        self.bytes += ENTRY_BYTES;
        self.bytes += match &body {
            Kept::Frame(_, text) => text.len(),
            Kept::Answer(_, text) => text.len(),
            _ => 0,
        };
        if self.bytes > TEXT_MAX {
            return Err(LoadError::TooLarge);
        }
        self.entries.push(Recorded { received, body });
        Ok(())
    }
}
