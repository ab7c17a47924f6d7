//! What holds for every command: talk, exit codes, help, and the documents that describe them.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use regtree::cli::Exit;

use crate::support::terminal::on_a_terminal;
use crate::support::{Regtree, Scratch, nothing_installed};

fn document(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// Every command that does something, with its words.
pub(super) fn commands() -> Vec<(Vec<String>, clap::Command)> {
    fn walk(command: &clap::Command, words: &[String], found: &mut Vec<(Vec<String>, clap::Command)>) {
        let mut words = words.to_vec();
        words.push(command.get_name().to_owned());
        if command.get_name() == "help" {
            return;
        }
        if !command.has_subcommands() {
            found.push((words[1..].to_vec(), command.clone()));
        }
        for inner in command.get_subcommands() {
            walk(inner, &words, found);
        }
    }
    let mut root = regtree::cli::command();
    root.build();
    let mut found = Vec::new();
    walk(&root, &[], &mut found);
    found
}

#[test]
fn every_command_is_documented() {
    let shown = ["README.md", "docs/tour.md", "docs/install.md"].map(document).concat();
    let changelog = document("CHANGELOG.md");
    for (words, command) in commands() {
        let name = words.join(" ");
        assert!(shown.contains(&format!("regtree {name}")), "no page shows: regtree {name}");
        assert!(changelog.contains(&format!("`{name}")), "CHANGELOG.md does not name: {name}");
        let help = Regtree::new(words.iter().map(String::as_str).chain(["--help"])).ok().out();
        assert!(help.contains("Exit codes:"), "{name} --help has no exit codes");
        assert!(command.get_about().is_some(), "{name} has no description");
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{name}: {} has no help", argument.get_id());
        }
    }
}

#[test]
fn exit_codes_are_the_same_in_the_page_the_help_and_the_program() {
    let (page, help) = (document("docs/exit-codes.md"), Regtree::new(["--help"]).ok().out());
    for exit in Exit::ALL {
        let code = exit.code();
        assert!(page.contains(&format!("| {code} |")), "docs/exit-codes.md lacks exit code {code}");
        let mentioned = help.split(|c: char| !c.is_ascii_digit()).any(|number| number == code.to_string());
        assert!(mentioned, "--help lacks exit code {code}");
    }
    let rows =
        page.lines().filter(|line| line.starts_with("| ") && line[2..].starts_with(|c: char| c.is_ascii_digit()));
    assert_eq!(rows.count(), Exit::ALL.len(), "docs/exit-codes.md has exit codes that the program hasn't");
}

#[test]
fn arguments_in_the_wrong_place_are_understood() {
    let digest = regtree::Digest::of(b"content").to_string();
    Regtree::new(["blob", "get", &digest, "lib/app"])
        .run()
        .code(2)
        .says(["that is a digest; the repository comes first"]);
    let put = ["blob", "put", "lib/app", "--digest", &digest[7..]];
    Regtree::new(put).run().code(2).says([format!("did you mean {digest}")]);
    Regtree::new(["init", "here", "--root", "there"]).run().code(2).says(["cannot be used with"]);
    let scratch = Scratch::new();
    scratch.run(["repo", "list", "--color", "never", "--color", "always", "-v", "-v"]).code(0);
    scratch.run(["repo", "list", "--wait-lock", "30s"]).code(0);
    Regtree::new(["help", "blob"]).ok();
    let inside = scratch.v2().join("blobs");
    let hint = format!("did you mean --root {}", scratch.root().display());
    Regtree::at(&inside, ["repo", "list"]).run().code(10).says([hint]);
}

#[test]
fn the_page_on_speed_has_no_blank_left_to_fill_in() {
    let capitals = |word: &str| word.contains('_') && word.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    let blank = |line: &&str| !line.is_empty() && line.split(' ').all(capitals);
    let page = document("docs/speed.md");
    assert_eq!(page.lines().find(blank), None);
    for goal in ["blob put", "blob get", "blob stat", "blob list"] {
        assert!(page.lines().any(|line| line.starts_with(&format!("| `{goal}"))), "no speed of {goal}");
    }
}

#[test]
fn the_version_stands_in_the_changelog() {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(Regtree::new(["--version"]).ok().answer(), format!("regtree {version}"));
    assert!(document("CHANGELOG.md").contains(&format!("## {version}")));
}

#[test]
fn every_test_file_is_declared() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    for entry in walkdir::WalkDir::new(&tests).min_depth(1) {
        let entry = entry.unwrap();
        let name = entry.path().file_stem().unwrap().to_str().unwrap();
        let is_room = entry.path().join("mod.rs").is_file();
        if !(is_room || name != "main" && name != "mod" && entry.path().extension() == Some("rs".as_ref())) {
            continue;
        }
        let above = entry.path().parent().unwrap();
        let declared = [above.join("mod.rs"), above.with_extension("rs"), tests.join("main.rs")];
        let declared = fs::read_to_string(declared.iter().find(|file| file.is_file()).unwrap()).unwrap();
        assert!(
            declared.contains(&format!(
                "mod {name};
"
            )),
            "{} is not declared",
            entry.path().display()
        );
    }
}

#[test]
fn wrong_usage_is_exit_2_as_text_or_json() {
    for arguments in [&["frobnicate"][..], &["blob"], &["blob", "put"], &["--no-such-flag"], &["blob", "get", "a"], &[]]
    {
        Regtree::new(arguments).run().code(2).silent();
    }
    let error = Regtree::new(["--json", "frobnicate"]).run().code(2).silent().json_error();
    assert_eq!(error["code"], "USAGE");
    let error = Regtree::new(["--json", "blob", "mount"]).run().code(2).json_error();
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("--to <REPO>") && message.contains("<[REPO@]DIGEST>"), "{message}");
    Regtree::new(["--quiet", "--verbose", "repo", "list"]).run().code(2).says(["cannot be used with"]);
    Regtree::new(["--root", "a", "--registry-config", "b", "repo", "list"]).run().code(2).says(["cannot be used with"]);
}

#[test]
fn quiet_says_nothing_but_the_answer_and_errors() {
    let scratch = Scratch::new();
    let digest = scratch.put("lib/app", b"content");
    fs::write(scratch.blob(digest), "damaged by length").unwrap();
    let put = ["blob", "put", "lib/app"];
    assert!(scratch.regtree([&put[..], &["--quiet"]].concat()).stdin("content").ok().err().is_empty());
    let said = scratch.regtree([&put[..], &["--verbose"]].concat()).stdin("content").ok().err();
    assert!(said.contains("detail: tree") && said.contains("already had this content"), "{said}");
    let failed = scratch.run(["--quiet", "blob", "stat", "nowhere", &digest.to_string()]).code(4);
    failed.says(["error: repository nowhere is unknown"]);
    std::os::unix::fs::symlink("lib", scratch.repository("planted")).unwrap();
    assert!(scratch.run(["repo", "list", "--quiet"]).code(3).err().is_empty());
    scratch.run(["repo", "list"]).code(3).says(["warning: ", "repositories/planted is a symbolic link"]);
}

#[test]
fn colour_is_used_when_asked_for_and_not_in_a_pipe() {
    let scratch = Scratch::new();
    let failed = |arguments: &[&str]| scratch.regtree([&["blob", "list", "nowhere"], arguments].concat());
    assert!(!failed(&[]).run().err().contains('\x1b'));
    assert!(failed(&["--color", "always"]).run().err().contains('\x1b'));
    assert!(failed(&["--color=always"]).env("NO_COLOR", "1").run().err().contains('\x1b'));
    assert!(!failed(&["--color", "never"]).env("CLICOLOR_FORCE", "1").run().err().contains('\x1b'));
    assert!(Regtree::new(["--color", "always", "--help"]).ok().out().contains('\x1b'));
    assert!(!Regtree::new(["--help"]).ok().out().contains('\x1b'));
}

#[test]
fn a_terminal_gets_colour_unless_no_color_is_set_and_no_binary_content() {
    let scratch = Scratch::new();
    let digest = scratch.put("lib/app", b"\x00binary");
    assert!(on_a_terminal("regtree blob list nowhere", &scratch).contains('\x1b'));
    assert!(!on_a_terminal("NO_COLOR=1 regtree blob list nowhere", &scratch).contains('\x1b'));
    let get = format!("regtree blob get lib/app {digest}");
    let refused = on_a_terminal(&format!("{get}; echo code $?"), &scratch);
    assert!(
        refused.contains("will not write binary content to a terminal") && refused.contains("code 12"),
        "{refused}"
    );
    assert!(!refused.contains('\0'));
    assert!(on_a_terminal(&format!("{get} -o -; echo code $?"), &scratch).contains("binarycode 0"));
    let text = scratch.put("lib/app", "{\"text\": \"grüße\"}\n".as_bytes());
    assert!(on_a_terminal(&format!("regtree blob get lib/app {text}"), &scratch).contains("grüße"));
    for binary in [&b"\xff\xfe"[..], b"\x1b[2J"] {
        let binary = scratch.put("lib/app", binary);
        assert!(on_a_terminal(&format!("regtree blob get lib/app {binary}"), &scratch).contains("binary content"));
    }
}

#[test]
fn a_pipe_that_closes_early_is_a_quiet_success() {
    let scratch = Scratch::new();
    for i in 0..40 {
        scratch.put("lib/app", format!("{i}").as_bytes());
    }
    let big = scratch.put("lib/app", &vec![1; 4_000_000]).to_string();
    let program = env!("CARGO_BIN_EXE_regtree");
    for pipe in [
        "blob list --long --json | head -n 1",
        "blob list | true",
        &format!("blob get lib/app {big} | head -c 1"),
        "--help | true",
    ] {
        let script = format!("'{program}' {pipe}; echo ${{PIPESTATUS[0]}}");
        let mut command = Command::new("bash");
        let output = command
            .args(["-c", &script])
            .env("REGTREE_ROOT", scratch.root())
            .envs(nothing_installed())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.is_empty(), "{pipe}: {said}");
        assert!(output.stdout.ends_with(b"0\n"), "{pipe}: {}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn a_full_standard_output_is_an_error() {
    let scratch = Scratch::new();
    let digest = scratch.put("lib/app", b"content").to_string();
    let calls: [&[&str]; 3] = [&["blob", "list"], &["blob", "get", "lib/app", &digest], &["completions", "bash"]];
    for call in calls {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = scratch.regtree(call).command().stdout(full).stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{call:?}: {said}");
        assert!(said.contains("No space left on device"), "{said}");
    }
}

#[test]
fn control_characters_in_a_trees_names_reach_no_terminal() {
    let scratch = Scratch::new();
    fs::create_dir_all(scratch.repository("evil\x1b[2Jname/_layers")).unwrap();
    let listed = scratch.run(["repo", "list"]).code(3);
    assert!(!listed.err().contains('\x1b'), "{:?}", listed.err());
    listed.says(["evil\\u{1b}[2Jname"]);
    fs::create_dir_all(scratch.repository("x\nerror: forged/_layers")).unwrap();
    let lines = scratch.run(["repo", "list"]).code(3).err();
    assert!(!lines.lines().any(|line| line.starts_with("error")), "{lines}");
}

#[test]
fn hints_can_be_pasted_with_the_root_that_was_named() {
    let scratch = Scratch::new();
    let digest = scratch.put("lib/app", b"content").to_string();
    let root = scratch.root().display();
    scratch
        .run(["blob", "get", "other/app", &digest])
        .code(4)
        .says([format!("hint: to list the repositories: regtree --root {root} repo list")]);
    fs::create_dir_all(scratch.repository("other/_layers")).unwrap();
    let hint = format!("regtree --root {root} blob stat --all-repos {digest}");
    scratch.run(["blob", "get", "other", &digest]).code(4).says([&hint]);
    assert_eq!(scratch.run(["blob", "stat", "--all-repos", &digest]).code(0).lines(), ["lib/app"]);
}

#[test]
fn progress_is_a_matter_of_taste() {
    let scratch = Scratch::new();
    for style in ["auto", "plain", "none", "bar"] {
        let put = scratch.regtree(["blob", "put", "lib/app", "--progress", style]).stdin(vec![0; 1_000_000]).ok();
        assert!(put.answer().starts_with("sha256:"), "{style}");
        assert!(put.err().is_empty(), "{style}: {}", put.err());
    }
    let shown = on_a_terminal(
        "(head -c 9000000 /dev/zero; sleep 1; head -c 9000000 /dev/zero) | regtree blob put lib/app --progress bar",
        &scratch,
    );
    assert!(shown.contains("storing"), "{shown:?}");
    let hidden = on_a_terminal(
        "(head -c 9000000 /dev/zero; sleep 1; head -c 9000000 /dev/zero) | regtree blob put lib/app --quiet",
        &scratch,
    );
    assert!(!hidden.contains("storing"), "{hidden:?}");
}

#[test]
fn a_test_gives_the_time_and_a_malformed_one_is_wrong_usage() {
    let scratch = Scratch::new();
    scratch.put("lib/app", b"nothing needs it");
    let removed = |now: &str| {
        let run = scratch.regtree(["gc", "--allow-rootless", "-n", "--json"]).now(now).ok();
        run.json_lines().iter().filter(|event| event["type"] == "remove").count()
    };
    assert_eq!(removed("2015-01-01T00:00:00Z"), 0);
    assert!(removed("2115-01-01T00:00:00Z") > 0);
    for (name, value) in [("REGTREE_TEST_NOW", "now"), ("REGTREE_TEST_PAUSES", "0")] {
        scratch.regtree(["gc", "-n"]).env(name, value).run().code(2).silent().says([name]);
        let error = scratch.regtree(["gc", "-n", "--json"]).env(name, value).run().code(2).json_error();
        assert!(error["message"].as_str().unwrap().starts_with(name), "{error}");
        scratch.regtree(["--help"]).env(name, value).ok();
    }
}
