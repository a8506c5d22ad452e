//! `procviz check`: what is in a recording, and whether it is sound.

use std::{io::Write as _, path::Path};

use super::{
    Failure,
    feed::{failed, reader, recordings, tell},
    stdout::{Out, say},
};
use crate::{
    export::time,
    model::{Losses, Untrusted, bytes_text, count_text, duration_text},
};

pub(super) fn run(path: &Path) -> Result<u8, Failure> {
    if !path.is_dir() {
        return check(path);
    }
    let mut files = recordings(path)?;
    files.sort();
    let mut worst = 0;
    for file in files {
        let name = Untrusted::new(file.as_os_str().as_encoded_bytes()).terminal();
        Out::new().write(|out| writeln!(out, "{name}:"))?;
        worst = worst.max(check(&file).unwrap_or_else(|failure| {
            say(&format!("procviz: {:#}", failure.error));
            3
        }));
    }
    Ok(worst)
}

fn check(path: &Path) -> Result<u8, Failure> {
    let (mut reader, name) = reader(path)?;
    let mut host = reader.facts().machine();
    let (mut samples, mut events, mut deaths) = (0u64, 0u64, 0u64);
    let mut span: Option<(String, u64, u64)> = None;
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
            None => span = Some((time::local(&host, now), now, now)),
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
            Some((begin, first, last)) => writeln!(
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
    Ok(tell(&name, findings))
}
