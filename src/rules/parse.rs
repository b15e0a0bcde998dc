//! From words to expressions, by the precedence of the signs between them.
//!
//! From loose to tight: `or`, `and`, `not`, comparison, `+ -`, `* /`, `-x`, and what follows a
//! column: `.output`, `@interval`, `[ago]`.

use winnow::combinator::{Infix, Postfix, Prefix, expression};
use winnow::error::ErrMode;
use winnow::prelude::*;
use winnow::stream::{Stream, TokenSlice};

use super::ast::{Binary, Expr, Kind, Span, Word as Which};
use super::fault::Fault;
use super::lex::{Token, Word, words};
use super::limits::DEPTH_MAX;

/// Reads a condition.
///
/// # Errors
/// The first place that does not fit.
pub fn parse(text: &str) -> Result<Expr, Fault> {
    let tokens = words(text)?;
    depth(&tokens)?;
    let end = text.trim_end().len();
    let place = |left: usize| {
        let token = tokens.len().checked_sub(left).and_then(|at| tokens.get(at));
        token.map_or(end..end, |token| token.span.clone())
    };
    if tokens.is_empty() {
        return Err(Fault::new(end..end, "an empty condition; write one such as close > ema(20)"));
    }
    let mut input = TokenSlice::new(&tokens);
    let found = whole.parse_next(&mut input);
    let left = input.eof_offset();
    match found {
        Ok(expr) if left == 0 => Ok(expr),
        Ok(_) => Err(Fault::new(place(left), rest(tokens.get(tokens.len() - left)))),
        Err(ErrMode::Cut(miss) | ErrMode::Backtrack(miss)) => {
            let found = tokens.len().checked_sub(miss.left).and_then(|at| tokens.get(at));
            let message = match (miss.message, found) {
                (Some(message), _) => message,
                (None, Some(token)) => format!("expected {EXPECTED}, not {}", shown(&token.word)),
                (None, None) => format!("it ends too early: expected {EXPECTED}"),
            };
            Err(Fault::new(miss.span.unwrap_or_else(|| place(miss.left)), message))
        }
        Err(ErrMode::Incomplete(_)) => Err(Fault::new(end..end, "it ends too early")),
    }
}

const EXPECTED: &str = "a number, a column or a parenthesis";

/// Keywords that no column can be called.
const KEYWORDS: &[&str] = &["and", "or", "not", "forming", "closed"];

/// Refuses what lies deeper than parsing may recurse.
fn depth(tokens: &[Token]) -> Result<(), Fault> {
    let (mut open, mut before) = (0_usize, 0_usize);
    for token in tokens {
        let prefix = match &token.word {
            Word::Sign("(" | "[") => {
                open += 1;
                false
            }
            Word::Sign(")" | "]") => {
                open = open.saturating_sub(1);
                false
            }
            Word::Sign("-") => true,
            Word::Name(name) => ["not", "forming", "closed"].contains(&name.as_str()),
            _ => false,
        };
        before = if prefix { before + 1 } else { 0 };
        if open.max(before) > DEPTH_MAX {
            let message = format!("nested more than {DEPTH_MAX} deep; make it simpler");
            return Err(Fault::new(token.span.clone(), message));
        }
    }
    Ok(())
}

/// What to say about words behind a whole expression.
fn rest(token: Option<&Token>) -> String {
    match token.map(|token| &token.word) {
        Some(Word::Sign(")")) => "this parenthesis closes nothing".to_owned(),
        Some(Word::Sign(sign @ ("<" | "<=" | ">" | ">=" | "==" | "!="))) => format!(
            "comparisons do not follow one another; join two by and, or write between(x, low, \
             high) instead of a second {sign}"
        ),
        Some(Word::Name(name)) if name == "crosses_above" || name == "crosses_below" => {
            format!("{name} does not follow a comparison; join the two by and")
        }
        Some(Word::Name(name)) if ["AND", "And", "OR", "Or", "NOT", "Not"].contains(&&**name) => {
            format!("write {}", name.to_lowercase())
        }
        Some(Word::Name(name)) if name == "between" => "write between(x, low, high)".to_owned(),
        Some(word) => format!("expected and, or, or a sign before {}", shown(word)),
        None => "it ends too early".to_owned(),
    }
}

fn shown(word: &Word) -> String {
    match word {
        Word::Number(number, percent) => format!("{number}{}", if *percent { "%" } else { "" }),
        Word::Time(seconds) => format!("a time ({seconds}s)"),
        Word::Name(name) => name.clone(),
        Word::Interval(text) => format!("@{text}"),
        Word::Sign(sign) => (*sign).to_owned(),
    }
}

/// A place that does not fit: how many words were left there, and what to say.
#[derive(Debug)]
struct Miss {
    left: usize,
    span: Option<Span>,
    message: Option<String>,
}

type Input<'t> = TokenSlice<'t, Token>;
type Parsed<T> = Result<T, ErrMode<Miss>>;

impl winnow::error::ParserError<Input<'_>> for Miss {
    type Inner = Self;

    fn from_input(input: &Input<'_>) -> Self {
        Self { left: input.eof_offset(), span: None, message: None }
    }

    fn into_inner(self) -> Result<Self, Self> {
        Ok(self)
    }
}

/// A mistake that no other reading can mend.
fn miss<T>(input: &Input<'_>, message: impl Into<String>) -> Parsed<T> {
    let message = Some(message.into());
    Err(ErrMode::Cut(Miss { left: input.eof_offset(), span: None, message }))
}

fn peek<'t>(input: &Input<'t>) -> Option<&'t Token> {
    input.peek_token()
}

fn take<'t>(input: &mut Input<'t>) -> Option<&'t Token> {
    input.next_token()
}

fn backtrack<T>(input: &Input<'_>) -> Parsed<T> {
    Err(ErrMode::Backtrack(winnow::error::ParserError::from_input(input)))
}

/// The next word, if it is this sign.
fn sign(input: &mut Input<'_>, wanted: &'static str) -> Option<Span> {
    let token = peek(input).filter(|token| token.word == Word::Sign(wanted))?;
    take(input);
    Some(token.span.clone())
}

fn whole(input: &mut Input<'_>) -> Parsed<Expr> {
    expression(operand).prefix(prefix).infix(infix).postfix(postfix).parse_next(input)
}

fn operand(input: &mut Input<'_>) -> Parsed<Expr> {
    let Some(token) = peek(input) else { return backtrack(input) };
    let span = token.span.clone();
    match &token.word {
        Word::Number(value, percent) => {
            take(input);
            Ok(Expr { kind: Kind::Number { value: *value, percent: *percent }, span })
        }
        Word::Time(seconds) => {
            take(input);
            Ok(Expr { kind: Kind::Time(*seconds), span })
        }
        Word::Sign("(") => {
            take(input);
            let inner = whole(input).map_err(ErrMode::cut)?;
            match sign(input, ")") {
                Some(close) => Ok(Expr { span: span.start..close.end, ..inner }),
                None => unclosed(input, &span, "("),
            }
        }
        Word::Name(name) if !KEYWORDS.contains(&name.as_str()) => {
            take(input);
            let (args, end) = arguments(input, span.end)?;
            let kind = Kind::Name { name: name.clone(), args };
            Ok(Expr { kind, span: span.start..end })
        }
        _ => backtrack(input),
    }
}

/// A parenthesis or bracket that is not closed where it should be.
fn unclosed<T>(input: &Input<'_>, open: &Span, sign: &str) -> Parsed<T> {
    match peek(input) {
        Some(token) => miss(input, rest(Some(token))),
        None => Err(ErrMode::Cut(Miss {
            left: 0,
            span: Some(open.clone()),
            message: Some(format!("this {sign} is never closed")),
        })),
    }
}

/// What is in the parentheses after a name, and where they end.
fn arguments(input: &mut Input<'_>, end: usize) -> Parsed<(Option<Vec<Expr>>, usize)> {
    let Some(open) = sign(input, "(") else { return Ok((None, end)) };
    let mut args = Vec::new();
    if let Some(close) = sign(input, ")") {
        return Ok((Some(args), close.end));
    }
    loop {
        args.push(whole(input).map_err(ErrMode::cut)?);
        if let Some(close) = sign(input, ")") {
            return Ok((Some(args), close.end));
        }
        if sign(input, ",").is_none() {
            return unclosed(input, &open, "(");
        }
    }
}

fn prefix<'t>(input: &mut Input<'t>) -> Parsed<Prefix<Input<'t>, Expr, ErrMode<Miss>>> {
    let Some(token) = peek(input) else { return backtrack(input) };
    let found: Prefix<Input<'t>, Expr, ErrMode<Miss>> = match &token.word {
        Word::Sign("-") => Prefix(13, |input, inner| Ok(wrap(input, inner, Kind::Neg))),
        Word::Name(name) if name == "not" => {
            Prefix(5, |input, inner| Ok(wrap(input, inner, Kind::Not)))
        }
        Word::Name(name) if name == "closed" => {
            Prefix(15, |input, inner| Ok(wrap(input, inner, |it| Kind::Worded(Which::Closed, it))))
        }
        Word::Name(name) if name == "forming" => {
            Prefix(15, |input, inner| Ok(wrap(input, inner, |it| Kind::Worded(Which::Forming, it))))
        }
        _ => return backtrack(input),
    };
    take(input);
    Ok(found)
}

/// Puts a sign before what follows it: the sign is the last word before that.
fn wrap(input: &Input<'_>, inner: Expr, kind: impl FnOnce(Box<Expr>) -> Kind) -> Expr {
    let mut before = input.previous_tokens().skip_while(|token| token.span.end > inner.span.start);
    let start = before.next().map_or(inner.span.start, |token| token.span.start);
    let span = start..inner.span.end;
    Expr { kind: kind(Box::new(inner)), span }
}

fn infix<'t>(input: &mut Input<'t>) -> Parsed<Infix<Input<'t>, Expr, ErrMode<Miss>>> {
    macro_rules! joined {
        ($side:ident, $power:literal, $binary:ident) => {
            Infix::$side($power, |_, left, right| Ok(join(Binary::$binary, left, right)))
        };
    }
    let Some(token) = peek(input) else { return backtrack(input) };
    let found: Infix<Input<'t>, Expr, ErrMode<Miss>> = match &token.word {
        Word::Sign("+") => joined!(Left, 9, Add),
        Word::Sign("-") => joined!(Left, 9, Sub),
        Word::Sign("*") => joined!(Left, 11, Mul),
        Word::Sign("/") => joined!(Left, 11, Div),
        Word::Sign("<") => joined!(Neither, 7, Less),
        Word::Sign("<=") => joined!(Neither, 7, LessEq),
        Word::Sign(">") => joined!(Neither, 7, Greater),
        Word::Sign(">=") => joined!(Neither, 7, GreaterEq),
        Word::Sign("==") => joined!(Neither, 7, Equal),
        Word::Sign("!=") => joined!(Neither, 7, NotEqual),
        Word::Name(name) => match name.as_str() {
            "crosses_above" => joined!(Neither, 7, CrossesAbove),
            "crosses_below" => joined!(Neither, 7, CrossesBelow),
            "and" => joined!(Left, 3, And),
            "or" => joined!(Left, 1, Or),
            _ => return backtrack(input),
        },
        _ => return backtrack(input),
    };
    take(input);
    Ok(found)
}

fn join(binary: Binary, left: Expr, right: Expr) -> Expr {
    let span = left.span.start..right.span.end;
    Expr { kind: Kind::Binary(binary, Box::new(left), Box::new(right)), span }
}

/// What follows a column, if the next word begins it; the word itself is read when it is applied.
fn postfix<'t>(input: &mut Input<'t>) -> Parsed<Postfix<Input<'t>, Expr, ErrMode<Miss>>> {
    let Some(token) = peek(input) else { return backtrack(input) };
    let found: Postfix<Input<'t>, Expr, ErrMode<Miss>> = match &token.word {
        Word::Sign(".") => Postfix(17, output),
        Word::Sign("[") => Postfix(17, ago),
        Word::Interval(_) => Postfix(17, at),
        _ => return backtrack(input),
    };
    // The combinator wants a word to be taken: all that follows is read back from it.
    take(input);
    Ok(found)
}

fn output(input: &mut Input<'_>, inner: Expr) -> Parsed<Expr> {
    match peek(input) {
        Some(Token { word: Word::Name(name), span }) => {
            take(input);
            let whole = inner.span.start..span.end;
            Ok(Expr { kind: Kind::Output(Box::new(inner), name.clone()), span: whole })
        }
        _ => miss(input, "expected the name of an output, such as macd(12,26,9).hist"),
    }
}

fn at(input: &mut Input<'_>, inner: Expr) -> Parsed<Expr> {
    match input.previous_tokens().next() {
        Some(Token { word: Word::Interval(text), span }) => {
            let whole = inner.span.start..span.end;
            Ok(Expr { kind: Kind::At(Box::new(inner), text.clone()), span: whole })
        }
        _ => backtrack(input),
    }
}

fn ago(input: &mut Input<'_>, inner: Expr) -> Parsed<Expr> {
    let wanted = "expected a whole number of candles, such as close[3]";
    let number = match peek(input) {
        Some(Token { word: Word::Number(number, false), .. }) if number.fract() == 0.0 => *number,
        _ => return miss(input, wanted),
    };
    take(input);
    match sign(input, "]") {
        Some(close) => {
            let whole = inner.span.start..close.end;
            Ok(Expr { kind: Kind::Ago(Box::new(inner), number as u64), span: whole })
        }
        None => miss(input, "expected ] after the number of candles"),
    }
}
