//! HTTP as it is on the wire: a connection that stays open, and answers with every header that came.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// A connection to a server. One that the server closed is opened again.
#[derive(Debug)]
pub(crate) struct Wire {
    address: String,
    stream: Option<BufReader<TcpStream>>,
    /// How often the server closed it, though no answer had said that it would.
    pub(crate) broken_off: usize,
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// 0 where the connection was closed without any.
    pub(crate) status: u16,
    /// By names in lower case. The date is left out.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
    /// Whether the connection was closed before the body ended.
    pub(crate) is_cut: bool,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The document that it has, or null.
    pub(crate) fn document(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The code of the API's error that it has, or nothing.
    pub(crate) fn code(&self) -> String {
        self.document()["errors"][0]["code"].as_str().unwrap_or_default().to_owned()
    }

    /// Whether it is an error of the API.
    pub(crate) fn is_error(&self, status: u16, code: &str) -> bool {
        self.status == status && self.code() == code
    }
}

impl Wire {
    pub(crate) fn to(address: &str) -> Self {
        Self { address: address.to_owned(), stream: None, broken_off: 0 }
    }

    /// Asks for a target, whatever characters it has.
    pub(crate) fn ask(&mut self, method: &str, target: &str, headers: &[(&str, String)]) -> Answer {
        let headers: String = headers.iter().flat_map(|(name, value)| [name, ": ", value, "\r\n"]).collect();
        let request = format!("{method} {target} HTTP/1.1\r\nHost: registry\r\n{headers}\r\n");
        let was_open = self.stream.is_some();
        let first = self.try_ask(method, &request);
        if first.is_none() && was_open {
            self.broken_off += 1;
            return self.try_ask(method, &request).unwrap_or_default();
        }
        first.unwrap_or_default()
    }

    fn try_ask(&mut self, method: &str, request: &str) -> Option<Answer> {
        let mut stream = self.stream.take().unwrap_or_else(|| {
            let stream = TcpStream::connect(&self.address).unwrap();
            stream.set_nodelay(true).unwrap();
            stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
            BufReader::new(stream)
        });
        stream.get_mut().write_all(request.as_bytes()).ok()?;
        let status = line(&mut stream)?;
        let status = status.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
        let mut answer = Answer { status: status.expect("an answer begins with its status"), ..Answer::default() };
        while let Some(header) = line(&mut stream).filter(|line| !line.is_empty()) {
            let (name, value) = header.split_once(": ").unwrap();
            answer.headers.insert(name.to_lowercase(), value.to_owned());
        }
        answer.headers.remove("date");
        let goes_on = read_body(&mut stream, method, &mut answer) && answer.header("connection") != "close";
        self.stream = goes_on.then_some(stream);
        Some(answer)
    }
}

/// Reads the body, and returns whether another answer may follow.
fn read_body(stream: &mut BufReader<TcpStream>, method: &str, answer: &mut Answer) -> bool {
    if method == "HEAD" || matches!(answer.status, 204 | 304) {
        return true;
    }
    if answer.header("transfer-encoding") == "chunked" {
        while let Some(length) = line(stream).and_then(|line| u64::from_str_radix(&line, 16).ok()) {
            stream.take(length).read_to_end(&mut answer.body).unwrap();
            line(stream).unwrap();
            if length == 0 {
                return true;
            }
        }
        answer.is_cut = true;
        return false;
    }
    let length = answer.headers.get("content-length").map(|length| length.parse().unwrap());
    // A connection that is reset ends the body as one that is closed.
    stream.take(length.unwrap_or(u64::MAX)).read_to_end(&mut answer.body).ok();
    answer.is_cut = length.is_some_and(|length| answer.body.len() as u64 != length);
    length.is_some() && !answer.is_cut
}

/// A line without its end, or nothing where the connection was closed.
fn line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = Vec::new();
    stream.read_until(b'\n', &mut line).ok()?;
    let line = String::from_utf8(line).unwrap();
    line.strip_suffix("\r\n").map(str::to_owned)
}
