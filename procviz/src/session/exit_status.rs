//! Chooses exits by how the process ended, for `exits --status`.

use crate::{
    model::Status,
    runtime::{Failure, text::escaped},
};

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// With another exit status than 0, or by a signal.
    Failed,
    /// By any signal.
    Signal,
    /// By this signal.
    By(u32),
    /// With this exit status.
    With(u32),
}

/// The kinds of ends to print, one of which must fit; none: all.
pub(crate) struct StatusFilter(Vec<Ended>);

impl StatusFilter {
    /// # Errors
    ///
    /// When a text is none of the kinds.
    pub(crate) fn new(texts: &[String]) -> Result<Self, Failure> {
        let ends = texts.iter().map(|text| {
            ended(text).ok_or_else(|| {
                Failure::usage(format!(
                    "`--status {}`: expected `failed`, `signal`, a signal such as SIGKILL, or an exit status from 0 to 255",
                    escaped(text)
                ))
            })
        });
        ends.collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn shows(&self, status: Status) -> bool {
        let fits = |ended: &Ended| match *ended {
            Ended::Failed => status.code() != Some(0),
            Ended::Signal => status.signal().is_some(),
            Ended::By(signal) => status.signal() == Some(signal),
            Ended::With(code) => status.code() == Some(code),
        };
        self.0.is_empty() || self.0.iter().any(fits)
    }
}

fn ended(text: &str) -> Option<Ended> {
    if let Ok(code) = text.parse::<u8>() {
        return Some(Ended::With(code.into()));
    }
    match text {
        "failed" => return Some(Ended::Failed),
        "signal" => return Some(Ended::Signal),
        _ => {}
    }
    let name = text.to_ascii_uppercase();
    let has_name = |signal: &u32| {
        Status(*signal)
            .signal_name()
            .is_some_and(|known| known == name || known.strip_prefix("SIG") == Some(&*name))
    };
    (1..=64).find(has_name).map(Ended::By)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_end_is_chosen() {
        let (done, seven, killed, dumped) = (Status(0), Status(7 << 8), Status(9), Status(0x8b));
        for (text, expected) in [
            ("failed", [false, true, true, true]),
            ("signal", [false, false, true, true]),
            ("SIGKILL", [false, false, true, false]),
            ("kill", [false, false, true, false]),
            ("SEGV", [false, false, false, true]),
            ("0", [true, false, false, false]),
            ("7", [false, true, false, false]),
            ("9", [false, false, false, false]),
            ("SIGRTMIN+3", [false; 4]),
        ] {
            let filter = StatusFilter::new(&[text.to_owned()]).ok().unwrap();
            let shown = [done, seven, killed, dumped].map(|status| filter.shows(status));
            assert_eq!(shown, expected, "{text}");
        }
        let two = ["7".to_owned(), "KILL".to_owned()];
        let two = StatusFilter::new(&two).ok().unwrap();
        assert!(two.shows(seven) && two.shows(killed) && !two.shows(done));
        assert!(StatusFilter::new(&[]).ok().unwrap().shows(done));
        for text in ["", "256", "-1", "SIGNOTHING", "SIG"] {
            assert!(StatusFilter::new(&[text.to_owned()]).is_err(), "{text}");
        }
    }
}
