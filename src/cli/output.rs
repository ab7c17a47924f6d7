//! The one place that prints: the answer on stdout, everything else on stderr.
//!
//! A pipe that is closed at its other end is a quiet success. What is printed may hold names and texts from the tree,
//! which anyone who may push can choose: [`escape`](super::escape) keeps them from moving the cursor and from looking like a line of
//! regtree's, in JSON too.

use std::fmt::{Arguments, Display};
use std::io::{self, BufWriter, IsTerminal, StderrLock, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use serde_json::{Value, json};

use super::escape::{Escaping, EscapingJson, escaped};
use super::naming::{Naming, unify};
use super::subject::Subject;
use super::toml_file::TomlError;
use super::{Exit, Global, detail, hint, root};
use crate::digest::Digest;
use crate::error::{Error, Refusal};
use crate::finding::Severity;
use crate::gc::Finding;
use crate::json::applying;
use crate::name::RepositoryName;
use crate::registry::Registry;

const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
pub(super) const CYAN: Style = AnsiColor::Cyan.on_default().bold();

/// How many hex digits of a digest a listing on a terminal shows.
const SHORTENED: usize = 12;

/// The name of standard output in an error.
pub(super) const STDOUT: &str = "standard output";

#[expect(clippy::struct_excessive_bools, reason = "each is an option, or what stdout is, of its own")]
pub(super) struct Output {
    /// Takes the answer: standard output, or standard error where that carries content.
    stdout: BufWriter<Box<dyn Write>>,
    colored: bool,
    /// Whether stdout is a terminal, and the answer is for people.
    terminal: bool,
    /// Whether a header belongs above the next row.
    headless: bool,
    json: bool,
    quiet: bool,
    verbose: bool,
    /// How paths are named in JSON, once a tree is open.
    naming: Option<Naming>,
}

/// Standard output can't be written to.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output")]
struct StdoutError(#[from] io::Error);

impl Output {
    pub(super) fn new(global: &Global) -> Self {
        let colored = anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never;
        let terminal = io::stdout().is_terminal() && !global.json;
        let headless = terminal && !global.quiet;
        let stdout = Self::buffered(io::stdout().lock());
        Self {
            stdout,
            colored,
            terminal,
            headless,
            json: global.json,
            quiet: global.quiet,
            verbose: global.verbose,
            naming: None,
        }
    }

    /// Lets paths in this tree begin at its root, in JSON.
    pub(super) fn name_paths_of(&mut self, registry: &Registry) {
        self.naming = Some(Naming::of(registry));
    }

    fn buffered(answer: impl Write + 'static) -> BufWriter<Box<dyn Write>> {
        BufWriter::with_capacity(64 * 1024, Box::new(answer))
    }

    /// Prints the answer on stderr from now on, because stdout carries content.
    pub(super) fn make_way(&mut self) {
        self.stdout = Self::buffered(io::stderr());
    }

    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    pub(super) fn is_verbose(&self) -> bool {
        self.verbose
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Prints a line of the answer, as text or as JSON.
    pub(super) fn answer(
        &mut self,
        text: impl Display,
        kind: &str,
        fields: impl FnOnce() -> Value,
    ) -> anyhow::Result<()> {
        if self.json { self.event(kind, fields()) } else { self.line(text) }
    }

    /// Prints a line of the answer. Whatever is in it, it stays one line, and moves no cursor.
    pub(super) fn line(&mut self, text: impl Display) -> anyhow::Result<()> {
        self.styled_line("", text)
    }

    /// Prints a line after some text of ours.
    fn styled_line(&mut self, styled: impl Display, text: impl Display) -> anyhow::Result<()> {
        write!(self.stdout, "{styled}").map_err(StdoutError)?;
        write!(Escaping(&mut self.stdout), "{text}").map_err(StdoutError)?;
        self.bytes(b"\n")
    }

    /// Prints the lines of a text of ours.
    pub(super) fn lines(&mut self, text: &str) -> anyhow::Result<()> {
        text.lines().try_for_each(|line| self.line(line))
    }

    /// Prints a row of a table, or its fields in JSON. On a terminal, the header is printed above the first row.
    pub(super) fn row(
        &mut self,
        header: &str,
        row: Arguments<'_>,
        kind: &str,
        fields: impl FnOnce() -> Value,
    ) -> anyhow::Result<()> {
        if self.json {
            return self.event(kind, fields());
        }
        if std::mem::take(&mut self.headless) {
            self.line(header)?;
        }
        self.line(row)
    }

    /// A digest in a column of a listing. On a terminal it is shortened, so that rows do not wrap.
    pub(super) fn digest(&self, digest: &Digest) -> String {
        if !self.terminal {
            return digest.to_string();
        }
        let (text, hex) = (digest.to_string(), digest.hex());
        let algorithm = text.strip_suffix(&*hex).unwrap_or_default();
        format!("{algorithm}{}", hex.get(..SHORTENED).unwrap_or(&hex))
    }

    /// Prints a finding about a path, as part of the answer. On a terminal the path has a line of its own: it is often
    /// longer than a line, and what is wrong comes first.
    pub(super) fn finding_at(
        &mut self,
        severity: Severity,
        code: &str,
        path: &std::path::Path,
        message: &str,
    ) -> anyhow::Result<()> {
        let path = path.display();
        if !self.terminal {
            return self.finding(severity, &format!("{code}: {path}: {message}"));
        }
        if severity == Severity::Info && self.quiet {
            return Ok(());
        }
        self.finding(severity, &format!("{code}: {message}"))?;
        self.line(format_args!("  {path}"))
    }

    /// Prints a finding, as part of the answer. With --quiet, one of severity info is left out.
    pub(super) fn finding(&mut self, severity: Severity, text: &str) -> anyhow::Result<()> {
        let style = match severity {
            _ if !self.colored => Style::new(),
            Severity::Error => RED,
            Severity::Warning => YELLOW,
            Severity::Info => CYAN,
        };
        if severity == Severity::Info && self.quiet {
            return Ok(());
        }
        self.styled_line(format_args!("{style}{severity}:{style:#} "), text)
    }

    /// Prints bytes that are asked for as they are: a manifest, or a script.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.stdout.write_all(bytes).map_err(StdoutError)?;
        Ok(())
    }

    /// Prints a JSON document of a foreign format, on a line of its own.
    pub(super) fn document(&mut self, document: &impl Serialize) -> anyhow::Result<()> {
        Ok(write_json(&mut self.stdout, document).map_err(StdoutError)?)
    }

    /// Prints a JSON answer, or an event of a long one.
    pub(super) fn event(&mut self, kind: &str, mut fields: Value) -> anyhow::Result<()> {
        let named = json!({ "type": kind, "schema_version": 1 });
        if let (Some(fields), Value::Object(named)) = (fields.as_object_mut(), named) {
            fields.extend(named);
        }
        unify(&mut fields, self.naming.as_ref());
        self.document(&fields)
    }

    /// A JSON event of which a note or nothing at all is said to people.
    pub(super) fn json_only(&mut self, kind: &str, fields: impl FnOnce() -> Value) -> anyhow::Result<()> {
        if self.json { self.event(kind, fields()) } else { Ok(()) }
    }

    pub(super) fn flush(&mut self) -> anyhow::Result<()> {
        self.stdout.flush().map_err(StdoutError)?;
        Ok(())
    }

    pub(super) fn note(&self, text: impl Display) {
        // The JSON answer contains it.
        if !self.quiet && !self.json {
            say(CYAN, "note", &text);
        }
    }

    /// Prints a note after a long answer. Where the answer goes through a pipe and the note would go to the terminal, it
    /// may come in the middle of what a pager shows there: then it is the answer's last line.
    pub(super) fn closing_note(&mut self, text: impl Display) -> anyhow::Result<()> {
        if self.quiet || self.json || io::stdout().is_terminal() || !io::stderr().is_terminal() {
            self.note(text);
            return Ok(());
        }
        self.line(format_args!("note: {text}"))
    }

    pub(super) fn hint(&self, text: impl Display) {
        if !self.quiet && !self.json {
            say(CYAN, "hint", &text);
        }
    }

    /// Prints a detail on stderr, with --verbose.
    pub(super) fn detail(&self, text: impl Display) {
        if self.verbose {
            say(CYAN, "detail", &text);
        }
    }

    /// Prints a warning on stderr, also with --json: it is not a part of the answer.
    pub(super) fn warn(&self, text: impl Display) {
        if !self.quiet && !self.json {
            say(YELLOW, "warning", &text);
        }
    }

    /// Tells programs what can't be followed, because of which an answer may lack something.
    pub(super) fn unfollowed(&mut self, finding: &Finding) -> anyhow::Result<()> {
        let path = finding.path.as_ref().map(|path| path.to_string_lossy());
        self.json_only("finding", || {
            json!({
                "code": finding.code, "repository": finding.repository, "path": path, "message": finding.message,
            })
        })
    }

    /// Reports damage that does not end the command: as an event in JSON, else as a warning.
    pub(super) fn damage(&mut self, error: &Error) -> anyhow::Result<()> {
        if self.json {
            return self.event("damage", error_document(error));
        }
        if !self.quiet {
            say(YELLOW, "warning", &message(anyhow::Chain::new(error)));
        }
        Ok(())
    }

    /// Reports damage that does not end the command. Returns the exit code that it leads to.
    pub(super) fn all_damage<'e>(&mut self, damage: impl IntoIterator<Item = &'e Error>) -> anyhow::Result<Exit> {
        let mut exit = Exit::Done;
        for error in damage {
            self.damage(error)?;
            exit = Exit::Damage;
        }
        Ok(exit)
    }

    /// Reports why a command failed, and what to do about it.
    pub(super) fn report(&self, error: &anyhow::Error, global: &Global) -> Exit {
        if is_broken_pipe(error) {
            return Exit::Done;
        }
        let known = error.chain().find_map(|cause| cause.downcast_ref::<Error>());
        let subject = error.downcast_ref::<Subject>();
        let file = error.downcast_ref::<TomlError>();
        let exit = known.map_or(if file.is_some() { Exit::Usage } else { Exit::Failed }, Exit::from);
        if self.json {
            let mut documents: Vec<Value> = match known {
                Some(Error::ManifestInvalid { what, repository, refusals }) => {
                    refusals.iter().map(|refusal| refusal_document(refusal, what, repository)).collect()
                }
                Some(known) => {
                    let mut document = about(error_document(known), subject);
                    if let Some(looked) = root::looked_before(known, global) {
                        document["detail"]["looked"] = looked;
                    }
                    vec![document]
                }
                None if let Some(file) = file => vec![toml_document(file)],
                None => vec![json!({ "code": "UNKNOWN", "message": message(error.chain()), "detail": {} })],
            };
            let hint = known.and_then(|known| hint::of(known, global));
            for document in &mut documents {
                unify(document, self.naming.as_ref());
                if let Some(hint) = &hint {
                    document["hint"] = hint.as_str().into();
                }
            }
            let _ = write_json(&mut io::stderr().lock(), &json!({ "errors": documents }));
            return exit;
        }
        // The first message is only the subject, so it is printed on one line with its cause.
        let mut causes = error.chain().map(ToString::to_string);
        let begin: Vec<String> = causes.by_ref().take(1 + usize::from(subject.is_some())).collect();
        let said = begin.join(": ");
        say(RED, "error", &said);
        for cause in causes.filter(|cause| !said.ends_with(cause.as_str())) {
            say(Style::new(), "caused by", &cause);
        }
        if let Some(Error::ManifestInvalid { refusals, .. }) = known
            && refusals.len() > 1
        {
            for refusal in refusals {
                say(Style::new(), "reason", refusal);
            }
        }
        if let Some(hint) = known.and_then(|known| hint::of(known, global)) {
            say(CYAN, "hint", &hint);
        }
        exit
    }
}

/// An error and its causes in one line. A cause that the message above it already contains is left out.
fn message<'e>(chain: impl Iterator<Item = &'e (dyn std::error::Error + 'static)>) -> String {
    let mut message = String::new();
    for error in chain.map(ToString::to_string).filter(|text| !text.is_empty()) {
        if message.ends_with(&error) {
            continue;
        }
        if !message.is_empty() {
            message.push_str(": ");
        }
        message.push_str(&error);
    }
    message
}

/// Adds the subject of the command to an error's document.
fn about(mut document: Value, subject: Option<&Subject>) -> Value {
    if let Some(subject) = subject {
        document["message"] = format!("{subject}: {}", document["message"].as_str().unwrap_or_default()).into();
        document["detail"]["repository"] = json!(subject.repository);
        if let Some(digest) = subject.digest {
            document["detail"]["digest"] = json!(digest);
        }
    }
    document
}

/// An error in the shape of the registry's API.
pub(super) fn error_document(error: &Error) -> Value {
    json!({ "code": error.code(), "message": error.to_string(), "detail": detail::detail(error) })
}

/// An error in a file that a person wrote, in the same shape.
fn toml_document(error: &TomlError) -> Value {
    let TomlError { file, line, key, reason } = error;
    let detail = json!({ "path": file.to_string_lossy(), "line": line, "key": key, "reason": reason });
    json!({ "code": "CONFIGURATION", "message": error.to_string(), "detail": applying(detail) })
}

/// A reason to refuse a manifest, as the registry's API lists it.
fn refusal_document(refusal: &Refusal, what: &str, repository: &RepositoryName) -> Value {
    let mut document = detail::refusal(refusal);
    document["detail"]["repository"] = json!(repository);
    document["detail"]["content"] = json!(what);
    document
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let stdout = error.downcast_ref::<StdoutError>().map(|StdoutError(error)| error);
    let copied = match error.downcast_ref::<Error>() {
        Some(Error::Io { action: "write", path, source }) if path.as_os_str() == STDOUT => Some(source),
        _ => None,
    };
    stdout.or(copied).is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Prints a line on stderr. A failure of that can't be reported anywhere.
pub(super) fn say(style: Style, what: &str, text: &dyn Display) {
    let mut stderr: anstream::AutoStream<StderrLock<'_>> = anstream::AutoStream::auto(io::stderr().lock());
    let _ = writeln!(stderr, "{style}{what}:{style:#} {}", escaped(&text.to_string()));
}

/// Writes a JSON document and ends its line.
pub(super) fn write_json(writer: &mut impl Write, document: &impl Serialize) -> io::Result<()> {
    document.serialize(&mut serde_json::Serializer::with_formatter(&mut *writer, EscapingJson))?;
    writer.write_all(b"\n")
}
