//! What a drive has fetched: heads of candles, what the core asks for, and what came of it.

use std::ops::Range;

use systems::dispatch::Request;
use systems::units::Nanos;

use super::{Drive, Parts, Ports};
use crate::live::record::Kept;
use crate::rest::arrival::{Arrival, News};
use crate::rest::budget::Priority;
use crate::rest::plan::{Job, Wanted};
use crate::tape::entry::Body;
use crate::venue::Channel;
use crate::venue::binance::server_time;

impl<P: Ports> Drive<P> {
    pub(super) fn arrived(&mut self, arrival: Arrival) {
        let at = arrival.received;
        match arrival.news {
            News::Ended { job, .. } => self.ended(&job, at),
            news => {
                if let News::Answer { request, sent, text, .. } = &news {
                    let market = self.parts.engine.now();
                    self.parts.latency.answered(request, *sent, at, market);
                    if let Some(stamp) = server_time(text) {
                        self.parts.fleet.server_time(*sent, stamp, at);
                    }
                }
                if let Some(kept) = Kept::of(news) {
                    self.enter(at, kept);
                }
            }
        }
    }

    /// The core hears of the end of what it asked for. A warm-up may have been merged with a
    /// request of the core's, so its end counts too; a head is none of the core's.
    pub(super) fn ended(&mut self, job: &Job, at: Nanos) {
        if job.priority == Priority::WarmUp {
            self.status.warm_up.0 += 1;
        }
        let (symbol, interval) = match job.wanted {
            Wanted::Instruments => return self.parts.listing.answered(),
            Wanted::Head { .. } => return self.beginnings.head_ended(),
            Wanted::Ids { symbol, .. } => (symbol, None),
            Wanted::Candles { symbol, interval, .. } => (symbol, Some(interval)),
            _ => return,
        };
        self.enter(at, Kept::Plain(Body::Done { symbol, interval }));
    }

    /// Has something fetched that the core asks for.
    fn want(&mut self, request: &Request) {
        let Parts { session, intervals, candles, .. } = &self.parts;
        let wanted = Wanted::of(request, session.symbols(), intervals, Channel::AggregateTrades);
        let priority = match request {
            Request::Ids { .. } => Priority::Backfill,
            Request::Candles { .. } => *candles,
        };
        // Before the warm-up: the worker has its own order, this list is only its antechamber.
        self.waiting.push_front(Job { priority, wanted });
    }

    /// Looks at candles for which the venue's must have come over its stream by now: what is
    /// proven need not be asked for.
    pub(super) fn look_back(&mut self, at: Nanos) {
        while let Some((symbol, interval, wanted)) = self.parts.streamed.due(self.venue_now) {
            match self.parts.engine.unproven(symbol, interval, wanted) {
                Some(Range { start: from, end: to }) => {
                    self.want(&Request::Candles { symbol, interval, from, to });
                }
                None => {
                    self.status.spared += 1;
                    let interval = Some(self.parts.intervals[usize::from(interval)]);
                    self.enter(at, Kept::Plain(Body::Done { symbol, interval }));
                }
            }
        }
    }

    /// Hands jobs to the worker while it has room.
    pub(super) fn ask(&mut self) {
        let mut requests = std::mem::take(&mut self.requests);
        for request in requests.drain(..) {
            if !self.parts.streamed.hold(&request) {
                self.want(&request);
            }
        }
        self.requests = requests;
        while let Some(job) = self.waiting.pop_front() {
            if let Some(job) = self.ports.job(job) {
                return self.waiting.push_front(job);
            }
        }
        self.ask_for_heads();
    }

    /// The same with what the first candles lack, once nothing else waits.
    fn ask_for_heads(&mut self) {
        let Self { beginnings, parts, status, ports, .. } = self;
        let is_wanted = |symbol, from| parts.engine.wants_prints(symbol, from);
        while let Some(head) = beginnings.next_head(is_wanted, &mut status.spared) {
            if let Some(head) = ports.job(head) {
                return beginnings.give_back(head);
            }
        }
    }

    /// What was wanted and not handed to the worker: by the core, by this drive, and what waits for
    /// a stream that has not proven it.
    pub(super) fn not_asked(&mut self) -> usize {
        let mut unproven = 0;
        while let Some((symbol, interval, wanted)) = self.parts.streamed.due(Nanos(u64::MAX)) {
            let open = self.parts.engine.unproven(symbol, interval, wanted).is_some();
            unproven += usize::from(open);
        }
        let core = self.parts.engine.queue().waiting + self.requests.len();
        core + self.waiting.len() + self.beginnings.waiting() + unproven
    }
}
