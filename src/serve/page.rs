//! A part of a list: `n` and `last` in a query, and the `Link` to the next part.

use std::cmp::Ordering;

use serde_json::Value;

/// The most names that one answer has, if the client chooses how many.
const MOST: usize = 1000;

/// The part of a list that a client wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// The most names. Without it, all.
    limit: Option<usize>,
    /// The name after which it begins. It need not be in the list.
    last: Option<String>,
}

impl Page {
    /// The part that a query asks for, `limit` names if it does not say how many. `Err` has an `n` that is no number of
    /// names, or too large.
    pub(super) fn of(query: &str, limit: Option<usize>) -> Result<Self, Value> {
        let find = |key| form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == key).map(|(_, value)| value);
        let limit = match find("n").filter(|n| !n.is_empty()) {
            None => limit,
            Some(n) => match n.parse::<i64>() {
                Ok(number) => match usize::try_from(number) {
                    Ok(limit) if limit <= MOST => Some(limit),
                    _ => return Err(number.into()),
                },
                Err(_) => return Err((*n).into()),
            },
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

    fn cut(query: &str, limit: Option<usize>) -> (Vec<String>, Option<String>) {
        Page::of(query, limit).unwrap().cut(names(&["a", "b/c", "d"]), str::cmp, "/v2/_catalog")
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
        assert_eq!(cut("", Some(2)), (names(&["a", "b/c"]), link("last=b%2Fc&n=2")));
        assert_eq!(cut("n=", Some(2)).0, names(&["a", "b/c"]));
    }

    #[test]
    fn a_number_that_is_none_or_too_large_is_refused() {
        assert_eq!(Page::of("n=1001", None), Err(1001.into()));
        assert_eq!(Page::of("n=-1", None), Err((-1).into()));
        assert_eq!(Page::of("n=x", None), Err("x".into()));
        assert_eq!(Page::of("n=99999999999999999999", None), Err("99999999999999999999".into()));
        assert!(Page::of("n=1000", None).is_ok());
    }
}
