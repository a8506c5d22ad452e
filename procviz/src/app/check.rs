//! Runs `procviz check`: shows what a recording holds, and whether it is damaged.

use std::{
    io::{self, Write},
    path::Path,
};

use crate::{
    export::time,
    model::{Host, Losses, Sources, Untrusted, bytes_text, count_text, duration_text},
    recording::{Facts, Integrity},
    replay::{failed, reader, recordings, report_losses},
    runtime::{
        Failure,
        stdout::Out,
        text::noun,
        warning::{Warning, warn},
    },
    session::open,
};

pub(super) fn run(path: &Path) -> Result<u8, Failure> {
    open::confine_reader(&[]);
    if !path.is_dir() {
        let content = Content::of(path)?;
        Out::new().write(|out| content.write(out))?;
        return Ok(content.report_losses());
    }
    let mut files = recordings(path)?;
    files.sort();
    let (mut contents, mut unreadable) = (Vec::new(), 0);
    for file in &files {
        let name = Untrusted::new(file.as_os_str().as_encoded_bytes()).terminal();
        Out::new().write(|out| writeln!(out, "{name}:"))?;
        match Content::of(file) {
            Ok(content) => {
                Out::new().write(|out| content.write(out))?;
                content.report_losses();
                contents.push(content);
            }
            Err(failure) => {
                warn(Warning::UnreadableRecording {
                    error: &failure.error,
                });
                unreadable += 1;
            }
        }
    }
    Out::new().write(|out| write_all(out, &contents, unreadable))?;
    let is_sound = |content: &Content| content.integrity.damages.is_empty();
    let is_sound = unreadable == 0 && contents.iter().all(is_sound);
    Ok(if is_sound { 0 } else { 3 })
}

/// What a recording holds.
struct Content {
    name: String,
    facts: Facts,
    /// The recorded machine, with its wall clock at the last sample.
    host: Host,
    /// The times of the first and the last sample; `None` without samples.
    span: Option<(Moment, Moment)>,
    samples: u64,
    /// Samples that were taken without kernel events.
    without_events: u64,
    events: u64,
    deaths: u64,
    losses: Losses,
    integrity: Integrity,
}

/// The time of a sample.
struct Moment {
    /// Wall clock, ns since 1970.
    wall_ns: i128,
    /// Time since boot, ns.
    boot_ns: u64,
    /// Date and time in the time zone of the recorded machine.
    words: String,
}

impl Content {
    fn of(path: &Path) -> Result<Self, Failure> {
        let (mut reader, name) = reader(path)?;
        let mut host = reader.facts().machine();
        let (mut samples, mut without_events, mut events, mut deaths) = (0, 0, 0, 0);
        let mut losses = Losses::default();
        let (mut first, mut last_ns) = (None, 0);
        while let Some(sample) = reader.read().map_err(|error| failed(&name, &error))? {
            samples += 1;
            without_events += u64::from(sample.sources == Sources::ProcOnly);
            events += sample.events.len() as u64;
            let folded: u64 = sample.folds.iter().map(|fold| fold.count).sum();
            deaths += sample.ended().count() as u64 + folded;
            losses = sample.losses;
            host.boot_wall_ns = sample.boot_wall_ns.unwrap_or(host.boot_wall_ns);
            last_ns = sample.stamp.boot_ns;
            first.get_or_insert_with(|| Moment::new(&host, last_ns));
        }
        deaths += reader.take_ended().len() as u64;
        Ok(Self {
            name,
            facts: reader.facts().clone(),
            span: first.map(|first| (first, Moment::new(&host, last_ns))),
            host,
            samples,
            without_events,
            events,
            deaths,
            losses,
            integrity: reader.integrity().clone(),
        })
    }

    /// Number of samples lost in gaps.
    fn lost(&self) -> u64 {
        self.integrity.gaps.iter().map(|gap| gap.samples).sum()
    }

    /// Reports gaps and damage on stderr; returns 3 if the recording is damaged, else 0.
    fn report_losses(&self) -> u8 {
        report_losses(&self.name, &self.integrity)
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let text = |text: &str| Untrusted::new(text.as_bytes()).terminal();
        let (facts, integrity) = (&self.facts, &self.integrity);
        writeln!(
            out,
            "host {}, kernel {}, CPUs: {}; recorded by procviz {}",
            text(&facts.host),
            text(&facts.kernel),
            facts.cpus,
            text(&facts.procviz)
        )?;
        for because in &facts.because {
            writeln!(
                out,
                "recorded because of {}, {}",
                text(&because.words),
                time::local(&self.host, because.time_ns)
            )?;
        }
        match &self.span {
            None => writeln!(out, "no samples")?,
            Some((first, last)) => writeln!(
                out,
                "{} {} from {} to {}, {}",
                count_text(self.samples),
                noun(self.samples, "sample", "samples"),
                first.words,
                last.words,
                duration_text(last.boot_ns.saturating_sub(first.boot_ns))
            )?,
        }
        self.write_events(out)?;
        writeln!(
            out,
            "size: {}, blocks: {}, gaps: {}, samples lost in gaps: {}, damaged places: {}",
            bytes_text(integrity.bytes),
            integrity.blocks,
            integrity.gaps.len(),
            self.lost(),
            integrity.damages.len()
        )?;
        if !integrity.is_closed {
            writeln!(
                out,
                "no index: the file was not closed, or is still being written (unfinished block: {} bytes)",
                integrity.unfinished
            )?;
        }
        Ok(())
    }

    /// Writes what the events say, and which samples have none.
    fn write_events(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(
            out,
            "events: {}, exits: {}, lost events: {}, late samples: {}, skipped samples: {}",
            count_text(self.events),
            count_text(self.deaths),
            count_text(self.losses.events()),
            self.losses.late_ticks,
            self.losses.skipped_ticks
        )?;
        if self.without_events > 0 {
            writeln!(
                out,
                "{} {} without kernel events: tasks and exits between two samples are not in them",
                count_text(self.without_events),
                noun(
                    self.without_events,
                    "sample was taken",
                    "samples were taken"
                ),
            )?;
        }
        Ok(())
    }
}

impl Moment {
    fn new(host: &Host, boot_ns: u64) -> Self {
        Self {
            wall_ns: host.boot_wall_ns + i128::from(boot_ns),
            boot_ns,
            words: time::local(host, boot_ns),
        }
    }
}

/// Writes the totals for all recordings of a folder.
fn write_all(out: &mut impl Write, contents: &[Content], unreadable: usize) -> io::Result<()> {
    let spans = || contents.iter().filter_map(|content| content.span.as_ref());
    let first = spans()
        .map(|(first, _)| first)
        .min_by_key(|first| first.wall_ns);
    let last = spans()
        .map(|(_, last)| last)
        .max_by_key(|last| last.wall_ns);
    let when = match first.zip(last) {
        None => String::new(),
        Some((first, last)) => format!(" from {} to {}", first.words, last.words),
    };
    let sum = |of: fn(&Content) -> u64| contents.iter().map(of).sum::<u64>();
    writeln!(
        out,
        "all files: {}, samples: {}{when}, size: {}, gaps: {}, samples lost in gaps: {}, damaged places: {}, unreadable files: {unreadable}",
        contents.len() + unreadable,
        count_text(sum(|content| content.samples)),
        bytes_text(sum(|content| content.integrity.bytes)),
        sum(|content| content.integrity.gaps.len() as u64),
        count_text(sum(Content::lost)),
        sum(|content| content.integrity.damages.len() as u64),
    )
}
