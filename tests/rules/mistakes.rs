//! Every kind of mistake gets an error that shows where it is and says what to write.

use super::{compiled, rule};

/// A condition with one mistake, the text under the carets, and a piece of what is said.
const MISTAKES: &[(&str, &str, &str)] = &[
    // Words.
    ("close > 10 && rsi > 3", "&&", "write and"),
    ("close = 10", "=", "write =="),
    ("close <> 10", "<>", "write !="),
    ("!gap", "!", "write not"),
    ("close \u{2265} 10", "\u{2265}", "write >="),
    ("close > \"10\"", "\"", "names stand without quotes"),
    ("close > 10 ; rsi", ";", "means nothing here"),
    ("close > % 2", "%", "belongs to the number before it"),
    ("close > 12abc", "12abc", "neither a number nor a time"),
    ("close > 1e999", "1e999", "too large a number"),
    ("change(1.5h) > 1", "1.5h", "a time is a whole number and a unit"),
    ("close > 10 AND rsi > 3", "AND", "write and"),
    // Form.
    ("", "", "an empty condition"),
    ("close >", "", "it ends too early"),
    ("close > and rsi > 3", "and", "expected a number, a column or a parenthesis"),
    ("(close > 10", "(", "never closed"),
    ("close > 10)", ")", "closes nothing"),
    ("ema(20", "(", "never closed"),
    ("1 < close < 3", "<", "write between(x, low, high)"),
    ("rsi(14) between 30", "between", "write between(x, low, high)"),
    ("close[1.5] > 3", "1.5", "expected a whole number of candles, such as close[3]"),
    ("close[3 > 3", ">", "expected ] after"),
    ("macd. > 3", ">", "expected the name of an output"),
    ("close > 10 close", "close", "expected and, or, or a sign"),
    // Names.
    ("clse > 10", "clse", "did you mean close?"),
    ("price > 10", "price", "write close"),
    ("emaa(20) > 10", "emaa(20)", "did you mean ema?"),
    ("RSI(14) > 70", "RSI(14)", "did you mean rsi?"),
    ("rsi_14 > 70", "rsi_14", "in rules write rsi(14)"),
    ("macd_12_26_9_hist > 0", "macd_12_26_9_hist", "in rules write macd(12,26,9).hist"),
    ("frobnicate > 1", "frobnicate", "there are the numbers of a candle"),
    ("macd(12,26,9).histo > 0", "macd(12,26,9).histo", "did you mean .hist?"),
    ("bbands(20,2) > close", "bbands(20,2)", "write bbands(20,2).upper or"),
    ("ema(20).upper > close", "ema(20).upper", "one output; leave out .upper"),
    ("close.high > 3", "close.high", "only indicators have outputs"),
    ("rsi(14)@15m.k > 3", "rsi(14)@15m.k", "stands before @"),
    ("close@7m > 3", "close@7m", "not among the intervals 1m, 5m, 15m"),
    ("close@15 > 3", "close@15", "did you mean @15m?"),
    ("close@ > 3", "close@", "not among the intervals"),
    // Parameters and arguments.
    ("ema(0) > 3", "ema(0)", "must be a whole number from 1 to 5000"),
    ("ema(1,2) > 3", "ema(1,2)", "too many parameters"),
    ("ema(close) > 3", "close", "parameters of ema are numbers: ema(period = 20)"),
    ("macd(26,12,9) > 0", "macd(26,12,9)", "fast must be below slow"),
    ("close(3) > 10", "close(3)", "for a former candle write close[3]"),
    ("rising > 3", "rising", "is a function; write rising(3)"),
    ("rising(1,2,3)", "rising(1,2,3)", "does not take 3 values; write rising(3)"),
    ("rising(close, 0)", "0", "a whole number of candles from 1 to 5000"),
    ("rising(close, rsi)", "rsi", "a whole number of candles"),
    ("change(14) > 1", "14", "expected a time; write change(5m)"),
    ("change(30s) > 1", "30s", "the shortest interval is 1m"),
    ("5m > close", "5m > close", "times are compared with quiet_for"),
    ("quiet_for > 5%", "quiet_for > 5%", "is not a time"),
    ("stale(5)", "5", "expected a time; write stale(5m)"),
    ("listed < 1", "listed", "write listed_for"),
    ("between(rsi, 60, 40)", "between(rsi, 60, 40)", "the low end first"),
    // Units.
    ("close > 2%", "close > 2%", "a price is not a percentage; say of what it is a part"),
    ("rsi > 70%", "rsi > 70%", "a ratio is not a percentage; write the number without %"),
    ("close > volume", "close > volume", "a price is not a quantity"),
    ("close > rsi", "close > rsi", "both sides of a comparison must be of one kind"),
    ("close + volume > 3", "close + volume", "a price cannot be added to a quantity"),
    ("close - change(5m) > 3", "close - change(5m)", "write x * 102%"),
    ("close > ema * (1 + 2%)", "(1 + 2%)", "write 102%"),
    ("close * open > 3", "close * open", "a price times a price is nothing"),
    ("1 / close > 3", "1 / close", "divided by a price is nothing"),
    ("volume / close > 3", "volume / close", "a quantity divided by a price is nothing"),
    ("change(5m) * change(1m) > 3", "change(5m) * change(1m)", "write one of them as a factor"),
    ("close crosses_above rsi", "close crosses_above rsi", "a price is not a ratio"),
    ("min(close, volume) > 3", "min(close, volume)", "a price is not a quantity"),
    // True or false.
    ("close", "close", "expected a condition, not a price"),
    ("close > 3 and rsi", "rsi", "expected a condition, not a ratio"),
    ("(close > 3) + 1 > 2", "(close > 3) + 1", "join conditions by and, or"),
    ("gap == 1", "gap == 1", "leave out the comparison"),
    ("rising(gap, 3)", "gap", "expected a number, and this is true or false"),
    ("within(3, close)", "close", "expected a condition, not a price"),
    ("-gap", "gap", "expected a number"),
    // What means nothing.
    ("1 < 2", "1 < 2", "the same for every candle"),
    ("close / 0 > 1", "close / 0", "divided by 0"),
    ("3[1] > close", "3[1]", "a number is the same at every candle"),
    ("3@5m > close", "3@5m", "the same on every interval"),
    ("rank(3) <= 10", "rank(3)", "the same for every symbol"),
    ("rank(rank(close)) <= 3", "rank(close)", "ranks of ranks are not kept"),
    ("rank(change(5m))@5m <= 3", "rank(change(5m))", "kept on the rule's own interval"),
    ("rising(rsi(14)@15m, 3)", "rising(rsi(14)@15m, 3)", "as in rising(rsi(14), 3)@15m"),
    ("(close@5m > open)@15m", "close@5m", "say the interval once"),
    ("forming close > 3", "forming close", "say on = \"forming\""),
    // What is too much.
    ("close[300] > 3", "close[300]", "raise lookback to 301"),
    ("close[5001] > 3", "close[5001]", "at most 5000 candles back"),
    ("highest(close[200], 200) > 3", "close[200]", "raise lookback to 400"),
    ("change(96h) > 3", "96h", "no lookback reaches so far: 1m keeps 300 of the 5761"),
    ("average(highest(volume, 200), 100) > 3", "", "one evaluation may take"),
];

#[test]
fn each_is_shown_and_remedied() {
    const { assert!(MISTAKES.len() >= 40) };
    for (text, under, said) in MISTAKES {
        let mistakes = match compiled(rule(text)) {
            Err(mistakes) => mistakes,
            Ok(_) => panic!("{text:?} passed"),
        };
        let [mistake] = &mistakes[..] else { panic!("{text:?} gave {mistakes:#?}") };
        let fault = &mistake.fault;
        assert!(fault.message.contains(said), "{text:?}: {}", fault.message);
        if !under.is_empty() {
            assert_eq!(&text[fault.span.clone()], *under, "{text:?}: {}", fault.message);
        }
        let shown = fault.shown(text);
        assert!(shown.ends_with('^'), "{shown}");
        assert_eq!((mistake.rule, mistake.table, mistake.key), (0, false, "when"));
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let mistakes =
        compiled(rule("clse > 2 and rsi > 70% or rising(close, 0) and close@2m > 1")).unwrap_err();
    let said: Vec<_> = mistakes.iter().map(|mistake| mistake.fault.message.as_str()).collect();
    assert_eq!(said.len(), 4, "{said:#?}");
    assert!(said[0].contains("did you mean close?"), "{said:?}");
    assert!(said[3].contains("@2m is not among"), "{said:?}");
}

#[test]
fn rules_on_forming_candles_say_which_candle_they_mean() {
    for (text, said) in [
        ("close > 3", "forming close or closed close"),
        ("forming close > ema(20)", "forming ema(20) or closed ema(20)"),
        ("change(5m) > 3", "forming change or closed change"),
        ("new_high(20)", "forming new_high or closed new_high"),
        ("forming gap", "write closed gap"),
        ("rank(forming close) <= 3", "say on = \"close\""),
        ("within(3, closed rsi(14)@5m > 70)", "within(3, closed rsi(14) > 70)@15m"),
    ] {
        let mut rule = rule(text);
        rule.forming = true;
        let mistakes = compiled(rule).unwrap_err();
        assert!(mistakes[0].fault.message.contains(said), "{text}: {mistakes:?}");
    }
    let mut rule = rule("forming close crosses_above closed ema(20) and closed gap[1]");
    rule.forming = true;
    assert_eq!(compiled(rule).unwrap().core.depth[0], Some(2));
}

#[test]
fn what_is_too_large_or_too_deep_is_refused() {
    let long = format!("close > {}", "1 + ".repeat(300));
    let nested = format!("{}close{} > 1", "(".repeat(40), ")".repeat(40));
    let signs = format!("{}gap", "not ".repeat(60));
    let wide = format!("close > 1{}", " ".repeat(5_000));
    let crossing = (0..12)
        .fold("close".to_owned(), |inner, _| format!("bars_since({inner} crosses_above 3, 2)"));
    for (text, said) in [
        (format!("close{} > 1", "[5000]".repeat(14)), "at most 5000 candles back, also in parts"),
        (long, "at most 512 words"),
        (nested, "nested more than 24 deep"),
        (signs, "nested more than 24 deep"),
        (wide, "at most 4096 bytes"),
        (format!("{crossing} > 1"), "more than 4 deep"),
    ] {
        let mistakes = compiled(rule(&text)).unwrap_err();
        assert!(mistakes[0].fault.message.contains(said), "{}", mistakes[0].fault.message);
    }
}

/// Conditions without a mistake.
const RIGHT: &[&str] = &[
    "close > ema(20) * 102% and not gap",
    "rsi(14)@15m crosses_above 30 or within(3, new_high(20))",
    "rank(change(15m)) <= 5 and between(zscore(20), -1, 1)",
    "bars_since(volume > 3 * average(volume, 20)[1], 50) < 4",
    "(macd(12,26,9).hist > 0 and rising(close, 2))@5m",
];

/// Pieces that edits put in.
const PIECES: &[&str] = &[
    "(",
    ")",
    "[3]",
    "@5m",
    "@15m",
    ".hist",
    " and ",
    " or ",
    "not ",
    "-",
    " > ",
    " crosses_above ",
    "5m",
    "2%",
    "1e9",
    "_",
    "\u{e9}",
    "\u{1f600}",
    ",",
    "forming ",
    "closed ",
    "rank(",
    "within(3, ",
    "rsi(14)",
    "close",
    "gap",
    "\n",
    "\t",
    "99999999999999999999",
    "0.0",
    "average(volume, 20)",
];

#[test]
fn no_text_panics_and_every_mistake_can_be_shown() {
    let (mut passed, mut refused) = (0, 0);
    for case in 0..2_000 {
        let mut seed = crate::support::Seed(case);
        let below =
            |seed: &mut crate::support::Seed, bound: usize| seed.below(bound as u64) as usize;
        let base = match seed.one_in(2) {
            true => RIGHT[below(&mut seed, RIGHT.len())],
            false => MISTAKES[below(&mut seed, MISTAKES.len())].0,
        };
        let mut text: Vec<char> = base.chars().collect();
        for _ in 0..1 + seed.below(3) {
            let at = below(&mut seed, text.len() + 1);
            match seed.below(3) {
                0 if at < text.len() => drop(text.remove(at)),
                1 => {
                    let to = at + below(&mut seed, text.len() - at + 1);
                    let copy = text[at..to].to_vec();
                    text.splice(at..at, copy);
                }
                _ => {
                    let piece = PIECES[below(&mut seed, PIECES.len())].chars();
                    text.splice(at..at, piece);
                }
            }
        }
        let text: String = text.into_iter().collect();
        let forming = seed.one_in(3);
        match compiled(tapescan::rules::Rule { forming, ..rule(&text) }) {
            Ok(_) => passed += 1,
            Err(mistakes) => {
                assert!(!mistakes.is_empty(), "{text:?}");
                for mistake in mistakes {
                    assert!(mistake.fault.shown(&text).ends_with('^'), "{text:?}");
                }
                refused += 1;
            }
        }
    }
    eprintln!("{passed} passed, {refused} refused");
    assert!(passed > 20 && refused > 1_000, "{passed} {refused}");
}
