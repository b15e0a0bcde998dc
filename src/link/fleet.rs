//! All connections of one venue.

use std::collections::VecDeque;

use systems::trade::SymbolId;
use systems::units::Nanos;

use super::backoff::Jitter;
use super::connection::{Phase, Shared};
use super::limits::LOOK_NS;
use super::member::Member;
use super::offset::VenueClock;
use super::plan::{Plan, PlanError, attempts_max, links_needed, symbols_per_link};
use super::shard::Shard;
use super::watch::Watch;
use super::window::Window;
use super::{Output, Why};
use crate::venue::{Decoded, What};

/// All connections of one venue, as a value.
#[derive(Debug)]
pub struct Fleet {
    shared: Shared,
    shards: Vec<Shard>,
    watch: Watch,
    /// Per symbol id: its share and its place there.
    places: Vec<Option<(u16, u16)>>,
    looked_at: Nanos,
}

/// How one connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkStatus {
    /// Its number.
    pub link: u16,
    /// Whether it brings its share of the symbols; else it is idle or a successor.
    pub active: bool,
    /// How far it has come.
    pub phase: Phase,
    /// Symbols of its share.
    pub symbols: usize,
    /// Since when all its streams are acknowledged.
    pub subscribed: Option<Nanos>,
    /// The newest frame of any kind.
    pub heard: Nanos,
    /// How late its frames are by the venue's time, in nanoseconds: the least of five seconds.
    pub lag_ns: Option<i64>,
    /// Failures since it last worked for a while.
    pub failures: u32,
}

impl Fleet {
    /// The connections of a plan, none of them dialled. `base` replaces the venue's scheme, host,
    /// port and route; the same seed waits alike.
    pub fn new(plan: &Plan, base: Option<&str>, seed: u64) -> Self {
        let facts = plan.facts();
        let mut places = vec![None; plan.ids()];
        let mut shards = Vec::new();
        for (index, share) in plan.shares().iter().enumerate() {
            for (slot, symbol) in share.iter().enumerate() {
                places[usize::from(symbol.id.0)] = Some((index as u16, slot as u16));
            }
            let members = share.iter().map(|symbol| Member::new(symbol.id, &symbol.name)).collect();
            let rate = share.iter().map(|symbol| symbol.rate).sum();
            shards.push(Shard::new(index as u16, members, rate, &facts));
        }
        let shared = Shared {
            venue: plan.venue(),
            facts,
            streams: plan.streams().clone(),
            url: format!("{}{}", base.unwrap_or(facts.base), facts.path),
            attempts: Window::new(attempts_max(&facts), facts.attempts_span_ns),
            jitter: Jitter::new(seed),
            clock: VenueClock::default(),
            out: VecDeque::new(),
        };
        let watch = Watch::new(plan.ids(), &plan.rates());
        Self { shared, shards, watch, places, looked_at: Nanos(0) }
    }

    /// Wants all connections from now on.
    pub fn start(&mut self, at: Nanos) {
        self.shards.iter_mut().for_each(|shard| shard.start(at));
        self.tick(at);
    }

    /// A dialled connection is open.
    pub fn connected(&mut self, link: u16, at: Nanos) {
        let (shard, side) = self.shard(link);
        self.shards[shard].connected(side, at, &mut self.shared);
    }

    /// A frame came and was decoded.
    #[inline]
    pub fn take(&mut self, link: u16, decoded: &Decoded, at: Nanos) {
        let (index, side) = self.shard(link);
        let shard = &mut self.shards[index];
        shard.frame(side, at, decoded.sent_at);
        match decoded.what {
            What::Trade(trade, _) => {
                let place = self.places.get(usize::from(trade.symbol.0)).copied().flatten();
                if let Some((owner, slot)) = place
                    && usize::from(owner) == index
                {
                    shard.print(side, usize::from(slot), trade.id, at);
                    if self.watch.print(trade.symbol, at) {
                        self.shared.event(super::Event::Heard { symbol: trade.symbol });
                    }
                }
            }
            What::Ack(id) => shard.accepted(side, id, at, &mut self.shared, &mut self.watch),
            What::Refused { id, code } => {
                let refused = shard.refused(side, id, code, at, &mut self.shared);
                refused.into_iter().for_each(|symbol| self.watch.leave(symbol));
            }
            What::Shutdown => shard.notice(side, at, &mut self.shared, &mut self.watch),
            What::Candle { .. } | What::Ignored(_) | What::Rejected(_) => {}
        }
    }

    /// The venue pinged.
    pub fn ping(&mut self, link: u16, payload: &[u8], at: Nanos) {
        let (shard, side) = self.shard(link);
        self.shards[shard].ping(side, payload, at, &mut self.shared);
    }

    /// The venue answered a ping of ours.
    pub fn pong(&mut self, link: u16, at: Nanos) {
        let (shard, side) = self.shard(link);
        self.shards[shard].frame(side, at, None);
    }

    /// A connection is gone, or could not be made.
    pub fn closed(&mut self, link: u16, why: Why, at: Nanos) {
        let (shard, side) = self.shard(link);
        self.shards[shard].lost(side, why, false, at, &mut self.shared, &mut self.watch);
    }

    /// The caller has frames of this socket waiting that it does not read, since the inbox is
    /// full. To be said at every tick as long as that lasts.
    pub fn excuse(&mut self, link: u16, at: Nanos) {
        let (shard, side) = self.shard(link);
        self.shards[shard].excuse(side, at, &mut self.watch);
    }

    /// An answer of the venue with its time `stamp`: asked for at `sent`, here at `received`.
    pub fn server_time(&mut self, sent: Nanos, stamp: Nanos, received: Nanos) {
        self.shared.clock.answer(sent, stamp, received);
    }

    /// Follows one symbol more, or one that was left again: over the connection that has room and
    /// the fewest symbols, or over a new one.
    ///
    /// # Errors
    /// [`PlanError::TooManyLinks`]: all connections are full, and one more could not be kept up.
    pub fn join(&mut self, symbol: SymbolId, name: &str, at: Nanos) -> Result<(), PlanError> {
        let (facts, id) = (self.shared.facts, usize::from(symbol.0));
        let per_link = symbols_per_link(&facts, &self.shared.streams)?;
        self.watch.make_room(id + 1);
        self.places.resize(self.places.len().max(id + 1), None);
        let count = |shard: &Shard| shard.symbols().count();
        let before = self.places[id].map(|(shard, _)| usize::from(shard));
        let before = before.filter(|&shard| count(&self.shards[shard]) < per_link);
        let least = || (0..self.shards.len()).min_by_key(|&shard| count(&self.shards[shard]));
        let with_room =
            before.or_else(least).filter(|&shard| count(&self.shards[shard]) < per_link);
        let shard = match with_room {
            Some(shard) => shard,
            None => {
                let followed: usize = self.shards.iter().map(count).sum();
                links_needed(&facts, per_link, followed + 1)?;
                let mut shard = Shard::new(self.shards.len() as u16, Vec::new(), 0.0, &facts);
                shard.start(at);
                self.shards.push(shard);
                self.shards.len() - 1
            }
        };
        let slot = self.shards[shard].join(symbol, name);
        self.places[id] = Some((shard as u16, slot as u16));
        Ok(())
    }

    /// The symbols that a connection brings, whichever of its share's two numbers it has.
    pub fn symbols_of(&self, link: u16) -> impl Iterator<Item = SymbolId> {
        self.shards[usize::from(link / 2)].symbols()
    }

    /// The symbol is not wanted any more: delisted, halted for long, or refused elsewhere.
    pub fn leave(&mut self, symbol: SymbolId) {
        let place = self.places.get(usize::from(symbol.0)).copied().flatten();
        if let Some((shard, slot)) = place {
            let per_symbol = self.shared.streams.per_symbol();
            let shard = &mut self.shards[usize::from(shard)];
            shard.leave(usize::from(slot), per_symbol, &mut self.watch);
        }
    }

    /// Lets time pass.
    pub fn tick(&mut self, at: Nanos) {
        for shard in &mut self.shards {
            shard.tick(at, &mut self.shared, &mut self.watch);
        }
        if self.looked_at.plus(LOOK_NS) <= at {
            self.looked_at = at;
            for shard in &mut self.shards {
                shard.look(at, &mut self.shared, &mut self.watch);
            }
        }
        self.replace(at);
    }

    /// Begins replacements. Planned ones come one after the other, and not while attempts are
    /// needed to get lost connections back.
    fn replace(&mut self, at: Nanos) {
        let room = self.shared.attempts.room(at);
        let scarce = room * 2 < self.shared.attempts.max();
        let mut busy = self.shards.iter().any(Shard::overlapping);
        for shard in &mut self.shards {
            let Some(why) = shard.wish(at) else { continue };
            let waits = why != Why::Notice && (busy || scarce);
            if waits && !shard.pressing(at, &self.shared.facts) {
                continue;
            }
            shard.replace(why, at, &mut self.shared);
            busy = true;
        }
    }

    /// Closes everything; the fleet may be started again.
    pub fn stop(&mut self) {
        for shard in &mut self.shards {
            shard.stop(&mut self.shared, &mut self.watch);
        }
    }

    /// The next thing to be done or recorded.
    pub fn poll(&mut self) -> Option<Output> {
        self.shared.out.pop_front()
    }

    /// The venue's clock as seen from ours.
    pub fn clock(&self) -> &VenueClock {
        &self.shared.clock
    }

    /// How every connection stands, idle ones included.
    pub fn links(&self) -> impl Iterator<Item = LinkStatus> {
        self.shards.iter().flat_map(|shard| {
            shard.links().iter().enumerate().map(|(side, link)| LinkStatus {
                link: link.number(),
                active: shard.is_active(side),
                phase: link.phase(),
                symbols: shard.symbols().count(),
                subscribed: link.subscribed(),
                heard: link.heard(),
                lag_ns: link.lag_ns(),
                failures: link.failures(),
            })
        })
    }

    #[inline]
    fn shard(&self, link: u16) -> (usize, usize) {
        (usize::from(link / 2), usize::from(link % 2))
    }
}
