//! In process: one thread takes what is due, decodes it and folds it.

use systems::units::Nanos;

use super::harness::Harness;
use super::{Load, Run, Schedule};
use crate::latency::Ask;
use crate::live::limits::BATCH;

/// A load on its way through a harness.
pub(super) struct Direct<'a> {
    load: &'a Load,
    schedule: &'a Schedule,
    harness: Harness,
    clock: &'a Ask,
}

impl<'a> Direct<'a> {
    pub(super) fn new(
        load: &'a Load,
        schedule: &'a Schedule,
        harness: Harness,
        clock: &'a Ask,
    ) -> Self {
        Self { load, schedule, harness, clock }
    }

    /// Runs it to its end; `wait` waits until an instant of the clock.
    pub(super) fn run(mut self, wait: &mut dyn FnMut(Nanos)) -> Run {
        let start = (self.clock)();
        let entries = self.load.entries();
        let mut at = 0;
        while at < entries.len() {
            self.harness.meter.drained();
            let now = (self.clock)();
            let until = entries.len().min(at + BATCH);
            let first = at;
            while at < until {
                let due = self.schedule.due(at, start).unwrap_or(now);
                if due > now {
                    break;
                }
                self.harness.take(&entries[at].entry(), due, due);
                at += 1;
            }
            if at > first {
                self.harness.step();
            } else if let Some(due) = self.schedule.due(at, start) {
                wait(due);
            }
        }
        self.harness.finish()
    }
}
