//! Going on behind damage: for looking at what is left, never by default.

use std::io::{self, Read, Seek, SeekFrom};

use super::block::{HEAD_BYTES, Head, MARKER, Reason};
use super::header::read_up_to;
use super::reader::{Reader, Stop};

/// Bytes searched at a time.
const CHUNK: usize = 256 << 10;

impl<R: Read + Seek> Reader<R> {
    /// After an end by damage, goes to the next intact block behind it. `false` if there is none
    /// or nothing was damaged. What lies between is lost to the reader and counted as dropped.
    ///
    /// # Errors
    /// The source cannot be read.
    pub fn skip_damage(&mut self) -> io::Result<bool> {
        let Some(damage) = self.end.and_then(|end| end.damage) else { return Ok(false) };
        // A block that comes too early is itself intact.
        let intact = matches!(damage.reason, Reason::OutOfSequence { .. });
        let mut from = damage.at_byte + u64::from(!intact);
        while let Some(at) = self.find_marker(from)? {
            match self.head_at(at) {
                Ok(head) if self.sequence <= head.sequence => {
                    self.skipped_bytes += at - self.at;
                    (self.at, self.sequence, self.end) = (at, head.sequence, None);
                    return Ok(true);
                }
                Err(Stop::Io(error)) => return Err(error),
                _ => from = at + 1,
            }
        }
        Ok(false)
    }

    /// Offset of the next head of this recording with an intact checksum.
    fn find_marker(&mut self, mut from: u64) -> io::Result<Option<u64>> {
        let mut chunk = vec![0; CHUNK];
        while from + HEAD_BYTES as u64 <= self.length {
            self.source.seek(SeekFrom::Start(from))?;
            let got = read_up_to(&mut self.source, &mut chunk)?;
            // Heads are checked here: a file full of markers must not cost a seek for each.
            let intact = memchr::memmem::find_iter(&chunk[..got], &MARKER).find(|&at| {
                let bytes = chunk[at..got].first_chunk::<HEAD_BYTES>();
                bytes.is_some_and(|bytes| Head::decode(bytes, self.segment()).is_ok())
            });
            match intact {
                Some(at) => return Ok(Some(from + at as u64)),
                None if got < CHUNK => return Ok(None),
                // The next chunk begins with what was too short to be a head.
                None => from += (CHUNK - HEAD_BYTES + 1) as u64,
            }
        }
        Ok(None)
    }
}
