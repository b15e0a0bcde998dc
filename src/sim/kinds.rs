//! The kinds of faults: their names, whether they last, and what can be said about each.

use std::fmt;

/// The kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Connections are closed: with a close frame of `code`, or without one where it is 0.
    Disconnect,
    /// Connections stay and nothing crosses them, not even pings and pongs.
    HalfOpen,
    /// Connections bring pings and no data.
    PingsOnly,
    /// One symbol's streams bring nothing.
    SilentSymbol,
    /// Connections deliver at the share `to` of the rate and fall behind.
    Slow,
    /// The last message of a connection is sent `count` times again.
    RepeatLast,
    /// Prints are sent twice.
    Duplicate,
    /// Prints are sent `by` later, after those that follow them.
    Reorder,
    /// Prints are not sent.
    Missing,
    /// Messages are cut short, so that they are no JSON.
    InvalidJson,
    /// Messages have texts for numbers and numbers for texts.
    WrongTypes,
    /// Messages name a symbol that nobody listed.
    UnknownSymbol,
    /// Connections end in the middle of a frame.
    CutFrame,
    /// Connections are reset in the middle of a frame.
    Reset,
    /// A message of `bytes` bytes is sent.
    Oversized,
    /// Subscriptions are answered with an error.
    RefuseSubscription,
    /// Subscriptions work and are not answered.
    LostAck,
    /// WebSocket upgrades are answered with `status`.
    RefuseUpgrade,
    /// A notice of shutdown is sent, and connections are closed `by` later.
    Shutdown,
    /// Answers come `by` later.
    RestDelay,
    /// Requests are answered with `status`.
    RestError,
    /// Answers hold wrong numbers.
    RestLie,
    /// Answers end too early.
    RestCut,
    /// Candles lack their last print at first, and are corrected `by` after their end.
    Revise,
    /// TLS handshakes fail.
    TlsFailure,
    /// A symbol is listed then, and not before.
    List,
    /// A symbol stops trading.
    Delist,
    /// A symbol that stopped trading trades again.
    Relist,
    /// Closing messages of candles come `by` later.
    LateKline,
    /// Closing messages of candles do not come.
    MissingKline,
    /// Closing messages of candles hold wrong numbers.
    WrongKline,
}

/// Whether a kind happens at instants or lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nature {
    Instant,
    /// Lasts, and may hit a share only of what passes meanwhile.
    Window,
}

/// One kind: its name, its nature, the keys it takes beside those of time, and those it needs.
type Row = (Kind, &'static str, Nature, &'static [&'static str], &'static [&'static str]);

/// Every kind.
pub(super) static KINDS: [Row; 31] = [
    (Kind::Disconnect, "disconnect", Nature::Instant, &["link", "code"], &[]),
    (Kind::HalfOpen, "half-open", Nature::Window, &["link"], &[]),
    (Kind::PingsOnly, "pings-only", Nature::Window, &["link"], &[]),
    (Kind::SilentSymbol, "silent-symbol", Nature::Window, &["symbol"], &["symbol"]),
    (Kind::Slow, "slow", Nature::Window, &["link", "to"], &[]),
    (Kind::RepeatLast, "repeat-last", Nature::Instant, &["link", "count"], &[]),
    (Kind::Duplicate, "duplicate", Nature::Window, &["share", "symbol"], &[]),
    (Kind::Reorder, "reorder", Nature::Window, &["share", "symbol", "by"], &[]),
    (Kind::Missing, "missing", Nature::Window, &["share", "symbol"], &[]),
    (Kind::InvalidJson, "invalid-json", Nature::Window, &["share", "symbol"], &[]),
    (Kind::WrongTypes, "wrong-types", Nature::Window, &["share", "symbol"], &[]),
    (Kind::UnknownSymbol, "unknown-symbol", Nature::Window, &["share", "symbol"], &[]),
    (Kind::CutFrame, "cut-frame", Nature::Instant, &["link"], &[]),
    (Kind::Reset, "reset", Nature::Instant, &["link"], &[]),
    (Kind::Oversized, "oversized", Nature::Instant, &["link", "bytes"], &[]),
    (Kind::RefuseSubscription, "refuse-subscription", Nature::Window, &["share"], &[]),
    (Kind::LostAck, "lost-ack", Nature::Window, &["share"], &[]),
    (Kind::RefuseUpgrade, "refuse-upgrade", Nature::Window, &["share", "status"], &[]),
    (Kind::Shutdown, "shutdown", Nature::Instant, &["link", "by"], &[]),
    (Kind::RestDelay, "rest-delay", Nature::Window, &["share", "by", "path"], &[]),
    (Kind::RestError, "rest-error", Nature::Window, &["share", "status", "path"], &[]),
    (Kind::RestLie, "rest-lie", Nature::Window, &["share", "path"], &[]),
    (Kind::RestCut, "rest-cut", Nature::Window, &["share", "path"], &[]),
    (Kind::Revise, "revise", Nature::Window, &["share", "by", "symbol"], &[]),
    (Kind::TlsFailure, "tls-failure", Nature::Window, &["share"], &[]),
    (Kind::List, "list", Nature::Instant, &["symbol"], &["symbol"]),
    (Kind::Delist, "delist", Nature::Instant, &["symbol"], &["symbol"]),
    (Kind::Relist, "relist", Nature::Instant, &["symbol"], &["symbol"]),
    (Kind::LateKline, "late-kline", Nature::Window, &["share", "by", "symbol"], &[]),
    (Kind::MissingKline, "missing-kline", Nature::Window, &["share", "symbol"], &[]),
    (Kind::WrongKline, "wrong-kline", Nature::Window, &["share", "symbol"], &[]),
];

/// Keys that say when, and at random from which seed.
const WHEN: [&str; 5] = ["at", "for", "every", "mean", "seed"];

/// The keys that a kind takes.
pub(super) fn keys(kind: &str) -> impl Iterator<Item = &'static str> {
    let own = KINDS.iter().find(|(_, name, ..)| *name == kind).map_or(&[][..], |kind| kind.3);
    own.iter().copied().chain(WHEN)
}

impl Kind {
    /// Its name in a spec.
    pub fn name(self) -> &'static str {
        KINDS.iter().find(|(kind, ..)| *kind == self).map_or("", |(_, name, ..)| name)
    }

    pub(super) fn nature(self) -> Nature {
        let found = KINDS.iter().find(|(kind, ..)| *kind == self);
        found.map_or(Nature::Window, |(_, _, nature, ..)| *nature)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Every kind with its own keys, one a line.
pub fn help() -> String {
    let mut text = String::from("KIND[:key=value,...]; times: at, for, every, mean, seed\n");
    for (_, name, _, keys, _) in &KINDS {
        text += &format!("{name:<20} {}\n", keys.join(", "));
    }
    text
}
