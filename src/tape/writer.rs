//! Writing a tape: entries are gathered into blocks, blocks are appended.

use std::io::{self, Write};

use systems::limits::SYMBOLS_MAX;
use systems::trade::SymbolId;
use zstd::bulk::Compressor;

use super::LEVEL;
use super::block::{ENTRIES, HEAD_BYTES, Head, INDEX, Totals};
use super::entry::{Body, Entry, Header};
use super::header::{self, CreateError};
use super::index::{Index, trailer};
use super::limits::ENTRY_MAX;
use super::others::variable_bytes;
use super::payload::Pending;

/// Why an entry was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file could not be written. What was not flushed before is lost; the file holds whole
    /// blocks and perhaps a torn one, so go on in a new file.
    #[error("cannot write the tape: {0}")]
    Io(#[from] io::Error),
    /// An earlier write failed: anything appended now would lie behind a torn block.
    #[error("the tape was given up when an earlier write failed")]
    GivenUp,
    /// The entry alone is larger than any may be. It was not recorded; the tape goes on.
    #[error("an entry of {bytes} bytes, but at most {ENTRY_MAX} are allowed")]
    EntryTooLarge {
        /// Size of its frame, answer or reason.
        bytes: usize,
    },
    /// The entry names a symbol that the header does not list. It was not recorded; the tape
    /// goes on.
    #[error("symbol number {} is not in the tape's header", .0.0)]
    UnknownSymbol(SymbolId),
}

/// Appends entries to a tape.
///
/// Entries reach the file in blocks: when one is full, and by [`Writer::flush`]. Without
/// [`Writer::finish`] the tape stays readable but has no index and counts as not sealed; what
/// was neither flushed nor finished is not on it.
pub struct Writer<W: Write> {
    out: W,
    segment: u64,
    symbols: usize,
    /// Sequence number of the next block.
    sequence: u64,
    /// Where the next block begins.
    offset: u64,
    pending: Pending,
    index: Index,
    compressor: Compressor<'static>,
    raw: Vec<u8>,
    /// Head and stored payload, so that a block is one write.
    framed: Vec<u8>,
    stored: Vec<u8>,
    given_up: bool,
}

impl<W: Write> Writer<W> {
    /// Writes the header of a new tape.
    ///
    /// `segment` tells this recording from any other that may have used the same file or disk
    /// space before: random when live, derived from the input when the same bytes must come out
    /// again.
    ///
    /// # Errors
    /// [`CreateError`]: a header beyond its limits, or a file that cannot be written.
    pub fn create(mut out: W, header: &Header, segment: u64) -> Result<Self, CreateError> {
        let offset = header::write(&mut out, header, segment)?;
        out.flush()?;
        debug_assert!(header.symbols.len() <= SYMBOLS_MAX);
        Ok(Self {
            out,
            segment,
            symbols: header.symbols.len(),
            sequence: 0,
            offset,
            pending: Pending::default(),
            index: Index::default(),
            compressor: Compressor::new(LEVEL)?,
            raw: Vec::new(),
            framed: Vec::new(),
            stored: Vec::new(),
            given_up: false,
        })
    }

    /// Records one entry after all others; now and then this writes a block.
    ///
    /// # Errors
    /// [`WriteError`] says whether the entry or the file is at fault.
    pub fn write(&mut self, entry: &Entry<'_>) -> Result<(), WriteError> {
        let bytes = variable_bytes(&entry.body);
        if bytes > ENTRY_MAX {
            return Err(WriteError::EntryTooLarge { bytes });
        }
        if let Some(symbol) = symbol(&entry.body).filter(|id| usize::from(id.0) >= self.symbols) {
            return Err(WriteError::UnknownSymbol(symbol));
        }
        if self.given_up {
            return Err(WriteError::GivenUp);
        }
        self.pending.push(entry);
        if self.pending.is_full() { self.write_pending() } else { Ok(()) }
    }

    /// Hands everything recorded so far to the file: from then on a crash cannot take it.
    ///
    /// # Errors
    /// [`WriteError::Io`] or [`WriteError::GivenUp`].
    pub fn flush(&mut self) -> Result<(), WriteError> {
        self.write_pending()?;
        self.out.flush().map_err(|error| self.give_up(error))
    }

    /// Writes what is left, the index and the trailer; gives the file back.
    ///
    /// # Errors
    /// [`WriteError::Io`] or [`WriteError::GivenUp`]; the tape is then not sealed.
    pub fn finish(mut self) -> Result<W, WriteError> {
        self.write_pending()?;
        let index_at = self.offset;
        self.raw.clear();
        self.index.encode(&mut self.raw);
        self.write_block(INDEX, Totals::default())?;
        self.out.write_all(&trailer(self.segment, index_at))?;
        self.out.flush()?;
        Ok(self.out)
    }

    /// Entries that are recorded but in no block yet: what a crash now would cost.
    pub fn unwritten(&self) -> u64 {
        self.pending.totals().entries.into()
    }

    /// Bytes written so far.
    pub fn bytes(&self) -> u64 {
        self.offset
    }

    /// What is written to, for example to sync it to the disk.
    pub fn get_ref(&self) -> &W {
        &self.out
    }

    fn write_pending(&mut self) -> Result<(), WriteError> {
        if self.given_up {
            return Err(WriteError::GivenUp);
        }
        let totals = self.pending.totals();
        if totals.entries == 0 {
            return Ok(());
        }
        self.raw.clear();
        self.pending.drain_into(&mut self.raw);
        let (offset, sequence) = (self.offset, self.sequence);
        self.write_block(ENTRIES, totals)?;
        self.index.push(offset, sequence, &totals);
        Ok(())
    }

    /// Appends a block with the content of `raw`.
    fn write_block(&mut self, kind: u8, totals: Totals) -> Result<(), WriteError> {
        self.stored.clear();
        self.stored.reserve(zstd::zstd_safe::compress_bound(self.raw.len()));
        self.compressor
            .compress_to_buffer(&self.raw, &mut self.stored)
            .map_err(|error| self.give_up(error))?;
        let head = Head {
            kind,
            segment: self.segment,
            sequence: self.sequence,
            raw_bytes: self.raw.len() as u32,
            stored_bytes: self.stored.len() as u32,
            totals,
            payload_crc: crc32c::crc32c(&self.stored),
        };
        self.framed.clear();
        self.framed.reserve(HEAD_BYTES + self.stored.len());
        self.framed.extend_from_slice(&head.encode());
        self.framed.extend_from_slice(&self.stored);
        self.out.write_all(&self.framed).map_err(|error| self.give_up(error))?;
        self.sequence += 1;
        self.offset += head.span();
        Ok(())
    }

    fn give_up(&mut self, error: io::Error) -> WriteError {
        self.given_up = true;
        WriteError::Io(error)
    }
}

/// The symbol that an entry names.
pub(super) fn symbol(body: &Body<'_>) -> Option<SymbolId> {
    match *body {
        Body::Trade(trade) => Some(trade.symbol),
        Body::Candle { symbol, .. }
        | Body::Feed { symbol, .. }
        | Body::Halt { symbol, .. }
        | Body::Listed { symbol }
        | Body::Unrecoverable { symbol, .. }
        | Body::Done { symbol, .. } => Some(symbol),
        Body::Frame { .. } | Body::Answer { .. } | Body::Link { .. } | Body::Heartbeat(_) => None,
    }
}
