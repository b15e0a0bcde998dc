//! The venue's time as an import knows it: when heartbeats are due.

use systems::limits::{FUTURE_MAX_NS, JUMP_MAX_NS};
use systems::units::Nanos;

/// Heartbeats come at multiples of this. Finer ones cost entries, coarser ones delay closes.
const BEAT_NS: u64 = 100 * Nanos::PER_MS;

/// The largest venue time seen so far, and the last heartbeat given out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct VenueClock {
    seen: Option<Nanos>,
    /// The largest instant up to which everything is there, and no heartbeat given for it.
    whole: Option<Nanos>,
    beaten: Option<Nanos>,
    /// By how many ns the last instant was ahead of the recorder's clock, 0 if it was not.
    lead: u64,
}

impl VenueClock {
    /// Notes an instant of the venue's clock. The heartbeat that it makes due, if any, belongs
    /// before the record that brought it: everything earlier came before.
    pub(super) fn see(&mut self, at: Nanos) -> Option<Nanos> {
        self.seen = self.seen.max(Some(at));
        self.beat(at.minus(at.0 % BEAT_NS))
    }

    /// Whether an instant of the venue's clock is believed of a message received at `received`.
    ///
    /// It may be ahead by as much as the engine allows a print to be. A recorder's clock may also
    /// be slow, but then two messages in a row say so, and none by more than time may move at
    /// once: one absurd stamp must not close everything.
    pub(super) fn believes(&mut self, at: Nanos, received: Nanos) -> bool {
        let lead = at.0.saturating_sub(received.0);
        let believed = lead <= self.lead.saturating_add(FUTURE_MAX_NS);
        self.lead = if lead <= JUMP_MAX_NS { lead } else { 0 };
        believed
    }

    /// Whether no heartbeat was given out yet.
    pub(super) fn is_unset(&self) -> bool {
        self.beaten.is_none()
    }

    /// The deferred instant as a heartbeat, once nothing else shares it. Instants that were only
    /// seen prove no more than the heartbeats that they made due: others may share them, and
    /// the next file of a series goes on from there.
    pub(super) fn complete(&mut self) -> Option<Nanos> {
        self.whole.and_then(|whole| self.beat(whole))
    }

    /// Notes an instant without making a heartbeat due: other records may share it.
    pub(super) fn defer(&mut self, at: Nanos) {
        self.seen = self.seen.max(Some(at));
        self.whole = self.whole.max(Some(at));
    }

    /// The largest instant seen.
    pub(super) fn seen(&self) -> Option<Nanos> {
        self.seen
    }

    fn beat(&mut self, at: Nanos) -> Option<Nanos> {
        let due = self.beaten.is_none_or(|beaten| beaten < at);
        if due {
            self.beaten = Some(at);
        }
        due.then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heartbeat_is_due_when_a_tenth_of_a_second_begins() {
        let mut clock = VenueClock::default();
        let mut see = |ms| clock.see(Nanos::from_ms(ms)).map(Nanos::ms);
        assert_eq!(see(1_050), Some(1_000));
        assert_eq!(see(1_099), None);
        assert_eq!(see(1_100), Some(1_100));
        assert_eq!(see(1_020), None);
        assert_eq!(see(1_399), Some(1_300));
        assert_eq!(clock.complete(), None, "1.399 s may not be over");
        clock.defer(Nanos::from_ms(1_499));
        assert_eq!(clock.complete(), Some(Nanos::from_ms(1_499)));
        assert_eq!(clock.complete(), None);
    }

    #[test]
    fn one_stamp_far_ahead_is_not_believed_and_a_slow_recorder_is() {
        let second = Nanos::PER_SECOND;
        let at = |s: u64| Nanos(1_700_000_000 * second + s * second);
        let mut clock = VenueClock::default();
        let mut believes = |ahead, received| clock.believes(at(ahead + received), at(received));
        assert!(believes(0, 0) && believes(5, 1));
        assert!(!believes(11, 2), "further ahead than clocks differ");
        assert!(believes(0, 3));
        let years = 40 * 365 * 86_400;
        assert!(!believes(years, 4) && !believes(years, 5), "however many agree");
        assert!(!believes(3_600, 6));
        assert!(believes(3_600, 7) && believes(3_601, 8), "the recorder is an hour slow");
        assert!(believes(0, 9));
        assert!(clock.believes(at(0), at(3_600)), "behind is no matter");
    }
}
