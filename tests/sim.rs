//! The simulated exchange against a client of our own: its prints give its candles, its answers
//! give the truth, its limits hold, and its faults do what they say.

mod faults;
mod load;
mod rest;
mod streams;
mod tls;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use systems::units::Nanos;
use tapescan::sim::{Exchange, Fault, Feed, SimConfig};
use tapescan::symbols::Symbols;
use tapescan::synthetic::Spec;
use tapescan::venue::Venue;
use tapescan::venue::binance::instruments;
use tokio_tungstenite::tungstenite::handshake::HandshakeError;
use tokio_tungstenite::tungstenite::{self, Error, Message, WebSocket};

/// 2024-08-08 23:58:30 UTC.
const START: Nanos = Nanos::from_seconds(1_723_161_510);

/// A small market whose time passes `speed` times as fast.
fn config(speed: f64) -> SimConfig {
    let spec = Spec { symbols: 5, rate: 40.0, duration: 86_400, ..Spec::default() };
    SimConfig {
        feed: Feed::Synthetic(spec),
        start: Some(START),
        speed,
        history_ns: 12 * 3_600 * Nanos::PER_SECOND,
        ..SimConfig::default()
    }
}

fn with_faults(speed: f64, specs: &[&str]) -> Exchange {
    let faults = specs.iter().map(|text| Fault::parse(text).unwrap()).collect();
    Exchange::start(SimConfig { faults, ..config(speed) }).unwrap()
}

/// A WebSocket client that waits for at most thirty seconds.
struct Client {
    ws: WebSocket<TcpStream>,
}

impl Client {
    fn connect(addr: SocketAddr, path: &str) -> Self {
        Self::attempt(addr, path).unwrap()
    }

    /// The status with which an upgrade is refused.
    fn attempt(addr: SocketAddr, path: &str) -> Result<Self, u16> {
        let tcp = TcpStream::connect(addr).unwrap();
        tcp.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        match tungstenite::client(format!("ws://{addr}{path}"), tcp) {
            Ok((ws, _)) => Ok(Self { ws }),
            Err(HandshakeError::Failure(Error::Http(response))) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    fn send(&mut self, text: &str) {
        self.ws.send(Message::Text(text.into())).unwrap();
    }

    /// The next text, or how the connection ended.
    fn next(&mut self) -> Result<String, Error> {
        loop {
            match self.ws.read()? {
                Message::Text(text) => return Ok(text.as_str().to_owned()),
                Message::Close(frame) => {
                    return Err(Error::Io(std::io::Error::other(format!(
                        "closed with {}",
                        frame.map_or(0, |frame| u16::from(frame.code))
                    ))));
                }
                _ => {}
            }
        }
    }

    /// Whether nothing but pings comes for so long.
    fn is_silent(&mut self, within: Duration) -> bool {
        self.ws.get_ref().set_read_timeout(Some(within)).unwrap();
        let next = self.next();
        self.ws.get_ref().set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let timeouts = [ErrorKind::WouldBlock, ErrorKind::TimedOut];
        matches!(next, Err(Error::Io(error)) if timeouts.contains(&error.kind()))
    }

    /// How the connection ends, whatever comes before.
    fn end(&mut self) -> String {
        loop {
            if let Err(error) = self.next() {
                return error.to_string();
            }
        }
    }
}

/// An answer to a request.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

fn get(addr: SocketAddr, path: &str) -> Answer {
    get_from(TcpStream::connect(addr).unwrap(), path)
}

fn get_from(mut tcp: TcpStream, path: &str) -> Answer {
    write!(tcp, "GET {path} HTTP/1.1\r\nHost: sim\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    tcp.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

/// The symbols as a client learns them.
fn symbols(addr: SocketAddr, venue: Venue) -> Symbols {
    let path = match venue {
        Venue::BinanceSpot => "/api/v3/exchangeInfo",
        Venue::BinanceUsdm => "/fapi/v1/exchangeInfo",
    };
    let listed = instruments(venue, &get(addr, path).body).unwrap();
    Symbols::new(listed.into_iter().map(|one| one.spec).collect()).unwrap()
}

fn tapescan(args: &[&str]) -> std::process::Output {
    std::process::Command::new(env!("CARGO_BIN_EXE_tapescan")).args(args).output().unwrap()
}

#[test]
fn the_command_says_where_it_listens_and_what_it_did() {
    let args = ["sim", "--listen", "127.0.0.1:0", "--synthetic", "symbols=3,rate=20"];
    let output = tapescan(&[&args[..], &["--for", "500ms", "--fault", "slow"]].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.starts_with("requests  http://127.0.0.1:") && text.contains("ws://"), "{text}");
    assert!(text.contains("symbols   3") && text.contains(" prints, 0 connections"), "{text}");
    let help = tapescan(&["sim", "--fault", "help"]).stdout;
    assert!(String::from_utf8(help).unwrap().contains("half-open"));
}

#[test]
fn mistakes_on_the_command_line_are_named() {
    for (args, want) in [
        (["--fault", "slw"], "--fault slw: unknown fault \"slw\"; did you mean slow?"),
        (["--fault", "delist:symbol=NO,at=1s"], "delist names NO, which the market does not have"),
        (["--synthetic", "symbls=3"], "--synthetic: unknown key \"symbls\""),
        (["--for", "60"], "--for \"60\" is no time"),
        (["--venue", "nasdaq"], "--venue \"nasdaq\" is not one of binance, binance-usdm"),
        (["--tape", "/nowhere.tape"], "/nowhere.tape: "),
    ] {
        let output = tapescan(&[&["sim", "--listen", "127.0.0.1:0"], &args[..]].concat());
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {error}");
        assert!(error.contains(want), "{args:?}: {error}");
    }
}
