use std::process::{Command, Stdio};

use libtest_mimic::Failed;

use crate::{
    Needs, Test,
    support::{Folder, Running, Value, output, procviz, python, skip, started, stderr, workload},
    threads::Journal,
};

pub(crate) const TESTS: &[Test] = &[
    ("a_leak", Needs::Events, || named(&["grow"], "growth", 5)),
    ("a_busy_loop", Needs::Events, || named(&["burn"], "cpu", 4)),
    ("short_lives", Needs::Events, || {
        named(&["fork-loop"], "forks", 4)
    }),
    ("shells_that_leave_orphans", Needs::Events, || {
        named(&["orphans"], "forks", 5)
    }),
    ("a_fork_bomb", Needs::Events, || {
        named(&["bomb", "256"], "tree", 6)
    }),
    ("a_direct_writer", Needs::Events, a_direct_writer),
    ("a_crashing_child", Needs::Events, || {
        named(&["restart"], "deaths", 6)
    }),
    ("beyond_a_cgroups_limit", Needs::Events, beyond_a_limit),
    ("threads_at_once", Needs::Events, || {
        named(&["threads", "500"], "threads", 5)
    }),
    ("vfork_parents_in_d", Needs::Events, vfork_parents),
    ("threads_that_stall", Needs::Events, || {
        named(&["stalls", "64"], "waiting", 7)
    }),
    ("a_gibibyte", Needs::Events, || {
        named(&["gibibyte"], "growth", 7)
    }),
    ("commands_at_one_instant", Needs::Events, || {
        named(&["burst", "30"], "burst", 7)
    }),
    ("zombies", Needs::Events, || {
        named(&["zombies", "50"], "zombies", 3)
    }),
    ("rules_can_be_set", Needs::Events, rules_can_be_set),
    ("quiet_loads_are_not_accused", Needs::Events, quiet_loads),
    ("a_build_is_what_it_is", Needs::Events, a_build),
    (
        "the_file_of_a_blocked_writer_is_named",
        Needs::Events,
        frozen,
    ),
];

/// A file system on which nobody can write for as long as this exists.
struct Frozen<'a>(&'a Journal);

impl<'a> Frozen<'a> {
    fn new(journal: &'a Journal) -> Self {
        let frozen = Self(journal);
        assert!(frozen.freeze("--freeze"), "it cannot be frozen");
        frozen
    }

    fn freeze(&self, how: &str) -> bool {
        let result = output(Command::new("fsfreeze").arg(how).arg(self.0.file("")));
        result.status.success()
    }
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        _ = self.freeze("--unfreeze");
    }
}

/// Writers that wait for a frozen file system: the finding says where in the kernel, and which
/// file, or which mount, all of them have open.
fn frozen() -> Result<(), Failed> {
    let Some(journal) = Journal::start()? else {
        return skip("no file system can be mounted from a file");
    };
    let program = r#"
import ctypes, os, sys, time
for name in sys.argv[1:]:
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(1, 9)
        with open(name, 'ab', buffering=0) as f:
            while True: f.write(b'x' * 4096); time.sleep(0.05)
print('ready'); time.sleep(600)
"#;
    let path = |name: &str| journal.file(name).to_str().unwrap().to_owned();
    for files in [&["data"][..], &["a", "b", "c"]] {
        let paths: Vec<String> = files.iter().map(|name| path(name)).collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let writers = started(&mut python(program, &paths));
        let frozen = Frozen::new(&journal);
        let found = judged(writers.pid(), 9);
        drop(frozen);
        let found = found?;
        let texts = found.iter().filter(|line| line["rule"] == "blocked");
        let texts: Vec<&str> = texts.map(|line| line["text"].as_str().unwrap()).collect();
        let expected = match files {
            [_] => format!("has {} open (ext4)", path("data")),
            _ => format!(
                "all have files on {} open (ext4)",
                path("").trim_end_matches('/')
            ),
        };
        // Long paths are cut at their begin.
        let end = expected.char_indices().rev().nth(50).unwrap().0;
        let is_told = |text: &&str| text.contains(&expected[end..]) && text.contains(", in ");
        assert!(
            texts.iter().any(is_told),
            "{expected:?} is not in {found:#?}"
        );
    }
    Ok(())
}

fn start(args: &[&str]) -> Running {
    started(&mut workload(args))
}

/// The findings that begin about a workload and its descendants.
fn judged(pid: u32, seconds: u32) -> Result<Vec<Value>, Failed> {
    let result = output(procviz().args([
        "findings",
        "--json",
        "--require-ebpf",
        "--tree",
        &pid.to_string(),
        "--duration",
        &format!("{seconds}s"),
    ]));
    assert!(result.status.success(), "{}", stderr(&result));
    let lines = String::from_utf8(result.stdout)?;
    let begun = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        // Without `stall`: procviz itself got no CPU, which the host of a virtual machine
        // can cause.
        .filter(|line| line["change"] == "begins" && line["rule"] != "stall");
    Ok(begun.collect())
}

/// Checks that a rule names a process with rank 1 or 2.
fn check(said: &[Value], rule: &str, pid: u32) -> Result<(), Failed> {
    let is_named = said.iter().any(|line| {
        line["rule"] == rule && line["pid"] == pid && line["rank"].as_u64().unwrap() <= 2
    });
    if is_named {
        Ok(())
    } else {
        Err(format!("`{rule}` does not name {pid}: {said:#?}").into())
    }
}

fn named(load: &[&str], rule: &str, seconds: u32) -> Result<(), Failed> {
    let load = start(load);
    check(&judged(load.pid(), seconds)?, rule, load.pid())
}

/// Thresholds can be set, and findings left out, by rule and by name.
fn rules_can_be_set() -> Result<(), Failed> {
    let load = start(&["some-cpu", "50"]);
    let said = |more: &[&str]| -> Result<Vec<Value>, Failed> {
        let pid = load.pid().to_string();
        let args = ["findings", "--json", "--tree", &pid, "--duration", "5s"];
        let result = output(procviz().args(args).args(more));
        assert!(result.status.success(), "{}", stderr(&result));
        let lines = String::from_utf8(result.stdout)?;
        let lines = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        Ok(lines.filter(|line: &Value| line["rule"] == "cpu").collect())
    };
    assert_eq!(said(&[])?.len(), 0);
    let half = ["--rule", "cpu:cores=0.3"];
    let found = said(&half)?;
    check(&found, "cpu", load.pid())?;
    let name = found[0]["comm"].as_str().unwrap();
    let begin = format!("{}*", &name[..3]);
    for (ignored, is_said) in [
        ("cpu".to_owned(), false),
        (format!("cpu:{begin}"), false),
        ("cpu:other".to_owned(), true),
        ("io".to_owned(), true),
    ] {
        let found = said(&[half[0], half[1], "--ignore", &ignored])?;
        assert_eq!(!found.is_empty(), is_said, "--ignore {ignored}: {found:#?}");
    }
    Ok(())
}

/// A slow disk can stay below the threshold of the rule `io`; then there is no finding,
/// and the test writes through the page cache instead.
fn a_direct_writer() -> Result<(), Failed> {
    let folder = Folder::new("finding-writer");
    let file = folder.file("written");
    for how in ["write-much", "write-cached"] {
        let load = start(&[how, file.to_str().unwrap()]);
        let said = judged(load.pid(), 4)?;
        let written = written_in_a_second(load.pid())?;
        if written >= 12 << 20 {
            check(&said, "io", load.pid())?;
            let io = said.iter().filter(|line| line["rule"] == "io");
            let texts: Vec<_> = io.filter_map(|line| line["text"].as_str()).collect();
            assert!(
                texts.iter().all(|text| text.starts_with("writes ")),
                "{texts:?}"
            );
            return Ok(());
        }
        println!("{how}: the disk takes only {written} bytes/s");
    }
    Err("neither the disk nor the page cache takes 12 MiB/s".into())
}

fn written_in_a_second(pid: u32) -> Result<u64, Failed> {
    let dump = output(procviz().args([
        "dump",
        "--json",
        "-p",
        "--samples",
        "2",
        "--pid",
        &pid.to_string(),
    ]));
    let lines = String::from_utf8(dump.stdout)?;
    let snapshot: Value = serde_json::from_str(lines.lines().last().unwrap())?;
    Ok(snapshot["tasks"][0]["io_delta_bytes"].as_u64().unwrap())
}

fn vfork_parents() -> Result<(), Failed> {
    let load = start(&["vforks", "30"]);
    let said = judged(load.pid(), 7)?;
    let blocked = said.iter().find(|line| line["rule"] == "blocked");
    let count = blocked.map(|line| line["count"].as_u64().unwrap());
    assert_eq!(count, Some(30), "{said:#?}");
    // The finding says where in the kernel they wait.
    let text = blocked.unwrap()["text"].as_str().unwrap();
    let (_, place) = text.split_once(", in ").unwrap_or_default();
    assert!(place.contains("fork") || place.contains("clone"), "{text}");
    Ok(())
}

fn beyond_a_limit() -> Result<(), Failed> {
    let mounts = std::fs::read_to_string("/proc/mounts")?;
    let place = mounts.lines().find_map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        let is_v1 = words[2] == "cgroup" && words[3].split(',').any(|option| option == "memory");
        match words[2] {
            _ if is_v1 => Some((words[1].to_owned(), "memory.limit_in_bytes")),
            "cgroup2" => Some((words[1].to_owned(), "memory.max")),
            _ => None,
        }
    });
    let Some((mount, limit)) = place else {
        return skip("no cgroup with a memory limit is mounted");
    };
    let folder = format!("{mount}/procviz-oom-{}", std::process::id());
    if std::fs::create_dir(&folder).is_err()
        || std::fs::write(format!("{folder}/{limit}"), "67108864").is_err()
    {
        _ = std::fs::remove_dir(&folder);
        return skip("cannot set a memory limit");
    }
    let load = start(&["beyond-limit", &folder]);
    let said = judged(load.pid(), 5);
    drop(load);
    std::fs::remove_dir(&folder)?;
    let said = said?;
    let oom = said.iter().find(|line| line["rule"] == "oom");
    let oom = oom.ok_or_else(|| format!("no finding `oom`: {said:#?}"))?;
    assert!(oom["rank"] == 1 && oom["text"].as_str().unwrap().contains("OOM killer"));
    Ok(())
}

/// No false findings about quiet workloads: threads that wake ten times a second, a grep
/// that fails in a slow loop, and an interactive shell.
fn quiet_loads() -> Result<(), Failed> {
    let sleepers = start(&["wake", "200"]);
    not_accused(sleepers.pid(), 4)?;
    drop(sleepers);
    let script =
        "i=0; while [ $i -lt 1000 ]; do grep -q nothing /dev/null; i=$((i+1)); sleep 0.3; done";
    let grep = Running::new(std::process::Command::new("sh").args(["-c", script]));
    not_accused(grep.pid(), 5)?;
    drop(grep);
    let shell = Running::new(
        std::process::Command::new("sh")
            .arg("-i")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    );
    not_accused(shell.pid(), 3)
}

/// Checks that there are no findings about a process. `waiting` is allowed, because it is
/// true, if the kernel counts waits for a CPU for a tenth of the time.
fn not_accused(pid: u32, seconds: u32) -> Result<(), Failed> {
    let before = waited_for_cpu_us();
    let mut said = judged(pid, seconds)?;
    let waited = waited_for_cpu_us() - before;
    if waited * 10 >= u64::from(seconds) * 1_000_000 {
        println!("{waited} us of waits for a CPU in {seconds} s");
        said.retain(|line| line["rule"] != "waiting");
    }
    assert!(said.is_empty(), "{said:#?}");
    Ok(())
}

/// Time in which some task waited for a CPU, us since boot: `/proc/pressure/cpu`.
fn waited_for_cpu_us() -> u64 {
    let text = std::fs::read_to_string("/proc/pressure/cpu").unwrap_or_default();
    let some = text.lines().find(|line| line.starts_with("some"));
    let total = some.and_then(|line| line.rsplit_once("total="));
    total.map_or(0, |(_, total)| total.parse().unwrap())
}

/// A build uses CPU, starts compilers that grow, and writes. There are no findings about
/// crashes or hangs.
fn a_build() -> Result<(), Failed> {
    const TRUE_OF_IT: [&str; 7] = [
        "cpu", "forks", "burst", "growth", "waiting", "io", "threads",
    ];
    let folder = Folder::new("build");
    let manifest = "[package]\nname = \"built\"\nedition = \"2024\"\n[workspace]\n";
    std::fs::write(folder.file("Cargo.toml"), manifest)?;
    std::fs::create_dir_all(folder.file("src/bin"))?;
    for index in 0..6 {
        let source = "fn main() { println!(\"{:?}\", std::env::args().collect::<Vec<_>>()); }";
        std::fs::write(folder.file(&format!("src/bin/part{index}.rs")), source)?;
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let build = Running::new(
        std::process::Command::new(cargo)
            .args(["build", "--offline", "--quiet", "--manifest-path"])
            .arg(folder.file("Cargo.toml"))
            .env("CARGO_TARGET_DIR", folder.file("target")),
    );
    let said = judged(build.pid(), 6)?;
    let others: Vec<&Value> = said
        .iter()
        .filter(|line| !TRUE_OF_IT.contains(&line["rule"].as_str().unwrap()))
        .collect();
    assert!(others.is_empty(), "{others:#?}");
    // A build on all CPUs harms nobody.
    let harms = said.iter().filter(|line| line["severity"] != "unusual");
    assert_eq!(harms.count(), 0, "{said:#?}");
    assert!(folder.file("target/debug/part5").exists());
    Ok(())
}
