//! Parses `/proc/PID/task/TID/schedstat`.

use super::stat::{ParseError, number};

/// What procviz needs of `/proc/PID/task/TID/schedstat`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Schedstat {
    /// CPU time, ns. For a running thread, the time as of its last timer tick.
    pub cpu_ns: u64,
    /// Time in the run queue without a CPU, ns.
    pub run_delay_ns: u64,
    /// How often the thread was given a CPU.
    pub slices: u64,
}

/// Parses `schedstat`.
///
/// # Errors
///
/// When a field is missing or not a number.
pub fn parse_schedstat(bytes: &[u8]) -> Result<Schedstat, ParseError> {
    let mut fields = bytes.split(|byte| byte.is_ascii_whitespace());
    let mut next = |field| {
        fields.next().and_then(number).ok_or(ParseError {
            file: "schedstat",
            field,
        })
    };
    Ok(Schedstat {
        cpu_ns: next("1")?,
        run_delay_ns: next("2")?,
        slices: next("3")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_and_refuses() {
        assert_eq!(
            parse_schedstat(b"12 34 5\n"),
            Ok(Schedstat {
                cpu_ns: 12,
                run_delay_ns: 34,
                slices: 5
            })
        );
        assert!(parse_schedstat(b"12").is_err());
        assert!(parse_schedstat(b"12 34").is_err());
        assert!(parse_schedstat(b"x 1 2").is_err());
    }
}
