//! Spoiling texts: what arrives is not what the venue should have sent.

use super::kinds::Kind;

/// Spoils the payload that begins at byte `from` of a message.
pub(super) fn spoil(text: &mut String, from: usize, kind: Kind) {
    match kind {
        // Everything here is ASCII except symbols, and the cut is far behind them or before.
        Kind::InvalidJson => {
            let mut at = from + (text.len() - from) * 2 / 3;
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            text.truncate(at);
        }
        Kind::WrongTypes => {
            let payload = text.split_off(from);
            text.push_str(&unquote(&payload, "\"p\":\""));
        }
        Kind::UnknownSymbol => {
            let payload = text.split_off(from);
            text.push_str(&payload.replacen("\"s\":\"", "\"s\":\"NOSUCH", 1));
        }
        _ => {}
    }
}

/// Makes the text after `name` a number, and the first number after `"T":` a text.
fn unquote(payload: &str, name: &str) -> String {
    let mut text = String::with_capacity(payload.len() + 2);
    match payload.split_once(name) {
        Some((before, after)) => {
            text.push_str(before);
            text.push_str(&name[..name.len() - 1]);
            text.push_str(&after.replacen('"', "", 1));
        }
        None => text.push_str(payload),
    }
    match text.split_once("\"T\":") {
        Some((before, after)) => {
            let digits = after.bytes().take_while(u8::is_ascii_digit).count();
            format!("{before}\"T\":\"{}\"{}", &after[..digits], &after[digits..])
        }
        None => text,
    }
}

/// Moves the digit before the first point of every price by one, so that all numbers are wrong
/// and none is implausible.
pub(super) fn lie(text: &str) -> String {
    let mut lied = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('0'..='8', Some('.')) => lied.push(char::from(c as u8 + 1)),
            ('9', Some('.')) => lied.push('8'),
            _ => lied.push(c),
        }
    }
    lied
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_spoiled_as_named() {
        let whole = r#"{"stream":"a@t","data":{"e":"trade","s":"A","p":"1.50","T":17,"m":true}"#;
        let from = whole.find("{\"e\"").unwrap();
        let mut cut = whole.to_owned();
        spoil(&mut cut, from, Kind::InvalidJson);
        assert!(whole.starts_with(&cut) && from < cut.len() && cut.len() < whole.len(), "{cut}");
        for (kind, want) in [
            (
                Kind::WrongTypes,
                r#"{"stream":"a@t","data":{"e":"trade","s":"A","p":1.50,"T":"17","m":true}"#,
            ),
            (
                Kind::UnknownSymbol,
                r#"{"stream":"a@t","data":{"e":"trade","s":"NOSUCHA","p":"1.50","T":17,"m":true}"#,
            ),
        ] {
            let mut text = whole.to_owned();
            spoil(&mut text, from, kind);
            assert_eq!(text, want);
        }
        assert_eq!(lie(r#"["19.5","0.1",7]"#), r#"["18.5","1.1",7]"#);
    }
}
