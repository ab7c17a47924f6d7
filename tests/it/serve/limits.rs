//! Hostile and slow clients.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use regtree::Registry;
use regtree::serve::{Access, AccessLog, Options, Server};
use regtree::stream::Interrupt;

use crate::support::planted::{Planted, blob_path};
use crate::support::served::Served;

/// Sends bytes, and returns all that comes back until the connection is closed.
pub(super) fn raw(address: &str, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    // The server may have closed the connection before it has read everything.
    if stream.write_all(request).is_ok() {
        stream.shutdown(Shutdown::Write).ok();
    }
    let mut reply = Vec::new();
    // A connection that is reset had an answer before, or none.
    stream.read_to_end(&mut reply).ok();
    reply
}

/// The status of the first answer.
fn status(reply: &[u8]) -> Option<u16> {
    String::from_utf8_lossy(reply).split(' ').nth(1)?.parse().ok()
}

#[test]
fn no_request_leads_out_of_the_tree_or_ends_the_server() {
    let planted = Planted::new();
    planted.tagged_image("app", "v1", "an image");
    planted.plant("secret/data", "secret");
    std::fs::write(planted.root().join("secret"), "secret").unwrap();
    let served = Served::serve(planted.root());
    let mut requests: Vec<Vec<u8>> = Vec::new();
    for path in [
        "/v2/../../secret",
        "/v2/%2e%2e/%2e%2e/secret",
        "/v2/..%2f..%2fsecret",
        "/v2/app/../../secret/tags/list",
        "/v2/app/manifests/..%2f..%2f..%2f..%2fsecret",
        "/v2/app/manifests/../../../secret/data",
        "/v2/app/blobs/sha256:..%2f..%2f..",
        "/v2/app/blobs/sha256:%2e%2e",
        "/v2/app/blobs/..",
        "/v2/%00/tags/list",
        "/v2/app%00/tags/list",
        "/v2/app/manifests/v1%00",
        "/v2/_manifests/tags/list",
        "/v2/app/_layers/tags/list",
        "/v2/.regtree/tags/list",
        "/v2/app/manifests/%ff%fe",
        "/v2/%/tags/list",
        "/v2/%zz/tags/list",
        "//",
        "/./",
        "/v2/app/manifests/v1/",
        "/v2/\u{7f}/tags/list",
        "/v2/app//manifests/v1",
        "http://",
        "v2/",
    ] {
        requests.push(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").into_bytes());
    }
    let long = |length: usize| format!("GET /v2/{}/tags/list HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(length));
    requests.extend([300, 5_000, 65_536, 1 << 20].map(|length| long(length).into_bytes()));
    let slashes = format!("GET /v2/{}tags/list HTTP/1.1\r\nHost: x\r\n\r\n", "a/".repeat(10_000));
    requests.push(slashes.into_bytes());
    let headers = "X: y\r\n".repeat(5000);
    requests.push(format!("GET /v2/ HTTP/1.1\r\nHost: x\r\n{headers}\r\n").into_bytes());
    let endless = format!("GET /v2/ HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    requests.push(endless.into_bytes());
    for junk in [
        &b""[..],
        b"\0",
        b"\r\n\r\n",
        b"GET",
        b"GET /v2/",
        b"GET /v2/ HTTP/1.1\r\nHost",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /v2/ HTTP/1.1\r\nA b: c\r\n\r\n",
        b"GET /v2/ HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /v2/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        b"GET \xff HTTP/1.1\r\n\r\n",
        b"GET /v2/ HTTP/1.1\r\nHost: x\r\nRange: bytes=\xff\r\nIf-None-Match: \xff\xfe\r\n\r\n",
    ] {
        requests.push(junk.to_vec());
    }
    for request in &requests {
        let reply = raw(served.address(), request);
        let shown = String::from_utf8_lossy(&request[..request.len().min(100)]).into_owned();
        assert!(!reply.windows(6).any(|bytes| bytes == b"secret"), "{shown}");
        let answered = status(&reply);
        assert!(reply.is_empty() || answered.is_some_and(|status| status < 500), "{shown}: {answered:?}");
    }
    assert_eq!(served.get("/v2/app/manifests/v1").status, 200);
    let said = served.stop();
    assert!(!said.contains("mistake in regtree") && !said.contains("panicked"), "{said}");
}

#[test]
fn a_request_names_one_host() {
    let served = Served::serve(Planted::new().root());
    for (head, expected) in [("", 400), ("Host: a\r\nHost: b\r\n", 400), ("Host: a\r\n", 503)] {
        let reply = raw(served.address(), format!("GET /v2/ HTTP/1.1\r\n{head}\r\n").as_bytes());
        assert_eq!(status(&reply), Some(expected), "{head:?}");
    }
    assert_eq!(status(&raw(served.address(), b"GET /v2/ HTTP/1.0\r\n\r\n")), Some(503));
}

#[test]
fn who_wants_parts_of_large_blobs_keeps_nobody_else_waiting() {
    let planted = Planted::new();
    let digest = planted.layer("app", vec![0; 64 << 20]);
    let served = Served::serve(planted.root());
    let request = format!("GET /v2/app/blobs/{digest} HTTP/1.1\r\nHost: x\r\nRange: bytes=0-0\r\n\r\n");
    let mut clients = Vec::new();
    for _ in 0..40 {
        let mut client = TcpStream::connect(served.address()).unwrap();
        client.write_all(request.as_bytes()).unwrap();
        clients.push(client);
    }
    // One is answered, so the others have begun too.
    clients[0].read_exact(&mut [0; 20]).unwrap();
    assert_eq!(served.get("/v2/_catalog").status, 200);
    for client in &mut clients[1..] {
        client.read_exact(&mut [0; 20]).unwrap();
    }
    let said = served.stop();
    let lines: Vec<&str> = said.lines().filter(|line| line.contains(" GET ")).collect();
    let other = lines.iter().position(|line| line.contains("_catalog")).unwrap();
    assert!(lines.len() == 41 && other < 30, "{other}: {said}");
}

#[test]
fn too_many_open_files_are_logged_and_end_nothing() {
    let planted = Planted::new();
    planted.tagged_image("app", "v1", "an image");
    let mut command = std::process::Command::new("prlimit");
    command.args(["--nofile=24", env!("CARGO_BIN_EXE_regtree"), "serve", "--listen", "127.0.0.1:0", "--root"]);
    command.arg(planted.root());
    let served = Served::start(command);
    let clients: Vec<TcpStream> = (0..30).map(|_| TcpStream::connect(served.address()).unwrap()).collect();
    // Only once the others have gone is there a file for it.
    let mut last = TcpStream::connect(served.address()).unwrap();
    last.write_all(b"GET /v2/app/manifests/v1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    last.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    assert!(last.read(&mut [0; 1]).is_err());
    drop(clients);
    last.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let mut reply = Vec::new();
    last.read_to_end(&mut reply).unwrap();
    assert_eq!(status(&reply), Some(200));
    let said = served.stop();
    assert!(said.contains("not accepted: Too many open files"), "{said}");
}

#[test]
fn requests_that_come_together_are_answered_in_order() {
    let planted = Planted::new();
    let [one, two] = ["one", "two"].map(|content| planted.layer("app", content));
    let served = Served::serve(planted.root());
    let get = |digest: &str| format!("GET /v2/app/blobs/{digest} HTTP/1.1\r\nHost: x\r\n\r\n");
    let reply = raw(served.address(), (get(&one) + &get(&two) + &get(&one)).as_bytes());
    let reply = String::from_utf8(reply).unwrap();
    let bodies: Vec<&str> = reply.split("HTTP/1.1 200 OK").skip(1).map(|reply| &reply[reply.len() - 3..]).collect();
    assert_eq!(bodies, ["one", "two", "one"]);
}

/// The statuses of all answers.
fn statuses(reply: &[u8]) -> Vec<u16> {
    let reply = String::from_utf8_lossy(reply).into_owned();
    // No content here has it.
    reply.split("HTTP/1.").skip(1).map(|answer| answer[2..5].parse().unwrap()).collect()
}

#[test]
fn a_connection_goes_on_after_any_answer_but_one_that_is_cut_off() {
    let planted = Planted::new();
    let [whole, damaged] = ["whole", "to be damaged"].map(|content| planted.layer("app", content));
    planted.plant(&blob_path(&damaged), "as long so...");
    let served = Served::serve(planted.root());
    let path = format!("/v2/app/blobs/{whole}");
    let ask = |method: &str, target: &str, rest: &str| format!("{method} {target} HTTP/1.1\r\nHost: x\r\n{rest}\r\n");
    let get = |target: &str, rest: &str| ask("GET", target, rest);
    let requests = [
        (get(&path, ""), 200),
        (get("/v2/none/tags/list", ""), 404),
        (get("/none", ""), 404),
        (get(&path, &format!("If-None-Match: \"{whole}\"\r\n")), 304),
        (get(&path, "Range: bytes=99-\r\n"), 416),
        (get(&path, "Range: bytes=1-2\r\n"), 206),
        (ask("HEAD", &path, ""), 200),
        (ask("HEAD", "/v2/app/manifests/none", ""), 404),
        (get(&format!("http://other{path}"), ""), 200),
        (ask("POST", "/v2/app/blobs/uploads/", "Content-Length: 5\r\n") + "hello", 405),
        (get(&path, "Content-Length: 5\r\n") + "hello", 200),
        (get(&path, "Transfer-Encoding: chunked\r\n") + "5\r\nhello\r\n0\r\n\r\n", 200),
        (get("/v2/_catalog?n=x", ""), 400),
        (get(&format!("/v2/app/blobs/{damaged}"), ""), 200),
    ];
    // What comes after the damaged blob is not answered: its end would be taken for the end of the blob.
    let together = requests.iter().map(|(request, _)| request.as_str()).collect::<String>() + &get("/v2/", "");
    let expected: Vec<u16> = requests.iter().map(|(_, status)| *status).collect();
    assert_eq!(statuses(&raw(served.address(), together.as_bytes())), expected);
}

#[test]
fn a_connection_ends_when_the_client_wants_it_to() {
    let planted = Planted::new();
    let served = Served::serve(planted.root());
    for (request, answers) in [
        ("GET /v2/ HTTP/1.0\r\n\r\n", 1),
        ("GET /v2/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 2),
        ("GET /v2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 1),
        ("HEAD /v2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 1),
        ("GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n", 2),
    ] {
        let mut stream = TcpStream::connect(served.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        stream.write_all(request.repeat(2).as_bytes()).unwrap();
        if answers == 2 {
            stream.shutdown(Shutdown::Write).unwrap();
        }
        let mut reply = Vec::new();
        // One that is reset was closed while the second request was on its way.
        stream.read_to_end(&mut reply).ok();
        assert_eq!(statuses(&reply), vec![200; answers], "{request}");
    }
}

/// The log of a server that runs in this process.
#[derive(Default)]
struct Kept(Mutex<Vec<Access>>);

impl AccessLog for Kept {
    fn answered(&self, access: &Access) {
        self.0.lock().unwrap().push(access.clone());
    }

    fn not_accepted(&self, reason: &str) {
        panic!("{reason}");
    }
}

/// Serves a tree with other limits while `work` runs, and returns what was logged.
fn with(planted: &Planted, options: Options, work: impl FnOnce(SocketAddr)) -> Vec<Access> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (log, interrupt) = (Arc::new(Kept::default()), Interrupt::default());
    let (root, kept, stop) = (planted.root().to_owned(), Arc::clone(&log), interrupt.clone());
    let server = Server::new(listener, options).unwrap();
    let server = thread::spawn(move || server.serve(move || Registry::open(&root), kept, &stop).unwrap());
    work(address);
    interrupt.cell().store(15, Ordering::Relaxed);
    server.join().unwrap();
    std::mem::take(&mut log.0.lock().unwrap())
}

fn short() -> Options {
    let mut options = Options::new();
    options.request_timeout = Duration::from_millis(300);
    options.send_timeout = Duration::from_millis(300);
    options.finish_timeout = Duration::from_millis(300);
    options
}

#[test]
fn a_client_that_is_slow_to_ask_is_disconnected() {
    let planted = Planted::new();
    with(&planted, short(), |address| {
        for begin in ["", "GET /v2/ HTTP/1.1\r\nHost: x\r\n", "GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n"] {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(begin.as_bytes()).unwrap();
            stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
            // It ends, because the server closes it: after the answer too, for no other request comes.
            stream.read_to_end(&mut Vec::new()).unwrap();
        }
    });
}

#[test]
fn a_client_that_takes_nothing_is_disconnected() {
    let planted = Planted::new();
    let content = vec![7; 64 << 20];
    let digest = planted.layer("app", &content);
    let log = with(&planted, short(), |address| {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET /v2/app/blobs/{digest} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        thread::sleep(Duration::from_secs(2));
        let mut taken = Vec::new();
        // What was under way arrives, and then the connection is closed or reset.
        stream.read_to_end(&mut taken).ok();
        assert!(taken.len() < content.len(), "{}", taken.len());
    });
    let [access] = log.as_slice() else { panic!("{log:?}") };
    assert_eq!(access.reason.as_deref(), Some("the client went away"));
    assert!(access.status == 200 && access.bytes < content.len() as u64, "{access:?}");
}

#[test]
fn a_connection_more_than_is_allowed_waits_for_its_turn() {
    let planted = Planted::new();
    let mut options = Options::new();
    options.max_connections = 2;
    with(&planted, options, |address| {
        let idle: Vec<TcpStream> = (0..2).map(|_| TcpStream::connect(address).unwrap()).collect();
        let mut third = TcpStream::connect(address).unwrap();
        third.write_all(b"GET /v2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        third.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        assert!(third.read(&mut [0; 1]).is_err());
        drop(idle);
        third.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        let mut reply = Vec::new();
        third.read_to_end(&mut reply).unwrap();
        assert_eq!(status(&reply), Some(200));
    });
}

#[test]
fn what_does_not_end_in_time_after_a_signal_is_cut_off() {
    let planted = Planted::new();
    let digest = planted.layer("app", vec![7; 64 << 20]);
    let mut options = short();
    options.send_timeout = Duration::from_hours(1);
    let mut stream = None;
    let log = with(&planted, options, |address| {
        let mut client = TcpStream::connect(address).unwrap();
        write!(client, "GET /v2/app/blobs/{digest} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        client.read_exact(&mut [0; 100]).unwrap();
        stream = Some(client);
    });
    assert!(log.is_empty() || log[0].reason.is_some(), "{log:?}");
}
