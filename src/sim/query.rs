//! The query of a request: names and values, decoded and checked.

use systems::units::Nanos;

/// Why a request cannot be answered: the venue's code and words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: i32,
    pub(super) message: String,
}

pub(super) fn refuse(code: i32, message: impl Into<String>) -> Refusal {
    Refusal { code, message: message.into() }
}

/// The names and values of a query.
#[derive(Clone, Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Takes `symbol=BTCUSDT&limit=5` apart.
    pub(super) fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        Self(pairs.map(|(name, value)| (decoded(name), decoded(value))).collect())
    }

    /// The value of a name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A value that must be there.
    pub(super) fn need(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).filter(|value| !value.is_empty()).ok_or_else(|| {
            let text = "was not sent, was empty/null, or malformed.";
            refuse(-1102, format!("Mandatory parameter '{name}' {text}"))
        })
    }

    /// A whole number.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Refusal> {
        let illegal = || {
            let text = "Illegal characters found in parameter";
            refuse(-1100, format!("{text} '{name}'; legal range is '^[0-9]{{1,20}}$'."))
        };
        self.get(name).map(|value| value.parse().map_err(|_| illegal())).transpose()
    }

    /// How many rows are wanted.
    pub(super) fn limit(&self, usual: u64, most: u64) -> Result<usize, Refusal> {
        match self.number("limit")? {
            None => Ok(usual as usize),
            Some(limit) if (1..=most).contains(&limit) => Ok(limit as usize),
            Some(_) => Err(refuse(-1130, "Data sent for parameter 'limit' is not valid.")),
        }
    }

    /// An instant in ms, or in us if it is too large for ms.
    pub(super) fn instant(&self, name: &str) -> Result<Option<Nanos>, Refusal> {
        /// The year 5138 in ms; in us it is 1973.
        const LARGEST_MS: u64 = 100_000_000_000_000;
        Ok(self.number(name)?.map(|value| match value {
            ms if ms < LARGEST_MS => Nanos::from_ms(ms),
            us => Nanos(us.saturating_mul(1_000)),
        }))
    }

    /// The texts of `["A","B"]`.
    pub(super) fn list(&self, name: &str) -> Option<Vec<&str>> {
        let inner = self.get(name)?.trim().strip_prefix('[')?.strip_suffix(']')?;
        let names = inner.split(',').map(|name| name.trim().trim_matches('"'));
        Some(names.filter(|name| !name.is_empty()).collect())
    }
}

/// Undoes `%41` and `+`.
pub(super) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = |digit: &u8| char::from(*digit).to_digit(16).map(|digit| digit as u8);
        rest = after;
        match (first, after) {
            (b'%', [high, low, after @ ..]) => match (hex(high), hex(low)) {
                (Some(high), Some(low)) => {
                    bytes.push(high << 4 | low);
                    rest = after;
                }
                _ => bytes.push(b'%'),
            },
            (b'+', _) => bytes.push(b' '),
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_decoded_and_checked() {
        let query = Query::parse("symbol=BTCUSDT&limit=5&x=%5B%22A%22%2C%22B%22%5D&t=17&bad=1e3");
        assert_eq!(query.get("symbol"), Some("BTCUSDT"));
        assert_eq!(query.limit(500, 1_000), Ok(5));
        assert_eq!(query.list("x"), Some(vec!["A", "B"]));
        assert_eq!(query.instant("t"), Ok(Some(Nanos::from_ms(17))));
        assert_eq!(query.number("none"), Ok(None));
        assert_eq!(query.number("bad").unwrap_err().code, -1100);
        assert_eq!(query.need("none").unwrap_err().code, -1102);
        assert_eq!(Query::parse("limit=0").limit(500, 1_000).unwrap_err().code, -1130);
        let micro = Query::parse("t=1723161600000000").instant("t");
        assert_eq!(micro, Ok(Some(Nanos::from_seconds(1_723_161_600))));
    }
}
