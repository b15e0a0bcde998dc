//! `rules check`, `rules test`, and alerts of a replay, through the program itself.

use super::{json, path, tapescan, text};

#[test]
fn presets_are_checked_and_told_alike_on_any_threads_and_batches() {
    let checked = json(&["rules", "check", "rules/presets.toml", "--json"]);
    assert_eq!(checked["rules"].as_array().unwrap().len(), 12);
    let dir = tempfile::tempdir().unwrap();
    let mut all = Vec::new();
    for (threads, batch) in [("1", "max"), ("1", "7"), ("2", "64"), ("2", "4096")] {
        let alerts = dir.path().join(format!("{threads}-{batch}.jsonl"));
        let summary = json(&[
            "replay",
            "replays/market.tape",
            "--config",
            "rules/presets.toml",
            "--alerts",
            path(&alerts),
            "--threads",
            threads,
            "--batch",
            batch,
            "--json",
        ]);
        let lines = std::fs::read_to_string(&alerts).unwrap();
        assert_eq!(summary["alerts"].as_u64().unwrap(), lines.lines().count() as u64);
        all.push((summary["digest"].as_str().unwrap().to_owned(), lines));
    }
    all.dedup();
    let [(_, lines)] = &all[..] else { panic!("{} differ", all.len()) };
    let alerts: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(alerts.len() > 50, "{}", alerts.len());
    let mut keys: Vec<&str> = alerts.iter().map(|alert| alert["key"].as_str().unwrap()).collect();
    keys.sort_unstable();
    assert!(keys.is_sorted_by(|a, b| a < b), "a key came twice");
    let first = alerts.iter().find(|alert| alert["kind"] == "enter").unwrap();
    assert_eq!(first["reasons"][0]["value"], true, "{first}");
    assert!(first["id"].as_str().unwrap().starts_with(first["rule"].as_str().unwrap()));
}

#[test]
fn a_tape_rehearses_its_rules() {
    let tested =
        json(&["rules", "test", "replays/market.tape", "--config", "rules/presets.toml", "--json"]);
    let rules = tested["rules"].as_array().unwrap();
    assert_eq!(rules.len(), 12);
    let entered: u64 = rules.iter().map(|rule| rule["entered"].as_u64().unwrap()).sum();
    assert!(entered > 10, "{tested}");
    let shown =
        tapescan(&["rules", "test", "replays/market.tape", "--config", "rules/presets.toml"]);
    assert!(shown.status.success(), "{}", text(&shown.stderr));
    assert!(text(&shown.stdout).contains("volume-spike"), "{}", text(&shown.stdout));
    let none = tapescan(&["rules", "test", "replays/market.tape"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(text(&none.stderr).contains("no rules"), "{}", text(&none.stderr));
}

#[test]
fn mistakes_in_rules_end_with_code_2_all_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("my.toml");
    std::fs::write(&file, "[rules.a]\nwhen = \"clse > 1\"\n[rules.b]\nwhen = \"rsi > 5%\"\n")
        .unwrap();
    let output = tapescan(&["rules", "check", path(&file)]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(
        said.contains("my.toml:2: rules.a.when: clse is not known; did you mean close?"),
        "{said}"
    );
    assert!(said.contains("    clse > 1\n    ^^^^\n"), "{said}");
    assert!(said.contains("my.toml:4: rules.b.when: a ratio is not a percentage"), "{said}");
    assert_eq!(text(&output.stdout), "");
}

#[test]
fn two_configurations_are_compared_on_a_tape() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (dir.path().join("old.toml"), dir.path().join("new.toml"));
    std::fs::write(&old, "[rules.a]\nwhen = \"rising(3)\"\n[rules.b]\nwhen = \"quiet\"\n").unwrap();
    std::fs::write(&new, "[rules.a]\nwhen = \"rising(4)\"\n[rules.c]\nwhen = \"quiet\"\n").unwrap();
    let args = ["rules", "diff", path(&old), path(&new), "replays/market.tape"];
    let found = json(&[&args[..], &["--json"]].concat());
    let rules = found["rules"].as_array().unwrap();
    let counts = |index: usize| {
        let rule = &rules[index];
        let list = |key: &str| rule[key].as_array().unwrap().len() as u64;
        (rule["old"].as_u64().unwrap(), rule["new"].as_u64().unwrap(), list("gone"), list("come"))
    };
    let (old, new, gone, come) = counts(0);
    assert!(old > new && new > 0 && gone - come == old - new, "{:?}", counts(0));
    assert!(matches!(counts(1), (old, 0, gone, 0) if old == gone && old > 0), "{:?}", counts(1));
    assert_eq!(counts(2), (0, counts(1).0, 0, counts(1).0));
    let shown = tapescan(&args);
    assert!(text(&shown.stdout).contains("gone: ... --json lists all"), "{}", text(&shown.stdout));
}

/// A configuration with two tables, for the bundled tape.
const TABLES: &str = "[tables.movers]\nby = \"change(3m)\"\ntop = 3\n\
     columns = [\"close\", \"turnover\"]\n[tables.quietest]\nby = \"quiet_for\"\ntop = 2\n\
     interval = \"3m\"\n[rules.a]\nwhen = \"rising(3)\"\n";

#[test]
fn tables_are_told_alike_on_any_threads_and_batches() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("my.toml");
    std::fs::write(&config, TABLES).unwrap();
    let tape = "replays/market.tape";
    let mut all = Vec::new();
    for (threads, batch) in [("1", "max"), ("1", "7"), ("2", "64")] {
        let alerts = dir.path().join(format!("{threads}-{batch}.jsonl"));
        let given = ["--config", path(&config), "--alerts", path(&alerts)];
        let cut = ["--threads", threads, "--batch", batch, "--json"];
        let summary = json(&[&["replay", tape], &given[..], &cut].concat());
        let lines = std::fs::read_to_string(&alerts).unwrap();
        let count = summary["alerts"].as_u64().unwrap() + summary["rank_moves"].as_u64().unwrap();
        assert_eq!(count, lines.lines().count() as u64);
        all.push((summary["digest"].clone(), summary["tables"].clone(), lines));
    }
    all.dedup();
    let [(_, tables, lines)] = &all[..] else { panic!("{} differ", all.len()) };
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for kind in ["rank-enter", "rank-leave", "rank-change", "enter"] {
        assert!(lines.iter().any(|line| line["kind"] == kind), "no {kind}");
    }
    let times: Vec<&str> = lines.iter().map(|line| line["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted());
    let mut keys: Vec<&str> = lines.iter().map(|line| line["key"].as_str().unwrap()).collect();
    keys.sort_unstable();
    assert!(keys.is_sorted_by(|a, b| a < b), "a key came twice");
    assert_eq!(tables[0]["places"].as_array().unwrap().len(), 3);
    assert!(tables[0]["places"][0]["columns"]["close"].is_number(), "{tables}");
    let shown = tapescan(&["replay", tape, "--config", path(&config)]);
    assert!(text(&shown.stdout).contains("movers, 1m of "), "{}", text(&shown.stdout));
}

#[test]
fn every_rule_is_explained_at_any_time() {
    let tape = "replays/market.tape";
    let preset = ["--config", "rules/presets.toml"];
    let at = ["--at", "2024-08-09T00:20:00Z"];
    let info = json(&["tape", "info", tape, "--json"]);
    let symbol = info["symbols"][0]["name"].as_str().unwrap().to_owned();
    let explained = json(&[&["explain", &symbol, tape], &preset[..], &at, &["--json"]].concat());
    let rules = explained["rules"].as_array().unwrap();
    assert_eq!((rules.len(), &explained["symbol"]), (12, &serde_json::json!(symbol)));
    let reclaim = rules.iter().find(|rule| rule["rule"] == "vwap-reclaim").unwrap();
    assert_eq!(reclaim["candles"][0]["open_time"], "2024-08-09T00:18:00.000Z", "{reclaim}");
    assert!(reclaim["candles"][0]["mark"].is_string() && reclaim["exit"].is_array());
    assert!(reclaim["when"].as_array().unwrap().len() > 3, "{reclaim}");
    let shown = tapescan(&[&["explain", &symbol, tape], &preset[..], &at].concat());
    assert!(text(&shown.stdout).contains("vwap-reclaim: "), "{}", text(&shown.stdout));
    for (symbol, at, said) in [
        ("NOSUCH", "2024-08-09T00:20:00Z", "is not on these tapes"),
        (&*symbol, "2024-08-10T00:20:00Z", "these tapes end before"),
        (&*symbol, "2024-08-01T00:20:00Z", "these tapes begin later"),
        (&*symbol, "noon", "is no instant"),
    ] {
        let wrong = tapescan(&[&["explain", symbol, tape, "--at", at], &preset[..]].concat());
        assert_eq!(wrong.status.code(), Some(2), "{at}");
        assert!(text(&wrong.stderr).contains(said), "{}", text(&wrong.stderr));
    }
}

#[test]
fn the_universe_says_what_each_filter_removes() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("my.toml");
    let universe = "[venue]\nname = \"sim\"\nsymbols = \"top:2\"\n\
                    [venue.universe]\nmin_turnover = 1\nexclude = [\"A*\"]\n";
    std::fs::write(&config, universe).unwrap();
    let args = ["rules", "universe", "--config", path(&config), "--synthetic", "symbols=9,rate=50"];
    let found = json(&[&args[..], &["--json"]].concat());
    assert_eq!(found["followed"].as_array().unwrap().len(), 2, "{found}");
    let removed = found["removed"].as_object().unwrap();
    let removed: usize = removed.values().map(|names| names.as_array().unwrap().len()).sum();
    assert_eq!(found["trading"].as_u64().unwrap() as usize, removed + 2, "{found}");
    let shown = tapescan(&args);
    assert!(text(&shown.stdout).contains("2 are followed: "), "{}", text(&shown.stdout));
}

#[test]
fn a_universe_of_unknown_names_is_a_mistake_and_a_venue_that_is_away_is_none() {
    let args = ["rules", "universe", "--exchange", "sim", "--synthetic", "symbols=9,rate=50"];
    let found = json(&[&args[..], &["--json"]].concat());
    let known = found["followed"][0].as_str().unwrap();
    let fine = tapescan(&[&args[..], &["--symbols", known]].concat());
    assert_eq!(fine.status.code(), Some(0), "{}", text(&fine.stderr));
    let (near, names) = (format!("{known}X"), format!("{known},{known}X,NOSUCHTHING"));
    let wrong = tapescan(&[&args[..], &["--symbols", &names]].concat());
    let told = text(&wrong.stderr);
    assert_eq!(wrong.status.code(), Some(2), "{told}");
    let hint = format!("{near} does not trade at the venue; did you mean {known}?");
    assert!(told.contains(&hint) && told.contains("NOSUCHTHING does not trade"), "{told}");
    assert!(wrong.stdout.is_empty());
    // Nobody listens there.
    let away = ["--exchange", "binance", "--requests", "http://127.0.0.1:9"];
    let away = tapescan(&[&["rules", "universe"], &away[..]].concat());
    assert_eq!(away.status.code(), Some(1), "{}", text(&away.stderr));
}
