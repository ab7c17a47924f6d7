//! A policy: rules for repositories, in a file. The first rule that matches a repository's name is for it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::rules::RuleOptions;
use crate::cli::parse_span;
use crate::cli::toml_file::{self, TomlError, TomlFile};
use crate::name::RepositoryName;
use crate::named::named;
use crate::pattern::{Pattern, Patterns, TagPattern};
use crate::retention::{AgeBy, Rules};

/// The key of a rule in the file.
const RULE: &str = "rule";

named! {
    /// A key of a rule.
    enum Key {
        /// What the rule is called.
        Name = "name",
        /// The repositories that it is for.
        Repositories = "repositories",
        KeepLast = "keep-last",
        KeepWithin = "keep-within",
        KeepHourly = "keep-hourly",
        KeepDaily = "keep-daily",
        KeepWeekly = "keep-weekly",
        KeepMonthly = "keep-monthly",
        KeepYearly = "keep-yearly",
        KeepTag = "keep-tag",
        KeepLatestSemver = "keep-latest-semver",
        OnlyTag = "only-tag",
        OlderThan = "older-than",
        AgeBy = "age-by",
    }
}

/// The rules of a file, in its order.
#[derive(Debug)]
pub(super) struct Policy {
    pub(super) file: PathBuf,
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    line: usize,
    repositories: Patterns,
    rules: Rules,
}

impl Policy {
    pub(super) fn read(file: &Path) -> Result<Self, TomlError> {
        let text = toml_file::read(file).map_err(|error| TomlError::unread(file.to_owned(), &error))?;
        parse(TomlFile { file, text: &text })
    }

    /// The rules for a repository; `None` if all of its tags stay.
    pub(super) fn of(&self, repository: &RepositoryName) -> Option<&Rules> {
        self.rule_of(repository).map(|rule| &rule.rules)
    }

    fn rule_of(&self, repository: &RepositoryName) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.repositories.is_match(repository.as_str()))
    }

    pub(super) fn rules(&self) -> impl Iterator<Item = &Rules> {
        self.rules.iter().map(|rule| &rule.rules)
    }

    /// The rules that are for none of these repositories, by name and line. Another rule before may be for them.
    pub(super) fn idle(&self, repositories: &[RepositoryName]) -> Vec<(&str, usize)> {
        let used: HashSet<usize> =
            repositories.iter().filter_map(|name| self.rule_of(name)).map(|rule| rule.line).collect();
        let idle = self.rules.iter().filter(|rule| !used.contains(&rule.line));
        idle.map(|rule| (rule.rules.name.as_deref().unwrap_or_default(), rule.line)).collect()
    }
}

fn parse(file: TomlFile<'_>) -> Result<Policy, TomlError> {
    let mut policy = Policy { file: file.file.to_owned(), rules: Vec::new() };
    for (key, value) in file.parse()?.get_ref() {
        if key.get_ref() != RULE {
            return Err(file.unknown(key, &[RULE]));
        }
        let want = "expected a table with [[rule]] above it";
        let rules = value.get_ref().as_array().ok_or_else(|| file.wrong_value(value, RULE, want))?;
        for rule in rules {
            let table = rule.get_ref().as_table().ok_or_else(|| file.wrong_value(rule, RULE, want))?;
            policy.rules.push(parse_rule(file, rule, table)?);
        }
    }
    Ok(policy)
}

fn parse_rule(file: TomlFile<'_>, rule: &Spanned<DeValue<'_>>, table: &DeTable<'_>) -> Result<Rule, TomlError> {
    let (mut name, mut repositories, mut options) = (None, Vec::new(), RuleOptions::default());
    for (key, value) in table {
        let text = &**key.get_ref();
        let Some(known) = Key::ALL.into_iter().find(|known| known.name() == text) else {
            return Err(file.unknown(key, &Key::ALL.map(Key::name)));
        };
        let wrong = |want: String| file.wrong_value(value, text, &want);
        match known {
            Key::Name => name = Some(text_of(value.get_ref()).map_err(wrong)?.to_owned()),
            Key::Repositories => {
                repositories = patterns::<Pattern>(value.get_ref()).map_err(wrong)?;
                if let Some(idle) = repositories.iter().find(|pattern| !pattern.may_match()) {
                    return Err(wrong(format!("no repository has a name that \"{idle}\" matches")));
                }
            }
            _ => set(&mut options, known, value.get_ref()).map_err(wrong)?,
        }
    }
    let missing = |key: Key| file.wrong(Some(rule.span().start), Some(key.name()), format!("the rule has no {key}"));
    let name = name.ok_or_else(|| missing(Key::Name))?;
    if repositories.is_empty() {
        return Err(missing(Key::Repositories));
    }
    let line = file.line(rule.span().start);
    Ok(Rule { line, repositories: repositories.into(), rules: options.rules(Some(name)) })
}

/// Sets the option that a key is called after. `Err` says what is wanted.
fn set(options: &mut RuleOptions, key: Key, value: &DeValue<'_>) -> Result<(), String> {
    match key {
        Key::Name | Key::Repositories => {}
        Key::KeepLast => options.keep_last = vec![count(value)?],
        Key::KeepWithin => options.keep_within = vec![age(value)?],
        Key::KeepHourly => options.keep_hourly = vec![count(value)?],
        Key::KeepDaily => options.keep_daily = vec![count(value)?],
        Key::KeepWeekly => options.keep_weekly = vec![count(value)?],
        Key::KeepMonthly => options.keep_monthly = vec![count(value)?],
        Key::KeepYearly => options.keep_yearly = vec![count(value)?],
        Key::KeepTag => options.keep_tag = patterns::<TagPattern>(value)?,
        Key::KeepLatestSemver => options.keep_latest_semver = vec![count(value)?],
        Key::OnlyTag => options.only_tag = patterns::<TagPattern>(value)?,
        Key::OlderThan => options.older_than = vec![age(value)?],
        Key::AgeBy => {
            let text = text_of(value)?;
            let known = AgeBy::ALL.into_iter().find(|known| known.name() == text);
            let wrong = || format!("expected {}", AgeBy::ALL.map(AgeBy::name).join(" or "));
            options.age_by = vec![known.ok_or_else(wrong)?];
        }
    }
    Ok(())
}

fn text_of<'v>(value: &'v DeValue<'_>) -> Result<&'v str, String> {
    value.as_str().ok_or_else(|| "expected a text".to_owned())
}

fn age(value: &DeValue<'_>) -> Result<Duration, String> {
    let text = value.as_str().ok_or("expected a text such as \"30d\"")?;
    Ok(parse_span(text)?)
}

fn count(value: &DeValue<'_>) -> Result<u32, String> {
    let number = value.as_integer().filter(|number| number.radix() == 10);
    let number = number.and_then(|number| number.as_str().parse::<u32>().ok()).filter(|number| *number > 0);
    number.ok_or_else(|| "expected a number from 1 on".to_owned())
}

/// One pattern, or a list of at least one.
fn patterns<P: FromStr<Err: std::fmt::Display>>(value: &DeValue<'_>) -> Result<Vec<P>, String> {
    let texts: Option<Vec<&str>> = match (value.as_str(), value.as_array()) {
        (Some(text), _) => Some(vec![text]),
        (None, Some(texts)) => texts.iter().map(|text| text.get_ref().as_str()).collect(),
        (None, None) => None,
    };
    let texts = texts.filter(|texts| !texts.is_empty()).ok_or("expected a pattern, or a list of patterns")?;
    texts.into_iter().map(|text| text.parse().map_err(|error| format!("{text:?}: {error}"))).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Policy, TomlError> {
        parse(TomlFile { file: Path::new("retention.toml"), text })
    }

    #[test]
    fn the_first_rule_that_matches_counts_and_every_key_is_read() {
        let text = r#"
            [[rule]]
            name = "releases"
            repositories = ["library/*", "team/**"]
            keep-last = 10
            keep-within = "30d"
            keep-hourly = 1
            keep-daily = 2
            keep-weekly = 3
            keep-monthly = 4
            keep-yearly = 5
            keep-tag = ["latest", "/^v1/"]
            keep-latest-semver = 6
            only-tag = "v*"
            older-than = "7d"
            age-by = "created"

            [[rule]]
            name = "all"
            repositories = "**"
            keep-last = 1
        "#;
        let policy = read(text).unwrap();
        let of = |name: &str| policy.of(&name.parse().unwrap()).unwrap();
        let rules = of("team/a/b");
        assert_eq!(rules.name.as_deref(), Some("releases"));
        assert_eq!((rules.keep_last, rules.keep_latest_semver), (Some(10), Some(6)));
        assert_eq!(rules.keep_periods.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        let days = |days: u64| Some(Duration::from_hours(days * 24));
        assert_eq!((rules.keep_within, rules.older_than), (days(30), days(7)));
        assert_eq!((rules.keep_tags.len(), rules.only_tags.len(), rules.age_by), (2, 1, Some(AgeBy::Created)));
        assert_eq!(of("other").name.as_deref(), Some("all"));
        assert!(read("").unwrap().of(&"other".parse().unwrap()).is_none());
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line_and_key() {
        let rule = |line: &str| format!("[[rule]]\nname = 'a'\nrepositories = '*'\n{line}\n");
        for (text, line, key, reason) in [
            ("[[rules]]".to_owned(), 1, "rules", "there is no key \"rules\"; the keys are rule; did you mean rule?"),
            ("rule = 1".to_owned(), 1, "rule", "rule: expected a table"),
            ("rule = [1]".to_owned(), 1, "rule", "rule: expected a table"),
            ("[[rule]]\nrepositories = '*'".to_owned(), 1, "name", "the rule has no name"),
            ("[[rule]]\nname = 'a'".to_owned(), 1, "repositories", "the rule has no repositories"),
            (rule("keep-dayly = 1"), 4, "keep-dayly", "there is no key \"keep-dayly\"; the keys are name, "),
            (rule("keep-last = 0"), 4, "keep-last", "keep-last: expected a number from 1 on"),
            (rule("keep-last = '3'"), 4, "keep-last", "keep-last: expected a number"),
            (rule("keep-within = 30"), 4, "keep-within", "keep-within: expected a text such as \"30d\""),
            (rule("older-than = '30'"), 4, "older-than", "older-than: expected a number and its unit"),
            (rule("keep-tag = []"), 4, "keep-tag", "keep-tag: expected a pattern, or a list"),
            (
                "[[rule]]\nrepositories = ['a', '*/B']".to_owned(),
                2,
                "repositories",
                "repositories: no repository has a name",
            ),
            ("[[rule]]\nrepositories = ''".to_owned(), 2, "repositories", "repositories: no repository has a name"),
            (rule("keep-tag = ''"), 4, "keep-tag", "keep-tag: \"\": it is empty"),
            (rule("keep-tag = '/^v1'"), 4, "keep-tag", "keep-tag: \"/^v1\": no tag has a slash"),
            (rule("keep-tag = 'a,b'"), 4, "keep-tag", "keep-tag: \"a,b\": no tag has a comma"),
            (rule("keep-tag = '/(/'"), 4, "keep-tag", "keep-tag: \"/(/\": "),
            (rule("only-tag = [1]"), 4, "only-tag", "only-tag: expected a pattern"),
            (rule("age-by = 'pull'"), 4, "age-by", "age-by: expected set or created"),
        ] {
            let error = read(&text).unwrap_err();
            assert_eq!((error.line, error.key.as_deref()), (Some(line), Some(key)), "{error}");
            assert!(error.reason.starts_with(reason), "{error}");
        }
        let near = read(&rule("keep-dayly = 1")).unwrap_err().reason;
        assert!(near.ends_with("; did you mean keep-daily?"), "{near}");
    }
}
