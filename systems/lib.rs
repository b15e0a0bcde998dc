//! The core of tapescan: pure systems over symbols.
//!
//! Prints and controls arrive as a [`trade::Batch`]. Prints are admitted and folded into
//! open buckets of the base interval. Time moves by heartbeats alone; when it passes
//! a boundary, candles close, longer intervals roll up, indicators fold, the venue's candles are
//! compared, and what changed is dispatched into the outbox in a defined order.
//!
//! Nothing here reads a clock, does I/O, logs, or can fail: bad data becomes counted data. The
//! same events give the same outputs however they are cut into steps and on however many threads.

pub mod amend;
pub mod awake;
pub mod base;
pub mod bucket;
pub mod candle;
pub mod catalog;
pub mod dispatch;
pub mod few;
pub mod health;
pub mod indicator;
pub mod indicators;
pub mod ingest;
pub mod interval;
pub mod lane;
pub mod ledger;
pub mod limits;
pub mod pulse;
pub mod reconcile;
pub mod request;
pub mod restate;
pub mod ring;
pub mod roll_up;
pub mod room;
pub mod row;
pub mod rule;
pub mod schedule;
pub mod settings;
pub mod spawn;
pub mod stretches;
pub mod symbol;
pub mod track;
pub mod trade;
pub mod units;
