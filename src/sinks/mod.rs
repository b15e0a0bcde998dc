//! Where alerts go: terminal, files, webhooks and NATS, each with a queue and a thread of its own.
//!
//! The engine hands alerts to the courier and never waits. The courier queues each for every sink
//! that wants it; the queue lies in a file, so what a sink does not take now it gets later, also
//! after a start anew, in order and under the same key. Nothing here decides anything: a session
//! without sinks is the same session.

mod courier;
pub mod limits;
mod message;
mod nats;
mod outlet;
mod owned;
mod rotating;
mod secret;
mod spool;
mod template;
mod webhook;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use systems::units::Nanos;

pub use courier::{Handed, OnTape, Teller, Telling, Watch, Window};
pub use message::{Message, as_json, in_words, move_as_json};
pub use outlet::SinkStatus;
pub use template::Template;

use crate::config::{Config, Sink, Source, To, host_and_port};
use crate::symbols::Symbols;
use crate::terminal::write_above;
use crate::tls::{TlsError, tls_config};
use limits::SKEW_NS;
use nats::Nats;
use outlet::{Outlet, Target, Terms, Trouble};
use rotating::Lines;
use secret::Secret;
use spool::{Item, Spool};
use webhook::Webhook;

/// Why a sink cannot begin.
#[derive(Debug, thiserror::Error)]
#[error("sinks.{sink}: {why}")]
pub struct SinkError {
    /// Its name.
    pub sink: String,
    /// Why.
    pub why: Why,
}

/// Why a sink cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum Why {
    /// A secret cannot be read.
    #[error("{key}: {why}")]
    Secret {
        /// The key that says where it is.
        key: &'static str,
        /// Why not.
        why: String,
    },
    /// A file of it cannot be read or written, or belongs to another session.
    #[error("{}: {source}", .file.display())]
    File {
        /// Which file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The address is none.
    #[error("url: the address is none: expected such as \"https://alerts.example/hook\"")]
    Url,
    /// No way to tell whom to trust.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A thread or a runtime is refused by the machine.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Why sinks of a configuration could not begin: secrets, addresses and files are looked at, and
/// nothing is made.
pub fn check(config: &Config) -> Vec<SinkError> {
    let refused = |sink: &Sink| {
        let why = look(sink, config).err()?;
        Some(SinkError { sink: sink.name.clone(), why })
    };
    config.sinks.iter().filter_map(refused).collect()
}

fn look(sink: &Sink, config: &Config) -> Result<(), Why> {
    target(sink, config)?;
    let own = if let To::File { path, .. } = &sink.to { Some(path.clone()) } else { None };
    let mut files = own.into_iter().chain(waiting(sink, config).map(|(spool, _)| spool));
    files.try_for_each(|file| owned::check(&file).map_err(|source| Why::File { file, source }))
}

/// The file of what waits for a sink, and that of what it refused; those of a terminal are none.
fn waiting(sink: &Sink, config: &Config) -> Option<(PathBuf, PathBuf)> {
    let file = |kind| config.alerts_dir.join(format!("{}.{kind}", sink.name));
    (sink.to != To::Terminal).then(|| (file("spool"), file("refused.jsonl")))
}

/// Sinks that deliver what waits for them from earlier.
pub struct Sinks(Vec<Outlet>);

impl Sinks {
    /// Opens all sinks of a configuration at `now`. A sink that is new gets nothing that tapes of
    /// earlier sessions tell of the time before.
    ///
    /// # Errors
    /// [`SinkError`]; a sink that is down is none.
    pub fn open(config: &Config, now: Nanos) -> Result<Self, SinkError> {
        let open = |sink: &Sink| {
            outlet(sink, config, now).map_err(|why| SinkError { sink: sink.name.clone(), why })
        };
        config.sinks.iter().map(open).collect::<Result<_, _>>().map(Self)
    }

    /// Starts to take alerts of a session over `symbols`, each once `on_tape` says that what it
    /// follows from is.
    ///
    /// # Errors
    /// A thread is refused by the machine.
    pub fn start(
        self,
        config: &Config,
        symbols: &Symbols,
        on_tape: OnTape,
    ) -> io::Result<(Teller, Window)> {
        courier::start(self.0, config, symbols, on_tape)
    }
}

fn outlet(sink: &Sink, config: &Config, now: Nanos) -> Result<Outlet, Why> {
    let mut target = target(sink, config)?;
    target.begin()?;
    let (spool, refused) = match waiting(sink, config) {
        None => (Spool::in_memory(sink.queue), None),
        Some((file, refused)) => {
            let spool = Spool::open(&file, sink.budget, sink.queue, now.minus(SKEW_NS));
            (spool.map_err(|source| Why::File { file, source })?, Some(refused))
        }
    };
    if spool.pending() > 0 {
        log::info!("sink {}: {} alerts wait from earlier", sink.name, spool.pending());
    }
    let rate = sink.rate.map(|rate| (rate.count as usize, Duration::from_nanos(rate.window_ns)));
    let terms = Terms { name: sink.name.clone(), rules: sink.rules.clone(), rate, refused };
    Ok(Outlet::start(terms, spool, target)?)
}

fn target(sink: &Sink, config: &Config) -> Result<Box<dyn Target>, Why> {
    let timeout = Duration::from_nanos(sink.timeout_ns);
    let ca: Option<&Path> = config.rest.ca.as_deref();
    Ok(match &sink.to {
        To::Terminal => Box::new(Terminal),
        To::File { path, max_size, keep } => Box::new(Lines::new(path, *max_size, *keep as usize)),
        To::Webhook { template, url, token, chat } => {
            let url = read("url", url)?;
            let token = token.as_ref().map(|token| read("token", token)).transpose()?;
            let url = match (&token, template) {
                (Some(token), Template::Telegram) => {
                    let (base, token) = (url.expose(), token.expose());
                    let whole = format!("{base}/bot{token}/sendMessage");
                    read("token", &Source::Plain(whole))?
                }
                _ => url,
            };
            let chat = chat.clone().unwrap_or_default();
            let settings = webhook::Settings { url, token, template: *template, chat, timeout };
            Box::new(Webhook::new(settings, ca)?)
        }
        To::Nats { url, subject, stream, user, token } => {
            let (host, port) = host_and_port(url).ok_or(Why::Url)?;
            let tls = url.starts_with("tls:").then(|| tls_config(ca)).transpose()?;
            let token = token.as_ref().map(|token| read("token", token)).transpose()?;
            let (host, user, subject) = (host.to_owned(), user.clone(), subject.clone());
            let stream = *stream;
            let settings =
                nats::Settings { host, port, tls, subject, stream, user, token, timeout };
            Box::new(Nats::new(settings)?)
        }
    })
}

fn read(key: &'static str, source: &Source) -> Result<Secret, Why> {
    Secret::read(source).map_err(|why| {
        let key = match (key, source) {
            ("url", Source::Env(_)) => "url_env",
            ("url", Source::File(_)) => "url_file",
            ("token", Source::Env(_)) => "token_env",
            ("token", Source::File(_)) => "token_file",
            (key, _) => key,
        };
        Why::Secret { key, why }
    })
}

/// Lines on stderr, above whatever is drawn there.
struct Terminal;

impl Target for Terminal {
    fn deliver(&mut self, item: &Item) -> Result<(), Trouble> {
        let alert = serde_json::from_str(&item.json).unwrap_or_default();
        write_above(&format!("{}\n", in_words(&alert)));
        Ok(())
    }
}
