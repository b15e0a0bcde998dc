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
        let (ahead, all) = (self.schedule.ahead(), self.load.entries().len());
        self.stretch(0..ahead, Nanos(0), wait);
        let start = (self.clock)();
        self.stretch(ahead..all, start, wait);
        self.harness.finish(start)
    }

    /// Takes some entries of a run that started at `start`.
    fn stretch(
        &mut self,
        entries: core::ops::Range<usize>,
        start: Nanos,
        wait: &mut dyn FnMut(Nanos),
    ) {
        let mut at = entries.start;
        while at < entries.end {
            self.harness.meter.drained();
            let now = (self.clock)();
            let until = entries.end.min(at + BATCH);
            let first = at;
            while at < until {
                let due = self.schedule.due(at, start).unwrap_or(now);
                if due > now {
                    break;
                }
                self.harness.take(&self.load.entries()[at].entry(), due, due);
                at += 1;
            }
            if at > first {
                self.harness.step();
            } else if let Some(due) = self.schedule.due(at, start) {
                wait(due);
            }
        }
    }
}
