//! The weight budget of one venue and IP: who may send now, or when.
//!
//! Weight is summed over a sliding minute, and what the venue says in its headers is added to by
//! what was sent since. The larger of the two counts, so other programs behind the same address
//! are taken into account. Instants are handed in; nothing here waits.

use std::collections::VecDeque;

use systems::units::Nanos;

use super::limits::{
    BAN_NS_MAX, BAN_NS_MIN, FIREWALL_NS, PAUSE_NS, PAUSE_NS_MAX, PAUSE_NS_MIN, SHARE_PERCENT,
    WINDOW_NS,
};

/// What a request is for, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Symbols and the venue's clock: without them nothing starts.
    Instruments,
    /// Missing prints by id.
    Backfill,
    /// Candles that may have missed prints.
    Suspect,
    /// History at start.
    WarmUp,
    /// What the candles that were forming at the start lack. Each costs as much as the history of
    /// its symbol, and mends one candle, which the venue's own may have mended before.
    Head,
    /// Candles that are probably right.
    Routine,
}

impl Priority {
    /// All, the most urgent first.
    pub const ALL: [Self; 6] =
        [Self::Instruments, Self::Backfill, Self::Suspect, Self::WarmUp, Self::Head, Self::Routine];

    /// Percent of our allowance that may be used up when a request of this priority leaves. The
    /// rest is kept for those above it.
    const fn reach_percent(self) -> u32 {
        match self {
            Self::Instruments => 100,
            Self::Backfill => 95,
            Self::Suspect => 85,
            Self::WarmUp => 75,
            Self::Head => 65,
            Self::Routine => 50,
        }
    }
}

/// Whether a request may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// Now.
    Now,
    /// Not before this; ask again then.
    At(Nanos),
}

/// Why nothing may be sent at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// When it ends.
    pub until: Nanos,
    /// The venue banned this IP, rather than asking for a pause.
    pub banned: bool,
}

/// A request that was sent: tells which answer is newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sent(u64);

/// What the venue said last about the weight used.
#[derive(Clone, Copy, Debug)]
struct Told {
    used: u32,
    /// The request whose answer said it.
    by: Sent,
    /// The first request sent after it was heard.
    heard_before: Sent,
    /// When it was heard.
    at: Nanos,
}

/// The weight budget of one venue and IP.
#[derive(Debug)]
pub struct Budget {
    /// Weight that we allow in any minute.
    allowed: u32,
    /// What was sent in the last minute, oldest first: at most `allowed` entries.
    spent: VecDeque<(Sent, Nanos, u32)>,
    next: Sent,
    told: Option<Told>,
    closed: Option<Closed>,
    /// Bans in a row.
    bans: u32,
}

impl Budget {
    /// A budget of `share_percent` of the venue's weight per minute.
    pub fn new(weight_per_minute: u32, share_percent: u32) -> Self {
        let share = share_percent.clamp(SHARE_PERCENT.0, SHARE_PERCENT.1);
        let allowed = (u64::from(weight_per_minute) * u64::from(share) / 100) as u32;
        let (spent, next) = (VecDeque::new(), Sent(0));
        Self { allowed, spent, next, told: None, closed: None, bans: 0 }
    }

    /// Weight that may be used in any minute.
    pub fn allowed(&self) -> u32 {
        self.allowed
    }

    /// Weight that counts as used at `now`: ours, or the venue's figure where that is larger.
    pub fn used(&self, now: Nanos) -> u32 {
        let recent = self.spent.iter().filter(|(_, at, _)| now < at.plus(WINDOW_NS));
        let ours = recent.map(|(_, _, weight)| weight).sum();
        self.told(now).map_or(0, |told| self.by_header(told)).max(ours)
    }

    /// Why nothing may be sent at `now`, if so.
    pub fn closed(&self, now: Nanos) -> Option<Closed> {
        self.closed.filter(|closed| now < closed.until)
    }

    /// Whether a request of `weight` and `priority` may leave.
    pub fn ask(&mut self, weight: u32, priority: Priority, now: Nanos) -> Leave {
        if let Some(closed) = self.closed(now) {
            return Leave::At(closed.until);
        }
        self.forget(now);
        // A request that exceeds its reach alone must leave some time: when nothing else is used.
        let reach = self.reach(priority).max(weight);
        let mut free_at = now;
        if let Some(told) = self.told(now)
            && self.by_header(told).saturating_add(weight) > reach
        {
            free_at = told.at.plus(WINDOW_NS);
        }
        let mut ours: u32 = self.spent.iter().map(|(_, _, weight)| weight).sum();
        for (_, at, gone) in &self.spent {
            if ours + weight <= reach {
                break;
            }
            ours -= gone;
            free_at = free_at.max(at.plus(WINDOW_NS));
        }
        if free_at > now { Leave::At(free_at) } else { Leave::Now }
    }

    /// Notes that a request leaves.
    pub fn send(&mut self, weight: u32, now: Nanos) -> Sent {
        let sent = self.next;
        self.next.0 += 1;
        self.spent.push_back((sent, now, weight));
        sent
    }

    /// Notes what the answer to a request said about the weight used.
    ///
    /// A smaller figure is believed only if its request left after the larger one was heard:
    /// answers overtake each other.
    pub fn told_used(&mut self, by: Sent, used: u32, now: Nanos) {
        let newer = self.told(now).is_none_or(|told| used >= told.used || by >= told.heard_before);
        if newer {
            self.told = Some(Told { used, by, heard_before: self.next, at: now });
        }
    }

    /// Notes a good answer.
    pub fn answered(&mut self) {
        self.bans = 0;
    }

    /// Notes a 429, with the seconds that the venue asks for.
    pub fn pause(&mut self, retry_after_s: Option<u64>, now: Nanos) {
        let asked = retry_after_s.map_or(PAUSE_NS, |s| s.saturating_mul(Nanos::PER_SECOND));
        self.close(now.plus(asked.clamp(PAUSE_NS_MIN, PAUSE_NS_MAX)), false);
    }

    /// Notes a 403: the firewall before the venue.
    pub fn firewall(&mut self, now: Nanos) {
        self.close(now.plus(FIREWALL_NS), false);
    }

    /// Notes a 418, with the seconds and the instant that the venue gives; the later one counts.
    pub fn ban(&mut self, retry_after_s: Option<u64>, until: Option<Nanos>, now: Nanos) {
        let by_header = retry_after_s.map(|s| now.plus(s.saturating_mul(Nanos::PER_SECOND)));
        let unsaid = now.plus(BAN_NS_MIN << self.bans.min(12));
        let until = by_header.max(until).unwrap_or(unsaid);
        self.bans += 1;
        self.close(until.clamp(now.plus(BAN_NS_MIN), now.plus(BAN_NS_MAX)), true);
    }

    /// How long `weight` takes at `priority` if nothing else is sent, in nanoseconds; requests
    /// themselves are taken to need no time.
    pub fn eta_ns(&self, weight: u64, priority: Priority, now: Nanos) -> u64 {
        let closed = self.closed(now).map_or(0, |closed| closed.until.0 - now.0);
        let reach = self.reach(priority).max(1);
        let room = u64::from(reach.saturating_sub(self.used(now)));
        closed + weight.saturating_sub(room).div_ceil(u64::from(reach)) * WINDOW_NS
    }

    fn reach(&self, priority: Priority) -> u32 {
        (u64::from(self.allowed) * u64::from(priority.reach_percent()) / 100) as u32
    }

    fn told(&self, now: Nanos) -> Option<Told> {
        self.told.filter(|told| now < told.at.plus(WINDOW_NS))
    }

    fn by_header(&self, told: Told) -> u32 {
        let since = self.spent.iter().rev().take_while(|(sent, ..)| *sent > told.by);
        since.fold(told.used, |used, (_, _, weight)| used.saturating_add(*weight))
    }

    fn forget(&mut self, now: Nanos) {
        while self.spent.front().is_some_and(|(_, at, _)| at.plus(WINDOW_NS) <= now) {
            self.spent.pop_front();
        }
    }

    /// A later end stands, and a ban stays one.
    fn close(&mut self, until: Nanos, banned: bool) {
        let known = self.closed.filter(|known| known.until >= until);
        self.closed = Some(known.unwrap_or(Closed { until, banned }));
    }
}

#[cfg(test)]
mod tests;
