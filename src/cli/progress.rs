//! Progress of long tasks on stderr: a bar on a terminal, a line now and then elsewhere.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use indicatif::{HumanBytes, HumanDuration, ProgressBar, ProgressDrawTarget};

use super::output::Output;
use crate::stream::{Progress, Silent};

/// What is done sooner needs no bar.
const SOON: Duration = Duration::from_millis(300);
/// How often a plain line is printed.
const EVERY: Duration = Duration::from_secs(10);
const WITH_TOTAL: &str = "{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}{prefix}";
const WITHOUT_TOTAL: &str = "{msg} {spinner} {bytes} {bytes_per_sec}{prefix}";
/// Of things that are counted and not measured.
const ITEMS: &str = "{msg}{prefix} {elapsed}";

/// What to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ProgressStyle {
    /// A bar on a terminal, lines elsewhere.
    Auto,
    /// A bar.
    Bar,
    /// A line every 10 seconds.
    Plain,
    /// Nothing.
    None,
}

/// The observer that `style` asks for.
pub(super) fn observer(style: ProgressStyle, output: &Output) -> Box<dyn Progress> {
    match style {
        _ if output.is_quiet() => Box::new(Silent),
        ProgressStyle::None => Box::new(Silent),
        ProgressStyle::Bar => Box::new(Bar::default()),
        ProgressStyle::Auto if std::io::stderr().is_terminal() => Box::new(Bar::default()),
        ProgressStyle::Auto | ProgressStyle::Plain => Box::new(Plain::default()),
    }
}

#[derive(Default)]
struct Bar(Mutex<Option<ProgressBar>>);

impl Bar {
    fn with(&self, act: impl FnOnce(&mut Option<ProgressBar>)) {
        // A poisoned bar is still a bar.
        act(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}

impl Progress for Bar {
    fn begin(&self, task: &str, total: Option<u64>) {
        let template = if total.is_some() { WITH_TOTAL } else { WITHOUT_TOTAL };
        let style = indicatif::ProgressStyle::with_template(template).expect("the template is a constant");
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden()).with_style(style);
        bar.set_message(task.to_owned());
        self.with(|current| *current = Some(bar));
    }

    fn advance(&self, bytes: u64) {
        self.with(|bar| {
            if let Some(bar) = bar {
                bar.inc(bytes);
                show(bar);
            }
        });
    }

    fn items(&self, done: u64, total: u64) {
        self.with(|bar| {
            if let Some(bar) = bar {
                bar.set_prefix(format!(" {done}/{total}"));
                if bar.position() == 0 && bar.length().is_none() {
                    let style = indicatif::ProgressStyle::with_template(ITEMS).expect("the template is a constant");
                    bar.set_style(style);
                }
                show(bar);
            }
        });
    }

    fn end(&self) {
        self.with(|bar| {
            if let Some(bar) = bar.take() {
                bar.finish_and_clear();
            }
        });
    }
}

/// Shows a bar that has been there for a while.
fn show(bar: &ProgressBar) {
    if bar.is_hidden() && bar.elapsed() > SOON {
        bar.set_draw_target(ProgressDrawTarget::stderr());
    }
}

#[derive(Default)]
struct Plain(Mutex<Option<Task>>);

struct Task {
    name: String,
    total: Option<u64>,
    done: u64,
    items: Option<(u64, u64)>,
    begun: Instant,
    said: Instant,
}

impl Task {
    /// Says how far it is, now and then.
    fn say(&mut self) {
        if self.said.elapsed() < EVERY {
            return;
        }
        self.said = Instant::now();
        // Nobody misses a line of progress that can't be said.
        let _ = writeln!(std::io::stderr(), "{}", self.line());
    }

    /// How far it is, how fast, and how long it will take.
    fn line(&self) -> String {
        if let (0, Some((done, total))) = (self.done, self.items) {
            return format!("{}: {done} of {total}", self.name);
        }
        let of = self.total.map(|total| format!(" of {}", HumanBytes(total))).unwrap_or_default();
        let items = self.items.map(|(done, total)| format!(", {done} of {total}")).unwrap_or_default();
        let seconds = self.begun.elapsed().as_secs().max(1);
        let rate = self.done / seconds;
        let left = self.total.filter(|_| rate > 0).map(|total| total.saturating_sub(self.done) / rate);
        let left = left.map(|left| format!(", {} left", HumanDuration(Duration::from_secs(left)))).unwrap_or_default();
        format!("{}: {}{of}{items}, {}/s{left}", self.name, HumanBytes(self.done), HumanBytes(rate))
    }
}

impl Progress for Plain {
    fn begin(&self, task: &str, total: Option<u64>) {
        let now = Instant::now();
        let task = Task { name: task.to_owned(), total, done: 0, items: None, begun: now, said: now };
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(task);
    }

    fn advance(&self, bytes: u64) {
        let mut task = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(task) = task.as_mut() else { return };
        task.done += bytes;
        task.say();
    }

    fn items(&self, done: u64, total: u64) {
        if let Some(task) = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).as_mut() {
            task.items = Some((done, total));
            task.say();
        }
    }

    fn end(&self) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = None;
    }
}
