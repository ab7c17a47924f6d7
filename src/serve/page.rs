//! A part of a list: `n` and `last` in a query, and the `Link` to the next part.

use std::cmp::Ordering;

use serde_json::Value;

/// How many names one answer has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// So many, unless the client says how many.
    pub(super) usual: usize,
    /// The most that a client may want.
    pub(super) most: usize,
}

/// The part of a list that a client wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// The most names. Without it, all.
    limit: Option<usize>,
    /// The name after which it begins. It need not be in the list.
    last: Option<String>,
}

impl Page {
    /// The part that a query asks for. Without limits it is all, unless the query says how much. `Err` has an `n` that
    /// is no number of names, or too large.
    pub(super) fn of(query: &str, limits: Option<Limits>) -> Result<Self, Value> {
        let find = |key| form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == key).map(|(_, value)| value);
        let limit = match find("n").filter(|n| !n.is_empty()) {
            None => limits.map(|limits| limits.usual),
            Some(n) => {
                // As Go's parser, it takes a sign, and no number that is larger than this.
                let number = n.parse::<i64>().ok().and_then(|number| usize::try_from(number).ok());
                let number = number.ok_or_else(|| Value::from(&*n))?;
                if limits.is_some_and(|limits| number > limits.most) {
                    return Err(number.into());
                }
                Some(number)
            }
        };
        Ok(Self { limit, last: find("last").filter(|last| !last.is_empty()).map(String::from) })
    }

    /// The names of this part of `names`, which are sorted by `order`, and the link to the next part of the list at
    /// `path`, if there is one.
    pub(super) fn cut(
        &self,
        mut names: Vec<String>,
        order: fn(&str, &str) -> Ordering,
        path: &str,
    ) -> (Vec<String>, Option<String>) {
        if let Some(last) = &self.last {
            let begin = names.partition_point(|name| order(name, last) != Ordering::Greater);
            names.drain(..begin);
        }
        let Some(limit) = self.limit.filter(|&limit| limit < names.len()) else { return (names, None) };
        names.truncate(limit);
        let link = names.last().map(|last| {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.append_pair("last", last).append_pair("n", &limit.to_string());
            format!("<{path}?{}>; rel=\"next\"", query.finish())
        });
        (names, link)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn cut(query: &str, limits: Option<Limits>) -> (Vec<String>, Option<String>) {
        Page::of(query, limits).unwrap().cut(names(&["a", "b/c", "d"]), str::cmp, "/v2/_catalog")
    }

    #[test]
    fn the_parts_of_a_list_follow_each_other() {
        assert_eq!(cut("", None), (names(&["a", "b/c", "d"]), None));
        assert_eq!(cut("n=3", None), (names(&["a", "b/c", "d"]), None));
        let link = |query: &str| Some(format!("</v2/_catalog?{query}>; rel=\"next\""));
        assert_eq!(cut("n=1", None), (names(&["a"]), link("last=a&n=1")));
        assert_eq!(cut("last=a&n=1", None), (names(&["b/c"]), link("last=b%2Fc&n=1")));
        assert_eq!(cut("last=b%2Fc&n=1", None), (names(&["d"]), None));
        assert_eq!(cut("last=b", None), (names(&["b/c", "d"]), None));
        assert_eq!(cut("last=z", None), (names(&[]), None));
        assert_eq!(cut("n=0", None), (names(&[]), None));
        let limits = Some(Limits { usual: 2, most: 5 });
        assert_eq!(cut("", limits), (names(&["a", "b/c"]), link("last=b%2Fc&n=2")));
        assert_eq!(cut("n=", limits).0, names(&["a", "b/c"]));
    }

    #[test]
    fn a_number_that_is_none_or_too_large_is_refused() {
        let limits = Some(Limits { usual: 100, most: 1000 });
        assert_eq!(Page::of("n=1001", limits), Err(1001.into()));
        for n in ["-1", "x", "99999999999999999999", "1.0"] {
            assert_eq!(Page::of(&format!("n={n}"), limits), Err(n.into()));
            assert_eq!(Page::of(&format!("n={n}"), None), Err(n.into()));
        }
        assert!(Page::of("n=1000", limits).is_ok() && Page::of("n=1001", None).is_ok());
    }
}
