//! The universe: places of all symbols by a score, candle by candle.
//!
//! Symbols are compared over the same stretch of time, once all of their candles of it are due. A
//! correction ranks its stretch anew, for all of them. Of equal scores the symbol with the lower
//! number comes first, so the places depend on nothing but the scores.

use bevy_ecs::prelude::*;

use super::Source;
use super::judge::views;
use super::lanes::Lanes;
use crate::awake::Awake;
use crate::ingest::Inbox;
use crate::limits::REJUDGE_MAX;
use crate::ring::Ring;
use crate::row::{Row, Rows};
use crate::settings::Settings;
use crate::units::Nanos;

/// Stretches that one pulse may rank that were not due before: after a break, the newest.
const DUE_MAX: u64 = 4;

/// How far symbols were ranked.
#[derive(Resource, Default)]
pub struct Universe {
    /// By interval: start of the newest candles that were ranked; 0 before the first.
    newest: Vec<Nanos>,
    /// Whether this pulse ranked any.
    ranked: bool,
    /// Stretches to be ranked; kept for its memory.
    times: Vec<Nanos>,
    /// Scores of one stretch; kept for its memory.
    scores: Vec<Placed>,
}

/// What is ranked of each row.
type Ranked = (&'static Row, &'static Ring, &'static mut Lanes);

/// A symbol's score at one candle.
#[derive(Clone, Copy, Debug)]
struct Placed {
    score: f64,
    entity: Entity,
    position: u64,
}

impl Universe {
    /// Whether this pulse ranked any candles: then what rules say may differ on any row.
    pub fn ranked(&self) -> bool {
        self.ranked
    }

    /// The pulse is over.
    pub fn forget(&mut self) {
        self.ranked = false;
    }
}

/// Whether any rule compares symbols.
pub fn compares(settings: Res<Settings>) -> bool {
    !settings.rules.scores.is_empty()
}

/// Ranks the candles that have become due, and those that were corrected.
pub fn rank(
    inbox: Res<Inbox>,
    awake: Res<Awake>,
    settings: Res<Settings>,
    table: Res<Rows>,
    mut universe: ResMut<Universe>,
    mut rows: Query<Ranked>,
) {
    let universe = &mut *universe;
    universe.newest.resize(settings.intervals.len(), Nanos(0));
    for (index, interval) in settings.intervals.iter().enumerate() {
        let mut scores = settings.rules.scores.iter();
        if !scores.any(|score| usize::from(score.interval) == index) {
            continue;
        }
        universe.times.clear();
        let newest = universe.newest[index];
        for &entity in awake.rows() {
            if let Ok((row, ring, lanes)) = rows.get(entity)
                && usize::from(row.interval) == index
            {
                universe.times.extend(corrected(ring, lanes, newest));
            }
        }
        let due = interval.bucket(inbox.now.minus(settings.grace_ns).minus(interval.ns()));
        let first = newest.plus(interval.ns()).max(due.minus((DUE_MAX - 1) * interval.ns()));
        let first = if newest == Nanos(0) { due } else { first };
        let fresh = (0..DUE_MAX).map(|k| first.plus(k * interval.ns()));
        universe.times.extend(fresh.filter(|&time| newest < time && time <= due));
        universe.newest[index] = due.max(newest);
        universe.times.sort_unstable();
        universe.times.dedup();
        let skipped = universe.times.len().saturating_sub(REJUDGE_MAX);
        universe.ranked |= !universe.times.is_empty();
        for at in skipped..universe.times.len() {
            let time = universe.times[at];
            rank_one(&inbox, &settings, &table, &mut rows, (index, time), &mut universe.scores);
        }
        if universe.times.len() > skipped {
            advance(&table, &mut rows, index, universe.newest[index]);
        }
    }
}

/// When the candles opened that changed and had been ranked.
fn corrected<'a>(
    ring: &'a Ring,
    lanes: &'a Lanes,
    newest: Nanos,
) -> impl Iterator<Item = Nanos> + 'a {
    let from = lanes.changed.map_or(ring.end(), |at| at.max(lanes.start()));
    let times = (from..ring.end()).filter_map(|at| ring.read(at, |candle| candle.open_time));
    times.take_while(move |&time| time <= newest)
}

/// Ranks the candles of one stretch by every score of their interval.
fn rank_one(
    inbox: &Inbox,
    settings: &Settings,
    table: &Rows,
    rows: &mut Query<Ranked>,
    (interval, time): (usize, Nanos),
    placed: &mut Vec<Placed>,
) {
    let entities = table.by_interval().nth(interval).unwrap_or_default();
    for (index, score) in settings.rules.scores.iter().enumerate() {
        if usize::from(score.interval) != interval {
            continue;
        }
        placed.clear();
        let seen = rows.as_readonly();
        for &entity in entities {
            let Ok((row, ring, lanes)) = seen.get(entity) else { continue };
            let Ok(position) = ring.find(time) else { continue };
            let views = views(settings, table, &seen, row, inbox.now);
            let score = score.program.run(&views, score.interval, position);
            if position >= lanes.start() && !score.is_nan() {
                placed.push(Placed { score, entity, position });
            }
        }
        // Stable, and symbols come by number: of equals the lower one stays first.
        placed.sort_by(|a, b| b.score.total_cmp(&a.score));
        write(settings, rows, interval, index as u16, placed);
    }
}

/// Writes the places into the columns that rules read.
fn write(
    settings: &Settings,
    rows: &mut Query<Ranked>,
    interval: usize,
    score: u16,
    placed: &[Placed],
) {
    let count = placed.len() as f64;
    let mut first_equal = 0;
    for (index, &Placed { score: value, entity, position }) in placed.iter().enumerate() {
        if placed[first_equal].score != value {
            first_equal = index;
        }
        let Ok((_, _, mut lanes)) = rows.get_mut(entity) else { continue };
        for (column, source) in settings.rules.columns[interval].iter().enumerate() {
            let number = match *source {
                Source::Rank(own) if own == score => (index + 1) as f64,
                Source::Percentile(own) if own == score => {
                    (count - first_equal as f64) / count * 100.0
                }
                _ => continue,
            };
            lanes.set(position, column, number);
        }
    }
}

/// Notes how far the rows of an interval are ranked.
fn advance(table: &Rows, rows: &mut Query<Ranked>, interval: usize, newest: Nanos) {
    for &entity in table.by_interval().nth(interval).unwrap_or_default() {
        if let Ok((_, ring, mut lanes)) = rows.get_mut(entity) {
            lanes.ranked = ring.lower_bound(newest.plus(1));
        }
    }
}
