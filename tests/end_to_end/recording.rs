//! Recordings of the real machine: what was live is what is read, whatever
//! happens to who wrote it or to the file.

use std::{
    collections::{BTreeMap, BTreeSet},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use libtest_mimic::Failed;
use procviz::{
    model::Sample,
    recording::{Map, Reader},
};
use serde_json::Value;

use crate::{
    Needs, Test,
    format::is_read_by_python,
    support::{Folder, Lines, Running, output, procviz, read_line, skip, stderr, workload},
};

pub(crate) const TESTS: &[Test] = &[
    ("what_was_live_is_read", Needs::Events, what_was_live),
    ("a_moment_is_what_it_was", Needs::Events, moments),
    ("every_death_is_in_it", Needs::Events, every_death),
    ("anybody_reads_it", Needs::Events, anybody),
    ("killed_at_any_moment", Needs::Events, killed),
    ("damage_is_told", Needs::Events, damaged),
    ("a_hole_is_marked", Needs::Events, hole),
    ("a_thousand_cuts_and_flips", Needs::Events, cuts_and_flips),
    ("a_disk_that_is_full_for_a_while", Needs::Events, full_disk),
    ("a_disk_that_hangs_for_a_while", Needs::Events, hung_disk),
    ("secrets_stay_out", Needs::Events, redacted),
    ("of_processes_alone", Needs::Events, processes_alone),
    ("a_tree_is_followed_through_it", Needs::Events, tree),
    ("bad_input", Needs::Nothing, bad_input),
];

/// A shell that starts things for as long as it lives.
pub(crate) fn busy() -> Running {
    let script = "while :; do /bin/true; sleep 0.02; done";
    Running::new(Command::new("sh").args(["-c", script]))
}

/// Records this machine for a while.
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
    assert!(live.stdout == read.stdout, "live and recorded differ");
    let meta = std::fs::metadata(&file)?;
    assert_eq!(meta.permissions().mode() & 0o777, 0o600);
    // Through a pipe, as a picture, as notables, and as a piece.
    let picture = folder.file("tasks.svg");
    let script = r#""$1" grid --from - -o "$2" < "$3""#;
    let drawn = output(
        Command::new("sh")
            .args(["-c", script, "sh", env!("CARGO_BIN_EXE_procviz")])
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
        "host {}: ",
        rustix::system::uname().nodename().to_string_lossy()
    );
    let svg = std::fs::read_to_string(&picture)?;
    assert!(svg.contains(&title) && last["tasks_total"].as_u64().unwrap() > 10);
    let notables = output(procviz().args(["notables", "--json", "--from"]).arg(&file));
    assert!(notables.status.success(), "{}", stderr(&notables));
    let piece = folder.file("piece.pvz");
    record(
        &piece,
        &["--from", file.to_str().unwrap(), "--samples", "5"],
    );
    let (all, _) = samples(&file);
    let (some, _) = samples(&piece);
    assert_eq!(some.len(), 6, "the opening census and five intervals");
    let same = |one: &Sample, other: &Sample| format!("{one:?}") == format!("{other:?}");
    assert!(some.iter().zip(&all).all(|(one, other)| same(one, other)));
    Ok(())
}

/// A picture of a moment is the one of who watched until then, whether all was
/// read from the front or from a keyframe on.
fn moments() -> Result<(), Failed> {
    let folder = Folder::new("moments");
    let _busy = busy();
    let _hog = Running::new(Command::new("sh").args(["-c", "while :; do :; done"]));
    // Each chart is drawn live, too, all at the same time.
    let charts = ["grid", "bubble", "lines"];
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
        command.args([
            env!("CARGO_BIN_EXE_procviz"),
            chart,
            "--force",
            "--from",
            from,
        ]);
        let result = output(command.args(args).arg("-o").arg(&picture));
        assert!(result.status.success(), "{}", stderr(&result));
        std::fs::read_to_string(picture).unwrap()
    };
    for (chart, mut run, picture, saved) in live {
        assert!(run.0.wait()?.success(), "{chart}");
        let (live, path) = (std::fs::read_to_string(picture)?, saved.to_str().unwrap());
        for from in [path, "-"] {
            let drawn = draw(chart, (&saved, from), &[]);
            assert!(live == drawn, "{chart} of {from} is not as it was live");
        }
    }
    let file = folder.file("grid.pvz");
    let path = file.to_str().unwrap();
    let (all, reader) = samples(&file);
    let host = reader.facts().machine();
    // A keyframe is begun at when it is 24 s old: until then all is read anyhow.
    for number in (260..=336).step_by(4) {
        let wall = host.boot_wall_ns + i128::from(all[number].stamp.boot_ns);
        let at = format!("{:.9}", jiff::Timestamp::from_nanosecond(wall)?);
        for chart in charts {
            let front = draw(chart, (&file, "-"), &["--at", &at]);
            let moment = draw(chart, (&file, path), &["--at", &at]);
            assert!(front == moment, "{chart} at {at}, sample {number}");
            // The shell that spins is named by then.
            assert!(front.contains(" cores for "));
        }
    }
    // A part is the same part of all of it, and so is one that was cut out.
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
    assert!(part == dump(&piece, &[]), "a piece differs");
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

/// A storm of short lives: each is in the recording, none as a number alone.
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
    // The command alone is shown, as it would have been live.
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

/// Without root, without capabilities, from the file alone.
fn anybody() -> Result<(), Failed> {
    let folder = Folder::new("anybody");
    std::fs::set_permissions(&folder.0, PermissionsExt::from_mode(0o777))?;
    let binary = folder.file("procviz");
    std::fs::copy(env!("CARGO_BIN_EXE_procviz"), &binary)?;
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
        &["notables"],
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

/// What is older than a second is there each time.
fn killed() -> Result<(), Failed> {
    let folder = Folder::new("killed");
    let _busy = busy();
    for round in 0..10u64 {
        let files: Vec<_> = (0..5)
            .map(|number| folder.file(&format!("{round}-{number}.pvz")))
            .collect();
        let mut all: Vec<Running> = files
            .iter()
            .map(|file| {
                Running::new(
                    procviz()
                        .args(["record", "-F", "20", "--require-ebpf", "-o"])
                        .arg(file)
                        .stderr(Stdio::null()),
                )
            })
            .collect();
        for file in &files {
            crate::support::wait_until("a first block", || {
                std::fs::metadata(file).is_ok_and(|meta| meta.len() > 1_500)
            });
        }
        std::thread::sleep(Duration::from_millis(1_100));
        for (number, (running, file)) in all.iter_mut().zip(&files).enumerate() {
            std::thread::sleep(Duration::from_millis(
                (137 * round + 61 * number as u64) % 300,
            ));
            let now = procviz::source::boot_now_ns();
            running.0.kill()?;
            running.0.wait()?;
            let (samples, reader) = samples(file);
            let last = samples.last().unwrap().stamp.boot_ns;
            let late = now.saturating_sub(last);
            assert!(late < 1_200_000_000, "the last {late} ns are missing");
            assert!(reader.findings().damages.is_empty() && !reader.findings().is_closed);
            let check = output(procviz().arg("check").arg(file));
            let said = String::from_utf8(check.stdout.clone())?;
            assert_eq!(check.status.code(), Some(0), "{}", stderr(&check));
            assert!(
                said.contains("no index") && stderr(&check).is_empty(),
                "{said}"
            );
        }
    }
    Ok(())
}

/// A thousand cuts and a thousand flips of a bit: what is read is what was
/// written, and what is missing is told.
fn cuts_and_flips() -> Result<(), Failed> {
    let folder = Folder::new("cuts-and-flips");
    let file = folder.file("run.pvz");
    {
        let _busy = busy();
        let mut command = procviz();
        command.args(["record", "--require-ebpf", "-F", "10", "--duration", "5s"]);
        command.env("PROCVIZ_TEST_KEYFRAMES_NS", "1000000000");
        let result = output(command.arg("-o").arg(&file));
        assert!(result.status.success(), "{}", stderr(&result));
    }
    let bytes = std::fs::read(&file)?;
    let print = |sample: &Sample| crc32c::crc32c(format!("{sample:?}").as_bytes());
    let read = |bytes: &[u8]| {
        let mut reader = Reader::new(std::io::Cursor::new(bytes.to_vec())).ok()?;
        let mut prints = Vec::new();
        while let Some(sample) = reader.read().ok()? {
            prints.push((sample.stamp.boot_ns, print(&sample)));
        }
        Some((prints, reader.findings().clone()))
    };
    let (whole, _) = read(&bytes).ok_or("the file itself cannot be read")?;
    assert!(whole.len() > 45, "{}", whole.len());
    // The same numbers in each run (Knuth's MMIX).
    let mut noise = 1u64;
    let mut random = |below: usize| {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005);
        noise = noise.wrapping_add(1_442_695_040_888_963_407);
        (noise >> 33) as usize % below
    };
    // What this takes at the most counts from here on.
    std::fs::write("/proc/self/clear_refs", "5")?;
    let held = procfs::process::Process::myself()?.status()?.vmrss;
    for _ in 0..1_000 {
        let at = random(bytes.len());
        if let Some((left, findings)) = read(&bytes[..at]) {
            assert!(whole.starts_with(&left), "cut at {at}");
            assert!(!findings.is_closed, "cut at {at}");
        }
    }
    let mut all_broken = Vec::new();
    for number in 0..1_000 {
        let (at, bit) = (random(bytes.len()), random(8));
        let mut broken = bytes.clone();
        broken[at] ^= 1 << bit;
        if number % 40 == 0 {
            all_broken.push(broken.clone());
        }
        let Some((left, findings)) = read(&broken) else {
            // Nothing of it is read where its head is broken.
            assert!(at < 16, "nothing is read after a flip at {at}");
            continue;
        };
        let place = format!("flip at {at}, bit {bit}");
        assert!(left.iter().all(|sample| whole.contains(sample)), "{place}");
        // A block is a second; the opening census has one of its own.
        assert!(left.len() + 11 >= whole.len(), "{place}: {}", left.len());
        let is_told = !findings.damages.is_empty() || findings.unfinished > 0;
        assert!(left.len() == whole.len() || is_told, "{place}");
    }
    let most = procfs::process::Process::myself()?.status()?.vmhwm;
    let more = most.zip(held).map(|(most, held)| most.saturating_sub(held));
    assert!(more.ok_or("unknown")? < 256 << 10, "{more:?} KiB");
    // Pictures of them are drawn, or it is said why not.
    for broken in all_broken {
        let (path, picture) = (folder.file("broken.pvz"), folder.file("x.svg"));
        std::fs::write(&path, broken)?;
        let chart = ["grid", "bubble", "lines"][random(3)];
        let mut command = procviz();
        command.args([chart, "--force", "--from"]).arg(&path);
        command.args(["--at", "-1s", "-o"]).arg(&picture);
        let result = output(
            Command::new("prlimit")
                .args(["--data=268435456", "--"])
                .arg(command.get_program())
                .args(command.get_args()),
        );
        let status = result.status.code();
        let said = stderr(&result);
        assert!(matches!(status, Some(0 | 1 | 3)), "{status:?}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
    Ok(())
}

/// Damages the fourth block of samples.
fn damage(file: &Path, broken: &Path) -> Result<(), Failed> {
    let map = Map::of(&mut std::fs::File::open(file)?)?;
    let mut blocks = map.entries.iter().filter(|entry| entry.has_samples());
    let place = blocks.nth(3).ok_or("too few blocks")?.offset as usize;
    let mut bytes = std::fs::read(file)?;
    bytes[place + 100] ^= 0x10;
    std::fs::write(broken, &bytes)?;
    Ok(())
}

/// Figures of what comes after a hole are of all of the time before it, or
/// unknown, and pictures say so.
fn hole() -> Result<(), Failed> {
    let folder = Folder::new("hole");
    let (file, broken) = (folder.file("run.pvz"), folder.file("broken.pvz"));
    let hog = Running::new(Command::new("sh").args(["-c", "while :; do :; done"]));
    record(&file, &["-F", "20", "--duration", "6s", "--require-ebpf"]);
    damage(&file, &broken)?;
    let dump = |from: &Path| -> Vec<Value> {
        let result = output(procviz().args(["dump", "--from"]).arg(from));
        let lines = String::from_utf8(result.stdout).unwrap();
        let lines = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        lines.collect()
    };
    let of_hog = |line: &Value, figure: &str| {
        let mut tasks = line["tasks"].as_array().unwrap().iter();
        let task = tasks.find(|task| task["tid"] == hog.pid()).unwrap();
        task[figure].as_u64()
    };
    let (whole, left) = (dump(&file), dump(&broken));
    let is_after = |line: &&Value| line["interval_ns"].as_u64() > Some(500_000_000);
    let after: Vec<&Value> = left.iter().filter(is_after).collect();
    let [after] = after[..] else {
        return Err(format!("{} lines after holes", after.len()).into());
    };
    let before = left
        .iter()
        .rfind(|line| line["time"].as_str() < after["time"].as_str());
    let used = of_hog(after, "cpu_ns").zip(of_hog(before.unwrap(), "cpu_ns"));
    let used = used.map(|(after, before)| after - before);
    assert!(used > Some(100_000_000), "{used:?}");
    assert_eq!(of_hog(after, "cpu_delta_ns"), used);
    assert!(after["machine"]["cpu_busy_ns"].is_null(), "{after}");
    assert!(after["machine"]["mem_available_bytes"].is_u64(), "{after}");
    let missing: Vec<&Value> = whole
        .iter()
        .filter(|line| left.iter().all(|other| other["time"] != line["time"]))
        .collect();
    let (first, last) = (missing[0], missing[missing.len() / 2]);
    let pid = hog.pid().to_string();
    let draw = |chart: &str, from: &Path, at: &Value| {
        let picture = folder.file("x.svg");
        let result = output(
            procviz()
                .args([chart, "--force", "--pid", &pid, "--from"])
                .arg(from)
                .args(["--at", at["time"].as_str().unwrap(), "-o"])
                .arg(&picture),
        );
        (std::fs::read_to_string(picture).unwrap(), stderr(&result))
    };
    // The sample after it.
    let (picture, _) = draw("grid", &broken, after);
    assert!(picture.contains("s of it missing"), "{picture}");
    assert!(picture.contains("who began or ended then is not known"));
    let (picture, _) = draw("grid", &file, after);
    assert!(!picture.contains("missing"), "{picture}");
    // A moment within it.
    let (picture, said) = draw("bubble", &broken, last);
    assert!(said.contains("nothing was recorded then"), "{said}");
    assert!(!picture.contains("missing"), "{picture}");
    let (_, said) = draw("bubble", &file, last);
    assert!(!said.contains("nothing was recorded"), "{said}");
    // Lines have no stroke across it.
    let end = left.last().unwrap();
    let (broken_line, _) = draw("lines", &broken, end);
    assert!(broken_line.contains("broken where nothing is known"));
    let (line, _) = draw("lines", &file, end);
    assert!(!line.contains("nothing is known"));
    let is_stroke =
        |line: &&str| line.starts_with("<polyline") && line.contains("stroke-width=\"2.00\"");
    let strokes = |picture: &str| picture.lines().filter(is_stroke).count();
    assert_eq!((strokes(&line), strokes(&broken_line)), (1, 2));
    // A piece of it tells of the hole, too.
    let piece = folder.file("piece.pvz");
    let cut = output(
        procviz()
            .args(["record", "--begin", "-5.5s", "--from"])
            .arg(&broken)
            .arg("-o")
            .arg(&piece),
    );
    assert_eq!(cut.status.code(), Some(3), "{}", stderr(&cut));
    let again = dump(&piece);
    let again: Vec<&Value> = again.iter().filter(is_after).collect();
    assert!(again.len() == 1 && *again[0] == *after, "{again:?}");
    assert!(first["time"].as_str() < last["time"].as_str());
    Ok(())
}

/// Whatever is made of a damaged file tells of it, be the damage where nothing
/// was read.
fn damaged() -> Result<(), Failed> {
    let folder = Folder::new("damaged");
    let file = folder.file("run.pvz");
    let busy = busy();
    let mut command = procviz();
    command.args(["record", "-F", "20", "--duration", "6s", "--require-ebpf"]);
    command.env("PROCVIZ_TEST_KEYFRAMES_NS", "1000000000");
    let result = output(command.arg("-o").arg(&file));
    assert!(result.status.success(), "{}", stderr(&result));
    drop(busy);
    let check = output(procviz().arg("check").arg(&file));
    assert_eq!(check.status.code(), Some(0), "{}", stderr(&check));
    let broken = folder.file("broken.pvz");
    damage(&file, &broken)?;
    let (whole, left) = (samples(&file).0.len(), samples(&broken).0.len());
    assert!(left < whole && left + 25 > whole, "{left} of {whole}");
    // Of a folder it is said what there is in all.
    let both = output(procviz().arg("check").arg(folder.file(".")));
    assert_eq!(both.status.code(), Some(3), "{}", stderr(&both));
    let told = String::from_utf8(both.stdout)?;
    let last = told.lines().last().unwrap_or_default();
    assert!(
        last.starts_with(&format!("all 2 files: {} samples", whole + left)),
        "{last}"
    );
    assert!(
        last.ends_with("1 damaged places, 0 files that cannot be read"),
        "{last}"
    );
    let pid = std::process::id().to_string();
    let asked = [
        &["check"][..],
        &["dump", "--from"],
        &["dump", "--at", "-0.2s", "--from"],
        &["exits", "--from"],
        &["notables", "--from"],
        &["notables", "--command", "true", "--from"],
        &["csv", &pid, "--from"],
        &["grid", "-o", "last.png", "--from"],
        &["grid", "-o", "then.svg", "--at", "-0.2s", "--from"],
        &["bubble", "-o", "then.png", "--at", "-0.2s", "--from"],
        &["lines", "-o", "lines.svg", "--at", "-0.2s", "--from"],
        &["lines", "-o", "page.html", "--from"],
        &["record", "-o", "piece.pvz", "--begin", "-1s", "--from"],
    ];
    for args in asked {
        let mut command = procviz();
        for argument in args {
            match argument.contains('.') && !argument.starts_with('-') {
                true => command.arg(folder.file(argument)),
                false => command.arg(argument),
            };
        }
        let result = output(command.arg(&broken));
        let said = stderr(&result);
        assert_eq!(result.status.code(), Some(3), "{args:?}: {said}");
        assert_eq!(
            said.matches("damaged at byte").count(),
            1,
            "{args:?}: {said}"
        );
    }
    let made = std::fs::read_dir(folder.file("."))?;
    let sizes = made.map(|entry| entry.unwrap().metadata().unwrap().len());
    let sizes: Vec<u64> = sizes.collect();
    assert!(
        sizes.len() == 8 && sizes.iter().all(|size| *size > 0),
        "{sizes:?}"
    );
    Ok(())
}

/// Sampling goes on while the disk answers nobody: all of it waits, and what
/// there is no room for is lost and told of.
fn hung_disk() -> Result<(), Failed> {
    let folder = Folder::new("hung-disk");
    let (out, image, mount) = (
        folder.file("out"),
        folder.file("image"),
        folder.file("small"),
    );
    std::fs::create_dir(&mount)?;
    std::fs::create_dir(&out)?;
    let script = r#"
        truncate -s 16M "$1" && mkfs.ext4 -q "$1" && mount -o loop "$1" "$2" || exit 77
        (sleep 2; fsfreeze -f "$2"; sleep 13; fsfreeze -u "$2") &
        "$4" record -F 20 --duration 19s --require-ebpf -o "$2/all.pvz" 2> "$3/said" &
        PROCVIZ_TEST_QUEUE_BYTES=4000 \
            "$4" record -F 20 --duration 19s --require-ebpf -o "$2/some.pvz"
        status=$?
        wait $! || status=$?
        wait
        cp "$2"/*.pvz "$3"
        exit $status
    "#;
    let result = output(
        Command::new("unshare")
            .args(["--mount", "sh", "-c", script, "sh"])
            .args([&image, &mount, &out])
            .arg(env!("CARGO_BIN_EXE_procviz")),
    );
    if result.status.code() == Some(77) {
        return skip("no file system can be made and mounted");
    }
    let said = stderr(&result);
    assert!(result.status.success(), "{said}");
    let said_of_all = std::fs::read_to_string(out.join("said"))?;
    let counted = |name: &str| {
        let (samples, reader) = samples(&out.join(name));
        let findings = reader.findings();
        assert!(
            findings.damages.is_empty() && findings.is_closed,
            "{findings:?}"
        );
        let late = samples.last().unwrap().losses;
        // Whoever waited for the disk would have left out most of them.
        assert!(late.late_ticks + late.skipped_ticks < 40, "{late:?}");
        let lost: u64 = findings.gaps.iter().map(|gap| gap.samples).sum();
        let due = samples.len() as u64 + late.skipped_ticks;
        (due, findings.gaps.len() as u64, lost)
    };
    // Where there is room for what waits, nothing is lost.
    assert_eq!(counted("all.pvz"), (19 * 20 + 1, 0, 0), "{said_of_all}");
    assert!(!said_of_all.contains("sampling goes on"), "{said_of_all}");
    // Each sample is there or told of, none was late, and whoever waits is told
    // once; everybody is told of once more after the gap.
    let (there, gaps, lost) = counted("some.pvz");
    assert!(lost > 0, "nothing was lost: {said}");
    assert_eq!(there + lost, 19 * 20 + 1 + gaps, "{said}");
    assert_eq!(said.matches("sampling goes on").count(), 1, "{said}");
    Ok(())
}

/// Says so once, goes on when there is room, and marks the gap; who ended in it
/// is known after it.
fn full_disk() -> Result<(), Failed> {
    let folder = Folder::new("full-disk");
    let (out, lines) = (folder.file("out.pvz"), folder.file("live.json"));
    let mount = folder.file("small");
    std::fs::create_dir(&mount)?;
    let script = r#"
        mount -t tmpfs -o size=4m tmpfs "$1" || exit 77
        (sleep 2; exec dd if=/dev/zero of="$1/filler" bs=4k) 2> /dev/null &
        sleep 60 & old=$!
        (sleep 3; kill $old; exec sleep 61) & new=$!
        (sleep 5; rm "$1/filler") &
        "$3" dump -F 50 --duration 9s --require-ebpf --save "$1/run.pvz" > "$4"
        status=$?
        kill $new
        cp "$1/run.pvz" "$2"
        echo $old $new
        exit $status
    "#;
    let exits = Lines::exits(&[]);
    let _busy = busy();
    let result = output(
        Command::new("unshare")
            .args(["--mount", "sh", "-c", script, "sh"])
            .arg(&mount)
            .arg(&out)
            .arg(env!("CARGO_BIN_EXE_procviz"))
            .arg(&lines),
    );
    let (ended, _) = exits.end();
    if result.status.code() == Some(77) {
        return skip("no file system can be mounted");
    }
    let said = stderr(&result);
    assert!(result.status.success(), "{said}");
    assert_eq!(said.matches("sampling goes on").count(), 1, "{said}");
    assert_eq!(said.matches("recording goes on").count(), 1, "{said}");
    let (samples, reader) = samples(&out);
    let findings = reader.findings();
    assert!(
        findings.damages.is_empty() && findings.is_closed,
        "{findings:?}"
    );
    let [gap] = &findings.gaps[..] else {
        return Err(format!("{:?}", findings.gaps).into());
    };
    assert!(
        gap.samples > 50 && samples.len() > 100,
        "{gap:?}, {} kept",
        samples.len()
    );
    assert!(gap.why.contains("No space"), "{}", gap.why);
    // Everybody is told of once more, as of the end of the gap.
    let within = samples.iter().filter(|sample| {
        let (begin, end) = gap.span_ns;
        (begin..=end).contains(&sample.stamp.boot_ns)
    });
    let within: Vec<&Sample> = within.collect();
    assert!(within.len() == 1 && within[0].complete, "{}", within.len());
    let skipped = samples.last().map_or(0, |last| last.losses.skipped_ticks);
    assert_eq!(samples.len() as u64 - 1 + gap.samples + skipped, 9 * 50 + 1);
    // Every death is there, and those in the gap say the same as all others.
    assert_eq!(gap.deaths, 0);
    let read = output(procviz().args(["exits", "--json", "--from"]).arg(&out));
    assert!(read.status.success(), "{}", stderr(&read));
    let read = String::from_utf8(read.stdout)?;
    let (began, over) = read.lines().min().zip(read.lines().max()).unwrap();
    let is_kept = |line: &&String| began <= line.as_str() && line.as_str() <= over;
    // The clock is asked by each for itself.
    let untimed = |line: &str| {
        let mut record: Value = serde_json::from_str(line).unwrap();
        record["time"].take();
        record["lifetime_ns"].take();
        record.to_string()
    };
    let ended: Vec<String> = ended
        .iter()
        .filter(is_kept)
        .map(|line| untimed(line))
        .collect();
    let inner = &ended[3..ended.len() - 3];
    let read: BTreeSet<String> = read.lines().map(untimed).collect();
    let missing = inner.iter().filter(|line| !read.contains(*line));
    let missing: Vec<_> = missing.take(3).collect();
    assert!(missing.is_empty() && inner.len() > 100, "{missing:#?}");
    is_read_by_python(&out)?;
    // What is read is what was live; the sample after the gap spans it.
    let read = output(procviz().args(["dump", "--from"]).arg(&out));
    assert!(read.status.success(), "{}", stderr(&read));
    assert!(stderr(&read).contains("samples were not recorded"));
    let live = std::fs::read_to_string(&lines)?;
    let parse = |line: &str| serde_json::from_str::<Value>(line).unwrap();
    let of = |line: &Value| line["time"].as_str().unwrap().to_owned();
    let live: BTreeMap<String, Value> = live
        .lines()
        .map(|line| (of(&parse(line)), parse(line)))
        .collect();
    let read = String::from_utf8(read.stdout)?;
    let (mut after, mut tids) = (0, Vec::new());
    for line in read.lines().map(parse) {
        let was = &live[&of(&line)];
        if line["interval_ns"].as_u64() > Some(500_000_000) {
            assert!(line["machine"]["forks"].is_null(), "{line}");
            after = 1;
            continue;
        }
        assert_eq!(&line, was, "{after} after the gap");
        after += u32::from(after > 0);
        let tasks = line["tasks"].as_array().unwrap().iter();
        tids = tasks.map(|task| task["tid"].to_string()).collect();
    }
    assert!(after > 20, "{after}");
    let named = String::from_utf8(result.stdout)?;
    let named: Vec<&str> = named.split_whitespace().collect();
    assert!(!tids.contains(&named[0].to_owned()) && tids.contains(&named[1].to_owned()));
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
        // Arguments are bytes.
        let secret = format!("{:?}", b"secret-word");
        let secret = secret.trim_matches(['[', ']']);
        assert_eq!(text.contains(secret), is_there, "{args:?}");
    }
    Ok(())
}

/// Processes as they are in a recording of threads; threads are not to be had.
fn processes_alone() -> Result<(), Failed> {
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
    // The dead have a name there, and no pid: they had one each.
    let told = output(procviz().args(["notables", "--from"]).arg(&all));
    let told = String::from_utf8(told.stdout)?;
    let deaths = told
        .lines()
        .find_map(|line| line.split_once(" begins deaths "));
    let (_, deaths) = deaths.ok_or_else(|| told.clone())?;
    let name = deaths.split(':').next().unwrap_or_default().trim();
    let pid = name
        .rsplit(' ')
        .next()
        .and_then(|last| last.parse::<u32>().ok());
    assert!(pid.is_none() && deaths.contains("started by"), "{deaths}");
    let dump = |file: &Path| -> Vec<Value> {
        let result = output(procviz().args(["dump", "-p", "--from"]).arg(file));
        assert!(result.status.success(), "{}", stderr(&result));
        let text = String::from_utf8(result.stdout).unwrap();
        let lines = text.lines().map(|line| {
            let mut snapshot: Value = serde_json::from_str(line).unwrap();
            let tasks = snapshot["tasks"].as_array_mut().unwrap();
            tasks.sort_by_key(|task| task["tid"].as_u64());
            for task in tasks {
                // Of the leader there, of all threads here; and of one that
                // ended, how many it had is told by nothing.
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
            .any(|snapshot| !snapshot["notables"].as_array().unwrap().is_empty()),
        "nothing stood out"
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
    // A chart of threads says what it is of; live and with a part it is the same.
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
            stderr(&result).contains("holds processes alone"),
            "{}",
            stderr(&result)
        );
        let svg = std::fs::read_to_string(&picture)?;
        assert!(
            svg.contains(" processes</title>") || svg.contains(" processes<"),
            "{name}"
        );
    }
    // Its one thread is what `ps` calls the process.
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

/// Who descends from somebody is known in a recording of all, also of orphans.
fn tree() -> Result<(), Failed> {
    let folder = Folder::new("tree");
    let (file, piece) = (folder.file("x.pvz"), folder.file("piece.pvz"));
    let _busy = busy();
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
    // Orphans go on by themselves: `false` ends long after its grandparent.
    assert!(codes(3) > 10 && codes(1) > 10, "{} {}", codes(3), codes(1));
    let names = |exit: &Value| exit["comm"].as_str().unwrap().to_owned();
    let names: BTreeSet<String> = ended.iter().map(names).collect();
    let known = ["false", "sh", "sleep", "true"].map(str::to_owned);
    assert_eq!(names, known.into());
    // Nobody else's child is among them, and there are others.
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
    let living = |from: &Path| -> Vec<Vec<u64>> {
        json(&["dump", of_tree[0], of_tree[1]], from)
            .iter()
            .map(|sample| {
                let tasks = sample["tasks"].as_array().unwrap().iter();
                tasks.map(|task| task["tid"].as_u64().unwrap()).collect()
            })
            .collect()
    };
    let shown = living(&file);
    let has_root = |tids: &&Vec<u64>| tids.contains(&u64::from(root));
    assert!(shown.iter().filter(has_root).count() > 30);
    assert!(shown.iter().all(|tids| tids.len() < 40));
    // A piece of them alone shows them alone.
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
        (&there, "no recording"),
        (&empty, "empty"),
        (&later, "version 9"),
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
