//! `tapescan tape verify`: one tape, or several as the session that they hold.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Failure;
use super::table::count;
use super::tape::{at, print_end};
use crate::tape::{self, Missing, Verification, Verified};

pub(super) fn run(given: &[PathBuf], json: bool, out: &mut dyn Write) -> Result<(), Failure> {
    match given {
        [path] if !path.is_dir() => one(path, json, out),
        _ => all(given, json, out),
    }
}

fn all(given: &[PathBuf], json: bool, out: &mut dyn Write) -> Result<(), Failure> {
    let mut files = Vec::new();
    for path in given {
        match path.is_dir() {
            true => files.extend(tapes_in(path)?),
            false => files.push(path.clone()),
        }
    }
    let found = tape::verify_all(&files).map_err(|(file, error)| at(&file)(error))?;
    if json {
        writeln!(out, "{}", all_json(&found))?;
    } else {
        print_all(&found, out)?;
    }
    match found.problem_count() {
        0 => Ok(()),
        problems => {
            let (problems, tapes) = (count(problems), count(found.tapes.len() as u64));
            Err(Failure::Differs(format!("{problems} problems on {tapes} tapes")))
        }
    }
}

/// The tapes in a folder, those that are being begun aside.
fn tapes_in(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let fault = |error: io::Error| Failure::Usage(format!("{}: {error}", dir.display()));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(fault)? {
        let file = entry.map_err(fault)?.path();
        if file.extension().is_some_and(|extension| extension == "tape") && file.is_file() {
            files.push(file);
        }
    }
    match files.is_empty() {
        true => Err(Failure::Usage(format!("{}: no tapes are here", dir.display()))),
        false => Ok(files),
    }
}

fn print_all(found: &Verified, out: &mut dyn Write) -> io::Result<()> {
    for (file, own) in &found.tapes {
        write!(out, "{}: {} entries, ", file.display(), count(own.counts.total()))?;
        print_end(&own.end, out)?;
        print_problems(own, &described(own), out)?;
    }
    let repeated = found.tapes.iter().map(|(_, own)| own.repeated_ids).sum();
    writeln!(out, "missing ids: {}", count(found.missing_ids))?;
    writeln!(out, "repeated ids: {}", count(repeated))?;
    for Missing { venue, symbol, from_id, to_id } in &found.missing {
        writeln!(out, "  {venue} {symbol}: ids {from_id} to {to_id} are missing")?;
    }
    if found.missing_ranges > found.missing.len() as u64 {
        writeln!(out, "  ... {} ranges in all", count(found.missing_ranges))?;
    }
    Ok(())
}

fn all_json(found: &Verified) -> Value {
    let tapes = found.tapes.iter().map(|(file, own)| {
        let mut object = as_json(own, &described(own));
        object["tape"] = json!(file.display().to_string());
        object
    });
    let missing = found.missing.iter().map(|Missing { venue, symbol, from_id, to_id }| {
        json!({ "venue": venue, "symbol": symbol, "from_id": from_id, "to_id": to_id })
    });
    json!({
        "tapes": tapes.collect::<Vec<_>>(),
        "missing_ids": found.missing_ids,
        "missing_ranges": found.missing_ranges,
        "first_missing": missing.collect::<Vec<_>>(),
        "problems": found.problem_count(),
    })
}

fn described(found: &Verification) -> Vec<String> {
    found.problems.iter().map(|problem| problem.describe(&found.symbols).to_string()).collect()
}

fn as_json(found: &Verification, problems: &[String]) -> Value {
    json!({
        "entries": found.counts.total(),
        "blocks": found.blocks,
        "sealed": found.end.sealed,
        "missing_ids": found.missing_ids,
        "repeated_ids": found.repeated_ids,
        "unread": found.unread,
        "problems": found.problem_count,
        "first_problems": problems,
    })
}

fn one(path: &Path, json: bool, out: &mut dyn Write) -> Result<(), Failure> {
    let found = tape::verify(path).map_err(at(path))?;
    let problems = described(&found);
    if json {
        writeln!(out, "{}", as_json(&found, &problems))?;
    } else {
        print_verification(&found, &problems, out)?;
    }
    match found.is_ok() {
        true => Ok(()),
        false => {
            let problems = count(found.problem_count);
            Err(Failure::Differs(format!("{}: {problems} problems", path.display())))
        }
    }
}

fn print_verification(
    found: &Verification,
    problems: &[String],
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "{} entries in {} blocks", count(found.counts.total()), count(found.blocks))?;
    print_end(&found.end, out)?;
    writeln!(out, "missing ids: {}", count(found.missing_ids))?;
    writeln!(out, "repeated ids: {}", count(found.repeated_ids))?;
    print_problems(found, problems, out)
}

fn print_problems(
    found: &Verification,
    problems: &[String],
    out: &mut dyn Write,
) -> io::Result<()> {
    if found.unread > 0 {
        let unread = count(found.unread);
        writeln!(
            out,
            "{unread} messages of a venue that cannot be decoded: their ids are unknown"
        )?;
    }
    for problem in problems {
        writeln!(out, "  {problem}")?;
    }
    if found.problem_count > problems.len() as u64 {
        writeln!(out, "  ... {} in all", count(found.problem_count))?;
    }
    Ok(())
}
