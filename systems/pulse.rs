//! Pulses: the instants at which time may change anything. They follow from heartbeats alone, so
//! they fall the same way however events are cut into steps.

use bevy_ecs::resource::Resource;

use crate::interval::Interval;
use crate::limits::{EARLIEST_NS, JUMP_MAX_NS, LATEST_NS, PULSE_NS};
use crate::units::Nanos;

/// The venue's time, moved by heartbeats.
#[derive(Resource, Clone, Copy, Debug)]
pub struct Clock {
    now: Nanos,
    last_pulse: Nanos,
    base: Interval,
    grace_ns: u64,
}

/// What a heartbeat means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// Nothing can change by it.
    Idle,
    /// Everything that time decides is to be looked at, first at `Nanos`; more may follow.
    Pulse(Nanos),
    /// It would move time backwards, or somewhere implausible: not believed.
    Bad,
}

impl Clock {
    /// A clock that has not been set.
    pub fn new(base: Interval, grace_ns: u64) -> Self {
        Self { now: Nanos(0), last_pulse: Nanos(0), base, grace_ns }
    }

    /// The venue's time as of the last heartbeat.
    pub fn now(&self) -> Nanos {
        self.now
    }

    /// Takes a heartbeat. While it answers [`Beat::Pulse`], run the pulse and call it again with
    /// the same instant: a long silence is lived through one base candle at a time.
    pub fn beat(&mut self, to: Nanos) -> Beat {
        let plausible = (EARLIEST_NS..LATEST_NS).contains(&to.0);
        if !plausible || to < self.now {
            return Beat::Bad;
        }
        // The first heartbeat, or one after a break, is not led up to.
        if to.0 - self.last_pulse.0 > JUMP_MAX_NS {
            (self.now, self.last_pulse) = (to, to);
            return Beat::Pulse(to);
        }
        let next_close = self.next_close();
        if next_close < to {
            (self.now, self.last_pulse) = (next_close, next_close);
            return Beat::Pulse(next_close);
        }
        self.now = to;
        let crossed = |period: u64| self.last_pulse.0 / period != to.0 / period;
        let ended = self.base.bucket(self.last_pulse) != self.base.bucket(to);
        if next_close == to || ended || crossed(PULSE_NS) {
            self.last_pulse = to;
            return Beat::Pulse(to);
        }
        Beat::Idle
    }

    /// The first instant after the last pulse at which the grace of a base candle is over.
    fn next_close(&self) -> Nanos {
        let since = self.last_pulse.minus(self.grace_ns);
        self.base.bucket(since).plus(self.base.ns()).plus(self.grace_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_700_000_040;

    fn pulses(beats: &[u64]) -> Vec<(u64, bool)> {
        let minute = Interval::new(60).unwrap_or_else(|| unreachable!());
        let mut clock = Clock::new(minute, 500 * Nanos::PER_MS);
        let mut seen = Vec::new();
        for &ms in beats {
            let to = Nanos::from_ms(START * 1_000 + ms);
            loop {
                match clock.beat(to) {
                    Beat::Pulse(at) => seen.push((at.ms() - START * 1_000, true)),
                    Beat::Bad => {
                        seen.push((ms, false));
                        break;
                    }
                    Beat::Idle => break,
                }
            }
        }
        seen
    }

    #[test]
    fn the_first_beat_each_second_each_end_and_each_grace_pulse() {
        let at = |ms: &[u64]| ms.iter().map(|&ms| (ms, true)).collect::<Vec<_>>();
        // The candle before the first beat has its grace until 500 ms.
        assert_eq!(pulses(&[100, 200, 900]), at(&[100, 500]));
        assert_eq!(pulses(&[100, 1_000, 1_100, 2_050]), at(&[100, 500, 1_000, 2_050]));
        assert_eq!(
            pulses(&[59_900, 60_000, 60_400, 60_600, 60_700]),
            at(&[59_900, 60_000, 60_500])
        );
    }

    #[test]
    fn a_long_silence_is_lived_through_candle_by_candle() {
        assert_eq!(
            pulses(&[100, 185_000]),
            [
                (100, true),
                (500, true),
                (60_500, true),
                (120_500, true),
                (180_500, true),
                (185_000, true)
            ]
        );
    }

    #[test]
    fn time_never_goes_back_or_astray() {
        assert_eq!(pulses(&[5_000, 4_000]), [(5_000, true), (4_000, false)]);
        let beyond_2100 = 4_102_444_800_000 - START * 1_000;
        assert_eq!(pulses(&[5_000, beyond_2100]), [(5_000, true), (beyond_2100, false)]);
    }

    #[test]
    fn a_break_is_jumped_over() {
        let far = 400 * 86_400_000;
        assert_eq!(pulses(&[5_000, far, far + 100]), [(5_000, true), (far, true)]);
    }
}
