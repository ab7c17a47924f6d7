//! The one place that prints: the answer on stdout, everything else on stderr.
//!
//! A pipe that is closed at its other end is a quiet success. Control characters in messages, which may hold names
//! from a damaged tree, are escaped.

use std::fmt::{Arguments, Display};
use std::io::{self, BufWriter, StderrLock, StdoutLock, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Exit, Global, hint};
use crate::error::Error;

const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
const CYAN: Style = AnsiColor::Cyan.on_default().bold();

/// Where a command's words go, and how.
pub(super) struct Output {
    stdout: BufWriter<StdoutLock<'static>>,
    json: bool,
    quiet: bool,
    verbose: bool,
}

/// Standard output can't be written to.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output")]
struct StdoutError(#[from] io::Error);

impl Output {
    pub(super) fn new(global: &Global) -> Self {
        let stdout = BufWriter::with_capacity(64 * 1024, io::stdout().lock());
        Self { stdout, json: global.json, quiet: global.quiet, verbose: global.verbose }
    }

    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// A line of the answer, in the one form or the other.
    pub(super) fn answer(&mut self, text: impl Display, document: impl FnOnce() -> Value) -> anyhow::Result<()> {
        if self.json { self.document(&document()) } else { self.text(format_args!("{text}\n")) }
    }

    /// Text of the answer, as it is.
    pub(super) fn text(&mut self, text: Arguments<'_>) -> anyhow::Result<()> {
        self.stdout.write_fmt(text).map_err(StdoutError)?;
        Ok(())
    }

    /// A JSON document on a line of its own.
    pub(super) fn document(&mut self, document: &impl Serialize) -> anyhow::Result<()> {
        serde_json::to_writer(&mut self.stdout, document).map_err(|error| StdoutError(error.into()))?;
        self.stdout.write_all(b"\n").map_err(StdoutError)?;
        Ok(())
    }

    /// An event of a long JSON answer.
    pub(super) fn event(&mut self, kind: &str, mut fields: Value) -> anyhow::Result<()> {
        let named = json!({ "type": kind, "schema_version": 1 });
        if let (Some(fields), Value::Object(named)) = (fields.as_object_mut(), named) {
            fields.extend(named);
        }
        self.document(&fields)
    }

    pub(super) fn flush(&mut self) -> anyhow::Result<()> {
        self.stdout.flush().map_err(StdoutError)?;
        Ok(())
    }

    /// Something that a person may like to know.
    pub(super) fn note(&self, text: impl Display) {
        if !self.quiet {
            say(CYAN, "note", &text);
        }
    }

    /// Something that only a curious person likes to know.
    pub(super) fn detail(&self, text: impl Display) {
        if self.verbose {
            say(CYAN, "detail", &text);
        }
    }

    /// Damage that does not end the command: an event in JSON, a warning otherwise.
    pub(super) fn damage(&mut self, error: &Error) -> anyhow::Result<()> {
        if self.json {
            return self.event("damage", error_document(error));
        }
        if !self.quiet {
            let source = std::error::Error::source(error).map(|source| format!(": {source}"));
            say(YELLOW, "warning", &format_args!("{error}{}", source.unwrap_or_default()));
        }
        Ok(())
    }

    /// Says why a command failed, and what to do about it.
    pub(super) fn report(&self, error: &anyhow::Error, global: &Global) -> Exit {
        if is_broken_pipe(error) {
            return Exit::Done;
        }
        let known = error.chain().find_map(|cause| cause.downcast_ref::<Error>());
        let exit = known.map_or(Exit::Failed, Exit::from);
        if self.json {
            let document = match known {
                Some(known) => error_document(known),
                None => json!({ "code": "UNKNOWN", "message": message(error), "detail": {} }),
            };
            emit(&format_args!("{}", json!({ "errors": [document] })));
            return exit;
        }
        say(RED, "error", &error);
        for cause in error.chain().skip(1).filter(|cause| !is_shown(error, *cause)) {
            say(Style::new(), "caused by", &cause);
        }
        if let Some(hint) = known.and_then(|known| hint::of(known, global)) {
            say(CYAN, "hint", &hint);
        }
        exit
    }
}

/// Some errors say in their own message what their source says.
fn is_shown(error: &anyhow::Error, cause: &(dyn std::error::Error + 'static)) -> bool {
    error.to_string().ends_with(&cause.to_string())
}

fn message(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// An error in the shape of the registry API's.
pub(super) fn error_document(error: &Error) -> Value {
    json!({ "code": error.code(), "message": error.to_string(), "detail": error.detail() })
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let stdout = error.downcast_ref::<StdoutError>().map(|StdoutError(error)| error);
    let copied = match error.downcast_ref::<Error>() {
        Some(Error::Io { action: "write", source, .. }) => Some(source),
        _ => None,
    };
    stdout.or(copied).is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// A line on stderr. When that is gone, there is nobody to tell.
fn say(style: Style, what: &str, text: &dyn Display) {
    emit(&format_args!("{style}{what}:{style:#} {}", escaped(&text.to_string())));
}

fn emit(text: &Arguments<'_>) {
    let mut stderr: anstream::AutoStream<StderrLock<'_>> = anstream::AutoStream::auto(io::stderr().lock());
    let _ = writeln!(stderr, "{text}");
}

/// The text with control characters made visible; lines stay lines.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() && character != '\n' {
            escaped.extend(character.escape_default());
        } else {
            escaped.push(character);
        }
    }
    escaped
}
