//! Man pages: what `clap_mangen` makes of a definition, with a synopsis that says all, and the sections that it does not know.

use std::fmt::Write;

use clap::builder::ValueRange;
use clap::{Arg, ArgAction, Command};
use clap_mangen::Man;

/// What stands in every page.
const ENVIRONMENT: [(&str, &str); 4] = [
    ("REGTREE_ROOT", "Where the tree is, if neither --root nor --registry-config says so."),
    ("REGTREE_CONFIG", "The file with the site's defaults, in place of /etc/regtree.toml. It must exist."),
    (
        "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY",
        "With --registry-config, overrides what that file says, as it does for the registry.",
    ),
    ("NO_COLOR", "If it is not empty, nothing is coloured unless --color always is given."),
];
const FILES: [(&str, &str); 7] = [
    (
        "/etc/regtree.toml",
        "The site's defaults, which options override: root (an absolute path), min-age and uploads-older-than of gc (such as \
         \"7d\"), quarantine (true or false), and jobs (a number). The file need not exist. Unknown keys are errors.",
    ),
    (
        "/etc/distribution/config.yml",
        "The configuration of registry 3. If neither an option, nor REGTREE_ROOT, nor /etc/regtree.toml says where the tree is, the root is taken \
         from this file.",
    ),
    (
        "/etc/docker/registry/config.yml",
        "The same of registry 2 and of Debian's docker-registry. The first that exists counts.",
    ),
    (
        "/var/lib/registry, /var/lib/docker-registry",
        "The registry's usual rootdirectories. Without a configuration, the first that exists is the root.",
    ),
    ("DIR/docker/registry/v2", "The tree in a rootdirectory."),
    (
        "DIR/.regtree/",
        "regtree's own notes, where no registry looks: who holds the lock, and in verified what fsck hashed.",
    ),
    ("DIR/.regtree/quarantine/", "What gc --quarantine and repair took out of the tree, a directory for each run."),
];

/// Without the subcommand that prints help, of which there are no pages, and with the options that only the short help
/// leaves out.
pub(super) fn without_help(command: Command) -> Command {
    let whole = command.mut_args(|argument| argument.hide_short_help(false));
    whole.disable_help_subcommand(true).mut_subcommands(without_help)
}

/// The page of a command, which lies below others.
pub(super) fn page(command: &Command, above: &[&Command]) -> String {
    let man = Man::new(command.clone()).source(concat!("regtree ", env!("CARGO_PKG_VERSION")));
    let part = |render: &dyn Fn(&mut Vec<u8>) -> std::io::Result<()>| {
        let mut part = Vec::new();
        render(&mut part).unwrap();
        String::from_utf8(part).unwrap()
    };
    let title = part(&|out| man.render_title(out));
    // Each part begins with definitions that the page needs once.
    let (definitions, _) = title.split_once(".TH").unwrap();
    let part = |render: &dyn Fn(&mut Vec<u8>) -> std::io::Result<()>| part(render).replacen(definitions, "", 1);
    let mut page = title.clone();
    page += &part(&|out| man.render_name_section(out));
    if command.get_overridden_usage().is_some() {
        page += &part(&|out| man.render_synopsis_section(out));
    } else {
        writeln!(page, ".SH SYNOPSIS\n{}", synopsis(command)).unwrap();
    }
    page += &part(&|out| man.render_description_section(out));
    page += &repeated(command, part(&|out| man.render_options_section(out)));
    if command.has_subcommands() {
        page += &part(&|out| man.render_subcommands_section(out));
    }
    let said = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    page += &exit_status(&said);
    page += &terms("ENVIRONMENT", &ENVIRONMENT);
    page += &terms("FILES", &FILES);
    page += &examples(&said);
    page + &see_also(command, above)
}

/// Text as roff takes it.
fn escape(text: &str) -> String {
    text.replace('\\', r"\e").replace('-', r"\-").replace('\'', r"\(aq")
}

fn bold(text: &str) -> String {
    format!(r"\fB{}\fR", escape(text))
}

fn italic(text: &str) -> String {
    format!(r"\fI{}\fR", escape(text))
}

/// The whole call: its own options with their values, what the others are called, and the arguments.
fn synopsis(command: &Command) -> String {
    let mut words = vec![bold(command.get_bin_name().unwrap_or_else(|| command.get_name()))];
    let grouped = |arg: &&Arg| command.get_groups().any(|group| group.is_required_set() && has(group, arg));
    let options = || command.get_arguments().filter(|arg| !arg.is_positional());
    let own = options().filter(|arg| !arg.is_global_set() && !grouped(arg));
    let (needed, free): (Vec<_>, Vec<_>) = own
        .filter(|arg| !matches!(arg.get_action(), ArgAction::Help | ArgAction::HelpLong))
        .partition(|arg| arg.is_required_set());
    words.extend(free.into_iter().map(|arg| format!("[{}]{}", option(arg), dots(is_repeatable(arg)))));
    words.extend(needed.into_iter().map(option));
    for group in command.get_groups().filter(|group| group.is_required_set()) {
        let choices = options().filter(|arg| has(group, arg));
        let choices: Vec<_> = choices.map(|arg| format!("{}{}", option(arg), dots(is_repeatable(arg)))).collect();
        // What is derived from the fields is a group too, of no choice.
        if !choices.is_empty() {
            words.push(format!("{{{}}}", choices.join("|")));
        }
    }
    words.push(format!("[{}]", italic("GLOBAL OPTIONS")));
    if command.has_subcommands() {
        words.push(italic("COMMAND"));
    }
    for arg in command.get_positionals() {
        let text = italic(&names(arg));
        let text = if arg.is_required_set() { text } else { format!("[{text}]") };
        words.push(text + dots(takes_several(arg)));
    }
    words.join(" ")
}

fn has(group: &clap::ArgGroup, arg: &Arg) -> bool {
    group.get_args().any(|id| id == arg.get_id())
}

fn option(arg: &Arg) -> String {
    let short = arg.get_short().map(|short| bold(&format!("-{short}")));
    let long = arg.get_long().map(|long| bold(&format!("--{long}")));
    let mut text = short.into_iter().chain(long).collect::<Vec<_>>().join("|");
    if arg.get_action().takes_values() {
        write!(text, " {}{}", italic(&names(arg)), dots(takes_several(arg))).unwrap();
    }
    text
}

fn names(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    names.iter().map(clap::builder::Str::as_str).collect::<Vec<_>>().join(" ")
}

fn takes_several(arg: &Arg) -> bool {
    arg.get_num_args().is_some_and(|range: ValueRange| range.max_values() > 1)
}

/// Whether the option may be given again and again. Its help says so: others gather their values only to refuse a second.
fn is_repeatable(arg: &Arg) -> bool {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    matches!(arg.get_action(), ArgAction::Append) && !takes_several(arg) && help.contains("several")
}

fn dots(several: bool) -> &'static str {
    if several { "..." } else { "" }
}

/// The section of options, where arguments that may be several say so.
fn repeated(command: &Command, section: String) -> String {
    command.get_positionals().filter(|arg| takes_several(arg)).fold(section, |section, arg| {
        let name = italic(&names(arg));
        section
            .replace(&format!("[{name}]\n"), &format!("[{name}]...\n"))
            .replace(&format!("<{name}>\n"), &format!("<{name}>...\n"))
    })
}

/// A paragraph of a command's last words, by its heading.
fn paragraph<'s>(said: &'s str, heading: &str) -> Option<Vec<&'s str>> {
    let found = said.split("\n\n").find_map(|paragraph| paragraph.strip_prefix(heading))?;
    Some(found.lines().skip(1).map(|line| line.strip_prefix("  ").unwrap_or(line)).collect())
}

fn exit_status(said: &str) -> String {
    let Some(lines) = paragraph(said, "Exit codes") else {
        return ".SH \"EXIT STATUS\"\nThe page of each command lists its own.\n".to_owned();
    };
    let mut section = ".SH \"EXIT STATUS\"\n".to_owned();
    for line in lines {
        let (codes, meaning) = line.split_at(line.find(char::is_alphabetic).unwrap());
        writeln!(section, ".TP\n{}\n{}", bold(codes.trim()), escape(meaning)).unwrap();
    }
    section
}

fn examples(said: &str) -> String {
    let Some(lines) = paragraph(said, "Example") else { return String::new() };
    let lines: Vec<_> = lines.into_iter().map(escape).collect();
    format!(".SH EXAMPLES\n.nf\n{}\n.fi\n", lines.join("\n"))
}

fn terms(heading: &str, terms: &[(&str, &str)]) -> String {
    let terms = terms.iter().map(|(term, meaning)| format!(".TP\n{}\n{}\n", bold(term), escape(meaning)));
    format!(".SH {heading}\n{}", terms.collect::<String>())
}

/// The pages above, and those beside it.
fn see_also(command: &Command, above: &[&Command]) -> String {
    let beside = above.last().copied().unwrap_or(command).get_subcommands();
    let beside = beside.filter(|other| other.get_name() != command.get_name());
    let pages = above.iter().copied().chain(beside).map(|other| {
        let name = other.get_display_name().unwrap_or_else(|| other.get_name());
        format!("{}(1)", bold(name))
    });
    let general = super::PAGES.into_iter().map(|(name, _)| format!("{}(7)", bold(&format!("regtree-{name}"))));
    format!(".SH \"SEE ALSO\"\n{}\n", pages.chain(general).collect::<Vec<_>>().join(",\n"))
}
