//! Writes tables of `stat`, `status` and `io` as the kernel provides them. Values and
//! text are not converted.

use std::{
    borrow::Cow,
    io::{self, IsTerminal as _, Write},
};

use crate::model::Untrusted;
use csv::{ByteRecord, Writer, WriterBuilder};

/// Fields of `stat` in the order of proc(5).
pub(crate) const STAT_FIELDS: [&str; 52] = [
    "pid",
    "comm",
    "state",
    "ppid",
    "pgrp",
    "session",
    "tty_nr",
    "tpgid",
    "flags",
    "minflt",
    "cminflt",
    "majflt",
    "cmajflt",
    "utime",
    "stime",
    "cutime",
    "cstime",
    "priority",
    "nice",
    "num_threads",
    "itrealvalue",
    "starttime",
    "vsize",
    "rss",
    "rsslim",
    "startcode",
    "endcode",
    "startstack",
    "kstkesp",
    "kstkeip",
    "signal",
    "blocked",
    "sigignore",
    "sigcatch",
    "wchan",
    "nswap",
    "cnswap",
    "exit_signal",
    "processor",
    "rt_priority",
    "policy",
    "delayacct_blkio_ticks",
    "guest_time",
    "cguest_time",
    "start_data",
    "end_data",
    "start_brk",
    "arg_start",
    "arg_end",
    "env_start",
    "env_end",
    "exit_code",
];

/// Whether text that looks like a formula is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    /// Text is written unchanged.
    Kept,
    /// Text that a spreadsheet would run as a formula gets the prefix `'`.
    Spreadsheet,
}

impl Text {
    /// The choice of the option `--spreadsheet`.
    pub(crate) fn new(for_spreadsheets: bool) -> Self {
        match for_spreadsheets {
            true => Self::Spreadsheet,
            false => Self::Kept,
        }
    }
}

/// The reader of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reads {
    /// A program, which gets all bytes unchanged.
    Program,
    /// A terminal, which a name must not control.
    Terminal,
}

impl Reads {
    /// The reader of the standard output.
    pub(crate) fn stdout() -> Self {
        match io::stdout().is_terminal() {
            true => Self::Terminal,
            false => Self::Program,
        }
    }
}

/// A CSV writer with the quoting of RFC 4180.
pub(crate) struct Table<W: Write> {
    out: Writer<W>,
    text: Text,
    reads: Reads,
    row: ByteRecord,
}

impl<W: Write> Table<W> {
    pub(crate) fn new(out: W, text: Text, reads: Reads) -> Self {
        Self {
            // A row of a newer kernel can have more fields than there are titles.
            out: WriterBuilder::new().flexible(true).from_writer(out),
            text,
            reads,
            row: ByteRecord::new(),
        }
    }

    /// Adds a field to the row.
    pub(crate) fn field(&mut self, field: &[u8]) {
        let mut text = self.escaped(field);
        if self.text == Text::Spreadsheet && is_formula(field) {
            text.to_mut().insert(0, b'\'');
        }
        self.row.push_field(&text);
    }

    fn escaped<'a>(&self, field: &'a [u8]) -> Cow<'a, [u8]> {
        match self.reads {
            Reads::Program => Cow::Borrowed(field),
            // Keeps backslashes: the kernel has already doubled them in some fields.
            Reads::Terminal => {
                let lines = Untrusted::new(field).message();
                Cow::Owned(lines.replace('\n', "\\x0a").into_bytes())
            }
        }
    }

    /// Ends the row.
    ///
    /// # Errors
    ///
    /// Errors of the writer.
    pub(crate) fn end_row(&mut self) -> io::Result<()> {
        let outcome = self.out.write_byte_record(&self.row);
        self.row.clear();
        outcome.map_err(io::Error::from)
    }

    /// Passes the buffered rows to the output.
    ///
    /// # Errors
    ///
    /// Errors of the writer.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Whether a spreadsheet would treat a field as a formula. A negative number is not a
/// formula.
fn is_formula(field: &[u8]) -> bool {
    let is_number = || std::str::from_utf8(field).is_ok_and(|text| text.parse::<f64>().is_ok());
    matches!(
        field.first(),
        Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r')
    ) && !is_number()
}

/// The fields of a `stat` line. The name is the text between the first `(` and the
/// last `)`. `None` if there is no such text.
pub(crate) fn stat_fields(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let open = bytes.iter().position(|byte| *byte == b'(')?;
    let close = bytes.iter().rposition(|byte| *byte == b')')?;
    if close <= open {
        return None;
    }
    let mut fields = vec![bytes[..open].trim_ascii(), &bytes[open + 1..close]];
    fields.extend(
        bytes[close + 1..]
            .split(|byte| *byte == b' ' || *byte == b'\n')
            .filter(|field| !field.is_empty()),
    );
    Some(fields)
}

/// The name of field `index` (from 0) of `stat`.
pub(crate) fn stat_name(index: usize) -> String {
    match STAT_FIELDS.get(index) {
        Some(name) => (*name).to_owned(),
        None => format!("field_{}", index + 1),
    }
}

/// Names and values of `status` or `io`.
pub(crate) fn pairs(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    bytes.split(|byte| *byte == b'\n').filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let value = &line[colon + 1..];
        let value = value
            .strip_prefix(b"\t")
            .or_else(|| value.strip_prefix(b" "))
            .unwrap_or(value);
        Some((&line[..colon], value))
    })
}

/// The titles for files whose lines differ from task to task: all names. A new name is
/// inserted after the name that it follows in its file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Titles {
    names: Vec<Vec<u8>>,
}

impl Titles {
    /// Adds the names of one file.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        let mut at = 0;
        for (name, _) in pairs(bytes) {
            // Usually the next known name is the same.
            if self.names.get(at).is_some_and(|known| known == name) {
                at += 1;
                continue;
            }
            match self.names.iter().position(|known| known == name) {
                Some(found) => at = found + 1,
                None => {
                    self.names.insert(at, name.to_vec());
                    at += 1;
                }
            }
        }
    }

    /// The names, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.names.iter().map(Vec::as_slice)
    }

    /// The values of one file in the order of the titles; empty for a missing name.
    pub(crate) fn values<'a>(&self, bytes: &'a [u8]) -> Vec<&'a [u8]> {
        let mut values: Vec<&[u8]> = vec![b""; self.names.len()];
        let mut at = 0;
        for (name, value) in pairs(bytes) {
            if self.names.get(at).is_none_or(|known| known != name) {
                match self.names.iter().position(|known| known == name) {
                    Some(found) => at = found,
                    None => continue,
                }
            }
            values[at] = value;
            at += 1;
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_one_field() {
        let fields = stat_fields(b"7 (a) R 1,\"\n=x) S 1 -1\n").unwrap();
        assert_eq!(fields, [&b"7"[..], b"a) R 1,\"\n=x", b"S", b"1", b"-1"]);
        assert!(stat_fields(b"7 )( S").is_none());
    }

    #[test]
    fn titles_are_in_the_kernels_order() {
        let mut titles = Titles::default();
        titles.add(b"Name:\tx\nThreads:\t1\nend:\t0\n");
        titles.add(b"Name:\tx\nVmRSS:\t  4 kB\nThreads:\t1\n");
        let names: Vec<_> = titles.names().collect();
        assert_eq!(names, [&b"Name"[..], b"VmRSS", b"Threads", b"end"]);
        assert_eq!(
            titles.values(b"Threads:\t3\nUnknown:\t1\n"),
            [&b""[..], b"", b"3", b""]
        );
    }

    #[test]
    fn formulas_are_defused() {
        let mut table = Table::new(Vec::new(), Text::Spreadsheet, Reads::Program);
        for field in ["=1+1", "-1", "@x", "a,\"b"] {
            table.field(field.as_bytes());
        }
        table.end_row().unwrap();
        let text = String::from_utf8(table.out.into_inner().unwrap()).unwrap();
        assert_eq!(text, "'=1+1,-1,'@x,\"a,\"\"b\"\n");
    }
}
