//! `tapescan rules test`: tapes through the engine, and what its rules told in numbers.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value, json};
use systems::units::Nanos;

use crate::commands::table::{count, table};
use crate::commands::{Failure, configuration};
use crate::config::Config;
use crate::progress::Progress;
use crate::replay::{Outputs, Plan, Speed, Summary, Tapes, replay};
use crate::rules::{AFTER, Rehearsed, rehearse};
use crate::settings::widths;

/// What came of it.
pub(super) struct Rehearsal {
    config: Config,
    rules: Vec<Rehearsed>,
    summary: Summary,
    /// Venue time between the first candle and the end.
    span: Nanos,
    elapsed: Duration,
}

impl Rehearsal {
    pub(super) fn run(
        tapes: &[PathBuf],
        config: Option<&Path>,
        threads: usize,
    ) -> Result<Self, Failure> {
        let mut tapes = Tapes::open(tapes).map_err(Failure::usage)?;
        let mut config = configuration(config, tapes.config())?;
        if config.rules.is_empty() {
            let message = "there are no rules to be tested; name a configuration with --config";
            return Err(Failure::Usage(message.to_owned()));
        }
        super::tell_beginnings(&mut config);
        let plan = Plan { batch: super::BATCH, threads, speed: Speed::Max };
        let mut outputs = Outputs::new(widths(&config), true).keeping_alerts();
        let mut progress = Progress::over(tapes.bytes());
        let summary = replay(&mut tapes, &config, &plan, &mut outputs, &mut progress)?;
        let elapsed = progress.done();
        let candles = outputs.candles().cloned().unwrap_or_default();
        let begin = candles.keys().map(|(.., open_time)| *open_time).min();
        let span = Nanos(begin.map_or(0, |begin| summary.ended_at.0.saturating_sub(begin.0)));
        let told = outputs.told();
        let rules = rehearse(config.rules.len(), told, &candles, &summary.cooled);
        Ok(Self { config, rules, summary, span, elapsed })
    }

    fn hours(&self) -> f64 {
        (self.span.0 as f64 / Nanos::PER_SECOND as f64 / 3_600.0).max(1e-9)
    }

    /// How many times faster than the market.
    fn speed(&self) -> f64 {
        self.span.0 as f64 / Nanos::PER_SECOND as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    pub(super) fn as_json(&self) -> Value {
        let rule = |(rule, one): (&crate::rules::Rule, &Rehearsed)| {
            let after: Map<_, _> = AFTER
                .iter()
                .zip(one.after)
                .map(|((name, _), change)| ((*name).to_owned(), json!(change)))
                .collect();
            json!({
                "name": rule.name,
                "entered": one.entered,
                "exited": one.exited,
                "per_hour": one.entered as f64 / self.hours(),
                "per_day": one.entered as f64 / self.hours() * 24.0,
                "symbols": one.symbols,
                "provisional": one.provisional,
                "late": one.late,
                "withdrawn": one.withdrawn,
                "held_by_cool_down": one.cooled,
                "held_by_budget": one.held,
                "change_after": after,
                "best": one.best_and_worst.map(|(best, _)| best),
                "worst": one.best_and_worst.map(|(_, worst)| worst),
            })
        };
        json!({
            "rules": self.config.rules.iter().zip(&self.rules).map(rule).collect::<Vec<_>>(),
            "trades": self.summary.trades,
            "hours": self.hours(),
            "elapsed_s": self.elapsed.as_secs_f64(),
            "times_real_time": self.speed(),
            "alerts": self.summary.alerts,
            "digest": self.summary.digest,
        })
    }

    pub(super) fn print(&self, out: &mut dyn Write) -> Result<(), Failure> {
        writeln!(
            out,
            "{} trades of {:.1} hours in {:.2} s: {} times as fast as the market",
            count(self.summary.trades),
            self.hours(),
            self.elapsed.as_secs_f64(),
            count(self.speed() as u64)
        )?;
        let mut rows = vec![
            "rule,begins,a day,symbols,provisional,late,withdrawn,cooling,held,5m,15m,1h,best,worst"
                .split(',')
                .map(str::to_owned)
                .collect::<Vec<_>>(),
        ];
        for (rule, one) in self.config.rules.iter().zip(&self.rules) {
            let share = one.provisional as f64 / one.entered.max(1) as f64 * 100.0;
            let mut row = vec![
                rule.name.clone(),
                count(one.entered),
                format!("{:.1}", one.entered as f64 / self.hours() * 24.0),
                count(one.symbols as u64),
                format!("{share:.0}%"),
            ];
            row.extend([one.late, one.withdrawn, one.cooled, one.held].map(count));
            row.extend(one.after.map(percent));
            row.push(percent(one.best_and_worst.map(|(best, _)| best)));
            row.push(percent(one.best_and_worst.map(|(_, worst)| worst)));
            rows.push(row);
        }
        table(out, "  ", &rows)?;
        writeln!(out, "changes are medians in percent; best and worst within {}", AFTER[2].0)?;
        Ok(())
    }
}

fn percent(change: Option<f64>) -> String {
    change.map_or_else(|| "-".to_owned(), |change| format!("{change:+.2}"))
}
