//! What must be known before anything is dialled: symbols, how busy they are, the venue's clock.

use std::collections::{HashMap, HashSet, VecDeque};

use systems::symbol::SymbolSpec;
use systems::units::Nanos;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use super::limits::PATIENCE;
use super::universe::{self, Filter};
use super::{Choice, Clock, LiveError};
use crate::config::{Universe, nearest};
use crate::rest::arrival::{Arrival, End, News};
use crate::rest::budget::Priority;
use crate::rest::desk::Snapshot;
use crate::rest::plan::{Job, Wanted};
use crate::symbols::Symbols;
use crate::venue::Venue;
use crate::venue::binance::{DayStatistics, Instrument, day_statistics, instruments, server_time};

/// What to say where nothing is left.
const NONE: &str = "no symbol passes venue.universe; `tapescan rules universe` says why";

/// What a session begins with.
#[derive(Debug)]
pub(super) struct Market {
    pub(super) symbols: Symbols,
    /// Expected prints per second by symbol.
    pub(super) rates: Vec<f64>,
    /// By symbol: those of an earlier session that do not trade any more.
    pub(super) retired: Vec<bool>,
    /// Symbols that trade at the venue.
    pub(super) trading: usize,
    /// What was traded yesterday.
    pub(super) days: Vec<DayStatistics>,
    /// The venue's time: asked for at, said, received at.
    pub(super) time: (Nanos, Nanos, Nanos),
}

/// The worker's two channels.
pub(super) struct Ends {
    pub(super) jobs: mpsc::Sender<Job>,
    pub(super) arrivals: mpsc::Receiver<Arrival>,
}

impl Ends {
    /// Asks for something and waits for its answer: sent at, received at, and the text.
    async fn ask(&mut self, wanted: Wanted) -> Result<(Nanos, Nanos, Vec<u8>), LiveError> {
        let broken = || LiveError::Start("the REST worker has stopped".to_owned());
        let job = Job { priority: Priority::Instruments, wanted };
        self.jobs.send(job).await.map_err(|_| broken())?;
        let mut answer = None;
        loop {
            let Arrival { received, news } = self.arrivals.recv().await.ok_or_else(broken)?;
            match news {
                News::Answer { sent, text, .. } => answer = Some((sent, received, text)),
                News::Ended { end: End::GivenUp(reason), job } => {
                    return Err(LiveError::Start(format!("{:?}: {reason}", job.wanted)));
                }
                News::Ended { .. } => return answer.ok_or_else(broken),
                News::Unrecoverable { .. } => {}
            }
        }
    }

    /// Learns what a session of `choice` begins with, where they pass the
    /// universe, after one that had the symbols `earlier`.
    pub(super) async fn learn(
        &mut self,
        venue: Venue,
        (choice, universe): (&Choice, &Universe),
        earlier: &[SymbolSpec],
    ) -> Result<Market, LiveError> {
        let (listed, days) = self.market(venue).await?;
        let time = self.time().await?;
        let wanted = Wish { choice, universe, now: time.1 };
        let Chosen { symbols, rates, retired } = choose(&listed, &days, wanted, earlier)?;
        let trading = listed.iter().filter(|one| one.trading).count();
        Ok(Market { symbols, rates, retired, trading, days, time })
    }

    /// What the venue lists, and what was traded yesterday.
    pub(super) async fn market(
        &mut self,
        venue: Venue,
    ) -> Result<(Vec<Instrument>, Vec<DayStatistics>), LiveError> {
        let (.., text) = self.ask(Wanted::Instruments).await?;
        let listed = instruments(venue, &String::from_utf8_lossy(&text));
        let listed = listed.map_err(|error| LiveError::Start(error.to_string()))?;
        let (.., text) = self.ask(Wanted::DayStatistics).await?;
        let days = day_statistics(&String::from_utf8_lossy(&text));
        let days = days.map_err(|error| LiveError::Start(format!("statistics: {error}")))?;
        Ok((listed, days))
    }

    /// The venue's time: asked for at, said, received at.
    pub(super) async fn time(&mut self) -> Result<(Nanos, Nanos, Nanos), LiveError> {
        let (sent, received, text) = self.ask(Wanted::Time).await?;
        let stamp = server_time(&text);
        let stamp = stamp.ok_or_else(|| LiveError::Start("no time in the answer".to_owned()))?;
        Ok((sent, stamp, received))
    }
}

/// Says now and then why there is no answer yet; never returns.
pub(super) async fn waiting(rest: watch::Receiver<Snapshot>, base: &str, now: &Clock) {
    loop {
        sleep(PATIENCE).await;
        let why = why_waiting(&rest.borrow(), now());
        log::warn!("{base}: {why}");
    }
}

fn why_waiting(rest: &Snapshot, now: Nanos) -> String {
    if let Some(closed) = rest.closed.filter(|closed| now < closed.until) {
        let left = (closed.until.0 - now.0).div_ceil(Nanos::PER_SECOND);
        let why = if closed.banned { "this address is banned" } else { "it asks for a pause" };
        return format!("{why}: no requests for {left} s");
    }
    match (&rest.last_failure, rest.in_flight) {
        (_, 0) if rest.used > 0 && rest.last_failure.is_none() => format!(
            "waiting for weight: {} of our {} a minute are used, here or by others at this address",
            rest.used, rest.allowed
        ),
        (Some(failure), 0) => format!("{failure}; {} tries failed", rest.failed),
        (Some(failure), _) => format!("no answer yet; the last try failed: {failure}"),
        (None, _) => "no answer yet".to_owned(),
    }
}

/// What a session follows.
struct Chosen {
    symbols: Symbols,
    /// Expected prints per second.
    rates: Vec<f64>,
    /// Which of them do not trade any more.
    retired: Vec<bool>,
}

/// Which symbols are wanted.
#[derive(Clone, Copy)]
struct Wish<'a> {
    choice: &'a Choice,
    universe: &'a Universe,
    /// The venue's time.
    now: Nanos,
}

/// The chosen symbols, the busiest first where that is the choice. Those of an earlier session keep
/// their numbers as long as all of them could be chosen, or could be if they still traded: which
/// ones are the busiest changes by the minute. Of all symbols, new ones come after them. Symbols
/// that are named need not pass the universe.
fn choose(
    listed: &[Instrument],
    days: &[DayStatistics],
    Wish { choice, universe, now }: Wish<'_>,
    earlier: &[SymbolSpec],
) -> Result<Chosen, LiveError> {
    let days = universe::by_symbol(days);
    let mut chosen: Vec<&Instrument> = listed.iter().filter(|one| one.trading).collect();
    let mut eligible: Vec<&Instrument> = Vec::new();
    let passes = |one: &Instrument, fluctuates: bool| {
        let mut own = Filter::ALL.iter().filter(|filter| filter.fluctuates() == fluctuates);
        own.all(|filter| universe::passes(universe, *filter, one, &days, now))
    };
    match choice {
        Choice::All => {
            chosen.retain(|one| passes(one, false));
            eligible.clone_from(&chosen);
            chosen.retain(|one| passes(one, true));
        }
        Choice::Top(count) => {
            let volume =
                |one: &Instrument| days.get(&*one.spec.name).map_or(0.0, |day| day.quote_volume);
            chosen.retain(|one| universe::comparable(universe, one));
            chosen.retain(|one| passes(one, false));
            eligible.clone_from(&chosen);
            chosen.retain(|one| passes(one, true));
            // Equal volumes keep the venue's order, so the same answers give the same symbols.
            chosen.sort_by(|a, b| volume(b).total_cmp(&volume(a)));
            chosen.truncate(*count);
        }
        Choice::Names(names) => {
            let mut wanted: VecDeque<&Instrument> = VecDeque::new();
            for name in names {
                let known = chosen.iter().find(|one| *one.spec.name == **name);
                wanted.push_back(known.copied().ok_or_else(|| unknown(name, &chosen))?);
            }
            chosen = wanted.into();
        }
    }
    if eligible.is_empty() {
        eligible.clone_from(&chosen);
    }
    if chosen.is_empty() && *universe != Universe::default() {
        return Err(LiveError::Symbol(NONE.to_owned()));
    }
    let mut specs: Vec<SymbolSpec> = chosen.iter().map(|one| one.spec.clone()).collect();
    let all = *choice == Choice::All;
    if specs.len() == earlier.len() || all {
        specs = keep(specs, &eligible, listed, earlier, all);
    }
    // The day's single trades; an aggregate holds some, of every symbol about as many.
    let rate =
        |spec: &SymbolSpec| days.get(&*spec.name).map_or(0.0, |day| day.trades as f64 / 86_400.0);
    let trading: HashSet<&str> = eligible.iter().map(|one| &*one.spec.name).collect();
    let retired = specs.iter().map(|spec| !trading.contains(&*spec.name)).collect();
    let rates = specs.iter().map(rate).collect();
    Ok(Chosen { symbols: Symbols::new(specs)?, rates, retired })
}

/// The symbols of the earlier session, and of `all` those that are new; or only the chosen ones, if
/// one of the earlier ones trades and is not eligible, or none is.
fn keep(
    chosen: Vec<SymbolSpec>,
    eligible: &[&Instrument],
    listed: &[Instrument],
    earlier: &[SymbolSpec],
    all: bool,
) -> Vec<SymbolSpec> {
    let eligible: HashMap<&str, &SymbolSpec> =
        eligible.iter().map(|one| (&*one.spec.name, &one.spec)).collect();
    let trading: HashSet<&str> =
        listed.iter().filter(|one| one.trading).map(|one| &*one.spec.name).collect();
    let fits =
        |spec: &SymbolSpec| eligible.contains_key(&*spec.name) || !trading.contains(&*spec.name);
    let any = earlier.iter().any(|spec| eligible.contains_key(&*spec.name));
    if !any || !earlier.iter().all(fits) {
        return chosen;
    }
    let now = |spec: &SymbolSpec| (*eligible.get(&*spec.name).unwrap_or(&spec)).clone();
    let mut kept: Vec<SymbolSpec> = earlier.iter().map(now).collect();
    let known: HashSet<&str> = earlier.iter().map(|spec| &*spec.name).collect();
    if all {
        kept.extend(chosen.into_iter().filter(|spec| !known.contains(&*spec.name)));
    }
    kept
}

fn unknown(name: &str, trading: &[&Instrument]) -> LiveError {
    let near = nearest(name, trading.iter().map(|one| &*one.spec.name));
    let hint = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
    LiveError::Symbol(format!("{name} does not trade at the venue{hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use systems::symbol::SymbolSpec;
    use systems::units::Scale;

    fn listed() -> Vec<Instrument> {
        let one = |name: &str, quote: &str, trading| Instrument {
            spec: SymbolSpec {
                name: name.into(),
                price: Scale::exact(2),
                quantity: Scale::exact(3),
            },
            quote_asset: quote.into(),
            trading,
            listed_at: None,
        };
        vec![
            one("AUSDT", "USDT", true),
            one("BUSDT", "USDT", true),
            one("CUSDT", "USDT", false),
            one("ABTC", "BTC", true),
        ]
    }

    fn wish(choice: &Choice) -> Wish<'_> {
        static ANY: std::sync::LazyLock<Universe> = std::sync::LazyLock::new(Universe::default);
        Wish { choice, universe: &ANY, now: Nanos(0) }
    }

    fn names(choice: &Choice) -> Result<Vec<String>, String> {
        after(choice, &[])
    }

    fn after(choice: &Choice, earlier: &[&str]) -> Result<Vec<String>, String> {
        let scale = Scale::exact(2);
        let spec = |name: &&str| SymbolSpec { name: (*name).into(), price: scale, quantity: scale };
        let earlier: Vec<_> = earlier.iter().map(spec).collect();
        let day = |symbol: &str, quote_volume, trades| DayStatistics {
            symbol: symbol.into(),
            quote_volume,
            trades,
            high: 1.0,
            low: 1.0,
        };
        let days = [day("AUSDT", 5.0, 86_400), day("BUSDT", 9.0, 0), day("CUSDT", 99.0, 5)];
        let Chosen { symbols, rates, retired } =
            choose(&listed(), &days, wish(choice), &earlier).map_err(|e| e.to_string())?;
        let specs = symbols.specs();
        assert_eq!((rates.len(), retired.len()), (specs.len(), specs.len()));
        let told = |(spec, retired): (&SymbolSpec, bool)| match retired {
            true => format!("({})", spec.name),
            false => spec.name.to_string(),
        };
        Ok(specs.iter().zip(retired).map(told).collect())
    }

    #[test]
    fn symbols_are_chosen_among_those_that_trade() {
        let some = |names: &[&str]| Choice::Names(names.iter().map(|n| (*n).to_owned()).collect());
        assert_eq!(names(&Choice::All).unwrap(), ["AUSDT", "BUSDT", "ABTC"]);
        assert_eq!(names(&Choice::Top(5)).unwrap(), ["BUSDT", "AUSDT"]);
        assert_eq!(names(&Choice::Top(1)).unwrap(), ["BUSDT"]);
        assert_eq!(names(&some(&["ABTC", "AUSDT"])).unwrap(), ["ABTC", "AUSDT"]);
        assert!(names(&some(&["CUSDT"])).unwrap_err().contains("CUSDT does not trade"));
        assert!(names(&some(&["AUSDD"])).unwrap_err().contains("did you mean AUSDT?"));
        assert!(names(&some(&["ABTC", "ABTC"])).unwrap_err().contains("twice"));
    }

    #[test]
    fn symbols_that_are_not_named_pass_the_universe() {
        let day = |symbol: &str, quote_volume| DayStatistics {
            symbol: symbol.into(),
            quote_volume,
            trades: 0,
            high: 1.0,
            low: 1.0,
        };
        let days = [day("AUSDT", 5.0), day("BUSDT", 9.0), day("ABTC", 7.0)];
        let follow = |choice: Choice, universe: Universe, earlier: &[&str]| {
            let scale = Scale::exact(2);
            let spec =
                |name: &&str| SymbolSpec { name: (*name).into(), price: scale, quantity: scale };
            let earlier: Vec<_> = earlier.iter().map(spec).collect();
            let wish = Wish { choice: &choice, universe: &universe, now: Nanos(0) };
            choose(&listed(), &days, wish, &earlier).map_err(|error| error.to_string()).map(|it| {
                it.symbols.specs().iter().map(|spec| spec.name.to_string()).collect::<Vec<_>>()
            })
        };
        let busy = || Universe { min_turnover: Some(6.0), ..Universe::default() };
        assert_eq!(follow(Choice::All, busy(), &[]).unwrap(), ["BUSDT", "ABTC"]);
        assert_eq!(follow(Choice::Top(9), busy(), &[]).unwrap(), ["BUSDT"]);
        let btc = Universe { quote: vec!["BTC".to_owned()], ..Universe::default() };
        assert_eq!(follow(Choice::Top(9), btc, &[]).unwrap(), ["ABTC"]);
        let named = Choice::Names(vec!["AUSDT".to_owned()]);
        assert_eq!(follow(named, busy(), &[]).unwrap(), ["AUSDT"]);
        // What was followed before stays, though it trades less now.
        assert_eq!(follow(Choice::All, busy(), &["AUSDT"]).unwrap(), ["AUSDT", "BUSDT", "ABTC"]);
        let none = Universe { exclude: vec!["*".to_owned()], ..Universe::default() };
        assert!(follow(Choice::All, none, &[]).unwrap_err().contains("rules universe"));
    }

    #[test]
    fn symbols_of_an_earlier_session_keep_their_order_and_their_place() {
        let some = |names: &[&str]| Choice::Names(names.iter().map(|n| (*n).to_owned()).collect());
        assert_eq!(after(&Choice::All, &["BUSDT", "ABTC", "AUSDT"]).unwrap()[0], "BUSDT");
        assert_eq!(after(&Choice::Top(1), &["AUSDT"]).unwrap(), ["AUSDT"]);
        assert_eq!(after(&Choice::Top(1), &["ABTC"]).unwrap(), ["BUSDT"], "another quote asset");
        assert_eq!(after(&Choice::Top(1), &["CUSDT"]).unwrap(), ["BUSDT"], "no longer traded");
        assert_eq!(after(&Choice::Top(2), &["AUSDT"]).unwrap(), ["BUSDT", "AUSDT"]);
        assert_eq!(after(&some(&["ABTC"]), &["AUSDT"]).unwrap(), ["ABTC"]);
        // Those that no longer trade keep their numbers, and new ones come after them.
        let all = after(&Choice::All, &["GONEUSDT", "ABTC", "CUSDT"]).unwrap();
        assert_eq!(all, ["(GONEUSDT)", "ABTC", "(CUSDT)", "AUSDT", "BUSDT"]);
        assert_eq!(after(&Choice::Top(2), &["CUSDT", "AUSDT"]).unwrap(), ["(CUSDT)", "AUSDT"]);
    }
}
