//! JSON read strictly: texts borrowed where they can be, errors as causes.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, Visitor};
use serde_json::error::Category;

use super::super::reject::{DecodeReject, FRAME_BYTES_MAX, NESTING_MAX};

/// A JSON string: borrowed, unless escapes had to be undone.
///
/// serde borrows a bare `Cow` but not one inside an `Option`, which all our fields are.
pub(super) struct Text<'a>(Cow<'a, str>);

impl Text<'_> {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Reader)
    }
}

/// Whether a field is there, whatever it holds, `null` included.
pub(super) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// Takes bytes for text if they are worth parsing.
pub(super) fn checked(bytes: &[u8]) -> Result<&str, DecodeReject> {
    if bytes.len() > FRAME_BYTES_MAX {
        return Err(DecodeReject::TooLong);
    }
    bounded(bytes)
}

/// As [`checked`], for REST answers, which may be long.
pub(super) fn bounded(bytes: &[u8]) -> Result<&str, DecodeReject> {
    if nested(bytes) {
        return Err(DecodeReject::NotJson);
    }
    str::from_utf8(bytes).map_err(|_| DecodeReject::NotUtf8)
}

/// Whether brackets nest too deep. Those inside strings count too; no market data comes near the
/// limit with them.
fn nested(bytes: &[u8]) -> bool {
    let opens = |byte: &u8| matches!(byte, b'[' | b'{');
    // Counting is much cheaper than following, and settles most messages.
    if bytes.iter().filter(|byte| opens(byte)).count() <= NESTING_MAX as usize {
        return false;
    }
    let mut depth = 0u32;
    bytes.iter().any(|byte| {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > NESTING_MAX
    })
}

/// Parses JSON text, turning the parser's error into a cause.
pub(super) fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, DecodeReject> {
    serde_json::from_str(text).map_err(|error| match error.classify() {
        Category::Io | Category::Syntax | Category::Eof => DecodeReject::NotJson,
        // The parser tells these two apart only in words.
        Category::Data if error.to_string().starts_with("duplicate field") => {
            DecodeReject::RepeatedField
        }
        Category::Data => DecodeReject::WrongType,
    })
}

/// A field that must be there.
pub(super) fn need<T>(field: Option<T>) -> Result<T, DecodeReject> {
    field.ok_or(DecodeReject::MissingField)
}
