//! What a site sets for all of its users: `/etc/regtree.toml`, or the file that `REGTREE_CONFIG` names.
//!
//! A setting becomes the default of the options that it is named after, so an option that is given wins, and the help
//! shows the site's default. A file that can't be understood is an error, whatever is wrong with it: what a site wants
//! kept could be removed otherwise.

mod setting;

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::Command;

pub(super) use setting::Setting;

use super::root::Places;
use super::toml_file::{self, TomlError, TomlFile};

const VARIABLE: &str = "REGTREE_CONFIG";

/// What the site sets.
#[derive(Clone, Debug, Default)]
pub(super) struct Site {
    /// The file, if there is one.
    pub(super) file: Option<PathBuf>,
    values: Vec<Value>,
}

/// A setting, as its file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) setting: Setting,
    /// The value, as the option takes it.
    pub(super) text: String,
    /// The line in the file.
    pub(super) line: usize,
}

impl Site {
    /// Reads the site's file. There need be none, unless `REGTREE_CONFIG` names it.
    pub(super) fn read(places: &Places) -> Result<Self, TomlError> {
        let named = std::env::var_os(VARIABLE).filter(|name| !name.is_empty()).map(PathBuf::from);
        let is_named = named.is_some();
        let file = named.unwrap_or_else(|| places.site_config());
        let text = match toml_file::read(&file) {
            Err(error) if !is_named && matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(Self::default());
            }
            Err(error) => return Err(TomlError::unread(file, &error)),
            Ok(text) => text,
        };
        let values = parse(&file, &text)?;
        Ok(Self { file: Some(file), values })
    }

    pub(super) fn get(&self, setting: Setting) -> Option<&Value> {
        self.values.iter().find(|value| value.setting == setting)
    }

    /// The root that it names, and the file.
    pub(super) fn root(&self) -> Option<(PathBuf, PathBuf)> {
        Some((self.get(Setting::Root)?.text.clone().into(), self.file.clone()?))
    }

    /// How many threads read where a command has no option for it.
    pub(super) fn jobs(&self) -> Option<u16> {
        self.get(Setting::Jobs)?.text.parse().ok()
    }

    /// The commands, with what the site sets as the default of their options.
    pub(super) fn apply(&self, command: Command) -> Command {
        let with = |command: Command, value: &Value| default(command, value.setting, &value.text);
        self.values.iter().fold(command, with)
    }
}

/// Makes `text` the default of a setting's option in this command and those below it.
fn default(command: Command, setting: Setting, text: &str) -> Command {
    let Some(option) = setting.option() else { return command };
    let command =
        command.mut_args(
            |argument| {
                if argument.get_id() == option { argument.default_value(text.to_owned()) } else { argument }
            },
        );
    command.mut_subcommands(|inner| default(inner, setting, text))
}

/// What an option of a command is by default, as the definitions have it.
pub(super) fn default_of<'c>(command: &'c Command, name: &str, option: &str) -> Option<&'c OsStr> {
    let mut arguments = command.find_subcommand(name)?.get_arguments();
    let found = arguments.find(|argument| argument.get_id() == option)?;
    found.get_default_values().first().map(clap::builder::OsStr::as_os_str)
}

fn parse(file: &Path, text: &str) -> Result<Vec<Value>, TomlError> {
    let file = TomlFile { file, text };
    let mut values = Vec::new();
    for (key, value) in file.parse()?.get_ref() {
        let name = &**key.get_ref();
        let Some(setting) = Setting::ALL.into_iter().find(|setting| setting.name() == name) else {
            return Err(file.unknown(key, &Setting::ALL.map(Setting::name)));
        };
        let text = setting.check(value.get_ref()).map_err(|want| file.wrong_value(value, name, want))?;
        values.push(Value { setting, text, line: file.line(key.span().start) });
    }
    Ok(values)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Value>, TomlError> {
        parse(Path::new("/etc/regtree.toml"), text)
    }

    #[test]
    fn every_key_is_read_with_its_line() {
        let text = "# ours\nroot = \"/srv/registry\"\nmin-age = '7d'\n\nuploads-older-than = \"2w\"\nquarantine = true\njobs = 4\npolicy = '/etc/retention.toml'\n";
        let mut values = read(text).unwrap();
        values.sort_by_key(|value| value.line);
        let values: Vec<_> = values.iter().map(|value| (value.setting.name(), &*value.text, value.line)).collect();
        assert_eq!(
            values,
            [
                ("root", "/srv/registry", 2),
                ("min-age", "7d", 3),
                ("uploads-older-than", "2w", 5),
                ("quarantine", "true", 6),
                ("jobs", "4", 7),
                ("policy", "/etc/retention.toml", 8),
            ]
        );
        assert_eq!(read("").unwrap(), []);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line_and_key() {
        for (text, line, key, reason) in [
            (
                "min_age = '7d'",
                1,
                Some("min_age"),
                "there is no key \"min_age\"; the keys are root, min-age, uploads-older-than, quarantine, jobs, policy; did you mean min-age?",
            ),
            ("\n[gc]\nmin-age = '7d'", 2, Some("gc"), "there is no key \"gc\""),
            ("policy = 'retention.toml'", 1, Some("policy"), "policy: expected an absolute path"),
            ("root = 7", 1, Some("root"), "root: expected an absolute path"),
            ("root = 'registry'", 1, Some("root"), "root: expected an absolute path"),
            ("\njobs = 'many'", 2, Some("jobs"), "jobs: expected a number from 1 to 256"),
            ("jobs = 0", 1, Some("jobs"), "jobs: expected a number from 1 to 256"),
            ("jobs = 257", 1, Some("jobs"), "jobs: expected"),
            ("jobs = 0x10", 1, Some("jobs"), "jobs: expected"),
            ("quarantine = 'yes'", 1, Some("quarantine"), "quarantine: expected true or false"),
            ("min-age = 7", 1, Some("min-age"), "min-age: expected a text such as \"7d\""),
            ("min-age = '7'", 1, Some("min-age"), "min-age: expected a number and its unit"),
            ("uploads-older-than = ['7d']", 1, Some("uploads-older-than"), "uploads-older-than: expected"),
            ("jobs = 1\njobs = 2", 2, None, "it is not TOML: duplicate key"),
            ("jobs =", 1, None, "it is not TOML"),
            ("quarantine = true\n\n???", 3, None, "it is not TOML"),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!((error.line, error.key.as_deref()), (Some(line), key), "{error}");
            assert!(error.reason.starts_with(reason), "{error}");
            assert!(error.to_string().starts_with(&format!("/etc/regtree.toml, line {line}: ")), "{error}");
        }
    }

    #[test]
    fn a_setting_is_the_default_of_its_option_wherever_that_is() {
        let site = Site { file: None, values: read("min-age = '7d'\nquarantine = true\njobs = 3").unwrap() };
        let command = site.apply(crate::cli::command());
        for (name, option, value) in [
            ("gc", "min_age", Some("7d")),
            ("gc", "quarantine", Some("true")),
            ("gc", "jobs", Some("3")),
            ("fsck", "jobs", Some("3")),
            ("repair", "jobs", Some("3")),
            ("gc", "uploads_older_than", Some("7d")),
            ("gc", "dry_run", None),
        ] {
            assert_eq!(default_of(&command, name, option), value.map(OsStr::new), "{name} {option}");
        }
        command.debug_assert();
    }
}
