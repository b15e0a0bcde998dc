//! A world for a list of symbols, and one more symbol in it: every row with everything it will ever
//! carry, sized once.

use bevy_ecs::prelude::*;

use crate::awake::{Alarm, Awake};
use crate::base::Series;
use crate::bucket::Open;
use crate::dispatch::Outbox;
use crate::health::{Health, Strays};
use crate::indicator::Units;
use crate::ingest::Inbox;
use crate::limits::SYMBOLS_MAX;
use crate::reconcile::Evidence;
use crate::request::{Queue, Wants};
use crate::ring::Ring;
use crate::roll_up::RollUp;
use crate::room::Room;
use crate::row::{Absent, Dirty, Front, Row, Rows};
use crate::rule::alert::Desk;
use crate::rule::board::Boards;
use crate::rule::forming::{Forming, Watched};
use crate::rule::group::{Group, Groups};
use crate::rule::judge::Judged;
use crate::rule::lanes::lanes_of;
use crate::rule::universe::Universe;
use crate::settings::Settings;
use crate::symbol::SymbolSpec;
use crate::track::{Bars, Values};
use crate::trade::SymbolId;
use crate::units::Scale;

/// A world in which every symbol has its rows and nothing has happened yet.
pub fn world(settings: &Settings, symbols: &[SymbolSpec]) -> World {
    let mut world = World::new();
    let mut rows = Rows::default();
    world.insert_resource(Groups::new(settings));
    for interval in 0..settings.intervals.len() {
        for (index, spec) in symbols.iter().enumerate() {
            let new = New { symbol: SymbolId(index as u16), scales: (spec.price, spec.quantity) };
            let row = spawn_at(&mut world, settings, new, interval, &rows);
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
    world.init_resource::<Universe>();
    world.init_resource::<Desk>();
    world.init_resource::<Boards>();
    world
}

/// Gives one more symbol its rows: that of the next number. Says whether it did; one that has them
/// already keeps them. Tables stay in the order of symbols, since rows are only ever added.
pub fn list(world: &mut World, symbol: SymbolId, scales: (Scale, Scale)) -> bool {
    let settings = world.resource::<Settings>().clone();
    let mut rows = core::mem::take(&mut *world.resource_mut::<Rows>());
    let known = rows.by_interval().next().map_or(0, <[Entity]>::len);
    let next = known == usize::from(symbol.0) && known < SYMBOLS_MAX;
    if next {
        for interval in 0..settings.intervals.len() {
            let row = spawn_at(world, &settings, New { symbol, scales }, interval, &rows);
            rows.push(interval, row);
        }
    }
    *world.resource_mut::<Rows>() = rows;
    next
}

/// A symbol that gets its rows: its number, and the scales of its prices and quantities.
#[derive(Clone, Copy)]
struct New {
    symbol: SymbolId,
    scales: (Scale, Scale),
}

/// The row of one interval; that of the base interval is among `rows` already for longer ones.
fn spawn_at(
    world: &mut World,
    settings: &Settings,
    new: New,
    interval: usize,
    rows: &Rows,
) -> Entity {
    let row = spawn_row(world, settings, new, interval);
    if interval == 0 {
        world.entity_mut(row).insert((
            Series::new(settings.ring_capacity(0)),
            Open::new(new.symbol, settings.base(), settings.grace_ns),
            Health::default(),
            Alarm::NEVER,
        ));
    } else if let Some(base) = rows.get(new.symbol, 0) {
        world.entity_mut(row).insert(RollUp::onto(base));
    }
    let mut groups = core::mem::take(&mut *world.resource_mut::<Groups>());
    for group in groups.wanted(interval, new.symbol).collect::<Vec<_>>() {
        let group = world.spawn(group);
        let entity = group.id();
        if let Some(group) = group.get::<Group>() {
            groups.add(group, entity);
        }
    }
    *world.resource_mut::<Groups>() = groups;
    row
}

/// What every row has, whatever its interval.
fn spawn_row(world: &mut World, settings: &Settings, new: New, interval: usize) -> Entity {
    let (length, symbol) = (settings.intervals[interval], new.symbol);
    let units = Units::new(new.scales.0, new.scales.1, length.seconds());
    let mut row = world.spawn((
        Row { symbol, interval: interval as u8, units },
        Ring::new(settings.ring_capacity(interval), length),
        Room::new(settings.margin(interval)),
        Dirty::default(),
        Absent::default(),
        Front::default(),
        Evidence::default(),
        Wants::default(),
        Bars::default(),
        Values::new(settings.columns(interval)),
    ));
    if let Some(lanes) = lanes_of(&settings.rules, interval) {
        row.insert(lanes);
    }
    if let Some(judged) = Judged::new(settings, interval) {
        row.insert(judged);
    }
    if let Some(forming) = Forming::new(settings, interval) {
        row.insert(forming);
    }
    if let Some(watched) = Watched::new(settings, interval) {
        row.insert(watched);
    }
    let mut column = 0;
    for indicator in settings.on(interval) {
        (indicator.entry.attach)(&mut row, &indicator.params, units, column);
        column += indicator.entry.outputs.len();
    }
    row.id()
}
