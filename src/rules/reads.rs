//! What all rules of a configuration read together: columns and history by interval, scores, and
//! the indicators that are there because a rule names them.

use systems::catalog::Spec;
use systems::interval::Interval;
use systems::limits::RULE_COLUMNS_MAX;
use systems::rule::{Score, Source};

use super::ast::Span;
use super::compile::compile;
use super::fault::Fault;
use super::tree::{Node, Wanted};

/// What rules read.
pub(super) struct Reads {
    /// By interval: the indicators that its rows have, those that rules name at the end.
    specs: Vec<Vec<Spec>>,
    /// How many of them were configured.
    configured: Vec<usize>,
    columns: Vec<Vec<(Wanted, Source)>>,
    depth: Vec<Option<usize>>,
    scores: Vec<(Node, Score)>,
}

impl Reads {
    /// Nothing yet, of rows with these indicators by interval.
    pub(super) fn new(configured: &[Vec<Spec>]) -> Self {
        Self {
            specs: configured.to_vec(),
            configured: configured.iter().map(Vec::len).collect(),
            columns: vec![Vec::new(); configured.len()],
            depth: vec![None; configured.len()],
            scores: Vec::new(),
        }
    }

    /// Notes that so many candles before the judged one are read.
    pub(super) fn reach(&mut self, interval: u8, depth: usize) {
        let known = &mut self.depth[usize::from(interval)];
        *known = Some(known.map_or(depth, |known| known.max(depth)));
    }

    /// The number of a column; a new one is given to one that nothing read yet.
    ///
    /// # Errors
    /// Too many columns.
    pub(super) fn column(
        &mut self,
        interval: u8,
        wanted: &Wanted,
        intervals: &[(Interval, usize)],
        span: &Span,
    ) -> Result<u8, Fault> {
        let place = usize::from(interval);
        if let Some(at) = self.columns[place].iter().position(|(known, _)| known == wanted) {
            return Ok(at as u8);
        }
        let source = match wanted {
            Wanted::Field(field) => Source::Field(*field),
            Wanted::Time(time) => Source::Time(*time),
            Wanted::Output(spec, output) => Source::Output(self.output(place, spec, *output)),
            Wanted::Ranked { score, percentile } => {
                let score = self.score(score, interval, intervals)?;
                if *percentile { Source::Percentile(score) } else { Source::Rank(score) }
            }
        };
        let columns = &mut self.columns[place];
        if columns.len() == RULE_COLUMNS_MAX {
            let (interval, _) = intervals[place];
            let message =
                format!("rules read more than {RULE_COLUMNS_MAX} different columns of {interval}");
            return Err(Fault::new(span.clone(), message));
        }
        columns.push((wanted.clone(), source));
        Ok(columns.len() as u8 - 1)
    }

    /// Where an indicator's output stands among the row's columns.
    fn output(&mut self, place: usize, spec: &Spec, output: usize) -> u16 {
        let specs = &mut self.specs[place];
        let at = specs.iter().position(|known| known == spec).unwrap_or_else(|| {
            specs.push(spec.clone());
            specs.len() - 1
        });
        let before: usize = specs[..at].iter().map(|spec| spec.entry().outputs.len()).sum();
        (before + output) as u16
    }

    fn score(
        &mut self,
        node: &Node,
        interval: u8,
        intervals: &[(Interval, usize)],
    ) -> Result<u16, Fault> {
        let same =
            |(known, score): &(Node, Score)| score.interval == interval && known.what == node.what;
        if let Some(at) = self.scores.iter().position(same) {
            return Ok(at as u16);
        }
        let program = compile(node, "", interval, intervals, self)?.program;
        self.scores.push((node.clone(), Score { interval, program }));
        Ok(self.scores.len() as u16 - 1)
    }

    /// The indicators that only rules named, by interval.
    pub(super) fn named(&self) -> Vec<Vec<Spec>> {
        let specs = self.specs.iter().zip(&self.configured);
        specs.map(|(specs, &configured)| specs[configured..].to_vec()).collect()
    }

    /// The columns by interval, how many candles back they are read, and the scores.
    pub(super) fn finish(self) -> (Vec<Vec<Source>>, Vec<Option<usize>>, Vec<Score>) {
        let sources = |columns: Vec<(Wanted, Source)>| {
            columns.into_iter().map(|(_, source)| source).collect()
        };
        let columns = self.columns.into_iter().map(sources).collect();
        (columns, self.depth, self.scores.into_iter().map(|(_, score)| score).collect())
    }
}
