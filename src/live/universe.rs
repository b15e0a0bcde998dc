//! Which of the venue's symbols pass `[venue.universe]`, and what each filter removes.

use std::collections::HashMap;

use systems::units::Nanos;

use crate::config::{Choice, Universe};
use crate::venue::binance::{DayStatistics, Instrument};

/// A filter, in the order in which they are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// `include`.
    Include,
    /// `exclude`.
    Exclude,
    /// `quote`.
    Quote,
    /// `min_age`.
    Age,
    /// `min_turnover`.
    Turnover,
    /// `min_spread` and `max_spread`.
    Spread,
}

impl Filter {
    /// All of them, in order.
    pub const ALL: [Self; 6] =
        [Self::Include, Self::Exclude, Self::Quote, Self::Age, Self::Turnover, Self::Spread];

    /// How it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Include => "include",
            Self::Exclude => "exclude",
            Self::Quote => "quote",
            Self::Age => "min_age",
            Self::Turnover => "min_turnover",
            Self::Spread => "spread",
        }
    }

    /// Whether what it says of a symbol changes from day to day; else from name to name.
    pub fn fluctuates(self) -> bool {
        matches!(self, Self::Age | Self::Turnover | Self::Spread)
    }
}

/// Yesterday's activity by symbol.
pub type Days<'a> = HashMap<&'a str, &'a DayStatistics>;

/// Yesterday's activity, to be looked up by symbol.
pub fn by_symbol(days: &[DayStatistics]) -> Days<'_> {
    days.iter().map(|day| (&*day.symbol, day)).collect()
}

/// Whether anything is asked of a symbol that only the day's activity tells.
pub fn needs_days(universe: &Universe) -> bool {
    let Universe { min_turnover, min_spread, max_spread, .. } = universe;
    min_turnover.is_some() || min_spread.is_some() || max_spread.is_some()
}

/// The first filter that a symbol does not pass.
pub fn stopped_by(
    universe: &Universe,
    one: &Instrument,
    days: &Days<'_>,
    now: Nanos,
) -> Option<Filter> {
    Filter::ALL.into_iter().find(|filter| !passes(universe, *filter, one, days, now))
}

/// Whether a symbol passes a filter. One whose age is not known is old enough; one that is not
/// among yesterday's did not trade.
pub fn passes(
    universe: &Universe,
    filter: Filter,
    one: &Instrument,
    days: &Days<'_>,
    now: Nanos,
) -> bool {
    let name = &*one.spec.name;
    let among = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, name));
    let day = days.get(name);
    match filter {
        Filter::Include => universe.include.is_empty() || among(&universe.include),
        Filter::Exclude => !among(&universe.exclude),
        Filter::Quote => {
            universe.quote.is_empty() || universe.quote.iter().any(|it| **it == *one.quote_asset)
        }
        Filter::Age => match (universe.min_age_ns, one.listed_at) {
            (Some(least), Some(since)) => since.plus(least) <= now,
            _ => true,
        },
        Filter::Turnover => {
            let turnover = day.map_or(0.0, |day| day.quote_volume);
            universe.min_turnover.is_none_or(|least| turnover >= least)
        }
        Filter::Spread => {
            let spread = day.map_or(0.0, |day| day.spread_percent());
            universe.min_spread.is_none_or(|least| spread >= least)
                && universe.max_spread.is_none_or(|most| spread <= most)
        }
    }
}

/// The quote asset of `top:N` unless others are asked for: the only one whose volumes can be
/// compared with each other.
const TOP_QUOTE: &str = "USDT";

/// Whether a symbol may be among the busiest.
pub fn comparable(universe: &Universe, one: &Instrument) -> bool {
    !universe.quote.is_empty() || &*one.quote_asset == TOP_QUOTE
}

/// What became of the symbols that trade at a venue.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sieved {
    /// How many trade.
    pub trading: usize,
    /// What each filter removed of what those before it had left.
    pub removed: Vec<(&'static str, Vec<Box<str>>)>,
    /// What is followed.
    pub kept: Vec<Box<str>>,
    /// Symbols of which the venue does not say since when they are listed.
    pub ageless: usize,
}

/// Which symbols would be followed, and what removes the others.
pub fn sieved(
    universe: &Universe,
    choice: &Choice,
    listed: &[Instrument],
    days: &[DayStatistics],
    now: Nanos,
) -> Sieved {
    let days = by_symbol(days);
    let mut left: Vec<&Instrument> = listed.iter().filter(|one| one.trading).collect();
    let (trading, mut removed) = (left.len(), Vec::new());
    let ageless = left.iter().filter(|one| one.listed_at.is_none()).count();
    let mut sift = |name, left: &mut Vec<&Instrument>, keep: &dyn Fn(&Instrument) -> bool| {
        let (kept, gone): (Vec<&Instrument>, Vec<&Instrument>) =
            left.iter().copied().partition(|one| keep(one));
        removed.push((name, gone.iter().map(|one| one.spec.name.clone()).collect()));
        *left = kept;
    };
    if let Choice::Names(names) = choice {
        sift("symbols", &mut left, &|one| names.iter().any(|name| **name == *one.spec.name));
    } else {
        for filter in Filter::ALL {
            let keep = |one: &Instrument| passes(universe, filter, one, &days, now);
            sift(filter.name(), &mut left, &keep);
        }
    }
    if let Choice::Top(count) = choice {
        let volume =
            |one: &Instrument| days.get(&*one.spec.name).map_or(0.0, |day| day.quote_volume);
        let mut busiest = left.clone();
        busiest.retain(|one| comparable(universe, one));
        busiest.sort_by(|a, b| volume(b).total_cmp(&volume(a)));
        busiest.truncate(*count);
        let among = |one: &Instrument| busiest.iter().any(|it| it.spec.name == one.spec.name);
        sift("top", &mut left, &among);
        left = busiest;
    }
    let kept = left.iter().map(|one| one.spec.name.clone()).collect();
    Sieved { trading, removed, kept, ageless }
}

/// Whether a name is like a pattern, in which `*` is any text and `?` any letter.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut at, mut from) = (0, 0);
    // Where the last star stands, and how much of the name it takes.
    let mut star: Option<(usize, usize)> = None;
    while from < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(letter) if *letter == b'?' || *letter == name[from] => {
                (at, from) = (at + 1, from + 1)
            }
            _ => {
                let Some((place, taken)) = star else { return false };
                star = Some((place, taken + 1));
                (at, from) = (place + 1, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(|letter| *letter == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use systems::symbol::SymbolSpec;
    use systems::units::Scale;

    fn instrument(name: &str, quote: &str, listed_at: Option<Nanos>) -> Instrument {
        let scale = Scale::exact(2);
        let spec = SymbolSpec { name: name.into(), price: scale, quantity: scale };
        Instrument { spec, quote_asset: quote.into(), trading: true, listed_at }
    }

    #[test]
    fn each_filter_tells_what_it_removed() {
        let listed = ["AUSDT", "BUSDT", "CUSDT"].map(|name| instrument(name, "USDT", None));
        let listed = [&listed[..], &[instrument("AEUR", "EUR", None)]].concat();
        let day = |symbol: &str, quote_volume| DayStatistics {
            symbol: symbol.into(),
            quote_volume,
            trades: 1,
            high: 1.0,
            low: 1.0,
        };
        let days = [day("AUSDT", 5.0), day("BUSDT", 9.0), day("CUSDT", 1.0), day("AEUR", 99.0)];
        let universe = Universe { min_turnover: Some(2.0), ..Universe::default() };
        let sieve = |choice: &Choice| {
            let found = sieved(&universe, choice, &listed, &days, Nanos(0));
            let removed = found.removed.into_iter().filter(|(_, names)| !names.is_empty());
            let removed: Vec<_> = removed.map(|(name, names)| (name, names.len())).collect();
            (found.kept.iter().map(|name| name.to_string()).collect::<Vec<_>>(), removed)
        };
        let kept = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let all = (kept(&["AUSDT", "BUSDT", "AEUR"]), vec![("min_turnover", 1)]);
        assert_eq!(sieve(&Choice::All), all);
        let top = (kept(&["BUSDT"]), vec![("min_turnover", 1), ("top", 2)]);
        assert_eq!(sieve(&Choice::Top(1)), top);
        let named = Choice::Names(vec!["CUSDT".to_owned()]);
        assert_eq!(sieve(&named), (kept(&["CUSDT"]), vec![("symbols", 3)]));
    }

    #[test]
    fn patterns() {
        for (pattern, name, want) in [
            ("BTCUSDT", "BTCUSDT", true),
            ("BTCUSDT", "BTCUSD", false),
            ("*USDT", "BTCUSDT", true),
            ("*USDT", "BTCUSDC", false),
            ("BTC*", "BTC", true),
            ("*UP*", "JUPUSDT", true),
            ("?TC*T", "BTCUSDT", true),
            ("*", "", true),
            ("?", "", false),
            ("*A*B", "AXBXB", true),
            ("*A*B", "AXBXC", false),
        ] {
            assert_eq!(matches(pattern, name), want, "{pattern} {name}");
        }
    }

    #[test]
    fn the_first_filter_that_stops_a_symbol_is_told() {
        let now = Nanos::from_seconds(1_723_161_600);
        let universe = Universe {
            include: vec!["*USD*".to_owned()],
            exclude: vec!["*UPUSDT".to_owned()],
            quote: vec!["USDT".to_owned()],
            min_age_ns: Some(Nanos::PER_DAY),
            min_turnover: Some(100.0),
            min_spread: Some(1.0),
            max_spread: Some(10.0),
        };
        let day = |symbol: &str, quote_volume, high, low| DayStatistics {
            symbol: symbol.into(),
            quote_volume,
            trades: 1,
            high,
            low,
        };
        let days = [
            day("AUSDT", 100.0, 105.0, 100.0),
            day("BUSDT", 99.0, 105.0, 100.0),
            day("CUSDT", 200.0, 100.5, 100.0),
            day("DUSDT", 200.0, 120.0, 100.0),
            day("NEWUSDT", 200.0, 105.0, 100.0),
        ];
        let days = by_symbol(&days);
        for (name, quote, age_s, want) in [
            ("AUSDT", "USDT", Some(86_400), None),
            ("AUSDT", "USDT", None, None),
            ("AEUR", "EUR", None, Some(Filter::Include)),
            ("AUPUSDT", "USDT", None, Some(Filter::Exclude)),
            ("AUSDC", "USDC", None, Some(Filter::Quote)),
            ("NEWUSDT", "USDT", Some(86_399), Some(Filter::Age)),
            ("BUSDT", "USDT", None, Some(Filter::Turnover)),
            ("GONEUSDT", "USDT", None, Some(Filter::Turnover)),
            ("CUSDT", "USDT", None, Some(Filter::Spread)),
            ("DUSDT", "USDT", None, Some(Filter::Spread)),
        ] {
            let one = instrument(name, quote, age_s.map(|age| now.minus(age * Nanos::PER_SECOND)));
            assert_eq!(stopped_by(&universe, &one, &days, now), want, "{name}");
            assert_eq!(stopped_by(&Universe::default(), &one, &days, now), None);
        }
    }
}
