//! `tapescan rules universe`: which symbols would be followed, and what removes the others.

use std::io::Write;

use serde_json::{Map, Value, json};

use crate::cli::SessionArgs;
use crate::commands::Failure;
use crate::commands::session::Session;
use crate::commands::table::{count, table};
use crate::config::{Choice, nearest};
use crate::live;
use crate::live::universe::Sieved;

/// Names that are shown of each filter; --json has all of them.
const SHOWN: usize = 5;

pub(super) fn run(args: &SessionArgs, json: bool, out: &mut dyn Write) -> Result<(), Failure> {
    let Session { config, options, exchange: _exchange } = Session::new(args)?;
    let found = live::sieve(&options, &config)?;
    named(&options.choice, &found)?;
    if json {
        writeln!(out, "{}", as_json(&found))?;
        return Ok(());
    }
    let few = |names: &[Box<str>]| {
        let more = if names.len() > SHOWN { " ..." } else { "" };
        let names: Vec<&str> = names.iter().take(SHOWN).map(|name| &**name).collect();
        format!("{}{more}", names.join(" "))
    };
    writeln!(out, "{} symbols trade at {}", count(found.trading as u64), config.venue)?;
    let some = found.removed.iter().filter(|(_, names)| !names.is_empty());
    let rows: Vec<Vec<String>> = some
        .map(|(filter, names)| {
            let removed = format!("removes {}", count(names.len() as u64));
            vec![(*filter).to_owned(), removed, few(names)]
        })
        .collect();
    table(out, "  ", &rows)?;
    if config.universe.min_age_ns.is_some() && found.ageless > 0 {
        let ageless = count(found.ageless as u64);
        writeln!(out, "  min_age: of {ageless} the venue does not say since when they are listed")?;
    }
    writeln!(out, "{} are followed: {}", count(found.kept.len() as u64), few(&found.kept))?;
    Ok(())
}

/// Symbols that are named must trade, as a session would have it.
fn named(choice: &Choice, found: &Sieved) -> Result<(), Failure> {
    let Choice::Names(names) = choice else { return Ok(()) };
    let is_kept = |name: &&String| found.kept.iter().any(|kept| **kept == ***name);
    let missing: Vec<&String> = names.iter().filter(|name| !is_kept(name)).collect();
    let others = || found.removed.iter().flat_map(|(_, names)| names).chain(&found.kept);
    let told = missing.iter().map(|name| {
        let near = nearest(name, others().map(|other| &**other));
        let hint = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
        format!("{name} does not trade at the venue{hint}")
    });
    match missing.is_empty() {
        true => Ok(()),
        false => Err(Failure::Usage(told.collect::<Vec<_>>().join("\n"))),
    }
}

fn as_json(found: &Sieved) -> Value {
    let removed: Map<_, _> =
        found.removed.iter().map(|(filter, names)| ((*filter).to_owned(), json!(names))).collect();
    json!({
        "trading": found.trading,
        "removed": removed,
        "without_age": found.ageless,
        "followed": found.kept,
    })
}
