//! The access log, and how the server begins and ends.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use serde_json::Value;

use crate::support::planted::Planted;
use crate::support::running::signal;
use crate::support::served::Served;
use crate::support::{Scratch, schema};

#[test]
fn each_request_is_a_line_with_what_was_asked_and_answered() {
    let planted = Planted::new();
    let digest = planted.layer("app", "content");
    let served = Served::serve(planted.root());
    served.get(&format!("/v2/app/blobs/{digest}"));
    served.head(&format!("/v2/app/blobs/{digest}"));
    served.get("/v2/app/tags/list?n=%1b%0a");
    let said = served.stop();
    let lines: Vec<&str> = said.lines().skip(1).collect();
    let [get, head, odd] = lines.as_slice() else { panic!("{said}") };
    let asked = format!("/v2/app/blobs/{digest}");
    assert!(get.contains(&format!("GET {asked} 200 7 ")) && get.ends_with(" ms"), "{get}");
    assert!(head.contains(&format!("HEAD {asked} 200 0 ")) && head.ends_with(" ms"), "{head}");
    assert!(odd.contains("GET /v2/app/tags/list?n=%1b%0a 400 "), "{odd}");
}

#[test]
fn the_log_is_json_if_that_is_wanted_and_nothing_with_quiet() {
    let planted = Planted::new();
    let served = Served::serve_with(planted.root(), &["--json"]);
    served.request("GET", "/v2/", &[("user-agent", "tester/1.0 \u{e9}")]);
    served.get("/v2/none/tags/list");
    let said = served.stop();
    let documents: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [base, none] = documents.as_slice() else { panic!("{said}") };
    said.lines().for_each(|line| schema::check_document("serve", line));
    assert_eq!((&base["status"], &base["bytes"], &base["target"]), (&200.into(), &2.into(), &"/v2/".into()));
    assert!(base["user_agent"].as_str().unwrap().starts_with("tester/1.0 ") && base.get("reason").is_none());
    assert_eq!(none["status"], 404);
    assert!(none["reason"].as_str().unwrap().contains("none is unknown"), "{none}");

    let served = Served::serve_with(planted.root(), &["-q"]);
    served.get("/v2/");
    assert_eq!(served.stop(), "");
}

#[test]
fn nobody_waits_for_the_log_to_be_read() {
    let planted = Planted::new();
    let served = Served::serve(planted.root());
    let requests = "GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n".repeat(5000);
    let replies = super::limits::raw(served.address(), requests.as_bytes());
    assert_eq!(String::from_utf8_lossy(&replies).matches("HTTP/1.1 200 OK").count(), 5000);
    // What was not lost is there once somebody reads.
    let said = served.stop();
    let lines = said.lines().filter(|line| line.contains(" GET /v2/ 200 ")).count();
    assert!(lines > 1000 && lines < 5000, "{lines}");
}

#[test]
fn a_signal_lets_what_has_begun_end_and_accepts_no_more() {
    let planted = Planted::new();
    // More than the buffers of a connection.
    let content = vec![7; 32 << 20];
    let digest = planted.layer("app", &content);
    let served = Served::serve(planted.root());
    let mut stream = TcpStream::connect(served.address()).unwrap();
    write!(stream, "GET /v2/app/blobs/{digest} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut begin = [0; 1000];
    stream.read_exact(&mut begin).unwrap();
    let address = served.address().to_owned();
    signal(served.child(), "-TERM");
    while TcpStream::connect(&address).is_ok() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert!(rest.ends_with(&content[..content.len() - 1000]));
    let said = served.ended();
    assert!(said.contains(&format!(" 200 {} ", content.len())), "{said}");
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let planted = Planted::new();
    let digest = planted.layer("app", vec![7; 32 << 20]);
    let served = Served::serve(planted.root());
    let mut stream = TcpStream::connect(served.address()).unwrap();
    write!(stream, "GET /v2/app/blobs/{digest} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    stream.read_exact(&mut [0; 1000]).unwrap();
    let address = served.address().to_owned();
    signal(served.child(), "-TERM");
    while TcpStream::connect(&address).is_ok() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    signal(served.child(), "-TERM");
    assert_eq!(served.exit(), Some(143));
}

#[test]
fn it_does_not_begin_without_a_tree_or_an_address() {
    let scratch = Scratch::bare();
    assert_eq!(scratch.run(["serve", "--listen", "127.0.0.1:0"]).exit(), Some(10));
    let planted = Planted::new();
    for address in ["5000", ":5000", "127.0.0.1:x", "127.0.0.1:70000"] {
        let run = planted.run(["serve", "--listen", address]);
        assert_eq!(run.exit(), Some(2), "{address}: {}", run.err());
    }
    let served = Served::serve(planted.root());
    let run = planted.run(["serve", "--listen", served.address()]);
    assert_eq!(run.exit(), Some(1), "{}", run.err());
    assert!(run.err().contains(&format!("cannot listen on {}", served.address())), "{}", run.err());
    assert!(run.err().contains("hint: perhaps the registry still runs there; --listen 127.0.0.1:0 "), "{}", run.err());
}

#[test]
fn with_few_threads_to_be_had_it_serves_or_says_why_it_can_t() {
    let planted = Planted::new();
    // As a user with no other process, so that the limit hits nobody else; root has none.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let user = "61235";
    assert!(Command::new("chown").args(["-R", user]).arg(planted.root()).status().unwrap().success());
    let mut outcomes = std::collections::BTreeSet::new();
    for limit in 1..12 {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", user, "--regid", user, "--clear-groups", "prlimit", &format!("--nproc={limit}")]);
        command.arg(env!("CARGO_BIN_EXE_regtree")).args(["serve", "--listen", "127.0.0.1:0", "--root"]);
        match Served::try_start(command.arg(planted.root())) {
            Ok(served) => {
                assert_eq!(served.get("/v2/_catalog").status, 200, "{limit}");
                served.stop();
                outcomes.insert("served");
            }
            Err((code, said)) => {
                assert_eq!(code, Some(1), "{limit}: {said}");
                assert!(said.contains("cannot listen") && !said.contains("panicked"), "{limit}: {said}");
                outcomes.insert("refused");
            }
        }
    }
    assert_eq!(outcomes.len(), 2, "{outcomes:?}");
}

#[test]
fn an_address_that_others_can_reach_is_warned_of() {
    let planted = Planted::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_regtree"));
    command.args(["serve", "--listen", "0.0.0.0:0", "--root"]).arg(planted.root());
    let said = Served::start(command).stop();
    let mut command = Command::new(env!("CARGO_BIN_EXE_regtree"));
    command.args(["serve", "--listen", "0.0.0.0:0", "--json", "--root"]).arg(planted.root());
    assert!(Served::start(command).listening().contains("\"warning\":\""));
    assert!(!Served::serve_with(planted.root(), &["--json"]).listening().contains("warning"));
    assert!(said.contains("warning: ") && said.contains("no authentication and no TLS"), "{said}");
    assert!(!Served::serve(planted.root()).stop().contains("warning: "));
}
