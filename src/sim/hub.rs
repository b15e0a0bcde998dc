//! The exchange's state: the market, who listens to it, and what goes wrong on the way to them.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use systems::trade::Trade;
use systems::units::Nanos;
use tokio::sync::mpsc::UnboundedSender;

use super::damage::spoil;
use super::kinds::Kind;
use super::links::{Link, Links, Order};
use super::market::Market;
use super::schedule::{Fate, Schedule};
use super::subscriptions::{Stream, Subscribers, Wishes};
use super::text::Wording;
use super::ticker::{self, Days};
use super::timed::{Push, Timed};
use super::weights::Weights;

/// Faults that are looked for with every print.
const PRINT_FAULTS: [Kind; 7] = [
    Kind::Missing,
    Kind::SilentSymbol,
    Kind::Duplicate,
    Kind::Reorder,
    Kind::InvalidJson,
    Kind::WrongTypes,
    Kind::UnknownSymbol,
];

/// Tickers are pushed once a second.
const TICKERS_NS: u64 = Nanos::PER_SECOND;

/// What has happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Prints that the venue matched.
    pub prints: u64,
    /// Connections that were made.
    pub connections: u64,
    /// Messages handed to connections.
    pub messages: u64,
    /// Requests that came, of known endpoints.
    pub requests: u64,
    /// Requests that were answered with 429 or 418 because of their weight.
    pub refused: u64,
}

/// A print on its way: of single trades, or of aggregates.
#[derive(Clone, Copy, Debug)]
struct Outgoing {
    aggregate: bool,
    trade: Trade,
    fate: Fate,
}

/// Everything that happens inside the exchange.
pub(super) struct Hub {
    pub(super) market: Market,
    pub(super) schedule: Schedule,
    pub(super) weights: Weights,
    pub(super) days: Days,
    pub(super) totals: Totals,
    pub(super) links: Links,
    pub(super) subscribers: Subscribers,
    pub(super) timed: Timed,
    /// The venue's time as of the last pump.
    pub(super) now: Nanos,
    next_tickers: Nanos,
    /// Prints that are sent later than their turn.
    held: Vec<(Nanos, Outgoing)>,
    /// Connections that are closed later.
    pub(super) closing: Vec<(Nanos, Option<u32>)>,
    commands: u64,
    prints: Vec<Trade>,
    aggregates: Vec<Trade>,
    pub(super) pushes: Vec<Push>,
    /// Closing messages that are sent later than their turn.
    pub(super) late_klines: Vec<(Nanos, Push)>,
}

impl Hub {
    pub(super) fn new(market: Market, schedule: Schedule, weights: Weights, now: Nanos) -> Self {
        let symbols = market.listings.len();
        let subscribers = Subscribers::new(symbols);
        let mut days = Days::new(symbols);
        // A day of every symbol is many minutes; later only the newest ones are to be added.
        for symbol in 0..symbols {
            days.of(symbol, &market.truth);
        }
        Self {
            market,
            schedule,
            weights,
            days,
            totals: Totals::default(),
            links: Links::default(),
            subscribers,
            timed: Timed::default(),
            now,
            next_tickers: Nanos(now.0 - now.0 % TICKERS_NS + TICKERS_NS),
            held: Vec::new(),
            closing: Vec::new(),
            commands: 0,
            prints: Vec::new(),
            aggregates: Vec::new(),
            pushes: Vec::new(),
            late_klines: Vec::new(),
        }
    }

    /// Takes in a connection; its number.
    pub(super) fn open(
        &mut self,
        wishes: Wishes,
        to: UnboundedSender<Order>,
        backlog: Arc<AtomicUsize>,
    ) -> u32 {
        self.totals.connections += 1;
        let number = self.links.open(Link::new(wishes, to, backlog));
        self.subscribe(number);
        number
    }

    /// Forgets a connection that has ended.
    pub(super) fn close(&mut self, number: u32) {
        if let Some(link) = self.links.close(number) {
            self.subscribers.change(number, &link.streams, &[]);
        }
    }

    /// Obeys a command of a connection; the answer, unless it gets none.
    pub(super) fn obey(&mut self, number: u32, text: &str) -> Option<String> {
        self.commands += 1;
        let (now, key) = (self.now, self.commands);
        let link = self.links.get_mut(number)?;
        if self.schedule.hit(Kind::RefuseSubscription, now, key).is_some() {
            return Some(super::subscriptions::refusal(2, "Invalid request: refused", None));
        }
        let answer = link.wishes.obey(text);
        self.subscribe(number);
        self.schedule.hit(Kind::LostAck, now, key).is_none().then_some(answer)
    }

    /// Brings subscriptions in line with a connection's wishes.
    fn subscribe(&mut self, number: u32) {
        let Some(link) = self.links.get_mut(number) else { return };
        let streams = link.wishes.streams(&self.market);
        let old = std::mem::replace(&mut link.streams, streams.clone());
        self.subscribers.change(number, &old, &streams);
        for stream in streams {
            if let Stream::Kline(symbol, interval) = stream {
                self.timed.start(symbol, interval, self.now);
            }
        }
    }

    /// Moves the exchange to `now`, and sends all that is due.
    pub(super) fn pump(&mut self, now: Nanos) {
        let before = std::mem::replace(&mut self.now, now);
        let (mut prints, mut aggregates) =
            (std::mem::take(&mut self.prints), std::mem::take(&mut self.aggregates));
        self.market.advance(now, &mut prints, &mut aggregates);
        self.totals.prints += prints.len() as u64;
        self.send_held(now);
        for trade in prints.drain(..) {
            self.print(false, trade);
        }
        for trade in aggregates.drain(..) {
            self.print(true, trade);
        }
        (self.prints, self.aggregates) = (prints, aggregates);
        self.send_klines(now);
        self.send_tickers(now);
        self.silence(now);
        for number in self.flush() {
            self.order(Some(number), || Order::Close(1008, "too far behind"));
        }
        self.strike(before, now);
    }

    /// When something will be due again; trading may make it earlier than any other reason.
    pub(super) fn next_due(&mut self) -> Nanos {
        let dues = [self.market.next_due(), self.timed.next_due(), Some(self.next_tickers)];
        let held = self.held.iter().map(|(at, _)| *at).min();
        let late = self.late_klines.iter().map(|(at, _)| *at).min();
        dues.into_iter().flatten().chain(held).chain(late).min().unwrap_or(self.next_tickers)
    }

    fn print(&mut self, aggregate: bool, trade: Trade) {
        let symbol = trade.symbol.0;
        let stream = if aggregate { Stream::Aggregate(symbol) } else { Stream::Trade(symbol) };
        if self.subscribers.of(stream).is_empty() {
            return;
        }
        let mut fate = Fate::default();
        if self.schedule.has(&PRINT_FAULTS) {
            let name = &self.market.listings[usize::from(symbol)].spec.name;
            fate = self.schedule.fate(self.now, name, trade.id);
        }
        let outgoing = Outgoing { aggregate, trade, fate };
        match fate.later_ns {
            _ if fate.missing => {}
            Some(later) => self.held.push((self.now.plus(later), outgoing)),
            None => self.send_print(outgoing),
        }
    }

    fn send_held(&mut self, now: Nanos) {
        if self.held.iter().any(|(at, _)| *at <= now) {
            let (due, later) = self.held.drain(..).partition(|(at, _)| *at <= now);
            self.held = later;
            let due: Vec<(Nanos, Outgoing)> = due;
            for (_, outgoing) in due {
                self.send_print(outgoing);
            }
        }
    }

    fn send_print(&mut self, outgoing: Outgoing) {
        let Outgoing { aggregate, trade, fate } = outgoing;
        let listing = &self.market.listings[usize::from(trade.symbol.0)];
        let (venue, now) = (self.market.venue, self.now);
        let (stream, channel) = match aggregate {
            false => (Stream::Trade(trade.symbol.0), "@trade"),
            true => (Stream::Aggregate(trade.symbol.0), "@aggTrade"),
        };
        let to = self.subscribers.of(stream);
        for _ in 0..1 + u32::from(fate.duplicate) {
            self.links.deliver(to, (&listing.lower, channel), &|text, unit| {
                let (wording, from) = (Wording { venue, unit }, text.len());
                if aggregate {
                    wording.aggregate(text, now, listing, &trade);
                } else {
                    wording.trade(text, now, listing, &trade);
                }
                if let Some(kind) = fate.damage {
                    spoil(text, from, kind);
                }
            });
        }
    }

    fn send_tickers(&mut self, now: Nanos) {
        if now < self.next_tickers {
            return;
        }
        self.next_tickers = Nanos(now.0 - now.0 % TICKERS_NS + TICKERS_NS);
        let to = self.subscribers.of(Stream::MiniTickers);
        if to.is_empty() {
            return;
        }
        let market = &self.market;
        let active = ticker::active(market, &mut self.days, now.minus(TICKERS_NS));
        // The venue sends only what has changed.
        if !active.is_empty() {
            self.links.deliver(to, ("", "!miniTicker@arr"), &|text, unit| {
                ticker::mini_tickers(text, unit, now, market, &active);
            });
        }
    }

    /// Hands all messages over; the connections that are too far behind.
    fn flush(&mut self) -> Vec<u32> {
        let mut behind = Vec::new();
        for (number, link) in self.links.iter_mut() {
            self.totals.messages += link.messages() as u64;
            if !link.flush() {
                behind.push(number);
            }
        }
        behind
    }
}
