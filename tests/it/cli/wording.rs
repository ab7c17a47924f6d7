//! How output is written: for people on wide and narrow terminals, in pipes, and for programs.

use std::fs;

use crate::support::terminal::on_a_terminal;
use crate::support::{Regtree, Scratch};

const REPOSITORY: &str = "demo/app";

fn demo() -> Scratch {
    let scratch = Scratch::bare();
    Regtree::new(["demo", "-q"]).with([scratch.root()]).ok();
    scratch
}

/// The lines that a terminal shows one after the other, those that overwrite each other among them.
fn shown(script: &str, scratch: &Scratch) -> Vec<String> {
    let all = on_a_terminal(script, scratch);
    let lines = all.split(['\r', '\n']).map(|line| line.replace("\x1b[2K", "").replace("\x1b[1A", ""));
    lines.filter(|line| !line.is_empty()).collect()
}

#[test]
fn progress_never_takes_more_than_a_line_of_the_terminal() {
    let scratch = Scratch::new();
    for (columns, wants) in [(200, "█"), (60, "storing"), (30, "storing"), (5, "stor")] {
        let content = "(head -c 9000000 /dev/zero; sleep 1; head -c 9000000 /dev/zero)";
        let put =
            format!("stty cols {columns} rows 24; {content} | regtree blob put lib/app --size 18000000 >/dev/null");
        let lines = shown(&put, &scratch);
        assert!(lines.iter().any(|line| line.contains(wants)), "{columns}: {lines:?}");
        let wide = lines.iter().find(|line| line.chars().count() > columns);
        assert_eq!(wide, None, "{columns}: {lines:?}");
    }
}

/// The words of all commands below `command`.
fn commands(command: &clap::Command, words: &str, found: &mut Vec<String>) {
    for below in command.get_subcommands() {
        let words = format!("{words} {}", below.get_name());
        commands(below, &words, found);
        found.push(words);
    }
}

/// What is wrong with the breaks between two lines of a help.
fn breaks_badly(line: &str, next: &str, columns: usize) -> Option<&'static str> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    // An exit code has no more than three digits; what an example prints may have more.
    let is_number = |word: &str| word.len() <= 3 && word.bytes().all(|b| b.is_ascii_digit());
    let is_code = |line: &str| {
        indent(line) == 2 && line.split_whitespace().next().is_some_and(|w| is_number(w.trim_end_matches(',')))
    };
    // A single word may be too long for any line, and a usage is one line.
    let is_usage = line.starts_with("Usage:");
    if line.chars().count() > columns && line.trim().contains(' ') && !is_usage {
        return Some("it is too wide");
    }
    if is_code(line) && !next.is_empty() && !is_code(next) && indent(next) != 7 {
        return Some("its rest is not below its text");
    }
    let word = next.trim_start().split(' ').next().unwrap_or_default().chars().count();
    let has_room = line.chars().count() + 1 + word <= columns;
    if (is_code(line) || indent(line) == 7) && indent(next) == 7 && has_room {
        return Some("its rest begins early");
    }
    let is_prose =
        |line: &str| !line.is_empty() && indent(line) == 0 && !line.ends_with(':') && !line.contains("Usage:");
    (is_prose(line) && is_prose(next) && has_room).then_some("it ends early")
}

#[test]
fn the_long_help_fits_the_terminal() {
    let scratch = Scratch::bare();
    let mut calls = vec![String::new()];
    commands(&regtree::cli::command(), "", &mut calls);
    for columns in [60, 80, 110] {
        let calls: Vec<_> = calls.iter().map(|words| format!("regtree{words} --help")).collect();
        let shown =
            on_a_terminal(&format!("stty cols {columns}; {}", calls.join("; echo; ")), &scratch).replace('\r', "");
        // The bold parts of a heading have no width.
        let shown = shown.replace("\x1b[1m", "").replace("\x1b[4m", "").replace("\x1b[0m", "");
        let lines: Vec<_> = shown.lines().collect();
        for pair in lines.windows(2) {
            assert_eq!(breaks_badly(pair[0], pair[1], columns), None, "{columns}: {pair:?}");
        }
    }
}

#[test]
fn on_a_terminal_listings_have_headers_and_short_digests() {
    let scratch = Scratch::new();
    let image = scratch.image(REPOSITORY, "one").tag("v1");
    scratch.run(["upload", "start", REPOSITORY]).code(0);
    let listed = on_a_terminal("regtree upload list", &scratch);
    let header: Vec<_> = listed.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(header, ["REPOSITORY", "UPLOAD", "STARTED", "SIZE"]);
    let hex = image.digest.hex().to_string();
    let used = on_a_terminal("regtree blob users demo/app:v1", &scratch);
    let row: Vec<_> = used.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row, [REPOSITORY, "v1", "-", &format!("sha256:{}", &hex[..12])]);
    assert!(scratch.run(["blob", "users", "demo/app:v1"]).code(0).out().contains(&hex));
}

#[test]
fn the_short_help_has_two_global_options_and_says_where_the_others_are() {
    let scratch = Scratch::bare();
    let mut calls = Vec::new();
    commands(&regtree::cli::command(), "", &mut calls);
    let rest = ["--registry-config", "--wait-lock", "--quiet", "--verbose", "--color", "--progress"];
    for words in calls {
        let shown = |help| scratch.regtree(words.split_whitespace().chain([help])).ok().out();
        let (short, long) = (shown("-h"), shown("--help"));
        let options = |text: &str| -> Vec<String> {
            let (_, global) = text.split_once("Global options:\n").unwrap();
            let lines = global.lines().map(str::trim).filter(|line| line.starts_with('-'));
            let option = |line: &str| line.split_whitespace().find(|word| word.starts_with("--")).map(str::to_owned);
            lines.filter_map(option).collect()
        };
        assert!(options(&short).starts_with(&["--root".to_owned(), "--json".to_owned()]), "{words}: {short}");
        assert!(rest.iter().all(|option| !options(&short).contains(&(*option).to_owned())), "{words}: {short}");
        assert!(rest.iter().all(|option| options(&long).contains(&(*option).to_owned())), "{words}: {long}");
        let pointing = "--help shows the other global options";
        assert!(short.contains(pointing) || short.contains("see more with '--help'"), "{words}: {short}");
        assert!(!long.contains(pointing), "{words}: {long}");
    }
}

#[test]
fn the_note_that_ends_fsck_is_its_last_line_in_a_pager_and_on_stderr_else() {
    let scratch = Scratch::new();
    let digest = scratch.image("lib/app", "an image").tag("v1").layer;
    fs::write(scratch.blob(digest), "").unwrap();
    let note = "note: to see what can be repaired: ";
    let paged = on_a_terminal("regtree fsck | sed s/^/paged:/", &scratch);
    assert!(paged.lines().last().unwrap().starts_with(&format!("paged:{note}")), "{paged}");
    let run = scratch.run(["fsck"]).code(3);
    assert!(run.err().contains(note) && !run.out().contains(note));
}

#[test]
fn du_has_bars_only_where_they_fit() {
    let scratch = demo();
    let bars = |columns: usize| {
        let lines = shown(&format!("stty cols {columns} rows 24; regtree du"), &scratch);
        let wide = lines.iter().find(|line| line.chars().count() > columns);
        assert!(wide.is_none() || columns < 71, "{columns}: {lines:?}");
        lines.iter().filter(|line| line.contains(['█', '░'])).count()
    };
    let (everywhere, of_repositories, nowhere) = (bars(120), bars(80), bars(60));
    assert!(everywhere > of_repositories && of_repositories == 2, "{everywhere} {of_repositories}");
    assert_eq!(nowhere, 0);
}

#[test]
fn a_time_has_its_unit() {
    let scratch = Scratch::new();
    let want = "expected a number and its unit (s, m, h, d or w), such as 30s, 12h or 7d";
    let calls: [&[&str]; 4] = [
        &["gc", "-n", "--min-age"],
        &["repo", "list", "--wait-lock"],
        &["fsck", "--max-duration"],
        &["upload", "list", "--older-than"],
    ];
    for call in calls {
        let with = |time: &str| scratch.regtree(call.iter().copied().chain([time]));
        for time in ["0", "30s", "5m", "1h 30m", "2d", "1w"] {
            with(time).ok();
        }
        for time in ["5", "1 month", "s"] {
            with(time).run().code(2).says([want]);
        }
    }
}

#[test]
fn one_of_a_thing_is_no_plural() {
    let scratch = Scratch::new();
    let image = scratch.image(REPOSITORY, "one").tag("v1");
    fs::remove_file(scratch.blob(image.layer)).unwrap();
    let fsck = scratch.run(["fsck"]).code(3).out();
    assert!(fsck.contains("1 image cannot be pulled whole") && fsck.contains("1 error, 0 warnings"), "{fsck}");
    assert!(fsck.contains("in 1 repository, 1 tag, 1 manifest, 2 blobs"), "{fsck}");
    let verify = scratch.run(["manifest", "verify", REPOSITORY, "v1"]).code(5).says(["1 manifest checked: 1 error"]);
    assert!(!verify.err().contains("errors"), "{}", verify.err());
    scratch.put(REPOSITORY, b"x");
    let gc = scratch.run(["gc", "--min-age", "0", "-n", "--allow-sparse-indexes"]).code(0).out();
    assert!(gc.starts_with("would remove 1 byte\n"), "{gc}");
    let list = scratch.run(["repo", "list", "--long"]).code(0).answer();
    assert_eq!(list, "demo/app          1          1        3        0");
}

#[test]
fn a_dry_run_of_a_deletion_says_what_would_go() {
    let scratch = Scratch::new();
    let image = scratch.image(REPOSITORY, "one").tag("v1").tag("v2");
    let blob = scratch.put(REPOSITORY, b"spare").to_string();
    let digest = image.digest.to_string();
    let dry = |call: &[&str], what: &str| {
        let said = format!("note: would remove {what}; nothing was removed (dry run)");
        scratch.regtree(call.iter().copied().chain(["-n"])).ok().says([said]);
    };
    dry(&["blob", "delete", REPOSITORY, &blob], "1 link");
    dry(&["tag", "delete", REPOSITORY, "v1", "v2"], "2 tags");
    dry(&["manifest", "delete", REPOSITORY, "--with-tags", &digest], "1 manifest and 2 tags");
    let delete = ["repo", "delete", REPOSITORY];
    let counts = "demo/app: 2 tags, 1 revision, 3 layers, 0 uploads";
    assert_eq!(scratch.regtree(delete).with(["-n"]).ok().answer(), format!("would remove {counts}"));
    assert_eq!(scratch.run(delete).code(0).answer(), format!("removed {counts}"));
}

#[test]
fn every_json_answer_says_what_it_is() {
    let scratch = Scratch::new();
    let image = scratch.image(REPOSITORY, "one").tag("v1");
    let (digest, layer) = (image.digest.to_string(), image.layer.to_string());
    let upload = scratch.run(["upload", "start", REPOSITORY]).code(0).answer();
    let fresh = Scratch::bare();
    let [tree, demo] = ["tree", "demo"].map(|name| fresh.root().join(name).to_str().unwrap().to_owned());
    let calls: Vec<(&str, Vec<&str>)> = vec![
        ("tag", vec!["tag", "get", REPOSITORY, "v1"]),
        ("tag", vec!["tag", "set", REPOSITORY, "v2", "v1"]),
        ("blob", vec!["blob", "put", REPOSITORY]),
        ("blob", vec!["blob", "get", REPOSITORY, &layer, "-o", "/dev/null"]),
        ("blob", vec!["blob", "mount", &layer, "--from", REPOSITORY, "--to", "demo/other"]),
        ("blob", vec!["blob", "stat", "--all-repos", &layer]),
        ("manifest", vec!["manifest", "stat", REPOSITORY, "v1"]),
        ("manifest", vec!["manifest", "get", REPOSITORY, &digest, "-o", "/dev/null"]),
        ("upload", vec!["upload", "start", REPOSITORY]),
        ("upload", vec!["upload", "resume", REPOSITORY, &upload]),
        ("upload", vec!["upload", "status", REPOSITORY, &upload]),
        ("upload", vec!["upload", "get", REPOSITORY, &upload, "-o", "/dev/null"]),
    ];
    let here = calls.into_iter().map(|(kind, call)| (kind, scratch.regtree(call)));
    let elsewhere = [("tree", ["init", &tree]), ("demo", ["demo", &demo]), ("completions", ["completions", "bash"])];
    let elsewhere = elsewhere.map(|(kind, call)| (kind, Regtree::new(call)));
    for (kind, call) in here.chain(elsewhere) {
        let answer = call.with(["--json"]).ok().json();
        assert_eq!((&answer["type"], &answer["schema_version"]), (&kind.into(), &1.into()), "{answer}");
    }
}

#[test]
fn the_severity_of_a_finding_has_colour_on_a_terminal() {
    let scratch = demo();
    let error = "\x1b[1m\x1b[31merror:\x1b[0m blob-truncated";
    for call in ["regtree fsck", "regtree manifest verify demo/web latest"] {
        assert!(on_a_terminal(call, &scratch).contains(error), "{call}");
        for plain in [format!("NO_COLOR=1 {call}"), format!("{call} --color never"), format!("{call} | cat")] {
            let shown = on_a_terminal(&plain, &scratch);
            assert!(shown.contains("error: blob-truncated"), "{plain}: {shown:?}");
        }
    }
    assert!(scratch.run(["fsck", "--color", "always"]).code(3).out().contains(error));
}

#[test]
fn columns_have_a_header_on_a_terminal_and_none_in_a_pipe() {
    let scratch = demo();
    let gc = ["gc", "--min-age", "0", "--quarantine"];
    let run =
        scratch.run(gc).code(0).out().lines().find_map(|line| line.strip_prefix("quarantine run ").map(str::to_owned));
    for (call, header, first) in [
        ("repo list --long".to_owned(), "REPOSITORY", "demo/app"),
        ("quarantine list".to_owned(), "RUN                        KIND", "20"),
        (format!("quarantine show {}", run.unwrap()), "SIZE  KIND       PATH", "32 B"),
        ("upload list".to_owned(), "REPOSITORY  UPLOAD", "demo/web"),
        ("blob list demo/web --long".to_owned(), "DIGEST", "sha256:"),
        ("tag list demo/web --long".to_owned(), "TAG", "latest"),
        ("tag history demo/web latest".to_owned(), "SINCE", "* 20"),
        ("manifest list demo/web --long".to_owned(), "DIGEST", "sha256:"),
    ] {
        let lines = shown(&format!("regtree {call}"), &scratch);
        let at = lines.iter().position(|line| line.trim().starts_with(header)).unwrap_or_else(|| panic!("{lines:?}"));
        assert!(lines[at + 1].trim().starts_with(first), "{call}: {lines:?}");
        assert_eq!(lines.iter().filter(|line| line.contains(header)).count(), 1, "{call}: {lines:?}");
        for bare in [format!("regtree {call} | cat"), format!("regtree {call} -q")] {
            let lines = shown(&bare, &scratch);
            assert!(!lines.iter().any(|line| line.trim().starts_with(header)), "{bare}: {lines:?}");
        }
    }
}

#[test]
fn quiet_leaves_out_what_is_only_worth_knowing() {
    let scratch = demo();
    let loud = scratch.run(["fsck"]).code(3).out();
    assert!(loud.contains("\ninfo: directory-empty"), "{loud}");
    for call in [&["fsck", "-q"][..], &["fsck", "--strict", "--quiet"]] {
        let quiet = scratch.run(call).code(3).out();
        assert!(!quiet.contains("info: ") && quiet.contains("error: blob-truncated"), "{quiet}");
        assert!(quiet.contains("1 error, 0 warnings, 1 info in 2 repositories"), "{quiet}");
    }
}

#[test]
fn the_demo_shows_how_to_look_check_and_collect() {
    let scratch = Scratch::bare();
    let shown = Regtree::new(["demo"]).with([scratch.root()]).ok().out();
    for command in ["tag list", "manifest stat", "fsck", "gc --min-age 0 -n", "du"] {
        assert!(shown.lines().any(|line| line.starts_with("$ ") && line.contains(command)), "{command}: {shown}");
    }
}
