//! Pages of prints by id: how far they have come, and what cannot be had.

use systems::units::Nanos;

use super::limits::{HOLE_TRIES, IDS_MAX};
use super::plan::{Lost, Reason, Step};
use super::retry::{Failure, Late};
use crate::venue::endpoint::{PrintRow, RestFacts};

/// How near to the end of what the venue keeps its first print must be for that to be why ids
/// before it are missing, in nanoseconds.
const HISTORY_SLACK_NS: u64 = 3_600 * Nanos::PER_SECOND;

/// Ids `next..=to` are still to come.
#[derive(Debug)]
pub(super) struct IdPages {
    next: u64,
    to: u64,
    rows_max: u32,
    history_ns: Option<u64>,
    /// Answers in a row without the next id.
    stuck: u32,
    /// The last of them had this to say about the hole: where it ends, and why it may be there.
    hole: Option<(u64, Reason)>,
}

impl IdPages {
    /// All of `from..=to`, or the newest of them that one repair may fetch.
    pub(super) fn new(from: u64, to: u64, facts: &RestFacts, lost: &mut Vec<Lost>) -> Self {
        let first = from.max(to.saturating_sub(IDS_MAX - 1));
        if first > from {
            lost.push(Lost { from_id: from, to_id: first - 1, reason: Reason::TooMany });
        }
        let (rows_max, history_ns) = (facts.print_rows, facts.print_history_ns);
        Self { next: first, to, rows_max, history_ns, stuck: 0, hole: None }
    }

    /// First id and number of rows of the next request.
    pub(super) fn next(&self) -> (u64, u32) {
        let left = (self.to - self.next).saturating_add(1);
        (self.next, left.min(u64::from(self.rows_max)) as u32)
    }

    pub(super) fn requests(&self) -> u64 {
        (self.to - self.next).saturating_add(1).div_ceil(u64::from(self.rows_max))
    }

    pub(super) fn take(&mut self, rows: &[PrintRow], now: Nanos, lost: &mut Vec<Lost>) -> Step {
        let wanted = self.next..=self.to;
        let mut rows: Vec<&PrintRow> = rows.iter().filter(|row| row.id >= self.next).collect();
        rows.sort_unstable_by_key(|row| row.id);
        rows.dedup_by_key(|row| row.id);
        let contiguous = rows.iter().zip(wanted).take_while(|(row, id)| row.id == *id);
        let got = contiguous.count();
        for row in rows[..got].iter().filter(|row| row.void) {
            lost.push(Lost { from_id: row.id, to_id: row.id, reason: Reason::Void });
        }
        if got == 0 {
            return self.note_hole(rows.first().copied(), now);
        }
        (self.stuck, self.hole) = (0, None);
        if rows[got - 1].id == self.to {
            return Step::Done;
        }
        self.next = rows[got - 1].id + 1;
        Step::More
    }

    /// The page did not bring the next id; `behind` is the first print that it has behind it.
    fn note_hole(&mut self, behind: Option<&PrintRow>, now: Nanos) -> Step {
        self.stuck += 1;
        let reason = match (behind, self.history_ns) {
            (Some(row), Some(kept)) if row.time.plus(kept) <= now.plus(HISTORY_SLACK_NS) => {
                Reason::TooOld
            }
            _ => Reason::NotListed,
        };
        let end = behind.map_or(self.to, |row| (row.id - 1).min(self.to));
        self.hole = Some((end, reason));
        Step::Again(Failure::NotYet(Late::Id))
    }

    /// Gives up the hole if one was found, or all that is left; whether something is left then.
    pub(super) fn give_up(&mut self, failure: &Failure, lost: &mut Vec<Lost>) -> bool {
        let found = self.hole.take().filter(|_| self.stuck >= HOLE_TRIES);
        let (end, reason) = found.unwrap_or((self.to, Reason::Failed(failure.clone())));
        lost.push(Lost { from_id: self.next, to_id: end, reason });
        self.stuck = 0;
        let left = end < self.to;
        if left {
            self.next = end + 1;
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::Venue;

    const NOW: Nanos = Nanos::from_seconds(1_723_161_600);

    fn row(id: u64) -> PrintRow {
        PrintRow { id, first_id: id, time: NOW.minus(600 * Nanos::PER_SECOND), void: false }
    }

    fn rows(ids: &[u64]) -> Vec<PrintRow> {
        ids.iter().map(|id| row(*id)).collect()
    }

    fn lost(from_id: u64, to_id: u64, reason: Reason) -> Lost {
        Lost { from_id, to_id, reason }
    }

    fn not_yet() -> Failure {
        Failure::NotYet(Late::Id)
    }

    fn start(from: u64, to: u64) -> (IdPages, Vec<Lost>) {
        let mut lost = Vec::new();
        (IdPages::new(from, to, &Venue::BinanceUsdm.rest(), &mut lost), lost)
    }

    /// Gives the same page until the plan gives up; whether it goes on.
    fn insist(pages: &mut IdPages, page: &[PrintRow], losses: &mut Vec<Lost>) -> bool {
        for _ in 0..HOLE_TRIES {
            assert_eq!(pages.take(page, NOW, losses), Step::Again(not_yet()));
        }
        pages.give_up(&not_yet(), losses)
    }

    #[test]
    fn pages_follow_each_other_and_ask_for_no_more_than_is_missing() {
        let (mut pages, mut losses) = start(10, 2_509);
        assert_eq!((pages.next(), pages.requests()), ((10, 1_000), 3));
        let page: Vec<_> = (10..1_010).map(row).collect();
        assert_eq!(pages.take(&page, NOW, &mut losses), Step::More);
        assert_eq!(pages.next(), (1_010, 1_000));
        let page: Vec<_> = (1_010..2_010).map(row).collect();
        assert_eq!(pages.take(&page, NOW, &mut losses), Step::More);
        assert_eq!((pages.next(), pages.requests()), ((2_010, 500), 1));
        let page: Vec<_> = (2_010..2_520).map(row).collect();
        assert_eq!(pages.take(&page, NOW, &mut losses), Step::Done);
        assert_eq!(losses, []);
    }

    #[test]
    fn short_unsorted_and_repeated_rows_still_move_it_on() {
        let (mut pages, mut losses) = start(5, 9);
        assert_eq!(pages.take(&rows(&[6, 5, 5, 4]), NOW, &mut losses), Step::More);
        assert_eq!(pages.next(), (7, 3));
        assert_eq!(pages.take(&rows(&[9, 8, 7, 12, 10]), NOW, &mut losses), Step::Done);
        assert_eq!(losses, []);
    }

    #[test]
    fn a_page_that_does_not_advance_ends_with_a_reason() {
        for page in [vec![], rows(&[1, 2, 3]), rows(&[10, 11])] {
            let (mut pages, mut losses) = start(5, 9);
            assert!(!insist(&mut pages, &page, &mut losses));
            assert_eq!(losses, [lost(5, 9, Reason::NotListed)], "{page:?}");
        }
    }

    #[test]
    fn a_hole_is_given_up_and_what_is_behind_it_is_fetched() {
        let (mut pages, mut losses) = start(5, 9);
        assert_eq!(pages.take(&rows(&[5, 8, 9]), NOW, &mut losses), Step::More);
        assert!(insist(&mut pages, &rows(&[8, 9]), &mut losses));
        assert_eq!(losses, [lost(6, 7, Reason::NotListed)]);
        assert_eq!(pages.take(&rows(&[8, 9]), NOW, &mut losses), Step::Done);
    }

    #[test]
    fn ids_before_the_venue_s_history_are_named_so() {
        let (mut pages, mut losses) = start(5, 9);
        let mut page = rows(&[8, 9]);
        page[0].time = NOW.minus(Nanos::PER_DAY - 60 * Nanos::PER_SECOND);
        assert!(insist(&mut pages, &page, &mut losses));
        assert_eq!(losses, [lost(5, 7, Reason::TooOld)]);
    }

    #[test]
    fn void_rows_are_lost_and_passed() {
        let (mut pages, mut losses) = start(5, 7);
        let mut page = rows(&[5, 6, 7]);
        page[1].void = true;
        assert_eq!(pages.take(&page, NOW, &mut losses), Step::Done);
        assert_eq!(losses, [lost(6, 6, Reason::Void)]);
    }

    #[test]
    fn a_failure_gives_up_everything_left() {
        let (mut pages, mut losses) = start(5, 9);
        assert_eq!(pages.take(&rows(&[5]), NOW, &mut losses), Step::More);
        let failure = Failure::Timeout("reading");
        assert_eq!(pages.take(&[], NOW, &mut losses), Step::Again(not_yet()));
        assert!(!pages.give_up(&failure, &mut losses));
        assert_eq!(losses, [lost(6, 9, Reason::Failed(failure))]);
    }

    #[test]
    fn a_gap_beyond_all_measure_is_cut_to_its_newest_ids() {
        let (pages, losses) = start(1, 1 << 60);
        assert_eq!(pages.next(), ((1 << 60) - IDS_MAX + 1, 1_000));
        assert_eq!(losses, [lost(1, (1 << 60) - IDS_MAX, Reason::TooMany)]);
        let (pages, losses) = start(0, u64::MAX);
        assert_eq!((pages.requests(), losses.len()), (IDS_MAX / 1_000, 1));
    }
}
