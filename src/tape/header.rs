//! The beginning of a file: what it is, which version, and what the tape says about itself.
//!
//! ```text
//!  0  magic         "TAPE\r\n\x1a\n": a transfer as text breaks it visibly
//!  8  version       u16
//! 10  nothing yet   u16
//! 12  raw bytes     u32, of the header before compression
//! 16  stored bytes  u32, of the header as it follows
//! 20  crc           u32, crc32c of bytes 8..20, 24..32 and the stored header
//! 24  segment       u64
//! 32  the header, one zstd frame: venue, program, config (length and UTF-8 each), then symbols:
//!     varint count, and for each its name and four bytes: price decimals, price width,
//!     quantity decimals, quantity width. Bytes after that belong to later versions.
//! ```

use std::io::{self, Read, Write};

use systems::limits::SYMBOLS_MAX;
use systems::symbol::SymbolSpec;
use systems::units::Scale;

use super::bytes::{Cursor, put_bytes, put_varint, u32_at, u64_at};
use super::entry::Header;
use super::limits::HEADER_MAX;

/// The version this program writes, and the newest it reads.
pub const VERSION: u16 = 1;

const MAGIC: [u8; 8] = *b"TAPE\r\n\x1a\n";
const FIXED: usize = 32;

/// What the writer and the reader keep of the beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Preamble {
    pub(super) version: u16,
    pub(super) segment: u64,
    pub(super) header: Header,
    /// Where the first block begins.
    pub(super) bytes: u64,
}

/// Why a tape cannot be begun.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The file could not be written.
    #[error("cannot write the tape's header: {0}")]
    Io(#[from] io::Error),
    /// More symbols than ids can number.
    #[error("{0} symbols, but a tape holds at most {SYMBOLS_MAX}")]
    TooManySymbols(usize),
    /// A symbol's scale that no reader would accept.
    #[error("symbol {0} has more decimals than digits, or more than {max}", max = Scale::MAX_DECIMALS)]
    Scale(Box<str>),
    /// Venue, program, configuration and symbols together are too large.
    #[error("the header has {bytes} bytes, but at most {HEADER_MAX} are allowed")]
    HeaderTooLarge {
        /// Its size.
        bytes: usize,
    },
}

/// Why a tape cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file could not be read.
    #[error("cannot read the tape: {0}")]
    Io(#[from] io::Error),
    /// It does not begin like a tape.
    #[error("not a tape")]
    NotATape,
    /// Upgrade before replaying.
    #[error("written by a newer tapescan (format v{version}), this one reads up to v{VERSION}")]
    Newer {
        /// The version of the file.
        version: u16,
    },
    /// The file ends inside its header, so nothing was recorded.
    #[error("the file ends inside its header, at byte {at_byte}")]
    Torn {
        /// Size of the file in bytes.
        at_byte: u64,
    },
    /// The header claims more bytes than any header may have.
    #[error("the header claims {claimed} bytes, but at most {HEADER_MAX} are allowed")]
    HeaderTooLarge {
        /// What it claims.
        claimed: u32,
    },
    /// The header is all there and not intact.
    #[error("the tape's header is damaged: {0}")]
    HeaderDamaged(&'static str),
}

/// Writes the beginning of a tape; returns its size in bytes.
pub(super) fn write(
    out: &mut impl Write,
    header: &Header,
    segment: u64,
) -> Result<u64, CreateError> {
    let raw = encode(header)?;
    if raw.len() > HEADER_MAX {
        return Err(CreateError::HeaderTooLarge { bytes: raw.len() });
    }
    Ok(write_raw(out, &raw, segment)?)
}

fn write_raw(out: &mut impl Write, raw: &[u8], segment: u64) -> io::Result<u64> {
    let stored = zstd::bulk::compress(raw, super::LEVEL)?;
    let mut fixed = [0u8; FIXED];
    fixed[..8].copy_from_slice(&MAGIC);
    fixed[8..10].copy_from_slice(&VERSION.to_le_bytes());
    fixed[12..16].copy_from_slice(&(raw.len() as u32).to_le_bytes());
    fixed[16..20].copy_from_slice(&(stored.len() as u32).to_le_bytes());
    fixed[24..].copy_from_slice(&segment.to_le_bytes());
    let crc = checksum(&fixed, &stored);
    fixed[20..24].copy_from_slice(&crc.to_le_bytes());
    out.write_all(&[&fixed[..], &stored].concat())?;
    Ok((FIXED + stored.len()) as u64)
}

/// Reads the beginning of a tape.
pub(super) fn read(source: &mut impl Read) -> Result<Preamble, OpenError> {
    let mut fixed = [0u8; FIXED];
    let mut got = read_up_to(source, &mut fixed)?;
    if got < MAGIC.len() || fixed[..8] != MAGIC {
        return Err(OpenError::NotATape);
    }
    let version = u16::from_le_bytes([fixed[8], fixed[9]]);
    // Before anything else: a newer format may lay out everything behind this differently.
    if got >= 10 && version > VERSION {
        return Err(OpenError::Newer { version });
    }
    if got < FIXED {
        return Err(OpenError::Torn { at_byte: got as u64 });
    }
    let (raw_bytes, stored_bytes) = (u32_at(&fixed, 12), u32_at(&fixed, 16));
    for claimed in [raw_bytes, stored_bytes] {
        if claimed as usize > HEADER_MAX {
            return Err(OpenError::HeaderTooLarge { claimed });
        }
    }
    // Grows with what is read, not with what is claimed.
    let mut stored = Vec::new();
    got += source.take(u64::from(stored_bytes)).read_to_end(&mut stored)?;
    if stored.len() < stored_bytes as usize {
        return Err(OpenError::Torn { at_byte: got as u64 });
    }
    if checksum(&fixed, &stored) != u32_at(&fixed, 20) {
        return Err(OpenError::HeaderDamaged("it does not match its checksum"));
    }
    let raw = zstd::bulk::decompress(&stored, raw_bytes as usize)
        .ok()
        .filter(|raw| raw.len() == raw_bytes as usize)
        .ok_or(OpenError::HeaderDamaged("it does not decompress to its size"))?;
    let header = decode(&mut Cursor(&raw))
        .filter(|_| version > 0)
        .ok_or(OpenError::HeaderDamaged("its fields are malformed"))?;
    Ok(Preamble { version, segment: u64_at(&fixed, 24), header, bytes: got as u64 })
}

fn checksum(fixed: &[u8; FIXED], stored: &[u8]) -> u32 {
    let crc = crc32c::crc32c(&fixed[8..20]);
    crc32c::crc32c_append(crc32c::crc32c_append(crc, &fixed[24..]), stored)
}

fn encode(header: &Header) -> Result<Vec<u8>, CreateError> {
    if header.symbols.len() > SYMBOLS_MAX {
        return Err(CreateError::TooManySymbols(header.symbols.len()));
    }
    let mut out = Vec::new();
    for text in [&header.venue, &header.program, &header.config] {
        put_bytes(&mut out, text.as_bytes());
    }
    put_varint(&mut out, header.symbols.len() as u64);
    for symbol in &header.symbols {
        if !readable(symbol.price) || !readable(symbol.quantity) {
            return Err(CreateError::Scale(symbol.name.clone()));
        }
        put_bytes(&mut out, symbol.name.as_bytes());
        for scale in [symbol.price, symbol.quantity] {
            out.extend([scale.decimals, scale.width]);
        }
    }
    Ok(out)
}

fn readable(scale: Scale) -> bool {
    scale.decimals <= scale.width && scale.decimals <= Scale::MAX_DECIMALS
}

fn decode(cursor: &mut Cursor<'_>) -> Option<Header> {
    let mut text = || cursor.text().map(str::to_owned);
    let (venue, program, config) = (text()?, text()?, text()?);
    let count = cursor.small::<usize>().filter(|&count| count <= SYMBOLS_MAX)?;
    let mut symbols = Vec::new();
    for _ in 0..count {
        let name = cursor.text()?.into();
        let mut scale = || Some(Scale { decimals: cursor.byte()?, width: cursor.byte()? });
        let (price, quantity) = (scale()?, scale()?);
        if !readable(price) || !readable(quantity) {
            return None;
        }
        symbols.push(SymbolSpec { name, price, quantity });
    }
    Some(Header { venue, program, config, symbols })
}

/// Fills `buffer` as far as the source reaches.
pub(super) fn read_up_to(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match source.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(count) => got += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbol(name: &str) -> SymbolSpec {
        let scale = Scale { decimals: 2, width: 8 };
        SymbolSpec { name: name.into(), price: scale, quantity: Scale::exact(0) }
    }

    fn header(symbols: Vec<SymbolSpec>) -> Header {
        let (venue, program, config) = ("binance".into(), "tapescan 0.1.0".into(), String::new());
        Header { venue, program, config, symbols }
    }

    fn written(header: &Header) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out, header, 77).unwrap();
        out
    }

    #[test]
    fn a_header_comes_back() {
        for symbols in [vec![], vec![symbol("BTCUSDT"), symbol("币安人生USDT"), symbol("")]] {
            let header = header(symbols);
            let bytes = written(&header);
            let read = read(&mut &bytes[..]).unwrap();
            let size = bytes.len() as u64;
            assert_eq!(read, Preamble { version: 1, segment: 77, header, bytes: size });
        }
    }

    #[test]
    fn a_cut_header_says_where_the_file_ends() {
        let bytes = written(&header(vec![symbol("A")]));
        for cut in 0..bytes.len() {
            match (cut, read(&mut &bytes[..cut])) {
                (..8, Err(OpenError::NotATape)) => {}
                (8.., Err(OpenError::Torn { at_byte })) => assert_eq!(at_byte, cut as u64),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        let bytes = written(&header(vec![symbol("A")]));
        for bit in 0..bytes.len() * 8 {
            // Bytes that mean nothing yet may hold anything, but are under the checksum as well.
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&mut &flipped[..]).is_err(), "{bit}");
        }
    }

    #[test]
    fn a_newer_version_is_refused_by_name() {
        let mut bytes = written(&header(vec![]));
        bytes[8] = 7;
        let error = read(&mut &bytes[..10]).unwrap_err();
        let text = "written by a newer tapescan (format v7), this one reads up to v1";
        assert_eq!(error.to_string(), text);
        bytes[8] = 0;
        assert!(matches!(read(&mut &bytes[..]), Err(OpenError::HeaderDamaged(_))));
    }

    #[test]
    fn huge_claims_are_refused_before_memory_is_taken() {
        for at in [12, 16] {
            let mut bytes = written(&header(vec![]));
            bytes[at..at + 4].copy_from_slice(&(HEADER_MAX as u32 + 1).to_le_bytes());
            let got = read(&mut &bytes[..]);
            assert!(matches!(got, Err(OpenError::HeaderTooLarge { claimed: 4_194_305 })));
        }
    }

    #[test]
    fn fields_of_a_later_program_are_passed_over() {
        let header = header(vec![symbol("A")]);
        let mut raw = encode(&header).unwrap();
        raw.extend(b"a field that version 1 does not know");
        let mut bytes = Vec::new();
        write_raw(&mut bytes, &raw, 77).unwrap();
        assert_eq!(read(&mut &bytes[..]).unwrap().header, header);
    }

    #[test]
    fn limits_hold_when_writing() {
        let most = header((0..SYMBOLS_MAX).map(|i| symbol(&i.to_string())).collect());
        assert_eq!(read(&mut &written(&most)[..]).unwrap().header, most);
        let mut too_many = most;
        too_many.symbols.push(symbol("one more"));
        let got = write(&mut io::sink(), &too_many, 0);
        assert!(matches!(got, Err(CreateError::TooManySymbols(65_536))));

        let mut large = header(vec![]);
        large.config = "x".repeat(HEADER_MAX - encode(&large).unwrap().len() - 3);
        assert_eq!(read(&mut &written(&large)[..]).unwrap().header, large);
        large.config.push('x');
        let got = write(&mut io::sink(), &large, 0);
        assert!(matches!(got, Err(CreateError::HeaderTooLarge { bytes: 4_194_305 })));

        let mut narrow = header(vec![symbol("A")]);
        narrow.symbols[0].price.width = 1;
        assert!(matches!(write(&mut io::sink(), &narrow, 0), Err(CreateError::Scale(_))));
    }
}
