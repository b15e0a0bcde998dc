//! Goldens: what a run must give again, and the comparison that says where it did not.

use std::path::Path;

use serde::{Deserialize, Serialize};
use systems::units::Nanos;

use super::Failure;
use super::output::NewFile;
use crate::digest::MinuteDigest;
use crate::logging::timestamp;
use crate::replay::Summary;
use crate::tape::{Reader, bisect};

/// The outcome of a run, as a file.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Golden {
    /// Hash over everything that came out, as hex.
    digest: String,
    trades: u64,
    candles: u64,
    /// Minutes since the epoch and the hash of what came out in each, as hex.
    minutes: Vec<(u64, String)>,
}

impl Golden {
    /// What a run gave.
    pub(super) fn of(summary: &Summary) -> Self {
        let hex = |&(minute, digest): &MinuteDigest| (minute, format!("{digest:016x}"));
        Self {
            digest: summary.digest.clone(),
            trades: summary.trades,
            candles: summary.candles,
            minutes: summary.minutes.iter().map(hex).collect(),
        }
    }

    /// Reads a file that [`Golden::write`] made.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read(path).map_err(Failure::reading(path))?;
        serde_json::from_slice(&text).map_err(|error| {
            let what = match Reader::open(path) {
                Ok(_) => "a tape".to_owned(),
                Err(_) => format!("no golden ({error})"),
            };
            let wanted = "expected is the file that `replay --bless` made of an earlier run";
            Failure::Usage(format!("{} is {what}; {wanted}", path.display()))
        })
    }

    /// Writes it.
    pub(super) fn write(&self, file: NewFile) -> Result<(), Failure> {
        let text = serde_json::to_string(self).map_err(Failure::failed)?;
        file.write(|out| writeln!(out, "{text}"))
    }

    /// The first minute in which two runs differ, as text.
    pub(super) fn first_difference(&self, other: &Self) -> Option<String> {
        let minute: u64 = bisect(&self.minutes, &other.minutes)?;
        Some(timestamp(Nanos::from_seconds(minute * 60)))
    }

    /// Compares a run with what it must give.
    ///
    /// # Errors
    /// [`Failure::Differs`] says what differs and since when.
    pub(super) fn compare(&self, run: &Self, path: &Path) -> Result<(), Failure> {
        if self == run {
            return Ok(());
        }
        let mut what = Vec::new();
        for (name, golden, ours) in
            [("trades", self.trades, run.trades), ("candles", self.candles, run.candles)]
        {
            if golden != ours {
                what.push(format!("{name} {ours} instead of {golden}"));
            }
        }
        if self.digest != run.digest {
            what.push(format!("digest {} instead of {}", run.digest, self.digest));
        }
        if let Some(minute) = self.first_difference(run) {
            what.push(format!("first in the minute {minute}"));
        }
        Err(Failure::Differs(format!("differs from {}: {}", path.display(), what.join(", "))))
    }
}
