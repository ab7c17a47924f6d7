//! Holds what is printed with `--json` to the schemas in `docs/schema`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;

/// What prints content, a page, or a document of the OCI specification, where it does not write that to a file.
const FOREIGN: [&str; 6] = ["blob-get", "export", "manifest-get", "manifest-referrers", "report", "upload-get"];

/// The schema of each command's documents by the command's words (`tag-list`), and that of errors as `error`.
static SCHEMAS: LazyLock<BTreeMap<String, Validator>> = LazyLock::new(|| {
    let files = fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().path());
    let schema = |file: &Path| serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let validator = |file: &Path| jsonschema::options().should_validate_formats(true).build(&schema(file)).unwrap();
    files.map(|file| (file.file_stem().unwrap().to_str().unwrap().to_owned(), validator(&file))).collect()
});

pub(crate) fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema")
}

/// A path that a document gives from the root, below `docker/registry/v2`. A path elsewhere stays as it is.
pub(crate) fn below_v2(path: &Value) -> &str {
    let path = path.as_str().unwrap_or_default();
    path.strip_prefix("docker/registry/v2/").unwrap_or(path)
}

/// The names of the schemas.
pub(crate) fn names() -> Vec<String> {
    SCHEMAS.keys().cloned().collect()
}

/// Checks what a call printed, if it was one with `--json`.
#[track_caller]
pub(crate) fn check(arguments: &[OsString], stdout: &[u8], stderr: &[u8]) {
    if !arguments.iter().any(|argument| argument == "--json") {
        return;
    }
    if let Some(name) = command(arguments) {
        check_lines(&name, stdout, FOREIGN.contains(&name.as_str()));
    }
    // What -v says, or an answer that stdout had no room for, may stand there too.
    let errors = stderr.split_inclusive(|byte| *byte == b'\n').filter(|line| line.starts_with(b"{\"errors\":"));
    errors.for_each(|line| check_lines("error", line, false));
}

/// Checks a document that a command prints, by the command's words with dashes between them.
#[track_caller]
#[cfg(feature = "serve")]
pub(crate) fn check_document(name: &str, document: &str) {
    check_lines(name, format!("{document}\n").as_bytes(), false);
}

/// The words of the command that is called, with dashes between them. `None` where the arguments are wrong.
fn command(arguments: &[OsString]) -> Option<String> {
    let arguments = std::iter::once(OsString::from("regtree")).chain(arguments.iter().cloned());
    let matches = regtree::cli::command().try_get_matches_from(arguments).ok()?;
    let mut words = Vec::new();
    let mut matches = &matches;
    while let Some((word, inner)) = matches.subcommand() {
        words.push(word);
        matches = inner;
    }
    Some(words.join("-"))
}

/// Checks each whole line. Where other text may stand among them, only documents that say what they are.
#[track_caller]
fn check_lines(name: &str, text: &[u8], among_others: bool) {
    for line in text.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
        let document = match serde_json::from_slice::<Value>(line) {
            Ok(document) => document,
            Err(_) if among_others => continue,
            Err(error) => panic!("{name} --json prints what is no JSON: {error}: {}", String::from_utf8_lossy(line)),
        };
        if among_others && document.get("schema_version").is_none() && document.get("errors").is_none() {
            continue;
        }
        let schema = SCHEMAS.get(name).unwrap_or_else(|| panic!("there is no docs/schema/{name}.json: {document}"));
        if let Err(error) = schema.validate(&document) {
            let errors: Vec<String> = schema.iter_errors(&document).map(|error| format!("{error:.300}")).collect();
            panic!("docs/schema/{name}.json: {error:.300}\n{errors:?}\n{document}");
        }
    }
}
