//! Writes messages to standard error. A closed standard error is not an error.

use std::{
    fmt::Display,
    io::{self, Write},
};

use crate::model::Untrusted;

/// Prints the last line of a command: its result. A message about something that the user
/// does not expect is a [`Warning`](super::warning::Warning).
pub(crate) fn summary(text: impl Display) {
    print_line(&format!("procviz: {text}"));
}

/// Prints a line, with control characters escaped.
pub(crate) fn print_line(text: &str) {
    let text = Untrusted::new(text.as_bytes()).message();
    _ = writeln!(io::stderr(), "{text}");
}
