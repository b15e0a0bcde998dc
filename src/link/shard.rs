//! One share of a venue's symbols: the connection that brings it, and now and then a successor.

use systems::trade::SymbolId;
use systems::units::Nanos;

use super::commands::Place;
use super::connection::{Link, Shared};
use super::limits::{
    ASKED_ANEW_MAX, LAG_WINDOWS, LINK_DOUBLINGS_MAX, LINK_SILENT_MIN_NS, LINK_UNHEARD_NS,
    MANY_SILENT_MIN, MANY_SILENT_PERCENT, REPLACE_EVERY_NS, ROTATE_BEFORE_NS,
};
use super::member::Member;
use super::overlap::{Overlap, Proof, Standing};
use super::pace::Pace;
use super::watch::{Look, Watch};
use super::{Event, Output, Why};
use crate::venue::link::{LinkFacts, Verb};

/// A share of the symbols.
#[derive(Debug)]
pub(super) struct Shard {
    members: Vec<Member>,
    links: [Link; 2],
    /// Which of the two brings the share; the other is idle or its successor.
    active: usize,
    overlap: Option<Overlap>,
    /// All prints of the share.
    pace: Pace,
    /// How often the share was found silent since its last print.
    silences: u32,
    /// Whether its symbols are watched.
    following: bool,
    /// When the present connection is to be replaced; drawn once it is up.
    rotate_at: Option<Nanos>,
    /// The venue said that it will close the present connection.
    noticed: bool,
    many_silent: bool,
    /// The last replacement that a watch asked for.
    replaced_at: Option<Nanos>,
}

impl Shard {
    pub(super) fn new(index: u16, members: Vec<Member>, rate: f64, facts: &LinkFacts) -> Self {
        Self {
            members,
            links: [Link::new(2 * index, facts), Link::new(2 * index + 1, facts)],
            active: 0,
            overlap: None,
            pace: Pace::expected(rate),
            silences: 0,
            following: false,
            rotate_at: None,
            noticed: false,
            many_silent: false,
            replaced_at: None,
        }
    }

    pub(super) fn links(&self) -> &[Link; 2] {
        &self.links
    }

    /// The symbols that are followed.
    pub(super) fn symbols(&self) -> impl Iterator<Item = SymbolId> {
        self.members.iter().filter(|member| !member.left).map(|member| member.symbol)
    }

    pub(super) fn is_active(&self, side: usize) -> bool {
        side == self.active
    }

    pub(super) fn overlapping(&self) -> bool {
        self.overlap.is_some()
    }

    pub(super) fn start(&mut self, at: Nanos) {
        self.links[self.active].want(at);
    }

    /// Notes a frame of one of its connections.
    #[inline]
    pub(super) fn frame(&mut self, side: usize, at: Nanos, sent_at: Option<Nanos>) {
        self.links[side].frame(at, sent_at);
    }

    /// Notes a print of its symbol number `slot`.
    #[inline]
    pub(super) fn print(&mut self, side: usize, slot: usize, id: u64, at: Nanos) {
        self.links[side].print(at);
        if self.pace.print(at) {
            self.silences = 0;
        }
        if let Some(overlap) = &mut self.overlap {
            overlap.note(side != self.active, slot, id);
        }
    }

    pub(super) fn connected(&mut self, side: usize, at: Nanos, shared: &mut Shared) {
        for member in &mut self.members {
            (member.refused, member.joining) = (false, false);
        }
        self.links[side].connected(at, &self.members, shared);
    }

    pub(super) fn ping(&mut self, side: usize, payload: &[u8], at: Nanos, shared: &mut Shared) {
        self.links[side].ping(payload, at, shared);
    }

    /// The venue accepted a command.
    pub(super) fn accepted(
        &mut self,
        side: usize,
        id: Option<u64>,
        at: Nanos,
        shared: &mut Shared,
        watch: &mut Watch,
    ) {
        let link = self.links[side].number();
        for slot in self.links[side].accepted(id) {
            let member = &mut self.members[slot];
            if core::mem::take(&mut member.joining) && !member.left {
                let symbol = member.symbol;
                shared.event(Event::Joined { link, symbol });
                if self.following {
                    watch.follow(symbol, at);
                }
            }
        }
        self.links[side].send(at, &self.members, shared);
    }

    /// The venue refused a command; gives the symbol whose prints are at fault, if one is.
    pub(super) fn refused(
        &mut self,
        side: usize,
        id: Option<u64>,
        code: i64,
        at: Nanos,
        shared: &mut Shared,
    ) -> Option<SymbolId> {
        let place = self.links[side].refused(id);
        let symbol = place.and_then(|place| {
            let link = self.links[side].number();
            let stream = super::commands::name(place, &self.members, shared);
            let (member, prints) = (&mut self.members[place.slot], place.kind == 0);
            member.refused |= prints;
            let symbol = member.symbol;
            shared.event(Event::Refused { link, symbol, stream, code });
            prints.then_some(symbol)
        });
        self.links[side].send(at, &self.members, shared);
        symbol
    }

    /// The venue will close one of its connections.
    pub(super) fn notice(
        &mut self,
        side: usize,
        at: Nanos,
        shared: &mut Shared,
        watch: &mut Watch,
    ) {
        if side == self.active {
            self.noticed = true;
        } else {
            self.lost(side, Why::Notice, true, at, shared, watch);
        }
    }

    /// A connection is gone, or must go (`close`).
    pub(super) fn lost(
        &mut self,
        side: usize,
        why: Why,
        close: bool,
        at: Nanos,
        shared: &mut Shared,
        watch: &mut Watch,
    ) {
        if !self.links[side].fail(why, at, &mut shared.jitter) {
            return;
        }
        let (link, other) = (self.links[side].number(), 1 - side);
        if close {
            shared.out.push_back(Output::Close { link });
        }
        let covered = self.links[other].subscribed().is_some();
        shared.event(Event::Down { link, why, covered });
        if side != self.active {
            self.overlap.iter_mut().for_each(Overlap::restart);
            return;
        }
        if self.overlap.take().is_some() {
            // Its successor is as far as it is, and takes over at once.
            self.links[side].retire();
            self.active = other;
        }
        (self.rotate_at, self.noticed, self.many_silent) = (None, false, false);
        if !covered {
            self.unfollow(watch);
        }
    }

    fn unfollow(&mut self, watch: &mut Watch) {
        self.following = false;
        self.pace.pause();
        self.members.iter().for_each(|member| watch.leave(member.symbol));
    }

    /// Lets time pass.
    pub(super) fn tick(&mut self, at: Nanos, shared: &mut Shared, watch: &mut Watch) {
        for side in 0..2 {
            if let Some(why) = self.links[side].tick(at, &self.members, shared) {
                self.lost(side, why, true, at, shared, watch);
            }
        }
        if self.links[self.active].subscribed().is_some() {
            self.follow(at, watch);
            if self.silent(at) {
                self.silences += 1;
                self.lost(self.active, Why::Silent, true, at, shared, watch);
            }
        }
        self.overlap(at, shared, watch);
        if let Some(since) = self.links[self.active].up_since() {
            self.rotate_at.get_or_insert_with(|| {
                let early_ns = ROTATE_BEFORE_NS + shared.jitter.below(ROTATE_BEFORE_NS);
                since.plus(shared.facts.lifetime_ns - early_ns)
            });
        }
    }

    fn follow(&mut self, at: Nanos, watch: &mut Watch) {
        if self.following {
            return;
        }
        self.following = true;
        self.pace.resume(at);
        for member in self.members.iter().filter(|member| !member.left && !member.refused) {
            watch.follow(member.symbol, at);
        }
    }

    /// Whether it has had no print at all for longer than its pace explains.
    fn silent(&self, at: Nanos) -> bool {
        let silence_ns = self.pace.silence_ns(at);
        let expects = |member: &Member| !member.left && !member.refused;
        if silence_ns < LINK_SILENT_MIN_NS || !self.members.iter().any(expects) {
            return false;
        }
        let limit_ns = if self.pace.known() {
            self.pace.limit_ns().max(LINK_SILENT_MIN_NS)
        } else {
            LINK_UNHEARD_NS
        };
        silence_ns >= limit_ns.saturating_mul(1 << self.silences.min(LINK_DOUBLINGS_MAX))
    }

    fn overlap(&mut self, at: Nanos, shared: &mut Shared, watch: &mut Watch) {
        let Some(overlap) = &mut self.overlap else { return };
        let new = 1 - self.active;
        match overlap.standing(at, self.links[new].subscribed()) {
            Standing::Open => {}
            Standing::Worse => self.lost(new, Why::Silent, true, at, shared, watch),
            Standing::Done(proof) => self.take_over(proof, shared, watch),
        }
    }

    fn take_over(&mut self, proof: Proof, shared: &mut Shared, watch: &mut Watch) {
        let (old, new) = (self.active, 1 - self.active);
        self.overlap = None;
        let Proof { proven, unproven } = proof;
        let (old_link, new_link) = (self.links[old].number(), self.links[new].number());
        shared.event(Event::Replaced { old: old_link, new: new_link, proven, unproven });
        if self.links[old].retire() {
            shared.out.push_back(Output::Close { link: old_link });
            shared.event(Event::Down { link: old_link, why: Why::Replaced, covered: true });
        }
        self.active = new;
        (self.rotate_at, self.noticed, self.many_silent) = (None, false, false);
        self.members.iter().for_each(|member| watch.give_up(member.symbol));
    }

    /// Looks at every symbol, if the share as a whole lives.
    pub(super) fn look(&mut self, at: Nanos, shared: &mut Shared, watch: &mut Watch) {
        self.many_silent = false;
        if !self.following || self.pace.silence_ns(at) >= LINK_SILENT_MIN_NS {
            return;
        }
        let (mut living, mut silent, mut asked) = (0, 0, 0);
        for (slot, member) in self.members.iter().enumerate() {
            match watch.look(member.symbol, at) {
                Look::Living => living += 1,
                Look::Quiet => {}
                Look::Silent => silent += 1,
                Look::Fell { silence_ns, usual_ns } => {
                    silent += usize::from(usual_ns.is_some());
                    shared.event(Event::Silent { symbol: member.symbol, silence_ns, usual_ns });
                    if asked < ASKED_ANEW_MAX {
                        asked += 1;
                        let prints = Place { kind: 0, slot };
                        self.links[self.active].ask(Verb::Unsubscribe, prints);
                        self.links[self.active].ask(Verb::Subscribe, prints);
                    }
                }
            }
        }
        self.many_silent =
            silent >= MANY_SILENT_MIN && silent * 100 >= MANY_SILENT_PERCENT * (silent + living);
    }

    /// Why its connection should be replaced, if it should.
    pub(super) fn wish(&self, at: Nanos) -> Option<Why> {
        let link = &self.links[self.active];
        if self.overlap.is_some() || link.up_since().is_none() {
            return None;
        }
        if self.noticed {
            return Some(Why::Notice);
        }
        let again = self.replaced_at.is_none_or(|last| last.plus(REPLACE_EVERY_NS) <= at);
        if again && link.late_windows() >= LAG_WINDOWS {
            return Some(Why::Lagging);
        }
        if again && self.many_silent {
            return Some(Why::ManySilent);
        }
        self.rotate_at.is_some_and(|due| due <= at).then_some(Why::Age)
    }

    /// Whether its connection is so old that its replacement cannot wait for others.
    pub(super) fn pressing(&self, at: Nanos, facts: &LinkFacts) -> bool {
        let since = self.links[self.active].up_since();
        since.is_some_and(|up| up.plus(facts.lifetime_ns - ROTATE_BEFORE_NS / 2) <= at)
    }

    /// Begins to replace its connection.
    pub(super) fn replace(&mut self, why: Why, at: Nanos, shared: &mut Shared) {
        let (old, new) = (self.active, 1 - self.active);
        if matches!(why, Why::Lagging | Why::ManySilent) {
            self.replaced_at = Some(at);
        }
        self.overlap = Some(Overlap::new(self.members.len()));
        let (old, number) = (self.links[old].number(), self.links[new].number());
        shared.event(Event::Replacing { old, new: number, why });
        self.links[new].want(at);
    }

    /// Follows one symbol more, or again; gives its place.
    pub(super) fn join(&mut self, symbol: SymbolId, name: &str) -> usize {
        let known = self.members.iter().position(|member| member.symbol == symbol);
        let slot = known.unwrap_or(self.members.len());
        if known.is_none() {
            self.members.push(Member::new(symbol, name));
        }
        let member = &mut self.members[slot];
        (member.left, member.refused, member.joining) = (false, false, true);
        self.links.iter_mut().for_each(|link| link.join(slot));
        slot
    }

    /// Stops following one symbol.
    pub(super) fn leave(&mut self, slot: usize, per_symbol: usize, watch: &mut Watch) {
        let member = &mut self.members[slot];
        if !member.left {
            member.left = true;
            watch.leave(member.symbol);
            for link in &mut self.links {
                (0..per_symbol).for_each(|kind| link.ask(Verb::Unsubscribe, Place { kind, slot }));
            }
        }
    }

    /// The caller does not read this socket at present.
    pub(super) fn excuse(&mut self, side: usize, at: Nanos, watch: &mut Watch) {
        self.links[side].excuse(at);
        if self.following {
            self.pace.resume(at);
        }
        self.members.iter().for_each(|member| watch.excuse(member.symbol, at));
    }

    /// Closes everything.
    pub(super) fn stop(&mut self, shared: &mut Shared, watch: &mut Watch) {
        self.overlap = None;
        for link in &mut self.links {
            if link.retire() {
                let link = link.number();
                shared.out.push_back(Output::Close { link });
                shared.event(Event::Down { link, why: Why::Stopped, covered: false });
            }
        }
        self.unfollow(watch);
    }
}
