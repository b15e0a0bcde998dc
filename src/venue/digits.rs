//! Decimal texts beyond prices: sums that need 128 bits, and how precise a text is.

use systems::units::DecimalError;

/// How many digits a decimal has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Precision {
    /// Before the point.
    pub whole: u8,
    /// After the point, without trailing zeros.
    pub significant: u8,
    /// After the point, all of them.
    pub written: u8,
}

impl Precision {
    /// The precision of a plain decimal; `None` if it is none, or has more than 255 digits.
    pub fn of(text: &[u8]) -> Option<Self> {
        let (whole, fraction) = split(text.strip_prefix(b"-").unwrap_or(text))?;
        let written = u8::try_from(fraction.len()).ok()?;
        let zeros = fraction.iter().rev().take_while(|&&byte| byte == b'0').count();
        let whole = u8::try_from(whole.len()).ok()?;
        Some(Self { whole, significant: written - zeros as u8, written })
    }

    /// How many digits carry its value.
    pub fn digits(self) -> u32 {
        u32::from(self.whole) + u32::from(self.significant)
    }

    /// The precision that serves both.
    pub fn max(self, other: Self) -> Self {
        Self {
            whole: self.whole.max(other.whole),
            significant: self.significant.max(other.significant),
            written: self.written.max(other.written),
        }
    }
}

/// Reads a sum of price x quantity in units of `10^-decimals`, exactly or not at all.
///
/// # Errors
/// As for a price; a sign is malformed, since such sums are never negative.
pub fn quote_units(decimals: u8, text: &[u8]) -> Result<u128, DecimalError> {
    let (whole, fraction) = split(text).ok_or(DecimalError::Malformed)?;
    let (kept, beyond) = fraction.split_at(fraction.len().min(usize::from(decimals)));
    if beyond.iter().any(|&byte| byte != b'0') {
        return Err(DecimalError::TooPrecise);
    }
    let missing = u32::from(decimals) - kept.len() as u32;
    let shift = 10u128.checked_pow(missing).ok_or(DecimalError::Overflow)?;
    whole
        .iter()
        .chain(kept)
        .try_fold(0u128, |value, byte| value.checked_mul(10)?.checked_add((byte - b'0').into()))
        .and_then(|value| value.checked_mul(shift))
        .ok_or(DecimalError::Overflow)
}

/// The digits before and after the point of an unsigned plain decimal.
fn split(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let point = text.iter().position(|&byte| byte == b'.');
    let (whole, fraction) = match point {
        Some(point) => (&text[..point], &text[point + 1..]),
        None => (text, &text[..0]),
    };
    let empty = whole.is_empty() || (point.is_some() && fraction.is_empty());
    let plain = whole.iter().chain(fraction).all(u8::is_ascii_digit);
    (plain && !empty).then_some((whole, fraction))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use systems::units::Scale;

    #[test]
    fn precision_counts_digits_that_matter_and_digits_written() {
        for (text, want) in [
            ("61837.63000000", Some((5, 2, 8))),
            ("243", Some((3, 0, 0))),
            ("-0.00100", Some((1, 3, 5))),
            ("100", Some((3, 0, 0))),
            ("0.00000000", Some((1, 0, 8))),
            ("", None),
            ("1.", None),
            (".5", None),
            ("1e5", None),
            ("1.2.3", None),
            ("--1", None),
        ] {
            let want =
                want.map(|(whole, significant, written)| Precision { whole, significant, written });
            assert_eq!(Precision::of(text.as_bytes()), want, "{text}");
        }
        assert_eq!(Precision::of(format!("0.{}", "1".repeat(300)).as_bytes()), None);
    }

    #[test]
    fn sums_are_exact_or_refused() {
        for (decimals, text, want) in [
            (7, "605.6052800000000000", Ok(6_056_052_800)),
            (
                16,
                "34028236692093846346337",
                Ok(340_282_366_920_938_463_463_370_000_000_000_000_000),
            ),
            (16, "340282366920938463463374", Err(DecimalError::Overflow)),
            (40, "1", Err(DecimalError::Overflow)),
            (2, "0.001", Err(DecimalError::TooPrecise)),
            (2, "-1", Err(DecimalError::Malformed)),
            (2, "NaN", Err(DecimalError::Malformed)),
        ] {
            assert_eq!(quote_units(decimals, text.as_bytes()), want, "{text}");
        }
    }

    proptest! {
        #[test]
        fn sums_that_fit_a_price_read_like_a_price(
            text in "[0-9]{0,8}(\\.[0-9]{0,8})?", decimals in 0u8..9,
        ) {
            let price = Scale::exact(decimals).parse(text.as_bytes()).map(|units| units as u128);
            prop_assert_eq!(quote_units(decimals, text.as_bytes()), price);
        }
    }
}
