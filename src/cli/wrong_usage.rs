//! Reports wrong usage. For that, some arguments are read before all are parsed.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

use clap::error::{ContextKind, ErrorKind};
use serde_json::json;

use super::output::{CYAN, say};
use super::{Exit, When, hint, version};
use crate::digest::DigestError;
use crate::name::{RepositoryName, Tag};

/// The options that count even if the arguments are wrong.
#[derive(Debug)]
pub(super) struct Early {
    json: bool,
    verbose: bool,
    pub(super) color: When,
}

impl Early {
    pub(super) fn look(arguments: &[OsString]) -> Self {
        let mut early = Self { json: false, verbose: false, color: When::Auto };
        let mut arguments = arguments.iter().skip(1).map(|argument| argument.to_str().unwrap_or_default());
        while let Some(argument) = arguments.next() {
            let color = match argument {
                "--" => break,
                "--json" => {
                    early.json = true;
                    continue;
                }
                argument if is_verbose(argument) => {
                    early.verbose = true;
                    continue;
                }
                "--color" => arguments.next(),
                argument => argument.strip_prefix("--color="),
            };
            match color {
                Some("always") => early.color = When::Always,
                Some("never") => early.color = When::Never,
                _ => {}
            }
        }
        early
    }
}

/// Whether an argument is `--verbose`, or has a `v` among letters that are options, as in `-Vv`.
fn is_verbose(argument: &str) -> bool {
    let letters = argument.strip_prefix('-').filter(|letters| letters.bytes().all(|byte| byte.is_ascii_alphabetic()));
    argument == "--verbose" || letters.is_some_and(|letters| letters.contains('v'))
}

impl When {
    /// Applies the choice to everything that is printed through `anstream`, which respects `NO_COLOR` itself.
    pub(super) fn apply(self) {
        match self {
            Self::Auto => {}
            Self::Always => anstream::ColorChoice::Always.write_global(),
            Self::Never => anstream::ColorChoice::Never.write_global(),
        }
    }

    pub(super) fn for_clap(self) -> clap::ColorChoice {
        match self {
            Self::Auto => clap::ColorChoice::Auto,
            Self::Always => clap::ColorChoice::Always,
            Self::Never => clap::ColorChoice::Never,
        }
    }
}

/// Prints the help or the version if asked for, else what is wrong with the arguments.
pub(super) fn report(error: &clap::Error, early: &Early, arguments: &[OsString]) -> Exit {
    if error.kind() == ErrorKind::DisplayVersion && early.verbose {
        // A closed pipe ends the program quietly.
        let _ = write!(std::io::stdout(), "{}", version::verbose());
        return Exit::Done;
    }
    let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if asked || !early.json {
        // A closed pipe ends the program quietly here too.
        let _ = error.print();
        if let Some(advice) = advice(error, arguments) {
            say(CYAN, "hint", &advice);
        }
        return if asked { Exit::Done } else { exit(error) };
    }
    let text = error.render().to_string();
    // The message may have several lines; the usage follows after an empty line.
    let lines = text.lines().take_while(|line| !line.trim().is_empty()).map(str::trim);
    let message = lines.collect::<Vec<_>>().join(" ");
    let message = message.trim_start_matches("error: ");
    let mut document = json!({ "code": code(error), "message": message, "detail": {} });
    if let Some(advice) = advice(error, arguments) {
        document["hint"] = advice.into();
    }
    let document = json!({ "errors": [document] });
    let _ = writeln!(std::io::stderr(), "{document}");
    exit(error)
}

/// A tarsum of an unknown version is as well written as any: it is content that can't be checked.
fn exit(error: &clap::Error) -> Exit {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref());
    if source == Some(&DigestError::TarsumVersion) { Exit::Invalid } else { Exit::Usage }
}

/// What a word means here that other tools have for a command: the registry, restic, git, skopeo and docker.
fn command_of_others(word: &str) -> Option<&'static str> {
    Some(match word {
        "garbage-collect" => "to remove what nothing needs: regtree gc",
        "check" | "scrub" => "to find what is wrong: regtree fsck",
        "forget" | "prune" => "to remove old tags: regtree tag prune; what nothing needs: regtree gc",
        "ls" | "catalog" => "to list the repositories: regtree repo list",
        "inspect" => "to look at an image: regtree manifest stat REPO:TAG",
        "status" => "to see which tree this is, and in what state: regtree info",
        "pull" | "save" => "to take images out: regtree export; to let clients pull: regtree serve",
        "push" | "load" => "to put images in: regtree import",
        "version" => "to print the version: regtree --version",
        _ => return None,
    })
}

/// The hint for a command of another tool, or for a tag in place of a digest.
fn advice(error: &clap::Error, arguments: &[OsString]) -> Option<String> {
    let text = |kind| error.get(kind).map(ToString::to_string).unwrap_or_default();
    if error.kind() == ErrorKind::InvalidSubcommand {
        return command_of_others(&text(ContextKind::InvalidSubcommand)).map(str::to_owned);
    }
    let (argument, value) = (text(ContextKind::InvalidArg), text(ContextKind::InvalidValue));
    let is_digest = error.kind() == ErrorKind::ValueValidation && argument.starts_with("[DIGEST]");
    // What is made of hex digits alone was meant as a digest.
    if !is_digest || value.parse::<Tag>().is_err() || value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let call = Call::read(arguments);
    let Call { regtree, repository, words } = &call;
    let get = format!("the digest of a tag: {regtree} tag get {repository} {value}");
    if words != "manifest delete" {
        return Some(get);
    }
    Some(format!("{get}; to remove a tag and no manifest: {regtree} tag delete {repository} {value}"))
}

/// The command that the arguments chose, in the command of the whole program.
pub(super) fn inner<'c>(command: &'c mut clap::Command, found: &clap::ArgMatches) -> &'c mut clap::Command {
    let (mut inner, mut matches) = (command, found);
    while let Some((word, below)) = matches.subcommand() {
        inner = inner.find_subcommand_mut(word).expect("it was chosen");
        matches = below;
    }
    inner
}

/// What can be read of the arguments though one of them is wrong.
struct Call {
    /// The program, with the options that say where the tree is.
    regtree: String,
    /// The repository, or `REPO`.
    repository: String,
    /// The command, as in `tag set`.
    words: String,
}

impl Call {
    fn read(arguments: &[OsString]) -> Self {
        let found = super::command().ignore_errors(true).try_get_matches_from(arguments).unwrap_or_default();
        let (mut inner, mut words) = (&found, Vec::new());
        while let Some((word, matches)) = inner.subcommand() {
            words.push(word);
            inner = matches;
        }
        let path = |name| inner.try_get_one::<PathBuf>(name).ok().flatten().map(PathBuf::as_path);
        let raw = inner.try_get_raw("repository").ok().flatten().and_then(|mut raw| raw.next()?.to_str());
        let repository = raw.and_then(|text| text.parse::<RepositoryName>().ok());
        Self {
            regtree: hint::command_at(path("root"), path("registry_config")),
            repository: repository.map_or_else(|| "REPO".to_owned(), |name| name.to_string()),
            words: words.join(" "),
        }
    }
}

/// The registry API's code for a malformed digest or name.
fn code(error: &clap::Error) -> &'static str {
    let argument = error.get(ContextKind::InvalidArg).map(ToString::to_string).unwrap_or_default();
    if error.kind() != ErrorKind::ValueValidation {
        "USAGE"
    } else if ["<REPO", "[REPO", "--from", "--to"].iter().any(|start| argument.starts_with(start)) {
        "NAME_INVALID"
    } else if argument.contains("DIGEST") {
        "DIGEST_INVALID"
    } else {
        "USAGE"
    }
}
