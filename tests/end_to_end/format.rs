//! Compares the file format with its description: `docs/read_pvz.py`, which is written
//! from the description alone, reads the same samples.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use libtest_mimic::Failed;
use procviz::model::{Event, Sample, Sources};
use serde_json::{Value, json};

use crate::{
    Needs, Test,
    recording::{busy, record, samples},
    support::{Folder, output, skip, stderr},
};

pub(crate) const TESTS: &[Test] = &[("another_language_reads_the_same", Needs::Events, a_run)];

/// A sample as `docs/read_pvz.py` prints it, with the fields that both readers have.
fn as_python(sample: &Sample) -> Value {
    let id = |id: procviz::model::TaskId| json!([id.tid, id.start_ns]);
    let readings = sample.readings.iter().map(|reading| {
        let flags = u8::from(reading.on_cpu)
            | u8::from(reading.preempted) << 1
            | u8::from(reading.in_iowait) << 2;
        json!([
            id(reading.id),
            reading.uid,
            reading.state.letter() as u32,
            flags,
            reading.cpu_ns,
            reading.run_delay_ns,
            reading.wait_max_ns,
            reading.io.map(|io| io.read),
            reading.io.map_or(0, |io| io.write),
        ])
    });
    let memories = sample.memories.iter().map(|memory| {
        json!([
            id(memory.process),
            memory.sizes.rss,
            memory.sizes.vsize,
            memory.threads,
            memory.sizes.parts.map(|parts| parts.anon),
            memory.sizes.parts.map_or(0, |parts| parts.file),
            memory.sizes.parts.map_or(0, |parts| parts.shmem),
            memory.sizes.parts.map_or(0, |parts| parts.swap),
            memory.sizes.parts.map_or(0, |parts| parts.hugetlb),
            memory.written
        ])
    });
    let found = sample.found.iter().map(|found| {
        let comm = String::from_utf8(found.comm.bytes().to_vec()).unwrap();
        json!([
            id(found.id),
            id(found.process),
            found.ppid,
            comm,
            found.cpu_ns
        ])
    });
    let events = sample.events.iter().map(|event| match event {
        Event::Fork(fork) => json!(["fork", id(fork.id), id(fork.parent)]),
        Event::Exec(exec) => json!([
            "exec",
            id(exec.process),
            exec.args.as_ref().map(|args| args.len())
        ]),
        Event::ProcessEnd(end) => json!(["process_end", id(end.process), end.cpu_ns]),
        Event::ThreadEnd(end) => json!(["thread_end", id(end.id), end.cpu_ns]),
        other => json!([format!("{other:?}")
            .split('(')
            .next()
            .unwrap()
            .to_lowercase()]),
    });
    let machine = &sample.machine;
    json!({
        "boot_ns": sample.stamp.boot_ns,
        "interval_ns": sample.stamp.interval_ns,
        "boot_wall_ns": sample.boot_wall_ns.map(|ns| ns as i64),
        "kernel_events": sample.sources == Sources::EbpfAndProc,
        "everybody": sample.complete,
        "events_seen": sample.events_seen,
        "own_cpu_ns": sample.own_cpu_ns,
        "lost": sample.losses.events(),
        "machine": [machine.cpu_busy_ns, machine.mem_available_bytes, machine.forks],
        "readings": readings.collect::<Vec<_>>(),
        "memories": memories.collect::<Vec<_>>(),
        "found": found.collect::<Vec<_>>(),
        "events": events.collect::<Vec<_>>(),
    })
}

/// A line of the Python reader, with the fields of [`as_python`].
fn brief(line: &Value) -> Value {
    let list = |name: &str| line[name].as_array().unwrap().clone();
    let found = list("found")
        .into_iter()
        .map(|row| json!([row[0], row[1], row[2], row[6], row[8]]));
    let events = list("events").into_iter().map(|row| {
        let name = row[0].as_str().unwrap();
        match name {
            "fork" => json!([name, row[1], row[3]]),
            "exec" => json!([name, row[1], row[5].as_str().map(str::len)]),
            "process_end" => json!([name, row[1], row[11]]),
            "thread_end" => json!([name, row[1], row[5]]),
            other => json!([other]),
        }
    });
    let lost = list("lost");
    let lost: u64 = lost[..5].iter().map(|count| count.as_u64().unwrap()).sum();
    let machine = &line["machine"];
    json!({
        "boot_ns": line["boot_ns"],
        "interval_ns": line["interval_ns"],
        "boot_wall_ns": line["boot_wall_ns"],
        "kernel_events": line["kernel_events"],
        "everybody": line["everybody"],
        "events_seen": line["events_seen"],
        "own_cpu_ns": line["own_cpu_ns"],
        "lost": lost,
        "machine": [machine[0], machine[7], machine[10]],
        "readings": line["readings"],
        "memories": line["memories"],
        "found": found.collect::<Vec<_>>(),
        "events": events.collect::<Vec<_>>(),
    })
}

/// A Python interpreter with the module that the reader needs.
fn python() -> Option<&'static str> {
    let can = |name: &&str| {
        let tried = Command::new(name)
            .args(["-c", "import zstandard"])
            .stderr(Stdio::null())
            .status();
        tried.is_ok_and(|status| status.success())
    };
    ["python3", "/usr/bin/python3"].into_iter().find(can)
}

/// Checks that the Python reader reads the same samples.
///
/// # Errors
///
/// When no suitable Python is installed and skipping is not allowed.
pub(crate) fn is_read_by_python(file: &Path) -> Result<(), Failed> {
    let Some(python) = python() else {
        return skip("no Python with the module `zstandard` is installed");
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/read_pvz.py");
    let result = output(Command::new(python).arg(script).arg(file));
    assert!(result.status.success(), "{}", stderr(&result));
    let lines = String::from_utf8(result.stdout)?;
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let said: Vec<&Value> = lines.iter().filter(|line| line["host"].is_null()).collect();
    let (samples, reader) = samples(file);
    assert_eq!(lines[0]["host"], reader.facts().host);
    assert_eq!(said.len(), samples.len());
    for (line, sample) in said.iter().zip(&samples) {
        let (python, rust) = (brief(line), as_python(sample));
        assert_eq!(python, rust);
    }
    let events = samples.iter().map(|sample| sample.events.len());
    assert!(events.sum::<usize>() > 100);
    Ok(())
}

fn a_run() -> Result<(), Failed> {
    let folder = Folder::new("python");
    let file = folder.file("run.pvz");
    let busy = busy();
    record(&file, &["-F", "20", "--duration", "3s", "--require-ebpf"]);
    drop(busy);
    is_read_by_python(&file)
}
