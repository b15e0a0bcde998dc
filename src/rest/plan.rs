//! From a wanted thing to the requests that bring it: pure, one page after the other.
//!
//! A plan never trusts an answer to move it on. Each page must bring the next id or the asked
//! candles; a page that does not is asked for again a few times, and then what it should have
//! brought is given up with a reason. So every plan ends.

use systems::dispatch::Request;
use systems::interval::Interval;
use systems::trade::SymbolId;
use systems::units::Nanos;

use super::budget::Priority;
use super::candle_pages::CandlePages;
use super::id_pages::IdPages;
use super::limits::SETTLE_NS;
use super::retry::{Failure, Late};
use crate::symbols::Symbols;
use crate::venue::endpoint::{Ask, Endpoint, Page};
use crate::venue::{Channel, Venue};

/// Something to be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// How urgent it is.
    pub priority: Priority,
    /// What it is.
    pub wanted: Wanted,
}

/// What is to be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The venue's clock.
    Time,
    /// All symbols and their rules.
    Instruments,
    /// Statistics of the last 24 hours of all symbols.
    DayStatistics,
    /// Prints by id, both ends included.
    Ids {
        /// Which symbol.
        symbol: SymbolId,
        /// The venue's name of it.
        name: Box<str>,
        /// Of which channel.
        channel: Channel,
        /// First missing id.
        from_id: u64,
        /// Last missing id.
        to_id: u64,
    },
    /// The prints between an instant and the first that was seen: the head of a session.
    Head {
        /// Which symbol.
        symbol: SymbolId,
        /// The venue's name of it.
        name: Box<str>,
        /// Of which channel.
        channel: Channel,
        /// Where the candle opened that holds the first print.
        from: Nanos,
        /// The first print's id.
        first_id: u64,
    },
    /// The newest print of a symbol, if it ever traded.
    Last {
        /// Which symbol.
        symbol: SymbolId,
        /// The venue's name of it.
        name: Box<str>,
    },
    /// The venue's candles in `[from, to)`.
    Candles {
        /// Which symbol.
        symbol: SymbolId,
        /// The venue's name of it.
        name: Box<str>,
        /// Their interval.
        interval: Interval,
        /// Open time of the first.
        from: Nanos,
        /// End of the last.
        to: Nanos,
    },
}

impl Wanted {
    /// What a request of the core asks for; prints come from `channel`.
    pub fn of(
        request: &Request,
        symbols: &Symbols,
        intervals: &[Interval],
        channel: Channel,
    ) -> Self {
        let name = |symbol| symbols.spec(symbol).name.clone();
        match *request {
            Request::Ids { symbol, from_id, to_id } => {
                Self::Ids { symbol, name: name(symbol), channel, from_id, to_id }
            }
            Request::Candles { symbol, interval, from, to } => {
                let interval = intervals[usize::from(interval)];
                Self::Candles { symbol, name: name(symbol), interval, from, to }
            }
        }
    }

    /// The symbol that it is about.
    pub fn symbol(&self) -> Option<SymbolId> {
        match *self {
            Self::Time | Self::Instruments | Self::DayStatistics => None,
            Self::Ids { symbol, .. }
            | Self::Head { symbol, .. }
            | Self::Last { symbol, .. }
            | Self::Candles { symbol, .. } => Some(symbol),
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Time | Self::Instruments | Self::DayStatistics => "",
            Self::Ids { name, .. }
            | Self::Head { name, .. }
            | Self::Last { name, .. }
            | Self::Candles { name, .. } => name,
        }
    }
}

/// Why something cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The venue does not offer it, or not without a key.
    #[error("the venue does not offer it")]
    NotOffered,
    /// Nothing was wanted: a range that ends before it begins.
    #[error("an empty range")]
    Empty,
    /// Older than what the venue keeps.
    #[error("older than what the venue keeps")]
    TooOld,
    /// The gap is longer than what one repair may fetch.
    #[error("more ids than one repair fetches")]
    TooMany,
    /// The venue skips the id, again and again.
    #[error("the venue does not list the id")]
    NotListed,
    /// The venue declared the print void.
    #[error("the venue declared it void")]
    Void,
    /// It was fetched several times, and is still missing: the answers cannot be used.
    #[error("fetched, and not usable")]
    NotUsable,
    /// The last of several failures.
    #[error("{0}")]
    Failed(Failure),
}

/// Ids that cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// First of them.
    pub from_id: u64,
    /// Last of them.
    pub to_id: u64,
    /// Why.
    pub reason: Reason,
}

/// What a page means for its plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It brought something: hand it on, and ask for the next one.
    More,
    /// It brought the last: hand it on.
    Done,
    /// It only told where to go on: do not hand it on, and ask for the next one.
    Found,
    /// Nothing is to be fetched after all: do not hand it on.
    Nothing,
    /// It must not be used. Try again, or give up.
    Again(Failure),
}

/// How far a wanted thing has come.
#[derive(Debug)]
pub struct Plan {
    venue: Venue,
    job: Job,
    stage: Stage,
    lost: Vec<Lost>,
}

#[derive(Debug)]
enum Stage {
    Single,
    Head,
    Ids(IdPages),
    Candles(CandlePages),
}

impl Plan {
    /// Plans a job.
    ///
    /// # Errors
    /// [`Reason::NotOffered`] or [`Reason::Empty`], with the job.
    pub fn new(job: Job, venue: Venue) -> Result<Self, (Job, Reason)> {
        let facts = venue.rest();
        let mut lost = Vec::new();
        let stage = match job.wanted {
            Wanted::Time | Wanted::Instruments | Wanted::DayStatistics | Wanted::Last { .. } => {
                Stage::Single
            }
            Wanted::Head { first_id: 0, .. } => return Err((job, Reason::Empty)),
            Wanted::Head { .. } => Stage::Head,
            Wanted::Ids { from_id, to_id, .. } if from_id > to_id => {
                return Err((job, Reason::Empty));
            }
            Wanted::Ids { from_id, to_id, .. } => {
                Stage::Ids(IdPages::new(from_id, to_id, &facts, &mut lost))
            }
            Wanted::Candles { interval, from, to, .. } => {
                match CandlePages::new(interval, from, to, facts.candle_rows) {
                    Some(pages) => Stage::Candles(pages),
                    None => return Err((job, Reason::Empty)),
                }
            }
        };
        let plan = Self { venue, job, stage, lost };
        let offered = plan.ask().is_some() && plan.channel_is_offered();
        if offered { Ok(plan) } else { Err((plan.job, Reason::NotOffered)) }
    }

    /// What it is for.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// Gives the job back.
    pub fn into_job(self) -> Job {
        self.job
    }

    /// What to ask next.
    pub fn endpoint(&self) -> Endpoint<'_> {
        let symbol = self.job.wanted.name();
        match (&self.stage, &self.job.wanted) {
            (Stage::Ids(pages), Wanted::Ids { channel, .. } | Wanted::Head { channel, .. }) => {
                let (from_id, rows) = pages.next();
                Endpoint::Prints { channel: *channel, symbol, from_id, rows }
            }
            (Stage::Candles(pages), Wanted::Candles { interval, .. }) => {
                let (from, to) = pages.next();
                Endpoint::Candles { symbol, interval: *interval, from, to }
            }
            (_, Wanted::Head { from, .. }) => Endpoint::FirstPrint { symbol, from: *from },
            (_, Wanted::Last { .. }) => Endpoint::LastPrint { symbol },
            (_, Wanted::Instruments) => Endpoint::Instruments,
            (_, Wanted::DayStatistics) => Endpoint::DayStatistics,
            _ => Endpoint::Time,
        }
    }

    /// The next request.
    pub fn ask(&self) -> Option<Ask> {
        self.venue.ask(&self.endpoint())
    }

    /// Weight of the next request.
    pub fn weight(&self) -> u32 {
        self.ask().map_or(0, |ask| ask.weight)
    }

    /// Asked for earlier, the venue would not have it yet.
    pub fn not_before(&self) -> Nanos {
        match self.job.wanted {
            Wanted::Candles { to, .. } => to.plus(SETTLE_NS),
            _ => Nanos(0),
        }
    }

    /// Requests still to be sent if all goes well.
    pub fn requests(&self) -> u64 {
        match &self.stage {
            Stage::Single => 1,
            Stage::Head => 2,
            Stage::Ids(pages) => pages.requests(),
            Stage::Candles(pages) => pages.requests(),
        }
    }

    /// Takes the answer to [`Plan::endpoint`].
    pub fn take(&mut self, page: &Page, now: Nanos) -> Step {
        match (&mut self.stage, page) {
            (Stage::Single, Page::Other) => Step::Done,
            (Stage::Single, Page::Prints(rows)) if rows.is_empty() => Step::Nothing,
            (Stage::Single, Page::Prints(_)) => Step::Done,
            (Stage::Ids(pages), Page::Prints(rows)) => pages.take(rows, now, &mut self.lost),
            (Stage::Candles(pages), Page::Candles(open_times)) => pages.take(open_times, now),
            (Stage::Head, Page::Prints(rows)) => {
                let Wanted::Head { channel, first_id, .. } = &self.job.wanted else {
                    return Step::Nothing;
                };
                let Some(row) = rows.first() else {
                    return Step::Again(Failure::NotYet(Late::Id));
                };
                let from_id = match channel {
                    Channel::AggregateTrades => row.id,
                    Channel::Trades => row.first_id,
                };
                if row.void || from_id >= *first_id {
                    return Step::Nothing;
                }
                let to_id = first_id - 1;
                let pages = IdPages::new(from_id, to_id, &self.venue.rest(), &mut self.lost);
                self.stage = Stage::Ids(pages);
                Step::Found
            }
            _ => Step::Again(Failure::Nonsense("an answer to another question".to_owned())),
        }
    }

    /// Gives up what the next page should have brought; whether the plan goes on behind it.
    pub fn give_up(&mut self, failure: &Failure) -> bool {
        match &mut self.stage {
            Stage::Ids(pages) => pages.give_up(failure, &mut self.lost),
            _ => false,
        }
    }

    /// Takes the ids that were found to be lost since the last call.
    pub fn drain_lost(&mut self) -> Vec<Lost> {
        std::mem::take(&mut self.lost)
    }

    /// Candles that were asked for and are not at the venue.
    pub fn missing(&self) -> u64 {
        match &self.stage {
            Stage::Candles(pages) => pages.missing(),
            _ => 0,
        }
    }

    /// Widens the plan to what another job wants too, if it can do both at once.
    pub fn merge(&mut self, other: &Wanted) -> bool {
        match (&mut self.stage, &mut self.job.wanted, other) {
            (
                Stage::Candles(pages),
                Wanted::Candles { symbol, interval, from, to, .. },
                Wanted::Candles {
                    symbol: symbol2, interval: interval2, from: from2, to: to2, ..
                },
            ) if (&*symbol, &*interval) == (symbol2, interval2) => {
                let merged = pages.merge(*from2, *to2);
                if merged {
                    (*from, *to) = ((*from).min(*from2), (*to).max(*to2));
                }
                merged
            }
            (_, mine, other) => *mine == *other,
        }
    }

    /// A head is looked up among aggregates, but its prints may be of another channel.
    fn channel_is_offered(&self) -> bool {
        let Wanted::Head { channel, ref name, first_id, .. } = self.job.wanted else {
            return true;
        };
        let prints = Endpoint::Prints { channel, symbol: name, from_id: first_id, rows: 1 };
        self.venue.ask(&prints).is_some()
    }
}
