//! Reconcile: our candles against the venue's, by identity first and then by value.
//!
//! This stage only decides. What it decides is applied at the start of the next pulse, so rings
//! change in one place and what is dispatched always fits together.

use bevy_ecs::prelude::*;
use bevy_ecs::query::QueryData;

use crate::awake::Awake;
use crate::base::Series;
use crate::bucket::Edges;
use crate::candle::{Candle, VenueCandle};
use crate::each_row;
use crate::ingest::Inbox;
use crate::limits::{DECIDED_MAX, PENDING_CANDLES_MAX};
use crate::restate::Restatement;
use crate::ring::Ring;
use crate::roll_up::{BaseView, BaseViewItem, RollUp};
use crate::room::release;
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

/// Candles that were taken over before others of ours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Joint {
    /// Where the first of them ends.
    pub(crate) from: Nanos,
    /// Where the last of them ends.
    pub(crate) to: Nanos,
    /// The venue's time when the first was taken over.
    pub(crate) since: Nanos,
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
    last: Option<(Cause, Candle, VenueCandle)>,
    /// Candles that were taken over before others of ours, until what lies between was looked at.
    pub(crate) joint: Option<Joint>,
    /// An answer has ended whose candles may not all be applied yet.
    pub(crate) answered: bool,
    /// Comparisons by [`Cause`], without those that were overtaken by a change of ours.
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
        match self.place(&candle) {
            Ok(index) => self.pending[index] = candle,
            Err(index) => self.put_in(index, candle),
        }
    }

    fn place(&self, candle: &VenueCandle) -> Result<usize, usize> {
        let open_time = candle.candle.open_time;
        self.pending.binary_search_by_key(&open_time, |known| known.candle.open_time)
    }

    fn put_in(&mut self, index: usize, candle: VenueCandle) {
        self.pending.insert(index, candle);
        if self.pending.len() > PENDING_CANDLES_MAX {
            self.pending.remove(0);
            self.dropped += 1;
        }
    }

    /// A candle that ends at `end` was put in before others.
    pub(crate) fn note_joint(&mut self, end: Nanos, now: Nanos) {
        let joint = self.joint.get_or_insert(Joint { from: end, to: end, since: now });
        (joint.from, joint.to) = (joint.from.min(end), joint.to.max(end));
    }

    /// An answer has ended: no more of its candles come.
    pub fn answer_ended(&mut self) {
        self.answered = true;
    }

    /// Whether candles wait to be compared.
    pub fn waits(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Takes back a decision about a candle of ours that has changed since, and its count. The
    /// venue's candle is compared again, unless the venue has said something newer.
    pub fn put_back(&mut self, restatement: &Restatement) {
        match restatement.compared {
            Some((cause, _)) => self.uncount(cause),
            None => self.adopted -= 1,
        }
        self.last = self.last.filter(|(_, ours, _)| ours.open_time != restatement.open_time());
        if let Err(index) = self.place(&restatement.venue) {
            self.put_in(index, restatement.venue);
        }
    }

    fn count(&mut self, cause: Cause) {
        self.counts[cause as usize] += 1;
    }

    fn uncount(&mut self, cause: Cause) {
        self.counts[cause as usize] -= 1;
    }

    fn decide(&mut self, restatement: Restatement) {
        debug_assert!(self.decided.len() < DECIDED_MAX);
        self.decided.push(restatement);
    }
}

/// What judging the candles of a row needs of it; a row has a series or is rolled up.
#[derive(QueryData)]
#[query_data(mutable)]
pub struct Judged {
    ring: &'static Ring,
    front: &'static Front,
    series: Option<&'static Series>,
    link: Option<&'static RollUp>,
    evidence: &'static mut Evidence,
}

/// Compares what can be compared and decides what shall follow.
pub fn reconcile(
    inbox: Res<Inbox>,
    awake: Res<Awake>,
    settings: Res<Settings>,
    bases: Query<BaseView, With<Series>>,
    mut rows: Query<Judged>,
) {
    each_row!(inbox, awake, rows, |row: JudgedItem<'_, '_>| {
        let JudgedItem { ring, front, series, link, mut evidence } = row;
        // What waits for room was not applied yet, so nothing can be compared with it.
        if evidence.pending.is_empty() || !evidence.decided.is_empty() {
            return;
        }
        let base = link.and_then(|link| bases.get(link.base).ok());
        let bench = Bench { ring, front, series, base, now: inbox.now, winner: settings.winner };
        let mut pending = core::mem::take(&mut evidence.pending);
        pending.retain(|candle| !bench.judge(candle, &mut evidence));
        release(&mut pending);
        evidence.pending = pending;
    });
}

/// Where one row's candles are judged.
struct Bench<'a> {
    ring: &'a Ring,
    front: &'a Front,
    /// Only base rows have one.
    series: Option<&'a Series>,
    /// What longer rows are rolled up from.
    base: Option<BaseViewItem<'a, 'a>>,
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
                evidence.decide(Restatement { venue: *venue, compared: None, take_over: true });
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
            let compared = Some((cause, *ours));
            evidence.decide(Restatement { venue: *venue, compared, take_over: false });
            return;
        }
        let sealed = edges.is_some_and(|edges| edges.sealed);
        match evidence.last.take().filter(|last| self.shifted(last, ours, venue)) {
            Some((earlier, before, theirs)) => {
                evidence.uncount(earlier);
                evidence.decided.pop_if(|decided| decided.open_time() == before.open_time);
                self.decide(Cause::BoundaryShift, &before, false, &theirs, evidence);
                self.decide(Cause::BoundaryShift, ours, sealed, venue, evidence);
            }
            None => {
                self.decide(cause, ours, sealed, venue, evidence);
                evidence.last = Some((cause, *ours, *venue));
            }
        }
    }

    /// Whether a candle and the one compared before it are neighbours of which one has what the
    /// other lacks. The earlier must still be what it was, or what the venue said.
    fn shifted(
        &self,
        (_, before, theirs): &(Cause, Candle, VenueCandle),
        ours: &Candle,
        venue: &VenueCandle,
    ) -> bool {
        let now = self.ring.find(before.open_time).ok().and_then(|at| self.ring.get(at));
        before.open_time.plus(self.ring.interval().ns()) == ours.open_time
            && now.is_some_and(|now| now.same_numbers(before) || now.same_numbers(&theirs.candle))
            && opposite(&delta(before, &theirs.candle), &delta(ours, &venue.candle))
    }

    /// `sealed` says that our numbers are an earlier word of the venue's.
    fn decide(
        &self,
        cause: Cause,
        ours: &Candle,
        sealed: bool,
        venue: &VenueCandle,
        evidence: &mut Evidence,
    ) {
        evidence.count(cause);
        let unproven = ours.mark.is_partial() || sealed;
        let taken_over = match &self.base {
            // The numbers of longer candles follow from the base interval where that has them.
            Some(base) => {
                !base.has_whole(ours.open_time, self.ring.interval()).unwrap_or(!unproven)
            }
            None => unproven || cause == Cause::BoundaryShift || self.winner == Winner::Venue,
        };
        let (ours, compared) = (*ours, Some((cause, *ours)));
        evidence.differences.push(Difference { cause, ours, venue: venue.candle, taken_over });
        evidence.decide(Restatement { venue: *venue, compared, take_over: taken_over });
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
