//! Running `regtree` as a user or a script does.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, OnceLock};
use std::thread;

/// Who runs what root must not: nobody.
const NOBODY: &str = "65534";
const AS_NOBODY: [&str; 7] = ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--no-new-privs"];
const PROGRAM: &str = env!("CARGO_BIN_EXE_regtree");

/// Whether the program may be run where it was built.
fn may_anybody_run_it() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| {
        let mut test = Command::new(AS_NOBODY[0]);
        test.args(&AS_NOBODY[1..]).args(["test", "-x", PROGRAM]).status().unwrap().success()
    })
}

/// The variable that hides what the machine has installed, where nothing of a test may depend on it. A release build
/// refuses it.
pub(crate) fn nothing_installed() -> Option<(&'static str, &'static str)> {
    cfg!(debug_assertions).then_some(("REGTREE_TEST_PLACES", "/nowhere"))
}

/// A call of the command, with a clean environment.
#[derive(Clone, Debug)]
pub(crate) struct Regtree {
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    stdin: Vec<u8>,
    prefix: Vec<OsString>,
    pauses: bool,
    directory: Option<std::path::PathBuf>,
    // Where others find the program; gone with the last call that needs it.
    lent: Option<Arc<tempfile::TempDir>>,
}

impl Regtree {
    /// `regtree`, with these arguments.
    pub(crate) fn new<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Self {
        let arguments = arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect();
        Self {
            arguments,
            environment: Vec::new(),
            stdin: Vec::new(),
            prefix: Vec::new(),
            pauses: false,
            directory: None,
            lent: None,
        }
    }

    /// `regtree --root ROOT`, with these arguments.
    pub(crate) fn at<A: AsRef<OsStr>>(root: &Path, arguments: impl IntoIterator<Item = A>) -> Self {
        let mut call = Self::new(["--root"]);
        call.arguments.push(root.into());
        call.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        call
    }

    /// With more arguments at the end.
    pub(crate) fn with<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    pub(crate) fn stdin(mut self, content: impl Into<Vec<u8>>) -> Self {
        self.stdin = content.into();
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// With the clock at this time (RFC 3339).
    pub(crate) fn now(self, time: &str) -> Self {
        self.env("REGTREE_TEST_NOW", time)
    }

    /// With this directory in the place of `/` where configurations and roots are looked for.
    pub(crate) fn installed(self, base: &Path) -> Self {
        self.env("REGTREE_TEST_PLACES", base)
    }

    /// With the pauses that `fsck` makes where a registry may run. Most tests do without them.
    pub(crate) fn with_pauses(mut self) -> Self {
        self.pauses = true;
        self
    }

    /// In this directory.
    pub(crate) fn within(mut self, directory: &Path) -> Self {
        self.directory = Some(directory.to_owned());
        self
    }

    /// As a user who is not root: as root, permissions prove nothing. Tests that run as somebody else are that already.
    pub(crate) fn unprivileged(self) -> Self {
        if rustix::process::geteuid().is_root() {
            return self.behind(AS_NOBODY).lent();
        }
        self
    }

    /// From a place where every user may run it, wherever the project was built.
    pub(crate) fn lent(mut self) -> Self {
        if may_anybody_run_it() {
            return self;
        }
        let place = tempfile::tempdir().unwrap();
        fs::set_permissions(place.path(), PermissionsExt::from_mode(0o755)).unwrap();
        // By another process: one that this one forks meanwhile would hold the file open to write, and keep it from being
        // run ("text file busy").
        let copied = Command::new("cp").arg(PROGRAM).arg(place.path()).status().unwrap();
        assert!(copied.success());
        self.lent = Some(Arc::new(place));
        self
    }

    /// Behind another command, such as `strace`.
    pub(crate) fn behind<A: AsRef<OsStr>>(mut self, prefix: impl IntoIterator<Item = A>) -> Self {
        self.prefix = prefix.into_iter().map(|argument| argument.as_ref().to_owned()).collect();
        self
    }

    /// The process, not started yet.
    pub(crate) fn command(&self) -> Command {
        let lent = self.lent.as_ref().map(|place| place.path().join("regtree").into_os_string());
        let binary = lent.unwrap_or_else(|| PROGRAM.into());
        let mut words = self.prefix.iter().chain([&binary]).chain(&self.arguments);
        let mut command = Command::new(words.next().unwrap());
        command.args(words).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        // Tests that run later than today: see tests/later.
        command.envs(std::env::var_os("LD_PRELOAD").map(|library| ("LD_PRELOAD", library)));
        command.envs(nothing_installed());
        // A release build refuses what is for tests.
        if !self.pauses && cfg!(debug_assertions) {
            command.env("REGTREE_TEST_PAUSES", "none");
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command
    }

    /// Runs it to its end. What it prints with `--json` has to be as `docs/schema` says.
    #[track_caller]
    pub(crate) fn run(self) -> Run {
        let mut command = self.command();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut stdin = child.stdin.take().unwrap();
        let content = self.stdin.clone();
        // It may end without reading all of it.
        let feeding = thread::spawn(move || stdin.write_all(&content));
        let output = child.wait_with_output().unwrap();
        feeding.join().unwrap().ok();
        super::schema::check(&self.arguments, &output.stdout, &output.stderr);
        Run { call: format!("{command:?}"), output }
    }

    /// Runs it, and expects it to succeed.
    #[track_caller]
    pub(crate) fn ok(self) -> Run {
        self.run().code(0)
    }
}

/// What came of a call.
#[derive(Debug)]
pub(crate) struct Run {
    call: String,
    output: Output,
}

impl Run {
    /// Expects this exit code.
    #[track_caller]
    pub(crate) fn code(self, expected: i32) -> Self {
        let found = self.output.status.code();
        assert_eq!(found, Some(expected), "{}\nstdout: {}\nstderr: {}", self.call, self.out(), self.err());
        self
    }

    /// Expects this text on stdout.
    #[track_caller]
    pub(crate) fn prints(self, text: &str) -> Self {
        assert!(self.out().contains(text), "{}\n{text:?} is missing in stdout: {}", self.call, self.out());
        self
    }

    /// Expects each of these texts on stderr.
    #[track_caller]
    pub(crate) fn says<T: AsRef<str>>(self, texts: impl IntoIterator<Item = T>) -> Self {
        for text in texts {
            let text = text.as_ref();
            assert!(self.err().contains(text), "{}\n{text:?} is missing in stderr: {}", self.call, self.err());
        }
        self
    }

    /// Expects nothing on stdout.
    #[track_caller]
    pub(crate) fn silent(self) -> Self {
        assert!(self.output.stdout.is_empty(), "{}\nstdout: {}", self.call, self.out());
        self
    }

    /// What it printed, as it is.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.output.stdout
    }

    /// What it printed.
    pub(crate) fn out(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    /// What it said on stderr.
    pub(crate) fn err(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// What it printed, without the newline at its end.
    pub(crate) fn answer(&self) -> String {
        self.out().trim_end_matches('\n').to_owned()
    }

    /// The lines it printed.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.out().lines().map(str::to_owned).collect()
    }

    /// The one JSON document it printed.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.output.stdout).unwrap_or_else(|error| panic!("{}: {error}", self.call))
    }

    /// The JSON documents it printed, one a line.
    #[track_caller]
    pub(crate) fn json_lines(&self) -> Vec<serde_json::Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        self.out().lines().map(parse).collect()
    }

    /// The one error of a JSON error document on stderr.
    #[track_caller]
    pub(crate) fn json_error(&self) -> serde_json::Value {
        let document: serde_json::Value =
            serde_json::from_slice(&self.output.stderr).unwrap_or_else(|error| panic!("{}: {error}", self.err()));
        assert_eq!(document["errors"].as_array().map(Vec::len), Some(1), "{document}");
        document["errors"][0].clone()
    }

    /// The exit code, if it ended with one.
    pub(crate) fn exit(&self) -> Option<i32> {
        self.output.status.code()
    }

    /// The signal that ended it, if one did.
    pub(crate) fn signal(&self) -> Option<i32> {
        std::os::unix::process::ExitStatusExt::signal(&self.output.status)
    }
}
