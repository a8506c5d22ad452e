//! `procviz check`: what is in a recording, and whether it is sound.

use std::{io::Write as _, path::Path};

use super::{
    Failure,
    feed::{failed, reader, recordings, tell},
    stdout::{Out, say},
};
use crate::{
    export::time,
    model::{Host, Losses, Untrusted, bytes_text, count_text, duration_text},
};

pub(super) fn run(path: &Path) -> Result<u8, Failure> {
    if !path.is_dir() {
        return check(path, &mut Sum::default());
    }
    let mut files = recordings(path)?;
    files.sort();
    let mut all = Sum::default();
    for file in &files {
        let name = Untrusted::new(file.as_os_str().as_encoded_bytes()).terminal();
        Out::new().write(|out| writeln!(out, "{name}:"))?;
        if let Err(failure) = check(file, &mut all) {
            say(&format!("procviz: {:#}", failure.error));
            all.unreadable += 1;
        }
    }
    let begin = all.times.iter().map(|(begin, _)| begin).min();
    let end = all.times.iter().map(|(_, end)| end).max();
    let when = match begin.zip(end) {
        None => String::new(),
        Some(((_, begin), (_, end))) => format!(" from {begin} to {end}"),
    };
    Out::new().write(|out| {
        writeln!(
            out,
            "all {} files: {} samples{when}, {}; {} gaps with {} samples, {} damaged places, {} files that cannot be read",
            files.len(),
            count_text(all.samples),
            bytes_text(all.bytes),
            all.gaps,
            count_text(all.lost),
            all.damages,
            all.unreadable
        )
    })?;
    let is_sound = all.damages == 0 && all.unreadable == 0;
    Ok(if is_sound { 0 } else { 3 })
}

/// What several recordings hold together.
#[derive(Default)]
struct Sum {
    samples: u64,
    bytes: u64,
    gaps: usize,
    /// Samples of gaps.
    lost: u64,
    damages: usize,
    unreadable: usize,
    /// Of each with samples, its first and its last one: wall clock in ns since
    /// 1970, and in words.
    times: Vec<(Time, Time)>,
}

type Time = (i128, String);

fn check(path: &Path, all: &mut Sum) -> Result<u8, Failure> {
    let (mut reader, name) = reader(path)?;
    let mut host = reader.facts().machine();
    let (mut samples, mut events, mut deaths) = (0u64, 0u64, 0u64);
    let mut span: Option<(Time, u64, u64)> = None;
    let wall =
        |host: &Host, now: u64| (host.boot_wall_ns + i128::from(now), time::local(host, now));
    let mut losses = Losses::default();
    while let Some(sample) = reader.read().map_err(|error| failed(&name, &error))? {
        samples += 1;
        events += sample.events.len() as u64;
        let ended = sample
            .events
            .iter()
            .filter(|event| matches!(event, crate::model::Event::ProcessEnd(_)));
        let folded: u64 = sample.folds.iter().map(|fold| fold.count).sum();
        deaths += ended.count() as u64 + folded;
        losses = sample.losses;
        host.boot_wall_ns = sample.boot_wall_ns.unwrap_or(host.boot_wall_ns);
        let now = sample.stamp.boot_ns;
        match &mut span {
            None => span = Some((wall(&host, now), now, now)),
            Some((_, _, last)) => *last = now,
        }
    }
    let findings = reader.findings();
    let facts = reader.facts();
    let text = |text: &str| Untrusted::new(text.as_bytes()).terminal();
    let mut out = Out::new();
    out.write(|out| {
        writeln!(
            out,
            "host {}, kernel {}, {} CPUs; made by procviz {}",
            text(&facts.host),
            text(&facts.kernel),
            facts.cpus,
            text(&facts.procviz)
        )?;
        for because in &facts.because {
            writeln!(
                out,
                "made because of {}, {}",
                text(&because.words),
                time::local(&host, because.time_ns)
            )?;
        }
        match &span {
            None => writeln!(out, "no samples")?,
            Some(((_, begin), first, last)) => writeln!(
                out,
                "{} samples from {begin} to {}, {}",
                count_text(samples),
                time::local(&host, *last),
                duration_text(last - first)
            )?,
        }
        writeln!(
            out,
            "{} events, {} processes ended; {} events were lost, {} samples late, {} skipped",
            count_text(events),
            count_text(deaths),
            count_text(losses.events()),
            losses.late_ticks,
            losses.skipped_ticks
        )?;
        let lost: u64 = findings.gaps.iter().map(|gap| gap.samples).sum();
        writeln!(
            out,
            "{} in {} blocks; {} gaps with {lost} samples, {} damaged places",
            bytes_text(findings.bytes),
            findings.blocks,
            findings.gaps.len(),
            findings.damages.len()
        )?;
        if !findings.is_closed {
            writeln!(
                out,
                "no index: it was not closed, or is still written ({} bytes of an unfinished block)",
                findings.unfinished
            )?;
        }
        Ok(())
    })?;
    all.samples += samples;
    all.bytes += findings.bytes;
    all.gaps += findings.gaps.len();
    all.lost += findings.gaps.iter().map(|gap| gap.samples).sum::<u64>();
    all.damages += findings.damages.len();
    let times = span.map(|(begin, _, last)| (begin, wall(&host, last)));
    all.times.extend(times);
    Ok(tell(&name, findings))
}
