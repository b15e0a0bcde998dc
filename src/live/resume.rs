//! Going on from the tapes of an earlier session: which of them, through the engine, and what is
//! then no longer to be fetched.
//!
//! Tapes are gone through as far back as the lookback of the base interval reaches; longer candles
//! from before that come from the venue, as at any start. What was missed since the last entry is
//! a lost feed like any other: the first print of each symbol proves continuity or opens a gap,
//! and its ids are asked for.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use systems::symbol::SymbolSpec;
use systems::trade::SymbolId;
use systems::units::Nanos;
use tokio::task::spawn_blocking;

use super::LiveError;
use super::drive::Parts;
use super::limits::AHEAD_NS;
use super::record::shelf::Shelf;
use crate::clock::Stopwatch;
use crate::config::Config;
use crate::logging::timestamp;
use crate::replay::{CaughtUp, Tapes, catch_up};
use crate::rest::budget::Priority;
use crate::rest::plan::{Job, Wanted};
use crate::tape::{self, Reader};

/// Tapes that a session can go on from.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    /// The files, the oldest first.
    pub(super) files: Vec<PathBuf>,
    /// The symbols of all of them.
    pub(super) symbols: Vec<SymbolSpec>,
}

impl Earlier {
    /// The newest tapes of the shelf, as far back as the lookback reaches; none, after saying why,
    /// if this session cannot go on from them.
    pub(super) fn find(shelf: &Shelf, venue: &str, config: &Config, now: Nanos) -> Self {
        let base = &config.intervals[0];
        let reach = now.minus(base.lookback as u64 * base.interval.ns());
        let mut earlier = Self::default();
        let mut end = None;
        for tape in shelf.tapes().rev() {
            let file = tape.file.display();
            let info = match (end, tape::Reader::open(&tape.file)) {
                (_, Err(_)) => break,
                // How the newest one ended decides; the others are read when their turn comes.
                (None, Ok(_)) => tape::info(&tape.file).ok(),
                (Some(_), Ok(_)) => None,
            };
            if let Some(info) = &info {
                tell_end(&tape.file, info);
                let Some(span) = info.received else { continue };
                end = Some(span.last);
            }
            let Some(end) = end else { break };
            if let Err(why) = fits(&tape.file, venue, config, &earlier.symbols) {
                log::warn!("{file} {why}: the session does not go on from it");
                break;
            }
            if end < reach || end > now.plus(AHEAD_NS) {
                let at = timestamp(end);
                log::warn!("{file} ends at {at}, too far from now: the session begins anew");
                break;
            }
            if earlier.symbols.is_empty() {
                earlier.symbols = symbols(&tape.file);
            }
            earlier.files.push(tape.file.clone());
            if tape.begun <= reach {
                break;
            }
        }
        earlier.files.reverse();
        earlier
    }

    /// The same, or none if the symbols turned out to be others. New ones may follow.
    pub(super) fn of(self, symbols: &[SymbolSpec]) -> Self {
        if self.files.is_empty() || symbols.starts_with(&self.symbols) {
            return self;
        }
        let why = difference(&self.symbols, symbols);
        log::warn!(
            "the earlier tapes have other symbols ({why}): the session begins anew beside them; \
             name the same symbols to go on from them, or record to another folder"
        );
        Self::default()
    }

    /// Takes the tapes through the session and the engine, and leaves out of the warm-up what they
    /// brought.
    pub(super) async fn resume(
        &self,
        parts: Parts,
        cancelled: Arc<AtomicBool>,
    ) -> Result<Parts, LiveError> {
        if self.files.is_empty() {
            return Ok(parts);
        }
        let files = self.files.clone();
        let work = move || -> Result<Parts, LiveError> {
            let mut parts = parts;
            let watch = Stopwatch::start();
            let mut tapes = Tapes::open(&files).map_err(|error| LiveError::Resume(error.into()))?;
            let Parts { session, engine, outputs, intervals, .. } = &mut parts;
            let going = || !cancelled.load(Ordering::Relaxed);
            let caught = catch_up(&mut tapes, intervals, session, engine, outputs, &going);
            let caught = caught.map_err(LiveError::Resume)?;
            tell(&caught, &files, watch);
            let wanted = |job: &Job| !is_held(job, &parts);
            let jobs: Vec<_> = parts.jobs.iter().filter(|job| wanted(job)).cloned().collect();
            let held = parts.jobs.len() - jobs.len();
            log::info!("{held} of {} requests of the warm-up are on tape", parts.jobs.len());
            (parts.jobs, parts.earlier) = (jobs, caught);
            Ok(parts)
        };
        spawn_blocking(work).await.map_err(|_| LiveError::Broken("going through earlier tapes"))?
    }
}

fn tell(caught: &CaughtUp, files: &[PathBuf], watch: Stopwatch) {
    log::info!(
        "resumed from {} tapes: {} entries, {} prints up to {}, in {:.1} s; {} requests are open",
        files.len(),
        caught.entries,
        caught.prints,
        timestamp(caught.received),
        watch.elapsed().as_secs_f64(),
        caught.requests.len()
    );
}

/// What a hard end cost.
fn tell_end(file: &std::path::Path, info: &tape::Info) {
    if info.end.sealed && info.end.damage.is_none() {
        return;
    }
    let at = info.received.map_or_else(
        || "before its first block".to_owned(),
        |span| {
            format!("at {}, and what was received after that is not on it", timestamp(span.last))
        },
    );
    let torn = info.end.damage.map_or_else(String::new, |damage| {
        format!("; {} bytes behind it cannot be read ({damage})", info.end.dropped_bytes)
    });
    log::warn!(
        "{} was not sealed: its recorder was stopped hard. It ends {at}{torn}",
        file.display()
    );
}

fn symbols(file: &std::path::Path) -> Vec<SymbolSpec> {
    Reader::open(file).map_or_else(|_| Vec::new(), |tape| tape.header().symbols.clone())
}

/// Whether a tape belongs to the same session; `symbols` are those of later tapes, if any.
fn fits(
    file: &std::path::Path,
    venue: &str,
    config: &Config,
    symbols: &[SymbolSpec],
) -> Result<(), String> {
    let tape = Reader::open(file).map_err(|error| format!("cannot be read ({error})"))?;
    let header = tape.header();
    if header.venue != venue {
        return Err(format!("is of venue {}", header.venue));
    }
    match Config::parse("the tape", &header.config) {
        Ok(theirs) if theirs.decides_like(config) => {}
        _ => return Err("was recorded with another configuration".to_owned()),
    }
    // Later ones also have those that were listed meanwhile.
    if !symbols.is_empty() && !symbols.starts_with(&header.symbols) {
        return Err("has other symbols than the tape after it".to_owned());
    }
    Ok(())
}

/// Names one symbol that makes two lists differ.
fn difference(earlier: &[SymbolSpec], now: &[SymbolSpec]) -> String {
    let missing = |of: &[SymbolSpec], from: &[SymbolSpec]| {
        of.iter().find(|spec| !from.iter().any(|other| other.name == spec.name)).cloned()
    };
    match (missing(earlier, now), missing(now, earlier)) {
        (Some(spec), _) => format!("{} is followed no more", spec.name),
        (None, Some(spec)) => format!("{} is new", spec.name),
        (None, None) => "their order or decimals changed".to_owned(),
    }
}

/// Whether a row holds all candles that a job of the warm-up would fetch, those since the end of
/// the tapes aside.
fn is_held(job: &Job, parts: &Parts) -> bool {
    let Wanted::Candles { symbol, interval, from, .. } = job.wanted else { return false };
    let place = parts.intervals.iter().position(|known| *known == interval);
    let Some(place) = place.filter(|_| job.priority == Priority::WarmUp) else { return false };
    let held = parts.engine.candles(SymbolId(symbol.0), place as u8);
    let mut times = held.iter().map(|candle| candle.open_time).skip_while(|at| *at < from);
    let Some(first) = times.next() else { return false };
    let mut next = first.plus(interval.ns());
    first == from && times.all(|at| at == std::mem::replace(&mut next, at.plus(interval.ns())))
}
