//! When each entry is due.

use std::str::FromStr;
use std::time::Duration;

use systems::units::Nanos;

use crate::latency::Ask;
use crate::live::record::{Kept, Recorded};

/// At which rate frames are due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// As recorded.
    Recorded,
    /// So many frames a second.
    Fixed(f64),
    /// As fast as they are taken: closed loop.
    Max,
}

/// Frames a second that can be asked for.
const RATES: std::ops::RangeInclusive<f64> = 1.0..=1e8;

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "recorded" => Ok(Self::Recorded),
            "max" => Ok(Self::Max),
            _ => match text.parse() {
                Ok(rate) if RATES.contains(&rate) => Ok(Self::Fixed(rate)),
                _ => Err("a rate is frames per second from 1 to 100000000, \"recorded\", \
                          or \"max\""
                    .into()),
            },
        }
    }
}

impl core::fmt::Display for Rate {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Recorded => f.write_str("recorded"),
            Self::Fixed(rate) => write!(f, "{rate}"),
            Self::Max => f.write_str("max"),
        }
    }
}

/// Instants from the start of a run, one per entry; none flat out.
pub struct Schedule {
    due: Option<Vec<u64>>,
    ahead: usize,
}

impl Schedule {
    /// The instants of a load, the first `ahead` entries of which go ahead flat out, before the
    /// start. At a fixed rate, what is no frame is due with the frame after it.
    pub fn new(entries: &[Recorded], rate: Rate, ahead: usize) -> Self {
        let ahead = ahead.min(entries.len());
        let due = Self::instants(&entries[ahead..], rate);
        Self { due, ahead }
    }

    fn instants(entries: &[Recorded], rate: Rate) -> Option<Vec<u64>> {
        let first = entries.first().map_or(Nanos(0), |entry| entry.received);
        let mut frames = 0u64;
        match rate {
            Rate::Max => None,
            Rate::Recorded => {
                let mut last = 0;
                let since = entries.iter().map(|entry| entry.received.0.saturating_sub(first.0));
                // Where tapes meet, the instants of their recorders may step back.
                Some(
                    since
                        .map(|at| {
                            last = at.max(last);
                            last
                        })
                        .collect(),
                )
            }
            Rate::Fixed(rate) => {
                let due = |entry: &Recorded| {
                    let at = (frames as f64 * 1e9 / rate) as u64;
                    frames += u64::from(matches!(entry.body, Kept::Frame(..)));
                    at
                };
                Some(entries.iter().map(due).collect())
            }
        }
    }

    /// Entries that go ahead of the start.
    pub fn ahead(&self) -> usize {
        self.ahead
    }

    /// The instants since the start of all that is due by one.
    pub fn instants_since_start(&self) -> &[u64] {
        self.due.as_deref().unwrap_or_default()
    }

    /// When an entry is due in a run that started at `start`; `None` flat out.
    pub fn due(&self, entry: usize, start: Nanos) -> Option<Nanos> {
        let entry = entry.checked_sub(self.ahead)?;
        self.due.as_ref().map(|due| start.plus(due[entry]))
    }
}

/// Sleeps as long as it can without being late, and then looks at the clock until the instant.
pub fn wait_until(clock: &Ask, until: Nanos) {
    loop {
        let left = until.0.saturating_sub(clock().0);
        if left == 0 {
            return;
        }
        if left > 2 * OVERSLEEP_NS {
            std::thread::sleep(Duration::from_nanos(left - OVERSLEEP_NS));
        } else {
            core::hint::spin_loop();
        }
    }
}

/// How late a sleep may end: the kernel's usual slack, and being scheduled.
const OVERSLEEP_NS: u64 = 100_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::entry::Body;

    fn entries(kinds: &str) -> Vec<Recorded> {
        let entry = |(at, kind)| Recorded {
            received: Nanos(at as u64 * 7),
            body: match kind {
                'f' => Kept::Frame(0, "{}".into()),
                _ => Kept::Plain(Body::Heartbeat(Nanos(1))),
            },
        };
        kinds.chars().enumerate().map(entry).collect()
    }

    #[test]
    fn frames_are_due_at_their_rate_and_the_rest_with_the_frame_behind() {
        let (entries, start) = (entries("hffhff"), Nanos(1_000));
        let due = |rate| {
            let schedule = Schedule::new(&entries, rate, 0);
            (0..6).map(|entry| schedule.due(entry, start).map(|at| at.0)).collect::<Vec<_>>()
        };
        let at = |list: [u64; 6]| list.map(|at| Some(1_000 + at)).to_vec();
        assert_eq!(due(Rate::Fixed(1e6)), at([0, 0, 1_000, 2_000, 2_000, 3_000]));
        assert_eq!(due(Rate::Recorded), at([0, 7, 14, 21, 28, 35]));
        assert_eq!(due(Rate::Max), [None; 6]);
        let schedule = Schedule::new(&entries, Rate::Recorded, 4);
        let due: Vec<_> = (0..6).map(|entry| schedule.due(entry, start).map(|at| at.0)).collect();
        assert_eq!(due, [None, None, None, None, Some(1_000), Some(1_007)]);
        assert_eq!((schedule.ahead(), schedule.instants_since_start()), (4, &[0, 7][..]));
    }

    #[test]
    fn rates_are_typed_and_told() {
        for text in ["recorded", "max", "20000", "0.5e6"] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!(rate.to_string().parse(), Ok(rate));
        }
        for text in ["", "0", "-1", "nan", "1e9", "fast"] {
            let told = text.parse::<Rate>().expect_err(text);
            assert!(told.contains("frames per second"), "{told}");
        }
    }
}
