//! The sections of sinks, `[sinks.NAME]` each: where alerts go.

use std::ops::RangeInclusive;
use std::path::{Component, Path, PathBuf};

use systems::rule::Budget;

use super::named::Named;
use super::read::{Item, Reader, Section};
use super::rules::budget;
use super::{Config, amounts, base, nearest};
use crate::sinks::Template;
use crate::sinks::limits::{
    BUDGET, BUDGET_DEFAULT, QUEUE, QUEUE_DEFAULT, SINKS_MAX, TIMEOUT_DEFAULT_NS, TIMEOUT_NS,
};

mod print;

/// A sink as it is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sink {
    /// Its name, which is also that of its files.
    pub name: String,
    /// Where alerts go.
    pub to: To,
    /// Names of the rules whose alerts it gets, and of the tables whose moves; if there are none,
    /// it gets all alerts.
    pub rules: Vec<String>,
    /// Alerts in memory.
    pub queue: usize,
    /// Bytes that what waits may take on the disk.
    pub budget: u64,
    /// How many alerts it gets in a stretch of time.
    pub rate: Option<Budget>,
    /// How long a delivery may take, in nanoseconds.
    pub timeout_ns: u64,
}

/// Where alerts go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// Lines on stderr.
    Terminal,
    /// A file with a JSON object a line.
    File {
        /// Its path.
        path: PathBuf,
        /// It is put aside before it would become larger, in bytes.
        max_size: u64,
        /// So many that were put aside stay.
        keep: u32,
    },
    /// HTTP.
    Webhook {
        /// The shape of the body.
        template: Template,
        /// The address; of Telegram, where its interface is.
        url: Source,
        /// What proves who we are, where that is not in the address.
        token: Option<Source>,
        /// Where Telegram shows it.
        chat: Option<String>,
    },
    /// A subject of a NATS server.
    Nats {
        /// Scheme, host and port.
        url: String,
        /// May name `{rule}` and `{symbol}`.
        subject: String,
        /// Whether a stream must acknowledge, and not the server alone.
        stream: bool,
        /// Whose password the token is, if anybody's.
        user: Option<String>,
        /// A token or a password.
        token: Option<Source>,
    },
}

/// Where a text comes from that may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// From the configuration, and so it is none.
    Plain(String),
    /// From the environment.
    Env(String),
    /// From a file that nobody else can read.
    File(PathBuf),
}

const COMMON: &[&str] = &["kind", "rules", "queue", "budget", "rate", "timeout"];
const FILE: &[&str] = &["path", "max_size", "keep"];
const WEBHOOK: &[&str] =
    &["template", "url", "url_env", "url_file", "token_env", "token_file", "chat"];
const NATS: &[&str] = &["url", "subject", "acknowledge", "user", "token_env", "token_file"];

/// Kinds of sinks, with the keys of each.
const KINDS: &[(&str, &[&str])] =
    &[("terminal", &[]), ("file", FILE), ("webhook", WEBHOOK), ("nats", NATS)];

const TEMPLATES: &[(&str, Template)] = &[
    ("json", Template::Json),
    ("telegram", Template::Telegram),
    ("discord", Template::Discord),
    ("slack", Template::Slack),
];

const ACKNOWLEDGE: &[(&str, bool)] = &[("server", false), ("stream", true)];

const TELEGRAM: &str = "https://api.telegram.org";
const NATS_SCHEMES: &[&str] = &["nats", "tls"];
const FILE_SIZE: RangeInclusive<u64> = 64 << 10..=16 << 30;
const FILE_SIZE_DEFAULT: u64 = 64 << 20;
const KEEP_MAX: u64 = 1_000;
const KEEP_DEFAULT: u32 = 8;

/// Reads `[sinks.NAME]`, all of them. The rules are known by then.
pub(super) fn sinks<'t>(reader: &mut Reader<'t>, document: Section<'_, 't>, config: &mut Config) {
    let kinds: Vec<(&'static str, usize)> =
        KINDS.iter().enumerate().map(|(index, (name, _))| (*name, index)).collect();
    Named::Sink.each(reader, document, |reader, name, section, line| {
        let path = section.name();
        if reader.item(section, "kind").is_none() {
            let names: Vec<_> = KINDS.iter().map(|(name, _)| *name).collect();
            let message = format!("expected kind = one of {}", names.join(", "));
            reader.note(line, path, message);
        }
        let kind = reader.value(section, "kind", |item| item.one_of(&kinds));
        let kind = kind.map(|kind| KINDS[kind]);
        // Of a kind that is none, what is all right for any kind is.
        let any = [FILE, WEBHOOK, NATS].concat();
        let keys = [COMMON, kind.map_or(&any, |(_, own)| own)].concat();
        reader.check_keys(section, &[(path, &keys)]);
        let at = Place { section, path, line };
        let to = kind.and_then(|(kind, _)| to(reader, &at, kind));
        // All of it is read, so that all mistakes are told.
        let sink = sink(reader, &at, name, to.clone().unwrap_or(To::Terminal), config);
        if let Some(to) = to {
            alone(reader, &at, &to, config);
            config.sinks.push(sink);
        }
    });
    if config.sinks.len() > SINKS_MAX {
        let message = format!("at most {SINKS_MAX} sinks, not {}", config.sinks.len());
        reader.note(1, "sinks", message);
    }
}

/// Notes that another sink writes to the same file: their lines would be mixed up, and each would
/// put aside what the other one writes.
fn alone<'t>(reader: &mut Reader<'t>, at: &Place<'_, 't>, to: &To, config: &Config) {
    let To::File { path, .. } = to else { return };
    let own = resolved(path);
    let same = |sink: &&Sink| matches!(&sink.to, To::File { path, .. } if resolved(path) == own);
    if let Some(other) = config.sinks.iter().find(same) {
        let line = reader.item(at.section, "path").map_or(at.line, |item| item.line());
        let message = format!("sinks.{} has this file: each needs one of its own", other.name);
        reader.note(line, &format!("{}.path", at.path), message);
    }
}

/// Where a path leads, as far as it is there.
fn resolved(path: &Path) -> PathBuf {
    let mut place = PathBuf::new();
    for part in std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).components() {
        match part {
            Component::ParentDir => drop(place.pop()),
            part => place.push(part),
        }
        place = place.canonicalize().unwrap_or(place);
    }
    place
}

/// A section, and what errors call it.
struct Place<'a, 't> {
    section: Section<'a, 't>,
    path: &'a str,
    line: usize,
}

fn sink<'t>(
    reader: &mut Reader<'t>,
    at: &Place<'_, 't>,
    name: &str,
    to: To,
    config: &Config,
) -> Sink {
    let tables = config.tables.iter().map(|table| table.name.as_str());
    let known: Vec<&str> =
        config.rules.iter().map(|rule| rule.name.as_str()).chain(tables).collect();
    let mut rules = Vec::new();
    for value in reader.value(at.section, "rules", |item| item.list()).unwrap_or_default() {
        let element = reader.at(value);
        let rule = element.text().and_then(|text| match known.contains(&text) {
            true => Ok(text.to_owned()),
            false => {
                let near = nearest(text, known.iter().copied());
                let hint =
                    near.map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
                Err(format!("{text:?} is not a rule or a table of this file{hint}"))
            }
        });
        rules.extend(reader.accept(element.line(), &format!("{}.rules", at.path), rule));
    }
    let queue = |item: Item<'_, '_>| item.whole(*QUEUE.start(), *QUEUE.end());
    let size = |item| size(item, &BUDGET, "64KiB to 1024GiB such as \"64MiB\"");
    let timeout = |item: Item<'_, '_>| {
        let text = item.text()?;
        amounts::duration_ns(text).filter(|ns| TIMEOUT_NS.contains(ns)).ok_or_else(|| {
            format!("expected a duration from 100ms to 1m such as \"10s\", not {text:?}")
        })
    };
    let rate = |item: Item<'_, '_>| budget(item.text()?);
    Sink {
        name: name.to_owned(),
        to,
        rules,
        queue: reader.value(at.section, "queue", queue).map_or(QUEUE_DEFAULT, |n| n as usize),
        budget: reader.value(at.section, "budget", size).unwrap_or(BUDGET_DEFAULT),
        rate: reader.value(at.section, "rate", rate),
        timeout_ns: reader.value(at.section, "timeout", timeout).unwrap_or(TIMEOUT_DEFAULT_NS),
    }
}

fn to<'t>(reader: &mut Reader<'t>, at: &Place<'_, 't>, kind: &str) -> Option<To> {
    match kind {
        "file" => file(reader, at),
        "webhook" => webhook(reader, at),
        "nats" => nats(reader, at),
        _ => Some(To::Terminal),
    }
}

fn file<'t>(reader: &mut Reader<'t>, at: &Place<'_, 't>) -> Option<To> {
    let path = required(reader, at, "path", "\"alerts.jsonl\"", |text| Ok(text.into()));
    let limit = |item| size(item, &FILE_SIZE, "64KiB to 16GiB such as \"64MiB\"");
    let max_size = reader.value(at.section, "max_size", limit).unwrap_or(FILE_SIZE_DEFAULT);
    let keep = reader.value(at.section, "keep", |item| item.whole(1, KEEP_MAX));
    Some(To::File { path: path?, max_size, keep: keep.map_or(KEEP_DEFAULT, |n| n as u32) })
}

fn webhook<'t>(reader: &mut Reader<'t>, at: &Place<'_, 't>) -> Option<To> {
    let template = reader.value(at.section, "template", |item| item.one_of(TEMPLATES));
    let template = template.unwrap_or(Template::Json);
    let plain = |item: Item<'_, '_>| {
        let text = item.text()?;
        if matches!(template, Template::Discord | Template::Slack) {
            return Err("the address is itself a secret: use url_env or url_file".to_owned());
        }
        if text.contains(['@', '?']) {
            let message = "what stands before @ or behind ? is a secret: use url_env or url_file";
            return Err(message.to_owned());
        }
        base(text, super::REQUESTS)
    };
    // A template that is none may not need one.
    let given =
        reader.item(at.section, "url").is_some() || reader.noted(&format!("{}.template", at.path));
    let url = reader.value(at.section, "url", plain).map(Source::Plain);
    let hidden = source(reader, at, "url");
    let url = url.or(hidden);
    let token = source(reader, at, "token");
    let chat = reader.value(at.section, "chat", |item| item.text().map(str::to_owned));
    let url = match (url, template) {
        (None, Template::Telegram) if !given => Some(Source::Plain(TELEGRAM.to_owned())),
        (None, _) => {
            if !given {
                let message = "expected the address: url, or url_env or url_file".to_owned();
                reader.note(at.line, at.path, message);
            }
            None
        }
        (url, _) => url,
    };
    if template == Template::Telegram && (token.is_none() || chat.is_none()) {
        let message = "expected token_env or token_file, and chat = \"-100...\"".to_owned();
        reader.note(at.line, at.path, message);
    }
    Some(To::Webhook { template, url: url?, token, chat })
}

fn nats<'t>(reader: &mut Reader<'t>, at: &Place<'_, 't>) -> Option<To> {
    let address = |text: &str| {
        if text.contains('@') {
            return Err("names and passwords stand in user and token_env or token_file".to_owned());
        }
        base(text, NATS_SCHEMES).and_then(|url| match host_and_port(&url) {
            Some(_) => Ok(url),
            None => Err(format!("expected a host and a port, such as nats://here:4222: {text:?}")),
        })
    };
    let url = required(reader, at, "url", "\"nats://127.0.0.1:4222\"", address);
    let subject = |item: Item<'_, '_>| {
        let text = item.text()?;
        let bad = |c: char| c.is_whitespace() || c.is_control() || "*>".contains(c);
        match text.is_empty() || text.contains(bad) || text.split('.').any(str::is_empty) {
            true => Err(format!("expected a subject such as \"alerts.{{rule}}\", not {text:?}")),
            false => Ok(text.to_owned()),
        }
    };
    let subject = reader.value(at.section, "subject", subject);
    let stream = reader.value(at.section, "acknowledge", |item| item.one_of(ACKNOWLEDGE));
    let user = reader.value(at.section, "user", |item| item.text().map(str::to_owned));
    let token = source(reader, at, "token");
    if user.is_some() && token.is_none() {
        let message = "expected token_env or token_file, the password of user".to_owned();
        reader.note(at.line, at.path, message);
    }
    let subject = subject.unwrap_or_else(|| "tapescan.alerts".to_owned());
    Some(To::Nats { url: url?, subject, stream: stream.unwrap_or(false), user, token })
}

/// Host and port of an address that has no path; 4222 where it names no port.
pub(crate) fn host_and_port(url: &str) -> Option<(&str, u16)> {
    let (_, place) = url.split_once("://")?;
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
        _ => (place, 4_222),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    (!host.is_empty() && !host.contains('/')).then_some((host, port))
}

/// A text without which there is no such sink, as `read` understands it.
fn required<'t, T>(
    reader: &mut Reader<'t>,
    at: &Place<'_, 't>,
    key: &str,
    example: &str,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    if reader.item(at.section, key).is_none() {
        reader.note(at.line, at.path, format!("expected {key} = {example} or the like"));
    }
    reader.value(at.section, key, |item| match item.text()? {
        "" => Err(format!("expected a text such as {example}")),
        text => read(text),
    })
}

/// `KEY_env` or `KEY_file`.
fn source<'t>(reader: &mut Reader<'t>, at: &Place<'_, 't>, key: &str) -> Option<Source> {
    let text = |item: Item<'_, '_>| match item.text()? {
        "" => Err("expected a name".to_owned()),
        text => Ok(text.to_owned()),
    };
    let env = reader.value(at.section, &format!("{key}_env"), text).map(Source::Env);
    let file = reader.value(at.section, &format!("{key}_file"), text);
    let file = file.map(|file| Source::File(file.into()));
    let plain = reader.item(at.section, key).is_some();
    if usize::from(env.is_some()) + usize::from(file.is_some()) + usize::from(plain) > 1 {
        let message = format!("expected one of {key}, {key}_env and {key}_file");
        reader.note(at.line, at.path, message);
    }
    env.or(file)
}

fn size(item: Item<'_, '_>, allowed: &RangeInclusive<u64>, what: &str) -> Result<u64, String> {
    let text = item.text()?;
    amounts::bytes(text)
        .filter(|bytes| allowed.contains(bytes))
        .ok_or_else(|| format!("expected a size from {what}, not {text:?}"))
}
