//! A world for a list of symbols: every row with everything it will ever carry, sized once.

use bevy_ecs::prelude::*;

use crate::awake::{Alarm, Awake};
use crate::base::Series;
use crate::bucket::Open;
use crate::dispatch::{Outbox, Published};
use crate::health::{Health, Strays};
use crate::indicator::Units;
use crate::ingest::Inbox;
use crate::reconcile::Evidence;
use crate::request::{Queue, Wants};
use crate::ring::Ring;
use crate::roll_up::RollUp;
use crate::room::Room;
use crate::row::{Absent, Dirty, Front, Row, Rows};
use crate::settings::Settings;
use crate::symbol::SymbolSpec;
use crate::track::Bars;
use crate::trade::SymbolId;

/// A world in which every symbol has its rows and nothing has happened yet.
pub fn world(settings: &Settings, symbols: &[SymbolSpec]) -> World {
    let mut world = World::new();
    let mut rows = Rows::default();
    for (index, spec) in symbols.iter().enumerate() {
        let base = spawn_row(&mut world, settings, spec, SymbolId(index as u16), 0);
        world.entity_mut(base).insert((
            Series::new(settings.ring_capacity(0)),
            Open::new(SymbolId(index as u16), settings.base(), settings.grace_ns),
            Health::default(),
            Alarm::NEVER,
        ));
        rows.push(0, base);
    }
    for interval in 1..settings.intervals.len() {
        for (index, spec) in symbols.iter().enumerate() {
            let row = spawn_row(&mut world, settings, spec, SymbolId(index as u16), interval);
            if let Some(base) = rows.get(SymbolId(index as u16), 0) {
                world.entity_mut(row).insert(RollUp::onto(base));
            }
            rows.push(interval, row);
        }
    }
    world.insert_resource(rows);
    world.insert_resource(settings.clone());
    world.init_resource::<Inbox>();
    world.init_resource::<Awake>();
    world.init_resource::<Outbox>();
    world.init_resource::<Queue>();
    world.init_resource::<Strays>();
    world
}

/// What every row has, whatever its interval.
fn spawn_row(
    world: &mut World,
    settings: &Settings,
    spec: &SymbolSpec,
    symbol: SymbolId,
    interval: usize,
) -> Entity {
    let length = settings.intervals[interval];
    let units = Units::new(spec.price, spec.quantity, length.seconds());
    let mut row = world.spawn((
        Row { symbol, interval: interval as u8, units },
        Ring::new(settings.ring_capacity(interval), length),
        Room::new(settings.margin(interval)),
        Dirty::default(),
        Absent::default(),
        Front::default(),
        Evidence::default(),
        Wants::default(),
        Published::new(settings.columns(interval)),
        Bars::default(),
    ));
    let mut column = 0;
    for indicator in settings.on(interval) {
        (indicator.entry.attach)(&mut row, &indicator.params, units, column);
        column += indicator.entry.outputs.len();
    }
    row.id()
}
