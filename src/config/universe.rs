//! The section `[venue.universe]`: which of the venue's symbols are followed where they are not
//! named.

use std::fmt::{self, Write};

use systems::units::Nanos;

use super::print::{or_example, quoted};
use super::read::{Item, Reader, Section};
use super::{Config, amounts};

/// What a symbol must be like to be followed, where symbols are not named. What is empty or `None`
/// asks for nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Universe {
    /// Names that are followed at all: patterns with `*` and `?`.
    pub include: Vec<String>,
    /// Names that are not.
    pub exclude: Vec<String>,
    /// What prices are in, one of these.
    pub quote: Vec<String>,
    /// Listed for at least so long, in nanoseconds, if the venue says since when.
    pub min_age_ns: Option<u64>,
    /// Traded in the last 24 hours, in the quote asset, at least.
    pub min_turnover: Option<f64>,
    /// The day's highest price above its lowest, in percent, at least.
    pub min_spread: Option<f64>,
    /// And at most.
    pub max_spread: Option<f64>,
}

/// Keys of the section.
pub(super) const KEYS: &[&str] =
    &["include", "exclude", "quote", "min_age", "min_turnover", "min_spread", "max_spread"];

/// Names in one list. More are refused: each symbol is held against each of them.
const NAMES_MAX: usize = 1_000;

/// The longest age that can be asked for: ten years.
const AGE_MAX_NS: u64 = 3_650 * Nanos::PER_DAY;

/// The largest amount; no venue trades more in a day, and a spread of more is a mistake.
const TURNOVER_MAX: f64 = 1e15;
const SPREAD_MAX: f64 = 1e6;

/// Reads `[venue.universe]`.
pub(super) fn universe<'t>(reader: &mut Reader<'t>, venue: Section<'_, 't>, config: &mut Config) {
    const PATH: &str = "venue.universe";
    let Some(item) = reader.item(venue, "universe") else { return };
    let Some(table) = item.table() else {
        let message = item.expected("a section [venue.universe]");
        return reader.note(item.line(), PATH, message);
    };
    let section = Section::new(PATH, table);
    reader.check_keys(section, &[(PATH, KEYS)]);
    let lists = &mut config.universe;
    for (key, place, pattern) in [
        ("include", &mut lists.include, true),
        ("exclude", &mut lists.exclude, true),
        ("quote", &mut lists.quote, false),
    ] {
        *place = names(reader, section, key, pattern);
    }
    let age = |item: Item<'_, '_>| {
        let text = item.text()?;
        amounts::duration_ns(text)
            .filter(|ns| (1..=AGE_MAX_NS).contains(ns))
            .ok_or_else(|| format!("expected a duration up to 3650d such as \"7d\", not {text:?}"))
    };
    let universe = &mut config.universe;
    universe.min_age_ns = reader.value(section, "min_age", age);
    let turnover = |item: Item<'_, '_>| amount(item, "a turnover such as 1000000", TURNOVER_MAX);
    universe.min_turnover = reader.value(section, "min_turnover", turnover);
    let spread = |item: Item<'_, '_>| amount(item, "a spread in percent such as 0.5", SPREAD_MAX);
    universe.min_spread = reader.value(section, "min_spread", spread);
    universe.max_spread = reader.value(section, "max_spread", |item| {
        let most = spread(item)?;
        match universe.min_spread {
            Some(least) if most < least => {
                Err(format!("{most} is less than min_spread: nothing would be left"))
            }
            _ => Ok(most),
        }
    });
}

fn amount(item: Item<'_, '_>, what: &str, most: f64) -> Result<f64, String> {
    let number = item.number(what)?;
    match (0.0..=most).contains(&number) {
        true => Ok(number),
        false => Err(format!("expected {what}, from 0 to {most}, not {number}")),
    }
}

/// A list of names, or of patterns of names.
fn names<'t>(
    reader: &mut Reader<'t>,
    section: Section<'_, 't>,
    key: &'static str,
    pattern: bool,
) -> Vec<String> {
    let list = reader.value(section, key, |item| match item.list()? {
        list if list.len() > NAMES_MAX => {
            Err(format!("at most {NAMES_MAX} names, not {}", list.len()))
        }
        list => Ok(list),
    });
    let path = format!("venue.universe.{key}");
    let mut names = Vec::new();
    for value in list.unwrap_or_default() {
        let element = reader.at(value);
        let name = element.text().and_then(|text| {
            let plain = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
            let fits = |c: char| plain(c) || pattern && (c == '*' || c == '?');
            match !text.is_empty() && text.chars().all(fits) {
                true => Ok(text.to_owned()),
                false if pattern => {
                    Err(format!("expected a name such as \"BTC*\" or \"*USDT\", not {text:?}"))
                }
                false => Err(format!("expected an asset such as \"USDT\", not {text:?}")),
            }
        });
        names.extend(reader.accept(element.line(), &path, name));
    }
    names
}

impl Config {
    pub(super) fn write_universe(&self, out: &mut String) -> fmt::Result {
        let Universe { include, exclude, quote, .. } = &self.universe;
        let universe = &self.universe;
        writeln!(out, "\n# Which symbols are followed where they are not named.")?;
        writeln!(out, "[venue.universe]\n# Only these, and not those; * is any text.")?;
        let list = |names: &[String]| {
            let names: Vec<_> = names.iter().map(|name| quoted(name)).collect();
            (!names.is_empty()).then(|| format!("[{}]", names.join(", ")))
        };
        or_example(out, "include", list(include), "[\"BTC*\", \"ETH*\"]")?;
        or_example(out, "exclude", list(exclude), "[\"*UPUSDT\", \"*DOWNUSDT\"]")?;
        writeln!(out, "# What prices are in.")?;
        or_example(out, "quote", list(quote), "[\"USDT\"]")?;
        writeln!(out, "# Listed for so long, if the venue says since when.")?;
        let age = universe.min_age_ns.map(|ns| quoted(&amounts::duration_text(ns)));
        or_example(out, "min_age", age, "\"7d\"")?;
        writeln!(out, "# Traded in 24 hours, in the quote asset.")?;
        let number = |value: Option<f64>| value.map(|value| value.to_string());
        or_example(out, "min_turnover", number(universe.min_turnover), "1000000")?;
        writeln!(out, "# The day's high above its low, in percent.")?;
        or_example(out, "min_spread", number(universe.min_spread), "0.5")?;
        or_example(out, "max_spread", number(universe.max_spread), "50")
    }
}
