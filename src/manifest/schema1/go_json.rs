//! Writes JSON as Go does.

use std::fmt::Write as _;

use serde_json::Value;

/// How a value is laid out.
#[derive(Clone, Copy, Debug)]
pub(super) enum Layout<'i> {
    /// Without white space.
    Compact,
    /// Each member has a line of its own. All lines but the first start with this indent, once more for each level.
    Indented(&'i str),
}

/// Writes a value. Members stay in their order.
///
/// This recurses as deep as the value is nested. A parsed value has at most 128 levels.
pub(super) fn write(out: &mut String, value: &Value, layout: Layout<'_>) {
    nested(out, value, layout, 1);
}

fn nested(out: &mut String, value: &Value, layout: Layout<'_>, depth: usize) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(value) => number(out, value.as_f64().unwrap_or_default()),
        Value::String(value) => string(out, value),
        Value::Array(values) => enclosed(out, ['[', ']'], values, layout, depth, |out, value| {
            nested(out, value, layout, depth + 1);
        }),
        Value::Object(members) => enclosed(out, ['{', '}'], members, layout, depth, |out, (name, value)| {
            string(out, name);
            out.push_str(if let Layout::Compact = layout { ":" } else { ": " });
            nested(out, value, layout, depth + 1);
        }),
    }
}

fn enclosed<T>(
    out: &mut String,
    [open, close]: [char; 2],
    items: impl IntoIterator<Item = T>,
    layout: Layout<'_>,
    depth: usize,
    mut write: impl FnMut(&mut String, T),
) {
    let line = |out: &mut String, depth: usize| {
        if let Layout::Indented(indent) = layout {
            out.push('\n');
            out.extend(std::iter::repeat_n(indent, depth + 1));
        }
    };
    out.push(open);
    let mut empty = true;
    for item in items {
        if !std::mem::take(&mut empty) {
            out.push(',');
        }
        line(out, depth);
        write(out, item);
    }
    if !empty {
        line(out, depth - 1);
    }
    out.push(close);
}

/// Writes a string. Escapes the characters that could end a script in a web page, and JavaScript's line separators.
fn string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..' ' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                write!(out, "\\u{:04x}", u32::from(character)).expect("a string takes what is written");
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

/// Writes a number. Go stores numbers as floating point, and writes very large and very small ones with an exponent.
fn number(out: &mut String, number: f64) {
    let size = number.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{number:e}");
        out.push_str(&if size < 1.0 { text } else { text.replace('e', "e+") });
    } else {
        write!(out, "{number}").expect("a string takes what is written");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn compact(value: &Value) -> String {
        let mut out = String::new();
        write(&mut out, value, Layout::Compact);
        out
    }

    #[test]
    fn strings_are_escaped_as_by_go() {
        let text = json!("<a href=\"b\\\">&\u{2028}\u{2029}\n\r\t\u{8}\u{7f}\u{e9}/");
        let written = r#""\u003ca href=\"b\\\"\u003e\u0026\u2028\u2029\n\r\t\u0008"#.to_owned() + "\u{7f}\u{e9}/\"";
        assert_eq!(compact(&text), written);
    }

    #[test]
    fn numbers_are_written_as_by_go() {
        let numbers = json!([1, 1.0, -0.5, 1e20, 1e21, 0.000_001, 1e-7, 9_007_199_254_740_993_u64, 1.25e-9]);
        assert_eq!(compact(&numbers), "[1,1,-0.5,100000000000000000000,1e+21,0.000001,1e-7,9007199254740992,1.25e-9]");
    }

    #[test]
    fn an_indented_value_hangs_behind_its_indent() {
        let mut out = String::new();
        write(&mut out, &json!([{"b": [], "a": {}}, true]), Layout::Indented("\t"));
        assert_eq!(out, "[\n\t\t{\n\t\t\t\"b\": [],\n\t\t\t\"a\": {}\n\t\t},\n\t\ttrue\n\t]");
    }
}
