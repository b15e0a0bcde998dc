//! What goes wrong with connections, as orders to them.

use systems::units::Nanos;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::faults::Fault;
use super::hub::Hub;
use super::kinds::Kind;
use super::links::Order;

/// Faults that are looked for with every connection.
const LINK_FAULTS: [Kind; 2] = [Kind::HalfOpen, Kind::PingsOnly];

impl Hub {
    /// Drops what was to go to connections that hear nothing.
    pub(super) fn silence(&mut self, now: Nanos) {
        if !self.schedule.has(&LINK_FAULTS) {
            return;
        }
        let schedule = &self.schedule;
        for (number, link) in self.links.iter_mut() {
            if LINK_FAULTS.iter().any(|kind| schedule.on_link(*kind, now, number).is_some()) {
                link.drop_messages();
            }
        }
    }

    /// What goes wrong with connections between the last pump and this one.
    pub(super) fn strike(&mut self, before: Nanos, now: Nanos) {
        let due: Vec<Fault> = self.schedule.instants(before, now).into_iter().cloned().collect();
        for fault in due {
            log::debug!("fault: {}", fault.kind);
            match fault.kind {
                Kind::Disconnect => self.order(fault.link, || Order::Close(fault.code, "fault")),
                Kind::Oversized => self.order(fault.link, || Order::Oversized(fault.bytes)),
                Kind::CutFrame => self.cut(fault.link, Order::CutFrame),
                Kind::Reset => self.cut(fault.link, Order::Reset),
                Kind::RepeatLast => self.repeat_last(fault.link, fault.count),
                Kind::Shutdown => {
                    self.closing.push((now.plus(fault.by_ns), fault.link));
                    self.announce_shutdown(fault.link);
                }
                _ => {}
            }
        }
        if self.closing.iter().any(|(at, _)| *at <= now) {
            let (due, later): (Vec<_>, Vec<_>) =
                self.closing.drain(..).partition(|(at, _)| *at <= now);
            self.closing = later;
            for (_, link) in due {
                self.order(link, || Order::Close(1012, "service restart"));
            }
        }
    }

    /// Gives an order to one connection, or to all.
    pub(super) fn order(&mut self, only: Option<u32>, order: impl Fn() -> Order) {
        for (number, link) in self.links.iter_mut() {
            if only.is_none_or(|only| only == number) {
                link.order(order());
            }
        }
    }

    fn cut(&mut self, only: Option<u32>, order: fn(Utf8Bytes) -> Order) {
        for (number, link) in self.links.iter_mut() {
            if only.is_none_or(|only| only == number) {
                let text = link.last.clone().unwrap_or_else(|| "{\"e\":\"trade\",\"E\":17".into());
                link.order(order(text));
            }
        }
    }

    fn repeat_last(&mut self, only: Option<u32>, count: u32) {
        for (number, link) in self.links.iter_mut() {
            if only.is_some_and(|only| only != number) {
                continue;
            }
            if let Some(last) = link.last.clone() {
                (0..count).for_each(|_| link.push(last.clone()));
                link.flush();
            }
        }
    }

    fn announce_shutdown(&mut self, only: Option<u32>) {
        let now = self.now;
        for (number, link) in self.links.iter_mut() {
            if only.is_none_or(|only| only == number) {
                let at = link.wishes.unit.of(now);
                let notice = format!("{{\"e\":\"serverShutdown\",\"E\":{at}}}");
                link.push(if link.wishes.combined {
                    format!("{{\"stream\":\"!serverShutdown\",\"data\":{notice}}}").into()
                } else {
                    notice.into()
                });
                link.flush();
            }
        }
    }
}
