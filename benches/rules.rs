//! Rules: one condition beside evaluators that people would use instead, and two hundred rules over
//! two thousand symbols and three intervals, at a close and at a heartbeat.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use benches::timing::{quick, slow};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use evalexpr::{Context as _, ContextWithMutableVariables as _};
use systems::candle::Candle;
use systems::ring::Ring;
use systems::rule::group::{ABREAST, Planned};
use systems::rule::state::Truth;
use systems::rule::{Lanes, Rules, View, Views};
use systems::settings::Settings;
use systems::symbol::SymbolSpec;
use systems::track::Value;
use systems::trade::{Aggressor, Batch, Control, SymbolId, Trade, TradeKind};
use systems::units::{Nanos, Price, Quantity, Scale};
use tapescan::config::Config;
use tapescan::engine::Engine;
use tapescan::settings::settings;

// As the program allocates.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The condition in our words, and in theirs; all three comparisons are carried out.
const OURS: &str = "close > ema(20) * 1.01 and volume > 3 * volume[1] and rsi(14) < 70";
const THEIRS: &str = "close > ema * 1.01 && volume > 3.0 * before && rsi < 70.0";
const VALUES: [(&str, f64); 5] =
    [("close", 102.0), ("ema", 100.0), ("volume", 10.0), ("before", 2.0), ("rsi", 60.0)];

/// The condition, and a hundred candles that it may look at.
fn prepared() -> (Rules, Ring, Lanes) {
    let text = format!("indicators = []\n[rules.one]\nwhen = \"{OURS}\"\n");
    let Ok(config) = Config::parse("here", &text) else { panic!("the rule is right") };
    let rules = settings(&config).rules;
    let mut ring = Ring::new(300, config.base());
    let mut lanes = Lanes::new(rules.columns[0].len(), rules.kept(0));
    for minute in 0..100 {
        ring.push(&Candle { open_time: Nanos::from_seconds(minute * 60), ..Candle::default() });
        lanes.put(minute, |column| Value {
            // In the order in which the condition names them.
            number: Some(match column {
                0 => 102.0,
                1 => 100.0,
                2 if minute < 99 => 2.0,
                2 => 10.0,
                _ => 60.0,
            }),
            converged: true,
        });
    }
    (rules, ring, lanes)
}

/// What theirs are given is set beforehand, which is in their favour: ours reads its columns.
fn condition(criterion: &mut Criterion) {
    let mut group = quick(criterion, "rules/condition");
    let (rules, ring, lanes) = prepared();
    let mut views = Views::new(Nanos(0));
    views.set(0, View { ring: &ring, lanes: &lanes, price: 1.0 });
    let program = &rules.judged[0].when;
    assert!(program.run(&views, 0, 99) == 1.0);
    group.bench_function("one by one", |bencher| {
        bencher.iter(|| black_box(program).run(black_box(&views), 0, 99));
    });
    // As at a close: of so many symbols at once, so that one judgement is a part of what it takes.
    let Some(mut planned) = Planned::new(&rules.judged[0]) else { panic!("a plan takes it") };
    let (views, judged) = ([views; ABREAST], [99; ABREAST]);
    assert_eq!(planned.run(&views, judged), [Truth::True; ABREAST]);
    group.throughput(Throughput::Elements(ABREAST as u64));
    group.bench_function("ours", |bencher| {
        bencher.iter(|| planned.run(black_box(&views), black_box(judged)));
    });
    group.throughput(Throughput::Elements(1));

    let tree = evalexpr::build_operator_tree(THEIRS).unwrap();
    let mut context = evalexpr::HashMapContext::new();
    for (name, value) in VALUES {
        context.set_value(name.to_owned(), value.into()).unwrap();
    }
    assert!(context.get_value("rsi").is_some());
    assert_eq!(tree.eval_boolean_with_context(&context), Ok(true));
    group.bench_function("evalexpr", |bencher| {
        bencher.iter(|| black_box(&tree).eval_boolean_with_context(black_box(&context)));
    });

    let engine = rhai::Engine::new();
    let compiled = engine.compile_expression(THEIRS).unwrap();
    let mut scope = rhai::Scope::new();
    for (name, value) in VALUES {
        scope.push(name, value);
    }
    assert_eq!(engine.eval_ast_with_scope::<bool>(&mut scope, &compiled).ok(), Some(true));
    group.bench_function("rhai", |bencher| {
        bencher.iter(|| {
            let (scope, compiled) = (black_box(&mut scope), black_box(&compiled));
            engine.eval_ast_with_scope::<bool>(scope, compiled).is_ok_and(|holds| holds)
        });
    });

    let env = Arc::new(cel::Env::stdlib());
    let compiled = env.compile(THEIRS).unwrap();
    let mut context = cel::Context::with_env(env);
    for (name, value) in VALUES {
        context.add_variable(name, value).unwrap();
    }
    assert_eq!(compiled.execute(&context).unwrap(), true.into());
    group.bench_function("cel", |bencher| {
        bencher.iter(|| black_box(&compiled).execute(black_box(&context)));
    });
    group.finish();
}

const SYMBOLS: usize = 2_000;
const RULES: usize = 200;

/// Minutes before the clock starts: averages of twenty candles are known on 15m, too.
const WARM: u64 = 320;

/// Rules of seven kinds with other numbers each, over three intervals.
fn two_hundred(forming: bool) -> Settings {
    let mut text = String::new();
    for index in 0..RULES {
        let (n, interval) = (5 + index % 16, ["1m", "3m", "15m"][index % 3]);
        // Of forming candles three kinds: most functions look back over closed ones.
        let when = match index % 7 {
            kind if forming => match kind % 3 {
                0 => format!("forming close > 1.01 * forming ema({n}) and forming trades > 10"),
                1 => format!("forming rsi({n}) < 30 and forming close < closed low"),
                _ => format!("forming volume > {n} * closed volume"),
            },
            0 => format!("close crosses_above ema({n}) and volume > average(volume, 10)[1]"),
            1 => format!("rsi({n}) < 30 and rising(2)"),
            2 => format!("volume > {n} * average(volume, 20)[1] and trades > 10"),
            3 => format!("new_high(20) and change(15m) > {n}%"),
            4 => format!("close > highest(high, {n})[1] and not gap"),
            5 => format!("natr({n}) > 1.5 * average(natr({n}), 20)"),
            _ => format!("within({n}, rsi(14) > 70) and close < ema(12)"),
        };
        text += &format!("[rules.r{index}]\nwhen = \"{when}\"\ninterval = \"{interval}\"\n");
        if forming {
            text += "on = \"forming\"\n";
        }
    }
    match Config::parse("here", &text) {
        Ok(config) => settings(&config),
        Err(error) => panic!("{error}"),
    }
}

/// A market of one print a minute and symbol, minute by minute.
struct Minutes {
    engine: Engine,
    minute: u64,
    random: u64,
    prices: Vec<i64>,
    batch: Batch,
}

impl Minutes {
    fn new(settings: &Settings, threads: usize) -> Self {
        let scale = Scale::exact(2);
        let spec = |index| SymbolSpec {
            name: format!("S{index}USDT").into(),
            price: scale,
            quantity: scale,
        };
        let specs: Vec<_> = (0..SYMBOLS).map(spec).collect();
        let engine = Engine::new(settings, &specs, threads);
        let Ok(engine) = engine else { panic!("the schedule builds") };
        let (prices, batch) = (vec![10_000; SYMBOLS], Batch::default());
        let mut minutes = Self { engine, minute: 0, random: 0x2545_f491_4f6c_dd1d, prices, batch };
        minutes.beat(0, 0);
        for _ in 0..WARM {
            minutes.minute();
        }
        minutes
    }

    fn next(&mut self, bound: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % bound
    }

    fn at(&self, seconds: u64) -> Nanos {
        Nanos::from_seconds(1_723_161_600 + self.minute * 60 + seconds)
    }

    /// A minute: how long the pulse took that closes its candles, how many those were, and the
    /// same of the pulse after it.
    fn minute(&mut self) -> [(Duration, usize); 2] {
        // What is stamped too far ahead of the last heartbeat is refused.
        self.beat(29, 0);
        self.prints();
        self.beat(60, 0);
        let both = [self.beat(60, 1), self.beat(60, 2)];
        self.minute += 1;
        both
    }

    fn prints(&mut self) {
        let time = self.at(30);
        for symbol in 0..SYMBOLS {
            let price = self.prices[symbol] + self.next(101) as i64 - 50;
            self.prices[symbol] = price.max(1_000);
            let (id, quantity) = (self.minute + 1, 1 + self.next(10_000) as i64);
            self.batch.push(Trade {
                symbol: SymbolId(symbol as u16),
                id,
                first_id: id,
                time,
                price: Price(self.prices[symbol]),
                quantity: Quantity(quantity),
                count: 20,
                aggressor: Aggressor::Buyer,
                kind: TradeKind::Market,
            });
        }
        self.engine.step(&mut self.batch, &mut |_| ());
    }

    /// A heartbeat: how long it took, and how many candles closed.
    fn beat(&mut self, seconds: u64, more: u64) -> (Duration, usize) {
        self.batch.control(Control::Heartbeat(self.at(seconds + more)));
        let (begun, mut closed) = (Instant::now(), 0);
        self.engine.step(&mut self.batch, &mut |outbox| {
            closed += outbox.records.len();
            black_box(outbox.alerts.len());
        });
        (begun.elapsed(), closed)
    }
}

/// What is timed of a minute.
#[derive(Clone, Copy, PartialEq)]
enum Timed {
    /// Its end, where it is that of a candle of 1m alone.
    Close,
    /// Its end, where candles of all intervals end.
    CloseOfAll,
    /// A heartbeat of the second after it, which closes nothing.
    Heartbeat,
}

impl Minutes {
    /// So many minutes of which something is timed, and how long that took.
    fn time(&mut self, timed: Timed, mut count: u64) -> Duration {
        let mut elapsed = Duration::ZERO;
        while count > 0 {
            let [close, idle] = self.minute();
            let wanted = match timed {
                Timed::Close => (!self.minute.is_multiple_of(3)).then_some((close, SYMBOLS)),
                Timed::CloseOfAll => self.minute.is_multiple_of(15).then_some((close, 3 * SYMBOLS)),
                Timed::Heartbeat => Some((idle, 0)),
            };
            let Some(((took, closed), expected)) = wanted else { continue };
            assert_eq!(closed, expected, "candles that closed");
            elapsed += took;
            count -= 1;
        }
        elapsed
    }
}

/// With the rules and without: the difference is what they cost.
fn scan(criterion: &mut Criterion) {
    let (ruled, forming) = (two_hundred(false), two_hundred(true));
    // The same indicators, so that the difference is that of the rules alone.
    let plain = Settings { rules: Default::default(), ..ruled.clone() };
    // Threads are there once for all engines: as many as the first of them wants.
    drop(Engine::new(&plain, &[], 2));
    let closes = [
        ("rules/close", Timed::Close, 40),
        ("rules/close of all", Timed::CloseOfAll, 12),
        ("rules/heartbeat", Timed::Heartbeat, 40),
    ];
    let beats = [("rules/forming", Timed::Heartbeat, 12)];
    for threads in [1, 2] {
        let ours = [("ours", &ruled, &closes[..]), ("ours", &forming, &beats)];
        for (function, settings, what) in [("without", &plain, &closes[..])].into_iter().chain(ours)
        {
            // Made once something of it is asked for.
            let mut minutes = None;
            for &(name, timed, samples) in what {
                let mut group = slow(criterion, name);
                group.sample_size(samples);
                group.bench_function(format!("{function}/{threads}"), |bencher| {
                    let minutes = minutes.get_or_insert_with(|| Minutes::new(settings, threads));
                    bencher.iter_custom(|count| minutes.time(timed, count));
                });
                group.finish();
            }
        }
    }
}

criterion_group!(benches, condition, scan);
criterion_main!(benches);
