//! Where samples come from: the machine, or a recording of it.

use std::{collections::BTreeMap, fs::File, io::Read, path::Path};

use super::{Failure, config::Schedule, stdout::say, watch::Watch};
use crate::{
    model::Sample,
    recording::{ReadError, Reader},
};

/// Whence.
pub(super) enum Feed {
    Machine(Watch),
    Recording(Box<Player>),
}

/// A recording that is played as fast as it is read.
pub(super) struct Player {
    reader: Reader,
    name: String,
    schedule: Schedule,
    /// Read, and not given out: whether there is another one is told with each.
    next: Option<Sample>,
    first_ns: Option<u64>,
    given: u64,
    /// Names of users that were given out.
    users: usize,
}

impl Player {
    /// Opens a recording; `-` is the standard input.
    ///
    /// # Errors
    ///
    /// When it is none, or cannot be read.
    pub(super) fn open(path: &Path, schedule: &Schedule) -> Result<Self, Failure> {
        let (reader, name) = reader(path)?;
        let mut player = Self {
            reader,
            name,
            schedule: *schedule,
            next: None,
            first_ns: None,
            given: 0,
            users: 0,
        };
        player.next = player.read()?;
        Ok(player)
    }

    pub(super) fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Names of users, when there are others than before.
    pub(super) fn new_users(&mut self) -> Option<&BTreeMap<u32, String>> {
        let names = &self.reader.facts().users;
        let is_new = names.len() != self.users;
        self.users = names.len();
        is_new.then_some(names)
    }

    /// The next sample, and whether it is the last.
    pub(super) fn next(&mut self) -> Result<Option<(Sample, bool)>, Failure> {
        let Some(sample) = self.next.take() else {
            return Ok(None);
        };
        let now = sample.stamp.boot_ns;
        let since = now.saturating_sub(*self.first_ns.get_or_insert(now));
        let since = std::time::Duration::from_nanos(since);
        // The opening census is not counted.
        let is_enough = self.given > 0 && self.schedule.is_over(self.given, since);
        self.given += 1;
        if !is_enough {
            self.next = self.read()?;
        }
        Ok(Some((sample, self.next.is_none())))
    }

    fn read(&mut self) -> Result<Option<Sample>, Failure> {
        self.reader
            .read()
            .map_err(|error| failed(&self.name, &error))
    }

    /// Says what is missing; the status that this ends with.
    pub(super) fn status(&self) -> u8 {
        tell(&self.name, &self.reader)
    }
}

/// Opens a recording; `-` is the standard input.
///
/// # Errors
///
/// When it is none, or cannot be read.
pub(super) fn reader(path: &Path) -> Result<(Reader, String), Failure> {
    let is_stdin = path == Path::new("-");
    let name = if is_stdin {
        "standard input".to_owned()
    } else {
        crate::model::Untrusted::new(path.as_os_str().as_encoded_bytes()).terminal()
    };
    let input: Box<dyn Read + Send> = if is_stdin {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(path).map_err(|error| failed(&name, &error.into()))?)
    };
    let reader = Reader::new(input).map_err(|error| failed(&name, &error))?;
    Ok((reader, name))
}

pub(super) fn failed(name: &str, error: &ReadError) -> Failure {
    anyhow::anyhow!("`{name}` cannot be read: {error}").into()
}

/// Says on stderr what a recording lacks; 3 where something of it is damaged.
pub(super) fn tell(name: &str, reader: &Reader) -> u8 {
    let findings = reader.findings();
    for gap in &findings.gaps {
        say(&format!(
            "procviz: `{name}`: {} samples were not recorded: {}",
            gap.samples,
            crate::model::Untrusted::new(gap.why.as_bytes()).terminal()
        ));
    }
    for damage in findings.damages.iter().take(5) {
        say(&format!(
            "procviz: `{name}`: damaged at byte {}: {}; {} bytes are left out",
            damage.offset, damage.what, damage.bytes
        ));
    }
    if let Some(more) = findings.damages.len().checked_sub(6) {
        say(&format!("procviz: `{name}`: and {} places more", more + 1));
    }
    if findings.damages.is_empty() { 0 } else { 3 }
}
