//! Raw frames with receive instants: `<receive ns> <combined-stream JSON>` per line.

use systems::limits::{EARLIEST_NS, LATEST_NS};
use systems::units::Nanos;

use super::Format;
use super::error::ImportError;
use super::record::{Reader, Record, wrong_format};
use super::source::Lines;

pub(super) struct Collector {
    lines: Lines,
    /// Where the frame begins in the line.
    frame: usize,
}

impl Collector {
    pub(super) fn new(lines: Lines) -> Self {
        Self { lines, frame: 0 }
    }
}

impl Reader for Collector {
    fn advance(&mut self) -> Result<Option<Nanos>, ImportError> {
        if !self.lines.advance()? {
            return Ok(None);
        }
        let line = self.lines.text();
        let received = line
            .split_once(' ')
            .filter(|(digits, _)| digits.len() == 19)
            .and_then(|(digits, _)| digits.parse().ok())
            .filter(|ns| (EARLIEST_NS..LATEST_NS).contains(ns));
        let Some(received) = received else {
            return Err(wrong_format(&self.lines, Format::Collector));
        };
        self.frame = 20;
        Ok(Some(Nanos(received)))
    }

    fn record(&self) -> Record<'_> {
        // One recorder, one connection: the format does not say more.
        Record::Frame { connection: "", text: self.lines.text().get(self.frame..).unwrap_or("") }
    }

    fn lines(&self) -> &Lines {
        &self.lines
    }
}
