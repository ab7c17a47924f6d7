//! What bash needs: it takes a word apart at each `:`, `=` and `@`, and these are in most of our words.
//!
//! So the script gives the line as text, and gets what comes after the last of these characters. Files are completed by
//! bash itself, which quotes their names.

use std::ffi::OsString;
use std::io::{Result, Write};

use clap::ValueHint;
use clap_complete::engine::complete;

/// Where bash takes words apart, unless the user changed that.
const BREAKS: &str = ":=@";

const SCRIPT: &str = r#"_regtree_complete() {
    local IFS=$'\n'
    COMPREPLY=($(COMPLETE=bash regtree -- "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null))
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[/:=@] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o bashdefault -o default -F _regtree_complete regtree
"#;

pub(super) fn write_registration(script: &mut impl Write) -> Result<()> {
    script.write_all(SCRIPT.as_bytes())
}

/// Writes a candidate on each line. The first of `arguments` is the line up to the cursor, the second the characters at
/// which bash takes words apart.
pub(super) fn write_complete(arguments: &[OsString], answer: &mut impl Write) -> Result<()> {
    let text = |index: usize| arguments.get(index).map(|text| text.to_string_lossy()).unwrap_or_default();
    let mut words = split(&text(0));
    let current = words.pop().unwrap_or_default();
    let before: Vec<OsString> = words.into_iter().map(|word| word.text.into()).collect();
    let index = before.len();
    let all = before.iter().cloned().chain([current.text.clone().into()]).collect();
    let mut command = without_files(super::command(&before));
    command.build();
    let given = text(1);
    let is_break = |c: char| BREAKS.contains(c) && (given.is_empty() || given.contains(c));
    let done = if current.is_quoted { 0 } else { current.text.rfind(is_break).map_or(0, |at| at + 1) };
    for candidate in complete(&mut command, all, index, None)? {
        let candidate = candidate.get_value().to_string_lossy();
        // Options come when they are asked for, so that files can be completed.
        if candidate.starts_with('-') && !current.text.starts_with('-') {
            continue;
        }
        if let Some(rest) = candidate.get(done..) {
            writeln!(answer, "{rest}")?;
        }
    }
    Ok(())
}

/// Leaves the names of files to bash.
fn without_files(command: clap::Command) -> clap::Command {
    let command = command.mut_args(|argument| {
        if argument.get_action().takes_values() { argument.value_hint(ValueHint::Other) } else { argument }
    });
    command.mut_subcommands(without_files)
}

/// A word of the line.
#[derive(Debug, Default, PartialEq, Eq)]
struct Word {
    text: String,
    /// Whether it began with a quote: then bash takes it as a whole.
    is_quoted: bool,
}

/// The words of a line as bash has them, without its variables and substitutions. The last is the one at the cursor, and
/// it is empty after a space. A quote that is still open ends with the line.
fn split(line: &str) -> Vec<Word> {
    let (mut words, mut word, mut has_word, mut quote) = (Vec::new(), Word::default(), false, None);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, ' ' | '\t' | '\n') => {
                if has_word {
                    words.push(std::mem::take(&mut word));
                }
                has_word = false;
                continue;
            }
            (None, '\'' | '"') => {
                quote = Some(c);
                word.is_quoted |= word.text.is_empty();
            }
            (Some(open), c) if c == open => quote = None,
            (None | Some('"'), '\\') => word.text.extend(chars.next()),
            _ => word.text.push(c),
        }
        has_word = true;
    }
    words.push(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_split_as_bash_splits_it() {
        for (line, expected) in [
            ("", &[""][..]),
            ("regtree ", &["regtree", ""]),
            ("regtree  tag\tget", &["regtree", "tag", "get"]),
            ("regtree --root '/a b' tag ", &["regtree", "--root", "/a b", "tag", ""]),
            (r#"regtree --root "/a \"b" x"#, &["regtree", "--root", "/a \"b", "x"]),
            (r"regtree --root /a\ b", &["regtree", "--root", "/a b"]),
            ("regtree --root '/a b", &["regtree", "--root", "/a b"]),
            (r"regtree '\'", &["regtree", r"\"]),
            ("regtree '' ", &["regtree", "", ""]),
            ("regtree x\\", &["regtree", "x"]),
        ] {
            let words: Vec<String> = split(line).into_iter().map(|word| word.text).collect();
            assert_eq!(words, expected, "{line}");
        }
        assert!(split("x 'sha256:").pop().is_some_and(|word| word.is_quoted));
        assert!(!split("x a'b").pop().is_some_and(|word| word.is_quoted));
    }
}
