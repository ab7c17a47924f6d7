//! Writes signatures exactly as libtrust does, byte for byte.

use serde_json::{Map, Value};

use super::go_json::{self, Layout};
use super::key::Jwk;
use super::{Signature, Signed};

impl Signature {
    /// The content of the blob in which a registry up to 2.4 stores the signature.
    pub(crate) fn stored(&self) -> Vec<u8> {
        let mut out = String::new();
        go_json::write(&mut out, &self.value(), Layout::Compact);
        out.into_bytes()
    }

    fn value(&self) -> Value {
        let mut header = Map::new();
        header.extend(self.jwk().map(Jwk::canonical).map(|jwk| ("jwk".to_owned(), jwk)));
        header.insert("alg".to_owned(), self.algorithm().into());
        if !self.chain().is_empty() {
            header.insert("x5c".to_owned(), self.chain().into());
        }
        let mut signature = Map::new();
        signature.insert("header".to_owned(), header.into());
        signature.insert("signature".to_owned(), self.text().into());
        if !self.protected().is_empty() {
            signature.insert("protected".to_owned(), self.protected().into());
        }
        signature.into()
    }
}

impl Signed {
    /// The signed document as a registry serves it: the payload up to the cut, then the signatures in the order of
    /// their keys, indented like the payload. The tail is not part of it.
    ///
    /// This differs from libtrust in two cases, where libtrust crashes or does not write JSON. A signature with a
    /// certificate and no `jwk` is sorted by the certificate's key, and an empty payload gets no comma.
    pub(crate) fn pretty(&self) -> Vec<u8> {
        let mut signatures: Vec<&Signature> = self.signatures.iter().collect();
        signatures.sort_by_key(|signature| signature.order());
        let list = signatures.into_iter().map(Signature::value).collect();

        let head = &self.payload[..self.format.length];
        let mut out = String::new();
        if head.trim_ascii() != b"{" {
            out.push(',');
        }
        if let Some(indent) = indent(&self.payload) {
            out.extend(["\n", indent, "\"signatures\": "]);
            go_json::write(&mut out, &list, Layout::Indented(indent));
            out.push('\n');
        } else {
            out.push_str("\"signatures\":");
            go_json::write(&mut out, &list, Layout::Compact);
        }
        out.push('}');
        [head, out.as_bytes()].concat()
    }
}

/// The text between the first line and the first name, if the first line is only a brace.
fn indent(payload: &[u8]) -> Option<&str> {
    let rest = payload.strip_prefix(b"{\n")?;
    let quote = rest.iter().position(|&byte| byte == b'"')?;
    // In valid JSON there can only be white space.
    str::from_utf8(&rest[..quote]).ok().filter(|indent| !indent.is_empty())
}
