//! The market as a recorder sees it: prints delayed, lost, repeated and repaired, with heartbeats,
//! links, feed cuts and halts between them, in arrival order.
//!
//! What the venue matched ([`Prints`]) and what the network does to it draw from different random
//! streams, so fault rates do not change the prints.

use core::fmt;

use systems::trade::{SymbolId, Trade, TradeKind};
use systems::units::Nanos;

use super::prints::{self, Prints, SLOT_NS};
use super::random::{Chance, Random};
use super::spec::{Backfill, Spec};
use super::wire::{What, Wire};
use crate::tape::entry::{Entry, Header};

/// The shortest way from the venue to the recorder, and the mean of what comes on top.
const LAG_MIN_NS: u64 = 2 * Nanos::PER_MS;
const LAG_MEAN_NS: f64 = 1.5 * Nanos::PER_MS as f64;

/// Now and then a link stalls, and everything on it waits.
const STALL: f64 = 1e-5;
const STALL_NS: f64 = 300.0 * Nanos::PER_MS as f64;

/// How long after an instant of the venue the recorder believes that it has passed.
const HEARTBEAT_LAG_NS: u64 = 10 * Nanos::PER_MS;

/// The farthest that a reordered print falls behind.
const REORDER_NS: f64 = 100.0 * Nanos::PER_MS as f64;

/// A repeated print follows within this time.
const REPEAT_NS: f64 = 2.0 * Nanos::PER_SECOND as f64;

/// A repair by id takes this long, and up to so much longer.
const REPAIR_NS: u64 = 300 * Nanos::PER_MS;
const REPAIR_MORE_NS: f64 = Nanos::PER_SECOND as f64;

/// Prints in a gap, on average.
const GAP_MEAN: f64 = 8.0;

/// What became of the prints so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Prints that the venue matched.
    pub prints: u64,
    /// Prints that arrived from the stream, late ones included and repetitions not.
    pub delivered: u64,
    /// Prints that arrived as [`TradeKind::Backfilled`].
    pub backfilled: u64,
    /// Prints that never arrive.
    pub lost: u64,
    /// Prints delivered seconds late.
    pub late: u64,
    /// Prints delivered out of order.
    pub reordered: u64,
    /// Prints delivered once more.
    pub duplicates: u64,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} prints: {} delivered ({} late, {} out of order, {} twice), {} backfilled, {} lost",
            self.prints,
            self.delivered,
            self.late,
            self.reordered,
            self.duplicates,
            self.backfilled,
            self.lost
        )
    }
}

/// What happens at an instant of the venue whatever trades.
#[derive(Clone, Copy, Debug)]
enum Scene {
    Link { link: u16, up: bool, reason: &'static str },
    Halt(SymbolId),
}

/// One connection.
#[derive(Clone, Debug, Default)]
struct Link {
    /// Arrival of the newest in-order print: a connection keeps order.
    last: u64,
    /// From and to when it is down, ascending.
    cuts: Vec<(u64, u64)>,
}

impl Link {
    fn is_down(&self, at: u64) -> bool {
        let next = self.cuts.partition_point(|&(_, to)| to <= at);
        self.cuts.get(next).is_some_and(|&(from, _)| from <= at)
    }
}

/// What of one symbol did not arrive.
#[derive(Clone, Debug, Default)]
struct Shelf {
    /// Prints that the present gap still swallows.
    gap_left: u32,
    /// Missing prints that nothing was decided about, by id.
    held: Vec<Trade>,
}

#[derive(Clone, Copy, Debug)]
struct Chances {
    stall: Chance,
    gap: Chance,
    late: Chance,
    reorder: Chance,
    duplicate: Chance,
}

/// The entries of a synthetic tape in arrival order.
pub struct Market {
    spec: Spec,
    header: Header,
    prints: Prints,
    random: Random,
    chances: Chances,
    wire: Wire,
    /// Nothing that is not on the wire arrives before this.
    frontier: u64,
    next_heartbeat: u64,
    /// Newest first, so that the next scene is the last.
    scenes: Vec<(u64, Scene)>,
    links: Vec<Link>,
    shelves: Vec<Shelf>,
    counts: Counts,
}

impl Market {
    /// Opens the market. Cost is linear in symbols; nothing is generated yet.
    pub fn new(spec: Spec) -> Self {
        let (symbols, prints) = prints::open(&spec);
        let mut random = Random::new(spec.seed, 1);
        let (links, scenes) = plan(&spec, &prints, &mut random);
        // A run begins at prints outside of runs, of which there are fewer the more is withheld.
        let gap_begins = spec.gaps / (GAP_MEAN * (1.0 - spec.gaps) + spec.gaps);
        let chances = Chances {
            stall: Chance::new(STALL),
            gap: Chance::new(gap_begins),
            late: Chance::new(spec.late),
            reorder: Chance::new(spec.reorder),
            duplicate: Chance::new(spec.duplicates),
        };
        let header = Header {
            venue: "sim".to_owned(),
            program: format!("tapescan {} synthetic {spec}", env!("CARGO_PKG_VERSION")),
            config: String::new(),
            symbols,
        };
        Self {
            header,
            prints,
            random,
            chances,
            wire: Wire::new(links.len()),
            frontier: 0,
            next_heartbeat: spec.begins().0,
            scenes,
            links,
            shelves: vec![Shelf::default(); spec.symbols as usize],
            counts: Counts::default(),
            spec,
        }
    }

    /// What the tape says about itself; `program` holds the whole spec.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Every print of this market in trade-time order, from the beginning.
    pub fn truth(&self) -> Prints {
        prints::open(&self.spec).1
    }

    /// What became of the prints so far; final when the iterator has ended.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    fn link_of(&self, symbol: SymbolId) -> usize {
        usize::from(symbol.0) % self.links.len()
    }

    /// Generates one more print and all that happens before it.
    fn advance(&mut self) {
        let print = self.prints.next();
        let now = print.map_or(self.spec.ends().0, |_| self.prints.now().0);
        while let Some(&(at, scene)) = self.scenes.last().filter(|(at, _)| *at <= now) {
            self.scenes.pop();
            self.play(at, scene);
        }
        self.heartbeats_to(now);
        match print {
            Some(print) => {
                self.deliver(print, now);
                self.frontier = now;
            }
            None => self.finish(now),
        }
    }

    fn heartbeats_to(&mut self, now: u64) {
        while self.next_heartbeat <= now {
            let beat = self.next_heartbeat;
            self.wire.send(beat + HEARTBEAT_LAG_NS, What::Heartbeat(Nanos(beat)));
            self.next_heartbeat += SLOT_NS;
        }
    }

    fn play(&mut self, at: u64, scene: Scene) {
        match scene {
            Scene::Link { link, up, reason } => {
                self.wire.send(at, What::Link { link, up, reason });
                // At the start no feed was ever down.
                if at > self.spec.begins().0 {
                    let symbols = usize::from(link)..self.shelves.len();
                    for symbol in symbols.step_by(self.links.len()) {
                        self.wire.send(at, What::Feed { symbol: SymbolId(symbol as u16), up });
                    }
                }
            }
            Scene::Halt(symbol) => {
                let link = self.link_of(symbol);
                let at = self.links[link].last.max(at + LAG_MIN_NS);
                self.wire.send(at, What::Halt(symbol));
            }
        }
    }

    fn deliver(&mut self, print: Trade, now: u64) {
        self.counts.prints += 1;
        let shelf = &mut self.shelves[usize::from(print.symbol.0)];
        if shelf.gap_left == 0 && self.random.hits(self.chances.gap) {
            let more = (GAP_MEAN - 0.5) * self.random.exponential();
            shelf.gap_left = 1 + more as u32;
        }
        if shelf.gap_left > 0 {
            shelf.gap_left -= 1;
            shelf.held.push(print);
            return;
        }
        let (at, in_order) = self.arrival(print.symbol, now);
        let link = self.link_of(print.symbol);
        if self.links[link].is_down(at) {
            self.shelves[usize::from(print.symbol.0)].held.push(print);
            return;
        }
        if in_order {
            self.wire.send_in(link, at, What::Trade(print));
        } else {
            self.wire.send(at, What::Trade(print));
        }
        self.counts.delivered += 1;
        if self.random.hits(self.chances.duplicate) {
            let again = at + (REPEAT_NS * self.random.unit()) as u64;
            if !self.links[link].is_down(again) {
                self.wire.send(again, What::Trade(print));
                self.counts.duplicates += 1;
            }
        }
        // Only a newer print in its place shows that something is missing.
        if in_order && !self.shelves[usize::from(print.symbol.0)].held.is_empty() {
            self.release(print.symbol, at);
        }
    }

    /// When a print matched `now` arrives, and whether it keeps its place on its link.
    fn arrival(&mut self, symbol: SymbolId, now: u64) -> (u64, bool) {
        let index = self.link_of(symbol);
        if self.random.hits(self.chances.late) {
            self.counts.late += 1;
            let most = (self.spec.late_by * Nanos::PER_SECOND) as f64;
            return (now + (most * (0.2 + 0.8 * self.random.unit())) as u64, false);
        }
        let mut at = now + LAG_MIN_NS + (LAG_MEAN_NS * self.random.exponential()) as u64;
        if self.random.hits(self.chances.reorder) {
            self.counts.reordered += 1;
            return (at + (REORDER_NS * self.random.unit()) as u64, false);
        }
        if self.random.hits(self.chances.stall) {
            at += (STALL_NS * self.random.unit()) as u64;
        }
        let last = &mut self.links[index].last;
        *last = at.max(*last);
        (*last, true)
    }

    /// Decides about the missing prints of a symbol once a newer one has arrived at `seen`.
    fn release(&mut self, symbol: SymbolId, seen: u64) {
        let mut held = std::mem::take(&mut self.shelves[usize::from(symbol.0)].held);
        let at = seen + REPAIR_NS + (REPAIR_MORE_NS * self.random.unit()) as u64;
        let count = held.len() as u64;
        match self.spec.backfill {
            Backfill::Yes => {
                self.counts.backfilled += count;
                for print in held.drain(..) {
                    self.wire.send(at, What::Trade(Trade { kind: TradeKind::Backfilled, ..print }));
                }
            }
            Backfill::No => self.counts.lost += count,
            Backfill::Refused => {
                self.counts.lost += count;
                for run in held.chunk_by(|one, next| one.id + 1 == next.id) {
                    let (from_id, to_id) = (run[0].id, run[run.len() - 1].id);
                    self.wire.send(at, What::Unrecoverable { symbol, from_id, to_id });
                }
            }
        }
        held.clear();
        self.shelves[usize::from(symbol.0)].held = held;
    }

    /// After the last print: repairs what is open, and lets time run until all has arrived.
    fn finish(&mut self, now: u64) {
        for symbol in 0..self.shelves.len() {
            if !self.shelves[symbol].held.is_empty() {
                self.release(SymbolId(symbol as u16), now);
            }
        }
        self.heartbeats_to(self.wire.last() + Nanos::PER_SECOND);
        self.frontier = u64::MAX;
    }
}

impl Iterator for Market {
    type Item = Entry<'static>;

    fn next(&mut self) -> Option<Entry<'static>> {
        loop {
            if let Some(entry) = self.wire.receive(self.frontier) {
                return Some(entry);
            }
            if self.frontier == u64::MAX && self.wire.is_empty() {
                return None;
            }
            self.advance();
        }
    }
}

/// Connections with their cuts, and all scenes, newest first.
fn plan(spec: &Spec, prints: &Prints, random: &mut Random) -> (Vec<Link>, Vec<(u64, Scene)>) {
    let start = spec.begins().0;
    let mut links = vec![Link::default(); usize::from(spec.links)];
    let mut scenes = Vec::new();
    for link in 0..spec.links {
        scenes.push((start, Scene::Link { link, up: true, reason: "connected" }));
    }
    // One cut per equal part of the market, so that cuts cannot overlap.
    let cut_ns = spec.cut_for * Nanos::PER_SECOND;
    let part_ns = spec.duration * Nanos::PER_SECOND / u64::from(spec.cuts.max(1));
    for cut in 0..u64::from(spec.cuts) {
        let link = random.below(u32::from(spec.links)) as u16;
        let free = part_ns - cut_ns - 1;
        let from = start + cut * part_ns + 1 + (free as f64 * random.unit()) as u64;
        links[usize::from(link)].cuts.push((from, from + cut_ns));
        scenes.push((from, Scene::Link { link, up: false, reason: "cut" }));
        scenes.push((from + cut_ns, Scene::Link { link, up: true, reason: "connected again" }));
    }
    for (symbol, (_, until)) in prints.listed().enumerate().filter(|(_, (_, to))| *to < u64::MAX) {
        let at = Nanos::from_seconds(until).0;
        scenes.push((at, Scene::Halt(SymbolId(symbol as u16))));
    }
    scenes.sort_by_key(|(at, _)| *at);
    scenes.reverse();
    (links, scenes)
}
