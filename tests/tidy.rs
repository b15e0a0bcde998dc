//! House rules over the source tree: what a reviewer would otherwise have to remember.
//!
//! Each rule is a function from a file's path and text to violations, so each has a test with a
//! planted breach: a rule that cannot fail is no rule.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// Lines of a file, its tests included.
const FILE_LINES: usize = 400;
const FUNCTION_LINES: usize = 70;
const COLUMNS: usize = 100;

/// Files over the limit: exactly as long as they are now. They may shrink, and then this list
/// must; nothing may be added to it.
const LONG_FILES: &[(&str, usize)] = &[("tests/tidy.rs", 420)];

/// Files with lines that are too wide, and how many; the same holds.
const WIDE_LINES: &[(&str, usize)] = &[
    ("src/import/error.rs", 1),
    ("src/replay/tapes.rs", 1),
    ("src/tape/block.rs", 1),
    ("src/tape/continuity.rs", 3),
    ("src/tape/header.rs", 1),
    ("src/venue/binance/cases.rs", 8),
    ("systems/indicators/rma.rs", 1),
    ("systems/interval.rs", 1),
    ("tests/import.rs", 8),
    ("tests/parity.rs", 1),
];

/// Each outside crate and the only places that may name it.
const HOMES: &[(&str, &[&str])] = &[
    ("bevy_ecs", &["systems/", "src/engine.rs"]),
    ("bevy_tasks", &["src/engine.rs"]),
    ("serde_json", &["src/venue/", "src/import/jsonl.rs", "src/import/error.rs", "src/commands"]),
    ("clap", &["src/cli", "src/main.rs", "src/commands"]),
    ("toml", &["src/config"]),
    ("strsim", &["src/config"]),
    ("zstd", &["src/tape/"]),
    ("crc32c", &["src/tape/"]),
    ("flate2", &["src/import/"]),
    ("zip", &["src/import/"]),
    // Only tests read CSV with it.
    ("csv", &[]),
    ("humantime", &["src/logging.rs", "src/commands/mod.rs"]),
    ("memchr", &["src/tape/"]),
    ("rand_core", &[]),
    ("indicatif", &["src/progress.rs", "src/commands/table.rs"]),
    ("fern", &["src/logging.rs"]),
    ("xxhash_rust", &["src/digest.rs", "src/tape/", "src/commands/import.rs"]),
    ("rand_pcg", &["src/synthetic"]),
];

/// Who may write to stdout.
const STDOUT: &[&str] = &["src/main.rs", "src/commands", "src/report", "benches/"];

/// Who may name the epoch.
const EPOCH: &[&str] = &["src/clock.rs", "src/logging.rs", "src/commands/mod.rs", "benches/"];

/// Words and the only places where they may stand, with what to do instead.
const BANNED: &[(&str, &[&str], &str)] = &[
    ("Instant::now", &["src/clock.rs", "src/progress", "benches/"], "take time as an input"),
    // Instants to text and back, without asking what time it is.
    ("SystemTime::UNIX_EPOCH", EPOCH, "take time as an input"),
    ("SystemTime::now", &["benches/"], "take time as an input"),
    (".unwrap()", &["tests/", "benches/", "fuzz/"], "handle it, or say why it cannot fail"),
    ("todo!", &[], "write it or leave it out"),
    ("dbg!", &[], "log state changes instead"),
    (" println!", STDOUT, "stdout is for results"),
    (" print!", STDOUT, "stdout is for results"),
    ("TODO", &["tests/tidy.rs"], "an issue, not a comment"),
    ("FIXME", &["tests/tidy.rs"], "an issue, not a comment"),
    ("/work/", &["tests/tidy.rs"], "no paths of one machine"),
    ("/root/", &["tests/tidy.rs"], "no paths of one machine"),
];

/// What the core may not name beside the crates that its manifest lacks anyway.
const NOT_IN_THE_CORE: &str = "HashMap HashSet std::fs std::net std::thread std::time std::env \
                               std::process std::io log:: serde";

/// A rule broken: where and how.
type Violations = Vec<String>;

/// Everything before the tests of a file: rules for code end there.
fn code(text: &str) -> &str {
    let mut marks = text.match_indices("#[cfg(test)]");
    let tests = marks.find(|(at, mark)| {
        let next = text[at + mark.len()..].trim_start().lines().next().unwrap_or_default();
        next.starts_with("mod ") && next.ends_with('{')
    });
    tests.map_or(text, |(at, _)| &text[..at])
}

/// Lines of code with their numbers, comments blanked.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    code(text)
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.split_once("//").map_or(line, |(before, _)| before)))
}

fn in_any(path: &str, places: &[&str]) -> bool {
    places.iter().any(|place| path.starts_with(place))
}

/// Whether a file is compiled for tests alone.
fn is_test(path: &str) -> bool {
    static MODULES: LazyLock<Vec<String>> = LazyLock::new(|| {
        sources().iter().flat_map(|(path, text)| test_modules(path, text)).collect()
    });
    let stem = path.trim_end_matches(".rs");
    let inside = |module: &String| stem == module || stem.starts_with(&format!("{module}/"));
    path.starts_with("tests/") || MODULES.iter().any(inside)
}

/// Files that a file declares as `#[cfg(test)] mod name;`, without their `.rs`.
fn test_modules(path: &str, text: &str) -> Vec<String> {
    let (folder, name) = path.rsplit_once('/').unwrap_or_default();
    let root = ["mod.rs", "lib.rs", "main.rs"].contains(&name);
    let base = if root { folder } else { path.trim_end_matches(".rs") };
    let declared = text.split("#[cfg(test)]").skip(1).filter_map(|after| {
        let (declaration, _) = after.trim_start().split_once('\n')?;
        declaration.strip_suffix(';')?.split_once("mod ").map(|(_, module)| module)
    });
    declared.map(|module| format!("{base}/{module}")).collect()
}

fn header(path: &str, text: &str) -> Violations {
    let opens = text.starts_with("//! ");
    if opens { vec![] } else { vec![format!("{path}:1: opens without a //! header")] }
}

fn file_length(path: &str, text: &str, long: &[(&str, usize)]) -> Violations {
    let lines = text.lines().count();
    let message = match long.iter().find(|(file, _)| *file == path) {
        Some((_, listed)) if lines != *listed => format!("listed with {listed}: list {lines}"),
        Some(_) if lines <= FILE_LINES => "short enough to strike off the list".to_owned(),
        None if lines > FILE_LINES => format!("more than {FILE_LINES}"),
        _ => return vec![],
    };
    vec![format!("{path}: {lines} lines, {message}")]
}

fn line_length(path: &str, text: &str, listed: &[(&str, usize)]) -> Violations {
    let wide = text.lines().enumerate().filter(|(_, line)| line.chars().count() > COLUMNS);
    let found: Violations =
        wide.map(|(i, _)| format!("{path}:{}: wider than {COLUMNS} columns", i + 1)).collect();
    match listed.iter().find(|(file, _)| *file == path) {
        Some((_, count)) if found.len() == *count => vec![],
        Some((_, count)) => {
            vec![format!("{path}: {n} wide lines, listed {count}: list {n}", n = found.len())]
        }
        None => found,
    }
}

/// A function ends at the first line that closes a brace at the indentation of its `fn`.
fn function_length(path: &str, text: &str) -> Violations {
    let mut violations = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    for (start, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let words = line.trim_start().split(['(', '<']).next().unwrap_or_default();
        if words.starts_with("//") || !words.split(' ').any(|word| word == "fn") {
            continue;
        }
        // A declaration ends with a semicolon, a one-liner with its own brace.
        let opens = lines[start..].iter().find(|line| line.ends_with(['{', ';', '}']));
        let close = format!("{}}}", &line[..indent]);
        let end = lines[start..].iter().position(|line| line.starts_with(&close));
        let length = end.map_or(0, |end| end + 1);
        if length > FUNCTION_LINES && opens.is_some_and(|line| line.ends_with('{')) {
            let at = start + 1;
            violations.push(format!("{path}:{at}: {length} lines, more than {FUNCTION_LINES}"));
        }
    }
    violations
}

/// Whether `line` names a crate as code does: `name::`, `use name`, `name!`.
fn names_crate(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = &line[at + name.len()..];
        let starts =
            before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':' && c != '.');
        // A path of our own that has a module of this name is not the crate.
        let own = line[..at].ends_with("crate::") || line[..at].ends_with("super::");
        starts && !own && (after.starts_with("::") || line[..at].trim_end().ends_with("use"))
    })
}

fn homes(path: &str, text: &str) -> Violations {
    // Tests and benches may name what they measure against or build inputs with.
    if in_any(path, &["tests/", "benches/", "fuzz/"]) {
        return vec![];
    }
    let mut violations = Vec::new();
    for (number, line) in code_lines(text) {
        for (name, places) in HOMES {
            if names_crate(line, name) && !in_any(path, places) {
                violations.push(format!("{path}:{number}: {name} lives in {}", places.join(", ")));
            }
        }
    }
    violations
}

fn banned(path: &str, text: &str) -> Violations {
    let mut violations = Vec::new();
    for (word, places, instead) in BANNED {
        let prose = word.starts_with('/') || word.chars().all(|c| c.is_ascii_uppercase());
        // Rules for code stop at tests; words that may stand nowhere are sought in comments too.
        let lines: Vec<(usize, &str)> = if prose {
            text.lines().enumerate().map(|(index, line)| (index + 1, line)).collect()
        } else if is_test(path) {
            vec![]
        } else {
            code_lines(text).collect()
        };
        for (number, line) in lines.into_iter().filter(|(_, line)| line.contains(word)) {
            if !in_any(path, places) && !line.contains("clippy::") {
                let word = word.trim();
                violations.push(format!("{path}:{number}: {word}: {instead}"));
            }
        }
    }
    violations
}

fn core_is_pure(path: &str, text: &str) -> Violations {
    if !path.starts_with("systems/") || is_test(path) {
        return vec![];
    }
    let mut violations = Vec::new();
    for (number, line) in code_lines(text) {
        let names = |word: &str| {
            line.match_indices(word).any(|(at, _)| !line[..at].ends_with(char::is_alphanumeric))
        };
        for word in NOT_IN_THE_CORE.split(' ').filter(|word| names(word)) {
            violations.push(format!("{path}:{number}: {word} does not belong in the core"));
        }
    }
    violations
}

/// Paths in backticks that a document names: with a slash, or with an extension of ours.
fn named_paths(document: &str) -> Vec<&str> {
    let mut fenced = false;
    let mut paths = Vec::new();
    for line in document.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for text in line.split('`').skip(1).step_by(2) {
            let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c));
            let ours = [".rs", ".toml", ".md", ".tape", ".golden"];
            let file = ours.iter().any(|end| text.len() > end.len() && text.ends_with(end));
            let folder = text.contains('/') && text.chars().any(char::is_alphabetic);
            if plain && (file || folder) && !text.starts_with(['/', '-']) && !text.contains("//") {
                paths.push(text);
            }
        }
    }
    paths
}

fn documented_paths(name: &str, document: &str, exists: impl Fn(&str) -> bool) -> Violations {
    let missing = named_paths(document).into_iter().filter(|path| !exists(path));
    missing.map(|path| format!("{name}: names {path}, which does not exist")).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every `.rs` file of ours, by path from the root.
fn sources() -> Vec<(String, String)> {
    let mut folders: Vec<PathBuf> =
        ["src", "systems", "tests", "benches", "fuzz"].map(|name| root().join(name)).into();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
                files.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort();
    assert!(files.len() > 20, "the walk found {} files only", files.len());
    files
}

fn over_sources(rule: impl Fn(&str, &str) -> Violations) {
    let violations: Violations =
        sources().iter().flat_map(|(path, text)| rule(path, text)).collect();
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

#[test]
fn every_file_opens_with_what_it_is_for() {
    over_sources(header);
    assert_eq!(header("a.rs", "//! What it is for.\n"), [""; 0]);
    assert_eq!(header("a.rs", "use x;\n").len(), 1);
}

#[test]
fn files_functions_and_lines_are_short() {
    over_sources(|path, text| file_length(path, text, LONG_FILES));
    over_sources(function_length);
    over_sources(|path, text| line_length(path, text, WIDE_LINES));
    let gone: Vec<_> = LONG_FILES.iter().filter(|(file, _)| !root().join(file).exists()).collect();
    assert!(gone.is_empty(), "listed as long, but not there: {gone:?}");
}

#[test]
fn a_long_file_function_or_line_is_found() {
    let list = [("long.rs", 401), ("short.rs", 400)];
    for (path, lines, found) in [
        ("a.rs", 400, 0),
        ("a.rs", 401, 1),
        ("long.rs", 401, 0),
        ("long.rs", 402, 1),
        ("long.rs", 390, 1),
        ("short.rs", 400, 1),
    ] {
        assert_eq!(file_length(path, &"x\n".repeat(lines), &list).len(), found, "{path} {lines}");
    }
    let function = |lines: usize| format!("    pub fn f() {{\n{}    }}\n", "x;\n".repeat(lines));
    assert_eq!(function_length("a.rs", &function(68)), [""; 0]);
    assert_eq!(function_length("a.rs", &function(69)).len(), 1);
    let declared = format!("trait T {{\n    fn f(\n        x: u8,\n    );\n}}\n{}", function(9));
    assert_eq!(function_length("a.rs", &declared), [""; 0]);
    let wide = "x".repeat(101);
    for (path, text, found) in [
        ("a.rs", &"\u{e9}".repeat(100), 0),
        ("a.rs", &wide, 1),
        ("wide.rs", &wide, 0),
        ("wide.rs", &"x".repeat(9), 1),
    ] {
        assert_eq!(line_length(path, text, &[("wide.rs", 1)]).len(), found, "{path}");
    }
}

#[test]
fn outside_crates_stay_in_their_homes() {
    over_sources(homes);
    for (path, text, found) in [
        ("src/engine.rs", "use bevy_ecs::prelude::*;", 0),
        ("src/tape/mod.rs", "use bevy_ecs::prelude::*;", 1),
        ("src/tape/mod.rs", "    zstd::encode(x);", 0),
        ("src/engine.rs", "    zstd::encode(x);", 1),
        ("src/engine.rs", "use csv;", 1),
        ("src/engine.rs", "    crate::csv::row();", 0),
        ("src/engine.rs", "// not in toml::Value", 0),
        ("src/engine.rs", "    config.to_toml();", 0),
        ("tests/cli.rs", "use serde_json::Value;", 0),
    ] {
        assert_eq!(homes(path, text).len(), found, "{path}: {text}");
    }
}

#[test]
fn banned_words_stand_nowhere_else() {
    over_sources(banned);
    for (path, text, found) in [
        ("src/engine.rs", "let now = Instant::now();", 1),
        ("src/clock.rs", "let now = Instant::now();", 0),
        ("src/engine.rs", "x.unwrap();", 1),
        ("src/engine.rs", "#[cfg(test)]\nmod tests {\n    x.unwrap();\n}", 0),
        ("src/engine.rs", "#[cfg(test)]\nmod tests;\nfn f() { x.unwrap(); }", 1),
        ("src/synthetic/tests.rs", "x.unwrap();", 0),
        ("src/engine.rs", "    println!();", 1),
        ("src/engine.rs", "    eprintln!();", 0),
        ("src/main.rs", "    println!();", 0),
        ("src/engine.rs", "// TODO", 1),
        ("src/engine.rs", "// see /work/x", 1),
        ("tests/cli.rs", "// FIXME", 1),
    ] {
        assert_eq!(banned(path, text).len(), found, "{path}: {text}");
    }
}

#[test]
fn the_core_names_nothing_but_the_ecs_and_plain_data() {
    over_sources(core_is_pure);
    for (path, text, found) in [
        ("systems/row.rs", "use std::collections::HashMap;", 1),
        ("systems/row.rs", "let file = std::fs::read(x);", 1),
        ("systems/row.rs", "/// Not a HashMap.\nuse std::collections::BTreeMap;", 0),
        ("systems/row.rs", "let entry = catalog::entry();", 0),
        ("systems/row.rs", "log::warn!();", 1),
        ("src/row.rs", "use std::collections::HashMap;", 0),
    ] {
        assert_eq!(core_is_pure(path, text).len(), found, "{path}: {text}");
    }
}

#[test]
fn paths_that_documents_name_exist() {
    for name in ["ARCHITECTURE.md", "README.md"] {
        let Ok(document) = fs::read_to_string(root().join(name)) else { continue };
        let found = documented_paths(name, &document, |path| root().join(path).exists());
        assert!(found.is_empty(), "\n{}\n", found.join("\n"));
    }
    let document = "See `src/gone.rs`, `Cargo.toml` and `a/b`; `1/2 x`, `cargo test`, `/tmp`.\n\
                    ```\n`not/this`\n```\n";
    assert_eq!(named_paths(document), ["src/gone.rs", "Cargo.toml", "a/b"]);
    assert_eq!(documented_paths("x", document, |path| path == "Cargo.toml").len(), 2);
}
