//! The sections of sinks as they are printed: where a secret is, never what it is.

use std::fmt::{self, Write};

use super::{ACKNOWLEDGE, Sink, Source, TEMPLATES, To};
use crate::config::print::quoted;
use crate::config::rules::{budget_text, name_of};
use crate::config::{Config, amounts};

impl Config {
    pub(in crate::config) fn write_sinks(&self, out: &mut String) -> fmt::Result {
        if self.sinks.is_empty() {
            writeln!(out, "\n# Where alerts go.\n# [sinks.file]\n# kind = \"file\"")?;
            return writeln!(out, "# path = \"alerts.jsonl\"");
        }
        self.sinks.iter().try_for_each(|sink| write_sink(out, sink))
    }
}

fn write_sink(out: &mut String, sink: &Sink) -> fmt::Result {
    writeln!(out, "\n[sinks.{}]", sink.name)?;
    match &sink.to {
        To::Terminal => writeln!(out, "kind = \"terminal\"")?,
        To::File { path, max_size, keep } => {
            writeln!(out, "kind = \"file\"\npath = {}", quoted(&path.to_string_lossy()))?;
            writeln!(out, "max_size = {}", quoted(&amounts::bytes_text(*max_size)))?;
            writeln!(out, "keep = {keep}")?;
        }
        To::Webhook { template, url, token, chat } => {
            writeln!(out, "kind = \"webhook\"")?;
            writeln!(out, "template = {}", quoted(name_of(TEMPLATES, *template)))?;
            write_source(out, "url", Some(url))?;
            write_source(out, "token", token.as_ref())?;
            if let Some(chat) = chat {
                writeln!(out, "chat = {}", quoted(chat))?;
            }
        }
        To::Nats { url, subject, stream, user, token } => {
            writeln!(out, "kind = \"nats\"\nurl = {}", quoted(url))?;
            writeln!(out, "subject = {}", quoted(subject))?;
            writeln!(out, "acknowledge = {}", quoted(name_of(ACKNOWLEDGE, *stream)))?;
            if let Some(user) = user {
                writeln!(out, "user = {}", quoted(user))?;
            }
            write_source(out, "token", token.as_ref())?;
        }
    }
    if !sink.rules.is_empty() {
        let names: Vec<_> = sink.rules.iter().map(|name| quoted(name)).collect();
        writeln!(out, "rules = [{}]", names.join(", "))?;
    }
    writeln!(out, "queue = {}", sink.queue)?;
    writeln!(out, "budget = {}", quoted(&amounts::bytes_text(sink.budget)))?;
    if let Some(rate) = sink.rate {
        writeln!(out, "rate = {}", quoted(&budget_text(rate)))?;
    }
    writeln!(out, "timeout = {}", quoted(&amounts::duration_text(sink.timeout_ns)))
}

fn write_source(out: &mut String, key: &str, source: Option<&Source>) -> fmt::Result {
    match source {
        None => Ok(()),
        Some(Source::Plain(text)) => writeln!(out, "{key} = {}", quoted(text)),
        Some(Source::Env(name)) => writeln!(out, "{key}_env = {}", quoted(name)),
        Some(Source::File(file)) => {
            writeln!(out, "{key}_file = {}", quoted(&file.to_string_lossy()))
        }
    }
}
