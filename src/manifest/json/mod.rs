//! A JSON reader that accepts what Go's `encoding/json` accepts, at any depth.
//!
//! Registries decode manifests with that library, so what it accepts decides what a tree keeps. The [`Reader`] walks
//! the bytes once and returns one [`Event`] after the other, borrowed from the bytes. A document is valid if Go's
//! scanner accepts it; so bytes in a string need not be UTF-8. **Nothing here is recursive**: open brackets are bits in
//! a stack of their own. A document of ten million brackets costs a megabyte, and no more of the thread's stack than a
//! flat one.

mod fault;
mod nesting;
mod text;

pub use fault::{Malformed, Reason};
use nesting::Nesting;
pub(crate) use text::{Match, Text};

/// The deepest nesting that Go accepts.
pub(crate) const GO_MAX_DEPTH: usize = 10_000;

/// One step through a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event<'b> {
    /// `{`
    BeginObject,
    /// `}`
    EndObject,
    /// `[`
    BeginArray,
    /// `]`
    EndArray,
    /// A key with its colon. Its value comes next.
    Key(Text<'b>),
    /// A string value.
    String(Text<'b>),
    /// A number, as written.
    Number(&'b str),
    /// `true` or `false`.
    Bool(bool),
    /// `null`
    Null,
}

/// What may come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    Value,
    FirstKey,
    FirstElement,
    CommaOrEnd,
    Nothing,
}

/// Reads a document from its first byte to its last.
#[derive(Debug)]
pub(crate) struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
    token: usize,
    nesting: Nesting,
    expect: Expect,
    max_depth: usize,
    deepest: usize,
}

impl<'b> Reader<'b> {
    /// A reader of a document that may be nested to any depth.
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            token: 0,
            nesting: Nesting::default(),
            expect: Expect::Value,
            max_depth: usize::MAX,
            deepest: 0,
        }
    }

    /// Refuses more than `levels` open brackets; Go's limit is [`GO_MAX_DEPTH`].
    #[must_use]
    pub(crate) fn max_depth(mut self, levels: usize) -> Self {
        self.max_depth = levels;
        self
    }

    /// The most brackets that were open at once so far.
    pub(crate) fn deepest(&self) -> usize {
        self.deepest
    }

    /// The offset of the last event, in bytes.
    pub(crate) fn offset(&self) -> usize {
        self.token
    }

    /// The next event; `None` after the end of the document. Only white space may follow it.
    pub(crate) fn next(&mut self) -> Result<Option<Event<'b>>, Malformed> {
        self.space();
        match self.expect {
            Expect::Nothing if self.at == self.bytes.len() => Ok(None),
            Expect::Nothing => Err(self.fault(Reason::Trailing)),
            Expect::FirstKey if self.peek() == Some(b'}') => Ok(Some(self.end())),
            Expect::FirstKey => self.key().map(Some),
            Expect::FirstElement if self.peek() == Some(b']') => Ok(Some(self.end())),
            Expect::Value | Expect::FirstElement => self.value().map(Some),
            Expect::CommaOrEnd => self.comma_or_end().map(Some),
        }
    }

    /// Skips the rest of a value whose first event was `first`.
    pub(crate) fn skip(&mut self, first: Event<'b>) -> Result<(), Malformed> {
        self.scan(first, |_, _| ())
    }

    /// Skips the rest of a value whose first event was `first`, and returns the bytes of the value.
    pub(crate) fn raw(&mut self, first: Event<'b>) -> Result<&'b [u8], Malformed> {
        let start = self.token;
        self.skip(first)?;
        Ok(&self.bytes[start..self.at])
    }

    /// Calls `see` with the offset and event of all that follows `first` in its value, up to its closing bracket.
    pub(crate) fn scan(&mut self, first: Event<'b>, mut see: impl FnMut(usize, Event<'b>)) -> Result<(), Malformed> {
        if !matches!(first, Event::BeginObject | Event::BeginArray) {
            return Ok(());
        }
        let outside = self.nesting.depth() - 1;
        while self.nesting.depth() > outside {
            let Some(event) = self.next()? else { break };
            see(self.token, event);
        }
        Ok(())
    }

    fn fault(&self, reason: Reason) -> Malformed {
        Malformed { offset: self.at, reason }
    }

    /// The fault of finding something else than `wanted` here.
    fn unexpected(&self, wanted: &'static str) -> Malformed {
        let blank = |bytes: &[u8]| bytes.iter().all(|byte| is_space(*byte));
        match self.peek() {
            Some(_) => self.fault(Reason::Unexpected(wanted)),
            None if blank(self.bytes) => self.fault(Reason::Empty),
            None => self.fault(Reason::Truncated),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
        self.token = self.at;
    }

    fn after_value(&mut self) {
        self.expect = if self.nesting.depth() == 0 { Expect::Nothing } else { Expect::CommaOrEnd };
    }

    fn end(&mut self) -> Event<'b> {
        let object = self.nesting.in_object() == Some(true);
        self.at += 1;
        self.nesting.close();
        self.after_value();
        if object { Event::EndObject } else { Event::EndArray }
    }

    fn begin(&mut self, object: bool) -> Result<Event<'b>, Malformed> {
        if self.nesting.depth() >= self.max_depth {
            return Err(self.fault(Reason::TooDeep(self.max_depth)));
        }
        self.at += 1;
        self.nesting.open(object);
        self.deepest = self.deepest.max(self.nesting.depth());
        self.expect = if object { Expect::FirstKey } else { Expect::FirstElement };
        Ok(if object { Event::BeginObject } else { Event::BeginArray })
    }

    fn comma_or_end(&mut self) -> Result<Event<'b>, Malformed> {
        let object = self.nesting.in_object() == Some(true);
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.space();
                if object { self.key() } else { self.value() }
            }
            Some(b'}') if object => Ok(self.end()),
            Some(b']') if !object => Ok(self.end()),
            _ => Err(self.unexpected(if object { "',' or '}'" } else { "',' or ']'" })),
        }
    }

    fn key(&mut self) -> Result<Event<'b>, Malformed> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("a key in quotes"));
        }
        let key = self.string()?;
        let token = self.token;
        self.space();
        self.token = token;
        if self.peek() != Some(b':') {
            return Err(self.unexpected("':'"));
        }
        self.at += 1;
        self.expect = Expect::Value;
        Ok(Event::Key(key))
    }

    fn value(&mut self) -> Result<Event<'b>, Malformed> {
        let event = match self.peek() {
            Some(b'{') => return self.begin(true),
            Some(b'[') => return self.begin(false),
            Some(b'"') => Event::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => Event::Number(self.number()?),
            Some(b't') => self.literal("true", Event::Bool(true))?,
            Some(b'f') => self.literal("false", Event::Bool(false))?,
            Some(b'n') => self.literal("null", Event::Null)?,
            _ => return Err(self.unexpected("a value")),
        };
        self.after_value();
        Ok(event)
    }

    fn literal(&mut self, name: &'static str, event: Event<'b>) -> Result<Event<'b>, Malformed> {
        for wanted in name.bytes() {
            if self.peek() != Some(wanted) {
                return Err(self.unexpected(name));
            }
            self.at += 1;
        }
        Ok(event)
    }

    fn string(&mut self) -> Result<Text<'b>, Malformed> {
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(0..0x20) => return Err(self.fault(Reason::Control)),
                Some(_) => self.at += 1,
                None => return Err(self.fault(Reason::Truncated)),
            }
        }
        let raw = &self.bytes[start..self.at];
        self.at += 1;
        Ok(Text::new(raw, escaped))
    }

    fn escape(&mut self) -> Result<(), Malformed> {
        self.at += 1;
        let digits = match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 0,
            Some(b'u') => 4,
            Some(_) => return Err(self.fault(Reason::Escape)),
            None => return Err(self.fault(Reason::Truncated)),
        };
        self.at += 1;
        for _ in 0..digits {
            match self.peek() {
                Some(byte) if byte.is_ascii_hexdigit() => self.at += 1,
                Some(_) => return Err(self.fault(Reason::Escape)),
                None => return Err(self.fault(Reason::Truncated)),
            }
        }
        Ok(())
    }

    fn number(&mut self) -> Result<&'b str, Malformed> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(std::str::from_utf8(&self.bytes[start..self.at]).unwrap_or_default())
    }

    fn digits(&mut self) -> Result<(), Malformed> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.unexpected("a digit"));
        }
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
#[path = "../../../tests/unit/json.rs"]
mod tests;
