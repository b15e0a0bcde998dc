//! Amounts with units in texts: durations, sizes and times of day.

use systems::units::Nanos;

/// `"500ms"`, `"2s"`, `"1m"`, `"1h"`, `"7d"` in nanoseconds.
pub(super) fn duration_ns(text: &str) -> Option<u64> {
    let (count, unit) = split(text)?;
    let unit = match unit {
        "ms" => Nanos::PER_MS,
        "s" => Nanos::PER_SECOND,
        "m" => 60 * Nanos::PER_SECOND,
        "h" => 3_600 * Nanos::PER_SECOND,
        "d" => Nanos::PER_DAY,
        _ => return None,
    };
    count.checked_mul(unit)
}

/// The largest unit that gives a whole number; the reverse of [`duration_ns`].
pub(super) fn duration_text(ns: u64) -> String {
    match ns {
        0 => "0s".to_owned(),
        ns if ns % Nanos::PER_DAY == 0 => format!("{}d", ns / Nanos::PER_DAY),
        ns if ns % (3_600 * Nanos::PER_SECOND) == 0 => {
            format!("{}h", ns / (3_600 * Nanos::PER_SECOND))
        }
        ns if ns % (60 * Nanos::PER_SECOND) == 0 => format!("{}m", ns / (60 * Nanos::PER_SECOND)),
        ns if ns % Nanos::PER_SECOND == 0 => format!("{}s", ns / Nanos::PER_SECOND),
        ns => format!("{}ms", ns / Nanos::PER_MS),
    }
}

/// `"64MiB"` in bytes.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let (count, unit) = split(text)?;
    let shift = match unit {
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return None,
    };
    count.checked_mul(1 << shift)
}

/// The reverse of [`bytes`], which gives whole KiB only.
pub(super) fn bytes_text(bytes: u64) -> String {
    match bytes {
        bytes if bytes % (1 << 30) == 0 => format!("{}GiB", bytes >> 30),
        bytes if bytes % (1 << 20) == 0 => format!("{}MiB", bytes >> 20),
        bytes => format!("{}KiB", bytes >> 10),
    }
}

/// `"08:00"` in seconds after midnight.
pub(super) fn clock_seconds(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str| {
        let valid = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        valid.then(|| text.parse::<u32>().ok())?
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours < 24 && minutes < 60).then_some(hours * 3_600 + minutes * 60)
}

/// The reverse of [`clock_seconds`].
pub(super) fn clock_text(seconds: u32) -> String {
    format!("{:02}:{:02}", seconds / 3_600, seconds / 60 % 60)
}

/// Digits and the unit after them.
fn split(text: &str) -> Option<(u64, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    Some((text[..digits].parse().ok()?, &text[digits..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_back_what_they_print() {
        for text in ["0s", "500ms", "2s", "1m", "90m", "2h", "36h", "7d"] {
            assert_eq!(duration_text(duration_ns(text).unwrap()), text);
        }
        for text in ["16KiB", "64MiB", "2GiB"] {
            assert_eq!(bytes_text(bytes(text).unwrap()), text);
        }
        for text in ["00:00", "08:30", "23:59"] {
            assert_eq!(clock_text(clock_seconds(text).unwrap()), text);
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for text in ["", "5", "s", "-1s", "1.5s", "1 s", "99999999999999999999s", "1w"] {
            assert_eq!(duration_ns(text), None, "{text}");
        }
        for text in ["", "64", "64MB", "MiB", "18446744073709551615GiB"] {
            assert_eq!(bytes(text), None, "{text}");
        }
        for text in ["", "8:00", "24:00", "12:60", "noon", "+1:00"] {
            assert_eq!(clock_seconds(text), None, "{text}");
        }
    }
}
