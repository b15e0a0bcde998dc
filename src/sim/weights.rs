//! What each client may ask: weights per minute, connections per five minutes, and bans.
//!
//! All times are the venue's. Clients are told apart by their address, as the venue does.

use std::collections::BTreeMap;
use std::net::IpAddr;

use systems::units::Nanos;

const MINUTE_NS: u64 = 60 * Nanos::PER_SECOND;
const FIVE_MINUTES_NS: u64 = 5 * MINUTE_NS;

/// The first ban lasts two minutes, each further one twice as long, up to three days.
const BAN_NS: u64 = 2 * MINUTE_NS;
const BAN_MAX_NS: u64 = 3 * Nanos::PER_DAY;

/// Requests that a client may send on after its first 429 of a minute; the venue does not say
/// its own number.
const REFUSED_MAX: u32 = 10;

/// Connections cut for too many messages within five minutes before the client is banned.
const CUT_MAX: u32 = 10;

/// Addresses that are remembered; beyond, those without a ban are forgotten.
const CLIENTS_MAX: usize = 4_096;

/// The limits of one venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Request weight per minute.
    pub weight: u32,
    /// Requests per five minutes, whatever they weigh; `None` for no limit.
    pub requests: Option<u32>,
    /// Connections per five minutes.
    pub connections: u32,
    /// Messages per second that a client may send on one connection, control frames included.
    pub messages: u32,
}

/// The answer to a request for weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may be answered; the weight used in this minute, this request included.
    Go(u32),
    /// Too much (429): the weight used, and for how many ns to be quiet.
    TooMany(u32, u64),
    /// Banned until then (418).
    Banned(Nanos),
}

/// A count within a stretch of time that begins at multiples of its length.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    stretch: u64,
    count: u32,
}

impl Count {
    /// Adds to the count of the stretch that holds `now`; the sum.
    fn add(&mut self, more: u32, now: Nanos, length_ns: u64) -> u32 {
        let stretch = now.0 / length_ns;
        if self.stretch != stretch {
            *self = Self { stretch, count: 0 };
        }
        self.count = self.count.saturating_add(more);
        self.count
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Client {
    weight: Count,
    requests: Count,
    refused: Count,
    connections: Count,
    cut: Count,
    banned_until: Nanos,
    bans: u32,
}

/// What every client has used.
#[derive(Clone, Debug)]
pub struct Weights {
    limits: Limits,
    clients: BTreeMap<IpAddr, Client>,
}

impl Weights {
    /// Nobody has used anything.
    pub fn new(limits: Limits) -> Self {
        Self { limits, clients: BTreeMap::new() }
    }

    /// The limits.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    fn client(&mut self, ip: IpAddr, now: Nanos) -> &mut Client {
        if self.clients.len() >= CLIENTS_MAX && !self.clients.contains_key(&ip) {
            self.clients.retain(|_, client| client.banned_until > now);
        }
        self.clients.entry(ip).or_default()
    }

    /// A request of this weight comes.
    pub fn spend(&mut self, ip: IpAddr, weight: u32, now: Nanos) -> Verdict {
        let limits = self.limits;
        let client = self.client(ip, now);
        if client.banned_until > now {
            return Verdict::Banned(client.banned_until);
        }
        let used = client.weight.add(weight, now, MINUTE_NS);
        let requests = client.requests.add(1, now, FIVE_MINUTES_NS);
        let left_of = |length: u64| length - now.0 % length;
        let retry_ns = if used > limits.weight {
            left_of(MINUTE_NS)
        } else if limits.requests.is_some_and(|most| requests > most) {
            left_of(FIVE_MINUTES_NS)
        } else {
            return Verdict::Go(used);
        };
        if client.refused.add(1, now, MINUTE_NS) > REFUSED_MAX {
            return Verdict::Banned(client.ban(now));
        }
        Verdict::TooMany(used, retry_ns)
    }

    /// The weight that a client has used in the minute of `now`.
    pub fn used(&mut self, ip: IpAddr, now: Nanos) -> u32 {
        self.client(ip, now).weight.add(0, now, MINUTE_NS)
    }

    /// A connection is attempted: whether it may be made, or for how many ns not.
    pub fn connect(&mut self, ip: IpAddr, now: Nanos) -> Result<(), u64> {
        let most = self.limits.connections;
        let client = self.client(ip, now);
        if client.banned_until > now {
            return Err(client.banned_until.0 - now.0);
        }
        match client.connections.add(1, now, FIVE_MINUTES_NS) > most {
            true => Err(FIVE_MINUTES_NS - now.0 % FIVE_MINUTES_NS),
            false => Ok(()),
        }
    }

    /// A connection was cut because its client sent too many messages.
    pub fn cut(&mut self, ip: IpAddr, now: Nanos) {
        let client = self.client(ip, now);
        if client.cut.add(1, now, FIVE_MINUTES_NS) >= CUT_MAX {
            client.ban(now);
        }
    }
}

impl Client {
    fn ban(&mut self, now: Nanos) -> Nanos {
        let length = BAN_NS.checked_shl(self.bans).map_or(BAN_MAX_NS, |ns| ns.min(BAN_MAX_NS));
        self.bans = (self.bans + 1).min(16);
        self.banned_until = now.plus(length);
        self.banned_until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IP: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const LIMITS: Limits = Limits { weight: 100, requests: Some(500), connections: 3, messages: 5 };

    fn at(seconds: u64) -> Nanos {
        Nanos::from_seconds(1_723_161_600 + seconds)
    }

    #[test]
    fn weight_runs_out_and_comes_back_with_the_minute() {
        let mut weights = Weights::new(LIMITS);
        assert_eq!(weights.spend(IP, 40, at(10)), Verdict::Go(40));
        assert_eq!(weights.spend(IP, 60, at(20)), Verdict::Go(100));
        let left = 35 * Nanos::PER_SECOND;
        assert_eq!(weights.spend(IP, 1, at(25)), Verdict::TooMany(101, left));
        let other = IpAddr::from([127, 0, 0, 2]);
        assert_eq!(weights.spend(other, 1, at(25)), Verdict::Go(1));
        assert_eq!(weights.spend(IP, 1, at(60)), Verdict::Go(1));
    }

    #[test]
    fn going_on_after_429_is_a_ban_and_bans_get_longer() {
        let mut weights = Weights::new(LIMITS);
        let mut begin = 0;
        for minutes in [2, 4, 8] {
            weights.spend(IP, 100, at(begin));
            for _ in 0..REFUSED_MAX {
                assert!(matches!(weights.spend(IP, 1, at(begin + 1)), Verdict::TooMany(..)));
            }
            let until = at(begin + 1 + minutes * 60);
            assert_eq!(weights.spend(IP, 1, at(begin + 1)), Verdict::Banned(until));
            assert_eq!(weights.spend(IP, 1, until.minus(1)), Verdict::Banned(until));
            begin += (minutes + 1) * 60;
        }
    }

    #[test]
    fn requests_and_connections_are_counted_too() {
        let mut weights = Weights::new(LIMITS);
        assert!((0..3).all(|_| weights.connect(IP, at(1)).is_ok()));
        assert_eq!(weights.connect(IP, at(1)), Err(299 * Nanos::PER_SECOND));
        assert!(weights.connect(IP, at(300)).is_ok());
        for second in 0..500 {
            assert!(matches!(weights.spend(IP, 0, at(600 + second % 300)), Verdict::Go(_)));
        }
        assert!(matches!(weights.spend(IP, 0, at(899)), Verdict::TooMany(..)));
        (0..CUT_MAX).for_each(|_| weights.cut(IP, at(900)));
        assert!(weights.connect(IP, at(901)).is_err());
    }
}
