//! Runs the binary and its workloads, and reads their output.

use std::{
    io::{BufRead, BufReader, Write as _},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Output, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use libtest_mimic::Failed;
pub(crate) use serde_json::Value;

pub(crate) use crate::skip::skip;

/// A command that runs the binary under test.
pub(crate) fn procviz() -> Command {
    Command::new(binary())
}

/// The binary under test. In a virtual machine it has another path.
pub(crate) fn binary() -> &'static str {
    static OTHER: std::sync::LazyLock<Option<String>> =
        std::sync::LazyLock::new(|| std::env::var("PROCVIZ_TEST_BINARY").ok());
    OTHER.as_deref().unwrap_or(env!("CARGO_BIN_EXE_procviz"))
}

/// This program as a workload.
pub(crate) fn workload(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("--workload").args(args);
    command
}

/// The reason why tests that need kernel events cannot run here, or `None`.
pub(crate) fn why_no_events() -> Option<String> {
    let output = procviz().arg("doctor").output().unwrap();
    if output.status.success() {
        return None;
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let missing: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("no "))
        .map(|line| line[3..].trim())
        .collect();
    Some(format!("needs root: missing {}", missing.join(", ")))
}

/// Where the cgroup v2 hierarchy is mounted.
pub(crate) fn cgroup2_mount() -> Option<String> {
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap();
    mounts.lines().find_map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        (words.get(2) == Some(&"cgroup2")).then(|| words[1].to_owned())
    })
}

/// Whether a program is in a folder of `PATH`.
pub(crate) fn has_program(name: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(name).exists()))
}

/// A temporary folder of one test. Dropping the value removes the folder.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("procviz-{name}-{}", std::process::id()));
        _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A child process. Dropping the value kills the process by its pid.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    pub(crate) fn new(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    pub(crate) fn signal(&self, signal: nix::sys::signal::Signal) {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(self.0.id() as i32), signal).unwrap();
    }
}

impl Running {
    /// Waits for the process to exit, and returns the output from its pipes.
    pub(crate) fn wait_with_output(mut self) -> Output {
        let read = |pipe: Option<&mut dyn std::io::Read>| {
            let mut bytes = Vec::new();
            pipe.map(|pipe| pipe.read_to_end(&mut bytes).unwrap());
            bytes
        };
        let stderr = read(self.0.stderr.as_mut().map(|pipe| pipe as _));
        let stdout = read(self.0.stdout.as_mut().map(|pipe| pipe as _));
        Output {
            status: self.0.wait().unwrap(),
            stdout,
            stderr,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// A procviz that prints one JSON object per line, and its lines so far.
pub(crate) struct Lines {
    pub(crate) running: Running,
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
    errors: Option<JoinHandle<String>>,
}

impl Lines {
    pub(crate) fn new(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let stderr = child.stderr.take().unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        let reader = std::thread::spawn(move || {
            for line in BufReader::with_capacity(1 << 20, stdout)
                .lines()
                .map_while(Result::ok)
            {
                kept.lock().unwrap().push(line);
            }
        });
        let errors =
            std::thread::spawn(move || std::io::read_to_string(stderr).unwrap_or_default());
        Self {
            running: Running(child),
            lines,
            reader: Some(reader),
            errors: Some(errors),
        }
    }

    pub(crate) fn dump(args: &[&str]) -> Self {
        Self::new(
            procviz()
                .args(["dump", "--json", "--require-ebpf"])
                .args(args),
        )
    }

    /// Starts `exits --json` and waits until it prints exits.
    pub(crate) fn exits(args: &[&str]) -> Self {
        let exits = Self::new(procviz().args(["exits", "--json"]).args(args));
        exits.wait_until_exits_are_seen();
        exits
    }

    /// Waits until `exits` prints exits.
    pub(crate) fn wait_until_exits_are_seen(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.count() == 0 {
            assert!(Instant::now() < deadline, "`exits` prints nothing");
            Command::new("/bin/true").status().unwrap();
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.lines.lock().unwrap().len()
    }

    /// Waits for line `index` (from 0).
    pub(crate) fn line(&self, index: usize) -> Value {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(line) = self.lines.lock().unwrap().get(index) {
                return serde_json::from_str(line).unwrap();
            }
            assert!(Instant::now() < deadline, "line {index} is not printed");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// A snapshot whose interval begins after this call.
    pub(crate) fn fresh(&self) -> Value {
        let count = self.count();
        self.line(count + 1)
    }

    /// Sends SIGINT, and returns all lines and the text on stderr.
    pub(crate) fn end(mut self) -> (Vec<String>, String) {
        self.running.signal(nix::sys::signal::Signal::SIGINT);
        let status = self.running.0.wait().unwrap();
        assert!(status.success(), "exits with {status}");
        self.reader.take().unwrap().join().unwrap();
        let errors = self.errors.take().unwrap().join().unwrap();
        (std::mem::take(&mut *self.lines.lock().unwrap()), errors)
    }
}

/// The tasks of a snapshot that are alive: without those in state X.
pub(crate) fn living(snapshot: &Value) -> impl Iterator<Item = &Value> {
    snapshot["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|task| task["state"] != "X")
}

/// A task of a snapshot by its thread id.
pub(crate) fn task(snapshot: &Value, tid: u32) -> Option<&Value> {
    snapshot["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|task| task["tid"] == tid)
}

pub(crate) fn output(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Every thread id in `/proc`.
pub(crate) fn proc_tids() -> std::collections::BTreeSet<u32> {
    let mut tids = std::collections::BTreeSet::new();
    for pid in numbers("/proc") {
        tids.extend(numbers(&format!("/proc/{pid}/task")));
    }
    tids
}

/// The entries of a folder whose names are numbers; none if it cannot be listed.
pub(crate) fn numbers(folder: &str) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// A `stat` file of `/proc`.
pub(crate) struct Stat {
    pub(crate) comm: String,
    /// The fields from the third one on, which is the state.
    fields: Vec<String>,
}

impl Stat {
    /// `None` if the task has exited.
    pub(crate) fn read(path: &str) -> Option<Self> {
        let text = std::fs::read_to_string(path).ok()?;
        let (comm, rest) = text.split_once('(')?.1.rsplit_once(')')?;
        Some(Self {
            comm: comm.to_owned(),
            fields: rest.split_whitespace().map(str::to_owned).collect(),
        })
    }

    pub(crate) fn state(&self) -> &str {
        &self.fields[0]
    }

    /// A number, by its place in proc(5).
    pub(crate) fn field(&self, place: usize) -> u64 {
        self.fields[place - 3].parse().unwrap()
    }
}

/// Waits until `is_so`, or fails with `what`.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Starts a workload, and waits until it prints that it runs.
pub(crate) fn started(command: &mut Command) -> Running {
    let mut running = Running::new(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
    read_line(&mut BufReader::new(running.0.stdout.take().unwrap()));
    running
}

/// A Python program with arguments. Its output is not buffered.
pub(crate) fn python(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new("python3");
    command.args(["-u", "-c", program]).args(args);
    command
}

/// A process that talks by lines.
pub(crate) struct Talker {
    pub(crate) running: Running,
    lines: BufReader<ChildStdout>,
}

impl Talker {
    pub(crate) fn start(mut command: Command) -> Result<Self, Failed> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut running = Running::new(&mut command);
        let lines = BufReader::new(running.0.stdout.take().ok_or("no output")?);
        Ok(Self { running, lines })
    }

    pub(crate) fn hear(&mut self) -> Result<String, Failed> {
        let mut line = String::new();
        self.lines.read_line(&mut line)?;
        Ok(line)
    }

    pub(crate) fn say(&mut self, line: &[u8]) -> Result<(), Failed> {
        let stdin = self.running.0.stdin.as_mut().ok_or("no input")?;
        Ok(stdin.write_all(line)?)
    }
}

/// Reads a line of the output of a workload.
pub(crate) fn read_line(reader: &mut impl BufRead) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}
