use std::{io::BufReader, process::Stdio};

use libtest_mimic::Failed;

use crate::{
    Needs, Test,
    support::{Folder, Running, output, procviz, started, stderr, workload},
};

pub(crate) const TESTS: &[Test] = &[
    ("every_field_is_what_proc_says", Needs::Nothing, every_field),
    ("each_kind_has_a_file", Needs::Nothing, each_kind_has_a_file),
    ("pids_and_patterns", Needs::Nothing, pids_and_patterns),
    ("repetitions", Needs::Nothing, repetitions),
    (
        "many_tasks_take_no_memory",
        Needs::Nothing,
        many_tasks_take_no_memory,
    ),
    ("a_spreadsheet_runs_nothing", Needs::Nothing, a_spreadsheet),
    (
        "a_recording_holds_what_proc_said",
        Needs::Events,
        from_a_recording,
    ),
];

const HOSTILE: &str = "a) R 1,\"\n=x";

fn start(args: &[&str]) -> Running {
    started(&mut workload(args))
}

fn hex(name: &str) -> String {
    name.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// The rows, as a standard CSV parser reads them.
fn rows(bytes: &[u8]) -> Vec<Vec<Vec<u8>>> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes)
        .byte_records()
        .map(|row| row.unwrap().iter().map(<[u8]>::to_vec).collect())
        .collect()
}

/// Compares with `/proc` the fields that do not change while a task sleeps.
fn every_field() -> Result<(), Failed> {
    let hostile = start(&["named", &hex(HOSTILE)]);
    let zombies = start(&["zombies", "1"]);
    let threads = start(&["sleep", "2"]);
    let children = format!("/proc/{0}/task/{0}/children", zombies.pid());
    let zombie = std::fs::read_to_string(children)?.trim().to_owned();
    let thread = std::fs::read_dir(format!("/proc/{}/task", threads.pid()))?
        .flatten()
        .map(|entry| entry.file_name().into_string().unwrap())
        .find(|tid| *tid != threads.pid().to_string())
        .unwrap();
    let mut tids = vec![hostile.pid().to_string(), zombie, thread];
    if std::path::Path::new("/proc/2/stat").exists() {
        tids.push("2".to_owned());
    }
    for tid in &tids {
        let group = std::fs::read_to_string(format!("/proc/{tid}/status"))
            .map_err(|error| format!("{tid} of {tids:?}: {error}"))?;
        let tgid = group
            .lines()
            .find_map(|line| line.strip_prefix("Tgid:\t"))
            .unwrap();
        let folder = format!("/proc/{tgid}/task/{tid}");
        for (option, file) in [("-s", "stat"), ("-S", "status"), ("-i", "io")] {
            let table = output(procviz().args(["csv", option, "-t", tid]));
            assert!(table.status.success(), "{}", stderr(&table));
            let rows = rows(&table.stdout);
            assert_eq!(rows.len(), 2, "{tid} {file}");
            let raw = std::fs::read(format!("{folder}/{file}")).unwrap_or_default();
            let (titles, values) = (&rows[0], &rows[1]);
            assert_eq!(titles.len(), values.len(), "{tid} {file}");
            match file {
                "stat" => check_stat(tid, &raw, values),
                _ => check_pairs(tid, &raw, titles, values),
            }
        }
    }
    Ok(())
}

fn check_stat(tid: &str, raw: &[u8], values: &[Vec<u8>]) {
    // Joined again, the fields equal the line. Times of a task that wakes up can differ;
    // these tasks sleep.
    let mut line = values[0].clone();
    line.extend_from_slice(b" (");
    line.extend_from_slice(&values[1]);
    line.extend_from_slice(b")");
    for value in &values[2..] {
        line.push(b' ');
        line.extend_from_slice(value);
    }
    line.push(b'\n');
    assert_eq!(
        String::from_utf8_lossy(&line),
        String::from_utf8_lossy(raw),
        "{tid}"
    );
}

fn check_pairs(tid: &str, raw: &[u8], titles: &[Vec<u8>], values: &[Vec<u8>]) {
    let text = String::from_utf8_lossy(raw).into_owned();
    for (title, value) in titles.iter().zip(values) {
        let title = String::from_utf8_lossy(title);
        let value = String::from_utf8_lossy(value);
        let prefix = format!("{title}:");
        let line = text.lines().find_map(|line| line.strip_prefix(&prefix));
        match line {
            Some(line) => assert_eq!(
                line.strip_prefix(['\t', ' ']).unwrap_or(line),
                value,
                "{tid} {title}"
            ),
            None if title == "pid" => assert_eq!(value, tid),
            None => assert_eq!(value, "", "{tid}: no `{title}`"),
        }
    }
}

fn each_kind_has_a_file() -> Result<(), Failed> {
    let folder = Folder::new("csv");
    let prefix = folder.file("x");
    let mut command = procviz();
    command
        .args(["csv", "-s", "-S", "-i", "-t", "-p", "-o"])
        .arg(&prefix);
    assert!(output(&mut command).status.success());
    for kind in ["stat", "status", "io"] {
        let rows = rows(&std::fs::read(folder.file(&format!("x-{kind}.csv")))?);
        assert!(rows.len() > 5, "{kind}: {} rows", rows.len());
    }
    // The files exist now: nothing is overwritten.
    let again = output(&mut command);
    assert_eq!(again.status.code(), Some(1), "{}", stderr(&again));
    assert!(stderr(&again).contains("--force"), "{}", stderr(&again));
    let several = output(procviz().args(["csv", "-s", "-S", "-r"]));
    assert_eq!(several.status.code(), Some(2));
    Ok(())
}

fn pids_and_patterns() -> Result<(), Failed> {
    let own = std::process::id().to_string();
    let pattern = format!("{own}*");
    let table = output(procviz().args(["csv", &pattern, "2147483000"]));
    assert_eq!(table.status.code(), Some(1));
    assert!(
        stderr(&table).contains("`2147483000`"),
        "{}",
        stderr(&table)
    );
    let rows = rows(&table.stdout);
    assert!(rows.iter().any(|row| row[0] == own.as_bytes()));
    assert!(rows.iter().all(|row| row[0].starts_with(own.as_bytes())));
    let ignored = output(procviz().args(["csv", "-p", &own]));
    assert!(ignored.status.success() && stderr(&ignored).contains("ignored"));
    assert_eq!(
        output(procviz().args(["csv", "12;3"])).status.code(),
        Some(2)
    );
    let nowhere = output(procviz().args(["csv", "--proc-root", "/nowhere"]));
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(stderr(&nowhere).contains("/nowhere"));
    Ok(())
}

fn repetitions() -> Result<(), Failed> {
    let own = std::process::id().to_string();
    let mut running = procviz()
        .args(["csv", "-r", "-t", "-w", "0.1", &own])
        .stdout(Stdio::piped())
        .spawn()?;
    std::thread::sleep(std::time::Duration::from_millis(650));
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(running.id() as i32),
        nix::sys::signal::Signal::SIGINT,
    )?;
    let bytes = std::io::read_to_string(running.stdout.take().unwrap())?;
    assert!(running.wait()?.success());
    let rows = rows(bytes.as_bytes());
    let titles = rows.iter().filter(|row| row[0] == b"time").count();
    assert_eq!(titles, 1);
    assert!(rows.len() >= 4, "{} rows", rows.len());
    let times: std::collections::BTreeSet<_> = rows[1..].iter().map(|row| &row[0]).collect();
    assert_eq!(times.len(), rows.len() - 1, "two rows have one time");
    Ok(())
}

/// A folder with the layout of `/proc` and 20,000 tasks.
fn many_tasks_take_no_memory() -> Result<(), Failed> {
    let folder = Folder::new("csv-many");
    let status = std::fs::read("/proc/self/status")?;
    for pid in 1..=20_000u32 {
        let task = folder.file(&format!("{pid}/task/{pid}"));
        std::fs::create_dir_all(&task)?;
        std::fs::write(task.join("status"), &status)?;
    }
    let mut child = procviz()
        .args(["csv", "-S", "-t", "--proc-root"])
        .arg(&folder.0)
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = 0;
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = Vec::new();
    let mut peak = 0;
    while std::io::BufRead::read_until(&mut out, b'\n', &mut line)? > 0 {
        lines += 1;
        line.clear();
        if lines == 19_000 {
            let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()))?;
            let rss = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            peak = rss.unwrap().trim().trim_end_matches(" kB").parse::<u64>()?;
        }
    }
    assert!(child.wait()?.success());
    assert_eq!(lines, 20_001);
    // The text alone is about 30 MB.
    assert!(peak > 0 && peak < 20 * 1024, "{peak} KiB");
    Ok(())
}

fn a_spreadsheet() -> Result<(), Failed> {
    let formula = start(&["named", &hex("=1+1")]);
    let pid = formula.pid().to_string();
    let kept = output(procviz().args(["csv", &pid]));
    let safe = output(procviz().args(["csv", "--spreadsheet", &pid]));
    assert_eq!(rows(&kept.stdout)[0][1], b"=1+1");
    assert_eq!(rows(&safe.stdout)[0][1], b"'=1+1");
    // A negative number is not a formula.
    assert_eq!(rows(&safe.stdout)[0][7], rows(&kept.stdout)[0][7]);
    Ok(())
}

/// From a recording: recorded fields equal `/proc`, all other fields are empty.
fn from_a_recording() -> Result<(), Failed> {
    let folder = Folder::new("csv-from");
    let hostile = start(&["named", &hex(HOSTILE)]);
    let threads = start(&["sleep", "2"]);
    let recording = folder.file("x.pvz");
    let result = output(
        procviz()
            .args(["record", "-s", "0.2", "--samples", "3", "-o"])
            .arg(&recording),
    );
    assert!(result.status.success(), "{}", stderr(&result));
    let pids = [hostile.pid().to_string(), threads.pid().to_string()];
    let table = |args: &[&str], is_recorded: bool| {
        let mut command = procviz();
        command.arg("csv").args(args).args(&pids);
        if is_recorded {
            command.arg("--from").arg(&recording);
        }
        let result = output(&mut command);
        assert!(result.status.success(), "{}", stderr(&result));
        (rows(&result.stdout), stderr(&result))
    };
    for kind in ["-s", "-S", "-i"] {
        let (now, _) = table(&["-t", kind], false);
        let (then, said) = table(&["-t", kind], true);
        assert_eq!(then.len(), 3, "{then:?}");
        let mut held = 0;
        for (index, title) in then[0].iter().enumerate() {
            let name = String::from_utf8(title.clone())?;
            let place = now[0].iter().position(|other| other == title);
            let place = place.ok_or_else(|| format!("/proc has no {name}"))?;
            for row in 1..3 {
                let field = &then[row][index];
                let is_known = !field.is_empty();
                assert_eq!(
                    is_known,
                    said.contains(&name) || name == "pid",
                    "{name}: {said}"
                );
                if ["rss", "VmRSS", "RssAnon", "RssFile", "RssShmem"].contains(&name.as_str()) {
                    // The kernel counts more exactly for `status` than for `stat`, and a
                    // census has the sizes of `stat`.
                    let size = |field: &[u8]| -> Result<u64, Failed> {
                        let text = std::str::from_utf8(field)?.trim();
                        let unit = if text.ends_with(" kB") { 1 } else { 4 };
                        Ok(text.trim_end_matches(" kB").parse::<u64>()? * unit)
                    };
                    let (ours, theirs) = (size(field)?, size(&now[row][place])?);
                    assert!(
                        ours.abs_diff(theirs) <= 1_024,
                        "{name}: {ours} kB, {theirs} kB"
                    );
                    held += 1;
                } else if is_known {
                    assert_eq!(field, &now[row][place], "{name}");
                    held += 1;
                }
            }
        }
        let names = match kind {
            "-i" => 3,
            "-S" => 13,
            _ => 8,
        };
        assert_eq!(held, 2 * names, "{then:?}");
    }
    // `-r` prints every sample with its time.
    let (rows, _) = table(&["-r", "-t"], true);
    assert_eq!(rows.len(), 1 + 3 * 2);
    assert_eq!(rows[0][..2], [b"time".to_vec(), b"pid".to_vec()]);
    let times: std::collections::BTreeSet<_> = rows[1..].iter().map(|row| &row[0]).collect();
    assert_eq!(times.len(), 3);
    // A thread that is not in the recording.
    let result = output(procviz().args(["csv", "4194303", "--from"]).arg(&recording));
    assert_eq!(result.status.code(), Some(1));
    assert!(stderr(&result).contains("there is no thread `4194303`"));
    Ok(())
}
