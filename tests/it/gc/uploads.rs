//! Old uploads, which a collection removes.

use std::process::Stdio;
use std::time::Duration;

use super::collect;
use super::planted::Planted;

const IDS: [&str; 2] = ["49c7033d-8881-4914-9c95-d56c28397fe8", "0195d2f0-1111-4222-8333-0123456789ab"];
const WEEKS: &str = "2015-01-01T00:00:00Z";

/// A tree with an image and an upload that was started long ago, all of it old.
fn with_upload() -> Planted {
    let planted = Planted::new();
    planted.tagged_image("lib", "v1", "an image");
    planted.upload("lib", IDS[0], WEEKS);
    planted.age(24 * 30);
    planted
}

fn upload(planted: &Planted, id: &str) -> bool {
    planted.at(&format!("repositories/lib/_uploads/{id}")).exists()
}

#[test]
fn an_old_upload_goes_and_a_young_one_stays() {
    let planted = with_upload();
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    planted.upload("lib", IDS[1], &now);
    let dry = collect(&planted.scratch, &["--dry-run"]).code(0);
    assert!(upload(&planted, IDS[0]));
    let collection = collect(&planted.scratch, &[]).code(0);
    assert_eq!(dry.removals(), collection.removals());
    assert_eq!(collection.removed("upload", "upload"), [format!("lib {}", IDS[0])].into());
    let event = collection.of_type("remove").find(|event| event["kind"] == "upload").unwrap();
    assert_eq!(event["size"], "received".len());
    assert!(!upload(&planted, IDS[0]) && upload(&planted, IDS[1]));
}

#[test]
fn uploads_stay_when_told() {
    let planted = with_upload();
    assert!(collect(&planted.scratch, &["--keep-uploads"]).code(0).removed("upload", "upload").is_empty());
    assert!(
        collect(&planted.scratch, &["--uploads-older-than", "20000d"]).code(0).removed("upload", "upload").is_empty()
    );
    assert!(upload(&planted, IDS[0]));
}

#[test]
fn an_upload_without_a_time_goes_when_it_is_old_and_not_before() {
    let planted = with_upload();
    let started = format!("repositories/lib/_uploads/{}/startedat", IDS[0]);
    planted.remove(&started);
    // Its directory was changed just now.
    assert!(collect(&planted.scratch, &[]).code(0).removed("upload", "upload").is_empty());
    planted.age(24 * 30);
    let collection = collect(&planted.scratch, &[]).code(0);
    assert_eq!(collection.removed("upload", "upload"), [format!("lib {}", IDS[0])].into());
}

#[test]
fn what_still_receives_is_young_however_long_ago_it_was_started() {
    let planted = with_upload();
    planted.age_of(&format!("repositories/lib/_uploads/{}/data", IDS[0]), 1);
    assert!(collect(&planted.scratch, &[]).code(0).removed("upload", "upload").is_empty());
}

#[test]
fn while_an_upload_is_received_nothing_is_collected() {
    let planted = with_upload();
    let mut command = planted.regtree(["blob", "put", "lib"]).command();
    let mut putting = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begin = std::time::Instant::now();
    while planted.uploads("lib").len() < 2 {
        assert!(begin.elapsed() < Duration::from_secs(30), "the put does not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
    let refused = planted.run(["gc", "--min-age", "0"]).code(11);
    assert!(refused.err().contains("locked"), "{}", refused.err());
    assert!(upload(&planted, IDS[0]));
    // Looking takes no lock.
    planted.run(["gc", "--dry-run"]).code(0);
    drop(putting.stdin.take());
    putting.wait().unwrap();
    planted.run(["gc"]).code(0);
    assert!(!upload(&planted, IDS[0]));
}
