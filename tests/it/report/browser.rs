//! The page in a real browser: Chromium, without a window. Where it is missing, these tests say so and check nothing;
//! `tests/run.sh --browser` installs it, and lets them fail without it.

use std::fs;
use std::io::Write;
use std::process::Command;

use super::{demo, hostile, page};
use crate::support::Scratch;

const PROGRAMS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// What a browser made of a page.
struct Seen {
    /// The document after its scripts ran.
    document: String,
    /// What stands on the console.
    console: Vec<String>,
}

/// The browser, if there is one.
fn browser() -> Option<&'static str> {
    let found = PROGRAMS.into_iter().find(|program| Command::new(program).arg("--version").output().is_ok());
    if found.is_none() {
        assert!(std::env::var_os("REGTREE_TEST_BROWSER").is_none(), "none of {PROGRAMS:?} is installed");
        // The test harness would hide what `eprintln` prints.
        let _ = writeln!(std::io::stderr(), "skipped: none of {PROGRAMS:?} is installed (tests/run.sh --browser)");
    }
    found
}

/// Opens a page.
fn open(browser: &str, page: &str) -> Seen {
    let scratch = Scratch::bare();
    let (file, profile) = (scratch.root().join("report.html"), scratch.root().join("profile"));
    fs::write(&file, page).unwrap();
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
        ])
        .args(["--enable-logging=stderr", "--log-level=0", "--dump-dom", "--virtual-time-budget=2000"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("file://{}", file.display()))
        .env("HOME", scratch.root())
        .env_remove("DISPLAY")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let console = said.lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned).collect();
    let document = String::from_utf8(output.stdout).unwrap();
    assert!(document.contains("</html>"), "{document}");
    Seen { document, console }
}

/// The page with a script more, which the policy has to be taken out for.
fn driven(page: &str, script: &str) -> String {
    let (begin, rest) = page.split_once("<meta http-equiv").unwrap();
    let (_, rest) = rest.split_once('>').unwrap();
    format!("{begin}{}", rest.replace("</body>", &format!("<script>{{{script}}}</script></body>")))
}

fn title(seen: &Seen) -> &str {
    seen.document.split_once("<title>").unwrap().1.split_once("</title>").unwrap().0
}

#[test]
fn the_page_s_own_script_runs_and_the_console_stays_empty() {
    let Some(browser) = browser() else { return };
    let seen = open(browser, &page(&demo()));
    assert_eq!(seen.console, [""; 0]);
    assert!(seen.document.contains("<button type=\"button\">Freeable</button>"), "the script did not run");
}

/// Without this, an empty console would show nothing.
#[test]
fn what_the_policy_does_not_allow_is_not_run_and_the_console_says_so() {
    let Some(browser) = browser() else { return };
    let seen = open(browser, &page(&demo()).replace("'use strict';", "'use strict'; document.title = 'owned';"));
    assert!(title(&seen).starts_with("Registry report"));
    assert!(seen.console.iter().any(|line| line.contains("Content Security Policy")), "{:?}", seen.console);
    assert!(!seen.document.contains("<button type=\"button\">Freeable</button>"));
}

#[test]
fn nothing_that_a_tree_says_is_run() {
    let Some(browser) = browser() else { return };
    let page = page(&hostile());
    for page in [page.clone(), driven(&page, "")] {
        let seen = open(browser, &page);
        assert!(title(&seen).starts_with("Registry report"), "{}", title(&seen));
        assert_eq!(seen.console, [""; 0]);
        assert!(["<img", "<iframe", "onload=\"", "onerror=\""].iter().all(|text| !seen.document.contains(text)));
    }
}

#[test]
fn a_click_sorts_and_looks_into_the_map_and_escape_goes_back() {
    let Some(browser) = browser() else { return };
    let script = "
        const said = [];
        const names = () => [...document.querySelectorAll('#repositories tbody th')].map(cell => cell.textContent).join();
        const view = () => document.getElementById('map').getAttribute('viewBox');
        const button = [...document.querySelectorAll('#repositories button')].find(one => one.textContent === 'Repository');
        said.push(names()); button.click(); said.push(names()); button.click(); said.push(names());
        const whole = view(), part = document.querySelector('#map a[data-zoom]');
        const click = () => part.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true }));
        said.push(click(), view() === part.dataset.zoom, click());
        document.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape' }));
        said.push(view() === whole, document.getElementById('zoomed').hidden);
        document.title = 'said ' + said.join(' ');";
    let seen = open(browser, &driven(&page(&demo()), script));
    let (up, down) = ("demo/app,demo/web", "demo/web,demo/app");
    assert_eq!(title(&seen), format!("said {up} {up} {down} false true true true true"), "{:?}", seen.console);
}

#[test]
fn a_link_to_a_kind_of_finding_opens_it() {
    let Some(browser) = browser() else { return };
    let script = "
        const link = document.querySelector('#health tbody a');
        addEventListener('hashchange', () => {
            document.title = 'said ' + document.querySelector(link.getAttribute('href')).open;
        });
        link.click();";
    assert_eq!(title(&open(browser, &driven(&page(&demo()), script))), "said true");
}

/// What an expression says of a page that is this wide: `page` is the document there.
fn measured(browser: &str, page: &str, width: u32, expression: &str) -> String {
    let script = "
        if (top === self) {
            const frame = document.createElement('iframe');
            frame.width = WIDTH;
            frame.onload = () => {
                const page = frame.contentDocument;
                document.title = 'said ' + (EXPRESSION);
            };
            frame.srcdoc = document.documentElement.outerHTML;
            document.body.append(frame);
        }";
    let script = script.replace("WIDTH", &width.to_string()).replace("EXPRESSION", expression);
    let seen = open(browser, &driven(page, &script));
    title(&seen).strip_prefix("said ").unwrap_or_else(|| panic!("{:?}", seen.console)).to_owned()
}

/// The page as it is printed, but that nothing opened what is closed.
fn printed(page: &str) -> String {
    page.replace("@media print", "@media all")
}

/// How much wider the page is than its window.
const TOO_WIDE: &str = "page.documentElement.scrollWidth - page.documentElement.clientWidth";

/// The hostile tree, with names as long as a name of a file can be.
fn wide() -> Scratch {
    let scratch = hostile();
    let image = scratch.image("lib/app", "another image").tag("v2");
    let name = "W".repeat(255);
    let layer = image.layer.hex().to_string();
    Scratch::plant(&scratch.repository(&name).join("_layers/sha256").join(layer).join("link"), image.layer.to_string());
    let tag = scratch.repository("lib/app").join("_manifests/tags").join(&name);
    Scratch::plant(&tag.join("current/link"), image.digest.to_string());
    scratch
}

/// On a screen, what is wider than the window scrolls in itself.
#[test]
fn the_page_fits_a_narrow_window_and_a_sheet_of_paper() {
    let Some(browser) = browser() else { return };
    let page = page(&wide());
    assert_eq!(measured(browser, &page, 400, TOO_WIDE), "0");
    assert_eq!(measured(browser, &printed(&page), 720, TOO_WIDE), "0");
}

#[test]
fn paper_shows_what_is_closed_even_without_the_script() {
    let Some(browser) = browser() else { return };
    let page = page(&demo());
    let hidden =
        "[...page.querySelectorAll('details li, details table')].filter(each => !each.checkVisibility()).length";
    assert_ne!(measured(browser, &page, 720, hidden), "0");
    assert_eq!(measured(browser, &printed(&page), 720, hidden), "0");
}

#[test]
fn no_word_of_the_figures_at_the_top_is_broken() {
    let Some(browser) = browser() else { return };
    let lines = "(() => {
        const text = page.querySelector('.tiles a[href=\"#repositories\"]').closest('div').querySelector('strong').firstChild;
        const range = page.createRange();
        range.setStart(text, text.data.indexOf('repo'));
        range.setEnd(text, text.data.length);
        return range.getClientRects().length;
    })()";
    let page = page(&demo());
    for width in [400, 600, 900, 1200] {
        assert_eq!(measured(browser, &page, width, lines), "1", "{width}");
    }
}

/// A path whose letters run from right to left does not draw what comes after it to its left.
#[test]
fn what_follows_a_path_stays_after_it() {
    let Some(browser) = browser() else { return };
    let scratch = Scratch::new();
    let name = "\u{5d0}\u{5d1}\u{5d2}";
    fs::create_dir_all(scratch.repository(name).join("_layers")).unwrap();
    let is_after = "(() => {
        page.querySelectorAll('details').forEach(each => { each.open = true; });
        const path = [...page.querySelectorAll('#health li code')].find(each => each.textContent.endsWith('NAME'));
        const range = page.createRange();
        range.setStart(path.nextSibling, 0);
        range.setEnd(path.nextSibling, 1);
        return range.getBoundingClientRect().left >= path.getBoundingClientRect().right - 1;
    })()";
    assert_eq!(measured(browser, &page(&scratch), 1200, &is_after.replace("NAME", name)), "true");
}
