//! `procviz check`: what is in a recording, and whether it is sound.

use std::{
    io::{self, Write},
    path::Path,
};

use crate::{
    export::time,
    model::{Host, Losses, Untrusted, bytes_text, count_text, duration_text},
    recording::{Facts, Integrity},
    replay::{failed, reader, recordings, tell},
    runtime::{
        Failure,
        stdout::{Out, say},
    },
    session::open,
};

pub(super) fn run(path: &Path) -> Result<u8, Failure> {
    open::confine_reader(&[]);
    if !path.is_dir() {
        let content = Content::of(path)?;
        Out::new().write(|out| content.write(out))?;
        return Ok(content.tell());
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
                content.tell();
                contents.push(content);
            }
            Err(failure) => {
                say(&format!("procviz: {:#}", failure.error));
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
    /// As it stood at the last sample.
    host: Host,
    /// The first and the last sample; `None` without any.
    span: Option<(Moment, Moment)>,
    samples: u64,
    events: u64,
    deaths: u64,
    losses: Losses,
    integrity: Integrity,
}

/// When a sample was taken.
struct Moment {
    wall_ns: i128,
    boot_ns: u64,
    words: String,
}

impl Content {
    fn of(path: &Path) -> Result<Self, Failure> {
        let (mut reader, name) = reader(path)?;
        let mut host = reader.facts().machine();
        let (mut samples, mut events, mut deaths) = (0, 0, 0);
        let mut losses = Losses::default();
        let (mut first, mut last_ns) = (None, 0);
        while let Some(sample) = reader.read().map_err(|error| failed(&name, &error))? {
            samples += 1;
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
            events,
            deaths,
            losses,
            integrity: reader.integrity().clone(),
        })
    }

    /// Samples of gaps.
    fn lost(&self) -> u64 {
        self.integrity.gaps.iter().map(|gap| gap.samples).sum()
    }

    /// Says what is wrong with it; 3 where it is damaged.
    fn tell(&self) -> u8 {
        tell(&self.name, &self.integrity)
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let text = |text: &str| Untrusted::new(text.as_bytes()).terminal();
        let (facts, integrity) = (&self.facts, &self.integrity);
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
                time::local(&self.host, because.time_ns)
            )?;
        }
        match &self.span {
            None => writeln!(out, "no samples")?,
            Some((first, last)) => writeln!(
                out,
                "{} samples from {} to {}, {}",
                count_text(self.samples),
                first.words,
                last.words,
                duration_text(last.boot_ns.saturating_sub(first.boot_ns))
            )?,
        }
        writeln!(
            out,
            "{} events, {} processes ended; {} events were lost, {} samples late, {} skipped",
            count_text(self.events),
            count_text(self.deaths),
            count_text(self.losses.events()),
            self.losses.late_ticks,
            self.losses.skipped_ticks
        )?;
        writeln!(
            out,
            "{} in {} blocks; {} gaps with {} samples, {} damaged places",
            bytes_text(integrity.bytes),
            integrity.blocks,
            integrity.gaps.len(),
            self.lost(),
            integrity.damages.len()
        )?;
        if !integrity.is_closed {
            writeln!(
                out,
                "no index: it was not closed, or is still written ({} bytes of an unfinished block)",
                integrity.unfinished
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

/// What the recordings of a folder hold together.
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
        "all {} files: {} samples{when}, {}; {} gaps with {} samples, {} damaged places, {unreadable} files that cannot be read",
        contents.len() + unreadable,
        count_text(sum(|content| content.samples)),
        bytes_text(sum(|content| content.integrity.bytes)),
        sum(|content| content.integrity.gaps.len() as u64),
        count_text(sum(Content::lost)),
        sum(|content| content.integrity.damages.len() as u64),
    )
}
