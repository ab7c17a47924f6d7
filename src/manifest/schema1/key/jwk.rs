//! Keys as JSON, from the `jwk` of a signature's header.

use serde_json::{Map, Value};

use super::{Curve, Key, KeyFault};
use crate::manifest::schema1::jose;

/// A public key as JSON, with all of its members.
#[derive(Clone, Debug)]
pub(crate) struct Jwk {
    members: Map<String, Value>,
    pub(in super::super) key: Key,
    id: String,
}

impl Jwk {
    /// libtrust's id of the key.
    pub(crate) fn key_id(&self) -> &str {
        &self.id
    }

    /// Reads a key. A `kid` must be the key's own id.
    pub(in super::super) fn read(json: &[u8]) -> Result<Self, KeyFault> {
        let members: Map<String, Value> = serde_json::from_slice(json).map_err(|_| KeyFault::NotJson)?;
        let text = |name| members.get(name).and_then(Value::as_str).ok_or(KeyFault::Member(name));
        let number = |name| text(name).and_then(|text| jose::decode_url(text).ok_or(KeyFault::Member(name)));
        let key = match text("kty")? {
            "EC" => {
                let named = text("crv")?;
                let curve =
                    Curve::find(|curve| curve.name() == named).ok_or_else(|| KeyFault::Curve(named.to_owned()))?;
                let mut point = vec![4];
                for member in ["x", "y"] {
                    let coordinate = number(member)?;
                    let (expected, found) = (curve.size(), coordinate.len());
                    if found != expected {
                        return Err(KeyFault::Length { member, expected, found });
                    }
                    point.extend(coordinate);
                }
                Key::ec(curve, point)?
            }
            "RSA" => Key::rsa(&number("n")?, &number("e")?)?,
            other => return Err(KeyFault::Type(other.to_owned())),
        };
        let id = key.id();
        if members.contains_key("kid") {
            let kid = text("kid")?;
            if kid != id {
                return Err(KeyFault::Kid(kid.to_owned()));
            }
        }
        Ok(Self { members, key, id })
    }

    /// The key as libtrust writes it: the members of the key are computed again, others are kept, and all are sorted.
    pub(in super::super) fn canonical(&self) -> Value {
        let mut members = self.members.clone();
        let mut set = |name: &str, text: &str| drop(members.insert(name.to_owned(), text.into()));
        set("kid", &self.id);
        match &self.key {
            Key::Ec { curve, point } => {
                let (x, y) = point[1..].split_at(curve.size());
                set("x", &jose::encode_url(x));
                set("y", &jose::encode_url(y));
            }
            Key::Rsa(key) => {
                set("n", &jose::encode_url(key.modulus()));
                set("e", &jose::encode_url(&key.exponent()));
            }
        }
        let mut value = Value::Object(members);
        value.sort_all_objects();
        value
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use super::*;

    const X: &str = "m5spmCzPG8-C3D1CLQmNhSt4804ThDknBwmlZk9Q4Fw";
    const Y: &str = "TW_FBLOgDuFEUZrzglHuJnjE3FfcUD_UwcfmcamfTuA";
    const KID: &str = "3AAK:LK6N:XDLX:KNGI:N4W7:QJVH:ML6K:MVLI:QEL7:XMJK:OW2R:KACS";

    fn read(more: &str) -> Result<Jwk, KeyFault> {
        Jwk::read(format!(r#"{{"y":"{Y}","x":"{X}","crv":"P-256","kty":"EC"{more}}}"#).as_bytes())
    }

    #[test]
    fn a_key_is_called_by_its_id_and_written_in_order() {
        let jwk = read(r#","use":{"b":1,"a":"<"}"#).unwrap();
        assert_eq!(jwk.key_id(), KID);
        let written =
            format!(r#"{{"crv":"P-256","kid":"{KID}","kty":"EC","use":{{"a":"<","b":1}},"x":"{X}","y":"{Y}"}}"#);
        assert_eq!(jwk.canonical().to_string(), written);
    }

    #[test]
    fn a_kid_has_to_be_the_keys_own() {
        assert!(read(&format!(r#","kid":"{KID}""#)).is_ok());
        assert_eq!(read(r#","kid":"A""#).unwrap_err(), KeyFault::Kid("A".into()));
        assert_eq!(read(r#","kid":1"#).unwrap_err(), KeyFault::Member("kid"));
    }

    #[test]
    fn nesting_without_end_is_no_key() {
        assert_eq!(read(&format!(r#","a":{}"#, "[".repeat(100_000))).unwrap_err(), KeyFault::NotJson);
    }
}
