//! The queue of jobs: by priority, then one page per symbol in turn.
//!
//! What is waiting twice is merged. A job goes back to its place behind the other symbols after
//! each page, so a long repair of one symbol does not hold up the others.

use std::collections::{BTreeMap, VecDeque};

use systems::trade::SymbolId;
use systems::units::Nanos;

use super::budget::{Leave, Priority};
use super::limits::QUEUE_MAX;
use super::plan::Plan;
use super::retry::Tries;

/// A job that waits for its next page.
#[derive(Debug)]
pub struct Item {
    /// How far it has come.
    pub plan: Plan,
    /// When it was asked for.
    pub queued: Nanos,
    /// Not to be sent before this.
    pub ready_at: Nanos,
    /// Failures of its next page so far.
    pub tries: Tries,
}

impl Item {
    /// Weight of all that is left of it.
    fn cost(&self) -> u64 {
        u64::from(self.plan.weight()) * self.plan.requests()
    }

    fn ready_at(&self) -> Nanos {
        self.ready_at.max(self.plan.not_before())
    }
}

/// What the queue gives.
#[derive(Debug)]
pub enum Pick {
    /// This is to be sent now.
    Send(Box<Item>),
    /// Nothing before this.
    At(Nanos),
    /// Nothing waits.
    Empty,
}

/// Jobs of one priority. Those about no symbol take turns with the symbols as if they were one.
#[derive(Debug, Default)]
struct Lane {
    turns: VecDeque<Option<SymbolId>>,
    waiting: BTreeMap<Option<SymbolId>, VecDeque<Item>>,
    items: usize,
    cost: u64,
}

/// All jobs that wait.
#[derive(Debug, Default)]
pub struct Queue {
    lanes: [Lane; Priority::ALL.len()],
    merged: u64,
}

impl Queue {
    /// Whether one more may be pushed.
    pub fn has_room(&self) -> bool {
        self.len() < QUEUE_MAX
    }

    /// Jobs that wait.
    pub fn len(&self) -> usize {
        self.lanes.iter().map(|lane| lane.items).sum()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Jobs that wait, by priority.
    pub fn waiting(&self) -> [usize; Priority::ALL.len()] {
        self.lanes.each_ref().map(|lane| lane.items)
    }

    /// Weight of all that waits, by priority.
    pub fn cost(&self) -> [u64; Priority::ALL.len()] {
        self.lanes.each_ref().map(|lane| lane.cost)
    }

    /// Jobs that were merged into others.
    pub fn merged(&self) -> u64 {
        self.merged
    }

    /// Since when the oldest job has been waiting.
    pub fn oldest(&self) -> Option<Nanos> {
        let items = self.lanes.iter().flat_map(|lane| lane.waiting.values().flatten());
        items.map(|item| item.queued).min()
    }

    /// Adds a new job, or widens one that waits.
    pub fn push(&mut self, item: Item) {
        let job = item.plan.job();
        let lane = &mut self.lanes[job.priority as usize];
        let waiting = lane.waiting.entry(job.wanted.symbol()).or_default();
        for other in waiting.iter_mut() {
            let before = other.cost();
            if other.plan.merge(&job.wanted) {
                lane.cost = lane.cost - before + other.cost();
                self.merged += 1;
                return;
            }
        }
        lane.add(item, false);
    }

    /// Puts a job back that waits for its next page: before younger ones of its symbol.
    pub fn put_back(&mut self, item: Item) {
        self.lanes[item.plan.job().priority as usize].add(item, true);
    }

    /// The next job to be sent. `leave` is asked about the most urgent one alone: if that must
    /// wait for weight, so must all below it.
    pub fn pick(&mut self, now: Nanos, mut leave: impl FnMut(u32, Priority) -> Leave) -> Pick {
        let mut at: Option<Nanos> = None;
        for (lane, priority) in self.lanes.iter_mut().zip(Priority::ALL) {
            let Some((turn, place)) = lane.first_ready(now) else {
                at = at.into_iter().chain(lane.ready_at()).min();
                continue;
            };
            let weight = lane.weight(turn, place);
            match leave(weight, priority) {
                Leave::Now => return lane.take(turn, place).map_or(Pick::Empty, Pick::Send),
                Leave::At(then) => return Pick::At(at.map_or(then, |at| at.min(then))),
            }
        }
        at.map_or(Pick::Empty, Pick::At)
    }

    /// Takes everything out.
    pub fn drain(&mut self) -> Vec<Item> {
        let lanes = std::mem::take(&mut self.lanes);
        lanes.into_iter().flat_map(|lane| lane.waiting.into_values().flatten()).collect()
    }
}

impl Lane {
    fn add(&mut self, item: Item, first: bool) {
        let symbol = item.plan.job().wanted.symbol();
        self.items += 1;
        self.cost += item.cost();
        let waiting = self.waiting.entry(symbol).or_default();
        if waiting.is_empty() {
            self.turns.push_back(symbol);
        }
        if first { waiting.push_front(item) } else { waiting.push_back(item) }
    }

    /// The first turn that has an item which is ready, and the item's place.
    fn first_ready(&self, now: Nanos) -> Option<(usize, usize)> {
        self.turns.iter().enumerate().find_map(|(turn, symbol)| {
            let place = self.waiting.get(symbol)?.iter().position(|item| item.ready_at() <= now)?;
            Some((turn, place))
        })
    }

    fn ready_at(&self) -> Option<Nanos> {
        self.waiting.values().flatten().map(Item::ready_at).min()
    }

    fn weight(&self, turn: usize, place: usize) -> u32 {
        self.waiting.get(&self.turns[turn]).map_or(0, |waiting| waiting[place].plan.weight())
    }

    /// Takes one item; its symbol goes behind the others.
    fn take(&mut self, turn: usize, place: usize) -> Option<Box<Item>> {
        let symbol = self.turns.remove(turn)?;
        let waiting = self.waiting.get_mut(&symbol)?;
        let item = waiting.remove(place)?;
        if waiting.is_empty() {
            self.waiting.remove(&symbol);
        } else {
            self.turns.push_back(symbol);
        }
        self.items -= 1;
        self.cost -= item.cost();
        Some(Box::new(item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rest::plan::{Job, Wanted};
    use crate::venue::Venue;
    use systems::interval::Interval;

    const NOW: Nanos = Nanos::from_seconds(1_723_161_600);
    const MINUTE: u64 = 60 * Nanos::PER_SECOND;

    fn candles(priority: Priority, symbol: u16, from: u64, to: u64) -> Item {
        let wanted = Wanted::Candles {
            symbol: SymbolId(symbol),
            name: format!("S{symbol}").into(),
            interval: Interval::parse("1m").unwrap(),
            from: NOW.minus(90_000 * MINUTE).plus(from * MINUTE),
            to: NOW.minus(90_000 * MINUTE).plus(to * MINUTE),
        };
        let plan = Plan::new(Job { priority, wanted }, Venue::BinanceSpot).unwrap();
        let tries = Tries::default();
        Item { plan, queued: NOW, ready_at: NOW, tries }
    }

    fn order(queue: &mut Queue, now: Nanos) -> Vec<u16> {
        let mut order = Vec::new();
        while let Pick::Send(item) = queue.pick(now, |_, _| Leave::Now) {
            order.push(item.plan.job().wanted.symbol().unwrap().0);
        }
        order
    }

    #[test]
    fn symbols_take_turns_and_urgent_jobs_come_first() {
        let mut queue = Queue::default();
        for (symbol, from) in [(1, 0), (1, 100), (1, 200), (2, 0), (3, 0)] {
            queue.push(candles(Priority::WarmUp, symbol, from, from + 50));
        }
        queue.push(candles(Priority::Suspect, 4, 0, 9));
        assert_eq!((queue.len(), queue.cost()), (6, [0, 0, 2, 10, 0, 0]));
        assert_eq!(order(&mut queue, NOW), [4, 1, 2, 3, 1, 1]);
        assert_eq!((queue.len(), queue.cost(), queue.is_empty()), (0, [0; 6], true));
    }

    #[test]
    fn a_job_of_many_pages_goes_behind_the_others_after_each() {
        let mut queue = Queue::default();
        queue.push(candles(Priority::Routine, 1, 0, 2_500));
        queue.push(candles(Priority::Routine, 2, 0, 9));
        let Pick::Send(item) = queue.pick(NOW, |_, _| Leave::Now) else { panic!() };
        queue.put_back(*item);
        assert_eq!(queue.cost()[Priority::Routine as usize], 2 * 3 + 2);
        assert_eq!(order(&mut queue, NOW), [2, 1]);
    }

    #[test]
    fn ranges_that_touch_are_merged_within_a_priority() {
        let mut queue = Queue::default();
        queue.push(candles(Priority::Suspect, 1, 0, 10));
        queue.push(candles(Priority::Suspect, 1, 10, 20));
        queue.push(candles(Priority::Suspect, 1, 5, 1_500));
        queue.push(candles(Priority::Routine, 1, 0, 10));
        queue.push(candles(Priority::Suspect, 2, 0, 10));
        assert_eq!((queue.len(), queue.merged()), (3, 2));
        assert_eq!(queue.cost(), [0, 0, 4 + 2, 0, 0, 2], "1,500 candles are two pages");
    }

    #[test]
    fn what_must_wait_for_weight_lets_nothing_below_it_pass() {
        let mut queue = Queue::default();
        queue.push(candles(Priority::Suspect, 1, 0, 9));
        queue.push(candles(Priority::Routine, 2, 0, 9));
        let then = NOW.plus(7);
        let mut asked = Vec::new();
        let pick = queue.pick(NOW, |weight, priority| {
            asked.push((weight, priority));
            Leave::At(then)
        });
        assert!(matches!(pick, Pick::At(at) if at == then));
        assert_eq!(asked, [(2, Priority::Suspect)]);
    }

    #[test]
    fn what_is_not_ready_is_passed_over_and_named() {
        let mut queue = Queue::default();
        let mut parked = candles(Priority::Suspect, 1, 0, 9);
        parked.ready_at = NOW.plus(5);
        queue.push(parked);
        assert!(matches!(queue.pick(NOW, |_, _| Leave::Now), Pick::At(at) if at == NOW.plus(5)));
        queue.push(candles(Priority::Routine, 2, 0, 9));
        let mut late = candles(Priority::Backfill, 3, 90_000 - 9, 90_000);
        late.queued = NOW.minus(3);
        queue.push(late);
        assert_eq!(queue.oldest(), Some(NOW.minus(3)));
        assert_eq!(order(&mut queue, NOW), [2], "a candle that just ended is not settled");
        assert_eq!(order(&mut queue, NOW.plus(5)), [1]);
        assert_eq!(order(&mut queue, NOW.plus(3 * Nanos::PER_SECOND)), [3]);
        assert!(matches!(queue.pick(NOW, |_, _| Leave::Now), Pick::Empty));
    }

    #[test]
    fn the_queue_is_bounded() {
        let mut queue = Queue::default();
        for n in 0..QUEUE_MAX {
            assert!(queue.has_room());
            queue.push(candles(Priority::WarmUp, n as u16, 0, 9));
        }
        assert!(!queue.has_room());
        assert_eq!(queue.drain().len(), QUEUE_MAX);
        assert!(queue.is_empty());
    }
}
