//! Files as lines: plain, gzip or zip, told apart by their first bytes, never held whole.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::Crc;
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use zip::{CompressionMethod, ZipArchive};

use super::error::{FileFault, ImportError, LineFault};

/// The longest line, in bytes. Captured order books have some hundred kilobytes, exchangeInfo some
/// megabytes; a longer line is no text file of ours and is an error.
pub(super) const LINE_BYTES_MAX: usize = 64 << 20;

/// The lines of one file.
pub(super) struct Lines {
    file: PathBuf,
    input: BufReader<Box<dyn Read>>,
    line: Vec<u8>,
    number: u64,
    ahead: Option<Ahead>,
    /// Lines read, those ahead and blank ones included.
    read: u64,
}

/// The line after the present one, read before its turn.
struct Ahead {
    line: Vec<u8>,
    number: u64,
    /// Whether there is a line, or what is wrong with it.
    outcome: Result<bool, LineFault>,
}

impl Lines {
    /// Opens a file, whatever it is packed with.
    pub(super) fn open(path: &Path) -> Result<Self, ImportError> {
        let input = open(path).map_err(|fault| ImportError::File { file: path.into(), fault })?;
        let input = BufReader::with_capacity(1 << 16, input);
        let (line, ahead) = (Vec::new(), None);
        Ok(Self { file: path.into(), input, line, number: 0, ahead, read: 0 })
    }

    /// Goes to the next line that is not blank; `false` at the end.
    pub(super) fn advance(&mut self) -> Result<bool, ImportError> {
        let outcome = match self.ahead.take() {
            Some(ahead) => {
                (self.line, self.number) = (ahead.line, ahead.number);
                ahead.outcome
            }
            None => {
                let mut line = std::mem::take(&mut self.line);
                let outcome = self.read(&mut line);
                (self.line, self.number) = (line, self.read);
                outcome
            }
        };
        outcome.map_err(|fault| self.fault(fault))
    }

    /// The line after this one, if there is one that can be read. Where it cannot,
    /// [`Lines::advance`] says why.
    pub(super) fn peek(&mut self) -> Option<&str> {
        if self.ahead.is_none() {
            let mut line = Vec::new();
            let outcome = self.read(&mut line);
            self.ahead = Some(Ahead { line, number: self.read, outcome });
        }
        let ahead = self.ahead.as_ref().filter(|ahead| matches!(ahead.outcome, Ok(true)))?;
        str::from_utf8(&ahead.line).ok()
    }

    /// Reads the next line that is not blank.
    fn read(&mut self, line: &mut Vec<u8>) -> Result<bool, LineFault> {
        loop {
            line.clear();
            self.read += 1;
            let limit = LINE_BYTES_MAX as u64 + 1;
            match self.input.by_ref().take(limit).read_until(b'\n', line) {
                Err(error) => return Err(unpacking(error)),
                Ok(0) => {
                    self.read -= 1;
                    return Ok(false);
                }
                Ok(read) if read > LINE_BYTES_MAX => {
                    return Err(LineFault::TooLong(LINE_BYTES_MAX));
                }
                Ok(_) => {}
            }
            line.truncate(line.trim_ascii_end().len());
            if self.read == 1 && line.starts_with(b"\xef\xbb\xbf") {
                line.drain(..3);
            }
            if str::from_utf8(line).is_err() {
                return Err(LineFault::NotUtf8);
            }
            if !line.is_empty() {
                return Ok(true);
            }
        }
    }

    /// The line, without its end.
    pub(super) fn text(&self) -> &str {
        // Checked by `advance`; asking again is cheaper than carrying both.
        str::from_utf8(&self.line).unwrap_or_default()
    }

    /// How many lines were read.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The file and the line, for messages.
    pub(super) fn place(&self) -> String {
        format!("{}, line {}", self.file.display(), self.number)
    }

    /// An error about this line.
    pub(super) fn fault(&self, fault: LineFault) -> ImportError {
        ImportError::Line { file: self.file.clone(), line: self.number, fault }
    }

    /// An error about this file.
    pub(super) fn file_fault(&self, fault: FileFault) -> ImportError {
        ImportError::File { file: self.file.clone(), fault }
    }
}

/// Reads a whole file of at most `limit` bytes.
pub(super) fn read_whole(path: &Path, limit: u64) -> Result<String, FileFault> {
    let mut text = String::new();
    let read = open(path)?.take(limit + 1).read_to_string(&mut text).map_err(FileFault::Read)?;
    if read as u64 > limit { Err(FileFault::TooLong(limit)) } else { Ok(text) }
}

fn unpacking(error: io::Error) -> LineFault {
    match error.kind() {
        ErrorKind::UnexpectedEof => LineFault::CutShort,
        // What decompressors say of bytes that cannot be.
        ErrorKind::InvalidData | ErrorKind::InvalidInput => LineFault::Damaged(error),
        _ => LineFault::Read(error),
    }
}

fn open(path: &Path) -> Result<Box<dyn Read>, FileFault> {
    let mut file = File::open(path).map_err(FileFault::Read)?;
    let mut magic = Vec::new();
    file.by_ref().take(4).read_to_end(&mut magic).map_err(FileFault::Read)?;
    file.rewind().map_err(FileFault::Read)?;
    match magic[..] {
        [0x1f, 0x8b, ..] => Ok(Box::new(MultiGzDecoder::new(BufReader::new(file)))),
        [b'P', b'K', 3, 4] => unzip(file),
        _ => Ok(Box::new(file)),
    }
}

/// The one file in a zip archive, as a stream of its own.
///
/// The archive lends its entries, which does not outlive this function; so we take from it where
/// the data lies and read that ourselves, with its checksum.
fn unzip(file: File) -> Result<Box<dyn Read>, FileFault> {
    let mut archive = ZipArchive::new(file).map_err(FileFault::Zip)?;
    let mut entries = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(FileFault::Zip)?;
        if !entry.is_dir() {
            entries.push(index);
        }
    }
    let [index] = entries[..] else { return Err(FileFault::ZipFiles(entries.len())) };
    let entry = archive.by_index_raw(index).map_err(FileFault::Zip)?;
    let (method, size, want) = (entry.compression(), entry.compressed_size(), entry.crc32());
    let Some(start) = entry.data_start().filter(|_| !entry.encrypted()) else {
        return Err(FileFault::ZipMethod);
    };
    drop(entry);
    let mut file = archive.into_inner();
    file.seek(SeekFrom::Start(start)).map_err(FileFault::Read)?;
    let packed = BufReader::new(file).take(size);
    match method {
        CompressionMethod::Stored => Ok(Box::new(Summed { input: packed, sum: Crc::new(), want })),
        CompressionMethod::Deflated => {
            let input = DeflateDecoder::new(packed);
            Ok(Box::new(Summed { input, sum: Crc::new(), want }))
        }
        _ => Err(FileFault::ZipMethod),
    }
}

/// Bytes whose checksum is compared when they end.
struct Summed<R> {
    input: R,
    sum: Crc,
    want: u32,
}

impl<R: Read> Read for Summed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.sum.update(&buffer[..read]);
        if read == 0 && !buffer.is_empty() && self.sum.sum() != self.want {
            return Err(io::Error::new(ErrorKind::InvalidData, "the checksum does not match"));
        }
        Ok(read)
    }
}
