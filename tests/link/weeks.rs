//! Weeks of a fleet's life against a venue that drops, hangs, refuses, and cuts at 24 hours.

use systems::interval::Interval;
use systems::trade::SymbolId;
use systems::units::Nanos;
use tapescan::link::{Event, Fleet, Output, Plan, Why};
use tapescan::symbols::Symbols;
use tapescan::venue::link::Streams;
use tapescan::venue::{Channel, Decoded, Venue, What};

use super::super::support::{START, symbols, trade};
use super::venue::{FakeVenue, Message, Mode};

const STEP_NS: u64 = 250 * Nanos::PER_MS;
const SECOND: u64 = Nanos::PER_SECOND;
const HOUR: u64 = 3_600 * SECOND;

/// After a fault has ended, prints flow again within this.
const RECOVERED_NS: u64 = 240 * SECOND;

/// A fleet and its venue.
struct World {
    fleet: Fleet,
    venue: FakeVenue,
    now: Nanos,
    /// Per symbol and id, whether it arrived.
    received: Vec<Vec<bool>>,
    /// Instants between which prints may be missed.
    faults: Vec<(Nanos, Nanos)>,
    events: Vec<(Nanos, Event)>,
}

impl World {
    /// Symbols from busy to nearly dead, the last one refused; two connections. Their rates are
    /// told in advance or not.
    fn new(seed: u64, told: bool) -> Self {
        let mut gaps_ms = vec![700, 2_000, 9_000, 60_000, 600_000, 7_200_000];
        gaps_ms.extend((0..24).map(|n| 3_000 + n * 2_500));
        let all = Symbols::new(symbols(gaps_ms.len())).unwrap();
        let chosen: Vec<SymbolId> = (0..gaps_ms.len() as u16).map(SymbolId).collect();
        let candles = ["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d"];
        let candles = candles.map(|text| Interval::parse(text).unwrap()).to_vec();
        let streams = Streams { prints: Channel::Trades, candles };
        let rates: Vec<f64> = gaps_ms.iter().map(|gap| 1_000.0 / *gap as f64).collect();
        let rates = if told { &rates[..] } else { &[] };
        let plan = Plan::new(Venue::BinanceUsdm, streams, &all, &chosen, rates).unwrap();
        assert_eq!(plan.links(), 2);
        let facts = Venue::BinanceUsdm.link_facts();
        let mut fleet = Fleet::new(&plan, None, seed);
        fleet.start(START);
        Self {
            fleet,
            venue: FakeVenue::new(facts, &gaps_ms, 2, seed, START),
            now: START,
            received: vec![Vec::new(); gaps_ms.len()],
            faults: vec![(START, START.plus(5 * SECOND))],
            events: Vec::new(),
        }
    }

    fn step(&mut self) {
        self.now = self.now.plus(STEP_NS);
        let now = self.now;
        self.carry_out();
        self.connect();
        self.venue.step(now);
        for link in 0..4 {
            while let Some(message) = self.venue.arrived(link, now) {
                self.deliver(link as u16, message);
            }
            self.carry_out();
        }
        self.fleet.tick(now);
        self.carry_out();
    }

    /// Sockets that open now, or are refused.
    fn connect(&mut self) {
        for link in 0..4u16 {
            let Some(socket) = &mut self.venue.sockets[usize::from(link)] else { continue };
            if socket.open || socket.opens_at > self.now {
                continue;
            }
            if self.venue.out {
                self.venue.sockets[usize::from(link)] = None;
                self.fleet.closed(link, Why::Unreachable, self.now);
            } else {
                socket.open = true;
                self.fleet.connected(link, self.now);
            }
            self.carry_out();
        }
    }

    fn deliver(&mut self, link: u16, message: Message) {
        let now = self.now;
        let what = match message {
            Message::Ping(payload) => return self.fleet.ping(link, &payload.to_le_bytes(), now),
            Message::Pong => return self.fleet.pong(link, now),
            Message::Close => return self.break_off(link),
            Message::Answer(id, false) => What::Ack(Some(id)),
            Message::Answer(id, true) => What::Refused { id: Some(id), code: 2 },
            Message::Shutdown => What::Shutdown,
            Message::Print(symbol, id) => {
                let received = &mut self.received[usize::from(symbol)];
                received.resize(received.len().max(id as usize + 1), false);
                received[id as usize] = true;
                let time = self.venue.published(usize::from(symbol))[id as usize];
                What::Trade(trade(symbol, id, time, 100, 1), Channel::Trades)
            }
            Message::Command(_) => unreachable!("the venue gives no commands"),
        };
        let sent_at = match what {
            What::Trade(trade, _) => Some(trade.time),
            _ => None,
        };
        self.fleet.take(link, &Decoded { sent_at, what }, now);
    }

    fn break_off(&mut self, link: u16) {
        self.venue.sockets[usize::from(link)] = None;
        self.fleet.closed(link, Why::Broken, self.now);
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.fleet.poll() {
            let now = self.now;
            match output {
                Output::Dial { link, .. } => self.venue.dial(link, now),
                Output::Send { link, text } => self.venue.send(link, Message::Command(text), now),
                Output::Ping { link } => self.venue.send(link, Message::Ping(0), now),
                Output::Pong { link, .. } => self.venue.send(link, Message::Pong, now),
                Output::Close { link } => self.venue.sockets[usize::from(link)] = None,
                Output::Event(event) => self.events.push((now, event)),
            }
        }
    }

    fn run(&mut self, for_ns: u64, mut meddle: impl FnMut(&mut Self)) {
        let end = self.now.plus(for_ns);
        while self.now < end {
            meddle(self);
            self.step();
        }
    }

    /// Prints that were published, not received, and not during a fault.
    fn lost(&self) -> Vec<(usize, usize, u64)> {
        // The newest may still be under way.
        let until = self.now.minus(2 * SECOND);
        let mut lost = Vec::new();
        for symbol in 0..self.venue.good() {
            for (id, &at) in self.venue.published(symbol).iter().enumerate() {
                let received = self.received[symbol].get(id).copied().unwrap_or(false);
                let excused = self.faults.iter().any(|(from, to)| (*from..*to).contains(&at));
                if !received && !excused && at < until {
                    lost.push((symbol, id, (at.0 - START.0) / SECOND));
                }
            }
        }
        lost
    }

    fn count(&self, which: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|(_, event)| which(event)).count()
    }
}

#[test]
fn ten_days_of_rotation_lose_nothing_and_the_cut_is_never_seen() {
    let mut world = World::new(3, true);
    let mut noticed = START.plus(30 * HOUR);
    world.run(240 * HOUR, |world| {
        // Now and then the venue announces that it will close.
        if world.now >= noticed {
            noticed = world.now.plus(41 * HOUR);
            for socket in world.venue.sockets.iter_mut().flatten() {
                socket.tell(Message::Shutdown, world.now);
            }
        }
    });
    assert_eq!(world.lost(), []);
    assert_eq!(world.venue.cuts, 0, "connections were cut at their age");
    let replaced = world.count(|event| matches!(event, Event::Replaced { .. }));
    assert!((20..40).contains(&replaced), "{replaced} replacements");
    let unproven = world.count(|event| matches!(event, Event::Replaced { unproven: 1.., .. }));
    // A print that was under way when the successor was complete is not proof of anything, and
    // the nearly dead symbols bring no other in time.
    assert!(unproven <= replaced / 2, "{unproven} of {replaced} without proof");
    let uncovered = world.count(|event| matches!(event, Event::Down { covered: false, .. }));
    assert_eq!(uncovered, 0);
    let alarms = world.count(|event| matches!(event, Event::Silent { .. }));
    assert_eq!(alarms, 0, "false alarms");
    staggered(&world);
}

/// Planned replacements never run side by side.
fn staggered(world: &World) {
    let mut running = 0;
    for (_, event) in &world.events {
        match event {
            Event::Replacing { why, .. } => {
                assert!(running == 0 || *why == Why::Notice, "{why} beside another");
                running += 1;
            }
            Event::Replaced { .. } => running -= 1,
            _ => {}
        }
    }
}

#[test]
fn two_weeks_of_faults_keep_every_limit_and_every_symbol_comes_back() {
    for seed in [11, 12] {
        let mut world = World::new(seed, false);
        let mut next = START.plus(HOUR);
        let mut out_until = START;
        world.run(14 * 24 * HOUR, |world| {
            if world.venue.out && world.now >= out_until {
                world.venue.out = false;
            }
            if world.now < next {
                return;
            }
            next = world.now.plus(20 * 60 * SECOND + world.venue.seed.below(6 * HOUR));
            let fault = world.venue.seed.below(6);
            let lasts_ns = fault_begins(world, fault);
            if fault == 5 {
                out_until = world.now.plus(lasts_ns);
            }
            let from = world.now.minus(2 * SECOND);
            world.faults.push((from, world.now.plus(lasts_ns + RECOVERED_NS)));
        });
        assert_eq!(world.lost(), [], "seed {seed}");
        assert!(world.venue.attempts_most <= 150, "{} attempts", world.venue.attempts_most);
        assert!(world.venue.messages_most <= 10);
        let refused = world.count(|event| matches!(event, Event::Refused { .. }));
        let up = world.count(|event| matches!(event, Event::Up { .. }));
        assert!(refused > 0 && refused <= up, "{refused} refusals on {up} connections");
    }
}

/// Begins a fault; gives how long it lasts, in nanoseconds.
fn fault_begins(world: &mut World, fault: u64) -> u64 {
    let victim = world.venue.seed.below(4) as usize;
    match fault {
        // Every connection breaks at once.
        0 => (0..4).for_each(|link| {
            if world.venue.sockets[link].as_ref().is_some_and(|socket| socket.open) {
                world.break_off(link as u16);
            }
        }),
        // One connection breaks, hangs, or lives without prints.
        1..=3 => {
            let open = world.venue.sockets[victim].as_mut().filter(|socket| socket.open);
            match (fault, open) {
                (1, Some(_)) => world.break_off(victim as u16),
                (2, Some(socket)) => socket.mode = Mode::HalfOpen,
                (3, Some(socket)) => socket.mode = Mode::PingsOnly,
                _ => {}
            }
        }
        // One connection stops sending a symbol.
        4 => {
            let symbol = world.venue.seed.below(world.venue.symbols() as u64) as usize;
            if let Some(socket) = &mut world.venue.sockets[victim] {
                // Busy ones are found; a quiet one may be left alone until the next replacement.
                if symbol < 2 {
                    socket.wanted[symbol] = false;
                }
            }
        }
        // Nothing can be reached for up to an hour.
        _ => {
            world.venue.out = true;
            (0..4).for_each(|link| {
                if world.venue.sockets[link].as_ref().is_some_and(|socket| socket.open) {
                    world.break_off(link as u16);
                }
            });
            return world.venue.seed.below(HOUR);
        }
    }
    0
}
