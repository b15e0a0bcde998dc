//! Stopwatches between the stages of a step, hung there from outside: the core knows no clock.
//!
//! A step that is not watched runs a schedule without these systems. One that is asks the clock
//! twice per run of the schedule, and between stages only in runs with a pulse, since no other run
//! has them.

use bevy_ecs::prelude::*;
use bevy_ecs::schedule::Schedule;

use systems::awake::anyone;
use systems::ingest::Inbox;
use systems::schedule::Stage;
use systems::units::Nanos;

use crate::latency::{Ask, Spent, Stage as Measured};

/// What the stages of the step at hand took so far.
#[derive(Resource)]
pub struct Laps {
    ask: Ask,
    last: Nanos,
    spent: Spent,
}

/// The stopwatches of one schedule.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Stopwatches;

const INGEST: usize = place(Measured::Ingest);
const AGGREGATE: usize = place(Measured::Aggregate);
const INDICATE: usize = place(Measured::Indicate);
const RECONCILE: usize = place(Measured::Reconcile);
const DISPATCH: usize = place(Measured::Dispatch);
const DELIVER: usize = place(Measured::Deliver);

/// The place of a stage among those inside a step.
const fn place(stage: Measured) -> usize {
    stage as usize - Measured::Ingest as usize
}

impl Laps {
    /// Nothing measured yet.
    pub fn new(ask: Ask) -> Self {
        Self { ask, last: Nanos(0), spent: Spent::default() }
    }

    /// A run of the schedule, or the sink, begins.
    pub fn begin(&mut self) {
        self.last = (self.ask)();
    }

    /// A run ends. One without a pulse took in prints and did nothing else.
    pub fn end(&mut self, pulse: bool) {
        self.lap(if pulse { DISPATCH } else { INGEST });
    }

    /// The sink has taken what a pulse put out.
    pub fn delivered(&mut self) {
        self.lap(DELIVER);
    }

    fn lap(&mut self, stage: usize) {
        let now = (self.ask)();
        self.spent.ns[stage] += now.0.saturating_sub(self.last.0);
        self.spent.ran[stage] = true;
        self.last = now;
    }

    /// What the stages took since this was asked last.
    pub fn take(&mut self) -> Spent {
        core::mem::take(&mut self.spent)
    }
}

/// Hangs stopwatches between the stages of a schedule.
pub fn hang(schedule: &mut Schedule) {
    use Stage::{Aggregate, Dispatch, Indicate, Ingest, Reconcile};
    schedule.configure_sets(Stopwatches.run_if(|inbox: Res<Inbox>| inbox.pulse));
    schedule.add_systems(
        (
            lap::<INGEST>.after(Ingest).before(Aggregate),
            lap::<AGGREGATE>.after(Aggregate).before(Indicate),
            lap::<INDICATE>.after(Indicate).before(Reconcile).run_if(anyone),
            lap::<RECONCILE>.after(Reconcile).before(Dispatch).run_if(anyone),
        )
            .in_set(Stopwatches),
    );
}

fn lap<const STAGE: usize>(mut laps: ResMut<Laps>) {
    laps.lap(STAGE);
}
