//! Interval logs as the tools of HdrHistogram read them (format 1.3, histograms in V2, deflated),
//! one line per interval and cell, tagged `stage.kind.phase`.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hdrhistogram::Counter;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{
    IntervalLogWriterBuilder, IntervalLogWriterError, Tag,
};
use systems::units::Nanos;

use super::cell::Distribution;
use super::sheet::Key;

/// Why a line was not written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A histogram that cannot be packed.
    #[error("a histogram cannot be packed: {0}")]
    Packing(String),
}

/// A file that grows by intervals and never beyond its budget: at half of it, it is put aside
/// as `FILE.1` in place of the one before, and begun anew.
pub(super) struct IntervalLog {
    path: PathBuf,
    out: BufWriter<File>,
    /// The instant of the run's clock from which lines count, and when that was by the wall clock.
    begun: (Nanos, Nanos),
    /// Bytes of this file, and of both together at most; `None` without limit.
    written: u64,
    budget: Option<u64>,
    serializer: V2DeflateSerializer,
    line: Vec<u8>,
}

impl IntervalLog {
    pub(super) fn create(
        path: &Path,
        budget: Option<u64>,
        begun: (Nanos, Nanos),
    ) -> Result<Self, LogError> {
        let out = BufWriter::new(File::create(path)?);
        let (serializer, line) = (V2DeflateSerializer::new(), Vec::new());
        let path = path.to_owned();
        let mut log = Self { path, out, begun, written: 0, budget, serializer, line };
        log.head()?;
        Ok(log)
    }

    fn head(&mut self) -> Result<(), LogError> {
        let wall = self.begun.1;
        let (seconds, ms) = (wall.0 / Nanos::PER_SECOND, wall.ms() % 1_000);
        let text = format!(
            "#[Logged with tapescan {}]\n#[Histogram log format version 1.3]\n\
             #[StartTime: {seconds}.{ms:03} (seconds since epoch)]\n\
             #[Values in nanoseconds, of step-size and inbox-size in events]\n\
             \"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\
             \"Interval_Compressed_Histogram\"\n",
            env!("CARGO_PKG_VERSION")
        );
        self.out.write_all(text.as_bytes())?;
        self.written += text.len() as u64;
        Ok(())
    }

    /// Writes what one cell held from `from` to `to`.
    pub(super) fn write<C: Counter>(
        &mut self,
        key: Key,
        cell: &Distribution<C>,
        (from, to): (Nanos, Nanos),
    ) -> Result<(), LogError> {
        let tag = tag(key);
        let since = |at: Nanos| Duration::from_nanos(at.0.saturating_sub(self.begun.0.0));
        let (start, length) = (since(from), since(to).saturating_sub(since(from)));
        self.line.clear();
        IntervalLogWriterBuilder::new()
            .begin_log_with(&mut self.line, &mut self.serializer)?
            .write_histogram(cell.histogram(), start, length, Tag::new(&tag))
            .map_err(|error| match error {
                IntervalLogWriterError::IoError(error) => LogError::Io(error),
                other => LogError::Packing(other.to_string()),
            })?;
        self.out.write_all(&self.line)?;
        self.written += self.line.len() as u64;
        Ok(())
    }

    /// An interval is complete: it is in the file, and the file within its budget.
    pub(super) fn flush(&mut self) -> Result<(), LogError> {
        self.out.flush()?;
        if self.budget.is_some_and(|budget| self.written >= budget / 2) {
            let mut aside = self.path.clone().into_os_string();
            aside.push(".1");
            fs::rename(&self.path, aside)?;
            self.out = BufWriter::new(File::create(&self.path)?);
            self.written = 0;
            self.head()?;
        }
        Ok(())
    }
}

/// How a cell is called in files.
pub(super) fn tag((stage, kind, phase): Key) -> String {
    format!("{}.{}.{}", stage.name(), kind.name(), phase.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency::{Cell, Kind, Phase, Stage};

    const KEY: Key = (Stage::Response, Kind::Trade, Phase::Calm);

    #[test]
    fn a_log_stays_within_its_budget_and_each_file_begins_with_its_head() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.hlog");
        let budget = 20_000;
        let begun = (Nanos(0), Nanos::from_seconds(1_700_000_000));
        let mut log = IntervalLog::create(&path, Some(budget), begun).unwrap();
        let second = |n: u64| Nanos::from_seconds(n);
        for at in 0..500 {
            let mut cell = Cell::default();
            (0..50).for_each(|n| cell.record(at * 977 + n * n, 1));
            log.write(KEY, &cell, (second(at), second(at + 1))).unwrap();
            log.flush().unwrap();
        }
        let files: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().path()).collect();
        assert_eq!(files.len(), 2, "{files:?}");
        let texts = files.iter().map(|file| fs::read_to_string(file).unwrap());
        let mut sum = 0;
        for text in texts {
            assert!(text.starts_with("#[Logged with tapescan"), "{text}");
            assert!(text.contains("#[StartTime: 1700000000.000 (seconds since epoch)]"));
            sum += text.len() as u64;
        }
        // The line that reaches the half may be over it.
        assert!(sum <= budget + 1_000 && sum > budget / 2, "{sum}");
    }
}
