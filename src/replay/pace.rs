//! How fast a replay runs: flat out, at a multiple of the recorded pace, or candle by candle.

use std::io::BufRead;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use systems::units::Nanos;

use crate::clock::Stopwatch;

/// The slowest and the fastest multiple of the recorded pace. Slower, a minute takes most of a day;
/// faster, nothing is left of a pace. Others are refused as typed.
const TIMES: RangeInclusive<f64> = 0.001..=1e6;

/// A replay's speed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// As fast as the machine can.
    Max,
    /// A multiple of the recorded pace.
    Times(f64),
    /// Waits for Enter after each closed candle.
    Step,
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let times = || text.strip_suffix('x')?.parse::<f64>().ok();
        match text {
            "max" => Ok(Self::Max),
            "step" => Ok(Self::Step),
            _ => match times() {
                Some(times) if TIMES.contains(&times) => Ok(Self::Times(times)),
                _ => Err("a speed is \"max\", \"step\", or a multiple such as \"1x\" or \"10x\", \
                          from 0.001x to 1000000x"
                    .into()),
            },
        }
    }
}

/// Holds a replay to its speed.
pub struct Pace {
    speed: Speed,
    /// When the first entry was received, and our watch since then.
    begun: Option<(Nanos, Stopwatch)>,
    shown: u64,
}

impl Pace {
    /// A pace that begins with the first entry.
    pub fn new(speed: Speed) -> Self {
        Self { speed, begun: None, shown: 0 }
    }

    /// Whether entries need not be looked at one by one.
    pub fn flat_out(&self) -> bool {
        self.speed == Speed::Max
    }

    /// Whether an entry received at `at` is not due yet.
    pub fn must_wait(&mut self, at: Nanos) -> bool {
        match self.speed {
            Speed::Max => false,
            Speed::Step => true,
            Speed::Times(_) => self.lead(at) > Duration::from_millis(1),
        }
    }

    /// Waits until the entry is due. `closed` says how many candles have closed so far.
    pub fn wait(&mut self, at: Nanos, closed: u64) {
        match self.speed {
            Speed::Max => {}
            Speed::Times(_) => std::thread::sleep(self.lead(at)),
            Speed::Step if closed > self.shown => {
                self.shown = closed;
                eprintln!("{closed} candles closed; Enter goes on, Ctrl-D runs to the end");
                let mut line = String::new();
                let read = std::io::stdin().lock().read_line(&mut line);
                if !matches!(read, Ok(1..)) {
                    self.speed = Speed::Max;
                }
            }
            Speed::Step => {}
        }
    }

    /// How long an entry is still to wait.
    fn lead(&mut self, at: Nanos) -> Duration {
        let Speed::Times(times) = self.speed else { return Duration::ZERO };
        let (first, watch) = self.begun.get_or_insert_with(|| (at, Stopwatch::start()));
        let recorded = Duration::from_nanos(at.0.saturating_sub(first.0));
        recorded.div_f64(times).saturating_sub(watch.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_in_its_range_and_never_more_than_time_can_hold() {
        let nothing = ["1e-300x", "0x", "-1x", "-0x", "NaNx", "infx", "1e7x", "1e300x", "x", "1"];
        for text in nothing.into_iter().chain(["", "0.0009x", "1000001x", "10 x", "fast"]) {
            let error = text.parse::<Speed>().expect_err(text);
            assert!(error.contains("from 0.001x to 1000000x"), "{error}");
        }
        for (text, times) in [("0.001x", 0.001), ("1x", 1.0), ("1e6x", 1e6), ("2.5x", 2.5)] {
            let speed = text.parse();
            assert_eq!(speed, Ok(Speed::Times(times)));
            let mut pace = Pace::new(Speed::Times(times));
            assert!(!pace.must_wait(Nanos(0)));
            assert!(pace.must_wait(Nanos(u64::MAX)), "and no arithmetic fails");
        }
        assert_eq!("max".parse(), Ok(Speed::Max));
        assert_eq!("step".parse(), Ok(Speed::Step));
    }
}
