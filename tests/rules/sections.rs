//! Sections of tables, of the universe and of rules: what each mistake in them is told.

use systems::rule::Moves;
use tapescan::config::{Config, ConfigError, Universe};

/// A text with one mistake: its line, its key, and a piece of what is said.
const MISTAKES: &[(&str, usize, &str, &str)] = &[
    ("[tables.a]", 1, "tables.a", "expected by = \"...\""),
    ("[tables.a]\nby = \"clse\"", 2, "tables.a.by", "did you mean close?"),
    ("[tables.a]\nby = \"close > 3\"", 2, "tables.a.by", "expected a number"),
    ("[tables.a]\nby = \"3\"", 2, "tables.a.by", "the same for every symbol"),
    ("[tables.a]\nby = 3", 2, "tables.a.by", "expected a string"),
    ("[tables.a]\nby = \"close\"\ntop = 0", 3, "tables.a.top", "a whole number from 1 to 200"),
    ("[tables.a]\nby = \"close\"\ntop = 201", 3, "tables.a.top", "from 1 to 200"),
    ("[tables.a]\nby = \"close\"\norder = \"up\"", 3, "tables.a.order", "\"ascending\""),
    ("[tables.a]\nby = \"close\"\ntell = \"none\"", 3, "tables.a.tell", "\"members\""),
    (
        "[tables.a]\nby = \"close\"\ninterval = \"7m\"",
        3,
        "tables.a.interval",
        "among the intervals",
    ),
    ("[tables.a]\nby = \"close\"\ncolumns = \"close\"", 3, "tables.a.columns", "expected a list"),
    ("[tables.a]\nby = \"close\"\ncolumns = [3]", 3, "tables.a.columns", "expected a string"),
    (
        "[tables.a]\nby = \"close\"\ncolumns = [\n\"high\",\n\"lw\"]",
        5,
        "tables.a.columns",
        "did you mean low?",
    ),
    (
        "[tables.a]\nby = \"close\"\ncolumns = [\"close@9m\"]",
        3,
        "tables.a.columns",
        "not among the intervals",
    ),
    ("[tables.a]\nby = \"close\"\nwhen = \"gap\"", 3, "tables.a.when", "the keys here are by"),
    ("[tables.\"a b\"]\nby = \"close\"", 1, "tables.a b", "a table's name has letters"),
    ("tables = 3", 1, "tables", "expected a section [tables]"),
    ("[tables]\na = \"close\"", 2, "tables.a", "expected a section [tables.a]"),
    ("[venue]\nuniverse = \"all\"", 2, "venue.universe", "expected a section [venue.universe]"),
    ("[venue.universe]\nquotes = []", 2, "venue.universe.quotes", "did you mean \"quote\"?"),
    ("[venue.universe]\nquote = \"USDT\"", 2, "venue.universe.quote", "expected a list"),
    ("[venue.universe]\nquote = [\"US*\"]", 2, "venue.universe.quote", "an asset such as"),
    ("[venue.universe]\ninclude = [\"a b\"]", 2, "venue.universe.include", "such as \"BTC*\""),
    ("[venue.universe]\nexclude = [\"\"]", 2, "venue.universe.exclude", "such as \"BTC*\""),
    ("[venue.universe]\nmin_age = \"0s\"", 2, "venue.universe.min_age", "such as \"7d\""),
    ("[venue.universe]\nmin_age = 7", 2, "venue.universe.min_age", "expected a string"),
    ("[venue.universe]\nmin_turnover = -1", 2, "venue.universe.min_turnover", "not -1"),
    ("[venue.universe]\nmin_turnover = \"1M\"", 2, "venue.universe.min_turnover", "a turnover"),
    ("[venue.universe]\nmin_spread = nan", 2, "venue.universe.min_spread", "a spread in percent"),
    (
        "[venue.universe]\nmin_spread = 5\nmax_spread = 1",
        3,
        "venue.universe.max_spread",
        "nothing would be left",
    ),
    ("[rules.a]\nwhen = \"stale(3)\"", 2, "rules.a.when", "write stale(5m)"),
    ("[rules.a]\nwhen = \"quiet_for > 3%\"", 2, "rules.a.when", "is not a time"),
    ("[rules.a]\nexit = \"gap\"", 1, "rules.a", "expected when = \"...\""),
    ("[rules.a]\nwhen = \"gap\"\nbudget = \"5\"", 3, "rules.a.budget", "such as \"5/10m\""),
    ("[rules.a]\nwhen = \"gap\"\non = \"open\"", 3, "rules.a.on", "\"forming\""),
    ("[rules.a]\nwhen = \"gap\"\nfor = \"2w\"", 3, "rules.a.for", "a duration up to 7d"),
    ("[rules.a]\nwhen = \"gap\"\ntell = \"all\"", 3, "rules.a.tell", "\"both\""),
];

#[test]
fn each_mistake_names_its_line_and_its_key() {
    for (text, line, key, said) in MISTAKES {
        let problems = match Config::parse("my.toml", text) {
            Err(ConfigError::Invalid { problems, .. }) => problems,
            other => panic!("{text:?} gave {other:?}"),
        };
        let [problem] = &problems[..] else { panic!("{text:?} gave {problems:#?}") };
        assert_eq!((problem.line, problem.key.as_str()), (*line, *key), "{text:?}: {problem:?}");
        assert!(problem.message.contains(said), "{text:?}: {}", problem.message);
    }
}

#[test]
fn what_is_written_is_read_and_printed() {
    let text = r#"
        [venue.universe]
        include = ["*USDT", "BTC???"]
        exclude = ["*UPUSDT"]
        quote = ["USDT"]
        min_age = "7d"
        min_turnover = 1000000
        min_spread = 0.5
        max_spread = 50
        [tables.movers]
        by = "change(15m)"
        order = "ascending"
        top = 7
        interval = "3m"
        tell = "members"
        columns = ["close", "rsi(14)", "gap"]
    "#;
    let config = Config::parse("my.toml", text).unwrap();
    assert_eq!(Config::parse("again", &config.to_toml()).unwrap(), config);
    let Universe { min_age_ns, min_turnover, min_spread, max_spread, .. } = &config.universe;
    assert_eq!(*min_age_ns, Some(7 * systems::units::Nanos::PER_DAY));
    assert_eq!((*min_turnover, *min_spread, *max_spread), (Some(1e6), Some(0.5), Some(50.0)));
    let table = &config.tables[0];
    assert_eq!((table.top, table.ascending, table.tell), (7, true, Moves::Members));
    let set = config.rule_set().unwrap();
    assert_eq!(set.core.tables[0].columns.len(), 3);
    let many: String =
        (0..33).map(|index| format!("[tables.t{index}]\nby = \"close\"\n")).collect();
    let refused = Config::parse("my.toml", &many).unwrap_err().to_string();
    assert!(refused.contains("at most 32 tables, not 33"), "{refused}");
}
