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

/// The page is as wide as the window; what is wider scrolls in itself.
#[test]
fn the_page_fits_a_narrow_window() {
    let Some(browser) = browser() else { return };
    let script = "
        if (top === self) {
            const frame = document.createElement('iframe');
            frame.width = 400;
            frame.onload = () => {
                const { clientWidth, scrollWidth } = frame.contentDocument.documentElement;
                document.title = 'said ' + (clientWidth <= 400) + ' ' + (scrollWidth - clientWidth);
            };
            frame.srcdoc = document.documentElement.outerHTML;
            document.body.append(frame);
        }";
    assert_eq!(title(&open(browser, &driven(&page(&hostile()), script))), "said true 0");
}
