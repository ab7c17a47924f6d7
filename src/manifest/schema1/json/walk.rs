//! The walk over one value, from its first byte to the byte after its last.

/// How deep Go's parser lets values nest.
const MAX_DEPTH: usize = 10_000;

/// What the walk passes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event<'d> {
    /// An object or array begins.
    Open,
    /// It ends.
    Close,
    /// The name of a member, as a string with its quotes.
    Name(&'d [u8]),
}

/// Where the value that starts at `at` ends; `None` if no well-formed value does.
pub(super) fn value<'d>(bytes: &'d [u8], mut at: usize, see: &mut impl FnMut(Event<'d>)) -> Option<usize> {
    let mut closers = Vec::new();
    loop {
        let first = *bytes.get(at)?;
        if let b'{' | b'[' = first {
            if closers.len() == MAX_DEPTH {
                return None;
            }
            see(Event::Open);
            let closer = if first == b'{' { b'}' } else { b']' };
            closers.push(closer);
            at = after_space(bytes, at + 1);
            if *bytes.get(at)? != closer {
                if first == b'{' {
                    at = name(bytes, at, see)?;
                }
                continue;
            }
        } else {
            at = scalar(bytes, at)?;
        }
        // A value has ended, or an empty one is about to: close what ends with it.
        loop {
            let Some(&closer) = closers.last() else { return Some(at) };
            at = after_space(bytes, at);
            let byte = *bytes.get(at)?;
            at += 1;
            if byte == closer {
                see(Event::Close);
                closers.pop();
                continue;
            }
            if byte != b',' {
                return None;
            }
            at = after_space(bytes, at);
            if closer == b'}' {
                at = name(bytes, at, see)?;
            }
            break;
        }
    }
}

/// Past a member's name and its colon, to where its value starts.
fn name<'d>(bytes: &'d [u8], at: usize, see: &mut impl FnMut(Event<'d>)) -> Option<usize> {
    let end = string(bytes, at)?;
    see(Event::Name(&bytes[at..end]));
    let colon = after_space(bytes, end);
    (*bytes.get(colon)? == b':').then(|| after_space(bytes, colon + 1))
}

fn scalar(bytes: &[u8], at: usize) -> Option<usize> {
    let word = |word: &[u8]| bytes[at..].starts_with(word).then_some(at + word.len());
    match *bytes.get(at)? {
        b'"' => string(bytes, at),
        b't' => word(b"true"),
        b'f' => word(b"false"),
        b'n' => word(b"null"),
        _ => number(bytes, at),
    }
}

fn string(bytes: &[u8], at: usize) -> Option<usize> {
    let mut rest = bytes.get(at..)?.strip_prefix(b"\"")?;
    loop {
        rest = match rest {
            [b'"', ..] => return Some(bytes.len() - rest.len() + 1),
            [b'\\', b'u', a, b, c, d, rest @ ..] if [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit()) => rest,
            [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', rest @ ..] => rest,
            [b'\\' | 0..0x20, ..] | [] => return None,
            [_, rest @ ..] => rest,
        };
    }
}

fn number(bytes: &[u8], mut at: usize) -> Option<usize> {
    let next = |at: usize| bytes.get(at).copied();
    if next(at) == Some(b'-') {
        at += 1;
    }
    at = if next(at) == Some(b'0') { at + 1 } else { digits(bytes, at)? };
    if next(at) == Some(b'.') {
        at = digits(bytes, at + 1)?;
    }
    if let Some(b'e' | b'E') = next(at) {
        at += 1;
        if let Some(b'+' | b'-') = next(at) {
            at += 1;
        }
        at = digits(bytes, at)?;
    }
    Some(at)
}

/// Past at least one digit.
fn digits(bytes: &[u8], at: usize) -> Option<usize> {
    let count = bytes.get(at..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (count > 0).then_some(at + count)
}

pub(super) fn after_space(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count()
}
