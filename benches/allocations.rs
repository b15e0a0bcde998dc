//! The hot path allocates nothing after warm-up, measured or not: counted by an allocator.

use std::sync::Arc;

use allocation_counter::measure;
use benches::inputs::{defaults, early, market};
use benches::live_steps::{Event, Live, frames};
use tapescan::clock;
use tapescan::latency::Ask;

const SYMBOLS: usize = 50;

fn fold(live: &mut Live, events: &[Event], clock: &Ask) {
    for some in events.chunks(256) {
        live.step(some, clock());
    }
}

#[test]
fn frames_become_candles_and_histograms_without_an_allocation() {
    let clock: Ask = Arc::new(clock::steady(1.0));
    let (specs, trades) = market(SYMBOLS, 4_000_000, 20_000);
    let early = frames(&specs, &early(SYMBOLS, &trades));
    // Up to half a minute after the end of a candle: everything was used once.
    let minute = |trade: &systems::trade::Trade| trade.time.ms() / 60_000;
    let second = trades.partition_point(|trade| minute(trade) <= minute(&trades[0]) + 1);
    let (warm, rest) = trades.split_at(second + 600_000);
    let (warm, timed) = (frames(&specs, warm), frames(&specs, &rest[..400_000]));
    for ask in [None, Some(clock.clone())] {
        let measured = ask.is_some();
        let mut live = Live::new(&defaults(), &specs, ask);
        fold(&mut live, &early, &clock);
        fold(&mut live, &warm, &clock);
        let counted = measure(|| fold(&mut live, &timed, &clock));
        assert_eq!(counted.count_total, 0, "measured: {measured}, {counted:?}");
    }
}

#[test]
fn the_counter_counts() {
    let counted = measure(|| drop(std::hint::black_box(vec![0u8; 100])));
    assert_eq!(counted.count_total, 1);
}
