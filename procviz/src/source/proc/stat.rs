//! Parses `/proc/PID/stat` and `/proc/PID/task/TID/stat`.

use crate::model::{Comm, State};

/// A file of `/proc` whose content does not match proc(5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed `{file}` file: field `{field}` is missing or invalid")]
pub struct ParseError {
    /// `stat`, `status`, `io` or `schedstat`.
    pub file: &'static str,
    /// Number or name of the field, as in proc(5).
    pub field: &'static str,
}

/// What procviz needs of `/proc/PID/stat` or `/proc/PID/task/TID/stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Field 1, thread id.
    pub tid: u32,
    /// Field 2, name without the parentheses.
    pub comm: Comm,
    /// Field 3, scheduler state.
    pub state: State,
    /// Field 4, pid of the parent process.
    pub ppid: u32,
    /// Field 9, `PF_*`.
    pub flags: u32,
    /// Field 14, user time, clock ticks.
    pub utime: u64,
    /// Field 15, system time, clock ticks.
    pub stime: u64,
    /// Field 20, number of threads of the process.
    pub threads: u32,
    /// Field 22, start time, clock ticks since boot.
    pub start: u64,
    /// Field 23, address space, bytes.
    pub vsize: u64,
    /// Field 24, resident set, pages.
    pub rss: u64,
}

/// The places of the parentheses around the name.
fn parentheses(bytes: &[u8]) -> Option<(usize, usize)> {
    let open = bytes.iter().position(|byte| *byte == b'(')?;
    let close = bytes.iter().rposition(|byte| *byte == b')')?;
    (close > open).then_some((open, close))
}

/// The name in `stat`: of a kernel thread it can be longer than 15 bytes.
pub(super) fn name_in_stat(bytes: &[u8]) -> Option<&[u8]> {
    let (open, close) = parentheses(bytes)?;
    bytes.get(open + 1..close)
}

/// Parses `stat`. The name is the text between the first `(` and the last `)`: the
/// name itself can contain parentheses and newlines.
///
/// # Errors
///
/// When a field is missing or not a number.
pub fn parse_stat(bytes: &[u8]) -> Result<Stat, ParseError> {
    let bad = |field| ParseError {
        file: "stat",
        field,
    };
    let (open, close) = parentheses(bytes).ok_or(bad("2"))?;
    let mut fields = bytes[close + 1..]
        .split(|byte| byte.is_ascii_whitespace())
        .filter(|field| !field.is_empty());
    let state = fields
        .next()
        .and_then(|field| field.first())
        .and_then(|letter| State::from_letter(*letter));
    let mut at = 3;
    // The fields are asked for in rising order; the fields between are skipped.
    let mut next = |wanted: usize| {
        let skip = wanted - at - 1;
        at = wanted;
        fields.nth(skip).and_then(number)
    };
    Ok(Stat {
        tid: number(bytes[..open].trim_ascii_end())
            .and_then(narrow)
            .ok_or(bad("1"))?,
        comm: Comm::new(&bytes[open + 1..close]),
        state: state.ok_or(bad("3"))?,
        ppid: next(4).and_then(narrow).ok_or(bad("4"))?,
        flags: next(9).and_then(narrow).ok_or(bad("9"))?,
        utime: next(14).ok_or(bad("14"))?,
        stime: next(15).ok_or(bad("15"))?,
        threads: next(20).and_then(narrow).ok_or(bad("20"))?,
        start: next(22).ok_or(bad("22"))?,
        vsize: next(23).ok_or(bad("23"))?,
        rss: next(24).ok_or(bad("24"))?,
    })
}

fn narrow(value: u64) -> Option<u32> {
    u32::try_from(value).ok()
}

/// Parses a decimal number that consists of digits only.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |value, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests;
