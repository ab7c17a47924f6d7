//! The page as text: what is in it, and that no text of a tree is anything but text there.

use std::fs;

use data_encoding::BASE64;
use regtree::Digest;

use super::{HOSTILE, between, demo, hostile, page};
use crate::support::Scratch;

/// All tags of the page's body, with their attributes.
fn markup(page: &str) -> Vec<&str> {
    let body = page.split_once("</style>").unwrap().1.split_once("<script>").unwrap().0;
    body.split('<').skip(1).map(|tag| tag.split_once('>').unwrap_or_else(|| panic!("{tag}")).0).collect()
}

#[test]
fn the_policy_allows_the_page_s_own_style_and_script_and_nothing_else() {
    let page = page(&demo());
    let hash = |text: &str| BASE64.encode(&hex::decode(Digest::of(text.as_bytes()).hex().as_bytes()).unwrap());
    let style = hash(between(&page, "<style>", "</style>"));
    let script = hash(between(&page, "<script>", "</script>"));
    let policy = between(&page, "http-equiv=\"Content-Security-Policy\" content=\"", "\"");
    assert_eq!(
        policy,
        format!(
            "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; base-uri 'none'; \
             form-action 'none'"
        )
    );
    // It holds for all that comes after it.
    assert!(page.find("Content-Security-Policy") < page.find("<style>"));
}

#[test]
fn the_page_needs_nothing_else() {
    for page in [page(&demo()), page(&hostile())] {
        for tag in markup(&page) {
            let loads = ["src=", "srcset=", "style=", " on", "xlink:", "data:", "action="]
                .iter()
                .find(|word| tag.contains(*word));
            assert_eq!(loads, None, "<{tag}>");
            assert!(!tag.contains("href=") || tag.contains("href=\"#"), "<{tag}>");
        }
        let style = between(&page, "<style>", "</style>");
        assert!(["url(", "@import", "@font-face"].iter().all(|word| !style.contains(word)));
        let script = between(&page, "<script>", "</script>");
        assert!(
            ["innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "document.write", "fetch("]
                .iter()
                .all(|word| !script.contains(word))
        );
    }
}

#[test]
fn every_link_leads_to_a_place_of_the_page_and_no_place_is_there_twice() {
    for page in [page(&demo()), page(&hostile())] {
        let tags = markup(&page);
        let values = |name: &str| -> Vec<String> {
            let begin = format!(" {name}=\"");
            tags.iter().filter_map(|tag| Some(tag.split_once(&begin)?.1.split_once('"')?.0.to_owned())).collect()
        };
        let ids = values("id");
        let mut unique = ids.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), ids.len(), "{ids:?}");
        let links = values("href");
        assert!(links.len() > 20);
        for link in links {
            assert!(ids.contains(&link[1..].to_owned()), "{link}");
        }
    }
}

#[test]
fn hostile_names_are_shown_and_are_only_text() {
    let page = page(&hostile());
    let tags = markup(&page);
    for name in ["script", "img", "iframe", "svg onload", "style"] {
        assert!(!tags.iter().any(|tag| tag.starts_with(name)), "<{name}");
    }
    assert_eq!(
        (page.matches("<script").count(), page.matches("<title>").count()),
        (1, page.matches("</title>").count())
    );
    let escaped =
        |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    for text in HOSTILE {
        // As a path, and as what a link or a start time says.
        assert!(page.matches(&escaped(text)).count() >= 2, "{text}");
    }
}

#[test]
fn characters_that_hide_or_reorder_text_are_made_visible() {
    let scratch = Scratch::new();
    scratch.image("lib/app", "an image").tag("v1");
    // The other marks of direction, a hyphen that is not seen, and letters that no font shows.
    for name in ["evil\u{202e}gnp.\x1b[2J", "a\u{61c}b\u{2066}c", "soft\u{ad}hyphen", "tag\u{e0041}\u{fe0f}\u{3164}"] {
        fs::create_dir_all(scratch.repository(name).join("_layers")).unwrap();
    }
    let page = page(&scratch);
    for shown in
        ["evil\\u{202e}gnp.\\u{1b}[2J", "a\\u{61c}b\\u{2066}c", "soft\\u{ad}hyphen", "tag\\u{e0041}\\u{fe0f}\\u{3164}"]
    {
        assert!(page.contains(shown), "{shown}");
    }
    let hidden = "\u{202e}\x1b\u{61c}\u{2066}\u{ad}\u{e0041}\u{fe0f}\u{3164}";
    assert_eq!(page.chars().find(|character| hidden.contains(*character)), None);
}

#[test]
fn tables_have_what_the_map_and_the_script_show() {
    let scratch = demo();
    let page = page(&scratch);
    let repositories = between(&page, "<section id=\"repositories\">", "</section>");
    for name in ["demo/app", "demo/web"] {
        assert!(repositories.contains(&format!("<th scope=\"row\">{name}</th>")), "{repositories}");
    }
    let layers = between(&page, "<section id=\"layers\">", "</section>");
    assert!(layers.contains("<td class=\"names\">demo/app, demo/web</td>"), "{layers}");
    let health = between(&page, "<section id=\"health\">", "</section>");
    let command = format!("regtree --root {} repair --only blob-truncated --from SOURCE", scratch.root().display());
    assert!(health.contains(&command) && health.contains("<li>demo/web:latest</li>"), "{health}");
    let lines = between(&page, "<table id=\"breakdown\">", "</table>");
    let du = scratch.run(["du", "--json"]).json();
    for (line, bytes) in du["tree"].as_object().unwrap() {
        let row = if line == "total" { "<tfoot>".to_owned() } else { format!("<tr id=\"line-{line}\">") };
        let row = between(lines, &row, "</tr>");
        assert!(row.contains(&format!("data-value=\"{bytes}\"")), "{row}");
    }
}

#[test]
fn the_map_calls_a_line_as_the_table_does() {
    let scratch = Scratch::new();
    scratch.put("lib/app", b"what can't be read may need it");
    std::os::unix::fs::symlink("/elsewhere", scratch.repository("link")).unwrap();
    let page = page(&scratch);
    let map = between(&page, "<svg id=\"map\"", "</svg>");
    assert!(map.contains("<title>in doubt: ") && !map.contains(">doubtful"), "{map}");
}

#[test]
fn a_refusal_is_told_once_and_a_database_by_its_name() {
    let scratch = Scratch::new();
    scratch.image("lib/app", "an image").tag("v1");
    Scratch::plant(&scratch.root().join("docker/registry/lockfiles/database-in-use"), "");
    let page = page(&scratch);
    assert!(
        page.contains("A database of GitLab knows") && page.contains("gc would refuse this: a database of"),
        "{page}"
    );
}

/// The page stays small enough to open at once: what comes after the first thousand is one row, and one part of the map.
#[test]
fn the_tail_of_many_repositories_is_one_row() {
    const MORE: usize = 7;
    let scratch = Scratch::new();
    let (first, image) = ("many/0000", scratch.image("many/0000", "shared by all").tag("v1"));
    let links = ["_layers/sha256", "_manifests/revisions/sha256", "_manifests/tags"];
    for at in 1..1000 + MORE {
        let repository = scratch.repository(&format!("many/{at:04}"));
        for digest in [image.config, image.layer] {
            Scratch::plant(&repository.join(links[0]).join(digest.hex().to_string()).join("link"), digest.to_string());
        }
        let digest = image.digest.to_string();
        Scratch::plant(&repository.join(links[1]).join(image.digest.hex().to_string()).join("link"), &digest);
        Scratch::plant(&repository.join(links[2]).join("v1/current/link"), &digest);
    }
    let report = super::data(&scratch);
    let rows = report["space"]["repositories"].as_array().unwrap();
    assert_eq!(rows.len(), 1000 + MORE);
    let page = page(&scratch);
    let table = between(&page, "<section id=\"repositories\">", "</section>");
    assert_eq!(table.matches("<tr id=\"repository-").count(), 1000);
    let rest = between(table, "<tfoot>", "</tfoot>");
    let total = rows[0]["total"].as_u64().unwrap() * MORE as u64;
    assert!(rest.contains("7 repositories besides"), "{rest}");
    assert!(rest.contains(&format!("data-value=\"{total}\"")) && rest.contains("data-value=\"7\""), "{rest}");
    assert!(table.contains(first) && page.len() < 600_000, "{}", page.len());
    let sharers = between(&page, "<tr id=\"layer-0\">", "</tr>");
    assert!(sharers.contains("and 987 more"), "{sharers}");
}
