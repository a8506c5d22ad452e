//! Records into folders: rotated files, and the ring that writes files when a trigger
//! fires.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use libtest_mimic::Failed;
use nix::sys::signal::Signal;
use procviz::{
    model::{Event, Sample},
    recording::{FiredTrigger, Reader},
};

use crate::{
    Needs, Test,
    support::{
        Folder, Running, Value, output, procviz, skip, started, stderr, wait_until, workload,
    },
};

pub(crate) const TESTS: &[Test] = &[
    ("rotated_files_are_one_story", Needs::Events, rotated),
    ("a_removed_file_is_reported", Needs::Events, removed),
    ("only_its_own_oldest_go", Needs::Events, room),
    ("each_trigger_fires", Needs::Events, triggers),
    (
        "triggers_of_the_machine",
        Needs::Events,
        triggers_of_the_machine,
    ),
    (
        "a_request_by_hand_is_always_written",
        Needs::Events,
        by_hand,
    ),
    (
        "a_trigger_without_its_figure_is_refused",
        Needs::Events,
        no_pressure,
    ),
    ("a_storm_of_triggers", Needs::Events, storm),
    ("a_ring_on_a_full_disk", Needs::Events, full_disk),
    ("what_cannot_be", Needs::Nothing, bad_input),
];

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|suffix| suffix == "pvz"))
        .collect();
    files.sort();
    files
}

fn read(path: &Path) -> (Vec<Sample>, Vec<FiredTrigger>) {
    let mut reader = Reader::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut samples = Vec::new();
    while let Some(sample) = reader.read().unwrap() {
        samples.push(sample);
    }
    assert!(reader.integrity().damages.is_empty(), "{}", path.display());
    (samples, reader.facts().because.clone())
}

fn ended(samples: &[Sample]) -> impl Iterator<Item = String> {
    let events = samples.iter().flat_map(|sample| &sample.events);
    events.filter_map(|event| match event {
        Event::ProcessEnd(record) => Some(String::from_utf8_lossy(record.comm.bytes()).into()),
        _ => None,
    })
}

/// A program with this name that does nothing.
fn named(folder: &Folder, name: &str) -> PathBuf {
    let path = folder.file(name);
    std::fs::copy("/bin/true", &path).unwrap();
    path
}

/// A folder of rotated files is read like one file.
fn rotated() -> Result<(), Failed> {
    let folder = Folder::new("rotated");
    let shelf = folder.file("shelf/");
    let marked = named(&folder, "rotated-mark");
    let running = Running::new(
        procviz()
            .args(["record", "--require-ebpf", "-F", "10", "--rotate", "2s"])
            .args(["--mode", "640", "--duration", "9s", "-o"])
            .arg(format!("{}/", shelf.display()))
            .stderr(Stdio::null()),
    );
    // By then, procviz is sampling.
    std::thread::sleep(Duration::from_secs(1));
    let mut made = 0;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(6) {
        assert!(Command::new(&marked).status()?.success());
        made += 1;
        std::thread::sleep(Duration::from_millis(50));
    }
    let mut running = running;
    assert!(running.0.wait()?.success());
    let files = files(&shelf);
    assert!(files.len() >= 4, "{files:?}");
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&shelf), mode(&files[0])), (0o750, 0o640));
    // The first sample of each file is a census.
    for file in &files {
        let (samples, _) = read(file);
        assert!(samples[0].complete && samples[0].found.len() > 5);
    }
    let dump = |args: &[&str]| {
        let result = output(procviz().args(["dump", "--from"]).arg(&shelf).args(args));
        assert!(result.status.success(), "{}", stderr(&result));
        String::from_utf8(result.stdout).unwrap()
    };
    let whole = dump(&[]);
    let mut last = None;
    for line in whole.lines() {
        let line: Value = serde_json::from_str(line)?;
        let end = jiff::Timestamp::as_nanosecond(line["time"].as_str().unwrap().parse()?);
        let begin = end - i128::from(line["interval_ns"].as_u64().unwrap());
        // No sample is missing or duplicated; the wall clock can be slewed.
        let is_next = |last: i128| (last - begin).abs() < 1_000_000;
        assert!(last.is_none_or(is_next), "{}", line["time"]);
        last = Some(end);
    }
    assert!(whole.lines().count() > 60);
    // A part that begins in a later file equals the end of the whole output.
    let part = dump(&["--begin", "-3s"]);
    assert!(part.lines().count() > 20 && whole.ends_with(&part));
    let result = output(procviz().args(["exits", "--json", "--from"]).arg(&shelf));
    let text = String::from_utf8(result.stdout)?;
    assert_eq!(text.matches("\"comm\":\"rotated-mark\"").count(), made);
    Ok(())
}

/// A file that a user removes is reported once. If the folder is away for a while, the
/// recorder continues later.
fn removed() -> Result<(), Failed> {
    let folder = Folder::new("removed");
    let shelf = folder.file("shelf");
    let (alone, away) = (folder.file("alone.pvz"), folder.file("away"));
    let record = |args: &[&str], to: &Path| {
        let mut command = procviz();
        command.args(["record", "--require-ebpf", "-F", "10", "--duration", "14s"]);
        command.args(args).arg("-o").arg(to);
        Running::new(command.stderr(Stdio::piped()))
    };
    let runs = [
        record(&[], &alone),
        record(&["--rotate", "3s"], &shelf.join("")),
    ];
    std::thread::sleep(Duration::from_secs(2));
    std::fs::remove_file(&alone)?;
    std::fs::rename(&shelf, &away)?;
    std::thread::sleep(Duration::from_secs(6));
    std::fs::rename(&away, &shelf)?;
    let said = runs.map(|mut run| {
        let text = std::io::read_to_string(run.0.stderr.take().unwrap()).unwrap();
        (run.0.wait().unwrap().code(), text)
    });
    let [(ended, alone), (went_on, shelved)] = said;
    // A recorder with a single file exits when the file is removed.
    assert_eq!((ended, went_on), (Some(1), Some(0)), "{alone}{shelved}");
    assert_eq!(alone.matches("has been removed").count(), 1, "{alone}");
    assert_eq!(shelved.matches("tries again").count(), 1, "{shelved}");
    assert!(
        shelved.contains("recording continues") && !shelved.contains(" lost"),
        "{shelved}"
    );
    let result = output(procviz().args(["dump", "--from"]).arg(&shelf));
    assert!(result.status.success(), "{}", stderr(&result));
    let samples = result.stdout.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(samples, 140);
    Ok(())
}

/// Files that procviz did not make stay, and so do files that are new enough.
fn room() -> Result<(), Failed> {
    let folder = Folder::new("room");
    let unseen_roots = [
        "procviz-notes.txt",
        "other.pvz",
        "procviz-19990101T000000Z.png",
    ];
    for stranger in unseen_roots {
        std::fs::write(folder.file(stranger), [0; 5_000])?;
    }
    let target = folder.file("target");
    std::fs::write(&target, "kept")?;
    std::os::unix::fs::symlink(&target, folder.file("procviz-19990101T000000Z.pvz"))?;
    let ours = |folder: &Folder| {
        let names = files(&folder.0);
        let dated = |path: &&PathBuf| path.to_string_lossy().contains("/procviz-20");
        names.iter().filter(dated).count()
    };
    let record = |args: &[&str]| {
        let result = output(
            procviz()
                .args(["record", "--require-ebpf", "-F", "20", "--rotate", "1s"])
                .args(["--duration", "5s", "-o"])
                .arg(&folder.0)
                .args(args),
        );
        assert!(result.status.success(), "{}", stderr(&result));
        stderr(&result)
    };
    let said = record(&["--keep", "2"]);
    assert!(
        said.contains("in 5 files") || said.contains("in 6 files"),
        "{said}"
    );
    assert_eq!(ours(&folder), 2);
    record(&["--max-age", "1500ms"]);
    assert!((1..=3).contains(&ours(&folder)), "{}", ours(&folder));
    record(&["--max-size", "40K"]);
    let size: u64 = files(&folder.0)
        .iter()
        .filter(|path| path.to_string_lossy().contains("/procviz-20"))
        .map(|path| std::fs::metadata(path).unwrap().len())
        .sum();
    assert!((1..80_000).contains(&size), "{size}");
    for stranger in unseen_roots {
        assert!(folder.file(stranger).exists(), "{stranger}");
    }
    assert_eq!(std::fs::read_to_string(&target)?, "kept");
    assert!(folder.file("procviz-19990101T000000Z.pvz").is_symlink());
    Ok(())
}

/// Waits for a file whose facts name a trigger.
fn wait_for(shelf: &Path, trigger: &str) -> Result<PathBuf, Failed> {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(30) {
        for file in files(shelf) {
            let Ok(mut reader) = Reader::new(std::fs::File::open(&file)?) else {
                continue;
            };
            while reader.read()?.is_some() {}
            let because = &reader.facts().because;
            if because
                .iter()
                .any(|because| because.words.starts_with(trigger))
            {
                return Ok(file);
            }
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Err(format!("`{trigger}` has not fired").into())
}

/// Starts a workload and waits until it runs.
fn load(args: &[&str]) -> Running {
    started(&mut workload(args))
}

fn spinners(count: usize) -> Vec<Running> {
    let spin = || Running::new(Command::new("sh").args(["-c", "while :; do :; done"]));
    std::iter::repeat_with(spin).take(count).collect()
}

fn triggers() -> Result<(), Failed> {
    let folder = Folder::new("triggers");
    let shelf = folder.file("shelf");
    let (before, marked) = (named(&folder, "before-it"), named(&folder, "marked-end"));
    let mut goner = Running::new(Command::new("sleep").arg("100"));
    let gone = format!("gone:{}", goner.pid());
    // Only this test makes these fire.
    let own = [
        "exit:marked-end",
        "exit:mynode",
        "signal:SEGV",
        "rss:grower:200M",
        &gone,
    ];
    let mut ring = ring_on(&shelf, &own);
    std::thread::sleep(Duration::from_secs(2));
    assert!(Command::new(&before).status()?.success());
    std::thread::sleep(Duration::from_secs(2));
    assert!(files(&shelf).is_empty(), "{:?}", files(&shelf));
    let killed = Instant::now();
    assert!(Command::new(&marked).status()?.success());
    let file = wait_for(&shelf, "exit:marked-end")?;
    // The file is there at once, long before it has the samples after the trigger.
    assert!(killed.elapsed() < Duration::from_secs(5));
    let renamed = folder.file("mynode");
    std::os::unix::fs::symlink("/usr/bin/python3", &renamed)?;
    let rename = "open('/proc/self/comm', 'w').write('MainThread')";
    assert!(
        Command::new(&renamed)
            .args(["-c", rename])
            .status()?
            .success()
    );
    wait_for(&shelf, "exit:mynode")?;
    _ = Command::new("sh").args(["-c", "kill -SEGV $$"]).status()?;
    wait_for(&shelf, "signal:SEGV")?;
    goner.0.kill()?;
    goner.0.wait()?;
    wait_for(&shelf, &gone)?;
    ring.signal(Signal::SIGUSR2);
    wait_for(&shelf, "SIGUSR2")?;
    {
        let _grower = load(&["grow"]);
        wait_for(&shelf, "rss:grower:200M")?;
    }
    ring.signal(Signal::SIGTERM);
    assert!(ring.0.wait()?.success());
    // The file has the time before the trigger and a little after it.
    let (samples, because) = read(&file);
    let fired = because[0].time_ns;
    let first = samples[0].stamp.boot_ns;
    let last = samples.last().unwrap().stamp.boot_ns;
    let (ahead, after) = (fired - first, last as i64 - fired as i64);
    assert!(
        ahead > 2_500_000_000 && after >= 400_000_000,
        "{ahead} {after} {because:?}"
    );
    let names: BTreeSet<String> = ended(&samples).collect();
    assert!(
        names.contains("before-it") && names.contains("marked-end"),
        "{names:?}"
    );
    // The picture and the output of `check` show the trigger.
    let picture = folder.file("why.svg");
    let result = output(
        procviz()
            .args(["grid", "--size", "2000x900", "--from"])
            .arg(&file)
            .arg("-o")
            .arg(&picture),
    );
    assert!(result.status.success(), "{}", stderr(&result));
    let words = "exit:marked-end: marked-end (pid ";
    assert!(std::fs::read_to_string(&picture)?.contains(words));
    let result = output(procviz().arg("check").arg(&file));
    assert!(String::from_utf8(result.stdout)?.contains(words));
    Ok(())
}

/// A ring of 20 s that keeps a file when one of `triggers` fires.
fn ring_on(shelf: &Path, triggers: &[&str]) -> Running {
    let mut command = procviz();
    command.args(["record", "--require-ebpf", "-F", "10", "--ring", "20s"]);
    command.args(["--after", "500ms", "--cool-down", "100ms", "-o"]);
    command.arg(format!("{}/", shelf.display()));
    for trigger in triggers {
        command.args(["--on", trigger]);
    }
    Running::new(command.stderr(Stdio::piped()))
}

/// Triggers that watch the whole machine fire. Other processes can make them fire, too.
fn triggers_of_the_machine() -> Result<(), Failed> {
    let folder = Folder::new("machine-triggers");
    let shelf = folder.file("shelf");
    let load_now: f64 = std::fs::read_to_string("/proc/loadavg")?
        .split(' ')
        .next()
        .unwrap()
        .parse()?;
    let high = format!("load:{:.2}", load_now + 1.5);
    let mut all = vec!["forks:60", &high, "finding:cpu"];
    if Path::new("/proc/pressure/cpu").exists() {
        all.push("psi:cpu.some:30%");
    }
    let mut ring = ring_on(&shelf, &all);
    {
        let _forks = load(&["fork-loop"]);
        wait_for(&shelf, "forks:60")?;
    }
    {
        let _burner = load(&["burn"]);
        wait_for(&shelf, "finding:cpu")?;
    }
    let _spinners = spinners(8);
    for trigger in &all {
        wait_for(&shelf, trigger)?;
    }
    ring.signal(Signal::SIGTERM);
    assert!(ring.0.wait()?.success());
    Ok(())
}

/// However often a trigger fires, there are never more files than `--keep` allows.
fn storm() -> Result<(), Failed> {
    let folder = Folder::new("storm-of-triggers");
    let shelf = folder.file("shelf");
    let mut ring = Running::new(
        procviz()
            .args(["record", "--require-ebpf", "-F", "20", "--ring", "2s"])
            .args(["--on", "signal:KILL", "--after", "300ms"])
            .args(["--cool-down", "1s", "--keep", "2", "-o"])
            .arg(format!("{}/", shelf.display()))
            .stderr(Stdio::piped()),
    );
    std::thread::sleep(Duration::from_secs(1));
    let began = Instant::now();
    let mut most = 0;
    while began.elapsed() < Duration::from_secs(11) {
        _ = Command::new("sh").args(["-c", "kill -KILL $$"]).status()?;
        most = most.max(files(&shelf).len());
    }
    let seconds = began.elapsed().as_secs();
    ring.signal(Signal::SIGTERM);
    let said = std::io::read_to_string(ring.0.stderr.take().unwrap())?;
    assert!(ring.0.wait()?.success(), "{said}");
    let made = said.matches("from the ring").count() as u64;
    // A file ends after its last trigger; then the cool-down of one second passes.
    assert!((3..=seconds + 1).contains(&made), "{made} files: {said}");
    assert_eq!(most.max(files(&shelf).len()), 2, "{said}");
    assert!(said.contains("--cool-down"), "{said}");
    let file = files(&shelf).pop().unwrap();
    let (samples, _) = read(&file);
    // A ring writes a census now and then, even if no block is ever full. A census does not
    // show a sample twice.
    let census = samples.iter().filter(|sample| sample.complete).count();
    assert!(census > 1, "{census}");
    let dump = output(procviz().args(["dump", "--from"]).arg(&file));
    let dump = String::from_utf8(dump.stdout)?;
    let times: Vec<&str> = dump
        .lines()
        .filter_map(|line| line.split("\"time\":\"").nth(1)?.split('"').next())
        .collect();
    let is_rising = times.windows(2).all(|pair| pair[0] < pair[1]);
    assert!(is_rising && times.len() > 20, "{times:?}");
    Ok(())
}

/// A file that does not fit on a full disk is written when there is room.
fn full_disk() -> Result<(), Failed> {
    let folder = Folder::new("ring-full-disk");
    let (mount, out) = (folder.file("small"), folder.file("out"));
    std::fs::create_dir(&mount)?;
    std::fs::create_dir(&out)?;
    let script = r#"
        mount -t tmpfs -o size=400k tmpfs "$1" || exit 77
        "$3" record -F 20 --duration 8s --require-ebpf --ring 10s --on signal:KILL --after 2s -o "$1/shelf/" &
        sleep 1.5
        dd if=/dev/zero of="$1/filler" bs=1k count=500 2> /dev/null
        sleep 1
        sh -c 'kill -KILL $$'
        sleep 2.5
        rm "$1/filler"
        wait $!
        status=$?
        cp "$1"/shelf/*.pvz "$2"
        exit $status
    "#;
    let result = output(
        Command::new("unshare")
            .args(["--mount", "sh", "-c", script, "sh"])
            .args([&mount, &out])
            .arg(crate::support::binary()),
    );
    if result.status.code() == Some(77) {
        return skip("no file system can be mounted");
    }
    let said = stderr(&result);
    assert!(result.status.success(), "{said}");
    assert_eq!(said.matches("tries again").count(), 1, "{said}");
    assert!(said.contains("recording continues"), "{said}");
    let files = files(&out);
    assert_eq!(files.len(), 1, "{files:?}");
    let (samples, because) = read(&files[0]);
    let (first, fired) = (samples[0].stamp.boot_ns, because[0].time_ns);
    assert!(fired - first > 1_000_000_000);
    Ok(())
}

/// SIGUSR2 is a person who asks: a cool-down does not hold for it.
fn by_hand() -> Result<(), Failed> {
    let folder = Folder::new("by-hand");
    let shelf = folder.file("shelf");
    let mut command = procviz();
    command.args(["record", "--require-ebpf", "-F", "10", "--ring", "20s"]);
    command.args(["--after", "200ms", "--cool-down", "1h", "-o"]);
    command.arg(format!("{}/", shelf.display()));
    command.args(["--on", "exit:no-such-command"]);
    let mut ring = Running::new(command.stderr(Stdio::null()));
    std::thread::sleep(Duration::from_secs(2));
    for count in 1..=3 {
        ring.signal(Signal::SIGUSR2);
        wait_until("a file for each request", || files(&shelf).len() == count);
        // The names of files have whole seconds.
        std::thread::sleep(Duration::from_millis(1_100));
    }
    ring.signal(Signal::SIGTERM);
    assert!(ring.0.wait()?.success());
    for file in files(&shelf) {
        assert_eq!(read(&file).1.len(), 1, "{}", file.display());
    }
    Ok(())
}

/// A kernel without pressure stall information has no `/proc/pressure`.
fn no_pressure() -> Result<(), Failed> {
    let hide = "mount -t tmpfs none /proc/pressure";
    let is_allowed = Command::new("unshare")
        .args(["-m", "sh", "-c", hide])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !is_allowed {
        return skip("a namespace for mounts cannot be made");
    }
    let folder = Folder::new("no-pressure");
    let shelf = folder.file("shelf");
    let line = format!(
        "{hide}; exec {} record --ring 1m --on psi:cpu.some:20% -o {}/",
        crate::support::binary(),
        shelf.display()
    );
    let result = output(Command::new("unshare").args(["-m", "sh", "-c", &line]));
    let said = stderr(&result);
    assert_eq!(result.status.code(), Some(2), "{said}");
    assert!(
        said.contains("`--on psi:cpu.some:20%` can never fire"),
        "{said}"
    );
    assert!(!shelf.exists());
    Ok(())
}

fn bad_input() -> Result<(), Failed> {
    let folder = Folder::new("bad-folders");
    let file = folder.file("there.pvz");
    for (args, why) in [
        (&["--rotate", "1h"][..], "needs a folder"),
        (&["--ring", "5m"], "needs a folder"),
        (&["--on", "load:4"], "--ring"),
        (&["--max-size", "2G"], "needs a folder"),
    ] {
        let result = output(procviz().args(["record", "-o"]).arg(&file).args(args));
        let said = stderr(&result);
        assert_eq!(result.status.code(), Some(2), "{said}");
        assert!(said.contains(why), "{said}");
        assert!(!file.exists());
    }
    for (args, why) in [
        (&["--ring", "5m", "--on", "exit"][..], "exit:COMMAND"),
        (&["--ring", "5m", "--rotate", "1h"], "--rotate"),
        (&["--ring", "5x"], "invalid duration"),
        (&["--max-size", "lots"], "invalid size"),
        (&["--keep", "0"], "whole number"),
        (&["--from", "x.pvz"], "one file"),
    ] {
        let shelf = folder.file("shelf");
        let result = output(
            procviz()
                .args(["record", "-o"])
                .arg(format!("{}/", shelf.display()))
                .args(args),
        );
        let said = stderr(&result);
        assert_eq!(result.status.code(), Some(2), "{said}");
        assert!(said.contains(why), "{said}");
        assert!(!shelf.exists(), "{args:?}");
    }
    Ok(())
}
