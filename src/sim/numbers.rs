//! Numbers as the venue writes them, appended to a text without making another one.

use systems::units::Scale;

/// Appends a whole number.
pub(super) fn push_u64(text: &mut String, mut value: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    push_ascii(text, &digits[at..]);
}

/// Appends a number of some scale, which is not negative, with all digits of its width.
pub(super) fn push_decimal(text: &mut String, scale: Scale, value: u128) {
    let unit = u128::from(scale.unit());
    let (whole, mut rest) = match u64::try_from(value) {
        // The common case: 64-bit division is many times faster.
        Ok(value) => (u128::from(value / scale.unit()), value % scale.unit()),
        Err(_) => (value / unit, (value % unit) as u64),
    };
    match u64::try_from(whole) {
        Ok(whole) => push_u64(text, whole),
        Err(_) => text.push_str(&whole.to_string()),
    }
    if scale.width == 0 {
        return;
    }
    text.push('.');
    let decimals = usize::from(scale.decimals);
    let mut digits = [b'0'; Scale::MAX_DECIMALS as usize];
    for digit in digits[..decimals].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    push_ascii(text, &digits[..decimals]);
    for _ in decimals..usize::from(scale.width) {
        text.push('0');
    }
}

fn push_ascii(text: &mut String, digits: &[u8]) {
    for &digit in digits {
        text.push(char::from(digit));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_number_is_written_as_its_scale_would(
            value in prop_oneof![any::<u64>().prop_map(u128::from), 0u128..1 << 120],
            decimals in 0u8..=18,
            padding in 0u8..9,
        ) {
            let scale = Scale { decimals, width: decimals + padding };
            let mut text = String::new();
            push_decimal(&mut text, scale, value);
            prop_assert_eq!(text, scale.format(value as i128));
        }
    }
}
