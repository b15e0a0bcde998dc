//! What this machine can do at most, beside which figures are to be read: how fast memory streams,
//! what a second thread adds, and what one read from a socket takes. A plain program: what it
//! prints, `table.sh` reads.

use std::hint::black_box;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

use benches::inputs::defaults;
use benches::tracks::candle_bytes;
use systems::trade::Trade;

// As the program allocates.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// More than any cache near a core holds.
const BYTES: usize = 256 << 20;
const WORDS: usize = BYTES / 8;
const ROUNDS: usize = 7;
const STEPS: u64 = 100_000_000;
/// Frames of a trade message that are read one by one.
const FRAMES: usize = 20_000;
const FRAME: usize = 180;

/// The middle of some runs of `work`, in seconds.
fn median(mut work: impl FnMut()) -> f64 {
    let mut seconds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            work();
            begun.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds[ROUNDS / 2]
}

/// Four chains that need nothing but registers.
fn count() {
    let mut chains = black_box([1u64, 2, 3, 4]);
    for step in 0..STEPS {
        chains = [
            chains[0].wrapping_mul(5).wrapping_add(step),
            chains[1].wrapping_mul(7).wrapping_add(step),
            chains[2].wrapping_mul(9).wrapping_add(step),
            chains[3].wrapping_mul(11).wrapping_add(step),
        ];
    }
    black_box(chains);
}

fn read(words: &[u64]) {
    let sums = words.chunks_exact(8).fold([0u64; 8], |mut sums, line| {
        sums.iter_mut().zip(line).for_each(|(sum, word)| *sum = sum.wrapping_add(*word));
        sums
    });
    black_box(sums);
}

fn update(words: &mut [u64]) {
    words.iter_mut().for_each(|word| *word = word.wrapping_add(1));
    black_box(words);
}

/// How many times as much work two threads do as one does in the same time.
fn gain(work: impl Fn() + Sync) -> f64 {
    let one = median(&work);
    let two = median(|| {
        std::thread::scope(|scope| {
            scope.spawn(&work);
            work();
        });
    });
    2.0 * one / two
}

/// Nanoseconds of a read that brings one frame, which is there already.
fn socket() -> io::Result<f64> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut sender = TcpStream::connect(listener.local_addr()?)?;
    let mut receiver = listener.accept()?.0;
    let (sent, mut frame) = ([7; FRAME], [0; FRAME]);
    let (mut reading, mut left) = (0.0, FRAMES);
    while left > 0 {
        // As many as a socket's buffer surely takes.
        let some = left.min(100);
        (0..some).try_for_each(|_| sender.write_all(&sent))?;
        let begun = Instant::now();
        (0..some).try_for_each(|_| receiver.read_exact(&mut frame))?;
        reading += begun.elapsed().as_secs_f64();
        left -= some;
    }
    Ok(reading / FRAMES as f64 * 1e9)
}

fn main() -> io::Result<()> {
    // Run by `cargo test`, or with a filter for other benchmarks: nothing to do.
    let mut arguments = std::env::args().skip(1);
    let filtered = std::env::args().skip(1).any(|word| !word.starts_with('-') && word != "machine");
    if filtered || !arguments.any(|word| word == "--bench") {
        return Ok(());
    }
    let mut words = vec![1u64; WORDS];
    let reading = median(|| read(&words));
    let updating = median(|| update(&mut words));
    let [arithmetic, memory] = [gain(count), gain(|| read(&words))];
    let socket = socket()?;
    let mut out = io::stdout().lock();
    writeln!(out, "machine: read_gb_s {:.2}", BYTES as f64 / reading / 1e9)?;
    writeln!(out, "machine: update_gb_s {:.2}", BYTES as f64 / updating / 1e9)?;
    writeln!(out, "machine: gain_arithmetic {arithmetic:.2}")?;
    writeln!(out, "machine: gain_reading {memory:.2}")?;
    writeln!(out, "machine: socket_ns {socket:.0}")?;
    writeln!(out, "machine: trade_bytes {}", size_of::<Trade>())?;
    writeln!(out, "machine: candle_bytes {}", candle_bytes(&defaults()))
}
