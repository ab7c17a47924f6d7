//! `regtree demo`.

mod sample;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::hint::quote_path;
use super::{Context, Exit};
use crate::error::Error;
use sample::Sample;

/// Write a small real tree, and show what to try on it
///
/// Makes a tree in DIR or in a new temporary directory: two repositories, a shared layer, a multi-arch index, an
/// untagged revision, garbage, an unfinished upload and one damaged blob. Then prints commands to try, with their real
/// output.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    shown
  1    not writable
  12   DIR is not empty

Examples:
  regtree demo
  regtree demo /tmp/tree && export REGTREE_ROOT=/tmp/tree")]
pub(super) struct Demo {
    /// Where to write the tree; must be empty or missing
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
}

/// A command to try, and what it shows.
struct Step {
    about: &'static str,
    arguments: Vec<String>,
}

impl Demo {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        let root = match self.directory {
            // The printed commands must work in any directory.
            Some(directory) => std::path::absolute(empty(directory)?)?,
            None => tempfile::Builder::new()
                .prefix("regtree-demo-")
                .tempdir()
                .context("cannot make a temporary directory")?
                .keep(),
        };
        let sample = sample::write(&root, context.now)?;
        let shown: Vec<Value> = steps(&sample).iter().map(|step| show(step, &root)).collect::<anyhow::Result<_>>()?;
        if context.output.is_json() {
            context.output.event("demo", json!({ "root": root.to_string_lossy(), "commands": shown }))?;
            return Ok(Exit::Done);
        }
        if context.output.is_quiet() {
            return context.output.line(format_args!("{}", root.display())).map(|()| Exit::Done);
        }
        context.output.lines(&introduction(&root))?;
        for step in shown {
            context.output.lines(&transcript(&step))?;
        }
        context.output.lines(&farewell(&sample, &root))?;
        Ok(Exit::Done)
    }
}

/// The directory, if it is empty or missing.
fn empty(directory: PathBuf) -> anyhow::Result<PathBuf> {
    match std::fs::read_dir(&directory).map(|mut entries| entries.next().is_some()) {
        Ok(true) => {
            let reason = format!("{} is not empty", directory.display());
            Err(Error::Refused { reason }.into())
        }
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("list", directory, error).into()),
        _ => Ok(directory),
    }
}

fn steps(sample: &Sample) -> Vec<Step> {
    let step = |about, arguments: &[&str]| Step {
        about,
        arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
    };
    let [shared, damaged, garbage] = [sample.shared, sample.damaged, sample.garbage].map(|digest| digest.to_string());
    vec![
        step("The two repositories.", &["repo", "list"]),
        step("The tags of the repository demo/app.", &["tag", "list", "demo/app", "--long"]),
        step("An image for two platforms.", &["manifest", "stat", "demo/app", "multi"]),
        step("The blobs of the repository demo/web.", &["blob", "list", "demo/web", "--long"]),
        step("The repositories that have a layer, which is stored once.", &["blob", "stat", "--all-repos", &shared]),
        step("The same layer, for a script.", &["blob", "stat", "demo/app", &shared, "--json"]),
        step("Garbage: content that no repository links any more.", &["blob", "stat", "--all-repos", &garbage]),
        step("An unfinished upload.", &["upload", "list"]),
        step("A damaged layer: a registry would serve it.", &["blob", "get", "demo/web", &damaged, "-o", "/dev/null"]),
        step("Everything that is wrong with the tree.", &["fsck"]),
        step("What a collection would remove, of any age; -n removes nothing.", &["gc", "--min-age", "0", "-n"]),
        step("What uses the space. In so small a tree that is mostly directories (overhead).", &["du"]),
    ]
}

/// Runs a step as its own process, so that the output is exactly what the reader will see.
fn show(step: &Step, root: &Path) -> anyhow::Result<Value> {
    let program = std::env::current_exe().context("cannot find this program")?;
    let mut command = Command::new(&program);
    command.args(&step.arguments).env("REGTREE_ROOT", root).stdin(std::process::Stdio::null());
    let output = command.output().with_context(|| format!("cannot run {}", program.display()))?;
    Ok(json!({
        "about": step.about,
        "command": format!("{} {}", name_of(&program), step.arguments.join(" ")),
        "exit": output.status.code(),
        "stdout": String::from_utf8_lossy(&output.stdout),
        "stderr": String::from_utf8_lossy(&output.stderr),
    }))
}

/// This program, as the reader's shell finds it from any directory: its name if that is enough, else its path.
fn name_of(program: &Path) -> String {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|directory| directory.join("regtree")).find(|path| path.is_file());
    if found.is_some_and(|found| found.canonicalize().is_ok_and(|found| found == program)) {
        return "regtree".to_owned();
    }
    quote_path(program).into_owned()
}

fn introduction(root: &Path) -> String {
    format!(
        "A registry tree to try regtree on is in {}\n\n$ export REGTREE_ROOT={}\n",
        root.display(),
        quote_path(root)
    )
}

fn transcript(step: &Value) -> String {
    let text = |key: &str| step[key].as_str().unwrap_or_default().to_owned();
    let mut transcript = format!("\n# {}\n$ {}\n{}{}", text("about"), text("command"), text("stdout"), text("stderr"));
    if step["exit"] != json!(0) {
        let _ = writeln!(transcript, "(exit code {})", step["exit"]);
    }
    transcript
}

fn farewell(sample: &Sample, root: &Path) -> String {
    let program = std::env::current_exe().map_or_else(|_| "regtree".to_owned(), |program| name_of(&program));
    let original = quote_path(&sample.original).into_owned();
    format!(
        "\n# These commands were not run. To repair the damaged layer, put the right content again, then get it:\n$ {program} blob put demo/web {original}\n\
         $ {program} blob get demo/web {} | tar t\n\n# When you are done:\n$ rm -r {}\n",
        sample.damaged,
        quote_path(root)
    )
}
