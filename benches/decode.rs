//! Decoding trade messages: ours beside two JSON parsers with a typed struct, and the whole way
//! from a tape in memory to candles and indicators.

use std::hint::black_box;
use std::io::Cursor;
use std::time::{Duration, Instant};

use benches::frames::{as_sent, padded, write_frame};
use benches::inputs::{BATCH, defaults, market, warmed};
use benches::timing::{quick, slow};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde::Deserialize;
use systems::settings::Settings;
use systems::symbol::SymbolSpec;
use systems::trade::{Aggressor, Batch, Trade, TradeKind};
use systems::units::{Nanos, Price, Quantity};
use tapescan::engine::Engine;
use tapescan::session::Session;
use tapescan::symbols::Symbols;
use tapescan::tape::{Block, Body, Entry, Header, Reader, Run, Writer};
use tapescan::venue::{Venue, What};

// As the program allocates.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SYMBOLS: usize = 500;
/// Messages per iteration, all different.
const MESSAGES: usize = 2_048;
/// Prints on the tape that are folded before the clock starts, and while it runs.
const WARM: usize = 100_000;
const TIMED: usize = 400_000;
/// Prints per second of market time: some minutes pass, so candles close.
const RATE: u64 = 4_000;

#[derive(Deserialize)]
struct Combined<'a> {
    #[serde(borrow)]
    data: Print<'a>,
}

#[derive(Deserialize)]
struct Print<'a> {
    s: &'a str,
    t: u64,
    p: &'a str,
    q: &'a str,
    #[serde(rename = "T")]
    time: u64,
    m: bool,
}

impl Print<'_> {
    /// What every decoder has to do after parsing: name to number, decimals to integers.
    fn trade(&self, symbols: &Symbols) -> Option<Trade> {
        let symbol = symbols.id(self.s)?;
        let spec = symbols.spec(symbol);
        Some(Trade {
            time: Nanos::from_ms(self.time),
            price: Price(spec.price.parse(self.p.as_bytes()).ok()?),
            quantity: Quantity(spec.quantity.parse(self.q.as_bytes()).ok()?),
            id: self.t,
            first_id: self.t,
            count: 1,
            symbol,
            aggressor: if self.m { Aggressor::Seller } else { Aggressor::Buyer },
            kind: TradeKind::Market,
        })
    }
}

fn ours(frame: &[u8], symbols: &Symbols) -> Option<Trade> {
    match Venue::BinanceSpot.decode(frame, symbols).what {
        What::Trade(trade, _) => Some(trade),
        _ => None,
    }
}

fn serde_json(frame: &[u8], symbols: &Symbols) -> Option<Trade> {
    serde_json::from_slice::<Combined<'_>>(frame).ok()?.data.trade(symbols)
}

fn sonic_rs(frame: &[u8], symbols: &Symbols) -> Option<Trade> {
    sonic_rs::from_slice::<Combined<'_>>(frame).ok()?.data.trade(symbols)
}

fn decode(criterion: &mut Criterion) {
    let (specs, trades) = market(SYMBOLS, MESSAGES, RATE);
    let specs = padded(&specs);
    let frame = |trade: &Trade| {
        let mut text = Vec::new();
        write_frame(&mut text, &specs, trade);
        text
    };
    let frames: Vec<Vec<u8>> = trades.iter().map(frame).collect();
    let symbols = Symbols::new(specs.clone()).unwrap();
    let mut group = quick(criterion, "decode");
    group.throughput(Throughput::Elements(MESSAGES as u64));
    type Decode = fn(&[u8], &Symbols) -> Option<Trade>;
    let decoders: [(&str, Decode); 3] =
        [("ours", ours), ("serde_json", serde_json), ("sonic-rs", sonic_rs)];
    for (who, decode) in decoders {
        for (frame, trade) in frames.iter().zip(&trades) {
            assert_eq!(decode(frame, &symbols), Some(as_sent(trade)), "{who}");
        }
        group.bench_function(who, |bencher| {
            bencher.iter(|| {
                for frame in &frames {
                    black_box(&decode(frame, &symbols));
                }
            });
        });
    }
    group.finish();
}

/// A market on a tape, as frames or as prints, with a heartbeat each 100 ms.
fn record(specs: &[SymbolSpec], trades: &[Trade], raw: bool) -> Vec<u8> {
    let header = Header {
        venue: Venue::BinanceSpot.name().into(),
        program: "benches".into(),
        config: String::new(),
        symbols: specs.to_vec(),
    };
    let mut writer = Writer::create(Vec::new(), &header, 7).unwrap();
    let (mut text, mut beat) = (Vec::new(), 0);
    for trade in trades {
        let step = trade.time.0 / (100 * Nanos::PER_MS);
        if step > beat {
            beat = step;
            let now = Nanos(beat * 100 * Nanos::PER_MS);
            writer.write(&Entry { received: now, body: Body::Heartbeat(now) }).unwrap();
        }
        let body = if raw {
            write_frame(&mut text, specs, trade);
            Body::Frame { link: 0, text: &text }
        } else {
            Body::Trade(as_sent(trade))
        };
        writer.write(&Entry { received: trade.time, body }).unwrap();
    }
    writer.finish().unwrap()
}

/// Reads a tape to its end; `take` gets each block and says how many prints were in it. Gives
/// the time for `TIMED` prints at the pace after the first `WARM`.
fn play(tape: &[u8], mut take: impl FnMut(&Block) -> usize) -> Duration {
    let mut reader = Reader::new(Cursor::new(tape)).unwrap();
    let (mut block, mut warm, mut timed) = (Block::default(), 0, 0);
    let mut begun = Instant::now();
    while reader.read(&mut block).unwrap() {
        let prints = take(&block);
        if warm < WARM {
            warm += prints;
            begun = Instant::now();
        } else {
            timed += prints;
        }
    }
    let elapsed = begun.elapsed();
    assert!(timed > TIMED / 2, "{timed} prints timed");
    elapsed.mul_f64(TIMED as f64 / timed as f64)
}

/// From entries to candles and values, on one thread.
struct Player {
    session: Session,
    engine: Engine,
    batch: Batch,
}

impl Player {
    fn new(settings: &Settings, specs: &[SymbolSpec]) -> Self {
        let symbols = Symbols::new(specs.to_vec()).unwrap();
        let intervals = settings.intervals.clone();
        let session = Session::new(symbols, intervals, Venue::BinanceSpot.name());
        Self { session, engine: warmed(settings, specs, 1, &[]), batch: Batch::default() }
    }

    fn take(&mut self, block: &Block) -> usize {
        let mut prints = 0;
        for run in block.runs() {
            match run {
                Run::Trades(trades, _) => self.batch.trades.extend_from_slice(trades),
                Run::Entry(entry) => {
                    self.session.take(&entry, &mut self.batch);
                }
            }
            if self.batch.len() >= BATCH {
                prints += self.step();
            }
        }
        prints + self.step()
    }

    fn step(&mut self) -> usize {
        let prints = self.batch.trades.len();
        self.engine.step(&mut self.batch, &mut |outbox| {
            black_box(outbox.records.len());
        });
        prints
    }
}

fn session(criterion: &mut Criterion) {
    let settings = defaults();
    let (specs, trades) = market(SYMBOLS, WARM + TIMED, RATE);
    let specs = padded(&specs);
    let mut group = slow(criterion, "session");
    group.throughput(Throughput::Elements(TIMED as u64));
    for (kind, raw) in [("raw", true), ("decoded", false)] {
        let tape = record(&specs, &trades, raw);
        group.bench_function(format!("{kind} tape to values"), |bencher| {
            bencher.iter_custom(|iterations| {
                let once = |_| {
                    let mut player = Player::new(&settings, &specs);
                    let elapsed = play(&tape, |block| player.take(block));
                    let strays = player.engine.strays();
                    assert_eq!(strays.bad_heartbeats, 0, "{strays:?}");
                    elapsed
                };
                (0..iterations).map(once).sum()
            });
        });
        group.bench_function(format!("{kind} tape read"), |bencher| {
            bencher.iter_custom(|iterations| {
                let prints = |block: &Block| {
                    let is_print = |run: &Run<'_>| match run {
                        Run::Trades(..) => false,
                        Run::Entry(entry) => matches!(entry.body, Body::Frame { .. }),
                    };
                    block.trades().len() + block.runs().filter(is_print).count()
                };
                (0..iterations).map(|_| play(&tape, prints)).sum()
            });
        });
    }
    group.finish();
}

criterion_group!(decoding, decode, session);
criterion_main!(decoding);
