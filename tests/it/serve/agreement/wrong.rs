//! Requests that are wrong, or only odd.

use super::requests::Asked;

const CHARACTERS: &str = "a A 0 _ - . / : @ % ~ ! * + , ; = [ ] ^ | { } \\ \" < > ' ( & $ é \u{7f}";
const ALGORITHMS: &str = "sha512: sha384: sha1: md5: blake3: SHA256: Sha256: sha256%3A sha256%3a tarsum.v1+sha256: \
    tarsum+sha256: sha256+b64: a.b_c-d: a..b: : sha256 sha256:: sha256:- sha256:x=";
const NAMES: &str = "/LIB /lib/none /none /l%69b /lib%2Fapp //lib /./lib /../lib /_lib /lib_ /lib__x /lib___x /lib--x /.lib \
    /lib:5000 /lib:5000/app /[::1]/lib /Lib/x /LIB.com/x /lib.x";
const ENDS: &str = "/ // ? ?n=1 #x /x %00 %0a %2f /.. /. %20 % %z ?%zz ?a;b %ff ?last=x ?n=%31 ?n=1;last=x ?N=1 ?n=+1 ?n=%2b1 \
    ?n=01 ?n=1.0 ?n=1&n=2 ?last=%ff";
const KINDS: &str = "blobs manifests tags referrers Manifests blob blobs/uploads _manifests";
const PARTS: &str = ". .. x _x X %2e%2e %2e %5f lib v2 tags list blobs manifests uploads x.y_z";
const HOSTS: &str = "http://other HTTP://x:1 https://a:b@c http:/x http:";
const ROOTS: &str = "/v1/ /V2/ / /v2// /%762/ /v2%2f /v2/v2/";
const LAST: &str = "none .x -x _x list x:y sha256: v%31 v1%20 _catalog x@y a+b a%2Bb uploads uploads/ \
    uploads/00000000-0000-0000-0000-000000000000";

/// Numbers that look random, and are the same in each run for a name.
#[derive(Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn named(name: &str) -> Self {
        Self(name.bytes().fold(1, |seed, byte| seed.wrapping_mul(0x100_0000_01b3) ^ u64::from(byte)))
    }

    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % count.max(1)
    }

    /// One of these words.
    fn word(&mut self, words: &'static str) -> &'static str {
        let words: Vec<&str> = words.split(' ').filter(|word| !word.is_empty()).collect();
        words[self.below(words.len())]
    }

    /// Any of these requests, changed once or twice.
    pub(super) fn wrong(&mut self, right: &[Asked]) -> Asked {
        let mut target = right[self.below(right.len())].target.clone();
        for _ in 0..=self.below(4) / 3 {
            target = self.change(&target);
        }
        Asked::plain(target).accepting_all()
    }

    fn change(&mut self, target: &str) -> String {
        let (before, after) = target.split_at(target.floor_char_boundary(self.below(target.len())));
        let mut rest = after.chars();
        let first = rest.next().map_or(0, u32::from);
        let rest = rest.as_str();
        let mut parts: Vec<&str> = target.split('/').collect();
        let part = self.below(parts.len());
        let above = target.rsplit_once('/').map_or("", |(above, _)| above);
        match self.below(15) {
            0 => format!("{before}{rest}"),
            1 => format!("{before}{}{after}", self.word(CHARACTERS)),
            2 => format!("{before}%{first:02x}{rest}"),
            3 => target.replace("sha256:", self.word(ALGORITHMS)),
            4 => target.replacen("/lib", self.word(NAMES), 1),
            5 => format!("{target}{}", self.word(ENDS)),
            6 => self.change_hex(target),
            7 => target.replacen(if target.contains("/blobs/") { "blobs" } else { "manifests" }, self.word(KINDS), 1),
            8 => {
                parts.remove(part);
                parts.join("/")
            }
            9 => {
                parts.insert(part + 1, self.word(PARTS));
                parts.join("/")
            }
            10 if target.starts_with('/') => format!("{}{target}", self.word(HOSTS)),
            11 => target.replacen("/v2/", self.word(ROOTS), 1),
            12 => format!("{above}/{}", "x".repeat(126 + self.below(5))),
            13 => target.replacen("/lib", &format!("/{}lib", "a/".repeat(self.below(140))), 1),
            _ => format!("{above}/{}", self.word(LAST)),
        }
    }

    /// Another digest, which may be none.
    fn change_hex(&mut self, target: &str) -> String {
        let is_hex = |part: &&str| part.len() >= 64 && part.bytes().all(|b| b.is_ascii_hexdigit());
        let Some(hex) = target.split([':', '?', '/']).find(is_hex).map(str::to_owned) else {
            return format!("{target}x");
        };
        let (less, reversed): (String, String) = (hex[1..].to_owned(), hex.chars().rev().collect());
        let other = match self.below(9) {
            0 => less,
            1 => hex.clone() + "0",
            2 => hex.to_uppercase(),
            3 => reversed,
            4 => "0".repeat(hex.len()),
            5 => less + "g",
            6 => less + "=",
            7 => less + "_",
            _ => hex.repeat(2),
        };
        target.replace(&hex, &other)
    }
}
