//! Measures programs that show the same tasks, as far as they are installed.

use std::process::{Command, Stdio};

use anyhow::Result;

use super::Row;

/// A program, and its arguments for a number of samples, one a second.
pub(super) struct Peer {
    name: &'static str,
    program: &'static str,
    arguments: fn(u32) -> Vec<String>,
}

/// The one that goals refer to.
pub(super) const TOP: Peer = Peer {
    name: "top -b -H",
    program: "top",
    arguments: |samples| words(&format!("-b -H -d 1 -n {samples}")),
};

pub(super) const OTHERS: [Peer; 3] = [
    Peer {
        name: "atop",
        program: "atop",
        arguments: |samples| words(&format!("1 {samples}")),
    },
    Peer {
        name: "htop",
        // It needs a terminal, and cannot be told to end.
        program: "script",
        arguments: |samples| {
            let run = format!("command -v htop && timeout --foreground {samples}.5 htop -d 10");
            vec!["-qec".to_owned(), run, "/dev/null".to_owned()]
        },
    },
    // With `-t`, 20,000 threads take it minutes.
    Peer {
        name: "pidstat, processes only",
        program: "pidstat",
        arguments: |samples| words(&format!("1 {samples}")),
    },
];

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

impl Peer {
    /// What a sample of it costs.
    pub(super) fn row(&self, ms: f64) -> Row {
        Row::new(
            format!("`{}`, a sample of the same load", self.name),
            ms,
            "ms",
        )
    }

    /// How many times as long it takes as a sample of procviz.
    pub(super) fn times(&self, ms: f64, kind: &str, ours_ms: f64) -> Row {
        Row::new(format!("{} / sample {kind}", self.name), ms / ours_ms, "x")
    }

    /// CPU time of a sample, ms: (six samples - two samples) / 4, median of `rounds`. `None`
    /// without the program.
    pub(super) fn ms_a_sample(&self, rounds: usize) -> Result<Option<f64>> {
        let mut values = Vec::new();
        for _ in 0..rounds {
            let (Some(six), Some(two)) = (self.cpu_ms(6)?, self.cpu_ms(2)?) else {
                return Ok(None);
            };
            values.push((six - two) / 4.0);
        }
        Ok(Some(super::median(values)))
    }

    fn cpu_ms(&self, samples: u32) -> Result<Option<f64>> {
        let before = children_ms();
        let status = Command::new(self.program)
            .args((self.arguments)(samples))
            .env("TERM", "xterm")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        match status {
            // `command -v` found nothing.
            Ok(status) if matches!(status.code(), Some(1 | 127)) => Ok(None),
            Ok(_) => Ok(Some(children_ms() - before)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// CPU time of all children that were waited for, ms.
pub(super) fn children_ms() -> f64 {
    // SAFETY: zero bytes are a valid `rusage`, and the pointer is writable.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage);
        usage
    };
    let ms = |time: libc::timeval| time.tv_sec as f64 * 1e3 + time.tv_usec as f64 / 1e3;
    ms(usage.ru_utime) + ms(usage.ru_stime)
}
