//! Repeats made in turns: what can be said of their pairs, whatever the machine did meanwhile.
//!
//! A pair says that the second is slower, that it is faster, or nothing. If both sides are the
//! same, who of two neighbours is slower is a toss of a coin, however the noise is distributed, as
//! long as pairs do not follow from one another; a steady drift favours nobody where the order
//! alternates. So many heads as chance gives too rarely are a difference (the sign test).
//! That a pair counts beyond a margin alone makes it stricter still.
//!
//! A busy machine makes all work of a run slower at once, by up to twice here, and the work of its
//! neighbour not. Stages of work are therefore judged beside each other: by what a stage took more
//! than the others of its run did. What swaps sides in a pair swaps them there, too, so the coin
//! stays fair. The price: where most stages become slower alike, the others look faster.

use super::{Row, Verdict};

/// The share by which the sides of a pair must differ to say anything, and the least difference, in
/// nanoseconds or events.
const MARGIN: f64 = 0.03;
const LEAST: f64 = 1.0;

/// Fewer other stages than this say nothing of the machine.
const OTHERS: usize = 3;

/// The values of `b` as they would be if the work beside it had taken what it took in `a`: over the
/// median of what the other stages of work became, pair by pair. `both` are all rows of both sides.
pub(super) fn evened(b: &Row, both: &[(&Row, &Row)]) -> Vec<f64> {
    let others: Vec<_> =
        both.iter().filter(|(_, other)| other.is_work && other.cell != b.cell).collect();
    if !b.is_work || others.len() < OTHERS {
        return b.values.clone();
    }
    let even = |(pair, value): (usize, &f64)| {
        let ratios = others.iter().filter_map(|(a, b)| {
            let (a, b) = (a.values.get(pair)?, b.values.get(pair)?);
            (*a > 0.0 && *b > 0.0).then(|| (b / a).ln())
        });
        let mut ratios: Vec<f64> = ratios.collect();
        ratios.sort_unstable_by(f64::total_cmp);
        value / middle(&ratios).exp()
    };
    b.values.iter().enumerate().map(even).collect()
}

/// The median of sorted numbers; 0 of none.
fn middle(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    match sorted.get(half) {
        None => 0.0,
        Some(upper) if sorted.len() % 2 == 1 => *upper,
        Some(upper) => (sorted[half - 1] + upper) / 2.0,
    }
}

/// Of so many comparisons of a program with itself, one may find a difference in any of its rows.
const COMPARISONS: f64 = 20.0;

/// Pairs in which the second is slower, in which it is faster, and all.
pub(super) fn count(a: &[f64], b: &[f64]) -> [usize; 3] {
    let beyond = |one: &[f64], other: &[f64]| {
        let pairs = one.iter().zip(other);
        pairs.filter(|(one, other)| **other > **one * (1.0 + MARGIN) + LEAST).count()
    };
    [beyond(a, b), beyond(b, a), a.len().min(b.len())]
}

/// What pairs say, as one of so many rows of a comparison.
pub(super) fn verdict([slower, faster, all]: [usize; 3], rows: usize) -> Verdict {
    match needed(all, rows) {
        None => Verdict::Unknown,
        Some(needed) if slower >= needed => Verdict::Slower,
        Some(needed) if faster >= needed => Verdict::Faster,
        Some(_) => Verdict::Same,
    }
}

/// How many pairs must agree so that chance alone makes any of the rows say so, either way, in one
/// comparison of [`COMPARISONS`] at most; `None` if so few pairs cannot.
fn needed(all: usize, rows: usize) -> Option<usize> {
    let allowed = 1.0 / (COMPARISONS * 2.0 * rows.max(1) as f64);
    let (mut chance, mut ways, mut needed) = (0.0, 0.5f64.powi(all as i32), None);
    for heads in (all / 2 + 1..=all).rev() {
        chance += ways;
        if chance > allowed {
            break;
        }
        needed = Some(heads);
        ways *= heads as f64 / (all - heads + 1) as f64;
    }
    needed
}

/// The ratio in the middle of the pairs, second over first.
pub(super) fn ratio(a: &[f64], b: &[f64]) -> f64 {
    let ratios = a.iter().zip(b).map(|(a, b)| (b.max(1.0) / a.max(1.0)).ln());
    let mut ratios: Vec<f64> = ratios.collect();
    ratios.sort_unstable_by(f64::total_cmp);
    middle(&ratios).exp()
}

#[cfg(test)]
mod tests {
    use super::super::{Difference, Made, Side, compare};
    use super::*;
    use rand_core::Rng;
    use rand_pcg::Pcg32;

    const WORK: [&str; 6] = ["decode", "ingest", "aggregate", "indicate", "reconcile", "dispatch"];
    const PAIRS: usize = 30;

    fn row(stage: &str, is_work: bool, values: Vec<f64>) -> Row {
        let cell = [stage, "", ""].map(str::to_owned);
        Row { cell, measure: "mean".to_owned(), values, is_work }
    }

    #[test]
    fn as_many_pairs_are_needed_as_chance_gives_too_rarely() {
        // By hand: of 10 tosses, all heads come once in 1,024, nine or more 11 times.
        for (all, rows, heads) in [
            (5, 1, None),
            (6, 1, Some(6)),
            (9, 1, Some(8)),
            (10, 1, Some(9)),
            (10, 20, Some(10)),
            (10, 26, None),
            (30, 1, Some(21)),
            (30, 12, Some(24)),
        ] {
            assert_eq!(needed(all, rows), heads, "{all} pairs, {rows} rows");
        }
        assert_eq!(verdict([9, 0, 10], 1), Verdict::Slower);
        assert_eq!(verdict([1, 9, 10], 1), Verdict::Faster);
        assert_eq!(verdict([8, 2, 10], 1), Verdict::Same);
        assert_eq!(verdict([5, 0, 5], 1), Verdict::Unknown);
    }

    #[test]
    fn a_pair_counts_beyond_the_margin() {
        for (a, b, counts) in [
            ([1_000.0, 1_000.0], [1_040.0, 1_020.0], [1, 0, 2]),
            ([1_040.0, 1_020.0], [1_000.0, 1_000.0], [0, 1, 2]),
            ([0.0, 10.0], [1.0, 12.0], [1, 0, 2]),
        ] {
            assert_eq!(count(&a, &b), counts, "{a:?} {b:?}");
        }
    }

    /// All work twice as slow is the machine; one stage more than that is the stage.
    #[test]
    fn stages_of_work_are_judged_beside_each_other() {
        let side = |factor: &dyn Fn(&str) -> f64| -> Side {
            let values = |stage| (1..=PAIRS).map(|at| at as f64 * 100.0 * factor(stage)).collect();
            let mut rows: Side = WORK.iter().map(|it| row(it, true, values(it))).collect();
            rows.push(row("response", false, values("response")));
            rows
        };
        let plain = side(&|_| 1.0);
        let named = |rows: &[Difference]| -> Vec<(String, Verdict)> {
            let apart = rows.iter().filter(|it| it.verdict != Verdict::Same);
            apart.map(|it| (it.cell[0].clone(), it.verdict)).collect()
        };
        let twice = compare(&plain, &side(&|_| 2.0), Made::InTurns);
        assert_eq!(named(&twice), [("response".to_owned(), Verdict::Slower)]);
        let one = |stage: &str| if stage == "ingest" { 2.4 } else { 2.0 };
        let slow = compare(&plain, &side(&one), Made::InTurns);
        let ingest = ("ingest".to_owned(), Verdict::Slower);
        assert_eq!(named(&slow), [ingest, ("response".to_owned(), Verdict::Slower)]);
        assert!((slow[1].ratio - 1.2).abs() < 1e-9 && slow[1].pairs == Some([30, 0, 30]));
        let back = compare(&side(&one), &plain, Made::InTurns);
        assert_eq!(named(&back)[0], ("ingest".to_owned(), Verdict::Faster));
    }

    /// A machine as measured: it is in one of two states, the slower one 1.8 times as slow, and
    /// drifts; a stage of one run is some percent off, and one in twenty was interrupted.
    struct Machine {
        random: Pcg32,
        slow: bool,
        drift: f64,
    }

    impl Machine {
        /// From 0 to 1.
        fn toss(&mut self) -> f64 {
            f64::from(self.random.next_u32()) / f64::from(u32::MAX)
        }

        /// About normal: variance 1.
        fn normal(&mut self) -> f64 {
            (0..12).map(|_| self.toss()).sum::<f64>() - 6.0
        }

        /// One run: its stages of work, and their sum last.
        fn run(&mut self, slow: &str) -> Vec<f64> {
            self.slow = if self.toss() < 0.3 { self.toss() < 0.7 } else { self.slow };
            self.drift = (self.drift + 0.02 * self.normal()).clamp(-0.3, 0.3);
            let state = if self.slow { 1.8 } else { 1.0 };
            let pace = state * (self.drift + 0.1 * self.normal()).exp();
            let mut stage = |name: &str| {
                let work = if name == slow { 12_000.0 } else { 10_000.0 };
                let hit = if self.toss() < 0.05 { 2.0 * self.toss() } else { 0.0 };
                work * pace * ((0.07 * self.normal()).exp() + hit)
            };
            let mut stages: Vec<f64> = WORK.iter().map(|name| stage(name)).collect();
            stages.push(stages.iter().sum());
            stages
        }

        /// Both sides of pairs made in turns.
        fn pairs(&mut self, slow: &str) -> [Side; 2] {
            let names = WORK.iter().map(|name| (*name, true)).chain([("response", false)]);
            let sides = ["", slow].map(|_| {
                names.clone().map(|(name, is_work)| row(name, is_work, Vec::new())).collect()
            });
            let mut sides: [Side; 2] = sides;
            for pair in 0..PAIRS {
                for side in [pair % 2, 1 - pair % 2] {
                    let run = self.run(["", slow][side]);
                    sides[side].iter_mut().zip(run).for_each(|(row, ns)| row.values.push(ns));
                }
            }
            sides
        }
    }

    #[test]
    fn nineteen_of_twenty_are_the_same_and_a_fifth_more_of_any_stage_is_named() {
        let mut machine = Machine { random: Pcg32::new(7, 1), slow: false, drift: 0.0 };
        let mut comparison = |slow: &str| {
            let [a, b] = machine.pairs(slow);
            compare(&a, &b, Made::InTurns)
        };
        let (mut told, mut named) = (0, 0);
        for round in 0..200 {
            let same = comparison("");
            told += usize::from(same.iter().any(|it| it.verdict != Verdict::Same));
            let stage = WORK[round % WORK.len()];
            let slow = comparison(stage);
            let apart = slow.iter().filter(|it| it.verdict != Verdict::Same);
            let apart: Vec<_> = apart.map(|it| (it.cell[0].as_str(), it.verdict)).collect();
            named += usize::from(apart == [(stage, Verdict::Slower)]);
        }
        assert!(told <= 10, "{told} of 200 pairs of the same differ");
        assert!(named >= 190, "{named} of 200 slow ones were named, and nothing else");
    }
}
