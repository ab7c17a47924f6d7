//! Completion while a command is typed: what regtree answers a shell, and what the shells make of it.

#![cfg(feature = "dynamic-completion")]

use std::fs;
use std::process::Command;

use crate::support::refusal::CONTENT;
use crate::support::{Pushed, Regtree, Run, Scratch, nothing_installed};

/// Where bash takes words apart.
const BREAKS: &str = " \t\n\"'@><=;|&(:";

fn tagged() -> (Scratch, Pushed) {
    let scratch = Scratch::new();
    scratch.image("demo/web", "web").tag("latest");
    scratch.image("library/debian", "debian").tag("12");
    let image = scratch.image("demo/app", "one").tag("v1");
    scratch.run(["tag", "set", "demo/app", "v1.1", "v1"]).code(0);
    (scratch, image)
}

/// A shell that asks, and must not be disturbed.
fn ask(call: Regtree) -> Run {
    let run = call.ok();
    assert!(run.err().is_empty(), "{}", run.err());
    run
}

/// What bash gets for a line, in the tree that `REGTREE_ROOT` names.
fn bash(scratch: &Scratch, line: &str) -> Vec<String> {
    let call = Regtree::new(["--", line, BREAKS]).env("COMPLETE", "bash").env("REGTREE_ROOT", scratch.root());
    ask(call).lines()
}

#[test]
fn the_names_in_the_tree_are_completed() {
    let (scratch, image) = tagged();
    let all = ["demo/app", "demo/web", "library/debian"];
    for (line, expected) in [
        ("regtree tag list ", &all[..]),
        ("regtree tag list d", &all[..2]),
        ("regtree tag list demo/a", &all[..1]),
        ("regtree tag list nothing", &[]),
        ("regtree repo delete ", &all),
        ("regtree gc --repository d", &all[..2]),
        ("regtree tag get demo/app ", &["v1", "v1.1"]),
        ("regtree tag get demo/app v1.", &["v1.1"]),
        ("regtree tag get demo/none ", &[]),
        ("regtree tag delete demo/app v1 v", &["v1", "v1.1"]),
        ("regtree --json tag get -v demo/app ", &["v1", "v1.1"]),
        ("regtree blob mount --from demo/", &all[..2]),
    ] {
        assert_eq!(bash(&scratch, line), expected, "{line}");
    }
    // bash takes the word apart at the colon, and keeps what is before it.
    let hex = image.digest.hex().to_string();
    assert_eq!(bash(&scratch, "regtree manifest delete demo/app "), [image.digest.to_string()]);
    assert_eq!(bash(&scratch, &format!("regtree manifest delete demo/app sha256:{}", &hex[..3])), [&*hex]);
    assert_eq!(bash(&scratch, "regtree manifest delete demo/app 'sha256:"), [image.digest.to_string()]);
    let blobs = bash(&scratch, "regtree blob get demo/app sha256:");
    assert!(blobs.contains(&image.layer.hex().to_string()) && !blobs.contains(&hex), "{blobs:?}");
    let explained = ["sha256:", "demo/app", "demo/web", "library/debian"];
    assert_eq!(bash(&scratch, "regtree gc --explain "), explained);
    assert_eq!(bash(&scratch, "regtree gc --explain demo/app:v"), ["v1", "v1.1"]);
    assert_eq!(bash(&scratch, &format!("regtree gc --explain sha256:{}", &hex[..4])), [&*hex]);
    // A reference in one word.
    assert_eq!(bash(&scratch, "regtree tag get demo/app:v"), ["v1", "v1.1"]);
    assert_eq!(bash(&scratch, "regtree manifest get demo/app@sha256:"), [&*hex]);
    assert_eq!(bash(&scratch, "regtree tag set demo/app v9 v"), ["v1", "v1.1"]);
    assert_eq!(bash(&scratch, "regtree blob put demo/app:v"), [""; 0]);
}

#[test]
fn uploads_runs_and_finding_codes_are_completed_and_options_when_asked_for() {
    let (scratch, _) = tagged();
    let upload = scratch.run(["upload", "start", "demo/app"]).code(0).answer();
    scratch.put("demo/app", CONTENT);
    scratch.run(["gc", "--quarantine", "--min-age", "0"]).code(0);
    let run = scratch.run(["quarantine", "list", "--json"]).code(0).json()["run"].as_str().unwrap().to_owned();
    assert_eq!(bash(&scratch, "regtree upload status demo/app "), [upload]);
    assert_eq!(bash(&scratch, "regtree quarantine show "), [run]);
    assert!(
        bash(&scratch, "regtree repair --only tag-")
            .iter()
            .any(|code| code == "tag-broken" || code.starts_with("tag-"))
    );
    assert!(bash(&scratch, "regtree tag ").contains(&"history".to_owned()));
    assert!(bash(&scratch, "regtree gc --delete-un").contains(&"--delete-untagged".to_owned()));
    assert_eq!(bash(&scratch, "regtree --color a"), ["auto", "always"]);
    assert_eq!(bash(&scratch, "regtree --color=a"), ["auto", "always"]);
    // The names of files are bash's to complete.
    assert_eq!(bash(&scratch, "regtree blob put demo/app "), [""; 0]);
}

#[test]
fn the_tree_is_the_one_that_the_line_means() {
    let ((one, _), two) = (tagged(), Scratch::new());
    two.put("other", CONTENT);
    let root = two.root().display();
    let config = two.root().join("config.yml");
    fs::write(&config, format!("storage: {{filesystem: {{rootdirectory: {root}}}}}\n")).unwrap();
    let site = two.root().join("site.toml");
    fs::write(&site, format!("root = '{root}'\n")).unwrap();
    for line in [
        format!("regtree --root {root} tag list "),
        format!("regtree --root={root} tag list "),
        format!("regtree tag list --root '{root}' "),
        format!("regtree --registry-config {} tag list ", config.display()),
    ] {
        assert_eq!(bash(&one, &line), ["other"], "{line}");
    }
    let line = ["--", "regtree tag list ", BREAKS];
    let by_site = Regtree::new(line).env("COMPLETE", "bash").env("REGTREE_CONFIG", &site);
    assert_eq!(ask(by_site).lines(), ["other"]);
}

#[test]
fn many_repositories_are_completed_part_by_part() {
    let scratch = Scratch::new();
    for number in 0..300 {
        let repository = format!("team{}/app{number:03}", number % 3);
        fs::create_dir_all(scratch.repository(&repository).join("_layers")).unwrap();
    }
    fs::create_dir_all(scratch.repository("alone/_layers")).unwrap();
    assert_eq!(bash(&scratch, "regtree tag list "), ["alone", "team0/", "team1/", "team2/"]);
    assert_eq!(bash(&scratch, "regtree tag list team1/").len(), 100);
    assert_eq!(bash(&scratch, "regtree tag list team1/app00"), ["team1/app001", "team1/app004", "team1/app007"]);
}

#[test]
fn many_repositories_side_by_side_are_completed_and_what_is_none_is_not() {
    let scratch = Scratch::new();
    for number in 0..300 {
        let own = ["_layers", "_manifests", "_uploads", "layers/sha256"][number % 4];
        fs::create_dir_all(scratch.repository(&format!("app{number:03}")).join(own)).unwrap();
        if number % 4 == 3 {
            let link = format!("app{number:03}/layers/sha256/{}", "a".repeat(64));
            fs::create_dir_all(scratch.repository(&link)).unwrap();
        }
    }
    fs::create_dir_all(scratch.repository("team/inner/_layers")).unwrap();
    fs::create_dir_all(scratch.repository("empty")).unwrap();
    fs::create_dir_all(scratch.repository("No-Name/_layers")).unwrap();
    fs::create_dir_all(scratch.repository("elsewhere/_layers")).unwrap();
    std::os::unix::fs::symlink("elsewhere", scratch.repository("linked")).unwrap();
    fs::create_dir_all(scratch.repository("odd")).unwrap();
    fs::write(scratch.repository("odd/_manifests"), "").unwrap();
    let found = bash(&scratch, "regtree tag list ");
    let mut expected: Vec<String> = (0..300).map(|number| format!("app{number:03}")).collect();
    expected.extend(["elsewhere".to_owned(), "team/".to_owned()]);
    assert_eq!(found, expected);
    assert_eq!(bash(&scratch, "regtree tag list team/"), ["team/inner"]);
}

#[test]
fn whatever_the_line_is_the_shell_is_not_disturbed() {
    let (scratch, _) = tagged();
    let around = Scratch::bare();
    let broken = around.root().join("broken.toml");
    fs::write(&broken, "???").unwrap();
    let lines = [
        "",
        "regtree",
        "regtree ",
        "regtree nonsense ",
        "regtree tag get \u{1b}[2J ",
        "regtree tag get 'demo",
        "regtree tag get \"",
        "regtree tag get ../../etc/",
        "regtree tag get /",
        "regtree tag get demo//",
        "regtree tag get : ",
        "regtree tag get @",
        "regtree tag get ä",
        "regtree -- tag get ",
        "regtree --root",
        "regtree --root ",
        "regtree tag get demo/app:v1@sha256:0",
        "regtree --root /nowhere tag list ",
    ];
    for line in lines {
        for (name, value) in [
            ("REGTREE_ROOT", scratch.root().to_owned()),
            ("REGTREE_ROOT", around.root().to_owned()),
            ("REGTREE_CONFIG", broken.clone()),
            ("REGTREE_TEST_NOW", "yesterday".into()),
        ] {
            ask(Regtree::new(["--", line, BREAKS]).env("COMPLETE", "bash").env(name, &value));
            let words = ["--"].into_iter().chain(line.split(' '));
            ask(Regtree::new(words).env("COMPLETE", "fish").env(name, &value));
            let index = line.split(' ').count().saturating_sub(1).to_string();
            let words = ["--"].into_iter().chain(line.split(' '));
            ask(Regtree::new(words).env("COMPLETE", "zsh").env("_CLAP_COMPLETE_INDEX", index).env(name, &value));
        }
    }
    // The variable alone asks for nothing: somebody may have it for another program.
    assert!(Regtree::new(["--version"]).env("COMPLETE", "bash").ok().out().starts_with("regtree "));
    Regtree::new(["--", "x"]).env("COMPLETE", "tcsh").run().code(2);
}

/// Runs a script in a shell that finds the program, in a tree.
fn shell(program: &str, arguments: &[&str], script: &str, scratch: &Scratch) -> Option<Vec<String>> {
    let regtree = std::path::Path::new(env!("CARGO_BIN_EXE_regtree")).parent().unwrap();
    let path = format!("{}:{}", regtree.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new(program);
    command.args(arguments).arg(script).env("PATH", path).env("REGTREE_ROOT", scratch.root());
    let output = command.env("HOME", scratch.root()).envs(nothing_installed()).output().ok()?;
    assert!(output.stderr.is_empty(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
}

#[test]
fn bash_fish_and_zsh_take_what_they_get() {
    let (scratch, image) = tagged();
    let in_bash = |line: &str| {
        let script = format!(
            "source <(regtree completions bash --dynamic); COMP_WORDBREAKS=$' \\t\\n\"\\'@><=;|&(:'
             COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}; _regtree_complete 2>/dev/null; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        shell("bash", &["--norc", "-c"], &script, &scratch).expect("bash is there")
    };
    assert_eq!(in_bash("regtree tag get demo/app v1."), ["v1.1"]);
    assert_eq!(in_bash("regtree manifest delete demo/app sha256:"), [&*image.digest.hex()]);
    let in_fish = |line: &str| {
        let script = format!("regtree completions fish --dynamic | source; complete -C '{line}'");
        shell("fish", &["--no-config", "-c"], &script, &scratch)
    };
    // A shell that is not installed can't be tested.
    if let Some(found) = in_fish("regtree tag get demo/app v1.") {
        assert_eq!(found, ["v1.1"]);
        assert_eq!(in_fish("regtree tag get demo/app ").unwrap(), ["v1", "v1.1"]);
        let options = in_fish("regtree tag get demo/app -").unwrap();
        assert!(options.iter().any(|option| option.starts_with("--json")), "{options:?}");
        assert_eq!(in_fish("regtree --color a").unwrap().len(), 2);
        assert_eq!(in_fish("regtree manifest delete demo/app sha256:").unwrap(), [image.digest.to_string()]);
    }
    let in_zsh = |line: &str| {
        let count = line.split(' ').count();
        let script = format!(
            "compdef() {{ }}; _describe() {{ print -rl -- \"${{(@P)3}}\" }}; eval \"$(regtree completions zsh --dynamic)\"
             words=(\"${{(@s: :)1}}\"); words=({}); CURRENT={count}; _clap_dynamic_completer_regtree",
            line.split(' ').map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ")
        );
        shell("zsh", &["-f", "-c"], &script, &scratch)
    };
    if let Some(found) = in_zsh("regtree tag get demo/app v1.") {
        assert_eq!(found, ["v1.1"]);
        assert_eq!(in_zsh("regtree tag get demo/app ").unwrap(), ["v1", "v1.1"]);
        let digest = image.digest.to_string().replace(':', "\\:");
        assert_eq!(in_zsh("regtree manifest delete demo/app sha256:").unwrap(), [digest]);
    }
}
