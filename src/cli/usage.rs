//! Wrong usage, and what must be known of the arguments before they are parsed.

use std::ffi::OsString;
use std::io::Write;

use clap::error::{ContextKind, ErrorKind};
use serde_json::json;

use super::{Exit, When};

/// How to talk when the arguments themselves are wrong.
#[derive(Debug)]
pub(super) struct Early {
    json: bool,
    pub(super) color: When,
}

impl Early {
    pub(super) fn look(arguments: &[OsString]) -> Self {
        let mut early = Self { json: false, color: When::Auto };
        let mut arguments = arguments.iter().skip(1).map(|argument| argument.to_str().unwrap_or_default());
        while let Some(argument) = arguments.next() {
            let color = match argument {
                "--" => break,
                "--json" => {
                    early.json = true;
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

impl When {
    /// Makes it so for everything printed through `anstream`, which knows `NO_COLOR` by itself.
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

/// Prints help or version as asked, or what is wrong with the arguments.
pub(super) fn report(error: &clap::Error, early: &Early) -> Exit {
    let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if asked || !early.json {
        // A closed pipe is a quiet end here too.
        let _ = error.print();
        return if asked { Exit::Done } else { Exit::Usage };
    }
    let text = error.render().to_string();
    // What is wrong may take several lines; how it is done right comes after an empty one.
    let lines = text.lines().take_while(|line| !line.trim().is_empty()).map(str::trim);
    let message = lines.collect::<Vec<_>>().join(" ");
    let message = message.trim_start_matches("error: ");
    let document = json!({ "errors": [{ "code": code(error), "message": message, "detail": {} }] });
    let _ = writeln!(std::io::stderr(), "{document}");
    Exit::Usage
}

/// The registry API's code for a malformed digest or name.
fn code(error: &clap::Error) -> &'static str {
    let argument = error.get(ContextKind::InvalidArg).map(ToString::to_string).unwrap_or_default();
    if error.kind() != ErrorKind::ValueValidation {
        "USAGE"
    } else if argument.contains("DIGEST") {
        "DIGEST_INVALID"
    } else if ["REPO", "--from", "--to"].iter().any(|name| argument.contains(name)) {
        "NAME_INVALID"
    } else {
        "USAGE"
    }
}
