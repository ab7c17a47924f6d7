//! `regtree report`.

mod document;
mod page;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use super::output::STDOUT;
use super::{Context, Exit, interrupt, progress, sink, threads};
use crate::error::Error;
use crate::report;
use crate::stream::Watch;

/// Write a page about the whole tree: where the space is, and what is wrong
///
/// The page is one file that needs nothing else, no network either: open it in a browser, mail it, or keep it. It shows
/// what du, gc and fsck know: a map of the tree by repositories, tags and layers, the largest layers and who shares them,
/// growth by month, what gc would free, every kind of finding with the command that repairs it, and the images that
/// can't be pulled. Everything in it is in tables too, and can be read without JavaScript.
///
/// report changes nothing in the tree, and takes no lock. Content is not hashed: `regtree fsck --content` does that.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    written, and no errors were found, perhaps warnings
  1    I/O or permission error
  2    malformed argument
  3    written, but there are errors, a tagged image cannot be pulled whole, or something could not be read or followed
  10   no tree
  12   refused: a page is not written to a terminal
  130, 143 interrupted; an older page is still in its place

Examples:
  regtree report -o report.html
  regtree report --json | jq .space.tree
  regtree report --json -o report.html | jq '.health.groups[] | {code, count, command}'")]
pub(super) struct Report {
    /// Write the page to FILE, in whose place it appears whole or not at all; - is standard output
    ///
    /// If omitted, the page goes to standard output, or with --json is not written: the same data goes there.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// How many threads read; one per processor if omitted
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    /// Take TIME for the present, such as 2026-11-30T12:00:00Z: then the page of an unchanged tree is the same again
    #[arg(long, value_name = "TIME")]
    now: Option<jiff::Timestamp>,
}

impl Report {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        threads::start(self.jobs);
        context.now = self.now.unwrap_or(context.now);
        let is_page = self.output.is_some() || !context.output.is_json();
        if self.output.is_none() && is_page && std::io::stdout().is_terminal() {
            let reason = "will not write a page to a terminal; use -o FILE, or -o - to do it anyway".to_owned();
            return Err(Error::Refused { reason }.into());
        }
        let registry = context.registry()?;
        let progress = progress::observer(context.global.progress, &context.output);
        let watch = Watch { progress: &*progress, interrupt: interrupt::catch()? };
        let report = report::look(&registry, context.now, context.pauses.clone(), &watch)?;
        drop(progress);
        let (database, is_cache) = (context.note_database(&registry), context.note_cache(&registry));
        let about = document::About { registry: &registry, database, is_cache };
        let exit = Exit::damage_if(report.is_bad());
        if is_page {
            let page = page::of(&report, &about, context);
            write(&page, self.output.as_deref(), context)?;
        }
        if context.output.is_json() {
            context.output.event("report", document::of(&report, &about, context))?;
        }
        Ok(exit)
    }
}

/// Writes the page. If it is the answer itself, what else there is to say goes to stderr.
fn write(page: &str, output: Option<&Path>, context: &mut Context) -> anyhow::Result<()> {
    if let Some(path) = output.filter(|path| !sink::is_stdout(path)) {
        sink::write_file(path, |mut file, name, _| {
            Ok(file.write_all(page.as_bytes()).map_err(|error| Error::io("write", name, error))?)
        })?;
        context.output.note(format_args!("wrote {}", path.display()));
    } else {
        let mut stdout = sink::stdout()?;
        stdout.write_all(page.as_bytes()).map_err(|error| Error::io("write", STDOUT, error))?;
        context.output.make_way();
    }
    Ok(())
}
