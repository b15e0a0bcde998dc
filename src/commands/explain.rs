//! `tapescan explain`: what every rule makes of a symbol at a time.

use std::io::Write;

use serde_json::{Value, json};
use systems::rule::{Program, Views};
use systems::trade::SymbolId;
use systems::units::{Nanos, Scale};

use super::{Failure, configuration, instant};
use crate::cli::ExplainArgs;
use crate::config::{Config, nearest};
use crate::engine::Engine;
use crate::logging::timestamp;
use crate::replay::{Tapes, replay_until};
use crate::rules::{Compiled, Condition, Reason, Rule, Set, Valued, reasons};
use crate::settings::rule_set;

/// A candle that a rule looks at.
struct Looked {
    interval: String,
    open_time: Nanos,
    /// Its mark and revision; nothing of one that is forming, or that is not there.
    known: Option<(&'static str, u8, String)>,
}

/// What one rule makes of it.
struct Explained<'a> {
    rule: &'a Rule,
    holds_since: Option<Nanos>,
    candles: Vec<Looked>,
    when: Vec<Reason>,
    exit: Option<Vec<Reason>>,
}

pub(super) fn run(args: &ExplainArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let at = instant(&args.at)?;
    let mut tapes = Tapes::open(&args.tapes).map_err(Failure::usage)?;
    let config = configuration(args.config.as_deref(), tapes.config())?;
    if config.rules.is_empty() {
        let message = "there are no rules to be explained; name a configuration with --config";
        return Err(Failure::Usage(message.to_owned()));
    }
    let names = || tapes.symbols().specs().iter().map(|spec| &*spec.name);
    let Some(symbol) = names().position(|name| name == args.symbol) else {
        let hint = nearest(&args.symbol, names())
            .map_or_else(String::new, |near| format!("; did you mean {near}?"));
        return Err(Failure::Usage(format!("{} is not on these tapes{hint}", args.symbol)));
    };
    let symbol = SymbolId(symbol as u16);
    let engine = replay_until(&mut tapes, &config, at)?;
    // A heartbeat comes every second or so: what is farther off is not on the tape.
    let now = engine.now();
    if now.plus(config.base().ns()) < at || now == Nanos(0) {
        let bound = if now == Nanos(0) { "begin later" } else { "end before" };
        let last = if now == Nanos(0) { String::new() } else { format!(", at {}", timestamp(now)) };
        return Err(Failure::Usage(format!("--at {}: these tapes {bound}{last}", args.at)));
    }
    let (set, price) = (rule_set(&config), tapes.symbols().spec(symbol).price);
    let scene = Scene { symbol, price, config: &config, set: &set, engine: &engine };
    let all: Vec<Explained<'_>> = (0..config.rules.len()).map(|rule| scene.explain(rule)).collect();
    if args.json {
        let rules: Vec<Value> = all.iter().map(as_json).collect();
        writeln!(
            out,
            "{}",
            json!({ "symbol": args.symbol, "at": timestamp(now), "rules": rules })
        )?;
        return Ok(());
    }
    writeln!(out, "{} at {}", args.symbol, timestamp(now))?;
    all.iter().try_for_each(|one| print(out, one))
}

struct Scene<'a> {
    symbol: SymbolId,
    price: Scale,
    config: &'a Config,
    set: &'a Set,
    engine: &'a Engine,
}

impl<'a> Scene<'a> {
    fn explain(&self, index: usize) -> Explained<'a> {
        let (rule, compiled) = (&self.config.rules[index], &self.set.compiled[index]);
        let interval = self.set.core.judged[index].interval;
        let views = self.engine.views(self.symbol);
        let end = views.view(interval).map_or(0, |view| view.ring.end());
        // The candle that closed last, or the one after it.
        let position = if rule.forming { Some(end) } else { end.checked_sub(1) };
        let values = |condition: &Condition| {
            let mut values = Vec::new();
            match position {
                Some(at) => condition.program.explain(&views, interval, at, &mut values),
                None => values.resize(condition.clauses.len(), f64::NAN),
            }
            reasons(condition, &values)
        };
        Explained {
            rule,
            holds_since: self.engine.holds_since(self.symbol, index as u16),
            candles: position
                .map_or_else(Vec::new, |at| self.candles(&views, compiled, interval, at)),
            when: values(&compiled.when),
            exit: compiled.exit.as_ref().map(values),
        }
    }

    /// The candles that are looked at, one of each interval, that of the rule first.
    fn candles(
        &self,
        views: &Views<'_>,
        compiled: &Compiled,
        own: u8,
        position: u64,
    ) -> Vec<Looked> {
        let programs = std::iter::once(&compiled.when).chain(&compiled.exit);
        let reads = programs.flat_map(|condition| Program::reads(&condition.program));
        let mut intervals = vec![own];
        for (interval, _) in reads {
            if !intervals.contains(interval) {
                intervals.push(*interval);
            }
        }
        let one = |interval: u8| {
            let at = match interval == own {
                true => Some(position),
                false => views.aligned(own, position, interval),
            };
            let candle = at.and_then(|at| views.view(interval)?.ring.get(at));
            let length = self.config.intervals[usize::from(interval)].interval;
            let close = |close: i64| self.price.format(close.into());
            // Until its grace is over, the candle before this stretch is the one that is forming.
            let newest = || {
                let ring = views.view(interval)?.ring;
                ring.get(ring.end().checked_sub(1)?)
            };
            let now = self.engine.now();
            let next = newest().map(|it| it.open_time.plus(length.ns()));
            let next = next.filter(|next| *next <= now && now.0 < next.0 + 2 * length.ns());
            Looked {
                interval: length.to_string(),
                open_time: candle.map_or(next.unwrap_or(length.bucket(now)), |it| it.open_time),
                known: candle.map(|it| (it.mark.name(), it.revision, close(it.close.0))),
            }
        };
        intervals.into_iter().map(one).collect()
    }
}

fn as_json(one: &Explained<'_>) -> Value {
    let candle = |candle: &Looked| {
        json!({
            "interval": candle.interval,
            "open_time": timestamp(candle.open_time),
            "mark": candle.known.as_ref().map(|(mark, ..)| mark),
            "revision": candle.known.as_ref().map(|(_, revision, _)| revision),
            "close": candle.known.as_ref().map(|(.., close)| close),
        })
    };
    let parts = |reasons: &Vec<Reason>| -> Value {
        let part = |reason: &Reason| {
            let value = match reason.value {
                Valued::Truth(holds) => json!(holds),
                Valued::Number(number) => json!(number),
                Valued::Unknown => Value::Null,
            };
            json!({ "depth": reason.depth, "text": reason.text, "value": value })
        };
        reasons.iter().map(part).collect()
    };
    json!({
        "rule": one.rule.name,
        "interval": one.rule.interval.to_string(),
        "on": if one.rule.forming { "forming" } else { "close" },
        "holds_since": one.holds_since.map(timestamp),
        "candles": one.candles.iter().map(candle).collect::<Vec<_>>(),
        "when": parts(&one.when),
        "exit": one.exit.as_ref().map(parts),
    })
}

fn print(out: &mut dyn Write, one: &Explained<'_>) -> Result<(), Failure> {
    let holds = match one.holds_since {
        Some(since) => format!("holds since {}", timestamp(since)),
        None => "does not hold".to_owned(),
    };
    writeln!(out, "\n{}: {holds}", one.rule.name)?;
    for Looked { interval, open_time, known } in &one.candles {
        let state = match known {
            Some((mark, revision, close)) => format!("close {close}, {mark}, revision {revision}"),
            None if one.rule.forming => "forming".to_owned(),
            None => "no candle".to_owned(),
        };
        writeln!(out, "  {interval} of {}: {state}", timestamp(*open_time))?;
    }
    tree(out, "when", &one.when)?;
    one.exit.iter().try_for_each(|exit| tree(out, "exit", exit))
}

fn tree(out: &mut dyn Write, key: &str, reasons: &[Reason]) -> Result<(), Failure> {
    writeln!(out, "  {key}")?;
    for reason in reasons {
        let indent = "  ".repeat(reason.depth + 2);
        let text = reason.text.split_whitespace().collect::<Vec<_>>().join(" ");
        writeln!(out, "{indent}{text}: {}", reason.value)?;
    }
    Ok(())
}
