//! The sections about whom to talk to: the venue, and how it is asked.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use systems::units::Nanos;

use super::read::{Item, Reader, Section};
use super::universe::universe;
use super::{Choice, Config, OFF, VENUES, amounts};
use crate::rest::limits::SHARE_PERCENT;

/// Bounds of a request's time. A shorter one could not carry a whole list of symbols.
const TIMEOUT_NS: std::ops::RangeInclusive<u64> = Nanos::PER_SECOND..=60 * Nanos::PER_SECOND;

/// Bounds of the time between two looks at the venue's list of symbols.
const REFRESH_NS: std::ops::RangeInclusive<u64> = 10 * Nanos::PER_SECOND..=Nanos::PER_DAY;

/// Reads `[venue]`.
pub(super) fn venue<'t>(reader: &mut Reader<'t>, section: Section<'_, 't>, config: &mut Config) {
    let names: Vec<(&'static str, &'static str)> = VENUES.iter().map(|&n| (n, n)).collect();
    if let Some(name) = reader.value(section, "name", |item| item.one_of(&names)) {
        config.venue = name.to_owned();
    }
    let symbols = reader.item(section, "symbols").and_then(|item| {
        let read = match item.list() {
            Ok(list) => {
                let names: Result<Vec<_>, _> = list.iter().map(|it| reader.at(it).text()).collect();
                names.and_then(Choice::names)
            }
            Err(_) => item.text().map_err(|_| item.expected(SYMBOLS)).and_then(Choice::parse),
        };
        reader.accept(item.line(), "venue.symbols", read)
    });
    config.symbols = symbols.or(config.symbols.take());
    universe(reader, section, config);
    let refresh = |item: Item<'_, '_>| match item.text()? {
        OFF => Ok(0),
        text => amounts::duration_ns(text).filter(|ns| REFRESH_NS.contains(ns)).ok_or_else(|| {
            format!("expected a duration from 10s to 1d such as \"10m\", or \"off\", not {text:?}")
        }),
    };
    if let Some(refresh_ns) = reader.value(section, "refresh", refresh) {
        config.refresh_ns = refresh_ns;
    }
    for (key, schemes, place) in
        [("requests", REQUESTS, &mut config.requests), ("streams", STREAMS, &mut config.streams)]
    {
        let read = |item: Item<'_, '_>| base(item.text()?, schemes);
        if let Some(url) = reader.value(section, key, read) {
            *place = Some(url);
        }
    }
}

const SYMBOLS: &str = "a list of names, or \"top:200\" or \"all\"";

/// Schemes of requests.
pub const REQUESTS: &[&str] = &["https", "http"];

/// Schemes of streams.
pub const STREAMS: &[&str] = &["wss", "ws"];

/// A base address with one of these schemes, without its last slash.
///
/// # Errors
/// What would be right.
pub fn base(text: &str, schemes: &[&str]) -> Result<String, String> {
    let host = schemes.iter().find_map(|scheme| text.strip_prefix(scheme)?.strip_prefix("://"));
    let host = host.filter(|host| !host.is_empty() && !host.starts_with(['/', ':']));
    match host.filter(|host| !host.contains(|c: char| c.is_whitespace() || c == '?' || c == '#')) {
        Some(_) => Ok(text.trim_end_matches('/').to_owned()),
        None => {
            let secure = schemes[0];
            Err(format!("expected an address such as \"{secure}://venue.example\", not {text:?}"))
        }
    }
}

/// Reads `[rest]`.
pub(super) fn rest<'t>(reader: &mut Reader<'t>, section: Section<'_, 't>, config: &mut Config) {
    let rest = &mut config.rest;
    if let Some(percent) = reader.value(section, "budget", share) {
        rest.budget_percent = percent;
    }
    let timeout = |item: Item<'_, '_>| {
        let text = item.text()?;
        amounts::duration_ns(text).filter(|ns| TIMEOUT_NS.contains(ns)).ok_or_else(|| {
            format!("expected a duration from 1s to 1m such as \"10s\", not {text:?}")
        })
    };
    if let Some(timeout_ns) = reader.value(section, "timeout", timeout) {
        rest.timeout_ns = timeout_ns;
    }
    let ca =
        |item: Item<'_, '_>| match item.text()? {
            "" => Err("expected a PEM file; leave the key out to trust this machine's roots alone"
                .to_owned()),
            text => Ok(PathBuf::from(text)),
        };
    if let Some(ca) = reader.value(section, "ca", ca) {
        rest.ca = Some(ca);
    }
}

/// Reads `[http]`.
pub(super) fn http<'t>(reader: &mut Reader<'t>, section: Section<'_, 't>, config: &mut Config) {
    let listen = |item: Item<'_, '_>| {
        let text = item.text()?;
        let port = || text.parse().ok().map(|port: u16| (Ipv4Addr::LOCALHOST, port).into());
        text.parse().ok().or_else(port).ok_or_else(|| {
            format!("expected an address and port such as \"127.0.0.1:9464\", not {text:?}")
        })
    };
    config.listen = reader.value(section, "listen", listen).or(config.listen);
}

/// A share of one as whole percents.
fn share(item: Item<'_, '_>) -> Result<u32, String> {
    let (min, max) = SHARE_PERCENT;
    let of_one = |percent: u32| f64::from(percent) / 100.0;
    let allowed = format!("a share from {} to {} such as 0.6", of_one(min), of_one(max));
    let percent = item.number(&allowed)? * 100.0;
    let whole = percent.round();
    let fits = (f64::from(min)..=f64::from(max)).contains(&whole) && (percent - whole).abs() < 1e-6;
    if fits {
        Ok(whole as u32)
    } else {
        Err(format!("expected {allowed}, in whole hundredths, not {}", percent / 100.0))
    }
}
