//! A venue without sockets: it publishes prints, enforces its limits, and fails as told.

use std::collections::VecDeque;

use systems::units::Nanos;
use tapescan::venue::link::LinkFacts;

use super::super::support::Seed;

const MS: u64 = Nanos::PER_MS;

/// What goes over a socket.
#[derive(Clone, Debug)]
pub(super) enum Message {
    /// A command: its text.
    Command(String),
    /// An answer: the command's number, and whether it was refused.
    Answer(u64, bool),
    /// A print: symbol, id.
    Print(u16, u64),
    Ping(u64),
    Pong,
    Shutdown,
    /// The venue closed.
    Close,
}

/// How a socket fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Healthy,
    /// Nothing goes through in either direction.
    HalfOpen,
    /// Pings and answers, no prints.
    PingsOnly,
}

/// One socket as the venue sees it.
pub(super) struct Socket {
    pub(super) opens_at: Nanos,
    pub(super) open: bool,
    pub(super) mode: Mode,
    pub(super) wanted: Vec<bool>,
    to_venue: VecDeque<(Nanos, Message)>,
    to_client: VecDeque<(Nanos, Message)>,
    received: VecDeque<Nanos>,
    pinged_at: Nanos,
    ponged_at: Nanos,
}

/// A symbol's market.
struct Market {
    gap_ns: u64,
    next_at: Nanos,
    published: Vec<Nanos>,
}

/// The venue.
pub(super) struct FakeVenue {
    facts: LinkFacts,
    pub(super) seed: Seed,
    markets: Vec<Market>,
    /// This symbol is refused.
    bad: usize,
    attempts: VecDeque<Nanos>,
    pub(super) sockets: Vec<Option<Socket>>,
    /// No connection can be made.
    pub(super) out: bool,
    /// Connections cut for their age, or because they did not answer pings.
    pub(super) cuts: usize,
    pub(super) attempts_most: usize,
    pub(super) messages_most: usize,
}

impl FakeVenue {
    pub(super) fn new(
        facts: LinkFacts,
        gaps_ms: &[u64],
        links: usize,
        seed: u64,
        at: Nanos,
    ) -> Self {
        let market = |gap: &u64| Market { gap_ns: gap * MS, next_at: at, published: Vec::new() };
        Self {
            facts,
            seed: Seed(seed),
            markets: gaps_ms.iter().map(market).collect(),
            bad: gaps_ms.len() - 1,
            attempts: VecDeque::new(),
            sockets: (0..2 * links).map(|_| None).collect(),
            out: false,
            cuts: 0,
            attempts_most: 0,
            messages_most: 0,
        }
    }

    /// When each print of a symbol was published, by id.
    pub(super) fn published(&self, symbol: usize) -> &[Nanos] {
        &self.markets[symbol].published
    }

    pub(super) fn symbols(&self) -> usize {
        self.markets.len()
    }

    /// Symbols that can be followed.
    pub(super) fn good(&self) -> usize {
        self.bad
    }

    /// An attempt to connect.
    pub(super) fn dial(&mut self, link: u16, at: Nanos) {
        self.attempts.push_back(at);
        while self.attempts[0].plus(self.facts.attempts_span_ns) <= at {
            self.attempts.pop_front();
        }
        self.attempts_most = self.attempts_most.max(self.attempts.len());
        assert!(self.attempts.len() <= self.facts.attempts_max, "too many attempts");
        let opens_at = at.plus(20 * MS + self.seed.below(300) * MS);
        let wanted = vec![false; self.markets.len()];
        let (to_venue, to_client) = (VecDeque::new(), VecDeque::new());
        let (mode, received) = (Mode::Healthy, VecDeque::new());
        let socket = Socket {
            opens_at,
            open: false,
            mode,
            wanted,
            to_venue,
            to_client,
            received,
            pinged_at: opens_at,
            ponged_at: opens_at,
        };
        let slot = &mut self.sockets[usize::from(link)];
        assert!(slot.is_none(), "dialled twice without closing");
        *slot = Some(socket);
    }

    /// The client sends.
    pub(super) fn send(&mut self, link: u16, message: Message, at: Nanos) {
        // The network may hold a message back and deliver several at once.
        let arrives = at.plus(self.seed.below(150) * MS);
        let socket = self.sockets[usize::from(link)].as_mut().expect("sent to no socket");
        let last = socket.to_venue.back().map_or(Nanos(0), |(at, _)| *at);
        socket.to_venue.push_back((arrives.max(last), message));
    }

    /// Lives on to `at`.
    pub(super) fn step(&mut self, at: Nanos) {
        self.publish(at);
        for index in 0..self.sockets.len() {
            let Some(mut socket) = self.sockets[index].take() else { continue };
            self.serve(&mut socket, at);
            self.sockets[index] = Some(socket);
        }
    }

    /// What has reached the client.
    pub(super) fn arrived(&mut self, link: usize, at: Nanos) -> Option<Message> {
        let socket = self.sockets[link].as_mut()?;
        socket.to_client.pop_front_if(|(due, _)| *due <= at).map(|(_, message)| message)
    }

    fn publish(&mut self, at: Nanos) {
        for symbol in 0..self.markets.len() {
            while self.markets[symbol].next_at <= at {
                let market = &mut self.markets[symbol];
                let (now, id) = (market.next_at, market.published.len() as u64);
                market.published.push(now);
                market.next_at = now.plus(1 + pause(&mut self.seed, market.gap_ns));
                for index in 0..self.sockets.len() {
                    let delay_ns = 5 * MS + self.seed.below(120) * MS;
                    let Some(socket) = &mut self.sockets[index] else { continue };
                    if socket.open && socket.wanted[symbol] && socket.mode == Mode::Healthy {
                        socket.tell(Message::Print(symbol as u16, id), now.plus(delay_ns));
                    }
                }
            }
        }
    }

    fn serve(&mut self, socket: &mut Socket, at: Nanos) {
        if !socket.open || socket.mode == Mode::HalfOpen {
            return;
        }
        while let Some((arrived, message)) = socket.to_venue.pop_front_if(|(due, _)| *due <= at) {
            self.limit(socket, arrived);
            match message {
                Message::Command(text) => self.command(socket, &text, at),
                Message::Ping(_) => socket.tell(Message::Pong, at.plus(10 * MS)),
                Message::Pong => socket.ponged_at = at,
                _ => {}
            }
        }
        if socket.pinged_at.plus(self.facts.ping_every_ns) <= at {
            socket.pinged_at = at;
            socket.tell(Message::Ping(at.0), at.plus(10 * MS));
        }
        let unanswered = socket.ponged_at.plus(self.facts.pong_within_ns) <= at;
        if unanswered || socket.opens_at.plus(self.facts.lifetime_ns) <= at {
            self.cuts += 1;
            socket.tell(Message::Close, at);
            socket.mode = Mode::HalfOpen;
        }
    }

    fn limit(&mut self, socket: &mut Socket, arrived: Nanos) {
        socket.received.push_back(arrived);
        while socket.received[0].plus(self.facts.messages_span_ns) <= arrived {
            socket.received.pop_front();
        }
        self.messages_most = self.messages_most.max(socket.received.len());
        assert!(socket.received.len() <= self.facts.messages_max, "too many messages");
    }

    fn command(&mut self, socket: &mut Socket, text: &str, at: Nanos) {
        assert!(text.len() <= self.facts.command_max, "a command of {} bytes", text.len());
        let json: serde_json::Value = serde_json::from_str(text).unwrap();
        let names = json["params"].as_array().unwrap();
        let prints = names.iter().filter_map(|name| {
            let (symbol, stream) = name.as_str()?.strip_prefix("sym")?.split_once("usdt@")?;
            (stream == "trade").then(|| symbol.parse::<usize>().unwrap())
        });
        let prints: Vec<usize> = prints.collect();
        let subscribes = json["method"] == "SUBSCRIBE";
        let refused = subscribes && prints.contains(&self.bad);
        if !refused {
            prints.iter().for_each(|&symbol| socket.wanted[symbol] = subscribes);
        }
        let answer = Message::Answer(json["id"].as_u64().unwrap(), refused);
        socket.tell(answer, at.plus(10 * MS + self.seed.below(200) * MS));
    }
}

impl Socket {
    /// The venue sends; what is sent first arrives first.
    pub(super) fn tell(&mut self, message: Message, at: Nanos) {
        let last = self.to_client.back().map_or(Nanos(0), |(at, _)| *at);
        self.to_client.push_back((at.max(last), message));
    }
}

/// A random pause with this mean, many short and few long: the sum of halvings.
fn pause(seed: &mut Seed, mean_ns: u64) -> u64 {
    let bits = seed.next();
    let halvings = u64::from(bits.leading_zeros());
    let within = (bits << (halvings + 1)) >> 44;
    // A geometric count of ln 2, and an even share of the next.
    (halvings * 693 + within * 693 / (1 << 20)) * (mean_ns / 1_000)
}
