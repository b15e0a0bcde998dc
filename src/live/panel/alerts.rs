//! What rules said last, and how the sinks stand.

use std::collections::VecDeque;

use indicatif::HumanCount;

use super::rows::{Row, Tone};
use crate::live::Shown;
use crate::sinks::SinkStatus;

/// Alerts in the panel: on a terminal of 24 lines they fit below the rest.
const LAST: usize = 4;

/// Where in an instant the time of day is, to the second, as a person reads it.
const TIME: std::ops::Range<usize> = 11..19;

/// The last few alerts, in pieces.
#[derive(Debug, Default)]
pub(super) struct Last(VecDeque<Vec<String>>);

impl Last {
    /// Takes what was told since the last look.
    pub(super) fn take(&mut self, shown: &Shown) {
        for message in &shown.told.alerts {
            let [at, what, numbers @ ..] = &message.pieces[..] else { continue };
            let head = format!("{} {what}", at.get(TIME).unwrap_or_default());
            self.0.push_back(std::iter::once(head).chain(numbers.iter().cloned()).collect());
        }
        self.0.drain(..self.0.len().saturating_sub(LAST));
    }

    /// The newest first.
    pub(super) fn rows(&self, shown: &Shown) -> Vec<Row> {
        let so_far = format!("{} so far", HumanCount(shown.status.alerts));
        let missed = shown.told.missed + shown.told.dropped;
        let told = Row::new("alerts").with(so_far, Tone::Plain).with_if(
            missed > 0,
            format!("{} not shown", HumanCount(missed)),
            Tone::Notice,
        );
        let last = self.0.iter().rev().map(|pieces| {
            let all = pieces.iter().enumerate();
            all.fold(Row::new(""), |row, (place, piece)| {
                row.with(piece, if place == 0 { Tone::Plain } else { Tone::Dim })
            })
        });
        std::iter::once(told).chain(last).collect()
    }
}

/// How the sinks stand, each in a line.
pub(super) fn sinks(shown: &Shown) -> impl Iterator<Item = Row> + '_ {
    shown.told.sinks.iter().map(|sink| {
        let SinkStatus { name, delivered, queued, queued_max, retried, failed, lost, .. } = sink;
        let (waiting, most) = (HumanCount(*queued), HumanCount(*queued_max));
        let row = Row::new("sink").with(name, Tone::Plain);
        let row = match &sink.trouble {
            Some(_) => row.with("DOWN", Tone::Alarm),
            None => row,
        };
        row.with(format!("{} delivered", HumanCount(*delivered)), Tone::Plain)
            .with_if(*queued_max > 0, format!("{waiting} waiting, {most} at most"), Tone::Plain)
            .with_if(*retried > 0, format!("{} retried", HumanCount(*retried)), Tone::Notice)
            .with_if(*failed > 0, format!("{} refused", HumanCount(*failed)), Tone::Alarm)
            .with_if(*lost > 0, format!("{} lost", HumanCount(*lost)), Tone::Alarm)
            .with_if(sink.trouble.is_some(), sink.trouble.clone().unwrap_or_default(), Tone::Dim)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::Status;
    use crate::rest::desk::Snapshot;
    use crate::sinks::{Message, Telling};
    use systems::units::Nanos;

    #[test]
    fn the_newest_alerts_are_shown_with_their_time_and_sinks_with_their_trouble() {
        let message = |second: u64| Message {
            key: second.to_string(),
            at: Nanos::from_seconds(second),
            rule: "surge".to_owned(),
            json: String::new(),
            pieces: vec![
                format!("2026-11-26T12:00:0{second}.000Z"),
                "enter AUSDT 1m surge".to_owned(),
                "volume 7".to_owned(),
            ],
        };
        let down = SinkStatus {
            name: "chat".to_owned(),
            queued: 2,
            queued_max: 1_500,
            retried: 3,
            trouble: Some("status 500: ".to_owned()),
            ..SinkStatus::default()
        };
        let told = Telling {
            alerts: (0..6).map(message).collect(),
            sinks: vec![down, SinkStatus { name: "file".to_owned(), ..SinkStatus::default() }],
            missed: 1,
            dropped: 1,
        };
        let status = Status { alerts: 6, ..Status::default() };
        let shown = Shown { status, rest: Snapshot::default(), told };
        let mut last = Last::default();
        last.take(&shown);
        let rows: Vec<String> = last.rows(&shown).iter().map(Row::plain).collect();
        assert_eq!(rows.len(), 1 + LAST);
        assert_eq!(rows[0], "alerts: 6 so far, 2 not shown");
        assert_eq!(rows[1], ": 12:00:05 enter AUSDT 1m surge, volume 7");
        let rows: Vec<String> = sinks(&shown).map(|row| row.plain()).collect();
        let chat =
            "sink: chat, DOWN, 0 delivered, 2 waiting, 1,500 at most, 3 retried, status 500: ";
        assert_eq!(rows, [chat, "sink: file, 0 delivered"]);
    }
}
