//! `exchangeInfo`: what is listed, at which scales, and what a client may ask.

use systems::units::{Nanos, Scale};

use super::listing::Listing;
use super::weights::Limits;
use crate::venue::Venue;

/// When a perpetual contract is delivered: never, which the venue spells as 2100.
const NEVER_MS: u64 = 4_133_404_800_000;

/// The highest price and quantity in whole units, as large as the venue's own: clients refuse more.
const WHOLE_MAX: i128 = 9_000_000_000;

/// The whole answer, for the listings given.
pub(super) fn exchange_info<'a>(
    venue: Venue,
    limits: Limits,
    now: Nanos,
    listings: impl Iterator<Item = &'a Listing>,
) -> String {
    let mut text = format!(
        "{{\"timezone\":\"UTC\",\"serverTime\":{},\"rateLimits\":[{{\"rateLimitType\":\
         \"REQUEST_WEIGHT\",\"interval\":\"MINUTE\",\"intervalNum\":1,\"limit\":{}}}",
        now.ms(),
        limits.weight
    );
    if let Some(requests) = limits.requests {
        text += &format!(
            ",{{\"rateLimitType\":\"RAW_REQUESTS\",\"interval\":\"MINUTE\",\"intervalNum\":5,\
             \"limit\":{requests}}}"
        );
    }
    text += "],\"exchangeFilters\":[],\"symbols\":[";
    for (index, listing) in listings.enumerate() {
        if index > 0 {
            text.push(',');
        }
        match venue {
            Venue::BinanceSpot => spot(&mut text, listing, now),
            Venue::BinanceUsdm => usdm(&mut text, listing, now),
        }
    }
    text += "]}";
    text
}

fn spot(text: &mut String, listing: &Listing, now: Nanos) {
    let (base, quote) = listing.assets();
    let status = if listing.is_trading(now) { "TRADING" } else { "BREAK" };
    *text += &format!(
        "{{\"symbol\":\"{name}\",\"status\":\"{status}\",\"baseAsset\":\"{base}\",\
         \"baseAssetPrecision\":8,\"quoteAsset\":\"{quote}\",\"quotePrecision\":8,\
         \"quoteAssetPrecision\":8,\"baseCommissionPrecision\":8,\"quoteCommissionPrecision\":8,\
         \"orderTypes\":[\"LIMIT\",\"LIMIT_MAKER\",\"MARKET\"],\"icebergAllowed\":true,\
         \"ocoAllowed\":true,\"otoAllowed\":true,\"quoteOrderQtyMarketAllowed\":true,\
         \"allowTrailingStop\":false,\"cancelReplaceAllowed\":false,\"amendAllowed\":false,\
         \"isSpotTradingAllowed\":true,\"isMarginTradingAllowed\":false,{filters},\
         \"permissions\":[],\"permissionSets\":[[\"SPOT\"]],\
         \"defaultSelfTradePreventionMode\":\"NONE\",\
         \"allowedSelfTradePreventionModes\":[\"NONE\"]}}",
        name = listing.spec.name,
        filters = filters(listing),
    );
}

fn usdm(text: &mut String, listing: &Listing, now: Nanos) {
    let (base, quote) = listing.assets();
    let status = if listing.is_trading(now) { "TRADING" } else { "SETTLING" };
    let name = &listing.spec.name;
    *text += &format!(
        "{{\"symbol\":\"{name}\",\"pair\":\"{name}\",\"contractType\":\"PERPETUAL\",\
         \"deliveryDate\":{NEVER_MS},\"onboardDate\":{onboard},\"status\":\"{status}\",\
         \"maintMarginPercent\":\"2.5000\",\"requiredMarginPercent\":\"5.0000\",\
         \"baseAsset\":\"{base}\",\"quoteAsset\":\"{quote}\",\"marginAsset\":\"{quote}\",\
         \"pricePrecision\":{price},\"quantityPrecision\":{quantity},\"baseAssetPrecision\":8,\
         \"quotePrecision\":8,\"underlyingType\":\"COIN\",\"underlyingSubType\":[],\
         \"triggerProtect\":\"0.0500\",\"liquidationFee\":\"0.012500\",\
         \"marketTakeBound\":\"0.05\",{filters},\"orderTypes\":[\"LIMIT\",\"MARKET\"],\
         \"timeInForce\":[\"GTC\",\"IOC\",\"FOK\",\"GTX\"]}}",
        onboard = listing.from.ms(),
        price = listing.spec.price.width,
        quantity = listing.spec.quantity.width,
        filters = filters(listing),
    );
}

fn filters(listing: &Listing) -> String {
    let (price, quantity) = (listing.spec.price, listing.spec.quantity);
    let most = |scale: Scale| {
        let whole = i128::from(scale.unit()) * WHOLE_MAX;
        scale.format(whole.min(i128::from(i64::MAX / 1_000)))
    };
    let (tick, step) = (price.format(listing.tick.into()), quantity.format(1));
    format!(
        "\"filters\":[{{\"filterType\":\"PRICE_FILTER\",\"minPrice\":\"{tick}\",\
         \"maxPrice\":\"{}\",\"tickSize\":\"{tick}\"}},{{\"filterType\":\"LOT_SIZE\",\
         \"minQty\":\"{step}\",\"maxQty\":\"{}\",\"stepSize\":\"{step}\"}}]",
        most(price),
        most(quantity)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::binance::instruments;
    use systems::symbol::SymbolSpec;

    #[test]
    fn our_own_reader_finds_the_scales_again() {
        let limits =
            Limits { weight: 6_000, requests: Some(61_000), connections: 300, messages: 5 };
        for venue in Venue::ALL {
            let spec = |name: &str, price, quantity| SymbolSpec {
                name: name.into(),
                price: Scale::exact(price),
                quantity: Scale::exact(quantity),
            };
            let listings = [("BTCUSDT", 2, 5, 5), ("SHIBUSDT", 8, 0, 1)].map(
                |(name, price, quantity, tick)| {
                    Listing::new(venue, spec(name, price, quantity), tick, Nanos(0), Nanos(9))
                },
            );
            let text = exchange_info(venue, limits, Nanos(5), listings.iter());
            let found = instruments(venue, &text).unwrap();
            for (found, listing) in found.iter().zip(&listings) {
                assert_eq!(found.spec, listing.spec);
                assert!(found.trading && &*found.quote_asset == "USDT");
            }
            assert_eq!(found.len(), 2);
            let text = exchange_info(venue, limits, Nanos(9), listings.iter());
            assert!(!instruments(venue, &text).unwrap()[0].trading);
        }
    }
}
