//! A small language for the life of connections, and the comparison of what came with what should.

use std::fmt::Write;

use systems::trade::SymbolId;
use systems::units::Nanos;
use tapescan::link::limits::TICK_NS;
use tapescan::link::{Event, Fleet, Output, Why};
use tapescan::venue::{Channel, Decoded, What};

use super::super::support::{START, trade};

/// A fleet whose inputs and outputs are words.
struct Table {
    fleet: Fleet,
    now_ms: u64,
    /// `print L S ID` repeated by `every`: link, symbol, next id, period, next instant.
    flows: Vec<(u16, u16, u64, u64, u64)>,
    seen: Vec<(u64, String)>,
}

impl Table {
    fn at(&self) -> Nanos {
        START.plus(self.now_ms * Nanos::PER_MS)
    }

    fn print(&mut self, link: u16, symbol: u16, id: u64, late_ms: u64) {
        let at = self.at();
        let sent = at.minus(late_ms * Nanos::PER_MS);
        let what = What::Trade(trade(symbol, id, sent, 100, 1), Channel::Trades);
        self.fleet.take(link, &Decoded { sent_at: Some(sent), what }, at);
    }

    /// Ticks and repeated prints up to an instant.
    fn advance(&mut self, to_ms: u64) {
        while self.now_ms < to_ms {
            self.now_ms += TICK_NS / Nanos::PER_MS;
            for index in 0..self.flows.len() {
                let (link, symbol, id, period, next) = self.flows[index];
                if next <= self.now_ms {
                    (self.flows[index].2, self.flows[index].4) = (id + 1, next + period);
                    self.print(link, symbol, id, 20);
                }
            }
            let at = self.at();
            self.fleet.tick(at);
            self.drain();
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.fleet.poll() {
            self.seen.push((self.now_ms, word(&output)));
        }
    }

    /// One input, such as `up 0` or `ack 0 1`.
    fn input(&mut self, text: &str) {
        let words: Vec<&str> = text.split_whitespace().collect();
        let number = |index: usize| words[index].parse::<u64>().unwrap();
        let link = |index: usize| number(index) as u16;
        let at = self.at();
        let mut answer = |link, what| self.fleet.take(link, &Decoded { sent_at: None, what }, at);
        match words[0] {
            "start" => self.fleet.start(at),
            "stop" => self.fleet.stop(),
            "up" => self.fleet.connected(link(1), at),
            "ack" => answer(link(1), What::Ack(Some(number(2)))),
            "refuse" => answer(link(1), What::Refused { id: Some(number(2)), code: 2 }),
            "notice" => answer(link(1), What::Shutdown),
            "ping" => self.fleet.ping(link(1), words[2].as_bytes(), at),
            "pong" => self.fleet.pong(link(1), at),
            "closed" => self.fleet.closed(link(1), Why::Closed(link(2)), at),
            "broken" => self.fleet.closed(link(1), Why::Broken, at),
            "wait" => self.fleet.closed(link(1), Why::RetryAfter(number(2) * 1_000_000_000), at),
            "join" => {
                let name = format!("SYM{}USDT", words[1]);
                self.fleet.join(SymbolId(link(1)), &name, at).unwrap();
            }
            "leave" => self.fleet.leave(SymbolId(link(1))),
            "excuse" => self.fleet.excuse(link(1), at),
            "print" => self.print(link(1), link(2), number(3), 20),
            "late" => self.print(link(1), link(2), number(3), number(4)),
            "every" => {
                let flow = (link(2), link(3), number(4), number(1), self.now_ms + number(1));
                self.flows.push(flow);
            }
            "quiet" => self.flows.retain(|flow| flow.1 != link(1)),
            "until" => {}
            other => panic!("no input {other}"),
        }
        self.drain();
    }
}

/// An output as words. A command is `+` or `-` and the numbers of its symbols.
fn word(output: &Output) -> String {
    match output {
        Output::Dial { link, .. } => format!("dial {link}"),
        Output::Send { link, text } => {
            let json: serde_json::Value = serde_json::from_str(text).unwrap();
            let sign = if json["method"] == "SUBSCRIBE" { '+' } else { '-' };
            let names = json["params"].as_array().unwrap().iter();
            let symbol = |name: &serde_json::Value| {
                let name = name.as_str().unwrap();
                name.strip_prefix("sym").unwrap().split_once("usdt@").unwrap().0.to_owned()
            };
            let numbers: Vec<String> = names.map(symbol).collect();
            format!("send {link} {sign}{} #{}", numbers.join(","), json["id"])
        }
        Output::Ping { link } => format!("ping {link}"),
        Output::Pong { link, payload } => {
            format!("pong {link} {}", String::from_utf8_lossy(payload))
        }
        Output::Close { link } => format!("close {link}"),
        Output::Event(event) => event_word(event),
    }
}

fn event_word(event: &Event) -> String {
    match event {
        Event::Up { link } => format!("up {link}"),
        Event::Subscribed { link, streams } => format!("subscribed {link} {streams}"),
        Event::Down { link, why, covered: false } => format!("down {link} {why}"),
        Event::Down { link, why, covered: true } => format!("down {link} {why}, covered"),
        Event::Joined { link, symbol } => format!("joined s{} over {link}", symbol.0),
        Event::Refused { symbol, code, .. } => format!("refused s{} {code}", symbol.0),
        Event::Silent { symbol, .. } => format!("silent s{}", symbol.0),
        Event::Heard { symbol } => format!("heard s{}", symbol.0),
        Event::Replacing { old, new, why } => format!("replacing {old}>{new} {why}"),
        Event::Replaced { old, new, proven, unproven } => {
            format!("replaced {old}>{new} {proven}/{unproven}")
        }
    }
}

/// Runs `inputs` (`<seconds> <input>`, one per line) and compares everything that comes out.
/// An expected instant of `~` is any: it was drawn.
pub(super) fn check(mut fleet: Fleet, inputs: &str, expected: &str) {
    while fleet.poll().is_some() {}
    let mut table = Table { fleet, now_ms: 0, flows: Vec::new(), seen: Vec::new() };
    for line in lines(inputs) {
        let (seconds, input) = line.split_once(' ').unwrap();
        table.advance((seconds.parse::<f64>().unwrap() * 1_000.0).round() as u64);
        table.input(input);
    }
    let mut found = String::new();
    let wanted: Vec<&str> = lines(expected).collect();
    for (index, (ms, text)) in table.seen.iter().enumerate() {
        let any = wanted.get(index).is_some_and(|line| line.starts_with('~'));
        let seconds = *ms as f64 / 1_000.0;
        let time = if any { "~".to_owned() } else { format!("{seconds:.1}") };
        writeln!(found, "{time} {text}").unwrap();
    }
    let wanted = wanted.iter().map(|line| format!("{line}\n")).collect::<String>();
    assert!(found == wanted, "inputs:\n{inputs}\ncame:\n{found}\nwanted:\n{wanted}");
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}
