//! Units as types: instants, intervals, and prices and quantities as scaled integers.
//!
//! Everything here is exact. Text becomes an integer and becomes the same text again; floats
//! exist only behind an indicator's door (see `indicator.rs`).

use core::fmt;

/// Nanoseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanos(pub u64);

impl Nanos {
    /// One millisecond in nanoseconds.
    pub const PER_MS: u64 = 1_000_000;
    /// One second in nanoseconds.
    pub const PER_SECOND: u64 = 1_000_000_000;
    /// One UTC day in nanoseconds.
    pub const PER_DAY: u64 = 86_400 * Self::PER_SECOND;

    /// An instant given in milliseconds, as most venues spell it.
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms * Self::PER_MS)
    }

    /// An instant given in whole seconds.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds * Self::PER_SECOND)
    }

    /// Whole milliseconds since the epoch, rounded down.
    pub const fn ms(self) -> u64 {
        self.0 / Self::PER_MS
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn seconds(self) -> u64 {
        self.0 / Self::PER_SECOND
    }

    /// This instant moved later by `ns`, stopping at the end of time.
    pub const fn plus(self, ns: u64) -> Self {
        Self(self.0.saturating_add(ns))
    }

    /// This instant moved earlier by `ns`, stopping at the epoch.
    pub const fn minus(self, ns: u64) -> Self {
        Self(self.0.saturating_sub(ns))
    }
}

/// A price in units of `10^-decimals` of its symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Price(pub i64);

/// A base quantity in units of `10^-decimals` of its symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(pub i64);

/// How a decimal text maps to an integer: digits kept, and digits written.
///
/// `decimals` scales the integer. `width` is how many digits the venue writes after the point;
/// it can be larger (Binance spot writes eight digits where the tick size needs two), and the
/// digits beyond `decimals` are zeros. Keeping both makes text -> integer -> text the identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scale {
    /// Digits after the point that the integer carries, at most [`Scale::MAX_DECIMALS`].
    pub decimals: u8,
    /// Digits after the point that the venue writes, at least `decimals`.
    pub width: u8,
}

/// Why a text is not a decimal of a given scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DecimalError {
    /// Not `[-]digits[.digits]`: exponent, blank, NaN, two points, nothing at all.
    Malformed,
    /// A non-zero digit beyond the symbol's decimals.
    TooPrecise,
    /// Does not fit 63 bits.
    Overflow,
}

impl fmt::Display for DecimalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not a plain decimal number",
            Self::TooPrecise => "more digits after the point than the symbol's decimals",
            Self::Overflow => "too large for 63 bits at the symbol's decimals",
        })
    }
}

impl Scale {
    /// The most decimals a symbol may have; 10^18 still fits 63 bits.
    pub const MAX_DECIMALS: u8 = 18;

    /// A scale that writes exactly the digits it keeps.
    pub const fn exact(decimals: u8) -> Self {
        Self { decimals, width: decimals }
    }

    /// How many units make one: `10^decimals`.
    pub const fn unit(self) -> u64 {
        10u64.pow(self.decimals as u32)
    }

    /// Reads a plain decimal into an integer, exactly or not at all.
    ///
    /// # Errors
    /// [`DecimalError`] says whether the form, a digit too many or the size is at fault.
    pub fn parse(self, text: &[u8]) -> Result<i64, DecimalError> {
        let (negative, digits) = match text {
            [b'-', rest @ ..] => (true, rest),
            rest => (false, rest),
        };
        let magnitude = self.magnitude(digits)?;
        Ok(if negative { -magnitude } else { magnitude })
    }

    fn magnitude(self, text: &[u8]) -> Result<i64, DecimalError> {
        let mut value: i64 = 0;
        let mut at = 0;
        while at < text.len() && text[at] != b'.' {
            value = push_digit(value, text[at])?;
            at += 1;
        }
        if at == 0 {
            return Err(DecimalError::Malformed);
        }
        let fraction = text.get(at + 1..).unwrap_or_default();
        if at < text.len() && fraction.is_empty() {
            return Err(DecimalError::Malformed);
        }
        let kept = fraction.len().min(usize::from(self.decimals));
        for &byte in &fraction[..kept] {
            value = push_digit(value, byte)?;
        }
        for &byte in &fraction[kept..] {
            match byte {
                b'0' => {}
                b'1'..=b'9' => return Err(DecimalError::TooPrecise),
                _ => return Err(DecimalError::Malformed),
            }
        }
        let missing = usize::from(self.decimals) - kept;
        let shift = 10i64.pow(missing as u32);
        value.checked_mul(shift).ok_or(DecimalError::Overflow)
    }

    /// Writes an integer of this scale as the venue would.
    pub fn format(self, value: i128) -> String {
        let sign = if value < 0 { "-" } else { "" };
        let unit = u128::from(self.unit());
        let (whole, fraction) = (value.unsigned_abs() / unit, value.unsigned_abs() % unit);
        if self.width == 0 {
            return format!("{sign}{whole}");
        }
        let decimals = usize::from(self.decimals);
        let padding = usize::from(self.width.saturating_sub(self.decimals));
        if decimals == 0 {
            return format!("{sign}{whole}.{:0<padding$}", "");
        }
        format!("{sign}{whole}.{fraction:0decimals$}{:0<padding$}", "")
    }
}

fn push_digit(value: i64, byte: u8) -> Result<i64, DecimalError> {
    let digit = byte.wrapping_sub(b'0');
    if digit > 9 {
        return Err(DecimalError::Malformed);
    }
    value
        .checked_mul(10)
        .and_then(|value| value.checked_add(i64::from(digit)))
        .ok_or(DecimalError::Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimals_are_exact_or_refused() {
        let scale = Scale { decimals: 2, width: 8 };
        for (text, want) in [
            ("61756.70", Ok(6_175_670)),
            ("61756.70000000", Ok(6_175_670)),
            ("0", Ok(0)),
            ("-1.5", Ok(-150)),
            ("00012", Ok(1_200)),
            ("0.001", Err(DecimalError::TooPrecise)),
            ("", Err(DecimalError::Malformed)),
            ("-", Err(DecimalError::Malformed)),
            ("+1", Err(DecimalError::Malformed)),
            ("1.", Err(DecimalError::Malformed)),
            (".5", Err(DecimalError::Malformed)),
            (" 1", Err(DecimalError::Malformed)),
            ("1e5", Err(DecimalError::Malformed)),
            ("1.2.3", Err(DecimalError::Malformed)),
            ("1.00x", Err(DecimalError::Malformed)),
            ("NaN", Err(DecimalError::Malformed)),
            ("inf", Err(DecimalError::Malformed)),
            ("99999999999999999999", Err(DecimalError::Overflow)),
            ("92233720368547758.08", Err(DecimalError::Overflow)),
            ("92233720368547758.07", Ok(i64::MAX)),
        ] {
            assert_eq!(scale.parse(text.as_bytes()), want, "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_to_integer_to_text_is_the_identity(
            whole in 0u64..1_000_000_000,
            fraction in "[0-9]{0,8}",
            padding in 0u8..4,
        ) {
            let decimals = fraction.len() as u8;
            let scale = Scale { decimals, width: decimals + padding };
            let zeros = "0".repeat(usize::from(padding));
            let text = match scale.width {
                0 => whole.to_string(),
                _ => format!("{whole}.{fraction}{zeros}"),
            };
            let value = scale.parse(text.as_bytes()).unwrap();
            prop_assert_eq!(scale.format(value.into()), text);
        }
    }
}
