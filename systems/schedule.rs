//! Who runs when: the only list of stages and systems.

use bevy_ecs::prelude::*;

use crate::indicator::{Indicator, indicate};

/// The stages of one pulse, in order.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Group prints by row, admit them, keep the continuity ledger.
    Ingest,
    /// Fold into open buckets, close candles, roll up.
    Aggregate,
    /// Fold indicators over what is new or corrected.
    Indicate,
    /// Compare with the venue's candles, restate, ask for what is missing.
    Reconcile,
    /// Hand out what changed, in a defined order.
    Dispatch,
}

/// Adds the systems of one indicator type.
pub fn add_indicator<I: Indicator>(schedule: &mut Schedule) {
    schedule.add_systems(indicate::<I>.in_set(Stage::Indicate));
}
