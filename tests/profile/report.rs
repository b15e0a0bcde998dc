//! What `tapescan profile` writes: numbers, interval logs that others read, and a report.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tapescan::latency::PERCENTILES;

use super::tape;

pub(super) fn tapescan(args: &[&str]) -> (String, String, Option<i32>) {
    let output = Command::new(env!("CARGO_BIN_EXE_tapescan")).args(args).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr), output.status.code())
}

pub(super) fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A profile of a small market in `dir/name`.
pub(super) fn profile(dir: &Path, name: &str, more: &[&str]) -> (PathBuf, Value) {
    let tape = tape(dir, "symbols=20,rate=300,seed=5,duration=130s");
    let out = dir.join(name);
    let args = ["profile", path(&tape), "--json", "--out", path(&out)];
    let (stdout, stderr, code) = tapescan(&[&args, more].concat());
    assert_eq!(code, Some(0), "{stderr}");
    (out, serde_json::from_str(&stdout).unwrap())
}

fn cells(object: &Value) -> &Vec<Value> {
    object["cells"].as_array().unwrap()
}

/// The Python of the virtual environment that `.ci/run` makes, or that of the machine.
fn python(module: &str) -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/venv/bin/python");
    [own, "python3".into()].into_iter().find(|python| {
        let tried = Command::new(python).args(["-c", &format!("import {module}")]).output();
        tried.is_ok_and(|output| output.status.success())
    })
}

#[test]
fn interval_logs_are_read_by_another_implementation_with_equal_percentiles() {
    let Some(python) = python("hdrh") else {
        return eprintln!("skipped: no Python here has PyPI's hdrhistogram");
    };
    let dir = tempfile::tempdir().unwrap();
    let (out, object) = profile(dir.path(), "a", &["--repeat", "1", "--rate", "15000"]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/third_party/hlog.py");
    let read = Command::new(python).arg(script).arg(out.join("run-1.hlog")).output().unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    let read: Value = serde_json::from_slice(&read.stdout).unwrap();
    assert!(cells(&object).len() > 20);
    for cell in cells(&object) {
        let word = |key: &str| cell[key].as_str().unwrap();
        let tag = format!("{}.{}.{}", word("stage"), word("kind"), word("phase"));
        let theirs = &read[&tag];
        assert_eq!(theirs["count"], cell["count"], "{tag}");
        assert_eq!(theirs["max"], cell["max"], "{tag}");
        for (name, _) in PERCENTILES {
            assert_eq!(theirs[name], cell["percentiles"][name], "{tag} {name}");
        }
    }
    assert_eq!(read.as_object().unwrap().len(), cells(&object).len(), "and has no others");
}

#[test]
fn a_profile_says_what_it_is_of_and_leaves_all_files() {
    let dir = tempfile::tempdir().unwrap();
    let more = ["--repeat", "2", "--rate", "max", "--in-process", "--frames", "20000"];
    let (out, object) = profile(dir.path(), "a", &more);
    for (key, value) in [
        ("path", Value::from("in-process")),
        ("rate", "max".into()),
        ("open_loop", false.into()),
        ("repeats", 2.into()),
        ("symbols", 20.into()),
        ("rendered", 20_000.into()),
    ] {
        assert_eq!(object[key], value, "{key}");
    }
    let warm_up = object["warm_up_entries"].as_u64().unwrap();
    assert_eq!(warm_up, object["entries"].as_u64().unwrap() / 10);
    for name in ["profile.json", "report.html", "run-1.hlog", "run-2.hlog"] {
        assert!(out.join(name).metadata().unwrap().len() > 500, "{name}");
    }
    let curves = fs::read_dir(&out).unwrap().filter(|entry| {
        entry.as_ref().unwrap().path().extension().is_some_and(|end| end == "hgrm")
    });
    assert_eq!(curves.count(), cells(&object).len());
    // Minutes end in it, and that is told apart.
    for phase in ["calm", "boundary"] {
        assert!(cells(&object).iter().any(|cell| cell["phase"] == phase), "{phase}");
    }
    for cell in cells(&object) {
        let of = |name: &str| cell["percentiles"][name].as_u64().unwrap();
        let rising: Vec<_> = PERCENTILES.iter().map(|(name, _)| of(name)).collect();
        assert!(rising.is_sorted() && rising[4] <= cell["max"].as_u64().unwrap(), "{cell}");
        assert_eq!(cell["clamped"], 0);
    }
    let tape = dir.path().join("market.tape");
    let table = ["profile", path(&tape), "--out", path(&out), "--repeat", "1", "--rate", "max"];
    let (stdout, _, code) = tapescan(&table);
    assert_eq!(code, Some(0));
    for words in ["response trade", "p99.99", "entries are warm-up", "closed loop", "calm\n"] {
        assert!(stdout.contains(words), "{words}: {stdout}");
    }
}

#[test]
fn profiles_are_set_beside_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let more = ["--repeat", "5", "--rate", "max", "--in-process", "--frames", "20000"];
    let (a, _) = profile(dir.path(), "a", &more);
    // The same numbers are the same; with one stage twice as slow, that stage is named.
    let text = fs::read_to_string(a.join("profile.json")).unwrap();
    let mut slow: Value = serde_json::from_str(&text).unwrap();
    let cell = slow["cells"].as_array_mut().unwrap().iter_mut().find(|cell| {
        cell["stage"] == "decode" && cell["kind"] == "trade" && cell["phase"] == "calm"
    });
    for (values, base) in cell.unwrap()["repeats"].as_object_mut().unwrap().values_mut().zip(1..) {
        *values = Value::from([0, 1, 2, 3, 4].map(|n| 100_000 * base + n));
    }
    let b = dir.path().join("b.json");
    fs::write(&b, slow.to_string()).unwrap();
    let html = dir.path().join("compare.html");
    let compare = |one: &Path, other: &Path| {
        let args = ["profile", "compare", path(one), path(other), "--json"];
        let (stdout, stderr, code) = tapescan(&[&args[..], &["--html", path(&html)]].concat());
        assert_eq!(code, Some(0), "{stderr}");
        let object: Value = serde_json::from_str(&stdout).unwrap();
        object["differences"].as_array().unwrap().clone()
    };
    let same = compare(&a, &a);
    assert!(same.len() > 8 && same.iter().all(|row| row["verdict"] == "same"), "{same:?}");
    let slower = compare(&a, &b);
    let named: Vec<_> = slower.iter().filter(|row| row["verdict"] != "same").collect();
    assert!(named.iter().all(|row| row["stage"] == "decode" && row["verdict"] == "slower"));
    assert_eq!(named.len(), 2, "p50 and p99: {named:?}");
    assert!(slower.iter().any(|row| row["measure"] == "mean"), "{slower:?}");
    assert!(fs::read_to_string(html).unwrap().contains("const OTHER = {"));
    let (stdout, _, code) = tapescan(&["profile", "compare", path(&a), path(&b)]);
    assert_eq!(code, Some(0));
    assert!(stdout.contains("2 slower, 0 faster"), "{stdout}");
    let (_, stderr, code) = tapescan(&["profile", "compare", path(&a), path(dir.path())]);
    assert_eq!(code, Some(2), "{stderr}");
}

/// Repeats in turns, each in a process: two profiles whose repeats are pairs. Of these few, nothing
/// can be said; of more, the stage that takes a fifth more beside the others is named.
#[test]
fn repeats_in_turns_are_compared_pair_by_pair() {
    let dir = tempfile::tempdir().unwrap();
    let own = env!("CARGO_BIN_EXE_tapescan");
    let more = ["--repeat", "2", "--rate", "max", "--in-process", "--frames", "20000"];
    let (out, object) = profile(dir.path(), "both", &[&more[..], &["--beside", own]].concat());
    assert_eq!(object["in_turns"], true);
    let rows = object["differences"].as_array().unwrap();
    assert!(rows.len() > 20 && rows.iter().all(|row| row["verdict"] == "unknown"), "{rows:?}");
    assert!(rows.iter().all(|row| row["pairs"][2] == 2), "{rows:?}");
    assert!(fs::read_to_string(out.join("report.html")).unwrap().contains("\"differences\""));
    let [first, second] = ["first", "second"].map(|side| out.join(side));
    for name in ["profile.json", "report.html", "run-1.hlog", "run-2.hlog"] {
        assert!(first.join(name).is_file() && second.join(name).is_file(), "{name}");
    }

    let text = fs::read_to_string(first.join("profile.json")).unwrap();
    let merged: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&merged["repeats"], merged["prints"].as_array().unwrap().len()), (&2.into(), 2));
    let stages_alone = |indicate: f64| {
        let mut object = merged.clone();
        object["cells"] = Value::Array(Vec::new());
        for stage in object["stages"].as_array_mut().unwrap() {
            let times = if stage["stage"] == "indicate" { indicate } else { 1.0 };
            let ns = stage["mean"][0].as_f64().unwrap() * times;
            stage["mean"] = Value::from([ns; 20].to_vec());
        }
        object.to_string()
    };
    fs::write(first.join("profile.json"), stages_alone(1.0)).unwrap();
    fs::write(second.join("profile.json"), stages_alone(1.2)).unwrap();
    let (stdout, stderr, code) = tapescan(&["profile", "compare", path(&first), path(&second)]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.contains("1 slower, 0 faster"), "{stdout}");
    assert!(stdout.lines().any(|line| line.starts_with("indicate") && line.ends_with("slower")));

    let (none, tape) = (dir.path().join("none"), dir.path().join("market.tape"));
    let beside = ["profile", path(&tape), "--beside", path(&none), "--out", path(&out)];
    let (_, stderr, code) = tapescan(&beside);
    assert_eq!(code, Some(2));
    assert!(stderr.contains(path(&none)), "{stderr}");
}
