//! Loads of a healthy machine: nothing is said to harm, or to be about to harm. Each runs for
//! a few seconds, or for as many as `PROCVIZ_TEST_SECONDS` says.

use std::{
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, Stdio},
};

use libtest_mimic::Failed;

use crate::{
    Needs, Test,
    support::{Folder, Running, Value, has_program, output, procviz, python, skip, stderr},
};

pub(crate) const TESTS: &[Test] = &[
    ("an_idle_desktop", Needs::Events, || quiet(DESKTOP)),
    ("a_web_server", Needs::Events, || quiet(WEB_SERVER)),
    ("a_database_checkpoints", Needs::Events, || quiet(DATABASE)),
    ("logs_are_rotated", Needs::Events, || quiet(LOGROTATE)),
    ("cron_runs_commands", Needs::Events, || quiet(CRON)),
    ("a_suite_of_tests", Needs::Events, || quiet(TEST_SUITE)),
    ("packages_are_installed", Needs::Events, packages),
    ("a_build_of_two_jobs", Needs::Events, a_build),
    ("what_harms_is_noticed", Needs::Events, what_harms),
];

/// Forty processes that wake up now and then, as those of a desktop do.
const DESKTOP: &str = r"
import os, random, time
for number in range(40):
    if os.fork() == 0:
        random.seed(number)
        while True:
            time.sleep(random.random())
            sum(range(20_000))
time.sleep(1_000)
";

/// A server of user 33 with a thread for each connection, and clients of user 2078 that keep half of the
/// CPUs busy.
const WEB_SERVER: &str = r"
import http.server, os, threading, time, urllib.request
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'x' * 4_000
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Page)
address = 'http://127.0.0.1:%d/' % server.server_address[1]
if os.fork() == 0:
    os.setuid(33)
    server.serve_forever()
server.socket.close()
os.setuid(2078)
def ask():
    while True:
        urllib.request.urlopen(address).read()
        time.sleep(0.02)
for _ in range(4):
    threading.Thread(target=ask, daemon=True).start()
time.sleep(1_000)
";

/// Commits of a write-ahead log, with a checkpoint now and then, beside readers.
const DATABASE: &str = r"
import os, sqlite3, sys, time
path = os.path.join(sys.argv[1], 'database')
def opened():
    database = sqlite3.connect(path, timeout=60)
    database.execute('PRAGMA journal_mode=WAL')
    database.execute('PRAGMA synchronous=FULL')
    return database
database = opened()
database.execute('CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)')
for _ in range(2):
    if os.fork() == 0:
        reader = opened()
        while True:
            reader.execute('SELECT count(*), max(text) FROM t').fetchall()
            time.sleep(0.05)
last = time.time()
while True:
    with database:
        database.executemany('INSERT INTO t (text) VALUES (?)', [('x' * 500,)] * 200)
    if time.time() - last > 2:
        database.execute('PRAGMA wal_checkpoint(TRUNCATE)')
        database.execute('DELETE FROM t WHERE id % 2')
        last = time.time()
    time.sleep(0.02)
";

/// Logs of 8 MiB are renamed, compressed and removed, one every second.
const LOGROTATE: &str = r"
import os, subprocess, sys, time
log = os.path.join(sys.argv[1], 'log')
line = b'2026-01-01T00:00:00 service[1]: a line of a log, as there are many\n'
while True:
    with open(log, 'wb') as file:
        file.write(line * ((8 << 20) // len(line)))
    os.rename(log, log + '.1')
    subprocess.run(['gzip', '-f', log + '.1'], check=True)
    os.remove(log + '.1.gz')
    time.sleep(1)
";

/// A shell that starts a few commands twice a second, as cron does each minute.
const CRON: &str = r"
import subprocess, time
line = 'test -x /usr/sbin/anacron || find /etc/cron.d -type f | sort | head -3 > /dev/null; date > /dev/null'
while True:
    for _ in range(3):
        subprocess.run(['sh', '-c', line])
    time.sleep(0.5)
";

/// Two tests at a time; some of them fail, and some have to be ended.
const TEST_SUITE: &str = r"
import os, subprocess, sys, time
case = '''
import sys, time, unittest
class Case(unittest.TestCase):
    def test_sum(self):
        until = time.process_time() + 0.2
        while time.process_time() < until: pass
        self.assertEqual(int(sys.argv[-1]) % 5, 0)
unittest.main(argv=['case'], exit=int(sys.argv[-1]) % 3 > 0)
time.sleep(100)
'''
number = 0
while True:
    running = []
    for _ in range(2):
        number += 1
        command = [sys.executable, '-c', case, str(number)]
        running.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))
    for process in running:
        try: process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait()
";

/// Loops of two users on all CPUs: this harms.
const LOOPS: &str = r"
import os
for number in range(2 * os.cpu_count() - 1):
    if os.fork() == 0:
        os.setuid(33 if number % 2 else 2078)
        break
while True: pass
";

fn seconds() -> String {
    let seconds = std::env::var("PROCVIZ_TEST_SECONDS");
    format!("{}s", seconds.as_deref().unwrap_or("7"))
}

fn quiet(program: &str) -> Result<(), Failed> {
    let folder = Folder::new("healthy");
    let load = python(program, &[folder.0.to_str().unwrap()]);
    nothing_harms(load)
}

fn nothing_harms(load: Command) -> Result<(), Failed> {
    let harms = harms(load)?;
    assert!(harms.is_empty(), "{harms:#?}");
    Ok(())
}

/// The other tests can fail.
fn what_harms() -> Result<(), Failed> {
    let harms = harms(python(LOOPS, &[]))?;
    assert!(!harms.is_empty());
    Ok(())
}

/// Runs a load. Returns the findings of the whole machine whose severity is above *unusual*.
fn harms(mut load: Command) -> Result<Vec<Value>, Failed> {
    // A group of its own, so that its children end with it.
    load.process_group(0).stdout(Stdio::null());
    let load = Group(Running::new(&mut load));
    std::thread::sleep(std::time::Duration::from_millis(500));
    let result = output(procviz().args([
        "findings",
        "--json",
        "--require-ebpf",
        "--duration",
        &seconds(),
    ]));
    let mut load = load;
    let ended = load.0.0.try_wait()?;
    assert!(ended.is_none(), "the load ended by itself: {ended:?}");
    assert!(result.status.success(), "{}", stderr(&result));
    let lines = String::from_utf8(result.stdout)?;
    let lines = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    Ok(lines.filter(|line| line["severity"] != "unusual").collect())
}

/// A group of processes, which ends with this value.
struct Group(Running);

impl Drop for Group {
    fn drop(&mut self) {
        let group = nix::unistd::Pid::from_raw(self.0.pid().cast_signed());
        _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
    }
}

/// dpkg unpacks a package of 2,000 files again and again.
fn packages() -> Result<(), Failed> {
    if !has_program("dpkg") {
        return skip("there is no dpkg");
    }
    let folder = Folder::new("package");
    let (source, root) = (folder.file("source"), folder.file("root"));
    std::fs::create_dir_all(source.join("DEBIAN"))?;
    let control = "Package: many-files\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\nDescription: many files\n";
    std::fs::write(source.join("DEBIAN/control"), control)?;
    std::fs::create_dir_all(source.join("usr/share/many-files"))?;
    for number in 0..2_000 {
        let file = source.join(format!("usr/share/many-files/{number}"));
        std::fs::write(file, number.to_string().repeat(2_000))?;
    }
    std::fs::create_dir_all(root.join("var/lib/dpkg/info"))?;
    std::fs::create_dir_all(root.join("var/lib/dpkg/updates"))?;
    std::fs::write(root.join("var/lib/dpkg/status"), "")?;
    let package = folder.file("package.deb");
    let built = Command::new("dpkg-deb")
        .args(["--root-owner-group", "-Zgzip", "-b"])
        .args([&source, &package])
        .output()?;
    assert!(built.status.success(), "{}", stderr(&built));
    let line = "while dpkg --root=\"$0\" --force-script-chrootless -i \"$1\"; do :; done";
    let mut load = Command::new("sh");
    load.args(["-c", line]).args([root.as_path(), &package]);
    nothing_harms(load)
}

/// make compiles with two jobs, on all CPUs of a small machine.
fn a_build() -> Result<(), Failed> {
    let folder = Folder::new("two-jobs");
    write_sources(&folder.0)?;
    let line = "while make -s -j2 -C \"$0\" all && rm -f \"$0\"/*.o; do :; done";
    let mut load = Command::new("sh");
    load.args(["-c", line]).arg(&folder.0);
    nothing_harms(load)
}

fn write_sources(folder: &Path) -> Result<(), Failed> {
    for part in 0..8 {
        let functions = (0..800).map(|number| {
            format!("int f{part}_{number}(int x) {{ int y = 0; while (x--) y += x * {number}; return y; }}\n")
        });
        let source = functions.collect::<String>();
        std::fs::write(folder.join(format!("part{part}.c")), source)?;
    }
    let makefile = "all: $(patsubst %.c,%.o,$(wildcard *.c))\n%.o: %.c\n\tcc -O2 -c -o $@ $<\n";
    Ok(std::fs::write(folder.join("Makefile"), makefile)?)
}
