//! Reading a tape, which may be torn, damaged or hostile: every number is checked before use.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use systems::units::Nanos;
use zstd::bulk::Decompressor;

use super::block::{Damage, ENTRIES, HEAD_BYTES, Head, INDEX, Reason, Totals};
use super::entry::Header;
use super::header::{self, OpenError, Preamble};
use super::index::{Index, TRAILER_BYTES, read_trailer};
use super::payload::Block;

/// How a tape ended, known once it was read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// Whether it was finished: its index and trailer are there. A crash leaves it unsealed.
    pub sealed: bool,
    /// Where and why reading stopped before the end of the file.
    pub damage: Option<Damage>,
    /// Bytes that are intact, from the start of the file unless damage was skipped.
    pub intact_bytes: u64,
    /// Bytes that could not be read.
    pub dropped_bytes: u64,
}

/// What keeps reading from going on.
pub(super) enum Stop {
    Io(io::Error),
    Damage(Reason),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Reason> for Stop {
    fn from(reason: Reason) -> Self {
        Self::Damage(reason)
    }
}

/// What a block turned out to be.
enum Found {
    Entries,
    Index,
    Unknown,
}

/// Reads a tape block by block.
pub struct Reader<R> {
    pub(super) source: R,
    preamble: Preamble,
    /// Size of the file when it was opened.
    pub(super) length: u64,
    /// Where the trailer at the end of the file says that the index is.
    index_at: Option<u64>,
    index: Option<Index>,
    /// Where the next block begins.
    pub(super) at: u64,
    /// Its sequence number.
    pub(super) sequence: u64,
    sealed: bool,
    pub(super) end: Option<End>,
    pub(super) skipped_bytes: u64,
    unknown_blocks: u64,
    stored: Vec<u8>,
    block: Block,
    decompressor: Decompressor<'static>,
}

impl Reader<File> {
    /// Opens the tape in a file.
    ///
    /// # Errors
    /// [`OpenError`]: the file cannot be read, is no tape, or its header is not intact.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::new(File::open(path)?)
    }
}

impl<R: Read + Seek> Reader<R> {
    /// Reads the header; blocks are read on demand.
    ///
    /// # Errors
    /// [`OpenError`]: the source cannot be read, is no tape, or its header is not intact.
    pub fn new(mut source: R) -> Result<Self, OpenError> {
        let length = source.seek(SeekFrom::End(0))?;
        source.seek(SeekFrom::Start(0))?;
        let preamble = header::read(&mut source)?;
        let index_at = find_trailer(&mut source, length, &preamble)?;
        Ok(Self {
            source,
            length,
            index_at,
            index: None,
            at: preamble.bytes,
            sequence: 0,
            sealed: index_at.is_some(),
            end: None,
            skipped_bytes: 0,
            unknown_blocks: 0,
            stored: Vec::new(),
            block: Block::default(),
            decompressor: Decompressor::new()?,
            preamble,
        })
    }

    /// What the tape says about itself.
    pub fn header(&self) -> &Header {
        &self.preamble.header
    }

    /// Version of the file's format.
    pub fn version(&self) -> u16 {
        self.preamble.version
    }

    /// The recording's segment id.
    pub fn segment(&self) -> u64 {
        self.preamble.segment
    }

    /// Blocks of a later program that were passed over so far.
    pub fn unknown_blocks(&self) -> u64 {
        self.unknown_blocks
    }

    /// How the tape ended; `None` until it was read to its end.
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// How the tape ended, or how it stands while it is being read.
    pub(super) fn end_so_far(&self) -> End {
        let dropped_bytes = self.skipped_bytes;
        let intact_bytes = self.at - dropped_bytes;
        let so_far = End { sealed: self.sealed, damage: None, intact_bytes, dropped_bytes };
        self.end.unwrap_or(so_far)
    }

    /// The next block, in memory that the reader reuses; `None` at the end, see [`Reader::end`].
    ///
    /// # Errors
    /// The source cannot be read. Damage is an end, not an error.
    pub fn next_block(&mut self) -> io::Result<Option<&Block>> {
        let mut block = core::mem::take(&mut self.block);
        let more = self.read(&mut block);
        self.block = block;
        Ok(more?.then_some(&self.block))
    }

    /// Reads the next block into one that the caller owns; `false` at the end.
    ///
    /// # Errors
    /// The source cannot be read. Damage is an end, not an error.
    pub fn read(&mut self, block: &mut Block) -> io::Result<bool> {
        while self.end.is_none() {
            block.clear();
            if self.at == self.length {
                self.finish(None);
                break;
            }
            match self.step(block) {
                Ok(Found::Entries) => return Ok(true),
                Ok(Found::Unknown) => self.unknown_blocks += 1,
                Ok(Found::Index) => {
                    let reason = self.check_trailer()?;
                    self.finish(reason);
                }
                Err(Stop::Damage(reason)) => self.finish(Some(reason)),
                Err(Stop::Io(error)) => return Err(error),
            }
        }
        block.clear();
        Ok(false)
    }

    /// Goes to the first block that may hold entries received at or after an instant, or to the
    /// end. Earlier entries of that block are still in it.
    ///
    /// # Errors
    /// The source cannot be read.
    pub fn seek(&mut self, at: Nanos) -> io::Result<()> {
        let index = match self.index.take() {
            Some(index) => index,
            None => match self.load_index()? {
                Some(index) => index,
                None => self.scan()?,
            },
        };
        self.go_to(&index, at);
        self.index = Some(index);
        if self.index_at.is_some() && self.intact_head()?.is_none() {
            // The index is wrong or what it points to is damaged: see for ourselves.
            self.index_at = None;
            let index = self.scan()?;
            self.go_to(&index, at);
            self.index = Some(index);
        }
        // A mark can cover several blocks.
        self.pass_over(|_, latest| at <= latest)
    }

    /// Passes over blocks of entries, unread, up to one that is wanted by the earliest and the
    /// latest instant at which its entries were received.
    pub(super) fn pass_over(&mut self, wanted: impl Fn(Nanos, Nanos) -> bool) -> io::Result<()> {
        while let Some(head) = self.intact_head()? {
            let Totals { earliest, latest, .. } = head.totals;
            if head.kind != ENTRIES || wanted(earliest, latest) {
                break;
            }
            self.pass(&head);
        }
        Ok(())
    }

    fn go_to(&mut self, index: &Index, at: Nanos) {
        (self.end, self.skipped_bytes) = (None, 0);
        (self.at, self.sequence) = (self.preamble.bytes, 0);
        if let Some(mark) = index.find(at).or(index.marks.last()) {
            (self.at, self.sequence) = (mark.offset, mark.sequence);
        }
    }

    /// Reads and checks the block at `at`, and moves behind it.
    fn step(&mut self, block: &mut Block) -> Result<Found, Stop> {
        let head = self.head_at(self.at)?;
        if head.sequence != self.sequence {
            let (expected, found) = (self.sequence, head.sequence);
            return Err(Reason::OutOfSequence { expected, found }.into());
        }
        self.load(&head)?;
        let found = match head.kind {
            ENTRIES => {
                inflate(&mut self.decompressor, &self.stored, &head, &mut block.raw)?;
                let symbols = self.preamble.header.symbols.len();
                block.decode(head.totals, symbols).ok_or(Reason::Malformed)?;
                (block.at_byte, block.stored_bytes) = (self.at, head.span());
                Found::Entries
            }
            INDEX => {
                inflate(&mut self.decompressor, &self.stored, &head, &mut block.raw)?;
                Index::decode(&block.raw).ok_or(Reason::Malformed)?;
                Found::Index
            }
            _ => Found::Unknown,
        };
        self.pass(&head);
        Ok(found)
    }

    /// Moves behind a block.
    fn pass(&mut self, head: &Head) {
        self.at += head.span();
        // A hostile file may begin to count anywhere.
        self.sequence = self.sequence.wrapping_add(1);
    }

    /// Reads the head at an offset; the whole block is inside the file.
    pub(super) fn head_at(&mut self, offset: u64) -> Result<Head, Stop> {
        let left = self.length.saturating_sub(offset);
        if let Some(missing) = (HEAD_BYTES as u64).checked_sub(left).filter(|&missing| missing > 0)
        {
            return Err(Reason::Torn { missing }.into());
        }
        let mut bytes = [0; HEAD_BYTES];
        self.source.seek(SeekFrom::Start(offset))?;
        self.source.read_exact(&mut bytes)?;
        let head = Head::decode(&bytes, self.preamble.segment)?;
        match head.span().checked_sub(left) {
            Some(missing) if missing > 0 => Err(Reason::Torn { missing }.into()),
            _ => Ok(head),
        }
    }

    /// Reads the payload behind a head that was just read.
    fn load(&mut self, head: &Head) -> Result<(), Stop> {
        // Heads are held against the limits and the size of the file before they get here.
        self.stored.resize(head.stored_bytes as usize, 0);
        self.source.read_exact(&mut self.stored)?;
        if crc32c::crc32c(&self.stored) != head.payload_crc {
            return Err(Reason::PayloadChecksum.into());
        }
        Ok(())
    }

    /// After the index there must be the trailer and the end of the file.
    fn check_trailer(&mut self) -> io::Result<Option<Reason>> {
        let mut bytes = [0; TRAILER_BYTES];
        let got = header::read_up_to(&mut self.source, &mut bytes)?;
        if got == 0 {
            return Ok(None);
        }
        if got < TRAILER_BYTES {
            return Ok(Some(Reason::Torn { missing: (TRAILER_BYTES - got) as u64 }));
        }
        if read_trailer(&bytes, self.preamble.segment).is_none() {
            return Ok(Some(Reason::Trailer));
        }
        self.sealed = true;
        self.at += TRAILER_BYTES as u64;
        Ok((self.at < self.length).then_some(Reason::TrailingBytes))
    }

    fn finish(&mut self, reason: Option<Reason>) {
        let dropped_bytes = self.length.saturating_sub(self.at) + self.skipped_bytes;
        self.end = Some(End {
            sealed: self.sealed,
            damage: reason.map(|reason| Damage { at_byte: self.at, reason }),
            intact_bytes: self.length.saturating_sub(dropped_bytes),
            dropped_bytes,
        });
    }

    /// The index that the trailer points to; `None` if there is none or it is not intact.
    pub(super) fn load_index(&mut self) -> io::Result<Option<Index>> {
        let Some(index_at) = self.index_at else { return Ok(None) };
        let mut raw = Vec::new();
        let loaded = self.head_at(index_at).and_then(|head| {
            self.load(&head)?;
            inflate(&mut self.decompressor, &self.stored, &head, &mut raw)?;
            let index = Index::decode(&raw).filter(|_| head.kind == INDEX);
            Ok(index.ok_or(Reason::Malformed)?)
        });
        match loaded {
            Ok(index) => Ok(Some(index)),
            Err(Stop::Damage(_)) => Ok(None),
            Err(Stop::Io(error)) => Err(error),
        }
    }

    /// Builds the index from the heads of blocks, as far as they are intact.
    fn scan(&mut self) -> io::Result<Index> {
        let mut index = Index::default();
        (self.at, self.sequence) = (self.preamble.bytes, 0);
        while let Some(head) = self.intact_head()?.filter(|head| head.kind != INDEX) {
            if head.kind == ENTRIES {
                index.push(self.at, self.sequence, &head.totals);
            }
            self.pass(&head);
        }
        Ok(index)
    }

    /// The head at `at` if it is the block that should be there.
    fn intact_head(&mut self) -> io::Result<Option<Head>> {
        match self.head_at(self.at) {
            Ok(head) => Ok(Some(head).filter(|head| head.sequence == self.sequence)),
            Err(Stop::Damage(_)) => Ok(None),
            Err(Stop::Io(error)) => Err(error),
        }
    }
}

fn find_trailer<R: Read + Seek>(
    source: &mut R,
    length: u64,
    preamble: &Preamble,
) -> io::Result<Option<u64>> {
    let Some(offset) = length.checked_sub(TRAILER_BYTES as u64) else { return Ok(None) };
    let mut bytes = [0; TRAILER_BYTES];
    source.seek(SeekFrom::Start(offset))?;
    source.read_exact(&mut bytes)?;
    Ok(read_trailer(&bytes, preamble.segment))
}

/// Decompresses into `raw`, which must come out at the size that the head claims.
fn inflate(
    decompressor: &mut Decompressor<'_>,
    stored: &[u8],
    head: &Head,
    raw: &mut Vec<u8>,
) -> Result<(), Reason> {
    let claimed = head.raw_bytes as usize;
    raw.clear();
    raw.reserve(claimed);
    match decompressor.decompress_to_buffer(stored, raw) {
        Ok(bytes) if bytes == claimed && raw.len() == claimed => Ok(()),
        _ => Err(Reason::Compression),
    }
}
