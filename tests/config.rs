//! Configurations: the default reads back, and every mistake is named with its line and key.

use tapescan::config::{Choice, Config, ConfigError, Problem, Published, Scope, Winner};

fn problems(text: &str) -> Vec<Problem> {
    match Config::parse("scanner.toml", text) {
        Err(ConfigError::Invalid { file, problems }) if file == "scanner.toml" => problems,
        other => panic!("{text:?} gave {other:?}"),
    }
}

/// One mistake, alone in its text: its line, its key, and a piece of what is said about it.
fn check(text: &str, line: usize, key: &str, hint: &str) {
    let problems = problems(text);
    let [problem] = &problems[..] else { panic!("{text:?} gave {problems:#?}") };
    assert_eq!((problem.line, problem.key.as_str()), (line, key), "{text:?}: {problem:?}");
    assert!(problem.message.contains(hint), "{text:?}: {}", problem.message);
}

#[test]
fn an_empty_file_is_the_default_and_the_default_prints_itself() {
    let config = Config::default();
    assert_eq!(Config::parse("", "").unwrap(), config);
    assert_eq!(Config::parse("", &config.to_toml()).unwrap(), config);
    let names: Vec<String> = config.intervals.iter().map(|row| row.interval.to_string()).collect();
    assert_eq!(names, ["1m", "3m", "15m"]);
    assert!(config.intervals.iter().all(|row| row.lookback == 300 && row.indicators.len() == 7));
}

#[test]
fn every_key_is_read_and_printed() {
    let text = r#"
        intervals = ["1h", "1m", "15m"]
        session = "08:00"
        lookback = { "1m" = 500, "1h" = 50 }
        [venue]
        name = "binance-usdm"
        symbols = ["BTCUSDT", "ETHUSDT"]
        refresh = "off"
        requests = "https://proxy.example/"
        streams = "wss://proxy.example/market"
        [rest]
        budget = 0.8
        timeout = "20s"
        ca = "ca.pem"
        [reconcile]
        scope = "all"
        stream = "base"
        grace = "2s"
        queue = 16
        winner = "venue"
        [record]
        dir = "tapes"
        every = "15m"
        budget = "20GiB"
        max_age = "7d"
        [log]
        level = "warn,tapescan::tape=debug"
        dir = 'C:\logs "here"'
        max_size = "1GiB"
        keep = 3
        [indicators]
        1h = ["rsi(7)", "ema"]
        "15m" = []
    "#;
    let config = Config::parse("", text).unwrap();
    let rows: Vec<(u32, usize, usize)> = config
        .intervals
        .iter()
        .map(|row| (row.interval.seconds(), row.lookback, row.indicators.len()))
        .collect();
    assert_eq!(rows, [(60, 500, 7), (900, 300, 0), (3_600, 50, 2)]);
    assert_eq!(config.base().seconds(), 60);
    assert_eq!((config.venue.as_str(), config.session_seconds), ("binance-usdm", 28_800));
    let names = Choice::Names(vec!["BTCUSDT".to_owned(), "ETHUSDT".to_owned()]);
    assert_eq!(config.symbols, Some(names));
    assert_eq!(config.requests.as_deref(), Some("https://proxy.example"));
    assert_eq!(config.streams.as_deref(), Some("wss://proxy.example/market"));
    assert_eq!((config.rest.budget_percent, config.rest.timeout_ns), (80, 20_000_000_000));
    assert_eq!(config.rest.ca.as_deref(), Some(std::path::Path::new("ca.pem")));
    assert_eq!((config.reconcile.scope, config.reconcile.winner), (Scope::All, Winner::Venue));
    assert_eq!(config.reconcile.stream, Published::Base);
    assert_eq!((config.reconcile.grace_ns, config.reconcile.queue), (2_000_000_000, 16));
    assert_eq!(config.record.dir.as_deref(), Some(std::path::Path::new("tapes")));
    assert_eq!(config.record.every_ns, 900 * 1_000_000_000);
    assert_eq!(config.record.budget, Some(20 << 30));
    assert_eq!(config.record.max_age_ns, Some(7 * 86_400 * 1_000_000_000));
    assert_eq!((config.log.max_size, config.log.keep), (1 << 30, 3));
    assert_eq!(config.log.level.to_string(), "warn,tapescan::tape=debug");
    assert_eq!(config.log.dir.as_deref(), Some(std::path::Path::new(r#"C:\logs "here""#)));
    assert_eq!(Config::parse("", &config.to_toml()).unwrap(), config);
}

#[test]
fn unknown_keys_come_with_the_nearest_valid_one() {
    check("lookbak = 5", 1, "lookbak", "did you mean \"lookback\"?");
    check("\n\ninterval = [\"1m\"]", 3, "interval", "did you mean \"intervals\"?");
    check("[recncile]\nscope = \"all\"", 1, "recncile", "did you mean \"reconcile\"?");
    check("[reconcile]\nscop = \"all\"", 2, "reconcile.scop", "did you mean \"scope\"?");
    check("[log]\nlevel = \"info\"\nsize = 5", 3, "log.size", "level, dir, max_size, keep");
    check("grace = \"1s\"", 1, "grace", "it belongs in [reconcile]");
    check("[venue]\nlookback = 5", 2, "venue.lookback", "it belongs before all sections");
    check("colour = 1", 1, "colour", "the keys here are intervals, lookback");
}

#[test]
fn values_of_another_type_or_out_of_range_are_refused() {
    check("venue = \"binance\"", 1, "venue", "expected a section [venue], not a string");
    check("intervals = \"1m\"", 1, "intervals", "expected a list, not a string");
    check("intervals = []", 1, "intervals", "at least one interval");
    check("intervals = [1]", 1, "intervals", "expected a string, not an integer");
    check("lookback = true", 1, "lookback", "a whole number from 1 to 100000, not a boolean");
    check("lookback = 0", 1, "lookback", "a whole number from 1 to 100000, not 0");
    check("lookback = -5", 1, "lookback", "not -5");
    check("lookback = 100_001", 1, "lookback", "not 100001");
    check("session = \"8am\"", 1, "session", "a time of day in UTC such as \"08:00\"");
    check("[venue]\nname = \"binanse\"", 2, "venue.name", "did you mean \"binance\"?");
    check("[venue]\nsymbols = 5", 2, "venue.symbols", "a list of names, or \"top:200\"");
    check("[venue]\nsymbols = \"top:0\"", 2, "venue.symbols", "top:N with N from 1 on");
    check("[venue]\nsymbols = []", 2, "venue.symbols", "at least one name");
    check("[venue]\nsymbols = [\"A\", \"A\"]", 2, "venue.symbols", "A is listed twice");
    check("[venue]\nrefresh = \"9s\"", 2, "venue.refresh", "from 10s to 1d");
    check("[venue]\nrefresh = 0", 2, "venue.refresh", "expected a string");
    check("[venue]\nsymbols = [1]", 2, "venue.symbols", "expected a string, not an integer");
    check("[venue]\nrequests = \"api.example\"", 2, "venue.requests", "\"https://venue.example\"");
    check("[venue]\nstreams = \"https://x\"", 2, "venue.streams", "\"wss://venue.example\"");
    check("[rest]\nbudget = 80", 2, "rest.budget", "a share from 0.1 to 0.9 such as 0.6");
    check("[rest]\nbudget = 0.123", 2, "rest.budget", "in whole hundredths, not 0.123");
    check("[rest]\nbudget = \"all\"", 2, "rest.budget", "not a string");
    check("[rest]\ntimeout = \"0s\"", 2, "rest.timeout", "from 1s to 1m such as \"10s\"");
    check("[rest]\nca = \"\"", 2, "rest.ca", "leave the key out");
    check("budget = 0.5", 1, "budget", "it belongs in [rest]");
    check("[reconcile]\nscope = \"al\"", 2, "reconcile.scope", "did you mean \"all\"?");
    check("[reconcile]\nstream = \"al\"", 2, "reconcile.stream", "did you mean \"all\"?");
    check("[reconcile]\nwinner = \"me\"", 2, "reconcile.winner", "\"ours\" or \"venue\"");
    check("[reconcile]\nqueue = 0", 2, "reconcile.queue", "from 1 to 65536");
    check("[reconcile]\ngrace = 500", 2, "reconcile.grace", "expected a string, not an integer");
    check("[reconcile]\ngrace = \"5h\"", 2, "reconcile.grace", "from 0s to 1m such as \"500ms\"");
    check("[record]\nevery = \"2d\"", 2, "record.every", "from 1s to 1d such as \"1h\"");
    check("[record]\nbudget = \"20GB\"", 2, "record.budget", "such as \"20GiB\"");
    check("[record]\nbudget = \"4KiB\"", 2, "record.budget", "from 1MiB");
    check("[record]\nmax_age = 7", 2, "record.max_age", "expected a string, not an integer");
    check("[profile]\ninterval = \"10ms\"", 2, "profile.interval", "from 1s to 1h");
    check("[profile]\nbudget = \"1KiB\"", 2, "profile.budget", "from 1MiB");
    check("[profile]\nfile = \"\"", 2, "profile.file", "leave the key out");
    check("[record]\ndir = \"\"", 2, "record.dir", "leave the key out");
    check("[log]\nlevel = \"inof\"", 2, "log.level", "did you mean \"info\"?");
    check("[log]\ndir = \"\"", 2, "log.dir", "leave the key out");
    check("[log]\nmax_size = \"64MB\"", 2, "log.max_size", "such as \"64MiB\"");
    check("[log]\nkeep = 1.5", 2, "log.keep", "not a float");
}

#[test]
fn intervals_must_fit_together() {
    check("intervals = [\n\"1m\",\n\"7x\"\n]", 3, "intervals", "\"7x\": an interval is a count");
    check("intervals = [\"2d\"]", 1, "intervals", "intervals go from 1s to 1d");
    check("intervals = [\"1m\",\n\"60s\"]", 2, "intervals", "1m is listed twice");
    check("intervals = [\"1m\",\n\"90s\"]", 2, "intervals", "multiple of the base interval 1m");
    check("intervals = [\"1h\",\n\"1d@08:30\"]", 2, "intervals", "1d@08:30 is not a whole");
    let many: Vec<String> = (1..=17).map(|n| format!("\"{n}s\"")).collect();
    check(&format!("intervals = [{}]", many.join(",")), 1, "intervals", "at most 16");
    check("lookback = { \"5m\" = 9 }", 1, "lookback.5m", "not among the intervals 1m, 3m, 15m");
    check("[lookback]\n\"1m\" = 9\n\"16m\" = 9", 3, "lookback.16m", "did you mean \"1");
    check("lookback = { \"1m\" = 0 }", 1, "lookback.1m", "from 1 to 100000, not 0");
}

#[test]
fn indicators_are_checked_by_the_catalog() {
    check("indicators = \"ema\"", 1, "indicators", "expected a list, not a string");
    check("indicators = [\n\"ema(12)\",\n\"emaa(12)\"]", 3, "indicators", "did you mean");
    check("indicators = [\"ema(0)\"]", 1, "indicators", "must be a whole number from");
    check("indicators = [\"ema(1,2)\"]", 1, "indicators", "too many parameters");
    check("indicators = [\"ema(\"]", 1, "indicators", "is not an indicator");
    check("indicators = [\"ema(12)\",\n\"ema( 12 )\"]", 2, "indicators", "ema(12) is listed twice");
    check("[indicators]\n1m = [\"rsy\"]", 2, "indicators.1m", "did you mean \"rsi\"?");
    check("[indicators]\n2m = []", 2, "indicators.2m", "not among the intervals");
}

#[test]
fn faults_of_syntax_name_the_line_and_what_stands_there() {
    check("lookback = 5\nlookback = 6", 2, "lookback", "duplicate key");
    check("session = \"08:00\nlookback = 5", 1, "session", "");
    check("lookback 5", 1, "", "");
}

#[test]
fn all_mistakes_are_reported_at_once_in_the_order_of_lines() {
    let text = "lookbak = 5\nintervals = [\"1m\", \"1x\"]\nlookback = { \"1x\" = 3 }\n\
                [reconcile]\nscope = 3\n[log]\nkeep = 0";
    let error = Config::parse("scanner.toml", text).unwrap_err().to_string();
    let lines: Vec<&str> = error.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(
        lines,
        ["scanner.toml:1:", "scanner.toml:2:", "scanner.toml:5:", "scanner.toml:7:"],
        "{error}"
    );
    assert!(error.starts_with("scanner.toml:1: lookbak: unknown key; did you mean \"lookback\"?"));
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = Config::read("/nonexistent/scanner.toml".as_ref()).unwrap_err();
    assert!(matches!(error, ConfigError::Unreadable { .. }));
    assert!(error.to_string().starts_with("/nonexistent/scanner.toml: "));
}

#[test]
fn rules_are_read_checked_and_printed() {
    let text = r#"
        [alerts]
        budget = "30/5m"
        [rules.surge]
        when = """
            volume > 3 * average(volume, 20)
            and rsi(7)@15m > 60
        """
        exit = "rsi(7)@15m < 40"
        interval = "3m"
        for = "6m"
        cool_down = "1h"
        budget = "5/10m"
        only_if = "complete"
        tell = "enter"
        [rules.fast]
        when = "forming close > closed high"
        on = "forming"
    "#;
    let config = Config::parse("", text).unwrap();
    let names: Vec<_> = config.rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["fast", "surge"], "by name");
    let (fast, surge) = (&config.rules[0], &config.rules[1]);
    assert!(fast.forming && !surge.forming && surge.only_complete);
    assert_eq!((fast.interval.seconds(), surge.interval.seconds()), (60, 180));
    assert_eq!((surge.dwell_ns, surge.cool_down_ns), (360_000_000_000, 3_600_000_000_000));
    assert_eq!(surge.budget.map(|budget| budget.count), Some(5));
    assert_eq!(config.budget.map(|budget| budget.count), Some(30));
    assert_eq!(Config::parse("", &config.to_toml()).unwrap(), config);
    // The indicator that only a rule names is set up on its interval.
    let columns = tapescan::settings::columns(&config);
    assert!(!columns[0].contains(&"rsi_7".to_owned()) && columns[2].contains(&"rsi_7".to_owned()));
    assert_eq!(Config::parse("", "[alerts]\nbudget = \"off\"").unwrap().budget, None);
}

#[test]
fn mistakes_in_rules_name_rule_key_and_place() {
    let rule = |line: &str| format!("[rules.x]\nwhen = \"close > 1\"\n{line}");
    for (line, key, hint) in [
        ("wen = \"gap\"", "rules.x.wen", "did you mean \"when\"?"),
        ("exit = \"clse > 1\"", "rules.x.exit", "did you mean close?\n    clse > 1\n    ^^^^"),
        ("interval = \"5m\"", "rules.x.interval", "not among the intervals 1m, 3m, 15m"),
        ("on = \"closing\"", "rules.x.on", "\"close\" or \"forming\""),
        ("for = \"8d\"", "rules.x.for", "up to 7d such as \"30s\""),
        ("cool_down = 5", "rules.x.cool_down", "expected a string"),
        ("budget = \"5\"", "rules.x.budget", "such as \"5/10m\""),
        ("budget = \"0/10m\"", "rules.x.budget", "such as \"5/10m\""),
        ("only_if = \"gap\"", "rules.x.only_if", "expected \"complete\""),
        ("tell = \"all\"", "rules.x.tell", "\"both\" or \"enter\" or \"exit\""),
    ] {
        check(&rule(line), 3, key, hint);
    }
    check("[rules.x]\nexit = \"gap\"", 1, "rules.x", "expected when = \"...\"");
    check("[rules]\nx = 5", 2, "rules.x", "expected a section [rules.x]");
    check("[rules.\"a b\"]\nwhen = \"gap\"", 1, "rules.a b", "letters, digits, - and _");
    check("[rules.x]\nwhen = 5", 2, "rules.x.when", "expected a string");
    check("[alerts]\nbudget = 5", 2, "alerts.budget", "expected a string");
    check("[alerts]\nbudget = \"x\"", 2, "alerts.budget", "or \"off\"");
    check(
        "[rules.x]\non = \"forming\"\nwhen = \"closed gap\"\nonly_if = \"complete\"",
        4,
        "rules.x.only_if",
        "never complete",
    );
    let both = "[rules.a]\nwhen = \"clse > 1\"\n[rules.b]\nwhen = \"close > 2%\"\nexit = \"x\"";
    let found: Vec<_> = problems(both).into_iter().map(|it| (it.line, it.key)).collect();
    let want = [(2, "rules.a.when"), (4, "rules.b.when"), (5, "rules.b.exit")];
    assert_eq!(found, want.map(|(line, key)| (line, key.to_owned())));
}
