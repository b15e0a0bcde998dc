//! Two profiles beside each other: which differences are beyond what repeats differ by.
//!
//! Profiles made apart are compared by how far their repeats spread. Where the repeats of both were
//! made in turns, each is compared with its neighbour of the other side instead: what a busy
//! machine takes from one it takes from the other, too.

use super::in_turns;

/// One measure of one stage or cell, once per repeat.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Stage, kind and phase; the latter two are empty for a stage as a whole.
    pub cell: [String; 3],
    /// What was measured: the mean, or which percentile.
    pub measure: String,
    /// Its value in each repeat, in nanoseconds or events.
    pub values: Vec<f64>,
    /// Whether it is a stage of work as a whole, which contains none of the others and no waiting:
    /// such rows of repeats made in turns are judged beside each other.
    pub is_work: bool,
}

/// One of the two.
pub type Side = Vec<Row>;

/// How the repeats of both sides were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// First all of one side, then all of the other.
    Apart,
    /// In turns: repeats of equal number are neighbours.
    InTurns,
}

/// What can be said of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Within what repeats differ by.
    Same,
    /// The second one is slower.
    Slower,
    /// The second one is faster.
    Faster,
    /// Too few repeats to say.
    Unknown,
}

impl Verdict {
    /// The word used in tables and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Slower => "slower",
            Self::Faster => "faster",
            Self::Unknown => "unknown",
        }
    }
}

/// One row of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Stage, kind and phase, as in [`Row`].
    pub cell: [String; 3],
    /// What was measured, as in [`Row`].
    pub measure: String,
    /// Least, median and largest of the repeats of each side, in nanoseconds or events.
    pub sides: [[f64; 3]; 2],
    /// The second over the first: of the medians, or the median over pairs; of a stage of work in
    /// pairs, beside what the others became.
    pub ratio: f64,
    /// Of repeats made in turns: pairs in which the second is slower, in which it is faster, by
    /// more than the margin, and all.
    pub pairs: Option<[usize; 3]>,
    /// What can be said.
    pub verdict: Verdict,
}

/// Repeats from which there is a spread to speak of: of three, by chance alone, some of the dozens
/// of rows of a comparison lie apart.
const REPEATS: usize = 5;

/// Differences that nobody could act upon: this share, by which a machine drifts between two
/// profiles, and this many nanoseconds or events.
const SHARE: f64 = 0.10;
const LEAST: f64 = 30.0;

/// Sets two sides beside each other, by the rows of the first that the second has, too.
///
/// Of profiles made apart, a difference counts if the medians are farther apart than both sides
/// spread together, and by more than a tenth. Of repeats made in turns it counts if so many pairs
/// say so that chance alone would name any row in one of twenty comparisons at most.
pub fn compare(a: &Side, b: &Side, made: Made) -> Vec<Difference> {
    let of = |row: &Row| b.iter().find(|other| alike(row, other));
    let both = a.iter().filter_map(|row| Some((row, of(row)?)));
    let both: Vec<_> = both.filter(|(a, b)| !a.values.is_empty() && !b.values.is_empty()).collect();
    let told = |(a, b): &(&Row, &Row)| match made {
        Made::Apart => apart(a, b),
        Made::InTurns => in_turns(a, b, &both),
    };
    both.iter().map(told).collect()
}

fn alike(a: &Row, b: &Row) -> bool {
    a.cell == b.cell && a.measure == b.measure
}

fn three(values: &[f64]) -> [f64; 3] {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    [values[0], values[values.len() / 2], values[values.len() - 1]]
}

fn apart(a: &Row, b: &Row) -> Difference {
    let sides = [three(&a.values), three(&b.values)];
    let few = a.values.len().min(b.values.len()) < REPEATS;
    let verdict = if few { Verdict::Unknown } else { beyond_spread(sides) };
    let ratio = over(sides[0][1], sides[1][1]);
    let (cell, measure) = (a.cell.clone(), a.measure.clone());
    Difference { cell, measure, sides, ratio, pairs: None, verdict }
}

fn in_turns(a: &Row, b: &Row, both: &[(&Row, &Row)]) -> Difference {
    let sides = [three(&a.values), three(&b.values)];
    let evened = in_turns::evened(b, both);
    let pairs = in_turns::count(&a.values, &evened);
    let alike = a.values.len() == b.values.len();
    let verdict = if alike { in_turns::verdict(pairs, both.len()) } else { Verdict::Unknown };
    let ratio = in_turns::ratio(&a.values, &evened);
    let (cell, measure) = (a.cell.clone(), a.measure.clone());
    Difference { cell, measure, sides, ratio, pairs: Some(pairs), verdict }
}

fn over(a: f64, b: f64) -> f64 {
    b / a.max(1.0)
}

fn beyond_spread([a, b]: [[f64; 3]; 2]) -> Verdict {
    let distance = (a[1] - b[1]).abs();
    let spread = (a[2] - a[0]) + (b[2] - b[0]);
    let matters = distance > LEAST && distance > SHARE * a[1];
    match distance > spread && matters {
        false => Verdict::Same,
        true if b[1] > a[1] => Verdict::Slower,
        true => Verdict::Faster,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::Rng;
    use rand_pcg::Pcg32;

    fn row(stage: &str, values: &[u64]) -> Row {
        let cell = [stage, "trade", "calm"].map(str::to_owned);
        let values = values.iter().map(|value| *value as f64).collect();
        Row { cell, measure: "p99".to_owned(), values, is_work: false }
    }

    fn verdict_of(a: &[u64], b: &[u64]) -> Verdict {
        compare(&vec![row("x", a)], &vec![row("x", b)], Made::Apart)[0].verdict
    }

    #[test]
    fn a_difference_counts_beyond_the_spread_alone() {
        let calm = &[1_000, 1_010, 1_005, 1_015, 1_020][..];
        for (a, b, verdict) in [
            (calm, &[1_200, 1_210, 1_195, 1_205, 1_190][..], Verdict::Slower),
            (&[1_200, 1_210, 1_195, 1_205, 1_190], calm, Verdict::Faster),
            // Overlap, or apart by less than they spread, or by less than matters.
            (calm, &[1_015, 1_210, 1_205, 1_200, 1_400], Verdict::Same),
            (calm, &[1_150, 1_200, 1_210, 1_260, 1_350], Verdict::Same),
            (calm, &[1_090, 1_090, 1_091, 1_092, 1_093], Verdict::Same),
            (&[20; 5], &[40; 5], Verdict::Same),
            (&[1_000; 4], &[2_000; 4], Verdict::Unknown),
        ] {
            assert_eq!(verdict_of(a, b), verdict, "{a:?} {b:?}");
        }
        assert_eq!(compare(&vec![row("x", &[1])], &vec![row("y", &[1])], Made::Apart), []);
    }

    /// What a reader wants of it: the same twice is the same, and a slower stage is named.
    #[test]
    fn noise_is_the_same_in_nineteen_of_twenty_pairs_and_a_fifth_more_is_found() {
        let mut random = Pcg32::new(7, 1);
        let mut noisy = |base: u64| {
            // Four percent up and down, and now and then a twentieth more.
            let spike = if random.next_u32().is_multiple_of(20) { base / 20 } else { 0 };
            base * (960 + u64::from(random.next_u32() % 81)) / 1_000 + spike
        };
        let stages = ["decode", "ingest", "aggregate", "indicate", "dispatch", "response"];
        let mut side = |slow: &str| -> Side {
            let base = |stage: &str| if stage == slow { 12_000 } else { 10_000 };
            let mut row = |stage| row(stage, &[0; REPEATS].map(|_| noisy(base(stage))));
            stages.iter().map(|stage| row(stage)).collect()
        };
        let (mut told, mut named) = (0, 0);
        for _ in 0..200 {
            let pair = compare(&side(""), &side(""), Made::Apart);
            told += usize::from(pair.iter().any(|it| it.verdict != Verdict::Same));
            let slow = compare(&side(""), &side("indicate"), Made::Apart);
            let slower: Vec<_> = slow.iter().filter(|it| it.verdict == Verdict::Slower).collect();
            named += usize::from(slower.iter().any(|it| it.cell[0] == "indicate"));
        }
        assert!(told <= 10, "{told} of 200 pairs of the same differ");
        assert!(named >= 100, "{named} of 200 slow ones were named");
    }
}
