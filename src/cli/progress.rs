//! Shows the progress of long tasks on stderr: a bar on a terminal, a line every 10 seconds elsewhere.

mod line;

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use indicatif::{HumanBytes, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState};

use super::output::Output;
use super::terminal;
use crate::stream::{Progress, Silent};
use line::{Items, State};

/// A task that ends sooner shows no bar.
const SOON: Duration = Duration::from_millis(300);
/// How often a plain line is printed.
const EVERY: Duration = Duration::from_secs(10);
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ProgressStyle {
    /// A bar on a terminal, else a line every 10 seconds.
    Auto,
    /// A bar.
    Bar,
    /// A line every 10 seconds.
    Plain,
    /// Nothing.
    None,
}

/// The observer of a task during which lines are printed on standard output. On a terminal a bar would stand among them.
pub(super) fn beside_lines(style: ProgressStyle, output: &Output) -> Box<dyn Progress> {
    let is_mixed = std::io::stdout().is_terminal();
    observer(if is_mixed { ProgressStyle::None } else { style }, output)
}

/// The observer that `style` asks for.
pub(super) fn observer(style: ProgressStyle, output: &Output) -> Box<dyn Progress> {
    match style {
        _ if output.is_quiet() => Box::new(Silent),
        ProgressStyle::None => Box::new(Silent),
        ProgressStyle::Bar => Box::new(Bar(Current::none())),
        ProgressStyle::Auto if std::io::stderr().is_terminal() => Box::new(Bar(Current::none())),
        ProgressStyle::Auto | ProgressStyle::Plain => Box::new(Plain(Current::none())),
    }
}

/// What is shown of the task that is under way, if one is.
struct Current<T>(Mutex<Option<T>>);

impl<T> Current<T> {
    fn none() -> Self {
        Self(Mutex::new(None))
    }

    fn replace(&self, task: Option<T>) -> Option<T> {
        std::mem::replace(&mut *self.lock(), task)
    }

    fn with(&self, act: impl FnOnce(&mut T)) {
        if let Some(task) = self.lock().as_mut() {
            act(task);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<T>> {
        // A panic in another thread does no harm to the bar.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Bar(Current<Shown>);

struct Shown {
    bar: ProgressBar,
    items: Arc<Items>,
}

impl Progress for Bar {
    fn begin(&self, task: &str, total: Option<u64>) {
        let items = Arc::new(Items::default());
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden()).with_style(style(task, &items));
        self.0.replace(Some(Shown { bar, items }));
    }

    fn advance(&self, bytes: u64) {
        self.0.with(|Shown { bar, .. }| {
            bar.inc(bytes);
            show(bar);
        });
    }

    fn items(&self, done: u64, total: Option<u64>) {
        self.0.with(|Shown { bar, items }| {
            items.set(done, total);
            bar.tick();
            show(bar);
        });
    }

    fn make_room(&self) {
        self.0.with(|Shown { bar, .. }| {
            let next = continued(bar);
            std::mem::replace(bar, next).finish_and_clear();
        });
    }

    fn end(&self) {
        if let Some(Shown { bar, .. }) = self.0.replace(None) {
            bar.finish_and_clear();
        }
    }
}

/// A line that is built for each drawing, because the terminal's width may change: a line that wraps can't be erased.
fn style(task: &str, items: &Arc<Items>) -> indicatif::ProgressStyle {
    let (task, items) = (task.to_owned(), Arc::clone(items));
    let write = move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let (total, elapsed, left) = (state.len(), state.elapsed(), state.eta());
        let state = State { bytes: state.pos(), total, elapsed, left };
        // A terminal may wrap as soon as the last column is used.
        let columns = terminal::columns(std::io::stderr()) - 1;
        let _ = out.write_str(&line::fit(&line::parts(&task, state, &items), columns));
    };
    let style = indicatif::ProgressStyle::with_template("{line}").expect("the template is a constant");
    style.with_key("line", write)
}

/// A bar that goes on where another was, and is hidden until then.
fn continued(bar: &ProgressBar) -> ProgressBar {
    let next = ProgressBar::with_draw_target(bar.length(), ProgressDrawTarget::hidden()).with_style(bar.style());
    next.with_position(bar.position()).with_elapsed(bar.elapsed())
}

/// Shows a bar that has been there for a while.
fn show(bar: &ProgressBar) {
    if bar.is_hidden() && bar.elapsed() > SOON {
        bar.set_draw_target(ProgressDrawTarget::stderr());
    }
}

struct Plain(Current<Task>);

struct Task {
    name: String,
    total: Option<u64>,
    done: u64,
    /// How many items are done, and how many there are, if that is known.
    items: Option<(u64, Option<u64>)>,
    begun: Instant,
    said: Instant,
}

impl Task {
    /// Prints the progress every 10 seconds.
    fn say(&mut self) {
        if self.said.elapsed() < EVERY {
            return;
        }
        self.said = Instant::now();
        // A line of progress that can't be printed does not matter.
        let _ = writeln!(std::io::stderr(), "{}", self.line());
    }

    /// How far the task is, its speed, and how long it will take.
    fn line(&self) -> String {
        let seconds = self.begun.elapsed().as_secs().max(1);
        let items = self.items.map(|(done, total)| match total {
            Some(total) => format!("{done} of {total}"),
            None => done.to_string(),
        });
        if let (0, Some((done, _)), Some(items)) = (self.done, self.items, &items) {
            return format!("{}: {items}, {}/s", self.name, done / seconds);
        }
        let of = self.total.map(|total| format!(" of {}", HumanBytes(total))).unwrap_or_default();
        let items = items.map(|items| format!(", {items}")).unwrap_or_default();
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
        self.0.replace(Some(task));
    }

    fn advance(&self, bytes: u64) {
        self.0.with(|task| {
            task.done += bytes;
            task.say();
        });
    }

    fn items(&self, done: u64, total: Option<u64>) {
        self.0.with(|task| {
            task.items = Some((done, total));
            task.say();
        });
    }

    fn end(&self) {
        self.0.replace(None);
    }
}
