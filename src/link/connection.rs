//! One connection: dialling, keeping alive, subscribing, and noticing that it is dead.

use std::collections::VecDeque;

use systems::units::Nanos;

use super::backoff::{Backoff, Jitter};
use super::commands::{Commands, Place};
use super::lag::Lag;
use super::limits::{
    CONNECT_NS, GOOD_NS, MESSAGES_FOR_PONGS, MESSAGES_SPAN_PERCENT, MESSAGES_SPARE, PROBE_AFTER_NS,
    PROBE_WAIT_NS, REFUSED_WAIT_NS, RETRY_AFTER_MAX_NS,
};
use super::member::Member;
use super::offset::VenueClock;
use super::window::Window;
use super::{Event, Output, Why};
use crate::venue::Venue;
use crate::venue::link::{LinkFacts, Streams, Verb};

/// What all connections of a fleet have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) venue: Venue,
    pub(super) facts: LinkFacts,
    pub(super) streams: Streams,
    pub(super) url: String,
    pub(super) attempts: Window,
    pub(super) jitter: Jitter,
    pub(super) clock: VenueClock,
    pub(super) out: VecDeque<Output>,
}

impl Shared {
    pub(super) fn event(&mut self, event: Event) {
        self.out.push_back(Output::Event(event));
    }
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not wanted.
    Idle,
    /// To be dialled at this instant, or as soon after it as attempts allow.
    Waiting {
        /// That instant.
        until: Nanos,
    },
    /// Being dialled.
    Dialing {
        /// Since when.
        since: Nanos,
    },
    /// Open.
    Up {
        /// Since when.
        since: Nanos,
    },
}

/// One connection.
#[derive(Debug)]
pub(super) struct Link {
    number: u16,
    phase: Phase,
    messages: Window,
    commands: Commands,
    backoff: Backoff,
    /// When all streams were acknowledged.
    subscribed: Option<Nanos>,
    /// The newest frame of any kind.
    heard: Nanos,
    /// Our ping that may still be answered.
    probed: Option<Nanos>,
    /// The newest ping that we could not answer yet.
    pong: Option<Box<[u8]>>,
    first_print: Option<Nanos>,
    lag: Lag,
}

impl Link {
    pub(super) fn new(number: u16, facts: &LinkFacts) -> Self {
        let span_ns = facts.messages_span_ns * MESSAGES_SPAN_PERCENT / 100;
        Self {
            number,
            phase: Phase::Idle,
            messages: Window::new(facts.messages_max - MESSAGES_SPARE, span_ns),
            commands: Commands::default(),
            backoff: Backoff::default(),
            subscribed: None,
            heard: Nanos(0),
            probed: None,
            pong: None,
            first_print: None,
            lag: Lag::new(Nanos(0)),
        }
    }

    pub(super) fn number(&self) -> u16 {
        self.number
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    /// When it came up, if it is.
    pub(super) fn up_since(&self) -> Option<Nanos> {
        match self.phase {
            Phase::Up { since } => Some(since),
            _ => None,
        }
    }

    /// When all streams were acknowledged, if they are.
    pub(super) fn subscribed(&self) -> Option<Nanos> {
        self.subscribed
    }

    pub(super) fn heard(&self) -> Nanos {
        self.heard
    }

    pub(super) fn lag_ns(&self) -> Option<i64> {
        self.lag.ns()
    }

    /// Windows in a row in which every frame was too late.
    pub(super) fn late_windows(&self) -> u32 {
        self.lag.late_windows()
    }

    pub(super) fn failures(&self) -> u32 {
        self.backoff.failures()
    }

    /// Wants a connection at once.
    pub(super) fn want(&mut self, at: Nanos) {
        if self.phase == Phase::Idle {
            self.phase = Phase::Waiting { until: at };
        }
    }

    /// Notes a frame.
    #[inline]
    pub(super) fn frame(&mut self, at: Nanos, sent_at: Option<Nanos>) {
        self.heard = at;
        if let Some(sent) = sent_at {
            self.lag.note(at, sent);
        }
    }

    /// Notes a print.
    #[inline]
    pub(super) fn print(&mut self, at: Nanos) {
        if self.first_print.is_none() {
            self.first_print = Some(at);
        }
    }

    /// The connection is open.
    pub(super) fn connected(&mut self, at: Nanos, members: &[Member], shared: &mut Shared) {
        if !matches!(self.phase, Phase::Dialing { .. }) {
            return;
        }
        self.phase = Phase::Up { since: at };
        self.messages.clear();
        self.commands.restart(members, shared);
        (self.subscribed, self.first_print) = (None, None);
        (self.heard, self.probed, self.pong) = (at, None, None);
        self.lag = Lag::new(at);
        shared.event(Event::Up { link: self.number });
        self.send(at, members, shared);
    }

    /// The venue pinged.
    pub(super) fn ping(&mut self, payload: &[u8], at: Nanos, shared: &mut Shared) {
        self.heard = at;
        if self.up_since().is_some() {
            self.pong = Some(payload.into());
            self.send_pong(at, shared);
        }
    }

    /// Lets time pass; a reason means that the connection must go.
    pub(super) fn tick(
        &mut self,
        at: Nanos,
        members: &[Member],
        shared: &mut Shared,
    ) -> Option<Why> {
        match self.phase {
            Phase::Idle => {}
            Phase::Waiting { until } => {
                if until <= at && shared.attempts.take(at, 0) {
                    self.phase = Phase::Dialing { since: at };
                    let url = shared.url.clone();
                    shared.out.push_back(Output::Dial { link: self.number, url });
                }
            }
            Phase::Dialing { since } => {
                return (since.plus(CONNECT_NS) <= at).then_some(Why::ConnectTimeout);
            }
            Phase::Up { .. } => return self.tick_up(at, members, shared),
        }
        None
    }

    fn tick_up(&mut self, at: Nanos, members: &[Member], shared: &mut Shared) -> Option<Why> {
        self.lag.tick(at, &mut shared.clock);
        if self.first_print.is_some_and(|first| first.plus(GOOD_NS) <= at) {
            self.backoff.reset();
        }
        self.send_pong(at, shared);
        if self.dead(at, shared) {
            return Some(Why::Dead);
        }
        if !self.commands.overdue(at) {
            return Some(Why::NoAnswer);
        }
        self.send(at, members, shared);
        None
    }

    /// Pings a connection that is still, and gives it up if that has no answer either.
    fn dead(&mut self, at: Nanos, shared: &mut Shared) -> bool {
        match self.probed {
            Some(probed) if probed <= self.heard => self.probed = None,
            Some(probed) => return probed.plus(PROBE_WAIT_NS) <= at,
            None => {}
        }
        if self.heard.plus(PROBE_AFTER_NS) <= at && self.messages.take(at, 0) {
            self.probed = Some(at);
            shared.out.push_back(Output::Ping { link: self.number });
        }
        false
    }

    fn send_pong(&mut self, at: Nanos, shared: &mut Shared) {
        if self.pong.is_some() && self.messages.take(at, 0) {
            let link = self.number;
            shared.out.extend(self.pong.take().map(|payload| Output::Pong { link, payload }));
        }
    }

    /// Sends commands as far as the venue takes messages.
    pub(super) fn send(&mut self, at: Nanos, members: &[Member], shared: &mut Shared) {
        while self.commands.waiting() > 0 && self.messages.room(at) > MESSAGES_FOR_PONGS {
            let Some(text) = self.commands.next(at, members, shared) else { break };
            self.messages.take(at, 0);
            shared.out.push_back(Output::Send { link: self.number, text });
        }
        if self.subscribed.is_none() && self.commands.idle() && self.up_since().is_some() {
            self.subscribed = Some(at);
            let wanted = members.iter().filter(|member| !member.left).count();
            let asked = wanted * shared.streams.per_symbol();
            let streams = asked.saturating_sub(self.commands.refused());
            shared.event(Event::Subscribed { link: self.number, streams });
        }
    }

    /// The venue accepted a command; gives the slots of the symbols that it brings from now on.
    /// What follows from an answer is sent by `send`.
    pub(super) fn accepted(&mut self, id: Option<u64>) -> Vec<usize> {
        match self.phase {
            Phase::Up { .. } => self.commands.accepted(id).collect(),
            _ => Vec::new(),
        }
    }

    /// The venue refused a command; gives the stream at fault.
    pub(super) fn refused(&mut self, id: Option<u64>) -> Option<Place> {
        self.up_since()?;
        self.commands.refuse(id)
    }

    /// Sends one more command when there is room.
    pub(super) fn ask(&mut self, verb: Verb, place: Place) {
        if self.up_since().is_some() {
            self.commands.ask(verb, place);
        }
    }

    /// Asks for a symbol that joins when there is room; a connection that is not up asks for all.
    pub(super) fn join(&mut self, slot: usize) {
        if self.up_since().is_some() {
            self.commands.join(slot);
        }
    }

    /// The caller does not read this socket at present, so its silence says nothing.
    pub(super) fn excuse(&mut self, at: Nanos) {
        (self.heard, self.lag) = (at, Lag::new(at));
    }

    /// It is gone: waits before it is dialled again. False if it was gone already.
    pub(super) fn fail(&mut self, why: Why, at: Nanos, jitter: &mut Jitter) -> bool {
        if !matches!(self.phase, Phase::Dialing { .. } | Phase::Up { .. }) {
            return false;
        }
        let wait_ns = self.backoff.wait_ns(jitter);
        let least_ns = match why {
            // 1008 is a policy: who comes back at once is banned.
            Why::NotAccepted | Why::Closed(1008) => REFUSED_WAIT_NS,
            Why::RetryAfter(ns) => ns.min(RETRY_AFTER_MAX_NS),
            _ => 0,
        };
        self.phase = Phase::Waiting { until: at.plus(least_ns + wait_ns) };
        self.subscribed = None;
        true
    }

    /// Not wanted any more. True if there was a socket to close.
    pub(super) fn retire(&mut self) -> bool {
        let open = matches!(self.phase, Phase::Dialing { .. } | Phase::Up { .. });
        self.phase = Phase::Idle;
        self.subscribed = None;
        open
    }
}
