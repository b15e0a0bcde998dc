//! A surge of the load, and how long a run takes to come out of it.

use systems::units::Nanos;

/// The load is looked at in stretches of this length.
const BIN_NS: u64 = 100 * Nanos::PER_MS;

/// A surge has so many times as many entries in each of them as the middle one.
const TIMES: u64 = 4;

/// It has so many of them at least, and fewer with less in a row: where frames were held up and
/// came at once, that is one surge.
const BINS: u64 = 10;

/// Fewer steps ahead of a surge do not say what is calm.
const STEPS: usize = 100;

/// A stretch of the load in which far more falls due than else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Surge {
    /// When it begins and when its last entry is due, in nanoseconds since the start.
    pub span: (u64, u64),
    /// Entries due in it.
    pub entries: u64,
}

impl Surge {
    /// The one with the most entries: at least a second long, and with four times as many entries
    /// as in the middle tenth of a second, on the whole and never less for a second. `due` are
    /// instants since the start, ascending.
    pub fn of(due: &[u64]) -> Option<Self> {
        let bins = due.last().map_or(0, |last| last / BIN_NS + 1);
        // Only stretches in which anything is due: tapes may lie years apart.
        let held = due.chunk_by(|a, b| a / BIN_NS == b / BIN_NS);
        let held: Vec<_> = held.map(|some| (some[0] / BIN_NS, some.len() as u64)).collect();
        let mut sorted: Vec<_> = held.iter().map(|(_, count)| *count).collect();
        sorted.sort_unstable();
        let empty = bins - sorted.len() as u64;
        let middle = (bins / 2).checked_sub(empty).and_then(|at| sorted.get(at as usize));
        let middle = middle.copied().unwrap_or(1);
        let high: Vec<_> = held.iter().filter(|(_, count)| *count >= TIMES * middle).collect();
        let mut found = None;
        for stretch in high.chunk_by(|a, b| b.0 - a.0 < BINS) {
            let (from, to) = (stretch[0].0, stretch[stretch.len() - 1].0 + 1);
            let first = due.partition_point(|due| due / BIN_NS < from);
            let end = due.partition_point(|due| due / BIN_NS < to);
            let entries = (end - first) as u64;
            if to - from < BINS || entries < TIMES * middle * (to - from) {
                continue;
            }
            let surge = Self { span: (from * BIN_NS, due[end - 1]), entries };
            found = found.filter(|found: &Self| found.entries >= entries).or(Some(surge));
        }
        found
    }

    /// Entries a second.
    pub fn rate(&self) -> f64 {
        let (from, to) = self.span;
        self.entries as f64 * 1e9 / to.saturating_sub(from).max(1) as f64
    }
}

/// One step, as far as waiting is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waited {
    /// When it ended, in nanoseconds since the start.
    pub end_ns: u64,
    /// How long the first of its entries had been due by then.
    pub ns: u64,
}

/// How a run came out of a surge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drain {
    /// Which.
    pub surge: Surge,
    /// What the longest waiting entries of 99 % of the steps ahead of it waited, in nanoseconds.
    pub calm_ns: u64,
    /// The longest that any entry waited from its beginning on, in nanoseconds.
    pub worst_ns: u64,
    /// From the last entry of the surge being due to the end of the first step in which no entry
    /// waited longer than `calm_ns`; `None` if none was up to the end of the run.
    pub drained_ns: Option<u64>,
}

impl Drain {
    /// Finds it among the steps of a run, in their order; `None` where too little was ahead of the
    /// surge to say what is calm.
    pub fn of(surge: Surge, steps: &[Waited]) -> Option<Self> {
        let (from, to) = surge.span;
        let (ahead, rest) = steps.split_at(steps.partition_point(|step| step.end_ns < from));
        let mut calm: Vec<_> = ahead.iter().map(|step| step.ns).collect();
        calm.sort_unstable();
        let place = (calm.len() * 99).div_ceil(100).checked_sub(1)?;
        let calm_ns = *calm.get(place).filter(|_| calm.len() >= STEPS)?;
        let after = &rest[rest.partition_point(|step| step.end_ns < to)..];
        let out = after.iter().find(|step| step.ns <= calm_ns);
        Some(Self {
            surge,
            calm_ns,
            worst_ns: rest.iter().map(|step| step.ns).max().unwrap_or(0),
            drained_ns: out.map(|step| step.end_ns - to),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = Nanos::PER_SECOND;

    /// So many entries a second in each second.
    fn due(rates: &[u64]) -> Vec<u64> {
        let of = |(second, rate): (usize, &u64)| {
            let (second, rate) = (second as u64 * SECOND, *rate);
            (0..rate).map(move |entry| second + entry * SECOND / rate)
        };
        rates.iter().enumerate().flat_map(of).collect()
    }

    #[test]
    fn a_surge_is_far_above_the_middle_for_a_second_or_more() {
        let found = |rates: &[u64]| Surge::of(&due(rates)).map(|it| (it.span.0, it.entries));
        assert_eq!(
            found(&[1_000, 1_000, 10_000, 10_000, 1_000, 1_000]),
            Some((2 * SECOND, 20_000))
        );
        assert_eq!(found(&[1_000, 3_000, 1_000, 1_000]), None);
        assert_eq!(found(&[1_000; 9]), None);
        assert_eq!(found(&[]), None);
        // Years between two tapes are no memory.
        let apart: Vec<_> = due(&[1_000]).into_iter().chain([u64::MAX / 2]).collect();
        assert_eq!(Surge::of(&apart).map(|it| it.entries), Some(1_000));
        // Of two the one with more.
        let two = [1_000, 5_000, 1_000, 1_000, 1_000, 9_000, 1_000, 1_000];
        assert_eq!(found(&two), Some((5 * SECOND, 9_000)));
        let surge = Surge::of(&due(&two)).unwrap_or(Surge { span: (0, 0), entries: 0 });
        assert!((8_990.0..9_010.0).contains(&surge.rate()), "{}", surge.rate());
        // What was held up for 300 ms in it came at once.
        let held = |at: u64| if (2_500..2_800).contains(&(at / Nanos::PER_MS)) { 2_800 } else { 0 };
        let mut due = due(&[1_000, 1_000, 10_000, 10_000, 1_000, 1_000]);
        due.iter_mut().for_each(|at| *at = (*at).max(held(*at) * Nanos::PER_MS));
        let surge = Surge::of(&due).map(|it| (it.span.0, it.entries));
        assert_eq!(surge, Some((2 * SECOND, 20_000)));
    }

    #[test]
    fn what_waits_no_longer_than_before_has_drained() {
        let surge = Surge { span: (SECOND, 2 * SECOND), entries: 1 };
        let step = |ms: u64, ns| Waited { end_ns: ms * Nanos::PER_MS, ns };
        // 100 calm steps, one of which waited longer: the 99th of a hundred counts.
        let mut steps: Vec<_> = (0..100).map(|ms| step(ms, 500 + ms)).collect();
        steps[7].ns = 9_000;
        let calm = steps.clone();
        // In it and after it; the calm one amid it does not count.
        steps.extend([step(1_000, 700), step(1_500, 80_000), step(1_600, 100)]);
        steps.extend([step(2_300, 90_000), step(2_700, 600), step(2_900, 599), step(3_000, 1)]);
        let drain = Drain::of(surge, &steps);
        let drained_ns = Some(900 * Nanos::PER_MS);
        assert_eq!(drain, Some(Drain { surge, calm_ns: 599, worst_ns: 90_000, drained_ns }));
        let never = Drain::of(surge, &steps[..steps.len() - 2]);
        assert_eq!(never.map(|drain| drain.drained_ns), Some(None));
        assert_eq!(Drain::of(surge, &calm[1..]), None);
    }
}
