//! `tapescan rules diff`: what two configurations tell about the same tapes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use systems::units::Nanos;

use crate::commands::Failure;
use crate::commands::table::{count, table};
use crate::config::Config;
use crate::logging::timestamp;
use crate::progress::Progress;
use crate::replay::{Outputs, Plan, Speed, Tapes, replay};
use crate::rules::beginnings;
use crate::settings::widths;

/// Differences shown of one rule; the JSON has all of them.
const SHOWN: usize = 5;

/// Beginnings of one rule: when, and of which symbol.
type Begun = BTreeSet<(Nanos, String)>;

/// What became of one rule.
struct Difference {
    name: String,
    old: Begun,
    new: Begun,
}

pub(super) fn run(
    (old, new): (&Path, &Path),
    tapes: &[PathBuf],
    as_json: bool,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    // Mistakes in either are told before the work.
    let (old, new) = (Config::read(old)?, Config::read(new)?);
    let (mut old, mut new) = (begun(&old, tapes)?, begun(&new, tapes)?);
    let names: BTreeSet<String> = old.keys().chain(new.keys()).cloned().collect();
    let differences: Vec<Difference> = names
        .into_iter()
        .map(|name| {
            let old = old.remove(&name).unwrap_or_default();
            let new = new.remove(&name).unwrap_or_default();
            Difference { name, old, new }
        })
        .collect();
    if as_json {
        let rules: Vec<Value> = differences.iter().map(Difference::as_json).collect();
        writeln!(out, "{}", json!({ "rules": rules }))?;
        return Ok(());
    }
    print(out, &differences)
}

/// By rule, what begins under a configuration.
fn begun(config: &Config, tapes: &[PathBuf]) -> Result<BTreeMap<String, Begun>, Failure> {
    let mut config = config.clone();
    super::tell_beginnings(&mut config);
    let config = &config;
    let mut tapes = Tapes::open(tapes).map_err(Failure::usage)?;
    let plan = Plan { batch: super::BATCH, threads: 1, speed: Speed::Max };
    let mut outputs = Outputs::new(widths(config), false).keeping_alerts();
    let mut progress = Progress::over(tapes.bytes());
    replay(&mut tapes, config, &plan, &mut outputs, &mut progress)?;
    progress.done();
    let symbols = tapes.symbols();
    let all = beginnings(config.rules.len(), outputs.told());
    let named = config.rules.iter().zip(all).map(|(rule, begun)| {
        let begun = begun.into_iter();
        let begun = begun.map(|(symbol, at)| (at, symbols.spec(symbol).name.to_string()));
        (rule.name.clone(), begun.collect())
    });
    Ok(named.collect())
}

impl Difference {
    fn gone(&self) -> Vec<&(Nanos, String)> {
        self.old.difference(&self.new).collect()
    }

    fn come(&self) -> Vec<&(Nanos, String)> {
        self.new.difference(&self.old).collect()
    }

    fn as_json(&self) -> Value {
        let list = |begun: Vec<&(Nanos, String)>| {
            let one = |(at, symbol): &(Nanos, String)| (symbol.clone(), timestamp(*at));
            let named = begun.into_iter().map(one);
            named.map(|(symbol, at)| json!({ "symbol": symbol, "entered": at })).collect::<Vec<_>>()
        };
        json!({
            "name": self.name,
            "old": self.old.len(),
            "new": self.new.len(),
            "gone": list(self.gone()),
            "come": list(self.come()),
        })
    }
}

fn print(out: &mut dyn Write, differences: &[Difference]) -> Result<(), Failure> {
    let heading = ["rule", "old", "new", "gone", "come"].map(str::to_owned).to_vec();
    let row = |it: &Difference| {
        let counts = [it.old.len(), it.new.len(), it.gone().len(), it.come().len()];
        let counts = counts.map(|number| count(number as u64));
        [vec![it.name.clone()], counts.to_vec()].concat()
    };
    let rows: Vec<_> = std::iter::once(heading).chain(differences.iter().map(row)).collect();
    table(out, "  ", &rows)?;
    for it in differences {
        for (word, begun) in [("gone", it.gone()), ("come", it.come())] {
            for (at, symbol) in begun.iter().take(SHOWN) {
                writeln!(out, "{word}: {} {symbol} {}", it.name, timestamp(*at))?;
            }
            if begun.len() > SHOWN {
                writeln!(out, "{word}: ... --json lists all {} of {}", begun.len(), it.name)?;
            }
        }
    }
    Ok(())
}
