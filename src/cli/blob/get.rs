//! `regtree blob get`.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::blob::{ByteRange, OpenBlob};
use crate::cli::output::STDOUT;
use crate::cli::progress::{self, ProgressStyle};
use crate::cli::reference::{Blob, One};
use crate::cli::subject::About;
use crate::cli::{Context, Exit, sink};
use crate::error::{Error, Result};
use crate::reference::{self, Shortened};
use crate::stream::{Interrupt, Watch};

/// Write a blob's content to standard output or a file
///
/// The content is hashed while it is read, and a mismatch is exit code 5. With -o the file appears whole or not at all;
/// it is not synced. When writing to a pipe, check the exit code: the bytes are verified only at the end. A --range is
/// not verified: a part has no digest.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    written
  1    not readable or not writable
  2    malformed, or a range that the blob does not have
  4    unknown repository or blob
  5    the content or its link is damaged, or the content does not match the digest
  10   no tree
  12   will not write to a terminal
  130, 143 interrupted

Examples:
  regtree blob get library/app sha256:… -o layer.tar.gz
  regtree blob get library/app sha256:… | tar tz
  regtree blob get library/app sha256:… --range 0-1023 | xxd")]
pub(in crate::cli) struct Get {
    #[command(flatten)]
    blob: One<Blob>,
    /// Write to FILE; - is standard output, even if it is a terminal
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Only bytes A to B, both included, counted from 0; A- is from A to the end
    #[arg(long, value_name = "A-B")]
    range: Option<ByteRange>,
}

impl Get {
    pub(in crate::cli) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let registry = context.registry()?;
        let One { repository: name, target } = &self.blob;
        let repository = registry.repository(name).about(name, None)?;
        let digest = reference::blob(&repository, target, Shortened::Expand).about(name, None)?;
        let blob = OpenBlob::open(&repository, digest).about(name, digest)?;
        let descriptor = blob.descriptor().clone();
        if self.output.is_none() && io::stdout().is_terminal() && is_binary(&blob.beginning().about(name, digest)?) {
            let reason = "will not write binary content to a terminal; use -o FILE, or -o - to do it anyway".to_owned();
            return Err(Error::Refused { reason }.into());
        }
        let unverified = match self.output.filter(|path| !sink::is_stdout(path)) {
            None => {
                // A bar must not appear in the middle of the content.
                let mixed = io::stdout().is_terminal();
                let style = if mixed { ProgressStyle::None } else { context.global.progress };
                let progress = progress::observer(style, &context.output);
                // There is nothing to clean up, so a signal may end the process, also while it waits for the reader of
                // a pipe.
                let watch = Watch { progress: &*progress, interrupt: Interrupt::default() };
                copy(blob, self.range, sink::stdout()?, Path::new(STDOUT), &watch).about(name, digest)?
            }
            Some(path) => {
                let progress = progress::observer(context.global.progress, &context.output);
                let mut unverified = None;
                sink::write_file(&path, |sink, file, interrupt| {
                    let watch = Watch { progress: &*progress, interrupt };
                    unverified = copy(blob, self.range, sink, file, &watch).about(name, digest)?;
                    Ok(())
                })?;
                if context.output.is_json() {
                    let mut document = serde_json::to_value(&descriptor)?;
                    document["file"] = json!(path.to_string_lossy());
                    document["verified"] = json!(self.range.is_none() && unverified.is_none());
                    context.output.event("blob", document)?;
                }
                unverified
            }
        };
        if let Some(reason) = unverified {
            context.output.note(format_args!("the content was not verified: {reason}"));
        }
        Ok(Exit::Done)
    }
}

/// Whether a terminal would obey the content as commands, or show nonsense.
fn is_binary(beginning: &[u8]) -> bool {
    let text = match std::str::from_utf8(beginning) {
        Ok(text) => text,
        // The beginning may end inside a character.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&beginning[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return true,
    };
    text.chars().any(|character| character.is_control() && !matches!(character, '\n' | '\r' | '\t'))
}

/// Copies content, and returns why it was not verified although all of it was copied, if so.
fn copy(
    blob: OpenBlob,
    range: Option<ByteRange>,
    mut sink: File,
    name: &Path,
    watch: &Watch<'_>,
) -> Result<Option<String>> {
    match range {
        Some(range) => blob.copy_range(range, &mut sink, name, &watch.interrupt).map(|()| None),
        None => blob.copy_to(&mut sink, name, watch),
    }
}
