//! What a user types: flags as typed, decided into what the commands take.

mod profile;
mod rules;

pub use profile::{ProfileArgs, ProfileCommand, RunArgs};
pub use rules::{ExplainArgs, RulesCommand};

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::replay::Speed;
use crate::sim::SimConfig;

/// A market scanner: exact candles and indicators from every trade, recorded and replayed to the
/// same bits.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Cli {
    /// What is logged: a level, or per module, such as "info,tapescan::import=debug" [default: the
    /// configuration's, else info].
    #[arg(long, global = true)]
    pub log_level: Option<String>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Follow an exchange: candles, indicators, repair, and a tape of all of it.
    Live(LiveArgs),
    /// Say what `live` would do with the same arguments: connections, warm-up, memory, disk, clock.
    ///
    /// Exit code 1 if something would not work. Nothing is recorded.
    Doctor(DoctorArgs),
    /// Run tapes through the engine: candles, indicators and a digest.
    Replay(ReplayArgs),
    /// Measure where time goes from the socket to what comes out, as distributions.
    ///
    /// Exit code 2 for what cannot be measured.
    Profile(ProfileArgs),
    /// Turn recordings and archives of others into a tape.
    Import(ImportArgs),
    /// Compare a tape's candles with the venue's own.
    Audit(AuditArgs),
    /// Run a simulated exchange on this machine, with faults on request.
    Sim(SimArgs),
    /// Print the whole configuration: the defaults, or what a file makes of them.
    Config {
        /// The configuration file; every mistake in it is listed.
        file: Option<PathBuf>,
    },
    /// Check the rules of a configuration, or rehearse them on tapes.
    #[command(subcommand)]
    Rules(RulesCommand),
    /// Say what every rule makes of a symbol at a time, with the values of all its parts.
    Explain(ExplainArgs),
    /// Look into tapes, cut them, or make one.
    #[command(subcommand)]
    Tape(TapeCommand),
}

/// Whom to follow and how: what `live` does and `doctor` tells beforehand.
#[derive(Debug, Args)]
pub struct SessionArgs {
    /// The configuration file; else the defaults.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// "binance", "binance-usdm", or "sim" for a simulated exchange in this process; else the
    /// configuration's venue.
    #[arg(long)]
    pub exchange: Option<String>,
    /// Names such as "BTCUSDT,ETHUSDT", "top:N" for the N busiest against USDT, or "all" [default:
    /// the configuration's, or top:200, of the simulated exchange all].
    #[arg(long)]
    pub symbols: Option<String>,
    /// Record a tape into this folder.
    #[arg(long, value_name = "DIR")]
    pub record: Option<PathBuf>,
    /// Threads of the engine; cannot be seen in the results.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: u16,
    /// The simulated exchange's market, such as "symbols=60,rate=2000".
    #[arg(long, value_name = "SPEC")]
    pub synthetic: Option<String>,
    /// What goes wrong at the simulated exchange, as for `sim`. May be given several times.
    #[arg(long, value_name = "SPEC")]
    pub fault: Vec<String>,
    /// How many times faster the simulated exchange's time passes, such as "10x".
    #[arg(long, value_parser = sim_speed)]
    pub speed: Option<f64>,
    /// Send requests here instead of to the venue, such as "http://127.0.0.1:9443".
    #[arg(long, value_name = "URL")]
    pub requests: Option<String>,
    /// Connect to streams here instead of at the venue, such as "ws://127.0.0.1:9443".
    #[arg(long, value_name = "URL")]
    pub streams: Option<String>,
    /// Trust this private CA (PEM) beside the machine's roots, for requests and streams.
    #[arg(long, value_name = "FILE.pem")]
    pub ca: Option<PathBuf>,
}

/// `tapescan live`.
#[derive(Debug, Args)]
pub struct LiveArgs {
    /// Whom to follow and how.
    #[command(flatten)]
    pub session: SessionArgs,
    /// Stop after this time, such as "60s"; else on Ctrl-C.
    #[arg(long = "for", value_name = "TIME")]
    pub run_for: Option<String>,
    /// Print one JSON object a second on stdout, and the summary as the last.
    #[arg(long)]
    pub json: bool,
}

/// `tapescan doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Whom to follow and how.
    #[command(flatten)]
    pub session: SessionArgs,
    /// Print one JSON object on stdout and nothing else there.
    #[arg(long)]
    pub json: bool,
}

/// `tapescan replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// Tapes of one session, in any order.
    #[arg(required = true)]
    pub tapes: Vec<PathBuf>,
    /// Use this configuration instead of the one on the tape.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// "max", a multiple of the recorded pace from "0.001x" to "1000000x", or "step".
    #[arg(long, default_value = "max")]
    pub speed: Speed,
    /// Events per step, or "max"; cannot be seen in the results.
    #[arg(long, default_value = "16384", value_parser = batch)]
    pub batch: usize,
    /// Threads of the engine; cannot be seen in the results.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: u16,
    /// Write every closed candle in its last revision, with its indicator values.
    #[arg(long, value_name = "OUT.csv")]
    pub candles: Option<PathBuf>,
    /// Write every alert with its reasons, one JSON object a line.
    #[arg(long, value_name = "OUT.jsonl")]
    pub alerts: Option<PathBuf>,
    /// Print one JSON object on stdout and nothing else there.
    #[arg(long)]
    pub json: bool,
    /// Compare with an earlier run; exit code 3 if anything differs.
    #[arg(long, value_name = "GOLDEN")]
    pub verify: Option<PathBuf>,
    /// Write what --verify will compare with.
    #[arg(long, value_name = "GOLDEN", conflicts_with = "verify")]
    pub bless: Option<PathBuf>,
}

fn batch(text: &str) -> Result<usize, String> {
    match text {
        "max" => Ok(usize::MAX),
        _ => match text.parse() {
            Ok(count) if count > 0 => Ok(count),
            _ => Err("a batch is a number of events from 1 on, or \"max\"".into()),
        },
    }
}

/// `tapescan import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// What the files are.
    #[arg(long)]
    pub format: FormatArg,
    /// Whose they are: "binance" or "binance-usdm".
    #[arg(long)]
    pub venue: String,
    /// The symbol, where the file's name does not say it.
    #[arg(long)]
    pub symbol: Option<String>,
    /// The interval of klines-csv, where it is to be checked.
    #[arg(long)]
    pub interval: Option<String>,
    /// The venue's exchangeInfo, for the decimals of symbols; else they are learnt from the data.
    #[arg(long, value_name = "exchangeInfo.json")]
    pub instruments: Option<PathBuf>,
    /// Keep frames that nothing decodes, such as order books.
    #[arg(long)]
    pub keep_all: bool,
    /// The files: together they are one session.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// The tape to make.
    #[arg(long)]
    pub out: PathBuf,
}

/// Formats by name.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum FormatArg {
    /// The venue's public archive of trades or aggTrades (.csv, .gz, .zip).
    BinanceCsv,
    /// The venue's public archive of candles (.csv, .gz, .zip).
    KlinesCsv,
    /// Lines of receive time in ns and raw frame (plain or .gz).
    Collector,
    /// Captured sessions, one JSON object per line.
    Jsonl,
}

/// `tapescan audit`.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Tapes of one session.
    #[arg(required = true)]
    pub tapes: Vec<PathBuf>,
    /// Official candles of one symbol (.csv, .gz, .zip).
    #[arg(long, value_name = "FILE.csv")]
    pub klines: PathBuf,
    /// The symbol, where the file's name does not say it.
    #[arg(long)]
    pub symbol: Option<String>,
    /// Use this configuration instead of the one on the tape.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// Differences shown, the largest first.
    #[arg(long, default_value_t = 10)]
    pub worst: usize,
    /// Print one JSON object on stdout and nothing else there.
    #[arg(long)]
    pub json: bool,
}

/// `tapescan sim`.
#[derive(Debug, Args)]
pub struct SimArgs {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:9443")]
    pub listen: SocketAddr,
    /// Which venue to speak like: "binance" or "binance-usdm".
    #[arg(long, default_value = "binance")]
    pub venue: String,
    /// Send the prints of this tape, moved to the present.
    #[arg(long, conflicts_with = "synthetic")]
    pub tape: Option<PathBuf>,
    /// Send a synthetic market such as "symbols=500,rate=20000,seed=1"; "help" lists all keys.
    #[arg(long, value_name = "SPEC")]
    pub synthetic: Option<String>,
    /// What goes wrong, such as "disconnect:at=10s" or "missing:share=0.001,seed=3"; "help" lists
    /// all kinds. May be given several times.
    #[arg(long, value_name = "SPEC")]
    pub fault: Vec<String>,
    /// Stop after this time of this machine, such as "60s"; else on Ctrl-C.
    #[arg(long = "for", value_name = "TIME")]
    pub run_for: Option<String>,
    /// How many times faster the exchange's time passes.
    #[arg(long, default_value_t = 1.0, value_parser = sim_speed)]
    pub speed: f64,
    /// How far back candles go, such as "120h".
    #[arg(long, default_value = "120h", value_name = "TIME")]
    pub history: String,
    /// How much older than the present the answers to requests are, such as "500ms".
    #[arg(long, default_value = "0s", value_name = "TIME")]
    pub lag: String,
    /// How many prints are kept for requests, the newest of all symbols.
    #[arg(long, default_value_t = SimConfig::default().keep, value_name = "PRINTS")]
    pub keep: usize,
    /// Speak TLS, with a certificate made for this run and written to this file (PEM).
    #[arg(long, value_name = "CERT.pem")]
    pub tls: Option<PathBuf>,
}

fn sim_speed(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('x').parse() {
        Ok(speed) if (0.01..=10_000.0).contains(&speed) => Ok(speed),
        _ => Err("a speed is a factor from 0.01 to 10000".into()),
    }
}

/// `tapescan tape ...`.
#[derive(Debug, Subcommand)]
pub enum TapeCommand {
    /// What is on a tape.
    Info {
        /// The tape.
        tape: PathBuf,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Check checksums, order and ids; exit code 3 if bytes are damaged or ids are missing.
    Verify {
        /// The tape; several, or a folder of them, are checked as the session that they hold.
        #[arg(required = true, value_name = "TAPE")]
        tapes: Vec<PathBuf>,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Copy a part of a tape.
    Cut {
        /// The tape to copy from.
        tape: PathBuf,
        /// The tape to make.
        #[arg(long)]
        out: PathBuf,
        /// From this receive time on: 2024-08-09T00:00:00Z (RFC 3339), or milliseconds since 1970.
        #[arg(long)]
        from: Option<String>,
        /// Up to this receive time, excluded; the same forms.
        #[arg(long)]
        to: Option<String>,
        /// Only these symbols.
        #[arg(long, value_delimiter = ',')]
        symbols: Vec<String>,
    },
    /// Find the first minute in which two runs differ; exit code 3 if there is one.
    Bisect {
        /// A tape, or a file that `replay --bless` made.
        a: PathBuf,
        /// Another one.
        b: PathBuf,
        /// Use this configuration for both instead of those on the tapes.
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// Make a tape of a synthetic market.
    Generate {
        /// Such as "symbols=500,rate=20000,seed=1,duration=60"; "help" lists all keys.
        spec: String,
        /// The tape to make; needed unless SPEC is "help".
        #[arg(long)]
        out: Option<PathBuf>,
        /// The configuration to put on the tape.
        #[arg(long)]
        config: Option<PathBuf>,
    },
}
