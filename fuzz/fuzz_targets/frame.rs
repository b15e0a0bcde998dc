//! Any bytes as a frame: nothing panics, and wherever the scanner answers, the parser agrees.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use systems::symbol::SymbolSpec;
use systems::units::Scale;
use tapescan::symbols::Symbols;
use tapescan::venue::binance::{decode_fast, decode_slow, observe};
use tapescan::venue::Venue;

static SYMBOLS: LazyLock<Symbols> = LazyLock::new(|| {
    let spec = |name: &str| SymbolSpec {
        name: name.into(),
        price: Scale { decimals: 2, width: 8 },
        quantity: Scale { decimals: 5, width: 8 },
    };
    let long = "1000SHIBUSDT_250627";
    let names = ["BTCUSDT", "ETHUSDT", "A", "\u{5e01}USDT", "A\\u0042", "\"", long];
    Symbols::new(names.map(spec).to_vec()).expect("the names differ")
});

fuzz_target!(|frame: &[u8]| {
    for venue in Venue::ALL {
        let slow = decode_slow(venue, frame, &SYMBOLS);
        if let Some(fast) = decode_fast(venue, frame, &SYMBOLS) {
            assert_eq!(fast, slow);
        }
    }
    let _ = observe(frame, &mut |_, _, _| {});
});
