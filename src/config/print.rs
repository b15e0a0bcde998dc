//! The whole configuration as a file that explains itself and reads back to the same values.

use std::fmt::{self, Write};

use super::rules::name_of;
use super::sections::{PUBLISHED, SCOPES, WINNERS};
use super::{Choice, Config, OFF, PerInterval, VENUES, amounts};

impl Config {
    /// Every key with its value and a comment: what `tapescan config` prints.
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self
            .write_top(&mut text)
            .and_then(|()| self.write_sections(&mut text))
            .and_then(|()| self.write_rules(&mut text))
            .and_then(|()| self.write_tables(&mut text))
            .and_then(|()| self.write_sinks(&mut text));
        text
    }

    /// The same for the header of a tape: where alerts go decides nothing that is on it, and is
    /// nobody's business who gets it.
    pub fn for_tapes(&self) -> String {
        Self { sinks: Vec::new(), ..self.clone() }.to_toml()
    }

    fn write_top(&self, out: &mut String) -> fmt::Result {
        let names = self.intervals.iter().map(|row| quoted(&row.interval.to_string()));
        writeln!(
            out,
            "# Candle lengths; prints are folded into the shortest, all others from it."
        )?;
        writeln!(out, "intervals = [{}]", names.collect::<Vec<_>>().join(", "))?;
        writeln!(out, "\n# When the trading day of session VWAP begins, UTC.")?;
        writeln!(out, "session = {}", quoted(&amounts::clock_text(self.session_seconds)))?;
        let heading = "Closed candles kept per symbol; one number, or a table by interval.";
        self.write_by_interval(out, heading, "lookback", |row| row.lookback.to_string())?;
        let heading = "Indicators, in column order; one list, or a table by interval.";
        self.write_by_interval(out, heading, "indicators", |row| {
            let texts = row.indicators.iter().map(|spec| quoted(&spec.text()));
            format!("[{}]", texts.collect::<Vec<_>>().join(", "))
        })
    }

    /// One value if all intervals agree, or else a table.
    fn write_by_interval(
        &self,
        out: &mut String,
        heading: &str,
        key: &str,
        value: impl Fn(&PerInterval) -> String,
    ) -> fmt::Result {
        writeln!(out, "\n# {heading}")?;
        let values: Vec<String> = self.intervals.iter().map(value).collect();
        if values.windows(2).all(|pair| pair[0] == pair[1]) {
            return writeln!(out, "{key} = {}", values[0]);
        }
        // Dotted keys rather than a section, which would have to stand after all plain keys.
        for (row, value) in self.intervals.iter().zip(values) {
            writeln!(out, "{key}.{} = {value}", quoted(&row.interval.to_string()))?;
        }
        Ok(())
    }

    /// The rest of `[venue]`, and `[rest]`.
    fn write_edge(&self, out: &mut String) -> fmt::Result {
        writeln!(
            out,
            "# Names, \"top:N\" for the N busiest against USDT, or \"all\". Without it the"
        )?;
        writeln!(out, "# busiest 200, of the simulated exchange all.")?;
        let symbols = self.symbols.as_ref().map(|choice| match choice {
            Choice::Names(names) => {
                let names: Vec<_> = names.iter().map(|name| quoted(name)).collect();
                format!("[{}]", names.join(", "))
            }
            other => quoted(&other.to_string()),
        });
        or_example(out, "symbols", symbols, "[\"BTCUSDT\", \"ETHUSDT\"]")?;
        writeln!(
            out,
            "# How often the venue's list of symbols is looked at: what no longer trades is"
        )?;
        writeln!(out, "# retired, and of \"all\" what is new is followed; or \"off\".")?;
        let refresh = match self.refresh_ns {
            0 => OFF.to_owned(),
            ns => amounts::duration_text(ns),
        };
        writeln!(out, "refresh = {}", quoted(&refresh))?;
        writeln!(out, "# Where requests and streams go, if not to the venue itself.")?;
        let url = |url: &Option<String>| url.as_deref().map(quoted);
        or_example(out, "requests", url(&self.requests), "\"http://127.0.0.1:9443\"")?;
        or_example(out, "streams", url(&self.streams), "\"ws://127.0.0.1:9443\"")?;
        self.write_universe(out)?;
        let rest = &self.rest;
        writeln!(out, "\n[rest]\n# Share of the venue's request weight that may be used.")?;
        writeln!(out, "budget = {}", f64::from(rest.budget_percent) / 100.0)?;
        writeln!(out, "# How long a request may take.")?;
        writeln!(out, "timeout = {}", quoted(&amounts::duration_text(rest.timeout_ns)))?;
        writeln!(
            out,
            "# A private CA to trust beside the machine's, for requests and streams (PEM)."
        )?;
        let ca = rest.ca.as_ref().map(|file| quoted(&file.to_string_lossy()));
        or_example(out, "ca", ca, "\"ca.pem\"")
    }

    fn write_sections(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "\n[venue]\n# {}.", VENUES.join(", "))?;
        writeln!(out, "name = {}", quoted(&self.venue))?;
        self.write_edge(out)?;
        let reconcile = &self.reconcile;
        writeln!(out, "\n[reconcile]\n# Which candles are asked for to compare with the venue's:")?;
        writeln!(out, "# suspect (gaps and heads), all, or off.")?;
        writeln!(out, "scope = {}", quoted(name_of(SCOPES, reconcile.scope)))?;
        writeln!(out, "# How long a candle waits after its end for late prints.")?;
        writeln!(out, "grace = {}", quoted(&amounts::duration_text(reconcile.grace_ns)))?;
        writeln!(out, "# Requests under way at once; others wait, one per row, so none is lost.")?;
        writeln!(out, "queue = {}", reconcile.queue)?;
        writeln!(
            out,
            "# Whose candle stands when they differ without a known cause: ours, venue."
        )?;
        writeln!(out, "winner = {}", quoted(name_of(WINNERS, reconcile.winner)))?;
        writeln!(
            out,
            "# Intervals whose candles come over the venue's streams, and are asked for"
        )?;
        writeln!(out, "# only where that was not enough: off, base (the shortest), all.")?;
        writeln!(out, "stream = {}", quoted(name_of(PUBLISHED, reconcile.stream)))?;
        self.write_record(out)?;
        let log = &self.log;
        writeln!(out, "\n[log]\n# Least severe level kept, for all and by module.")?;
        writeln!(out, "level = {}", quoted(&log.level.to_string()))?;
        match &log.dir {
            Some(dir) => {
                writeln!(out, "# Folder of log files.")?;
                writeln!(out, "dir = {}", quoted(&dir.to_string_lossy()))?;
            }
            None => {
                writeln!(out, "# Folder of log files; without it, stderr alone.\n# dir = \"logs\"")?
            }
        }
        writeln!(out, "# A file is closed at this size, and so many closed files are kept.")?;
        writeln!(out, "max_size = {}", quoted(&amounts::bytes_text(log.max_size)))?;
        writeln!(out, "keep = {}", log.keep)?;
        self.write_profile(out)
    }

    fn write_profile(&self, out: &mut String) -> fmt::Result {
        let profile = &self.profile;
        writeln!(out, "\n[profile]\n# How often the latency of a live session is summed up.")?;
        writeln!(out, "interval = {}", quoted(&amounts::duration_text(profile.interval_ns)))?;
        writeln!(out, "# An interval log of it, for the tools of HdrHistogram.")?;
        let file = profile.file.as_ref().map(|file| quoted(&file.to_string_lossy()));
        or_example(out, "file", file, "\"latency.hlog\"")?;
        writeln!(out, "# What it and the one before it may take together.")?;
        writeln!(out, "budget = {}", quoted(&amounts::bytes_text(profile.budget)))?;
        writeln!(out, "\n[http]\n# Where Prometheus fetches the numbers of a live session.")?;
        let listen = self.listen.map(|address| quoted(&address.to_string()));
        or_example(out, "listen", listen, "\"127.0.0.1:9464\"")
    }

    fn write_record(&self, out: &mut String) -> fmt::Result {
        let record = &self.record;
        writeln!(out, "\n[record]\n# Folder of tapes; without it nothing is recorded.")?;
        match &record.dir {
            Some(dir) => writeln!(out, "dir = {}", quoted(&dir.to_string_lossy()))?,
            None => writeln!(out, "# dir = \"tapes\"")?,
        }
        writeln!(out, "# A new tape begins at every whole multiple of this time.")?;
        writeln!(out, "every = {}", quoted(&amounts::duration_text(record.every_ns)))?;
        writeln!(out, "# What all tapes of the venue may take; the oldest are removed for it.")?;
        match record.budget {
            Some(budget) => writeln!(out, "budget = {}", quoted(&amounts::bytes_text(budget)))?,
            None => writeln!(out, "# budget = \"20GiB\"")?,
        }
        writeln!(out, "# Tapes begun longer ago than this are removed.")?;
        match record.max_age_ns {
            Some(age) => writeln!(out, "max_age = {}", quoted(&amounts::duration_text(age))),
            None => writeln!(out, "# max_age = \"7d\""),
        }
    }
}

/// A key with its value, or as a comment with an example if it has none.
pub(super) fn or_example(
    out: &mut String,
    key: &str,
    value: Option<String>,
    example: &str,
) -> fmt::Result {
    match value {
        Some(value) => writeln!(out, "{key} = {value}"),
        None => writeln!(out, "# {key} = {example}"),
    }
}

/// A TOML string, escaped where needed.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
