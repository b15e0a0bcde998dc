//! When each fault strikes, and whom: pure functions of the faults, the time and a key.

use systems::units::Nanos;

use super::chance::{hash, unit};
use super::faults::Fault;
use super::kinds::{Kind, Nature};

/// All faults of one exchange. Asking changes nothing, so the order of questions cannot matter.
#[derive(Clone, Debug, Default)]
pub struct Schedule {
    start: Nanos,
    faults: Vec<Fault>,
}

/// What becomes of one print on its way out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Fate {
    /// It is not sent.
    pub(super) missing: bool,
    /// It is sent twice.
    pub(super) duplicate: bool,
    /// It is sent so much later.
    pub(super) later_ns: Option<u64>,
    /// Its text is spoiled.
    pub(super) damage: Option<Kind>,
}

impl Schedule {
    /// The faults of an exchange whose time begins at `start`.
    pub fn new(start: Nanos, faults: Vec<Fault>) -> Self {
        Self { start, faults }
    }

    /// Faults of a kind, with their place in the list.
    fn of(&self, kind: Kind) -> impl Iterator<Item = (usize, &Fault)> {
        self.faults.iter().enumerate().filter(move |(_, fault)| fault.kind == kind)
    }

    /// Whether there is any fault of these kinds at all.
    pub(super) fn has(&self, kinds: &[Kind]) -> bool {
        self.faults.iter().any(|fault| kinds.contains(&fault.kind))
    }

    /// Everything that happens at instants in `(from, to]`, in the order of the list.
    pub fn instants(&self, from: Nanos, to: Nanos) -> Vec<&Fault> {
        let (from, to) = (from.0.saturating_sub(self.start.0), to.0.saturating_sub(self.start.0));
        let mut due = Vec::new();
        for fault in self.faults.iter().filter(|fault| fault.kind.nature() == Nature::Instant) {
            let count = fault.strikes(from, to);
            due.extend(std::iter::repeat_n(fault, count));
        }
        due
    }

    /// The fault of this kind that lasts at `at` and hits `key`; keys are what the kind hits one
    /// of, such as a number of a request.
    pub fn hit(&self, kind: Kind, at: Nanos, key: u64) -> Option<&Fault> {
        self.hit_if(kind, at, key, |_| true)
    }

    /// The same among faults for which `concerns` holds.
    pub(super) fn hit_if(
        &self,
        kind: Kind,
        at: Nanos,
        key: u64,
        concerns: impl Fn(&Fault) -> bool,
    ) -> Option<&Fault> {
        let since = at.0.checked_sub(self.start.0)?;
        let mut found = self.of(kind).filter(|(index, fault)| {
            let strikes =
                fault.share >= 1.0 || unit(hash(&[fault.seed, *index as u64, key])) < fault.share;
            strikes && concerns(fault) && fault.lasts(since)
        });
        found.next().map(|(_, fault)| fault)
    }

    /// The fault of this kind that lasts for one connection.
    pub(super) fn on_link(&self, kind: Kind, at: Nanos, link: u32) -> Option<&Fault> {
        self.hit_if(kind, at, 0, |fault| fault.link.is_none_or(|only| only == link))
    }

    /// What becomes of a print of `symbol` that is sent at `at`.
    pub(super) fn fate(&self, at: Nanos, symbol: &str, id: u64) -> Fate {
        let key = symbol.bytes().fold(id, |key, byte| hash(&[key, byte.into()]));
        let hit = |kind| {
            let concerns =
                |fault: &Fault| fault.symbol.as_deref().is_none_or(|only| only == symbol);
            self.hit_if(kind, at, key, concerns)
        };
        let damages = [Kind::InvalidJson, Kind::WrongTypes, Kind::UnknownSymbol];
        Fate {
            missing: hit(Kind::Missing).is_some() || hit(Kind::SilentSymbol).is_some(),
            duplicate: hit(Kind::Duplicate).is_some(),
            later_ns: hit(Kind::Reorder).map(|fault| fault.by_ns),
            damage: damages.into_iter().find(|kind| hit(*kind).is_some()),
        }
    }
}

impl Fault {
    /// When it strikes first, in ns since the start.
    pub(super) fn first_ns(&self) -> u64 {
        self.mean_ns.map_or(self.at_ns, |mean| self.at_random(0, mean))
    }

    /// How often it strikes in `(from, to]`, in ns since the start; an instant of zero counts. What
    /// does not last strikes no more once its time is over.
    fn strikes(&self, from: u64, to: u64) -> usize {
        let within = self.for_ns.map_or(u64::MAX, |for_ns| self.at_ns.saturating_add(for_ns));
        let in_range = |at: u64| (at > from || (at == 0 && from == 0)) && at <= to && at <= within;
        match (self.mean_ns, self.every_ns) {
            (Some(mean), _) => {
                let cells = from / mean..=to / mean;
                cells.filter(|cell| in_range(self.at_random(*cell, mean))).count()
            }
            (None, Some(every)) => {
                let first = from.saturating_sub(self.at_ns) / every;
                let last = to.saturating_sub(self.at_ns) / every;
                (first..=last).filter(|again| in_range(self.at_ns + again * every)).count()
            }
            (None, None) => usize::from(in_range(self.at_ns)),
        }
    }

    /// Whether it lasts at `since`, in ns since the start.
    fn lasts(&self, since: u64) -> bool {
        let Some(for_ns) = self.for_ns else { return since >= self.at_ns };
        let covers = |at: u64| since >= at && since - at < for_ns;
        match (self.mean_ns, self.every_ns) {
            (Some(mean), _) => {
                let (first, last) = (since.saturating_sub(for_ns) / mean, since / mean);
                (first..=last).any(|cell| covers(self.at_random(cell, mean)))
            }
            (None, Some(every)) => since >= self.at_ns && (since - self.at_ns) % every < for_ns,
            (None, None) => covers(self.at_ns),
        }
    }

    /// When it strikes in stretch number `cell`.
    fn at_random(&self, cell: u64, mean: u64) -> u64 {
        let within = unit(hash(&[self.seed, self.kind as u64, cell])) * mean as f64;
        cell * mean + within as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Nanos = Nanos::from_seconds(1_723_161_600);

    fn schedule(specs: &[&str]) -> Schedule {
        Schedule::new(START, specs.iter().map(|text| Fault::parse(text).unwrap()).collect())
    }

    fn at(ms: u64) -> Nanos {
        START.plus(ms * Nanos::PER_MS)
    }

    #[test]
    fn instants_strike_once_wherever_time_is_cut() {
        for (spec, want) in [
            ("reset:at=0s", 1),
            ("reset:at=10s", 1),
            ("reset:at=61s", 0),
            ("reset:at=5s,every=10s", 6),
            ("reset:mean=10s", 6),
            ("reset:mean=10s,for=30s", 3),
            ("reset:at=5s,every=10s,for=20s", 3),
        ] {
            let schedule = schedule(&[spec]);
            for step in [1, 7, 250, 60_000] {
                let cuts = (0..60_000u64).step_by(step);
                let count: usize = cuts
                    .map(|ms| schedule.instants(at(ms), at((ms + step as u64).min(60_000))).len())
                    .sum();
                assert_eq!(count, want, "{spec} in steps of {step} ms");
            }
        }
    }

    #[test]
    fn windows_last_as_long_as_they_say() {
        for (spec, ms, want) in [
            ("slow", 0, true),
            ("slow:at=5s", 4_999, false),
            ("slow:at=5s", 900_000, true),
            ("slow:at=5s,for=2s", 6_999, true),
            ("slow:at=5s,for=2s", 7_000, false),
            ("slow:at=5s,for=2s,every=10s", 16_000, true),
            ("slow:at=5s,for=2s,every=10s", 18_000, false),
        ] {
            let fault = schedule(&[spec]);
            assert_eq!(fault.hit(Kind::Slow, at(ms), 0).is_some(), want, "{spec} at {ms}");
        }
        let random = schedule(&["slow:mean=10s,for=1s"]);
        let hit = (0..600_000).filter(|ms| random.hit(Kind::Slow, at(*ms), 0).is_some()).count();
        assert!((54_000..=60_000).contains(&hit), "{hit} ms of 600 s");
    }

    #[test]
    fn shares_are_hit_by_key_and_the_rest_is_spared() {
        let schedule = schedule(&["missing:share=0.1,seed=4", "silent-symbol:symbol=ETHUSDT"]);
        let missing = |symbol: &str, id| schedule.fate(at(10), symbol, id).missing;
        let hit = (0..10_000).filter(|id| missing("BTCUSDT", *id)).count();
        assert!((900..1_100).contains(&hit), "{hit}");
        assert!((0..100).all(|id| missing("ETHUSDT", id)));
        assert_eq!(missing("BTCUSDT", 77), missing("BTCUSDT", 77));
    }

    #[test]
    fn one_connection_can_be_meant() {
        let schedule = schedule(&["half-open:link=1,at=1s,for=1s"]);
        assert!(schedule.on_link(Kind::HalfOpen, at(1_500), 1).is_some());
        assert!(schedule.on_link(Kind::HalfOpen, at(1_500), 0).is_none());
    }
}
