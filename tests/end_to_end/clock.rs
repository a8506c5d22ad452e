//! Times in recordings: the zone of the machine, and a clock that is set.

use std::{path::Path, process::Command};

use libtest_mimic::Failed;
use procviz::{
    model::Sample,
    recording::{Block, Facts, Packer},
};
use serde_json::Value;

use crate::{
    Needs, Test,
    recording::{busy, record, samples},
    support::{Folder, output, procviz, stderr},
};

pub(crate) const TESTS: &[Test] = &[
    ("times_are_those_of_the_machine", Needs::Nothing, zones),
    (
        "a_clock_that_is_set_is_followed",
        Needs::Events,
        a_clock_that_is_set,
    ),
];

/// A recording in which the clock is set in the middle: each moment is found by the clock of
/// that moment, and the picture shows that clock.
fn a_clock_that_is_set() -> Result<(), Failed> {
    let folder = Folder::new("clock");
    let file = folder.file("run.pvz");
    let _busy = busy();
    record(&file, &["-F", "10", "--duration", "6s"]);
    let (all, reader) = samples(&file);
    let facts = reader.facts().clone();
    let middle = all.len() / 2;
    for hours in [1, -1] {
        let step_ns = hours * 3_600_000_000_000_i64;
        let set = folder.file(&format!("set-{hours}.pvz"));
        write_set(&set, &facts, &all, middle, step_ns)?;
        let path = set.to_str().unwrap();
        for (number, sample) in all.iter().enumerate().skip(5).step_by(9) {
            let boot_ns = sample.stamp.boot_ns;
            let moved = if number < middle { 0 } else { step_ns };
            let wall = i128::from(facts.boot_wall_ns + moved) + i128::from(boot_ns);
            let at = jiff::Timestamp::from_nanosecond(wall)?;
            let result = output(procviz().args(["dump", "--from", path, "--at", &at.to_string()]));
            assert!(
                result.status.success(),
                "{hours}, {number}: {}",
                stderr(&result)
            );
            let snapshot: Value = serde_json::from_slice(&result.stdout)?;
            let shown: jiff::Timestamp = snapshot["time"].as_str().unwrap().parse()?;
            let far = (shown.as_nanosecond() - wall).abs();
            assert!(far < 20_000_000, "{hours}, {number}: {at} shows {shown}");
        }
        let whole = output(procviz().args(["dump", "--from", path]));
        let lines = String::from_utf8(whole.stdout)?;
        assert_eq!(lines.lines().count(), all.len() - 1);
    }
    Ok(())
}

/// Writes samples as a recording of a machine whose clock is set at sample `middle`.
fn write_set(
    path: &Path,
    facts: &Facts,
    all: &[Sample],
    middle: usize,
    step_ns: i64,
) -> Result<(), Failed> {
    let mut facts = facts.clone();
    let mut bytes = Block::file_header();
    let mut entries = Vec::new();
    let mut write = |block: Block| {
        entries.push(block.entry(bytes.len() as u64));
        bytes.extend_from_slice(&block.bytes);
    };
    write(Block::facts(&facts)?);
    let mut packer = Packer::new();
    for (number, sample) in all.iter().enumerate() {
        let mut sample = sample.clone();
        let moved = if number < middle { 0 } else { step_ns };
        let boot_wall_ns = i128::from(facts.boot_wall_ns + moved);
        sample.boot_wall_ns = Some(boot_wall_ns);
        let is_full = packer.add(&sample);
        let is_set = facts.note_clock(sample.stamp.boot_ns, boot_wall_ns);
        assert_eq!(is_set, number == middle);
        if is_full || is_set || number + 1 == all.len() {
            packer.block().into_iter().try_for_each(|(block, _)| {
                write(block?);
                Ok::<_, Failed>(())
            })?;
        }
        if is_set {
            write(Block::facts(&facts)?);
        }
    }
    bytes.extend_from_slice(&Block::index(&entries)?.bytes);
    Ok(std::fs::write(path, bytes)?)
}

/// A reader in another time zone sees the clock of the machine that was recorded, also if
/// the zone of that machine has no name.
fn zones() -> Result<(), Failed> {
    let folder = Folder::new("zones");
    let copy = folder.file("localtime");
    // A file of a zone without its name: the rules are in its last line.
    let mut bytes = b"TZif2".to_vec();
    bytes.resize(20, 0);
    let counts = |types: u32, chars: u32| [0, 0, 0, 0, types, chars].map(u32::to_be_bytes).concat();
    bytes.extend(counts(1, 4));
    let kind = [&3_600_i32.to_be_bytes()[..], &[0, 0], b"CET\0"].concat();
    bytes.extend(&kind);
    bytes.extend(b"TZif2");
    bytes.resize(bytes.len() + 15, 0);
    bytes.extend(counts(1, 4));
    bytes.extend(&kind);
    bytes.extend(b"\nCET-1CEST,M3.5.0,M10.5.0/3\n");
    std::fs::write(&copy, bytes)?;
    // An `/etc` of its own, in which `localtime` is a file and no link to a zone with a name.
    let etc = folder.file("etc");
    let bind = format!(
        "cp -a /etc {0} && rm -f {0}/localtime && cp {1} {0}/localtime && \
         mount --bind {0} /etc && unset TZ && exec \"$@\"",
        etc.display(),
        copy.display()
    );
    let offset_in = |zone: &str| -> Result<String, Failed> {
        let file = folder.file("zone.pvz");
        let mut command = match zone {
            "copy" => {
                let mut command = Command::new("unshare");
                command.args(["--mount", "sh", "-c", &bind, "sh"]);
                command.arg(crate::support::binary());
                command
            }
            _ => procviz(),
        };
        command
            .env("TZ", zone)
            .args(["record", "--force", "--samples", "2", "-s", "0.2", "-o"]);
        let result = output(command.arg(&file));
        assert!(result.status.success(), "{}", stderr(&result));
        let picture = folder.file("zone.svg");
        let mut command = procviz();
        command
            .env("TZ", "Asia/Tokyo")
            .args(["grid", "--force", "--from"]);
        let result = output(command.arg(&file).arg("-o").arg(&picture));
        assert!(result.status.success(), "{}", stderr(&result));
        let svg = std::fs::read_to_string(&picture)?;
        let title = svg.split("<title>").nth(1).unwrap_or_default();
        let zone = title.split("</title>").next().unwrap_or_default();
        // Before the length of the period: `... UTC (0.4 s)`.
        let zone = zone.split(" (").next().unwrap_or_default();
        Ok(zone.rsplit(' ').next().unwrap_or_default().to_owned())
    };
    assert_eq!(offset_in("Europe/Berlin")?.get(..2), Some("CE"));
    assert_eq!(offset_in("UTC+5")?, "UTC");
    assert_eq!(offset_in("XYZ+5")?, "XYZ");
    assert_eq!(offset_in("copy")?.get(..2), Some("CE"));
    Ok(())
}
