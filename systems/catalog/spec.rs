//! How a configured text becomes an indicator, and what its columns are called.

use core::fmt;

use super::{CATALOG, Entry};
use crate::indicator::{Param, Units};
use crate::ring::Ring;
use crate::track::Value;

/// One configured indicator: which, and its checked parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    entry: &'static Entry,
    params: Vec<f64>,
}

/// Why a text is not an indicator; each says what to write instead.
#[derive(Clone, Debug, PartialEq)]
pub enum SpecError {
    /// Not `name` or `name(number, number)`.
    Malformed(String),
    /// No indicator has this name.
    UnknownName {
        /// The name as written.
        name: String,
        /// The known name that is spelled most like it, if any is alike.
        nearest: Option<&'static str>,
    },
    /// More parameters than the indicator takes.
    TooManyParams {
        /// The indicator.
        entry: &'static Entry,
        /// How many were given.
        given: usize,
    },
    /// A parameter without a default was left out.
    MissingParam {
        /// The indicator.
        entry: &'static Entry,
        /// What is missing.
        param: &'static Param,
    },
    /// A parameter that is not a plain number.
    NotANumber {
        /// The indicator.
        entry: &'static Entry,
        /// Which parameter.
        param: &'static Param,
        /// What was given.
        given: String,
    },
    /// A parameter outside its range, or with a fraction where only whole numbers are allowed.
    OutOfRange {
        /// The indicator.
        entry: &'static Entry,
        /// Which parameter.
        param: &'static Param,
        /// What was given.
        given: f64,
    },
    /// Parameters that do not go together.
    Conflict {
        /// The whole as understood, defaults filled in.
        spec: Spec,
        /// What is allowed.
        rule: &'static str,
    },
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(text) => write!(
                f,
                "{text:?} is not an indicator; write a name, and numbers in parentheses if they \
                 differ from the defaults, such as \"macd(12, 26, 9)\" or \"vwap\""
            ),
            Self::UnknownName { name, nearest: Some(nearest) } => {
                write!(f, "no indicator is called {name:?}; did you mean {nearest:?}?")
            }
            Self::UnknownName { name, nearest: None } => {
                write!(f, "no indicator is called {name:?}; there are")?;
                let names = CATALOG.iter().enumerate();
                names.into_iter().try_for_each(|(index, entry)| {
                    write!(f, "{} {}", if index == 0 { "" } else { "," }, entry.name)
                })
            }
            Self::TooManyParams { entry, given } => {
                write!(f, "too many parameters ({given}); write {entry:?}")
            }
            Self::MissingParam { entry, param } => {
                write!(f, "{} needs {}: {entry:?}", entry.name, param.name)
            }
            Self::NotANumber { entry, param, given } => {
                write!(f, "{} of {} must be a number, not {given:?}", param.name, entry.name)
            }
            Self::OutOfRange { entry, param, given } => {
                let kind = if param.whole { "a whole number" } else { "a number" };
                let Param { name, min, max, .. } = param;
                let entry = entry.name;
                write!(f, "{name} of {entry} must be {kind} from {min} to {max}, not {given}")
            }
            Self::Conflict { spec, rule } => write!(f, "{}: {rule}", spec.text()),
        }
    }
}

impl core::error::Error for SpecError {}

impl Spec {
    /// Reads `"macd(12, 26, 9)"`; parameters left out at the end take their defaults.
    ///
    /// # Errors
    /// [`SpecError`] says which part is at fault and what is allowed.
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        let malformed = || SpecError::Malformed(text.to_owned());
        let (name, given) = call(text).ok_or_else(malformed)?;
        let known = CATALOG.iter().find(|entry| entry.name == name);
        let entry = known.ok_or_else(|| SpecError::UnknownName {
            name: name.to_owned(),
            nearest: nearest_name(name),
        })?;
        if given.len() > entry.params.len() {
            return Err(SpecError::TooManyParams { entry, given: given.len() });
        }
        let mut params = Vec::with_capacity(entry.params.len());
        for (index, param) in entry.params.iter().enumerate() {
            params.push(match given.get(index) {
                Some(given) => read(entry, param, given)?,
                None => param.default.ok_or(SpecError::MissingParam { entry, param })?,
            });
        }
        let checked = (entry.check)(&params);
        let spec = Self { entry, params };
        match checked {
            Ok(()) => Ok(spec),
            Err(rule) => Err(SpecError::Conflict { spec, rule }),
        }
    }

    /// Which indicator.
    pub fn entry(&self) -> &'static Entry {
        self.entry
    }

    /// One checked value per parameter.
    pub fn params(&self) -> &[f64] {
        &self.params
    }

    /// How many candles back it reads.
    pub fn reach(&self) -> usize {
        (self.entry.reach)(&self.params)
    }

    /// What it says to all candles of a ring that has dropped none: a column per output.
    pub fn over(&self, ring: &Ring, units: Units) -> Vec<Vec<Value>> {
        (self.entry.over)(ring, &self.params, units)
    }

    /// The one way to write it: `macd(12,26,9)`.
    pub fn text(&self) -> String {
        let named: Vec<String> = self.named().map(f64::to_string).collect();
        match named.is_empty() {
            true => self.entry.name.to_owned(),
            false => format!("{}({})", self.entry.name, named.join(",")),
        }
    }

    /// Names of its columns, in the order of its outputs: `macd_12_26_9`, `macd_12_26_9_signal`.
    pub fn columns(&self) -> Vec<String> {
        let params: String = self.named().map(|value| format!("_{value}")).collect();
        let column = |output: &&str| match output.strip_prefix('=') {
            Some(own) => format!("{own}{params}"),
            None if output.is_empty() => format!("{}{params}", self.entry.name),
            None => format!("{}{params}_{output}", self.entry.name),
        };
        self.entry.outputs.iter().map(column).collect()
    }

    /// The parameters that appear in names: all, but an option that defaults to 0 and was left
    /// there is not worth a mention (`vwap`, not `vwap_0`).
    fn named(&self) -> impl Iterator<Item = &f64> {
        let params = self.params.iter().zip(self.entry.params);
        params.filter(|(value, param)| **value != 0.0 || param.default != Some(0.0)).map(|(v, _)| v)
    }
}

/// Splits `name(a, b)` into its name and its parameters' texts.
fn call(text: &str) -> Option<(&str, Vec<&str>)> {
    let text = text.trim();
    let (name, params) = match text.split_once('(') {
        Some((name, rest)) => (name.trim_end(), rest.strip_suffix(')')?.trim()),
        None => (text, ""),
    };
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if name.is_empty() || !name.bytes().all(word) || params.contains(['(', ')']) {
        return None;
    }
    let params = match params {
        "" => Vec::new(),
        params => params.split(',').map(str::trim).collect(),
    };
    Some((name, params))
}

/// Reads one parameter and holds it against its range.
fn read(entry: &'static Entry, param: &'static Param, given: &str) -> Result<f64, SpecError> {
    let plain = given.bytes().all(|byte| byte.is_ascii_digit() || b"+-.".contains(&byte));
    let number = given.parse::<f64>().ok().filter(|_| plain);
    let Some(value) = number else {
        return Err(SpecError::NotANumber { entry, param, given: given.to_owned() });
    };
    let in_range = param.min <= value && value <= param.max;
    if !in_range || (param.whole && value.fract() != 0.0) {
        return Err(SpecError::OutOfRange { entry, param, given: value });
    }
    // Negative zero would have a name of its own.
    Ok(value + 0.0)
}

/// The known name with the fewest letters to change, if that is at most half of them.
fn nearest_name(name: &str) -> Option<&'static str> {
    let changes =
        |entry: &Entry| edits(name.to_ascii_lowercase().as_bytes(), entry.name.as_bytes());
    let nearest = CATALOG.iter().min_by_key(|entry| changes(entry))?;
    (2 * changes(nearest) <= nearest.name.len()).then_some(nearest.name)
}

/// Letters to insert, delete or replace to get from one word to the other (Levenshtein).
fn edits(from: &[u8], to: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(text: &str) -> Spec {
        Spec::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// Each indicator with its defaults, and the least value where there is none.
    fn specs() -> impl Iterator<Item = Spec> {
        CATALOG.iter().map(|entry| {
            let params = entry.params.iter().map(|param| param.default.unwrap_or(param.min));
            Spec { entry, params: params.collect() }
        })
    }

    #[test]
    fn texts_become_columns() {
        for (text, canonical, columns) in [
            ("ema", "ema(20)", &["ema_20"][..]),
            (" ema ( 12 ) ", "ema(12)", &["ema_12"]),
            ("ema()", "ema(20)", &["ema_20"]),
            ("obv()", "obv", &["obv"]),
            ("vwap", "vwap", &["vwap", "vwap_upper", "vwap_lower"]),
            ("vwap(-0)", "vwap", &["vwap", "vwap_upper", "vwap_lower"]),
            ("vwap(480)", "vwap(480)", &["vwap_480", "vwap_480_upper", "vwap_480_lower"]),
            (
                "macd(12, 26)",
                "macd(12,26,9)",
                &["macd_12_26_9", "macd_12_26_9_signal", "macd_12_26_9_hist"],
            ),
            ("adx(14.0)", "adx(14)", &["adx_14", "plus_di_14", "minus_di_14"]),
            (
                "keltner(20,10,2.50)",
                "keltner(20,10,2.5)",
                &["keltner_20_10_2.5_upper", "keltner_20_10_2.5_middle", "keltner_20_10_2.5_lower"],
            ),
            ("supertrend", "supertrend(10,3)", &["supertrend_10_3", "supertrend_10_3_direction"]),
            (
                "anchored_vwap(1767225600)",
                "anchored_vwap(1767225600)",
                &[
                    "anchored_vwap_1767225600",
                    "anchored_vwap_1767225600_upper",
                    "anchored_vwap_1767225600_lower",
                ],
            ),
        ] {
            assert_eq!(spec(text).text(), canonical, "{text}");
            assert_eq!(spec(text).columns(), columns, "{text}");
            assert_eq!(spec(canonical), spec(text), "{text}");
        }
    }

    #[test]
    fn errors_say_what_to_write() {
        let malformed = " is not an indicator; write a name, and numbers in parentheses if they \
                         differ from the defaults, such as \"macd(12, 26, 9)\" or \"vwap\"";
        for (text, want) in [
            ("", format!("\"\"{malformed}")),
            ("ema(12", format!("\"ema(12\"{malformed}")),
            ("ema(12))", format!("\"ema(12))\"{malformed}")),
            ("ema 12", format!("\"ema 12\"{malformed}")),
            ("(12)", format!("\"(12)\"{malformed}")),
            ("emma(12)", "no indicator is called \"emma\"; did you mean \"ema\"?".into()),
            ("RSI", "no indicator is called \"RSI\"; did you mean \"rsi\"?".into()),
            ("ema(1,2)", "too many parameters (2); write ema(period = 20)".into()),
            ("obv(5)", "too many parameters (1); write obv".into()),
            (
                "anchored_vwap",
                "anchored_vwap needs epoch_seconds: anchored_vwap(epoch_seconds)".into(),
            ),
            ("ema(x)", "period of ema must be a number, not \"x\"".into()),
            ("ema(inf)", "period of ema must be a number, not \"inf\"".into()),
            ("macd(12,,9)", "slow of macd must be a number, not \"\"".into()),
            ("ema(0)", "period of ema must be a whole number from 1 to 5000, not 0".into()),
            ("ema(5001)", "period of ema must be a whole number from 1 to 5000, not 5001".into()),
            ("ema(2.5)", "period of ema must be a whole number from 1 to 5000, not 2.5".into()),
            (
                "keltner(20,10,-1)",
                "factor of keltner must be a number from 0.01 to 100, not -1".into(),
            ),
            ("macd(26,26)", "macd(26,26,9): fast must be below slow".into()),
        ] {
            assert_eq!(Spec::parse(text).unwrap_err().to_string(), want, "{text}");
        }
    }

    #[test]
    fn a_name_like_no_other_gets_the_whole_list() {
        let error = Spec::parse("zigzag(5)").unwrap_err();
        assert_eq!(error, SpecError::UnknownName { name: "zigzag".into(), nearest: None });
        for entry in CATALOG {
            assert!(error.to_string().contains(entry.name), "{error}");
        }
    }

    #[test]
    fn errors_carry_their_facts() {
        let entry = spec("ema").entry();
        let param = &entry.params[0];
        for (text, want) in [
            ("ema(1,2)", SpecError::TooManyParams { entry, given: 2 }),
            ("ema(x)", SpecError::NotANumber { entry, param, given: "x".into() }),
            ("ema(0)", SpecError::OutOfRange { entry, param, given: 0.0 }),
        ] {
            assert_eq!(Spec::parse(text), Err(want));
        }
    }

    #[test]
    fn every_entry_reads_back_from_its_own_text() {
        for spec in specs() {
            assert_eq!(Spec::parse(&spec.text()), Ok(spec));
        }
    }

    #[test]
    fn no_two_columns_share_a_name() {
        let mut columns: Vec<String> = specs().flat_map(|spec| spec.columns()).collect();
        columns.sort();
        assert!(columns.is_sorted_by(|a, b| a < b), "{columns:?}");
    }

    #[test]
    fn edits_are_counted() {
        for (from, to, want) in [("", "", 0), ("ema", "ema", 0), ("emma", "ema", 1), ("a", "", 1)] {
            assert_eq!(edits(from.as_bytes(), to.as_bytes()), want, "{from} {to}");
        }
    }
}
