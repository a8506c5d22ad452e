//! Records to disks that hang or are full: sampling continues.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::{Command, Output},
};

use libtest_mimic::Failed;
use procviz::{
    model::Sample,
    recording::{Gap, Reader},
};
use serde_json::Value;

use crate::{
    Needs, Test,
    format::is_read_by_python,
    recording::{busy, samples},
    support::{Folder, Lines, output, procviz, skip, stderr},
};

pub(crate) const TESTS: &[Test] = &[
    ("full_for_a_while", Needs::Events, full_disk),
    ("hangs_for_a_while", Needs::Events, hung_disk),
    (
        "full_while_files_rotate",
        Needs::Events,
        full_while_files_rotate,
    ),
    ("full_to_the_end", Needs::Events, full_to_the_end),
    (
        "full_to_the_last_byte",
        Needs::Events,
        full_to_the_last_byte,
    ),
];

/// Sampling continues while the disk hangs: samples wait in a queue, and samples that do
/// not fit into the queue are lost and counted.
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
            .arg(crate::support::binary()),
    );
    if result.status.code() == Some(77) {
        return skip("cannot create and mount a file system");
    }
    let said = stderr(&result);
    assert!(result.status.success(), "{said}");
    let said_of_all = std::fs::read_to_string(out.join("said"))?;
    let counted = |name: &str| {
        let (samples, reader) = samples(&out.join(name));
        let findings = reader.integrity();
        assert!(
            findings.damages.is_empty() && findings.is_closed,
            "{findings:?}"
        );
        let late = samples.last().unwrap().losses;
        // A sampler that waits for the disk would have skipped most ticks.
        assert!(late.late_ticks + late.skipped_ticks < 40, "{late:?}");
        let lost: u64 = findings.gaps.iter().map(|gap| gap.samples).sum();
        let due = samples.len() as u64 + late.skipped_ticks;
        (due, findings.gaps.len() as u64, lost)
    };
    // With enough room in the queue, nothing is lost.
    assert_eq!(counted("all.pvz"), (19 * 20 + 1, 0, 0), "{said_of_all}");
    assert!(!said_of_all.contains("sampling continues"), "{said_of_all}");
    // Each sample is in the file or counted as lost, and there is one message. Each gap is
    // followed by a census, which is one more sample.
    let (there, gaps, lost) = counted("some.pvz");
    assert!(lost > 0, "nothing was lost: {said}");
    assert_eq!(there + lost, 19 * 20 + 1 + gaps, "{said}");
    assert_eq!(said.matches("sampling continues").count(), 1, "{said}");
    Ok(())
}

/// On a full disk, procviz prints one message, continues when there is room, and marks the
/// gap. Processes that exited in the gap are known after it.
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
        "$4" dump -F 50 --duration 9s --require-ebpf --save "$1/run.pvz" > "$3"
        status=$?
        kill $new
        cp "$1/run.pvz" "$2"
        echo $old $new
        exit $status
    "#;
    let Some((result, ended)) = beside_exits(script, &[&mount, &out, &lines]) else {
        return skip("cannot mount a file system");
    };
    let said = stderr(&result);
    assert!(result.status.success(), "{said}");
    assert_eq!(said.matches("sampling continues").count(), 1, "{said}");
    assert_eq!(said.matches("recording continues").count(), 1, "{said}");
    let (samples, reader) = samples(&out);
    let findings = reader.integrity();
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
    // There is one census for the end of the gap.
    let within = samples.iter().filter(|sample| {
        let (begin, end) = gap.span_ns;
        (begin..=end).contains(&sample.stamp.boot_ns)
    });
    let within: Vec<&Sample> = within.collect();
    assert!(within.len() == 1 && within[0].complete, "{}", within.len());
    let skipped = samples.last().map_or(0, |last| last.losses.skipped_ticks);
    assert_eq!(samples.len() as u64 - 1 + gap.samples + skipped, 9 * 50 + 1);
    // Every death is in the file; deaths in the gap have the same figures as all others.
    assert_eq!(gap.deaths, 0);
    let ends = ends(&out, &[])?;
    each_is_there_once(&ends, &ended);
    a_part_is_the_same(&out, &ends)?;
    is_read_by_python(&out)?;
    // The recording equals the live output; the sample after the gap covers the gap.
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
            // A process that was reaped in the gap is not shown as a zombie.
            assert_eq!(zombies(&line), zombies(was));
            after = 1;
            continue;
        }
        assert_eq!(&line, was, "sample {after} after the gap");
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

/// Runs a script in its own mount namespace, while other processes start and exit. `$1`
/// and the following arguments are the paths, the last argument is the procviz binary.
/// Returns the output and the exits that another procviz saw; `None` if the script cannot
/// mount.
fn beside_exits(script: &str, paths: &[&Path]) -> Option<(Output, Vec<String>)> {
    let exits = Lines::exits(&[]);
    let _busy = busy();
    let result = output(
        Command::new("unshare")
            .args(["--mount", "sh", "-c", script, "sh"])
            .args(paths)
            .arg(crate::support::binary()),
    );
    let (ended, _) = exits.end();
    (result.status.code() != Some(77)).then_some((result, ended))
}

fn zombies(snapshot: &Value) -> BTreeSet<u64> {
    let tasks = snapshot["tasks"].as_array().unwrap().iter();
    let tasks = tasks.filter(|task| task["state"] == "Z");
    tasks.map(|task| task["tid"].as_u64().unwrap()).collect()
}

/// The lines of `exits --json --from`.
fn ends(recording: &Path, args: &[&str]) -> Result<Vec<String>, Failed> {
    let read = output(
        procviz()
            .args(["exits", "--json", "--from"])
            .arg(recording)
            .args(args),
    );
    assert!(read.status.success(), "{}", stderr(&read));
    let read = String::from_utf8(read.stdout)?;
    Ok(read.lines().map(str::to_owned).collect())
}

fn time_of(line: &str) -> &str {
    let rest = line.split("\"time\":\"").nth(1).unwrap();
    rest.split('"').next().unwrap()
}

/// Checks that each death that another procviz saw live is in the recording once, with
/// the same figures.
fn each_is_there_once(read: &[String], live: &[String]) {
    // Each procviz reads the clock itself, so times can differ.
    let untimed = |line: &String| {
        let mut record: Value = serde_json::from_str(line).unwrap();
        record["time"].take();
        record["lifetime_ns"].take();
        for time in ["/killed_by/before_ns", "/terminated_by/before_ns"] {
            record.pointer_mut(time).map(Value::take);
        }
        // Known only to a procviz that is older than the process.
        record["max_rss_inherited"].take();
        record.to_string()
    };
    let times = read.iter().map(|line| time_of(line));
    let (began, over) = times.clone().min().zip(times.max()).unwrap();
    let is_kept = |line: &&String| began <= time_of(line) && time_of(line) <= over;
    let live: Vec<String> = live.iter().filter(is_kept).map(untimed).collect();
    // A process whose fork was before the first program was attached is partial: the
    // recorder begins later than the other procviz, so its first exits differ.
    let inner = &live[10..live.len() - 3];
    let mut count: BTreeMap<String, u32> = BTreeMap::new();
    for line in read.iter().map(untimed) {
        *count.entry(line).or_default() += 1;
    }
    let not_once = inner.iter().filter(|line| count.get(*line) != Some(&1));
    let not_once: Vec<_> = not_once.take(3).collect();
    assert!(not_once.is_empty() && inner.len() > 100, "{not_once:#?}");
    let twice: Vec<_> = count.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "{twice:#?}");
}

/// Checks that a part of the recording has the same exits, also if the part begins and
/// ends within a gap or in another file.
fn a_part_is_the_same(recording: &Path, all: &[String]) -> Result<(), Failed> {
    let mut times: Vec<&str> = all.iter().map(|line| time_of(line)).collect();
    times.sort_unstable();
    // Compare pids: times come from the wall clock of each sample, which drifts.
    let pid = |line: &String| serde_json::from_str::<Value>(line).unwrap()["pid"].to_string();
    for (from, to) in [(1, 2), (2, 3), (3, 5)] {
        let [begin, end] = [from, to].map(|sixths| times[(times.len() - 1) * sixths / 6]);
        let within = |line: &&String| (begin..=end).contains(&time_of(line));
        let expected: BTreeSet<String> = all.iter().filter(within).map(pid).collect();
        let part = ends(recording, &["--begin", begin, "--end", end])?;
        let part: BTreeSet<String> = part.iter().map(pid).collect();
        let others = expected.symmetric_difference(&part).count();
        assert!(
            expected.len() > 10 && others <= 2,
            "{begin} {end} {expected:?} {part:?}"
        );
    }
    Ok(())
}

/// A file that should begin while the disk is full records the gap before it.
fn full_while_files_rotate() -> Result<(), Failed> {
    let folder = Folder::new("full-rotation");
    let (mount, out) = (folder.file("small"), folder.file("out"));
    std::fs::create_dir(&mount)?;
    std::fs::create_dir(&out)?;
    let script = r#"
        mount -t tmpfs -o size=4m tmpfs "$1" || exit 77
        (sleep 3; exec dd if=/dev/zero of="$1/filler" bs=4k) 2> /dev/null &
        (sleep 8; rm "$1/filler") &
        "$3" record -F 20 --rotate 2s --duration 14s --require-ebpf -o "$1/shelf/"
        status=$?
        cp "$1"/shelf/*.pvz "$2"
        exit $status
    "#;
    let Some((result, ended)) = beside_exits(script, &[&mount, &out]) else {
        return skip("cannot mount a file system");
    };
    let said = stderr(&result);
    assert!(result.status.success(), "{said}");
    assert!(
        said.contains("sampling continues") && said.contains("tries again"),
        "{said}"
    );
    let ends = ends(&out, &[])?;
    each_is_there_once(&ends, &ended);
    a_part_is_the_same(&out, &ends)?;
    let check = output(procviz().arg("check").arg(&out));
    let told = stderr(&check);
    assert!(
        check.status.success() && told.contains("were not recorded: "),
        "{told}"
    );
    assert!(!told.contains("lost exits"), "{told}");
    Ok(())
}

/// Checks that as many deaths as another procviz saw live are in the recording, or counted in
/// its gap, which is at its end.
fn each_is_there_or_counted(
    there: &[String],
    live: &[String],
    (reader, gap): (&Reader, &Gap),
) -> Result<(), Failed> {
    let wall_ns = i128::from(reader.facts().boot_wall_ns) + i128::from(gap.span_ns.1);
    let over = jiff::Timestamp::from_nanosecond(wall_ns)?.to_string();
    let began = there.iter().map(|line| time_of(line)).min().unwrap();
    let due = live
        .iter()
        .filter(|line| began <= time_of(line) && time_of(line) <= over.as_str());
    let (due, counted) = (due.count() as i64, there.len() as i64 + gap.deaths as i64);
    // Each procviz has its own clock, so deaths at the edges can differ.
    assert!(
        due > 100 && (counted - due).abs() <= 3,
        "{counted} of {due} deaths: {gap:?}"
    );
    Ok(())
}

/// If the disk is full until the end, missing deaths are counted in the gap. It becomes full
/// after the first blocks, which stay: room for the gap comes from later ones.
fn full_to_the_end() -> Result<(), Failed> {
    let folder = Folder::new("full-to-the-end");
    let (mount, out) = (folder.file("small"), folder.file("out.pvz"));
    std::fs::create_dir(&mount)?;
    let script = r#"
        mount -t tmpfs -o size=4m tmpfs "$1" || exit 77
        (until [ -n "$(ls -A "$1")" ]; do sleep 0.1; done
            sleep 2.5; exec dd if=/dev/zero of="$1/filler" bs=4k) 2> /dev/null &
        "$3" record -F 20 --duration 6s --require-ebpf -o "$1/run.pvz"
        status=$?
        cp "$1/run.pvz" "$2"
        exit $status
    "#;
    let Some((result, ended)) = beside_exits(script, &[&mount, &out]) else {
        return skip("cannot mount a file system");
    };
    assert!(result.status.success(), "{}", stderr(&result));
    let (_, reader) = samples(&out);
    let [gap] = &reader.integrity().gaps[..] else {
        return Err(format!("{:?}", reader.integrity().gaps).into());
    };
    let there = ends(&out, &[])?;
    each_is_there_or_counted(&there, &ended, (&reader, gap))?;
    // A copy has the same exits, and all processes are descendants of process 1.
    let copy = folder.file("copy.pvz");
    let made = output(
        procviz()
            .args(["record", "--from"])
            .arg(&out)
            .arg("-o")
            .arg(&copy),
    );
    assert!(made.status.success(), "{}", stderr(&made));
    let pids = |lines: Vec<String>| -> Vec<String> {
        let pid = |line: &String| serde_json::from_str::<Value>(line).unwrap()["pid"].to_string();
        lines.iter().map(pid).collect()
    };
    assert_eq!(pids(ends(&copy, &[])?), pids(there.clone()));
    let (_, copied) = samples(&copy);
    assert_eq!(copied.integrity().gaps, reader.integrity().gaps);
    // Only processes of the workload: kernel threads descend from another process.
    let of_load = |lines: Vec<String>| -> Vec<String> {
        let is_of_load = |line: &String| line.contains("\"comm\":\"true\"");
        pids(lines.into_iter().filter(is_of_load).collect())
    };
    assert_eq!(of_load(ends(&out, &["--tree", "1"])?), of_load(there));
    // The gap is reported once.
    let check = output(procviz().arg("exits").arg("--from").arg(&out));
    assert_eq!(
        stderr(&check).matches("were not recorded").count(),
        1,
        "{}",
        stderr(&check)
    );
    Ok(())
}

/// The loss is reported however little room is left: a unit test leaves too little for the gap
/// block.
fn full_to_the_last_byte() -> Result<(), Failed> {
    let folder = Folder::new("full-to-the-last-byte");
    let out = folder.file("out.pvz");
    // A limit of the file size works like a disk without room, to the byte.
    let script = r#"
        exec prlimit --fsize=30000 "$2" record -F 20 --duration 6s --require-ebpf -o "$1"
    "#;
    let Some((result, ended)) = beside_exits(script, &[&out]) else {
        return skip("cannot limit the size of a file");
    };
    let said = stderr(&result);
    assert!(result.status.success(), "{said}");
    let (kept, reader) = samples(&out);
    let findings = reader.integrity();
    let [gap] = &findings.gaps[..] else {
        return Err(format!("{:?}: {said}", findings.gaps).into());
    };
    assert!(findings.damages.is_empty(), "{findings:?}");
    assert!(gap.why.contains("File too large"), "{gap:?}");
    let skipped = kept.last().unwrap().losses.skipped_ticks;
    assert_eq!(kept.len() as u64 + gap.samples + skipped, 6 * 20 + 1);
    let lost = format!("{} samples were lost", gap.samples);
    assert!(said.contains(&lost), "{lost}: {said}");
    each_is_there_or_counted(&ends(&out, &[])?, &ended, (&reader, gap))
}
