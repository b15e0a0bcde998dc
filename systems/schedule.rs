//! Who runs when: the only list of stages and systems.

use bevy_ecs::prelude::*;
use bevy_ecs::schedule::{
    LogLevel, MultiThreadedExecutor, ScheduleBuildSettings, ScheduleLabel, SingleThreadedExecutor,
};

use crate::awake::{Awake, anyone, wake};
use crate::base::{Base, BaseItem};
use crate::each_row;
use crate::indicator::Indicator;
use crate::ingest::{Inbox, take_in};
use crate::rule::{alert, board, forming, group, judge, lanes, universe};
use crate::settings::Settings;
use crate::track::{convert, indicate};
use crate::{dispatch, reconcile, request, roll_up};

/// The stages of one step, in order.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Admit prints, keep the continuity ledger, fold into open buckets.
    Ingest,
    /// Close and correct candles, roll up.
    Aggregate,
    /// Fold indicators over what is new or corrected.
    Indicate,
    /// Compare with the venue's candles, decide what to restate and what to ask for.
    Reconcile,
    /// Hand out what changed, in a defined order.
    Dispatch,
}

/// What only a pulse needs.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct OnPulse;

/// What only a pulse needs in which any row is awake.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct WhileAwake;

/// What folds indicators.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Tracks;

/// What judges rules, once everything else is there.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Rules;

/// The schedule of small steps: one thread, no hand-over between threads.
#[derive(ScheduleLabel, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Calm;

/// The schedule of large steps: the same systems over several threads.
#[derive(ScheduleLabel, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Burst;

/// The calm schedule for a configuration.
pub fn calm(settings: &Settings) -> Schedule {
    let mut schedule = Schedule::new(Calm);
    schedule.set_executor(SingleThreadedExecutor::new());
    fill(&mut schedule, settings);
    schedule
}

/// The burst schedule for a configuration.
pub fn burst(settings: &Settings) -> Schedule {
    let mut schedule = Schedule::new(Burst);
    schedule.set_executor(MultiThreadedExecutor::new());
    fill(&mut schedule, settings);
    schedule
}

fn fill(schedule: &mut Schedule, settings: &Settings) {
    use Stage::{Aggregate, Dispatch, Indicate, Ingest, Reconcile};
    schedule.set_build_settings(ScheduleBuildSettings {
        ambiguity_detection: LogLevel::Error,
        ..ScheduleBuildSettings::default()
    });
    schedule.configure_sets((Ingest, Aggregate, Indicate, Reconcile, Dispatch).chain());
    schedule.configure_sets(OnPulse.run_if(|inbox: Res<Inbox>| inbox.pulse));
    schedule.configure_sets((Aggregate, Indicate, Reconcile, Dispatch).in_set(OnPulse));
    schedule.configure_sets(WhileAwake.run_if(anyone).after(wake));
    schedule.configure_sets((Indicate, Reconcile).in_set(WhileAwake));

    schedule.add_systems(take_in.in_set(Ingest));
    schedule.add_systems(wake.in_set(Aggregate));
    schedule.add_systems((settle, roll_up::roll_up).chain().in_set(Aggregate).in_set(WhileAwake));
    schedule.add_systems(convert.in_set(Indicate));
    schedule.add_systems((reconcile::reconcile, request::want).in_set(Reconcile));
    schedule.add_systems(
        (dispatch::hand_out, dispatch::clean).chain().in_set(Dispatch).in_set(WhileAwake),
    );
    // Gaps ripen by time alone.
    schedule.add_systems(
        request::hand_out_requests
            .in_set(Dispatch)
            .after(dispatch::hand_out)
            .before(dispatch::clean),
    );
    add_rules(schedule, settings);
    let mut added: Vec<&str> = Vec::new();
    for indicator in &settings.indicators {
        if !added.contains(&indicator.entry.name) {
            added.push(indicator.entry.name);
            (indicator.entry.systems)(schedule);
            if forming::foresees(settings) {
                (indicator.entry.foresee)(schedule);
            }
        }
    }
}

/// Adds what rules need, if there are any.
fn add_rules(schedule: &mut Schedule, settings: &Settings) {
    if settings.rules.is_empty() {
        return;
    }
    schedule.configure_sets(Rules.in_set(Stage::Dispatch).after(request::hand_out_requests));
    schedule.configure_sets(Rules.before(dispatch::clean));
    schedule.add_systems(
        (
            lanes::fill.run_if(anyone),
            universe::rank.run_if(universe::compares),
            group::closed.run_if(anyone),
            judge::judge,
            alert::tell,
            board::place.run_if(board::any),
            alert::forget,
        )
            .chain()
            .in_set(Rules),
    );
    if forming::foresees(settings) {
        schedule.add_systems(
            (forming::form, forming::fill, group::forming, forming::watch)
                .chain()
                .in_set(Rules)
                .after(board::place)
                .before(alert::forget),
        );
    }
}

/// Adds the system by which one indicator type looks at candles that are forming.
pub fn add_foresight<I: Indicator>(schedule: &mut Schedule) {
    schedule.add_systems(
        forming::foresee::<I>
            .in_set(Rules)
            .after(forming::form)
            .before(forming::fill)
            // Each type writes its own columns, so their order cannot be seen.
            .ambiguous_with_all(),
    );
}

/// Adds the system of one indicator type.
pub fn add_indicator<I: Indicator>(schedule: &mut Schedule) {
    schedule.add_systems(
        indicate::<I>
            .in_set(Stage::Indicate)
            .in_set(Tracks)
            .after(convert)
            // Each type writes its own columns, so their order cannot be seen.
            .ambiguous_with(Tracks),
    );
}

/// Closes and corrects the candles of base rows.
fn settle(inbox: Res<Inbox>, awake: Res<Awake>, settings: Res<Settings>, mut rows: Query<Base>) {
    each_row!(inbox, awake, rows, |mut row: BaseItem<'_, '_>| {
        row.settle(inbox.now, settings.grace_ns);
    });
}
