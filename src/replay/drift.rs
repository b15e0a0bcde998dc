//! How our candles differed from the venue's: by day and cause, whom it hit most, first examples.
//!
//! All of it is bounded: a session may last for months, and a venue may differ in every candle.

use std::collections::BTreeMap;

use systems::candle::{Candle, Mark};
use systems::dispatch::Outbox;
use systems::reconcile::{Cause, Difference};
use systems::trade::SymbolId;
use systems::units::Nanos;

use crate::symbols::Symbols;

/// Days told apart. Beyond that the two oldest are one, under the later one's date.
const DAYS_MAX: usize = 400;

/// Examples kept of each cause.
const EXAMPLES_MAX: usize = 3;

/// Symbols that are named.
const WORST_MAX: usize = 10;

/// One day's differences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Day {
    /// When it begins.
    pub begins: Nanos,
    /// Its candles that differed, by cause; of [`Cause::Identical`] there are none.
    pub causes: [u64; Cause::ALL.len()],
    /// Those of them that were taken over from the venue.
    pub taken_over: u64,
}

/// A difference that is told in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The symbol's name.
    pub symbol: Box<str>,
    /// Index into the configured intervals.
    pub interval: u8,
    /// When the candle opens.
    pub open_time: Nanos,
    /// What explains it.
    pub cause: Cause,
    /// How ours stood: of one that lacks its beginning, or prints, nothing else is expected.
    pub mark: Mark,
    /// Whether the venue's numbers stand now.
    pub taken_over: bool,
    /// What differs: its name, ours, the venue's.
    pub numbers: Vec<(&'static str, String, String)>,
}

/// What is told at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DriftReport {
    /// Days with differences, in their order.
    pub days: Vec<Day>,
    /// Symbols with the most differences, and how many.
    pub worst: Vec<(Box<str>, u64)>,
    /// Symbols with any.
    pub symbols: usize,
    /// The first examples of each cause, in the order in which they were found.
    pub examples: Vec<Example>,
}

/// The row's last difference: a candle that is compared again counts once, as it was found last.
#[derive(Clone, Copy, Debug)]
struct Last {
    open_time: Nanos,
    cause: Cause,
    taken_over: bool,
}

/// Collects differences.
#[derive(Clone, Debug, Default)]
pub(super) struct Drift {
    /// By the number of the day since 1970.
    days: BTreeMap<u64, Day>,
    /// By number of the symbol.
    symbols: Vec<u64>,
    last: BTreeMap<(SymbolId, u8), Last>,
    examples: Vec<(SymbolId, u8, Difference)>,
    /// By cause, so that a flood of one does not hide the others.
    kept: [usize; Cause::ALL.len()],
}

impl Drift {
    /// Takes what one pulse found.
    pub(super) fn take(&mut self, outbox: &Outbox) {
        for (symbol, interval, found) in &outbox.differences {
            self.add(*symbol, *interval, found);
        }
    }

    fn add(&mut self, symbol: SymbolId, interval: u8, found: &Difference) {
        let Difference { cause, taken_over, .. } = *found;
        let open_time = found.venue.open_time;
        let last = self.last.insert((symbol, interval), Last { open_time, cause, taken_over });
        let again = last.filter(|last| last.open_time == open_time);
        let day = self.day(open_time);
        if let Some(last) = again {
            day.causes[last.cause as usize] = day.causes[last.cause as usize].saturating_sub(1);
            day.taken_over = day.taken_over.saturating_sub(last.taken_over.into());
        }
        day.causes[cause as usize] += 1;
        day.taken_over += u64::from(taken_over);
        let number = usize::from(symbol.0);
        self.symbols.resize(self.symbols.len().max(number + 1), 0);
        self.symbols[number] += u64::from(again.is_none());
        if self.kept[cause as usize] < EXAMPLES_MAX {
            self.kept[cause as usize] += 1;
            self.examples.push((symbol, interval, *found));
        }
    }

    fn day(&mut self, at: Nanos) -> &mut Day {
        let number = at.0 / Nanos::PER_DAY;
        if !self.days.contains_key(&number)
            && self.days.len() == DAYS_MAX
            && let Some((_, oldest)) = self.days.pop_first()
            && let Some(mut next) = self.days.first_entry()
        {
            let next = next.get_mut();
            next.causes.iter_mut().zip(oldest.causes).for_each(|(sum, count)| *sum += count);
            next.taken_over += oldest.taken_over;
        }
        let begins = Nanos(number * Nanos::PER_DAY);
        self.days.entry(number).or_insert(Day { begins, ..Day::default() })
    }

    /// What is told of it.
    pub(super) fn report(&self, symbols: &Symbols) -> DriftReport {
        let name = |symbol: SymbolId| symbols.spec(symbol).name.clone();
        let mut worst: Vec<(SymbolId, u64)> =
            (0..).map(SymbolId).zip(self.symbols.iter().copied()).collect();
        worst.retain(|(_, count)| *count > 0);
        // The most first; among equals the order of numbers stays.
        worst.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let example = |(symbol, interval, found): &(SymbolId, u8, Difference)| Example {
            symbol: name(*symbol),
            interval: *interval,
            open_time: found.venue.open_time,
            cause: found.cause,
            mark: found.ours.mark,
            taken_over: found.taken_over,
            numbers: numbers(&found.ours, &found.venue, symbols, *symbol),
        };
        DriftReport {
            days: self.days.values().copied().collect(),
            symbols: worst.len(),
            worst: worst.iter().take(WORST_MAX).map(|(id, count)| (name(*id), *count)).collect(),
            examples: self.examples.iter().map(example).collect(),
        }
    }
}

/// The numbers in which two candles differ, as the venue writes them.
fn numbers(
    ours: &Candle,
    venue: &Candle,
    symbols: &Symbols,
    symbol: SymbolId,
) -> Vec<(&'static str, String, String)> {
    let spec = symbols.spec(symbol);
    let texts = |candle: &Candle| {
        let price = |value: i64| spec.price.format(value.into()).to_string();
        let quantity = |value: i64| spec.quantity.format(value.into()).to_string();
        let quote = |value: u128| spec.quote().format(value as i128).to_string();
        [
            ("open", price(candle.open.0)),
            ("high", price(candle.high.0)),
            ("low", price(candle.low.0)),
            ("close", price(candle.close.0)),
            ("volume", quantity(candle.volume.0)),
            ("quote volume", quote(candle.quote_volume)),
            ("trades", candle.trades.to_string()),
            ("taker buy volume", quantity(candle.taker_buy_volume.0)),
            ("taker buy quote volume", quote(candle.taker_buy_quote_volume)),
        ]
    };
    let pairs = texts(ours).into_iter().zip(texts(venue));
    pairs
        .filter(|(ours, venue)| ours != venue)
        .map(|((name, ours), (_, venue))| (name, ours, venue))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use systems::symbol::SymbolSpec;
    use systems::units::{Price, Quantity, Scale};

    const START: Nanos = Nanos::from_seconds(1_723_161_600);

    fn symbols() -> Symbols {
        let scale = Scale::exact(2);
        let spec = |name: &str| SymbolSpec { name: name.into(), price: scale, quantity: scale };
        Symbols::new(vec![spec("AUSDT"), spec("BUSDT")]).unwrap()
    }

    fn difference(open_time: Nanos, cause: Cause, taken_over: bool) -> Difference {
        let ours = Candle { volume: Quantity(150), ..Candle::quiet(open_time, Price(500)) };
        let venue = Candle { volume: Quantity(275), ..ours };
        Difference { cause, ours, venue, taken_over }
    }

    #[test]
    fn differences_are_told_by_day_and_cause_and_a_candle_counts_once() {
        let mut drift = Drift::default();
        let (minute, day) = (60 * Nanos::PER_SECOND, Nanos::PER_DAY);
        let mut add = |symbol, at, cause, taken| {
            drift.add(SymbolId(symbol), 0, &difference(START.plus(at), cause, taken));
        };
        add(1, 0, Cause::MissingIds, true);
        add(1, minute, Cause::Disputed, false);
        // Compared again: what was disputed is explained now.
        add(1, minute, Cause::BoundaryShift, true);
        add(0, day, Cause::ExtraIds, false);
        let report = drift.report(&symbols());
        let days: Vec<_> = report.days.iter().map(|day| (day.begins, day.taken_over)).collect();
        assert_eq!(days, [(START, 2), (START.plus(day), 0)]);
        let of = |day: usize, cause: Cause| report.days[day].causes[cause as usize];
        assert_eq!((of(0, Cause::MissingIds), of(0, Cause::BoundaryShift)), (1, 1));
        assert_eq!((of(0, Cause::Disputed), of(1, Cause::ExtraIds)), (0, 1));
        assert_eq!(report.worst, [("BUSDT".into(), 2), ("AUSDT".into(), 1)]);
        let first = &report.examples[0];
        assert_eq!(
            (&*first.symbol, first.cause, first.taken_over),
            ("BUSDT", Cause::MissingIds, true)
        );
        assert_eq!(first.numbers, [("volume", "1.50".to_owned(), "2.75".to_owned())]);
    }

    #[test]
    fn years_of_differences_in_every_candle_stay_within_bounds() {
        let mut drift = Drift::default();
        for hour in 0..24 * 1_000 {
            let at = START.plus(hour * 3_600 * Nanos::PER_SECOND);
            drift.add(SymbolId(0), 0, &difference(at, Cause::Disputed, false));
        }
        let report = drift.report(&symbols());
        assert_eq!((report.days.len(), report.examples.len()), (DAYS_MAX, EXAMPLES_MAX));
        let counted: u64 = report.days.iter().map(|day| day.causes[Cause::Disputed as usize]).sum();
        assert_eq!((counted, report.worst[0].1), (24_000, 24_000));
        assert_eq!(report.days[1].causes[Cause::Disputed as usize], 24);
    }
}
