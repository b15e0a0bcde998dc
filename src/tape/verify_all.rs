//! Several tapes as the sessions that they hold: what is wrong with each, and between them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use systems::units::Nanos;

use super::header::OpenError;
use super::info::info;
use super::limits::PROBLEMS_MAX;
use super::reader::Reader;
use super::verify::{Before, Verification, check};

/// Ids of a symbol that no tape has or gives up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The venue's name.
    pub venue: String,
    /// The symbol's name.
    pub symbol: Box<str>,
    /// First id missing.
    pub from_id: u64,
    /// Last id missing.
    pub to_id: u64,
}

/// What checking several tapes found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Each tape in the order of time; missing ids are not among their problems.
    pub tapes: Vec<(PathBuf, Verification)>,
    /// The first [`PROBLEMS_MAX`] ranges of missing ids.
    pub missing: Vec<Missing>,
    /// How many ranges there are, listed or not.
    pub missing_ranges: u64,
    /// Ids missing, over all symbols.
    pub missing_ids: u64,
}

impl Verified {
    /// How many things are wrong.
    pub fn problem_count(&self) -> u64 {
        let own = self.tapes.iter().map(|(_, found)| found.problem_count);
        own.sum::<u64>() + self.missing_ranges
    }
}

/// Checks tapes as one session for each venue, in the order of time: an id that is missing on one
/// may be on a later one, and one that is missing between two is found. Tapes that overlap in
/// receive time are a problem of the later one.
///
/// # Errors
/// [`OpenError`] with its file: it cannot be read, is no tape, or its header is not intact.
pub fn verify_all(files: &[PathBuf]) -> Result<Verified, (PathBuf, OpenError)> {
    let at = |file: &Path| {
        let file = file.to_owned();
        move |error: OpenError| (file, error)
    };
    let mut order = Vec::new();
    for file in files {
        let info = info(file).map_err(at(file))?;
        // One without entries says nothing and stands anywhere.
        let first = info.received.map_or(Nanos(0), |span| span.first);
        order.push((first, file.clone(), info.header.venue));
    }
    order.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    let (mut verified, mut sessions) = (Verified::default(), BTreeMap::<String, Before>::new());
    for (_, file, venue) in order {
        let mut reader = Reader::open(&file).map_err(at(&file))?;
        let before = sessions.entry(venue).or_default();
        let found = check(&mut reader, before).map_err(|error| (file.clone(), error.into()))?;
        verified.tapes.push((file, found));
    }
    for (venue, before) in &sessions {
        for (symbol, from_id, to_id) in before.missing() {
            let ids = (to_id - from_id).saturating_add(1);
            verified.missing_ids = verified.missing_ids.saturating_add(ids);
            verified.missing_ranges += 1;
            if verified.missing.len() < PROBLEMS_MAX {
                let venue = venue.clone();
                verified.missing.push(Missing { venue, symbol, from_id, to_id });
            }
        }
    }
    Ok(verified)
}
