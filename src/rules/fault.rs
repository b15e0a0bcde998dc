//! What is wrong with a condition: where, what, and what to write instead.

use super::ast::Span;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where it stands in the text, in bytes.
    pub span: Span,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl Fault {
    /// A mistake at `span`.
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into() }
    }

    /// The message, the line of `text` it is about, and carets under the place.
    pub fn shown(&self, text: &str) -> String {
        let start = floor(text, self.span.start);
        let end = floor(text, self.span.end).max(start);
        let begin = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let stop = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let line = text[begin..stop].replace('\t', " ");
        let before = text[begin..start].chars().count();
        let under = text[start..end.min(stop)].chars().count().max(1);
        format!("{}\n    {line}\n    {}{}", self.message, " ".repeat(before), "^".repeat(under))
    }
}

/// The nearest boundary of a character at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_under_the_place() {
        let fault = |span| Fault::new(span, "wrong");
        assert_eq!(fault(0..3).shown("emq > 1"), "wrong\n    emq > 1\n    ^^^");
        assert_eq!(fault(6..7).shown("emq > 1"), "wrong\n    emq > 1\n          ^");
        assert_eq!(fault(7..7).shown("emq > 1"), "wrong\n    emq > 1\n           ^");
        assert_eq!(fault(6..7).shown("a and\nb > c"), "wrong\n    b > c\n    ^");
        assert_eq!(fault(2..99).shown("\u{e9} x"), "wrong\n    \u{e9} x\n     ^^");
        assert_eq!(fault(99..120).shown(""), "wrong\n    \n    ^");
    }
}
