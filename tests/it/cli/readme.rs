//! The README's tour is what the commands print: each console block is run, in order, and compared.

use std::fs;
use std::path::Path;
use std::process::Command;

/// The commands of the README's console blocks, each with what it is said to print.
fn told() -> Vec<(String, String)> {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let mut told: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in readme.lines() {
        match line {
            "```console" => inside = true,
            "```" => inside = false,
            _ if !inside => {}
            _ => {
                if let Some(command) = line.strip_prefix("$ ") {
                    told.push((command.to_owned(), String::new()));
                } else {
                    let (_, output) = told.last_mut().expect("a block begins with a command");
                    output.push_str(line);
                    output.push('\n');
                }
            }
        }
    }
    told
}

#[test]
fn the_tour_is_what_the_commands_print() {
    let directory = tempfile::tempdir().unwrap();
    let told = told();
    assert!(told.len() > 15, "{}", told.len());
    let program = Path::new(env!("CARGO_BIN_EXE_regtree"));
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut settings = String::new();
    for (command, expected) in told {
        if command.starts_with("export ") {
            settings = format!("{command}\n");
            continue;
        }
        // A terminal shows both streams, and the talk first, for the answer waits in a buffer.
        let script = format!("{settings}{{ {command}; }} 2>&1\ncode=$?\n[ $code = 0 ] || echo \"(exit code $code)\"");
        let mut shell = Command::new("bash");
        let output = shell.args(["-c", &script]).current_dir(directory.path()).env_clear().env("PATH", &path).output();
        let printed = String::from_utf8(output.unwrap().stdout).unwrap();
        assert_eq!(printed, expected, "$ {command}");
    }
}
