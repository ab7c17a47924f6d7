//! The command line: it parses the arguments, calls the core, and prints what that did. It builds no path of a tree.
//!
//! Each noun or verb has a file: a struct whose doc comments are the help, and its `run`. Everything is printed through
//! `output`, which knows about JSON, `--quiet` and colour.

#![expect(clippy::doc_markdown, reason = "doc comments of arguments are help, where backticks would show")]

/// Defines a noun with its commands, each in a file of its own that runs it.
macro_rules! noun {
    ($(#[$doc:meta])* $noun:ident { $($command:ident($arguments:ty),)* }) => {
        $(#[$doc])*
        #[derive(Debug, clap::Subcommand)]
        pub(super) enum $noun {
            $($command($arguments),)*
        }

        impl $noun {
            pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
                match self {
                    $(Self::$command(command) => command.run(context),)*
                }
            }
        }
    };
}

mod blob;
#[cfg(feature = "dynamic-completion")]
mod completion;
mod completions;
mod copy;
mod count;
mod deletion;
mod demo;
mod detail;
mod du;
mod escape;
mod exit;
mod export;
mod fsck;
mod gc;
mod help;
mod hint;
mod import;
mod info;
mod init;
mod interrupt;
mod manifest;
mod naming;
mod output;
mod progress;
mod quarantine;
mod reference;
mod repair;
mod repo;
mod report;
mod root;
mod selector;
#[cfg(feature = "serve")]
mod serve;
mod sink;
mod site;
mod source;
mod subject;
mod tag;
mod terminal;
mod test_settings;
mod threads;
mod time;
mod toml_file;
mod upload;
mod version;
mod wrong_usage;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

pub use exit::Exit;
use output::Output;
use progress::ProgressStyle;
use site::Site;
use test_settings::TestSettings;

use crate::blob::{Outcome, Stored};
use crate::digest::{Digest, DigestError, GivenDigest};
use crate::durable::{ExclusiveWriter, Writer};
use crate::error::Error;
use crate::name::RepositoryName;
use crate::reference::Reference;
use crate::registry::Registry;
use crate::repository::cache;

/// Work directly on the storage tree that a Docker/OCI registry keeps on disk
///
/// regtree reads and writes the tree that the distribution registry (registry:2, registry:3, Debian's docker-registry)
/// keeps below its rootdirectory. It needs no server and no network. Only init and
/// demo make a tree.
#[derive(Debug, Parser)]
#[command(name = "regtree", version, max_term_width = help::WIDTH_MAX, after_long_help = exit::HELP,
          args_override_self = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options that every command takes. The short help has those that are wanted most.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
struct Global {
    /// The registry's rootdirectory, or its docker/registry/v2
    ///
    /// If omitted, the first that applies: the root from --registry-config; the environment variable REGTREE_ROOT; the
    /// root in /etc/regtree.toml; the root in the registry's configuration, /etc/distribution/config.yml or
    /// /etc/docker/registry/config.yml; the directory /var/lib/registry or /var/lib/docker-registry.
    #[arg(long, value_name = "DIR", global = true)]
    root: Option<std::path::PathBuf>,
    /// Take the root from the registry's own config.yml
    ///
    /// Reads storage.filesystem.rootdirectory, which REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY overrides as it does for
    /// the registry. Also takes from it whether the registry is a pull-through cache (proxy.remoteurl, or
    /// REGISTRY_PROXY_REMOTEURL), and whether it is Harbor's (the realm in auth).
    #[arg(long, value_name = "FILE", global = true, hide_short_help = true, conflicts_with = "root")]
    registry_config: Option<std::path::PathBuf>,
    /// Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once
    #[arg(long, value_name = "DURATION", global = true, hide_short_help = true, value_parser = parse_span)]
    wait_lock: Option<Duration>,
    /// Print JSON: one document, or a line for each item of a listing
    #[arg(long, global = true)]
    json: bool,
    /// Print the answer and errors only: no notes, warnings, findings of severity info, or progress
    #[arg(short, long, global = true, hide_short_help = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Print more details on stderr; with --version, what the program was built from
    #[arg(short, long, global = true, hide_short_help = true)]
    verbose: bool,
    /// When to colour messages, findings and help
    #[arg(long, value_name = "WHEN", global = true, hide_short_help = true, value_enum, default_value = "auto")]
    color: When,
    /// How to show the progress of long tasks on stderr
    #[arg(long, value_name = "STYLE", global = true, hide_short_help = true, value_enum, default_value = "auto")]
    progress: ProgressStyle,
    /// Where this machine has what a registry's package installs.
    #[arg(skip)]
    places: root::Places,
    /// What the site sets for all of its users.
    #[arg(skip)]
    site: Site,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum When {
    /// On a terminal, unless the environment variable `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Init),
    #[command(subcommand)]
    Blob(blob::Blob),
    #[command(subcommand)]
    Upload(upload::Upload),
    #[command(subcommand)]
    Manifest(manifest::Manifest),
    #[command(subcommand)]
    Tag(tag::Tag),
    #[command(subcommand)]
    Repo(repo::Repo),
    Import(import::Import),
    Export(export::Export),
    Copy(copy::Copy),
    Gc(gc::Gc),
    #[command(subcommand)]
    Quarantine(quarantine::Quarantine),
    Fsck(fsck::Fsck),
    Repair(repair::Repair),
    Du(du::Du),
    Report(report::Report),
    Info(info::Info),
    #[cfg(feature = "serve")]
    Serve(serve::Serve),
    Demo(demo::Demo),
    Completions(completions::Completions),
}

impl Command {
    fn run(self, context: &mut Context) -> anyhow::Result<Exit> {
        match self {
            Self::Init(init) => init.run(context),
            Self::Blob(blob) => blob.run(context),
            Self::Upload(upload) => upload.run(context),
            Self::Manifest(manifest) => manifest.run(context),
            Self::Tag(tag) => tag.run(context),
            Self::Repo(repo) => repo.run(context),
            Self::Import(import) => import.run(context),
            Self::Export(export) => export.run(context),
            Self::Copy(copy) => copy.run(context),
            Self::Gc(gc) => gc.run(context),
            Self::Du(du) => du.run(context),
            Self::Report(report) => report.run(context),
            Self::Info(info) => info.run(context),
            Self::Quarantine(quarantine) => quarantine.run(context),
            #[cfg(feature = "serve")]
            Self::Serve(serve) => serve.run(context),
            Self::Fsck(fsck) => fsck.run(context),
            Self::Repair(repair) => repair.run(context),
            Self::Demo(demo) => demo.run(context),
            Self::Completions(completions) => completions.run(context),
        }
    }
}

/// What to do about a registry after something was removed from its tree.
const NOTE_CACHED: &str = "a registry caches what it has seen: restart it, or flush its redis";

struct Context {
    output: Output,
    global: Global,
    now: jiff::Timestamp,
    /// How long `fsck` waits before each further look.
    pauses: Vec<Duration>,
    /// Why the real run would be refused, though a dry run shows its plan.
    refusal: Option<Error>,
    /// What to do about the error that a command returns.
    advice: Option<&'static str>,
}

impl Context {
    fn registry(&mut self) -> anyhow::Result<Registry> {
        let root::Found { root, rule, configuration } = root::find(&self.global)?;
        threads::start(self.global.site.jobs());
        let mut registry = Registry::open(root)?;
        if let Some(configuration) = configuration {
            registry.configure(configuration);
        }
        self.output.name_paths_of(&registry);
        self.output.detail(format_args!("tree {}, from {rule}", registry.tree().path().display()));
        Ok(registry)
    }

    /// Whether `since` is longer ago than `age`; always true without an age.
    fn is_older(&self, since: jiff::Timestamp, age: Option<Duration>) -> bool {
        // If the age reaches before all representable times, nothing is that old.
        age.is_none_or(|age| self.now.checked_sub(age).is_ok_and(|limit| since < limit))
    }

    /// Notes that the tree had the content already, perhaps without reading it, or that a damaged blob was replaced.
    fn note_outcome(&self, stored: &Stored, trust_existing: bool) {
        match stored.outcome {
            Outcome::Stored => {}
            Outcome::Existed if trust_existing => {
                self.output.note("the tree already had a blob of this digest and size, which was not read");
            }
            Outcome::Existed => self.output.detail("the tree already had this content"),
            Outcome::Replaced { damaged_size } => self.output.note(format_args!(
                "replaced a damaged blob of {} with the right one of {}; a running registry \
                 may remember the damaged one until it is restarted",
                count::plural(damaged_size, "byte"),
                count::plural(stored.descriptor.size, "byte")
            )),
        }
    }

    /// Notes which registries can't read the link that content was given.
    fn note_alias(&self, stored: &Stored) {
        if let Some(tarsum) = stored.alias.filter(Digest::is_tarsum) {
            self.output.note(format_args!(
                "registries from 2.3 on can't read the link {tarsum}, and the collector of 3.x may fail on it"
            ));
        }
    }

    /// Notes that a repository is new and that no client can name it: a registry takes a first part with capital letters
    /// for a host.
    fn note_name(&self, registry: &Registry, name: &RepositoryName) {
        let has_capitals = name.as_str().contains(|letter: char| letter.is_ascii_uppercase());
        if has_capitals && registry.repository(name).is_err() {
            self.output.note(format_args!("no client can name repository {name}: they want lower case"));
        }
    }

    /// Locks the tree for `command`, together with other commands that add and unlink.
    fn writer<'t>(&self, registry: &'t Registry, command: &str) -> anyhow::Result<Writer<'t>> {
        Ok(registry.writer(command, self.now, self.global.wait_lock.unwrap_or_default())?)
    }

    /// Does the same, but a dry run changes nothing, so it takes no lock.
    fn writer_unless_dry<'t>(
        &mut self,
        registry: &'t Registry,
        command: &str,
        dry_run: bool,
    ) -> anyhow::Result<Option<Writer<'t>>> {
        if dry_run {
            self.refusal = registry.check_database().err();
            return Ok(None);
        }
        self.writer(registry, command).map(Some)
    }

    /// Refuses what removes tags, or what has no tag, where a database, and not the tree, knows the tags. A dry run shows
    /// its plan first.
    fn check_tags(&mut self, registry: &Registry, dry_run: bool) -> anyhow::Result<()> {
        let checked = registry.check_tags();
        if dry_run {
            self.refusal = self.refusal.take().or(checked.err());
            return Ok(());
        }
        Ok(checked?)
    }

    /// Notes that the tree is one of a pull-through cache. Returns that, for JSON.
    fn note_cache(&self, registry: &Registry) -> bool {
        let is_cache = cache::is_cache(registry.tree());
        if is_cache {
            let why = match registry.tree().configuration() {
                Some(_) => "the registry's configuration says so",
                None => "scheduler-state.json says so",
            };
            self.output.note(format_args!(
                "this is the tree of a pull-through cache ({why}): missing content is fetched when it is pulled"
            ));
        }
        is_cache
    }

    /// Notes that a database, and not the tree, knows what the tree's content is needed for, or what is tagged. Returns
    /// whose, for JSON.
    fn note_database(&self, registry: &Registry) -> Option<&'static str> {
        match registry.check_database().and_then(|()| registry.check_tags()) {
            Err(Error::InDatabase { database, reason, .. }) => {
                self.output.note(reason);
                Some(database)
            }
            _ => None,
        }
    }

    /// Locks the tree for `command` alone. A dry run changes nothing, so it takes no lock.
    fn exclusive_writer<'t>(
        &mut self,
        registry: &'t Registry,
        command: &str,
        dry_run: bool,
    ) -> anyhow::Result<Option<ExclusiveWriter<'t>>> {
        if dry_run {
            self.refusal = registry.check_database().err();
            return Ok(None);
        }
        Ok(Some(registry.exclusive_writer(command, self.now, self.global.wait_lock.unwrap_or_default())?))
    }
}

/// Parses the arguments, runs the command, and returns its exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    interrupt::fail_at_the_file_size_limit();
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    #[cfg(feature = "dynamic-completion")]
    if let Some(exit) = completion::answer(&arguments) {
        return exit;
    }
    let early = wrong_usage::Early::look(&arguments);
    early.color.apply();
    let settings = TestSettings::read();
    let places = settings.as_ref().map(|settings| settings.places.clone()).unwrap_or_default();
    let site = Site::read(&places);
    let mut command = command().color(early.color.for_clap());
    if let Ok(site) = &site {
        command = site.apply(command);
    }
    if arguments.iter().any(|word| word == "--help" || word == "help") {
        command = help::fit(command);
    }
    let parsed = command.try_get_matches_from_mut(&arguments).and_then(|found| {
        Cli::from_arg_matches(&found).map_err(|error| error.format(wrong_usage::inner(&mut command, &found)))
    });
    let settings = settings.map_err(|wrong| command.error(ErrorKind::ValueValidation, wrong));
    let (Cli { mut global, command }, TestSettings { now, pauses, .. }) =
        match parsed.and_then(|cli| Ok((cli, settings?))) {
            Ok(started) => started,
            Err(error) => return wrong_usage::report(&error, &early, &arguments).into(),
        };
    global.places = places;
    let output = Output::new(&global);
    let mut context = Context { output, global, now, pauses, refusal: None, advice: None };
    // Whoever asks for help has had it by now, whatever is in the file.
    let outcome = site.map_err(Into::into).and_then(|site| {
        context.global.site = site;
        command.run(&mut context)
    });
    // The output so far is flushed before the error is printed.
    let outcome = outcome.and_then(|exit| context.output.flush().map(|()| exit)).or_else(|error| {
        context.output.flush()?;
        Err(error)
    });
    let outcome = outcome.and_then(|exit| context.refusal.take().map_or(Ok(exit), |refusal| Err(refusal.into())));
    match outcome {
        Ok(exit) => exit.into(),
        Err(error) => {
            let exit = context.output.report(&error, &context.global);
            if let Some(advice) = context.advice {
                context.output.hint(advice);
            }
            exit.into()
        }
    }
}

/// The command definitions, from which man pages and completions are made.
pub fn command() -> clap::Command {
    help::pointing_to_the_rest(with_aliases(Cli::command()))
}

/// Lets `list` and `delete` be called `ls` and `rm` too.
fn with_aliases(command: clap::Command) -> clap::Command {
    command.mut_subcommands(|noun| {
        noun.mut_subcommands(|verb| match verb.get_name() {
            "list" => verb.alias("ls"),
            "delete" => verb.alias("rm"),
            _ => verb,
        })
    })
}

/// A duration such as `30s`, `12h` or `7d`. A number without a unit is refused: `--min-age 5`, meant as five days,
/// would keep nothing if it were read as seconds.
fn parse_span(text: &str) -> Result<Duration, &'static str> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let want = "expected a number and its unit (s, m, h, d or w), such as 30s, 12h or 7d";
    let span: jiff::Span = text.parse().map_err(|_| want)?;
    let duration = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| want)?;
    Duration::try_from(duration).map_err(|_| want)
}

/// One of these values, by its stable name. The error for any other name lists them.
fn one_of<T: Copy + Send + Sync + 'static, const N: usize>(
    values: [T; N],
    name: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(values.map(name)).try_map(move |text| {
        let value = values.into_iter().find(|value| name(*value) == text);
        value.ok_or("there is no such value")
    })
}

/// A number of bytes such as `1048576`, `10MB` or `50GiB`.
fn parse_bytes(text: &str) -> Result<u64, &'static str> {
    let size: Result<bytesize::ByteSize, _> = text.parse();
    size.map(|size| size.as_u64()).map_err(|_| "expected a number of bytes, such as 1048576, 10MB or 50GiB")
}

/// A repository's name, for an argument. A digest here means that the order is wrong. A reference names more than is
/// wanted: the error says so.
fn parse_repository(text: &str) -> Result<RepositoryName, Box<dyn std::error::Error + Send + Sync>> {
    if GivenDigest::is_meant(text) {
        return Err("that is a digest; the repository comes first".into());
    }
    text.parse::<RepositoryName>().map_err(|error| match text.parse::<Reference>() {
        Ok(Reference { repository, .. }) => format!("{error}; did you mean: {repository}").into(),
        Err(_) => error.into(),
    })
}

/// A digest, for an argument: hex digits alone lack their algorithm.
fn parse_digest(text: &str) -> Result<Digest, Box<dyn std::error::Error + Send + Sync>> {
    let guess = format!("sha256:{text}");
    match text.parse::<Digest>() {
        Err(DigestError::Format) if guess.parse::<Digest>().is_ok() => {
            Err(format!("invalid checksum digest format; did you mean {guess}").into())
        }
        parsed => Ok(parsed?),
    }
}
