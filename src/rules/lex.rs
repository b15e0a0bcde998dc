//! From text to words: numbers, times, names, intervals and signs, each with where it stands.

use winnow::ascii::{digit0, digit1, multispace0};
use winnow::combinator::{alt, opt, preceded};
use winnow::prelude::*;
use winnow::stream::{LocatingSlice, Location};
use winnow::token::{any, one_of, take_while};

use super::ast::Span;
use super::fault::Fault;
use super::limits::{TEXT_MAX, WORDS_MAX};

/// A word with its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    /// What it is.
    pub(super) word: Word,
    /// Where it stands.
    pub(super) span: Span,
}

/// What a word is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word {
    /// A number, and whether it has a `%`.
    Number(f64, bool),
    /// A length of time, in seconds.
    Time(u64),
    /// A name or a keyword.
    Name(String),
    /// `@15m`, without the `@`.
    Interval(String),
    /// A sign or a pair of them.
    Sign(&'static str),
}

type Input<'i> = LocatingSlice<&'i str>;

/// The signs; longer ones come first.
const SIGNS: &[&str] =
    &["<=", ">=", "==", "!=", "<", ">", "+", "-", "*", "/", "(", ")", "[", "]", ",", "."];

/// What others write, and what is written here.
const FOREIGN: &[(&str, &str)] = &[
    ("&&", "and"),
    ("||", "or"),
    ("<>", "!="),
    ("=<", "<="),
    ("=>", ">="),
    ("=", "=="),
    ("!", "not"),
    ("&", "and"),
    ("|", "or"),
    ("\u{2264}", "<="),
    ("\u{2265}", ">="),
    ("\u{d7}", "*"),
];

/// Cuts a text into words.
///
/// # Errors
/// The first place that is no word.
pub(super) fn words(text: &str) -> Result<Vec<Token>, Fault> {
    if text.len() > TEXT_MAX {
        let message = format!("a condition has at most {TEXT_MAX} bytes; make two rules of it");
        return Err(Fault::new(TEXT_MAX..text.len(), message));
    }
    let mut input = LocatingSlice::new(text);
    let mut tokens = Vec::new();
    loop {
        // Blanks alone always parse.
        let _ = multispace0::<_, winnow::error::EmptyError>.parse_next(&mut input);
        if input.is_empty() {
            return Ok(tokens);
        }
        let start = input.current_token_start();
        let Ok(word) = token.parse_next(&mut input) else {
            return Err(stranger(text, start));
        };
        let span = start..input.previous_token_end();
        let word = word.map_err(|message| Fault::new(span.clone(), message))?;
        tokens.push(Token { word, span });
        if tokens.len() > WORDS_MAX {
            let message =
                format!("a condition has at most {WORDS_MAX} words; make two rules of it");
            return Err(Fault::new(start..text.len(), message));
        }
    }
}

/// A word that is well formed may still mean nothing, such as a number that is too large.
type Read = Result<Word, String>;
type Lexed<T> = winnow::Result<T, winnow::error::EmptyError>;

fn token(input: &mut Input<'_>) -> Lexed<Read> {
    alt((number, name, interval, sign)).parse_next(input)
}

fn number(input: &mut Input<'_>) -> Lexed<Read> {
    let digits = (digit1, take_while(0.., ('0'..='9', '_')), opt(('.', digit1)), opt(exponent));
    let (digits, unit): (&str, &str) =
        (digits.take(), take_while(0.., ('a'..='z', 'A'..='Z', '%', '_'))).parse_next(input)?;
    let plain = digits.replace('_', "");
    Ok(match (unit, plain.parse::<f64>()) {
        ("" | "%", Ok(number)) if number.is_finite() => Ok(Word::Number(number, unit == "%")),
        ("s" | "m" | "h" | "d", _) => time(&plain, unit),
        ("", _) => Err(format!("{digits} is too large a number")),
        _ => Err(format!(
            "{digits}{unit} is neither a number nor a time; write 3, 0.5, 2% or 15m (s, m, h, d)"
        )),
    })
}

fn exponent<'i>(input: &mut Input<'i>) -> Lexed<&'i str> {
    (one_of(['e', 'E']), opt(one_of(['+', '-'])), digit1).take().parse_next(input)
}

fn time(digits: &str, unit: &str) -> Read {
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => 86_400,
    };
    let time = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(seconds));
    time.map(Word::Time)
        .ok_or_else(|| format!("a time is a whole number and a unit, such as 15{unit}"))
}

fn name(input: &mut Input<'_>) -> Lexed<Read> {
    let first = one_of(('a'..='z', 'A'..='Z', '_'));
    let rest = take_while(0.., ('a'..='z', 'A'..='Z', '0'..='9', '_'));
    (first, rest).take().map(|name: &str| Ok(Word::Name(name.to_owned()))).parse_next(input)
}

fn interval(input: &mut Input<'_>) -> Lexed<Read> {
    let length = take_while(0.., ('a'..='z', 'A'..='Z', '0'..='9'));
    let anchor = opt(('@', digit0, opt((':', digit0))));
    let text = preceded('@', (length, anchor).take());
    text.map(|text: &str| Ok(Word::Interval(text.to_owned()))).parse_next(input)
}

fn sign(input: &mut Input<'_>) -> Lexed<Read> {
    let rest: &str = input.as_ref();
    let known = SIGNS.iter().find(|sign| rest.starts_with(**sign));
    // `<>` and `=<` begin like signs of ours, but mean others.
    let foreign = FOREIGN.iter().any(|(sign, _)| sign.len() > 1 && rest.starts_with(sign));
    let Some(sign) = known.filter(|_| !foreign) else {
        return Err(winnow::error::EmptyError);
    };
    for _ in 0..sign.len() {
        any.parse_next(input)?;
    }
    Ok(Ok(Word::Sign(sign)))
}

/// What to say about a place that is no word.
fn stranger(text: &str, start: usize) -> Fault {
    let rest = &text[start..];
    if let Some((sign, ours)) = FOREIGN.iter().find(|(sign, _)| rest.starts_with(sign)) {
        let message = format!("{sign} is not known here; write {ours}");
        return Fault::new(start..start + sign.len(), message);
    }
    let letter = rest.chars().next().unwrap_or_default();
    let message = match letter {
        '"' | '\'' => "there are no texts in conditions; names stand without quotes".to_owned(),
        '%' => "% belongs to the number before it, as in 2%".to_owned(),
        '{' | '}' | '#' | ';' | ':' | '?' | '^' | '~' | '\\' | '`' | '$' => {
            format!("{letter} means nothing here")
        }
        _ => format!("{:?} means nothing here", letter),
    };
    Fault::new(start..start + letter.len_utf8(), message)
}
