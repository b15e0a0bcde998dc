//! Reconcile: our candles against the venue's, by identity first and then by value.
//!
//! This stage only decides. What it decides is applied at the start of the next pulse, so rings
//! change in one place and what is dispatched always fits together.

use bevy_ecs::prelude::*;

use crate::awake::Awake;
use crate::base::Series;
use crate::bucket::Edges;
use crate::candle::{Candle, Mark, VenueCandle};
use crate::each_row;
use crate::ingest::Inbox;
use crate::limits::PENDING_CANDLES_MAX;
use crate::ring::Ring;
use crate::row::Front;
use crate::settings::{Settings, Winner};
use crate::units::Nanos;

/// What a comparison of one candle found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Cause {
    /// Every number is equal.
    Identical,
    /// Sums differ by as much as the neighbour's, the other way: the venue puts the prints at the
    /// edge into the other candle.
    BoundaryShift,
    /// The venue counts trades that we do not have.
    MissingIds,
    /// We have trades that the venue does not count.
    ExtraIds,
    /// Same first and last id and count, other numbers: the venue changed its candle.
    VenueRevised,
    /// Same count, other numbers, and no identity to explain it.
    Disputed,
}

impl Cause {
    /// All causes, in the order of their counters.
    pub const ALL: [Self; 6] = [
        Self::Identical,
        Self::BoundaryShift,
        Self::MissingIds,
        Self::ExtraIds,
        Self::VenueRevised,
        Self::Disputed,
    ];

    /// The word used in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identical => "identical",
            Self::BoundaryShift => "boundary_shift",
            Self::MissingIds => "missing_ids",
            Self::ExtraIds => "extra_ids",
            Self::VenueRevised => "venue_revised",
            Self::Disputed => "disputed",
        }
    }
}

/// A difference, for the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What explains it.
    pub cause: Cause,
    /// Our candle as it stood.
    pub ours: Candle,
    /// The venue's.
    pub venue: Candle,
    /// Whether the venue's numbers are taken over.
    pub taken_over: bool,
}

/// A decision to be applied at the next pulse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restatement {
    /// The venue's numbers, with the mark that the candle shall bear.
    pub candle: Candle,
    /// Whether the numbers replace ours, or only the mark does.
    pub take_numbers: bool,
}

/// The venue's candles of one row: waiting, decided, and what comparing found so far.
#[derive(Component, Clone, Debug, Default)]
pub struct Evidence {
    /// Waiting until ours is closed, ascending by open time.
    pending: Vec<VenueCandle>,
    /// To be applied at the next pulse.
    pub decided: Vec<Restatement>,
    /// Found since the last dispatch.
    pub differences: Vec<Difference>,
    /// The last difference, until its neighbour is compared.
    last: Option<(Cause, Candle, Candle)>,
    /// Comparisons by [`Cause`].
    pub counts: [u64; Cause::ALL.len()],
    /// Candles taken over where we had none.
    pub adopted: u64,
    /// Candles that gave way at `limits::PENDING_CANDLES_MAX`.
    pub dropped: u64,
    /// Corrections that came after their candle had left the ring's reach.
    pub too_old: u64,
}

impl Evidence {
    /// Takes a candle of the venue; a second one for the same open time replaces the first.
    pub fn offer(&mut self, candle: VenueCandle) {
        let open_time = candle.candle.open_time;
        match self.pending.binary_search_by_key(&open_time, |known| known.candle.open_time) {
            Ok(index) => self.pending[index] = candle,
            Err(index) => {
                self.pending.insert(index, candle);
                if self.pending.len() > PENDING_CANDLES_MAX {
                    self.pending.remove(0);
                    self.dropped += 1;
                }
            }
        }
    }

    /// Whether candles wait to be compared.
    pub fn waits(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Takes back a decision that could not be applied.
    pub fn put_back(&mut self, restatement: &Restatement) {
        self.offer(VenueCandle { candle: restatement.candle, ..VenueCandle::default() });
    }

    fn count(&mut self, cause: Cause) {
        self.counts[cause as usize] += 1;
    }
}

/// What judging the candles of a row needs of it; only base rows have a series.
type Judged<'w> = (&'w Ring, &'w Front, Option<&'w Series>, Mut<'w, Evidence>);

/// Compares what can be compared and decides what shall follow.
pub fn reconcile(
    inbox: Res<Inbox>,
    awake: Res<Awake>,
    settings: Res<Settings>,
    mut rows: Query<(&Ring, &Front, Option<&Series>, &mut Evidence)>,
) {
    each_row!(inbox, awake, rows, |(ring, front, series, mut evidence): Judged<'_>| {
        if evidence.pending.is_empty() {
            return;
        }
        let bench = Bench { ring, front, series, now: inbox.now, winner: settings.winner };
        let mut pending = core::mem::take(&mut evidence.pending);
        pending.retain(|candle| !bench.judge(candle, &mut evidence));
        evidence.pending = pending;
    });
}

/// Where one row's candles are judged.
struct Bench<'a> {
    ring: &'a Ring,
    front: &'a Front,
    /// Only base rows have one.
    series: Option<&'a Series>,
    now: Nanos,
    winner: Winner,
}

impl Bench<'_> {
    /// Whether the candle was judged; otherwise it must wait.
    fn judge(&self, venue: &VenueCandle, evidence: &mut Evidence) -> bool {
        match self.ring.find(venue.candle.open_time) {
            Ok(position) => {
                let ours = self.ring.get(position).unwrap_or(venue.candle);
                let edges = self.series.and_then(|series| series.edges.get(position)).copied();
                self.compare(&ours, edges, venue, evidence);
                true
            }
            Err(_) if self.adoptable(&venue.candle) => {
                evidence.adopted += 1;
                let candle = Candle { mark: Mark::Reconciled, revision: 0, ..venue.candle };
                evidence.decided.push(Restatement { candle, take_numbers: true });
                true
            }
            Err(_) => false,
        }
    }

    /// Whether the venue's candle stands where we have, and will have, none of our own.
    fn adoptable(&self, candle: &Candle) -> bool {
        let front = self.front;
        let over = candle.open_time.plus(self.ring.interval().ns()) <= self.now;
        let next_and_empty = candle.open_time == front.until && !front.forming;
        over && (!front.started
            || candle.open_time < front.until
            || !front.listening
            || (next_and_empty && self.series.is_some()))
    }

    fn compare(
        &self,
        ours: &Candle,
        edges: Option<Edges>,
        venue: &VenueCandle,
        evidence: &mut Evidence,
    ) {
        let cause = explain(ours, edges, venue);
        if cause == Cause::Identical {
            evidence.count(cause);
            evidence.decided.push(Restatement {
                candle: Candle { mark: Mark::Reconciled, ..*ours },
                take_numbers: false,
            });
            return;
        }
        let neighbour = evidence.last.take().filter(|(_, before, theirs)| {
            before.open_time.plus(self.ring.interval().ns()) == ours.open_time
                && opposite(&delta(before, theirs), &delta(ours, &venue.candle))
        });
        match neighbour {
            Some((earlier, before, theirs)) => {
                evidence.counts[earlier as usize] -= 1;
                self.decide(Cause::BoundaryShift, &before, &theirs, evidence);
                self.decide(Cause::BoundaryShift, ours, &venue.candle, evidence);
            }
            None => {
                self.decide(cause, ours, &venue.candle, evidence);
                evidence.last = Some((cause, *ours, venue.candle));
            }
        }
    }

    fn decide(&self, cause: Cause, ours: &Candle, venue: &Candle, evidence: &mut Evidence) {
        evidence.count(cause);
        let unproven = matches!(ours.mark, Mark::Gap | Mark::HeadPartial);
        let venue_wins = unproven || cause == Cause::BoundaryShift || self.winner == Winner::Venue;
        let taken_over = venue_wins && self.series.is_some();
        let mark = if taken_over { Mark::Reconciled } else { Mark::Disputed };
        evidence.differences.push(Difference { cause, ours: *ours, venue: *venue, taken_over });
        let candle = Candle { mark, ..*venue };
        evidence.decided.push(Restatement { candle, take_numbers: taken_over });
    }
}

/// Why two candles of the same open time differ, if they do.
pub fn explain(ours: &Candle, edges: Option<Edges>, venue: &VenueCandle) -> Cause {
    if ours.same_numbers(&venue.candle) {
        return Cause::Identical;
    }
    let same_ids = edges.is_some_and(|edges| {
        venue.last_id != 0 && (edges.first_id, edges.last_id) == (venue.first_id, venue.last_id)
    });
    match ours.trades.cmp(&venue.candle.trades) {
        core::cmp::Ordering::Less => Cause::MissingIds,
        core::cmp::Ordering::Greater => Cause::ExtraIds,
        core::cmp::Ordering::Equal if same_ids => Cause::VenueRevised,
        core::cmp::Ordering::Equal => Cause::Disputed,
    }
}

/// Ours minus theirs: volume, quote volume, taker volume, taker quote volume, trades.
type Delta = [i128; 5];

/// How far the sums of two candles are apart.
pub fn delta(ours: &Candle, theirs: &Candle) -> Delta {
    [
        i128::from(ours.volume.0) - i128::from(theirs.volume.0),
        ours.quote_volume as i128 - theirs.quote_volume as i128,
        i128::from(ours.taker_buy_volume.0) - i128::from(theirs.taker_buy_volume.0),
        ours.taker_buy_quote_volume as i128 - theirs.taker_buy_quote_volume as i128,
        i128::from(ours.trades) - i128::from(theirs.trades),
    ]
}

/// Whether what one candle has too much, the other has too little. Counts may stay: an aggregate
/// that straddles the edge is counted once.
pub fn opposite(one: &Delta, other: &Delta) -> bool {
    let volumes = (0..4).all(|index| one[index] == -other[index]);
    volumes && one[0] != 0 && (one[4] == -other[4] || one[4].abs().max(other[4].abs()) <= 1)
}
