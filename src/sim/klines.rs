//! Candles on their way to those who have their streams, and what goes wrong with them.

use systems::candle::VenueCandle;
use systems::units::Nanos;

use super::chance::hash;
use super::faults::Fault;
use super::hub::Hub;
use super::intervals::INTERVALS;
use super::kinds::Kind;
use super::subscriptions::Stream;
use super::text::Wording;
use super::timed::Push;

/// Faults of closing messages.
const FAULTS: [Kind; 3] = [Kind::LateKline, Kind::MissingKline, Kind::WrongKline];

impl Hub {
    pub(super) fn send_klines(&mut self, now: Nanos) {
        let mut pushes = std::mem::take(&mut self.pushes);
        let subscribers = &self.subscribers;
        let has = |symbol, interval| !subscribers.of(Stream::Kline(symbol, interval)).is_empty();
        self.timed.advance(now, &self.market, has, &mut pushes);
        for mut push in pushes.drain(..) {
            let name = &self.market.listings[usize::from(push.symbol)].spec.name;
            let silent = self
                .schedule
                .hit_if(Kind::SilentSymbol, now, 0, |fault| fault.symbol.as_deref() == Some(name));
            if silent.is_some() {
                continue;
            }
            if push.closed && INTERVALS[usize::from(push.interval)].name == "1m" {
                let symbol = usize::from(push.symbol);
                push.kline =
                    self.as_published(symbol, push.kline.candle.open_time, now, push.kline);
            }
            if push.closed && self.schedule.has(&FAULTS) && !self.spoil_kline(&mut push, now) {
                continue;
            }
            self.send_kline(&push, now);
        }
        self.pushes = pushes;
        let due = self.late_klines.extract_if(.., |(at, _)| *at <= now);
        let due: Vec<_> = due.collect();
        due.iter().for_each(|(_, push)| self.send_kline(push, now));
    }

    /// Does to a closing message what the faults say; whether it is to be sent now.
    fn spoil_kline(&mut self, push: &mut Push, now: Nanos) -> bool {
        let Push { symbol, interval, .. } = *push;
        let name = &self.market.listings[usize::from(symbol)].spec.name;
        let key = hash(&[symbol.into(), interval.into(), push.end.0]);
        let concerns = |fault: &Fault| fault.symbol.as_deref().is_none_or(|only| only == &**name);
        let hit = |kind| self.schedule.hit_if(kind, now, key, concerns);
        if hit(Kind::MissingKline).is_some() {
            return false;
        }
        if hit(Kind::WrongKline).is_some() {
            // As if it held a print more.
            push.kline.candle.trades += 1;
            push.kline.candle.volume.0 += 1;
        }
        if let Some(fault) = hit(Kind::LateKline) {
            self.late_klines.push((now.plus(fault.by_ns), *push));
            return false;
        }
        true
    }

    fn send_kline(&mut self, push: &Push, now: Nanos) {
        let listing = &self.market.listings[usize::from(push.symbol)];
        let interval = &INTERVALS[usize::from(push.interval)];
        let to = self.subscribers.of(Stream::Kline(push.symbol, push.interval));
        let channel = ["@kline_", interval.name].concat();
        let venue = self.market.venue;
        self.links.deliver(to, (&listing.lower, &channel), &|text, unit| {
            let (name, wording) = (interval.name, Wording { venue, unit });
            wording.kline(text, now, listing, (name, push.end), &push.kline, push.closed);
        });
    }

    /// A minute as the venue shows it at `now`: without its last print while it will be revised.
    pub(super) fn as_published(
        &self,
        symbol: usize,
        open: Nanos,
        now: Nanos,
        truth: VenueCandle,
    ) -> VenueCandle {
        let name = &self.market.listings[symbol].spec.name;
        let key = hash(&[symbol as u64, open.0]);
        let end = open.plus(60 * Nanos::PER_SECOND);
        let concerns = |fault: &Fault| {
            fault.symbol.as_deref().is_none_or(|only| only == &**name)
                && now.0 < end.0.saturating_add(fault.by_ns)
        };
        match self.schedule.hit_if(Kind::Revise, end, key, concerns) {
            Some(_) if now >= end => self.market.truth.minute_without_last(symbol, open),
            _ => truth,
        }
    }
}
