//! `tapescan doctor`: what a live session with the same arguments would do, checked beforehand.

mod machine;
mod memory;
mod venue;

use std::io::{self, Write};
use std::path::Path;

use serde_json::{Map, Value, json};

use super::Failure;
use super::session::Session;
use super::table::{count, size};
use crate::cli::DoctorArgs;
use crate::config::Config;
use crate::live;

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Ok,
    Warning,
    Problem,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// One thing that was looked at.
struct Check {
    name: &'static str,
    level: Level,
    text: String,
    /// What to do, unless all is well.
    advice: Option<String>,
    /// The numbers in the text, for programs.
    figures: Map<String, Value>,
}

impl Check {
    fn ok(name: &'static str, text: impl Into<String>) -> Self {
        let (text, figures) = (text.into(), Map::new());
        Self { name, level: Level::Ok, text, advice: None, figures }
    }

    fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.figures.insert(key.to_owned(), value.into());
        self
    }

    /// A problem instead, or a warning, with what to do about it.
    fn but(mut self, level: Level, advice: impl Into<String>) -> Self {
        (self.level, self.advice) = (level, Some(advice.into()));
        self
    }

    /// The same under a condition.
    fn but_if(self, condition: bool, level: Level, advice: impl Into<String>) -> Self {
        if condition { self.but(level, advice) } else { self }
    }
}

pub(super) fn run(args: &DoctorArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let session = Session::new(&args.session)?;
    let survey = live::survey(&session.options, &session.config);
    let mut checks = vec![configuration(args.session.config.as_deref(), &session.config)];
    let learnt = venue::checks(&session, survey, &mut checks);
    machine::checks(&session, &learnt, &mut checks);
    let of = |level| checks.iter().filter(|check| check.level == level).count();
    let (problems, warnings) = (of(Level::Problem), of(Level::Warning));
    let plan = learnt.plan.as_ref().map(ToString::to_string);
    if args.json {
        let report = json!({
            "ok": problems == 0,
            "problems": problems,
            "warnings": warnings,
            "checks": checks.iter().map(as_json).collect::<Vec<_>>(),
            "connections": learnt.links(),
        });
        writeln!(out, "{report}")?;
    } else {
        print(out, &checks, plan.as_deref())?;
    }
    match problems {
        0 => Ok(()),
        1 => Err(Failure::Failed("1 problem".to_owned())),
        _ => Err(Failure::Failed(format!("{problems} problems"))),
    }
}

fn configuration(file: Option<&Path>, config: &Config) -> Check {
    let source = file.map_or("the defaults".to_owned(), |file| file.display().to_string());
    let mut groups: Vec<(Vec<String>, String)> = Vec::new();
    for row in &config.intervals {
        let what = format!("{} candles and {} indicators", row.lookback, row.indicators.len());
        match groups.iter_mut().find(|(_, same)| *same == what) {
            Some((intervals, _)) => intervals.push(row.interval.to_string()),
            None => groups.push((vec![row.interval.to_string()], what)),
        }
    }
    let rows = groups.iter().map(|(intervals, what)| format!("{what} of {}", intervals.join(", ")));
    let rows = rows.collect::<Vec<_>>().join("; ");
    Check::ok("configuration", format!("{source}: {rows} (see `tapescan config`)"))
        .with("source", source)
}

fn as_json(check: &Check) -> Value {
    let mut figures = check.figures.clone();
    figures.insert("check".to_owned(), check.name.into());
    figures.insert("level".to_owned(), check.level.name().into());
    figures.insert("text".to_owned(), check.text.clone().into());
    figures.insert("advice".to_owned(), check.advice.clone().into());
    Value::Object(figures)
}

fn print(out: &mut dyn Write, checks: &[Check], plan: Option<&str>) -> io::Result<()> {
    let colours = console::Term::stdout().is_term() && console::colors_enabled();
    for Check { name, level, text, advice, .. } in checks {
        let word = console::style(format!("{:<8}", level.name())).force_styling(colours);
        let word = match level {
            Level::Ok => word.green(),
            Level::Warning => word.yellow(),
            Level::Problem => word.red().bold(),
        };
        writeln!(out, "{word} {name:<14} {text}")?;
        if let Some(advice) = advice {
            writeln!(out, "{:>24}-> {advice}", "")?;
        }
    }
    if let Some(plan) = plan {
        writeln!(out, "\n{plan}")?;
    }
    out.flush()
}

/// Time as a person says it, rounded up.
fn seconds(ns: u64) -> String {
    match ns.div_ceil(1_000_000_000).max(1) {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds.div_ceil(60)),
    }
}
