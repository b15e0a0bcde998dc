//! The desk joins budget, queue and plans: which request leaves now, and what its answer means.
//!
//! It is told the time and never waits, so every fault can be played through in a table. The
//! worker around it only carries requests out and answers back.

use std::collections::VecDeque;

use systems::units::Nanos;

use super::arrival::{Arrival, End, News};
use super::budget::{Budget, Closed, Priority, Sent};
use super::client::Reply;
use super::limits::{EXCERPT_MAX, IN_FLIGHT_MAX, SETTLE_NS};
use super::plan::{Job, Lost, Plan, Reason, Step, Wanted};
use super::queue::{Item, Pick, Queue};
use super::repeats::{Repeat, Repeats};
use super::retry::{Backoff, Failure, Tries};
use crate::venue::Venue;

/// A request on its way.
#[derive(Debug)]
pub struct Sending {
    /// Path and query.
    pub request: String,
    /// Bytes of the largest answer worth reading.
    pub body_max: usize,
    item: Box<Item>,
    sent: Sent,
    at: Nanos,
}

impl Sending {
    /// The job that it is part of, for when the answer does not matter any more.
    pub fn into_job(self) -> Job {
        self.item.plan.into_job()
    }
}

/// What to do next.
#[derive(Debug)]
pub enum Next {
    /// Send this.
    Send(Sending),
    /// Nothing before this, unless an answer or a job comes.
    At(Nanos),
    /// Nothing, until an answer or a job comes.
    Idle,
}

/// The state of it all, for people to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Jobs that wait, in the order of [`Priority::ALL`].
    pub waiting: [usize; Priority::ALL.len()],
    /// How long the oldest of them has been waiting, in nanoseconds.
    pub oldest_ns: u64,
    /// Requests under way.
    pub in_flight: u32,
    /// Jobs that were merged into others since the start.
    pub merged: u64,
    /// Requests sent since the start.
    pub sent: u64,
    /// Requests that failed since the start.
    pub failed: u64,
    /// Jobs that were given up since the start.
    pub given_up: u64,
    /// Weight used in the last minute, by us or by the venue's figure.
    pub used: u32,
    /// Weight that may be used in a minute.
    pub allowed: u32,
    /// Weight of all that waits, in the order of [`Priority::ALL`].
    pub cost: [u64; Priority::ALL.len()],
    /// How long that takes at least, in nanoseconds.
    pub eta_ns: u64,
    /// The same of the warm-up and what comes before it.
    pub warm_up_ns: u64,
    /// Why nothing may be sent, and until when.
    pub closed: Option<Closed>,
    /// What went wrong last.
    pub last_failure: Option<String>,
}

/// Budget, queue and plans of one venue.
#[derive(Debug)]
pub struct Desk {
    venue: Venue,
    budget: Budget,
    queue: Queue,
    backoff: Backoff,
    repeats: Repeats,
    /// Requests that may be under way: one more after a round of good answers, half as many after
    /// a sign of congestion. In tenths.
    window: u32,
    in_flight: u32,
    out: VecDeque<Arrival>,
    sent: u64,
    failed: u64,
    given_up: u64,
    last_failure: Option<String>,
}

/// Where the window begins, in tenths of a request.
const WINDOW_START: u32 = 40;

impl Desk {
    /// A desk that has nothing to do.
    pub fn new(venue: Venue, budget: Budget, backoff: Backoff) -> Self {
        Self {
            venue,
            budget,
            queue: Queue::default(),
            backoff,
            repeats: Repeats::default(),
            window: WINDOW_START,
            in_flight: 0,
            out: VecDeque::new(),
            sent: 0,
            failed: 0,
            given_up: 0,
            last_failure: None,
        }
    }

    /// Whether one more job can be taken.
    pub fn has_room(&self) -> bool {
        self.queue.has_room()
    }

    /// Takes a job.
    pub fn accept(&mut self, job: Job, now: Nanos) {
        let mut ready_at = now;
        if let Wanted::Ids { symbol, from_id, to_id, .. } = job.wanted {
            match self.repeats.want(symbol, from_id) {
                Repeat::No => {}
                Repeat::Times(times) => ready_at = now.plus(SETTLE_NS << times),
                Repeat::TooOften(last) => {
                    let (to_id, reason) = (to_id.min(last), Reason::NotUsable);
                    let news =
                        News::Unrecoverable { symbol, from_id, to_id, reason: reason.clone() };
                    self.tell(news, now);
                    return self.end(job, End::GivenUp(reason), now);
                }
            }
        }
        match Plan::new(job, self.venue) {
            Ok(plan) => {
                let tries = Tries::default();
                self.queue.push(Item { plan, queued: now, ready_at, tries });
            }
            Err((job, reason)) => {
                if let Wanted::Ids { symbol, from_id, to_id, .. } = job.wanted
                    && from_id <= to_id
                {
                    let reason = reason.clone();
                    self.tell(News::Unrecoverable { symbol, from_id, to_id, reason }, now);
                }
                self.end(job, End::GivenUp(reason), now);
            }
        }
    }

    /// The next request, if one may leave.
    pub fn next(&mut self, now: Nanos) -> Next {
        if self.in_flight >= self.window / 10 {
            return Next::Idle;
        }
        let budget = &mut self.budget;
        let item = match self.queue.pick(now, |weight, class| budget.ask(weight, class, now)) {
            Pick::Send(item) => item,
            Pick::At(then) => return Next::At(then),
            Pick::Empty => return Next::Idle,
        };
        let Some(ask) = item.plan.ask() else {
            self.finish(item, End::GivenUp(Reason::NotOffered), now);
            return self.next(now);
        };
        let sent = self.budget.send(ask.weight, now);
        self.in_flight += 1;
        self.sent += 1;
        Next::Send(Sending { request: ask.path, body_max: ask.body_max, item, sent, at: now })
    }

    /// Takes what came of a request; `now` is when its last byte was received.
    pub fn take(&mut self, sending: Sending, result: Result<Reply, Failure>, now: Nanos) {
        self.in_flight -= 1;
        let Sending { request, mut item, sent, at, .. } = sending;
        let result = result.and_then(|reply| self.judge(reply, sent, now));
        let step = match &result {
            Err(failure) => Step::Again(failure.clone()),
            Ok(body) => match self.venue.page(&item.plan.endpoint(), body) {
                Ok(page) => item.plan.take(&page, now),
                Err(error) => Step::Again(Failure::Nonsense(error.to_string())),
            },
        };
        if let (Step::More | Step::Done, Ok(text)) = (&step, result) {
            self.tell(News::Answer { sent: at, request, text }, now);
        }
        match step {
            Step::Again(failure) => self.again(item, failure, now),
            Step::More | Step::Found => {
                self.widen();
                (item.tries, item.ready_at) = (Tries::default(), now);
                self.tell_lost(&mut item, now);
                self.queue.put_back(*item);
            }
            Step::Done | Step::Nothing => {
                self.widen();
                let missing = item.plan.missing();
                self.finish(item, End::Complete { missing }, now);
            }
        }
    }

    /// Something to be handed on, in order.
    pub fn next_arrival(&mut self) -> Option<Arrival> {
        self.out.pop_front()
    }

    /// Whether something is to be handed on.
    pub fn has_arrivals(&self) -> bool {
        !self.out.is_empty()
    }

    /// The jobs that still wait; those under way are not among them.
    pub fn into_jobs(mut self) -> Vec<Job> {
        self.queue.drain().into_iter().map(|item| item.plan.into_job()).collect()
    }

    /// The state of it all.
    pub fn snapshot(&self, now: Nanos) -> Snapshot {
        let cost = self.queue.cost();
        let down_to = |limit: Priority| {
            let costs = Priority::ALL.into_iter().zip(cost).filter(|(one, _)| *one <= limit);
            let lowest = costs.clone().rev().find(|(_, cost)| *cost > 0);
            let weight = costs.map(|(_, cost)| cost).sum();
            lowest.map_or(0, |(priority, _)| self.budget.eta_ns(weight, priority, now))
        };
        Snapshot {
            waiting: self.queue.waiting(),
            oldest_ns: self.queue.oldest().map_or(0, |since| now.0.saturating_sub(since.0)),
            in_flight: self.in_flight,
            merged: self.queue.merged(),
            sent: self.sent,
            failed: self.failed,
            given_up: self.given_up,
            used: self.budget.used(now),
            allowed: self.budget.allowed(),
            cost,
            eta_ns: down_to(Priority::Routine),
            warm_up_ns: down_to(Priority::WarmUp),
            closed: self.budget.closed(now),
            last_failure: self.last_failure.clone(),
        }
    }

    /// What a reply says about weight, and its body if it is a good one.
    fn judge(&mut self, reply: Reply, sent: Sent, now: Nanos) -> Result<Vec<u8>, Failure> {
        if let Some(used) = reply.used_weight {
            self.budget.told_used(sent, used, now);
        }
        if reply.status == 200 {
            self.budget.answered();
            return Ok(reply.body);
        }
        let refusal = self.venue.refusal(&reply.body);
        match reply.status {
            429 => self.budget.pause(reply.retry_after_s, now),
            418 => {
                let until = refusal.and_then(|refusal| refusal.banned_until);
                self.budget.ban(reply.retry_after_s, until, now);
            }
            403 => self.budget.firewall(now),
            _ => {}
        }
        if let (403 | 418 | 429, Some(closed)) = (reply.status, self.budget.closed(now)) {
            let seconds = (closed.until.0 - now.0) / Nanos::PER_SECOND;
            log::warn!("status {}: no requests for {seconds} s", reply.status);
        }
        let code = refusal.map(|refusal| refusal.code);
        Err(Failure::Refused { status: reply.status, code, excerpt: excerpt(&reply.body) })
    }

    fn again(&mut self, mut item: Box<Item>, failure: Failure, now: Nanos) {
        self.failed += 1;
        self.last_failure = Some(failure.to_string());
        if failure.is_congestion() {
            self.window = (self.window / 2).max(10);
        }
        let tries = item.tries.note(&failure);
        let wait = if item.plan.job().priority == Priority::Instruments {
            self.backoff.soon_ns(&failure, tries)
        } else {
            self.backoff.wait_ns(&failure, tries)
        };
        if let Some(wait) = wait {
            tell_failure(item.plan.job(), &failure, wait);
            item.ready_at = now.plus(wait);
            self.tell_lost(&mut item, now);
            return self.queue.put_back(*item);
        }
        if item.plan.give_up(&failure) {
            (item.tries, item.ready_at) = (Tries::default(), now);
            self.tell_lost(&mut item, now);
            return self.queue.put_back(*item);
        }
        log::warn!("given up: {failure}: {:?}", item.plan.job().wanted);
        self.finish(item, End::GivenUp(Reason::Failed(failure)), now);
    }

    fn widen(&mut self) {
        // One more request after about a window of good answers.
        self.window = (self.window + 100 / self.window.max(10)).min(IN_FLIGHT_MAX * 10);
    }

    fn finish(&mut self, mut item: Box<Item>, end: End, now: Nanos) {
        self.tell_lost(&mut item, now);
        let job = item.plan.into_job();
        if let (Wanted::Ids { symbol, from_id, to_id, .. }, End::Complete { .. }) =
            (&job.wanted, &end)
        {
            self.repeats.fetched(*symbol, *from_id, *to_id);
        }
        self.end(job, end, now);
    }

    fn end(&mut self, job: Job, end: End, now: Nanos) {
        self.given_up += u64::from(matches!(end, End::GivenUp(_)));
        self.tell(News::Ended { job, end }, now);
    }

    fn tell_lost(&mut self, item: &mut Item, now: Nanos) {
        let Some(symbol) = item.plan.job().wanted.symbol() else { return };
        for Lost { from_id, to_id, reason } in item.plan.drain_lost() {
            self.tell(News::Unrecoverable { symbol, from_id, to_id, reason }, now);
        }
    }

    fn tell(&mut self, news: News, received: Nanos) {
        self.out.push_back(Arrival { received, news });
    }
}

/// Says what went wrong, loudly if nothing goes on without it.
fn tell_failure(job: &Job, failure: &Failure, wait_ns: u64) {
    // While the venue takes none, the budget says how long.
    if wait_ns == 0 {
        return;
    }
    let level = match job.priority {
        Priority::Instruments => log::Level::Warn,
        _ => log::Level::Debug,
    };
    let seconds = wait_ns as f64 / Nanos::PER_SECOND as f64;
    log::log!(level, "{:?}: {failure}; asked again in {seconds:.1} s", job.wanted);
}

/// The beginning of a refusal's text, safe to print.
fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(EXCERPT_MAX)]);
    text.escape_debug().collect::<String>().chars().take(EXCERPT_MAX).collect()
}

#[cfg(test)]
mod tests;
