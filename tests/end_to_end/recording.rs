//! Checks recordings of the real machine: reading gives what was shown live, whatever
//! happens to the recorder or to the file.

use std::{
    collections::BTreeSet,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

use libtest_mimic::Failed;
use procviz::{model::Sample, recording::Reader};
use serde_json::Value;

use crate::{
    Needs, Test,
    support::{Folder, Running, output, procviz, read_line, stderr, workload},
};

pub(crate) const TESTS: &[Test] = &[
    ("what_was_live_is_read", Needs::Events, what_was_live),
    ("a_moment_is_what_it_was", Needs::Events, moments),
    ("every_death_is_in_it", Needs::Events, every_death),
    ("other_users_read_recordings", Needs::Events, anybody),
    ("secrets_stay_out", Needs::Events, redacted),
    ("of_processes_alone", Needs::Events, reduce_to_processes),
    ("a_tree_is_followed_through_it", Needs::Events, tree),
    ("bad_input", Needs::Nothing, bad_input),
];

/// A shell that starts processes until it is killed.
pub(crate) fn busy() -> Running {
    let script = "while :; do /bin/true; sleep 0.02; done";
    Running::new(Command::new("sh").args(["-c", script]))
}

/// Runs `procviz record` to the end.
pub(crate) fn record(path: &Path, args: &[&str]) {
    let result = output(procviz().args(["record", "-o"]).arg(path).args(args));
    assert!(result.status.success(), "{}", stderr(&result));
}

pub(crate) fn samples(path: &Path) -> (Vec<Sample>, Reader) {
    let mut reader = Reader::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut samples = Vec::new();
    while let Some(sample) = reader.read().unwrap() {
        samples.push(sample);
    }
    (samples, reader)
}

fn what_was_live() -> Result<(), Failed> {
    let folder = Folder::new("live-is-read");
    let file = folder.file("run.pvz");
    let _busy = busy();
    let live = output(
        procviz()
            .args([
                "dump",
                "-F",
                "10",
                "--duration",
                "4s",
                "--require-ebpf",
                "--save",
            ])
            .arg(&file),
    );
    assert!(live.status.success(), "{}", stderr(&live));
    let read = output(procviz().args(["dump", "--from"]).arg(&file));
    assert!(read.status.success(), "{}", stderr(&read));
    assert!(live.stdout.iter().filter(|byte| **byte == b'\n').count() > 20);
    assert!(
        live.stdout == read.stdout,
        "the live and the recorded output differ"
    );
    let meta = std::fs::metadata(&file)?;
    assert_eq!(meta.permissions().mode() & 0o777, 0o600);
    // Read the recording through a pipe, as a picture, as findings, and as a part.
    let picture = folder.file("tasks.svg");
    let script = r#""$1" grid --from - -o "$2" < "$3""#;
    let drawn = output(
        Command::new("sh")
            .args(["-c", script, "sh", crate::support::binary()])
            .args([&picture, &file]),
    );
    assert!(drawn.status.success(), "{}", stderr(&drawn));
    let last = live
        .stdout
        .split(|byte| *byte == b'\n')
        .rev()
        .nth(1)
        .unwrap();
    let last: Value = serde_json::from_slice(last)?;
    let title = format!(
        "grid · {}<",
        rustix::system::uname().nodename().to_string_lossy()
    );
    let svg = std::fs::read_to_string(&picture)?;
    assert!(svg.contains(&title) && last["tasks_total"].as_u64().unwrap() > 10);
    let findings = output(procviz().args(["findings", "--json", "--from"]).arg(&file));
    assert!(findings.status.success(), "{}", stderr(&findings));
    let piece = folder.file("piece.pvz");
    record(
        &piece,
        &["--from", file.to_str().unwrap(), "--samples", "5"],
    );
    let (all, _) = samples(&file);
    let (some, _) = samples(&piece);
    assert_eq!(
        some.len(),
        6,
        "expected the opening census and five intervals"
    );
    let same = |one: &Sample, other: &Sample| format!("{one:?}") == format!("{other:?}");
    assert!(some.iter().zip(&all).all(|(one, other)| same(one, other)));
    Ok(())
}

/// A picture of a given time equals the live picture of that time, whether the player
/// reads from the start of the file or from a keyframe.
fn moments() -> Result<(), Failed> {
    let folder = Folder::new("moments");
    let _busy = busy();
    let _hog = Running::new(Command::new("sh").args(["-c", "while :; do :; done"]));
    // Draw each chart live, too, all at the same time.
    let charts = ["grid", "bubble", "lines", "timeline"];
    let live = charts.map(|chart| {
        let (picture, saved) = (format!("live-{chart}.svg"), format!("{chart}.pvz"));
        let run = Running::new(
            procviz()
                .args([chart, "-F", "10", "--duration", "34s", "--save"])
                .args([&folder.file(&saved), Path::new("-o")])
                .arg(folder.file(&picture))
                .env("PROCVIZ_TEST_KEYFRAMES_NS", "1000000000"),
        );
        (chart, run, folder.file(&picture), folder.file(&saved))
    });
    let draw = |chart: &str, (input, from): (&Path, &str), args: &[&str]| {
        let picture = folder.file("drawn.svg");
        let mut command = Command::new("sh");
        let script = r#"input=$1; shift; exec "$@" < "$input""#;
        command.args(["-c", script, "sh"]).arg(input);
        command.args([crate::support::binary(), chart, "--force", "--from", from]);
        let result = output(command.args(args).arg("-o").arg(&picture));
        assert!(result.status.success(), "{}", stderr(&result));
        std::fs::read_to_string(picture).unwrap()
    };
    for (chart, mut run, picture, saved) in live {
        assert!(run.0.wait()?.success(), "{chart}");
        let (live, path) = (std::fs::read_to_string(picture)?, saved.to_str().unwrap());
        for from in [path, "-"] {
            // The live picture is of the whole time.
            let drawn = draw(chart, (&saved, from), &["--duration", "34s"]);
            assert!(live == drawn, "{chart} of `{from}` differs from live");
        }
    }
    let file = folder.file("grid.pvz");
    let path = file.to_str().unwrap();
    let (all, reader) = samples(&file);
    let host = reader.facts().machine();
    let mut drawn = BTreeSet::new();
    // The player begins at a keyframe that is 24 s old or older: before that it reads all.
    for number in (260..=336).step_by(4) {
        let wall = host.boot_wall_ns + i128::from(all[number].stamp.boot_ns);
        let at = format!("{:.9}", jiff::Timestamp::from_nanosecond(wall)?);
        for chart in charts {
            let front = draw(chart, (&file, "-"), &["--at", &at]);
            let moment = draw(chart, (&file, path), &["--at", &at]);
            assert!(front == moment, "{chart} at {at}, sample {number}");
            drawn.insert(front);
        }
    }
    // 20 moments of four charts: pictures that are all the same would prove nothing.
    assert!(drawn.len() > 50, "{} pictures differ", drawn.len());
    // A part of the output equals the same part of the whole output. So does a part that
    // was cut out as a file.
    let dump = |from: &Path, args: &[&str]| {
        let result = output(procviz().args(["dump", "--from"]).arg(from).args(args));
        assert!(result.status.success(), "{}", stderr(&result));
        String::from_utf8(result.stdout).unwrap()
    };
    let whole = dump(&file, &[]);
    let part = dump(&file, &["--begin", "-4s", "--end", "-2s"]);
    assert!(part.lines().count() >= 19 && whole.contains(&part));
    let piece = folder.file("piece.pvz");
    record(&piece, &["--from", path, "--begin", "-4s", "--end", "-2s"]);
    assert!(part == dump(&piece, &[]), "the part differs");
    let exits = |args: &[&str]| {
        let result = output(
            procviz()
                .args(["exits", "--json", "--from", path])
                .args(args),
        );
        assert!(result.status.success(), "{}", stderr(&result));
        String::from_utf8(result.stdout).unwrap()
    };
    let (all, some) = (exits(&[]), exits(&["--begin", "-4s"]));
    assert!(some.lines().count() > 50 && all.ends_with(&some) && all.len() > 2 * some.len());
    Ok(())
}

/// A storm of short-lived processes: each has a record, none is only counted.
fn every_death() -> Result<(), Failed> {
    const LIVES: usize = 3_000;
    let folder = Folder::new("every-death");
    let file = folder.file("run.pvz");
    let script = format!("i=0; while [ $i -lt {LIVES} ]; do (exit 3); i=$((i+1)); done");
    let result = output(
        procviz()
            .args(["record", "-s", "10", "--require-ebpf", "-o"])
            .arg(&file)
            .args(["--", "sh", "-c", &script]),
    );
    assert!(result.status.success(), "{}", stderr(&result));
    let exits = output(procviz().args(["exits", "--json", "--from"]).arg(&file));
    let lines = String::from_utf8(exits.stdout)?;
    let ended = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let ours = ended.filter(|line| line["exit_code"] == 3 && line["comm"] == "sh");
    assert_eq!(ours.count(), LIVES);
    // Only the command is shown, as in a live run.
    let dump = output(procviz().args(["dump", "--from"]).arg(&file));
    let lines = String::from_utf8(dump.stdout)?;
    let last: Value = serde_json::from_str(lines.lines().last().unwrap())?;
    let tasks = last["tasks"].as_array().unwrap();
    assert!(
        !tasks.is_empty() && tasks.iter().all(|task| task["comm"] == "sh"),
        "{last}"
    );
    Ok(())
}

/// Reads a recording without root, without capabilities, from the file alone.
fn anybody() -> Result<(), Failed> {
    let folder = Folder::new("anybody");
    std::fs::set_permissions(&folder.0, PermissionsExt::from_mode(0o1777))?;
    let binary = folder.file("procviz");
    std::fs::copy(crate::support::binary(), &binary)?;
    let file = folder.file("run.pvz");
    record(
        &file,
        &[
            "-F",
            "10",
            "--duration",
            "2s",
            "--mode",
            "644",
            "--require-ebpf",
        ],
    );
    let as_nobody = |args: &[&str]| {
        let mut command = Command::new("setpriv");
        command
            .args([
                "--reuid",
                "65534",
                "--regid",
                "65534",
                "--clear-groups",
                "--inh-caps=-all",
            ])
            .arg(&binary)
            .args(args)
            .arg("--from")
            .arg(&file)
            .current_dir(&folder.0);
        output(&mut command)
    };
    for args in [
        &["dump"][..],
        &["exits"],
        &["findings"],
        &["lines", "-o", "lines.png"],
    ] {
        let result = as_nobody(args);
        assert!(result.status.success(), "{args:?}: {}", stderr(&result));
        assert!(
            !stderr(&result).contains("privilege"),
            "{}",
            stderr(&result)
        );
    }
    assert!(folder.file("lines.png").exists());
    Ok(())
}

fn redacted() -> Result<(), Failed> {
    let folder = Folder::new("redacted");
    for (args, is_there) in [(&[][..], true), (&["--redact", "args"], false)] {
        let file = folder.file(&format!("{is_there}.pvz"));
        let mut command = procviz();
        command
            .args(["record", "--require-ebpf", "-F", "20", "-o"])
            .arg(&file);
        command
            .args(args)
            .args(["--", "sh", "-c", "/bin/true secret-word; sleep 0.2"]);
        let result = output(&mut command);
        assert!(result.status.success(), "{}", stderr(&result));
        let (samples, _) = samples(&file);
        let text = format!("{samples:?}");
        // The debug output shows arguments as bytes.
        let secret = format!("{:?}", b"secret-word");
        let secret = secret.trim_matches(['[', ']']);
        assert_eq!(text.contains(secret), is_there, "{args:?}");
    }
    Ok(())
}

/// A recording of processes has the same processes as a recording of threads, and no
/// threads.
fn reduce_to_processes() -> Result<(), Failed> {
    let folder = Folder::new("processes");
    let (all, some) = (folder.file("all.pvz"), folder.file("some.pvz"));
    let _busy = busy();
    let _loads = [
        &["crash-loop"][..],
        &["wake", "30"],
        &["sleep", "20"],
        &["brief-threads"],
        &["burn"],
    ]
    .map(|load| Running::new(workload(load).stdout(Stdio::null())));
    record(&all, &["-F", "5", "--duration", "8s"]);
    record(&some, &["-p", "--from", all.to_str().unwrap()]);
    // The finding has the name of the dead processes and no pid: each had its own pid.
    let told = output(procviz().args(["findings", "--from"]).arg(&all));
    let told = String::from_utf8(told.stdout)?;
    let deaths = told
        .lines()
        .find_map(|line| line.split_once(" begins deaths "));
    let (_, deaths) = deaths.ok_or_else(|| told.clone())?;
    // Behind the name is the user.
    let name = deaths.split([':', '·']).next().unwrap_or_default().trim();
    let pid = name
        .rsplit(' ')
        .next()
        .and_then(|last| last.parse::<u32>().ok());
    assert!(pid.is_none() && deaths.contains("started by"), "{deaths}");
    assert!(deaths.contains(" · root: "), "{deaths}");
    let dump = |file: &Path| -> Vec<Value> {
        let result = output(procviz().args(["dump", "-p", "--from"]).arg(file));
        assert!(result.status.success(), "{}", stderr(&result));
        let text = String::from_utf8(result.stdout).unwrap();
        let lines = text.lines().map(|line| {
            let mut snapshot: Value = serde_json::from_str(line).unwrap();
            let tasks = snapshot["tasks"].as_array_mut().unwrap();
            tasks.sort_by_key(|task| task["tid"].as_u64());
            for task in tasks {
                // A recording of processes has the state of the leader, the other one the
                // state of all threads. The number of threads of an exited process is not
                // recorded.
                task["state"].take();
                if !task["exit"].is_null() {
                    task["threads"].take();
                }
            }
            snapshot
        });
        lines.collect()
    };
    let (one, other) = (dump(&all), dump(&some));
    assert_eq!(one.len(), 40);
    assert!(
        one.iter()
            .any(|snapshot| !snapshot["findings"].as_array().unwrap().is_empty()),
        "no findings"
    );
    for (one, other) in one.iter().zip(&other) {
        let tasks = |snapshot: &Value| snapshot["tasks"].as_array().unwrap().clone();
        for (one, other) in tasks(one).iter().zip(&tasks(other)) {
            assert_eq!(one, other);
        }
        for (name, value) in one.as_object().unwrap() {
            assert_eq!(value, &other[name], "{name}");
        }
    }
    let size = |file: &Path| std::fs::metadata(file).unwrap().len();
    assert!(size(&some) < size(&all));
    // A chart of threads says that it shows processes, also for a live recording and a part.
    let live = folder.file("live.pvz");
    record(&live, &["-p", "-F", "5", "--duration", "3s"]);
    let part = folder.file("part.pvz");
    record(&part, &["--from", live.to_str().unwrap(), "--begin", "-2s"]);
    for (file, name) in [(&some, "a.svg"), (&live, "b.svg"), (&part, "c.svg")] {
        let picture = folder.file(name);
        let result = output(procviz().args(["grid", "--at", "-1s", "--from"]).args([
            file,
            Path::new("-o"),
            &picture,
        ]));
        assert!(result.status.success(), "{}", stderr(&result));
        assert!(
            stderr(&result).contains("holds only processes"),
            "{}",
            stderr(&result)
        );
        let svg = std::fs::read_to_string(&picture)?;
        assert!(svg.contains(" processes  ·  "), "{name}");
    }
    // The one thread of such a process is its leader, with the pid that `ps` shows.
    let mut sleeper = Running::new(workload(&["sleep", "7"]).stdout(Stdio::piped()));
    read_line(&mut std::io::BufReader::new(
        sleeper.0.stdout.take().unwrap(),
    ));
    let now = folder.file("now.pvz");
    record(&now, &["-p", "-s", "0.2", "--samples", "2"]);
    let last = dump(&now).pop().unwrap();
    let mut tasks = last["tasks"].as_array().unwrap().iter();
    let task = tasks.find(|task| task["tid"] == sleeper.pid()).unwrap();
    assert_eq!(task["threads"], 7);
    Ok(())
}

/// In a recording of all tasks, the descendants of a process are known, also orphans.
fn tree() -> Result<(), Failed> {
    let folder = Folder::new("tree");
    let (file, piece) = (folder.file("x.pvz"), folder.file("piece.pvz"));
    let busy = busy();
    let nested = "while :; do sh -c '(/bin/true; sleep 0.3; /bin/false) & exit 3'; sleep 0.1; done";
    let parent = Running::new(Command::new("sh").args(["-c", nested]));
    record(&file, &["-F", "10", "--duration", "4s", "--require-ebpf"]);
    let root = parent.pid();
    drop(parent);
    let json = |args: &[&str], from: &Path| -> Vec<Value> {
        let result = output(procviz().args(args).arg("--from").arg(from));
        assert!(result.status.success(), "{}", stderr(&result));
        let text = String::from_utf8(result.stdout).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let of_tree = ["--tree", &root.to_string()];
    let ended = json(&["exits", "--json", of_tree[0], of_tree[1]], &file);
    let codes = |code: u64| {
        ended
            .iter()
            .filter(|exit| exit["exit_code"] == code)
            .count()
    };
    let of_three = ["exits", "--json", "--status", "3", of_tree[0], of_tree[1]];
    assert_eq!(json(&of_three, &file).len(), codes(3));
    // Orphans continue: `false` exits long after its grandparent.
    assert!(codes(3) > 10 && codes(1) > 10, "{} {}", codes(3), codes(1));
    let names = |exit: &Value| exit["comm"].as_str().unwrap().to_owned();
    let names: BTreeSet<String> = ended.iter().map(names).collect();
    let known = ["false", "sh", "sleep", "true"].map(str::to_owned);
    assert_eq!(names, known.clone().into());
    // No child of another process is among them, and there are such children.
    let stranger = output(
        procviz()
            .args(["exits", "--tree", "4194303", "--from"])
            .arg(&file),
    );
    assert_eq!(stranger.status.code(), Some(1), "{}", stderr(&stranger));
    assert!(stderr(&stranger).contains("no such process"));
    let all = json(&["exits", "--json"], &file);
    let of_busy = all.len() - ended.len();
    assert!(of_busy > 50, "{of_busy}");
    let shown = json(&["dump", of_tree[0], of_tree[1]], &file);
    let tasks = |sample: &Value| sample["tasks"].as_array().unwrap().clone();
    let has_root = |sample: &&Value| tasks(sample).iter().any(|task| task["tid"] == root);
    assert!(shown.iter().filter(has_root).count() > 30);
    for task in shown.iter().flat_map(tasks) {
        let is_known = known.iter().any(|name| task["comm"] == *name);
        let is_busy = task["tid"] == busy.pid() || task["ppid"] == busy.pid();
        assert!(is_known && !is_busy, "{task}");
    }
    // A part with only these processes shows only these processes.
    let path = file.to_str().unwrap();
    record(&piece, &["--from", path, of_tree[0], of_tree[1]]);
    let result = json(&["exits", "--json"], &piece);
    assert_eq!(result.len(), ended.len());
    Ok(())
}

fn bad_input() -> Result<(), Failed> {
    let folder = Folder::new("bad-recordings");
    let there = folder.file("there.pvz");
    std::fs::write(&there, "kept")?;
    let link = folder.file("link.pvz");
    std::os::unix::fs::symlink(&there, &link)?;
    for path in [&there, &link] {
        let result = output(procviz().args(["record", "--samples", "1", "-o"]).arg(path));
        assert_eq!(result.status.code(), Some(1), "{}", stderr(&result));
        assert!(stderr(&result).contains(path.to_str().unwrap()));
    }
    assert_eq!(std::fs::read_to_string(&there)?, "kept");
    let empty = folder.file("empty.pvz");
    std::fs::write(&empty, "")?;
    let later = folder.file("later.pvz");
    std::fs::write(&later, b"procviz\n\x09\0\0\0\0\0\0\0")?;
    let nowhere = folder.file("nowhere.pvz");
    for (path, word) in [
        (&there, "not a procviz recording"),
        (&empty, "empty"),
        (&later, "version is 9"),
        (&nowhere, "No such file"),
    ] {
        for args in [&["check"][..], &["dump", "--from"], &["exits", "--from"]] {
            let result = output(procviz().args(args).arg(path));
            let said = stderr(&result);
            assert_eq!(result.status.code(), Some(1), "{args:?}: {said}");
            assert!(
                said.contains(word) && said.contains(path.to_str().unwrap()),
                "{said}"
            );
        }
    }
    let usage: [(&[&str], &str); 6] = [
        (&["grid", "--from", "x.pvz"], "-o"),
        (&["dump", "--from", "x.pvz", "-s", "2"], "--interval"),
        (&["dump", "--from", "x.pvz", "--", "true"], "command"),
        (&["record"], "--output"),
        (&["record", "-o", "x.pvz", "--mode", "777"], "777"),
        (&["record", "-o", "x.pvz", "--user", "root"], "--user"),
    ];
    for (args, word) in usage {
        let result = output(procviz().args(args));
        let said = stderr(&result);
        assert_eq!(result.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains(word), "{args:?}: {said}");
    }
    Ok(())
}
