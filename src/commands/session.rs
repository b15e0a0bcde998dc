//! From arguments and configuration to a session: the same for `live` and for `doctor`.

use super::{Failure, sim};
use crate::cli::SessionArgs;
use crate::config::{Choice, Config, REQUESTS, STREAMS, VENUES, base};
use crate::live::Options;
use crate::sim::Exchange;
use crate::venue::Venue;

/// Symbols of a real venue that are followed unless others are named.
const TOP: usize = 200;

/// A session that could begin.
pub(super) struct Session {
    /// The configuration, with what the command line says instead.
    pub(super) config: Config,
    /// What it is told beside that.
    pub(super) options: Options,
    /// The simulated exchange, which lives as long as this does.
    pub(super) exchange: Option<Exchange>,
}

impl Session {
    /// Decides everything that the venue need not be asked for, and starts the simulated exchange
    /// if that is the venue.
    pub(super) fn new(args: &SessionArgs) -> Result<Self, Failure> {
        let mut config = match args.config.as_deref() {
            Some(file) => Config::read(file)?,
            None => Config::of_live()?,
        };
        override_with(&mut config, args)?;
        let exchange = match Venue::parse(&config.venue) {
            None => Some(sim::for_live(args)?),
            Some(_)
                if args.synthetic.is_some() || !args.fault.is_empty() || args.speed.is_some() =>
            {
                let text = "--synthetic, --fault and --speed are for --exchange sim";
                return Err(Failure::Usage(text.to_owned()));
            }
            Some(_) => None,
        };
        let choice = match (&config.symbols, &exchange) {
            (Some(choice), _) => choice.clone(),
            (None, Some(_)) => Choice::All,
            (None, None) => Choice::Top(TOP),
        };
        let at = |scheme| exchange.as_ref().map(|sim| format!("{scheme}://{}", sim.addr()));
        let options = Options {
            // The simulated exchange speaks like spot.
            venue: Venue::parse(&config.venue).unwrap_or(Venue::BinanceSpot),
            requests: config.requests.clone().or_else(|| at("http")),
            streams: config.streams.clone().or_else(|| at("ws")),
            choice,
            record: args.record.clone().or_else(|| config.record.dir.clone()),
            // The exchange of this process begins anew with it.
            resume: exchange.is_none(),
            run_for: None,
            threads: usize::from(args.threads),
            keep_candles: false,
            speed: args.speed.unwrap_or(1.0),
        };
        Ok(Self { config, options, exchange })
    }
}

/// What the command line says stands in place of what the file says.
fn override_with(config: &mut Config, args: &SessionArgs) -> Result<(), Failure> {
    if let Some(name) = &args.exchange {
        if !VENUES.contains(&name.as_str()) {
            let names = VENUES.join(", ");
            return Err(Failure::Usage(format!("--exchange {name:?} is not one of {names}")));
        }
        if config.venue != *name {
            // One venue's names and addresses mean nothing at another.
            (config.symbols, config.requests, config.streams) = (None, None, None);
        }
        config.venue.clone_from(name);
    }
    let wrong = |flag: &'static str| move |error| Failure::Usage(format!("{flag}: {error}"));
    if let Some(text) = &args.symbols {
        config.symbols = Some(Choice::parse(text).map_err(wrong("--symbols"))?);
    }
    if let Some(url) = &args.requests {
        config.requests = Some(base(url, REQUESTS).map_err(wrong("--requests"))?);
    }
    if let Some(url) = &args.streams {
        config.streams = Some(base(url, STREAMS).map_err(wrong("--streams"))?);
    }
    if let Some(ca) = &args.ca {
        config.rest.ca = Some(ca.clone());
    }
    Ok(())
}
