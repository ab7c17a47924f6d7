//! `regtree manifest get`.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::reference::One;
use crate::cli::subject::About;
use crate::cli::{Context, Exit, sink};
use crate::digest::Digest;
use crate::error::Error;
use crate::manifest::platform::{self, Wanted};
use crate::manifest::{self, signatures};
use crate::reference::Shortened;
use crate::repository::Repository;

/// Write a manifest's bytes to standard output or a file
///
/// These are the bytes that were pushed, verified against the digest before anything is written. For schema1 they are
/// the payload; --signed adds the signatures that a registry up to 2.4 has stored, and gives the bytes that 2.4 serves.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    written
  1    not readable or not writable
  2    malformed name, tag, digest or platform
  4    unknown repository, tag, manifest or platform, or no signatures stored
  5    the manifest or a link is damaged
  10   no tree
  12   will not write to a terminal

Examples:
  regtree manifest get library/app v1 | sha256sum
  regtree manifest get library/app v1 --platform linux/arm64 --pretty")]
pub(in crate::cli) struct Get {
    #[command(flatten)]
    image: One<crate::cli::reference::Manifest>,
    /// Write to FILE; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The manifest for OS/ARCH or OS/ARCH/VARIANT in an index, or in indexes that it references; OS may be OS(VERSION)
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<Wanted>,
    /// Add the stored signatures of schema1
    #[arg(long, conflicts_with = "pretty")]
    signed: bool,
    /// Indent for reading; the bytes no longer match the digest
    #[arg(long)]
    pretty: bool,
}

impl Get {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let One { repository: name, target } = &self.image;
        let repository = registry.repository(name).about(name, None)?;
        let digest = target.resolve(&repository, Shortened::Expand).about(name, None)?.digest;
        let digest = self.chosen(&repository, digest, context).about_manifest(name, digest)?;
        let bytes = manifest::get(&repository, digest).about_manifest(name, digest)?;
        let content = if self.signed {
            with_signatures(&repository, digest, bytes).about_manifest(name, digest)?
        } else if self.pretty {
            pretty(&repository, digest, &bytes)?
        } else {
            bytes
        };
        match self.output.filter(|path| !sink::is_stdout(path)) {
            None => {
                if io::stdout().is_terminal() && is_unsafe(&content) {
                    let reason = "will not write control characters to a terminal; use -o FILE".to_owned();
                    return Err(Error::Refused { reason }.into());
                }
                context.output.bytes(&content)?;
            }
            Some(path) => {
                sink::write_file(&path, |mut file, name: &Path, _| {
                    Ok(file.write_all(&content).map_err(|error| Error::io("write", name, error))?)
                })?;
                if context.output.is_json() {
                    let file = path.to_string_lossy();
                    let size = content.len();
                    let fields = json!({ "repository": name, "digest": digest, "size": size, "file": file });
                    context.output.event("manifest", fields)?;
                }
            }
        }
        Ok(Exit::Done)
    }

    fn chosen(&self, repository: &Repository<'_>, digest: Digest, context: &Context) -> crate::error::Result<Digest> {
        let Some(wanted) = &self.platform else { return Ok(digest) };
        let (_, manifest) = manifest::read(repository, digest)?;
        let chosen = platform::choose(repository, digest, &manifest, wanted)?;
        if !chosen.others.is_empty() {
            let others: Vec<String> =
                chosen.others.iter().map(|(digest, platform)| format!("{digest} ({platform})")).collect();
            let others = others.join(", ");
            context
                .output
                .note(format_args!("{} is the first that matches {wanted}; {others} match as well", chosen.digest));
        }
        Ok(chosen.digest)
    }
}

fn with_signatures(repository: &Repository<'_>, digest: Digest, payload: Vec<u8>) -> crate::error::Result<Vec<u8>> {
    let merged = signatures::merged(repository, digest, payload)?;
    let none = || Error::SignaturesUnknown { repository: repository.name().clone(), digest };
    Ok(merged.ok_or_else(none)?.pretty())
}

/// The same document, indented. A document that is nested too deep for that is refused.
fn pretty(repository: &Repository<'_>, digest: Digest, bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let document: serde_json::Value = serde_json::from_slice(bytes).map_err(|error| Error::ManifestMalformed {
        repository: repository.name().clone(),
        digest,
        reason: error.to_string(),
    })?;
    let mut text = serde_json::to_vec_pretty(&document)?;
    text.push(b'\n');
    Ok(text)
}

/// Whether a terminal would obey a part of it as commands.
fn is_unsafe(content: &[u8]) -> bool {
    match std::str::from_utf8(content) {
        Ok(text) => text.chars().any(|character| character.is_control() && !matches!(character, '\n' | '\r' | '\t')),
        Err(_) => true,
    }
}
