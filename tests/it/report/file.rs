//! Where the page goes, and how the command ends.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use super::{NOW, data, demo, page, report};
use crate::support::strace::{strace, traced};
use crate::support::terminal::on_a_terminal;
use crate::support::{Regtree, Scratch};

fn sound() -> Scratch {
    let scratch = Scratch::new();
    scratch.image("lib/app", "an image").tag("v1");
    scratch
}

#[test]
fn an_older_page_is_replaced_and_keeps_its_mode() {
    let (scratch, elsewhere) = (sound(), Scratch::bare());
    let file = elsewhere.root().join("report.html");
    fs::write(&file, "older").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let before = fs::metadata(&file).unwrap();
    let run = report(&scratch, &["-o", file.to_str().unwrap()]).run().code(0).says(["wrote "]);
    assert!(run.bytes().is_empty());
    let after = fs::metadata(&file).unwrap();
    assert!(before.ino() != after.ino() && after.mode() & 0o777 == 0o640);
    assert_eq!(fs::read_to_string(&file).unwrap(), page(&scratch));
    assert_eq!(fs::read_dir(elsewhere.root()).unwrap().count(), 1);
}

#[test]
fn without_a_tree_an_older_page_stays() {
    let elsewhere = Scratch::bare();
    let file = elsewhere.root().join("report.html");
    fs::write(&file, "older").unwrap();
    Regtree::new(["--root", "/nowhere", "report", "-o"]).with([&file]).run().code(10).silent();
    assert_eq!(fs::read_to_string(&file).unwrap(), "older");
}

#[test]
fn the_data_and_the_page_come_of_one_look() {
    let (scratch, elsewhere) = (sound(), Scratch::bare());
    let file = elsewhere.root().join("report.html");
    let both = report(&scratch, &["--json", "-o", file.to_str().unwrap()]).ok().json();
    assert_eq!(both, data(&scratch));
    assert_eq!(fs::read_to_string(&file).unwrap(), page(&scratch));
    // A page on standard output is alone there.
    let run = report(&scratch, &["--json", "-o", "-"]).run().code(0);
    assert_eq!((run.out(), serde_json::from_str(&run.err()).ok()), (page(&scratch), Some(both)));
}

#[test]
fn the_exit_code_is_that_of_fsck_and_du() {
    report(&sound(), &[]).run().code(0);
    report(&demo(), &[]).run().code(3);
    let broken = Scratch::new();
    let image = broken.image("lib/app", "an image").tag("v1");
    fs::remove_file(broken.blob(image.layer)).unwrap();
    report(&broken, &["--json"]).run().code(3);
    let warned = sound();
    fs::create_dir_all(warned.repository("Not a name/_layers")).unwrap();
    let code = warned.regtree(["fsck"]).now(NOW).run().exit();
    assert_eq!((code, report(&warned, &[]).run().exit()), (Some(0), Some(0)));
}

#[test]
fn a_directory_is_no_place_for_a_page() {
    let scratch = sound();
    report(&scratch, &["-o", scratch.root().to_str().unwrap()]).run().code(1).says(["Is a directory"]);
}

#[test]
fn an_error_does_not_name_the_temporary_file() {
    let (scratch, elsewhere) = (sound(), Scratch::bare());
    let file = elsewhere.root().join("none/report.html");
    let run = report(&scratch, &["-o", file.to_str().unwrap()]).run().code(1).says(["No such file"]);
    assert!(!run.err().contains(".regtree-"), "{}", run.err());
}

/// Else a power cut could leave the name without the content.
#[test]
fn a_page_is_on_the_disk_before_it_takes_the_place_of_an_older_one() {
    let (scratch, elsewhere) = (sound(), Scratch::bare());
    let [file, trace] = ["report.html", "trace"].map(|name| elsewhere.root().join(name));
    fs::write(&file, "older").unwrap();
    let strace = strace(&["-e", "trace=fsync,rename,renameat,renameat2", "-o", trace.to_str().unwrap()]);
    report(&scratch, &["-o", file.to_str().unwrap()]).behind(strace).ok();
    let calls = traced(&trace);
    let first = |name: &str| calls.iter().position(|call| call.contains(name)).unwrap_or_else(|| panic!("{calls:?}"));
    assert!(first("fsync(") < first("rename"), "{calls:?}");
}

#[test]
fn a_page_is_not_written_to_a_terminal_unless_asked_for() {
    let scratch = sound();
    let shown = on_a_terminal("regtree report; echo code $?", &scratch);
    assert!(shown.contains("will not write a page to a terminal") && shown.contains("code 12"), "{shown}");
    assert!(on_a_terminal("regtree report -o -; echo code $?", &scratch).contains("</html>"));
}

#[test]
fn nothing_in_the_tree_changes() {
    let scratch = demo();
    let look = || crate::support::snapshot::snapshot(scratch.root());
    let before = look();
    report(&scratch, &[]).run().code(3);
    assert_eq!(before, look());
}
