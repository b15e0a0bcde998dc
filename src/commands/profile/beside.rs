//! `tapescan profile --beside`: the repeats of two programs in turns, each in a process of its own.
//!
//! A process gets other memory each time, which alone makes a stage some percent slower or faster;
//! so even the repeats of this program are processes.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{Bench, Failure, compare, merge};
use crate::cli::{ProfileArgs, RunArgs};
use crate::clock;
use crate::commands::output::NewFile;
use crate::latency::report;
use crate::logging::timestamp;

/// The folders of both sides.
const SIDES: [&str; 2] = ["first", "second"];

pub(super) fn run(
    args: &ProfileArgs,
    program: &Path,
    repeats: u16,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    // What the user typed is looked at before half an hour of runs.
    Bench::new(&args.run)?;
    let own = std::env::current_exe().map_err(Failure::failed)?;
    let other = fs::canonicalize(program);
    let other = other
        .map_err(|error| Failure::Usage(format!("--beside {}: {error}", program.display())))?;
    let programs = [own.as_path(), other.as_path()];
    let dirs = SIDES.map(|side| args.out.join(side));
    for dir in &dirs {
        fs::create_dir_all(dir).map_err(Failure::writing(dir))?;
    }
    let begun = timestamp(clock::now());
    let mut runs = [Vec::new(), Vec::new()];
    for number in 1..=repeats {
        for side in turn(number) {
            let side_name = SIDES[side];
            log::info!("pair {number} of {repeats} at rate {}, {side_name} program", args.rate);
            runs[side].push(repeat(args, programs[side], &dirs[side], number)?);
        }
    }
    let mut sides = runs.map(|runs| merge::merged(&runs));
    if sides.iter().any(|side| side["stages"].as_array().is_none_or(Vec::is_empty)) {
        log::warn!("one of the programs tells no means of stages: percentiles alone are compared");
    }
    for (side, dir) in sides.iter_mut().zip(&dirs) {
        side["turns"] = Value::from(begun.as_str());
        let text = side.to_string();
        let file = |name: &str, text: &str| {
            NewFile::create(&dir.join(name))?.write(|out| out.write_all(text.as_bytes()))
        };
        file("profile.json", &text)?;
        file("report.html", &report::page(&text, None))?;
    }
    let html = args.out.join("report.html");
    compare::tell((&sides[0], &sides[1]), Some(&html), args.json, out)?;
    if !args.json {
        writeln!(out, "report {}", html.display())?;
    }
    Ok(())
}

/// Who comes first changes from pair to pair: A B B A A B, so that a drift favours nobody.
fn turn(number: u16) -> [usize; 2] {
    if number.is_multiple_of(2) { [1, 0] } else { [0, 1] }
}

/// One run of a program, as the object that it writes. Its interval log is kept.
fn repeat(args: &ProfileArgs, program: &Path, dir: &Path, number: u16) -> Result<Value, Failure> {
    let scratch = scratch(dir)?;
    let mut command = Command::new(program);
    command.args(words(args)).arg("--out").arg(&scratch).stdin(Stdio::null());
    let failed = |why: String| Failure::Failed(format!("{}: {why}", program.display()));
    let done = command.output().map_err(|error| failed(error.to_string()))?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        let told = said.lines().find(|line| line.contains("error")).or(said.lines().last());
        return Err(failed(told.unwrap_or("it failed silently").to_owned()));
    }
    let object: Value = serde_json::from_slice(&done.stdout)
        .map_err(|error| failed(format!("what it says is no profile: {error}")))?;
    if !compare::is_profile(&object) {
        return Err(failed("what it says is no profile".to_owned()));
    }
    let (from, to) = (scratch.join("run-1.hlog"), dir.join(format!("run-{number}.hlog")));
    fs::rename(from, &to).map_err(Failure::writing(&to))?;
    fs::remove_dir_all(&scratch).map_err(Failure::writing(&scratch))?;
    Ok(object)
}

/// A new folder for one run: whatever else lies beside it is not ours.
fn scratch(dir: &Path) -> Result<PathBuf, Failure> {
    let scratch = dir.join(format!(".run-{}", std::process::id()));
    fs::create_dir(&scratch).map_err(Failure::writing(&scratch))?;
    Ok(scratch)
}

/// The words of one run.
fn words(args: &ProfileArgs) -> Vec<OsString> {
    let RunArgs { tapes, config, in_process, threads, warm_up, frames } = &args.run;
    let mut words: Vec<OsString> = vec!["profile".into()];
    words.extend(tapes.iter().map(|tape| tape.clone().into_os_string()));
    let mut option = |name: &str, value: OsString| words.extend([name.into(), value]);
    option("--repeat", "1".into());
    option("--rate", args.rate.to_string().into());
    option("--threads", threads.to_string().into());
    if let Some(config) = config {
        option("--config", PathBuf::into_os_string(config.clone()));
    }
    if let Some(frames) = frames {
        option("--frames", frames.to_string().into());
    }
    if let Some(time) = warm_up {
        option("--warm-up", time.into());
    }
    words.extend(in_process.then(|| "--in-process".into()));
    words.push("--json".into());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_first_comes_second_next() {
        let turns: Vec<usize> = (1..=4).flat_map(turn).collect();
        assert_eq!(turns, [0, 1, 1, 0, 0, 1, 1, 0]);
    }
}
