//! Reads recordings that were not closed, are damaged or have gaps: the intact parts
//! are read, and the missing parts are reported.

use std::{
    collections::BTreeSet,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use libtest_mimic::Failed;
use procviz::{
    model::Sample,
    recording::{Block, Facts, Gap, Map, Reader},
};
use serde_json::Value;

use crate::{
    Needs, Test,
    recording::{busy, record, samples},
    support::{Folder, Running, output, procviz, stderr},
};

pub(crate) const TESTS: &[Test] = &[
    ("killed_at_any_moment", Needs::Events, killed),
    ("damage_is_reported", Needs::Events, damaged),
    ("a_gap_is_marked", Needs::Events, hole),
    ("a_thousand_cuts_and_flips", Needs::Events, cuts_and_flips),
    ("a_piece_counts_what_is_missing", Needs::Events, piece),
    ("deaths_stay_in_their_boot", Needs::Events, two_boots),
];

/// After SIGKILL at any time, the file has all samples but those of about the last second.
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
            crate::support::wait_until("there is no block", || {
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
            assert!(reader.integrity().damages.is_empty() && !reader.integrity().is_closed);
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

/// 1,000 truncations and 1,000 bit flips: samples that are read equal the written ones,
/// and missing samples are reported.
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
        Some((prints, reader.integrity().clone()))
    };
    let (whole, _) = read(&bytes).ok_or("the undamaged file is not read")?;
    assert!(whole.len() > 45, "{}", whole.len());
    // Pseudo-random numbers, the same in each run (Knuth's MMIX).
    let mut noise = 1u64;
    let mut random = |below: usize| {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005);
        noise = noise.wrapping_add(1_442_695_040_888_963_407);
        (noise >> 33) as usize % below
    };
    // Reset the peak of the resident set, so that it counts only what follows.
    std::fs::write("/proc/self/clear_refs", "5")?;
    let held = procfs::process::Process::myself()?.status()?.vmrss;
    for _ in 0..1_000 {
        let at = random(bytes.len());
        if let Some((left, findings)) = read(&bytes[..at]) {
            assert!(whole.starts_with(&left), "cut at byte {at}");
            assert!(!findings.is_closed, "cut at byte {at}");
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
            // A file with a damaged file header is not read at all.
            assert!(at < 16, "nothing is read after a flip of byte {at}");
            continue;
        };
        let place = format!("byte {at}, bit {bit}");
        assert!(left.iter().all(|sample| whole.contains(sample)), "{place}");
        // A block covers a second (10 samples); the opening census is a block of its own.
        assert!(left.len() + 11 >= whole.len(), "{place}: {}", left.len());
        let is_told = !findings.damages.is_empty() || findings.unfinished > 0;
        assert!(left.len() == whole.len() || is_told, "{place}");
    }
    let most = procfs::process::Process::myself()?.status()?.vmhwm;
    let more = most.zip(held).map(|(most, held)| most.saturating_sub(held));
    assert!(more.ok_or("unknown")? < 256 << 10, "{more:?} KiB");
    // Each damaged file gives a picture, or a message that says why not.
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

/// Copies a file and damages the fourth block of samples in the copy.
fn damage(file: &Path, broken: &Path) -> Result<(), Failed> {
    let map = Map::of(&mut std::fs::File::open(file)?)?;
    let mut blocks = map.entries.iter().filter(|entry| entry.has_samples());
    let place = blocks.nth(3).ok_or("too few blocks")?.offset as usize;
    let mut bytes = std::fs::read(file)?;
    bytes[place + 100] ^= 0x10;
    std::fs::write(broken, &bytes)?;
    Ok(())
}

/// The figures of the sample after a gap cover the whole gap or are unknown, and pictures
/// say so.
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
        return Err(format!("{} lines after gaps", after.len()).into());
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
    // The sample after the gap.
    let (picture, _) = draw("grid", &broken, after);
    assert!(picture.contains("s of it missing"), "{picture}");
    assert!(picture.contains("tasks that started or exited then are unknown"));
    let (picture, _) = draw("grid", &file, after);
    assert!(!picture.contains("missing"), "{picture}");
    // A time within the gap.
    let (picture, said) = draw("bubble", &broken, last);
    assert!(said.contains("nothing was recorded at that time"), "{said}");
    assert!(!picture.contains("missing"), "{picture}");
    let (_, said) = draw("bubble", &file, last);
    assert!(!said.contains("nothing was recorded"), "{said}");
    // No line crosses the gap.
    let end = left.last().unwrap();
    let (broken_line, _) = draw("lines", &broken, end);
    assert!(broken_line.contains("gaps where data is missing"));
    let (line, _) = draw("lines", &file, end);
    assert!(!line.contains("data is missing"));
    let is_stroke =
        |line: &&str| line.starts_with("<polyline") && line.contains("stroke-width=\"1.75\"");
    let strokes = |picture: &str| picture.lines().filter(is_stroke).count();
    // In each of the two panels.
    assert_eq!((strokes(&line), strokes(&broken_line)), (2, 4));
    // A part that is cut out has the gap, too.
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

/// Every command that reads a damaged file reports the damage, even if the command did
/// not read the damaged part.
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
    // For a folder, `check` also prints the totals.
    let both = output(procviz().arg("check").arg(folder.file(".")));
    assert_eq!(both.status.code(), Some(3), "{}", stderr(&both));
    let told = String::from_utf8(both.stdout)?;
    let last = told.lines().last().unwrap_or_default();
    assert!(
        last.starts_with(&format!("all files: 2, samples: {}", whole + left)),
        "{last}"
    );
    assert!(
        last.ends_with("damaged places: 1, unreadable files: 0"),
        "{last}"
    );
    let pid = std::process::id().to_string();
    let asked = [
        &["check"][..],
        &["dump", "--from"],
        &["dump", "--at", "-0.2s", "--from"],
        &["exits", "--from"],
        &["findings", "--from"],
        &["findings", "--command", "true", "--from"],
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

/// A part that is cut out keeps the number of deaths that a gap of its source only counts.
fn piece() -> Result<(), Failed> {
    let folder = Folder::new("piece");
    let (whole, holey, piece) = (
        folder.file("whole.pvz"),
        folder.file("holey.pvz"),
        folder.file("piece.pvz"),
    );
    record(&whole, &["-F", "5", "--duration", "5s", "--require-ebpf"]);
    let bytes = std::fs::read(&whole)?;
    let map = Map::of(&mut std::fs::File::open(&whole)?)?;
    let (_, reader) = samples(&whole);
    let mut blocks = map.entries.iter().filter(|entry| entry.has_samples());
    let lost = blocks.nth(3).unwrap();
    let next = map.entries.iter().find(|entry| entry.offset > lost.offset);
    let gap = Gap {
        span_ns: (lost.begin_ns, lost.end_ns),
        samples: 5,
        deaths: 7,
        why: "why".to_owned(),
    };
    let gap = Block::gap(&gap)?.bytes;
    let (from, to) = (lost.offset as usize, next.unwrap().offset as usize);
    let index = map.entries.last().unwrap().offset as usize;
    // Without the index, whose offsets are wrong now.
    std::fs::write(&holey, [&bytes[..from], &gap, &bytes[to..index]].concat())?;
    record(&piece, &["--from", holey.to_str().unwrap()]);
    let (some, of_piece) = samples(&piece);
    let [gap] = &of_piece.integrity().gaps[..] else {
        return Err(format!("{:?}", of_piece.integrity().gaps).into());
    };
    assert_eq!(gap.deaths, 7, "{gap:?}");
    assert!(
        some.len() > 10 && reader.integrity().gaps.is_empty(),
        "{} {:?}",
        some.len(),
        reader.integrity()
    );
    Ok(())
}

/// Processes that exited in a gap at the end of a file are listed, and not with the
/// samples of the next boot.
fn two_boots() -> Result<(), Failed> {
    let folder = Folder::new("two-boots");
    let whole = folder.file("whole.pvz");
    let shelf = folder.file("shelf");
    std::fs::create_dir(&shelf)?;
    let busy = busy();
    record(&whole, &["-F", "5", "--duration", "6s", "--require-ebpf"]);
    drop(busy);
    let bytes = std::fs::read(&whole)?;
    let map = Map::of(&mut std::fs::File::open(&whole)?)?;
    let (all, reader) = samples(&whole);
    let blocks: Vec<_> = map
        .entries
        .iter()
        .filter(|entry| entry.has_samples())
        .collect();
    let (lost, next) = (blocks[3], blocks[4]);
    let span_ns = (lost.begin_ns, lost.end_ns);
    let within = |sample: &&Sample| (span_ns.0..=span_ns.1).contains(&sample.stamp.boot_ns);
    let ended: Vec<_> = all
        .iter()
        .filter(within)
        .flat_map(Sample::ended)
        .cloned()
        .collect();
    let gap = Gap {
        span_ns,
        samples: 5,
        deaths: 0,
        why: "why".to_owned(),
    };
    let tail = [
        Block::gap(&gap)?.bytes,
        Block::deaths(span_ns, &ended)?.bytes,
    ]
    .concat();
    let first = [&bytes[..lost.offset as usize], &tail].concat();
    std::fs::write(shelf.join("a.pvz"), first)?;
    // The same machine after another boot, a day later.
    let later = Facts {
        boot_id: "another".to_owned(),
        boot_wall_ns: reader.facts().boot_wall_ns + 86_400_000_000_000,
        ..reader.facts().clone()
    };
    let rest = &bytes[next.offset as usize..];
    let second = [
        Block::file_header(),
        Block::facts(&later)?.bytes,
        rest.to_vec(),
    ]
    .concat();
    std::fs::write(shelf.join("b.pvz"), second)?;
    let told = output(procviz().args(["exits", "--json", "--from"]).arg(&shelf));
    assert!(told.status.success(), "{}", stderr(&told));
    let told = String::from_utf8(told.stdout)?;
    assert!(ended.len() > 10, "{} ended", ended.len());
    for record in &ended {
        let pid = format!("\"pid\":{},", record.process.tid);
        let lines: Vec<_> = told.lines().filter(|line| line.contains(&pid)).collect();
        let [line] = lines[..] else {
            return Err(format!("{pid} {lines:?}").into());
        };
        let time = line
            .split("\"time\":\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        let time = time.parse::<jiff::Timestamp>()?.as_nanosecond();
        let at = i128::from(reader.facts().boot_wall_ns) + i128::from(record.time_ns);
        assert!((time - at).abs() < 1_000_000_000, "{line}");
    }
    let shown = output(procviz().args(["dump", "-p", "--from"]).arg(&shelf));
    assert!(shown.status.success(), "{}", stderr(&shown));
    let shown = String::from_utf8(shown.stdout)?;
    let pids: BTreeSet<u64> = ended.iter().map(|it| it.process.tid.into()).collect();
    for line in shown.lines() {
        let snapshot: Value = serde_json::from_str(line)?;
        let tasks = snapshot["tasks"].as_array().unwrap().iter();
        let mut ended = tasks.filter(|task| !task["exit"].is_null());
        let ghost = ended.find(|task| pids.contains(&task["pid"].as_u64().unwrap()));
        assert!(ghost.is_none(), "{ghost:?}");
    }
    Ok(())
}
