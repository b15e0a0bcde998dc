//! The numbers by their names. A name that is exposed stays: people's charts depend on it.

use std::collections::HashMap;
use std::fmt::{self, Debug, Formatter};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit as Measure;
use systems::candle::Mark;
use systems::reconcile::Cause;

use super::Sources;
use crate::latency::{Total, Totals, Unit};
use crate::live::Status;
use crate::live::limits::INBOX;
use crate::rest::budget::Priority;
use crate::rest::desk::Snapshot;
use crate::sinks::{SinkStatus, Telling};

/// Upper bounds of times in nanoseconds: 1, 2 and 5 microseconds and so on to 10 seconds.
const TIMES_NS: [u64; 22] = {
    let (mut bounds, mut place, mut k) = ([0; 22], 1_000, 0);
    while k < bounds.len() {
        bounds[k] = place * [1, 2, 5][k % 3];
        if k % 3 == 2 {
            place *= 10;
        }
        k += 1;
    }
    bounds
};

/// Upper bounds of events in a step.
const EVENTS: [u64; 11] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024];

/// What is collected at each fetch.
pub(super) struct Exposed(pub(super) Sources);

impl Debug for Exposed {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Exposed")
    }
}

impl Collector for Exposed {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page(encoder);
        // The locks are held for a copy, not for the writing.
        let status = self.0.status.borrow().clone();
        let rest = self.0.rest.borrow().clone();
        let begun = status.begun.clone().unwrap_or_default();
        page.stream(&status, &begun)?;
        page.candles(&status, &begun)?;
        page.requests(&status, &begun, &rest)?;
        page.alerts(&status, &begun, &self.0.told.borrow().clone())?;
        // This one holds up who merges, and never who measures.
        self.0.latency.look(|totals| page.latency(totals))
    }
}

struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let metric = ConstCounter::new(value);
        metric.encode(self.0.encode_descriptor(name, help, None, metric.metric_type())?)
    }

    fn gauge(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        let metric = ConstGauge::new(value);
        metric.encode(self.0.encode_descriptor(name, help, None, metric.metric_type())?)
    }

    /// Counters of one name that differ by labels.
    fn counters<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        values: impl Iterator<Item = ([(&'static str, String); N], u64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in values {
            ConstCounter::new(value).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    /// The same of gauges.
    fn gauges<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        values: impl Iterator<Item = ([(&'static str, String); N], u64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in values {
            ConstGauge::new(value as f64).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    /// What tapes of earlier sessions told was counted by those: counters are of this one, and
    /// begin at zero.
    fn stream(&mut self, status: &Status, begun: &Status) -> fmt::Result {
        let seconds = status.now.0 as f64 / 1e9;
        self.gauge("venue_time_seconds", "The venue's time as of the last heartbeat", seconds)?;
        self.gauge("symbols", "Symbols that trade and are followed", status.symbols as f64)?;
        let (up, planned) = status.links;
        self.gauge("links", "Connections that bring their symbols", up as f64)?;
        self.gauge("links_planned", "Connections planned", planned as f64)?;
        self.counter("links_lost", "Connections lost", status.lost)?;
        self.counter("dials_failed", "Connections that could not be made", status.dials_failed)?;
        self.counter("prints", "Prints seen", status.own_prints())?;
        let (tally, before) = (&status.tally, &begun.tally);
        let earlier: HashMap<_, _> = before.rejects().into_iter().collect();
        let rejects = tally.rejects().into_iter().map(|(cause, count)| {
            let own = count.saturating_sub(earlier.get(cause).copied().unwrap_or_default());
            ([("cause", cause.replace('-', "_"))], own)
        });
        self.counters("rejects", "Prints and messages not used", rejects)?;
        let late = tally.health.late.saturating_sub(before.health.late);
        let filled = tally.health.filled.saturating_sub(before.health.filled);
        let unrecoverable = tally.unrecoverable.saturating_sub(before.unrecoverable);
        self.counter("late_prints", "Prints folded into closed candles", late)?;
        self.counter("filled_prints", "Missing prints that came", filled)?;
        self.gauge("gaps", "Open gaps in ids", status.gaps as f64)?;
        self.counter("unrecoverable_ids", "Ids given up", unrecoverable)?;
        self.gauge("inbox", "Most events waiting lately", status.inbox as f64)?;
        self.gauge("inbox_max", "Most events that ever waited", status.inbox_max as f64)?;
        self.gauge("inbox_capacity", "Events at which sockets wait", INBOX as f64)
    }

    fn candles(&mut self, status: &Status, begun: &Status) -> fmt::Result {
        let marks = status.marks.iter().map(|(interval, mark, count)| {
            let same = |(one, other, _): &&(u8, Mark, u64)| (one, other) == (interval, mark);
            let before = begun.marks.iter().find(same).map_or(0, |(.., count)| *count);
            let interval = status.intervals.get(usize::from(*interval));
            let interval = interval.map_or_else(String::new, ToString::to_string);
            ([("interval", interval), ("mark", mark.name().to_owned())], count - before)
        });
        self.counters("candles", "Candles closed, by their mark then", marks)?;
        let tally = &status.tally;
        self.gauge("absent_candles", "Stretches without a candle", tally.absent as f64)?;
        let compared = Cause::ALL
            .iter()
            .map(|cause| ([("cause", cause.name().to_owned())], tally.drift[*cause as usize]));
        // A comparison that is overtaken by a change of ours is taken back, so this may sink.
        let help = "Candles compared with the venue's, by what was found";
        self.gauges("compared_candles", help, compared)?;
        self.gauge("adopted_candles", "Candles taken from the venue", tally.adopted as f64)
    }

    fn requests(&mut self, status: &Status, begun: &Status, rest: &Snapshot) -> fmt::Result {
        let (handed, waiting) = status.requests;
        let handed = handed.saturating_sub(begun.requests.0);
        self.counter("requests_handed_out", "Requests of the core", handed)?;
        self.gauge("requests_waiting", "Requests of the core that wait", waiting as f64)?;
        self.counter("requests_spared", "Requests that a stream spared", status.spared)?;
        self.counter("rest_sent", "Requests sent", rest.sent)?;
        self.counter("rest_failed", "Requests that failed", rest.failed)?;
        self.counter("rest_given_up", "Jobs given up", rest.given_up)?;
        self.counter("rest_merged", "Jobs merged into others", rest.merged)?;
        self.gauge("rest_in_flight", "Requests under way", f64::from(rest.in_flight))?;
        let waiting: usize = rest.waiting.iter().sum();
        let urgent: usize = Priority::ALL
            .iter()
            .zip(rest.waiting)
            .filter(|(priority, _)| **priority < Priority::WarmUp)
            .map(|(_, waiting)| waiting)
            .sum();
        self.gauge("rest_waiting", "Jobs that wait", waiting as f64)?;
        self.gauge("rest_waiting_urgent", "Those before the warm-up", urgent as f64)?;
        self.gauge(
            "rest_oldest_seconds",
            "How long the oldest waits",
            rest.oldest_ns as f64 / 1e9,
        )?;
        self.gauge("rest_weight_used", "Weight used in a minute", f64::from(rest.used))?;
        self.gauge("rest_weight_allowed", "Weight allowed in a minute", f64::from(rest.allowed))?;
        let closed = f64::from(u8::from(rest.closed.is_some()));
        self.gauge("rest_closed", "1 while the venue takes no requests", closed)
    }

    fn alerts(&mut self, status: &Status, begun: &Status, told: &Telling) -> fmt::Result {
        self.counter("alerts", "Alerts of rules", status.alerts.saturating_sub(begun.alerts))?;
        self.counter("alerts_dropped", "Alerts that could reach no sink", told.dropped)?;
        type Count = fn(&SinkStatus) -> u64;
        let counts: [(&str, &str, Count); 4] = [
            ("sink_delivered", "Alerts that a sink acknowledged", |sink| sink.delivered),
            ("sink_retried", "Deliveries that were tried again", |sink| sink.retried),
            ("sink_refused", "Alerts that a sink refused for good", |sink| sink.failed),
            ("sink_lost", "Alerts for which a sink had no room", |sink| sink.lost),
        ];
        for (name, help, count) in counts {
            let values = told.sinks.iter().map(|sink| ([("sink", sink.name.clone())], count(sink)));
            self.counters(name, help, values)?;
        }
        let queued = told.sinks.iter().map(|sink| ([("sink", sink.name.clone())], sink.queued));
        self.gauges("sink_queued", "Alerts that wait for a sink", queued)
    }

    fn latency(&mut self, totals: &Totals) -> fmt::Result {
        for (unit, name, help, measure) in [
            (Unit::Nanos, "stage", "Time by stage of an event's way", Some(Measure::Seconds)),
            (Unit::Events, "step_size", "Events in a step", None),
        ] {
            let mut family =
                self.0.encode_descriptor(name, help, measure.as_ref(), MetricType::Histogram)?;
            for ((stage, kind, phase), total) in totals.iter().filter(|(k, _)| k.0.unit() == unit) {
                let labels =
                    [("stage", stage.name()), ("kind", kind.name()), ("phase", phase.name())];
                let (buckets, sum) = buckets(total, unit);
                family.encode_family(&labels)?.encode_histogram::<NoLabelSet>(
                    sum,
                    total.count(),
                    &buckets,
                    None,
                )?;
            }
        }
        let clamped = totals.iter().map(|(_, total)| total.clamped()).sum();
        self.counter("clamped_times", "Times beyond what histograms tell apart", clamped)
    }
}

/// How many values lie at or below each bound and above the one before, and the sum of all. A value
/// is known to three digits, so one right at a bound may count for the next.
fn buckets(total: &Total, unit: Unit) -> (Vec<(f64, u64)>, f64) {
    let (bounds, per): (&[u64], f64) = match unit {
        Unit::Nanos => (&TIMES_NS, 1e9),
        Unit::Events => (&EVENTS, 1.0),
    };
    let mut counts = vec![0; bounds.len() + 1];
    let mut sum = 0.0;
    for bucket in total.histogram().iter_recorded() {
        let (value, count) = (bucket.value_iterated_to(), bucket.count_since_last_iteration());
        counts[bounds.partition_point(|bound| *bound < value)] += count;
        sum += value as f64 * count as f64 / per;
    }
    let uppers = bounds.iter().map(|bound| *bound as f64 / per).chain([f64::INFINITY]);
    (uppers.zip(counts).collect(), sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_one_two_five() {
        assert_eq!(TIMES_NS[..4], [1_000, 2_000, 5_000, 10_000]);
        assert_eq!(TIMES_NS[21], 10_000_000_000);
    }

    #[test]
    fn every_value_is_in_one_bucket() {
        let mut total = Total::default();
        for (value, count) in [(999, 1), (1_500, 2), (20_000_000_000, 3)] {
            total.record(value, count);
        }
        let (buckets, sum) = buckets(&total, Unit::Nanos);
        let found: Vec<u64> = buckets.iter().map(|(_, count)| *count).filter(|n| *n > 0).collect();
        assert_eq!(found, [1, 2, 3]);
        assert_eq!((buckets[0], buckets[1].1, buckets[22].1), ((1e-6, 1), 2, 3));
        assert!((sum - 60.000_004).abs() < 0.06, "{sum}");
    }
}
