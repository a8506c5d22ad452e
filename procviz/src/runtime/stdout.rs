//! Writes data to stdout; a closed pipe is a reader that has seen enough.

use std::{
    ffi::OsStr,
    io::{self, BufWriter, ErrorKind, Stdout, Write},
};

use super::ending::while_writing;
use crate::model::Untrusted;

/// Standard output.
pub(crate) struct Out(BufWriter<Stdout>);

/// Whether anybody still reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    Reads,
    Left,
}

impl Out {
    pub(crate) fn new() -> Self {
        Self(BufWriter::with_capacity(64 * 1024, io::stdout()))
    }

    /// Writes through `write` and flushes.
    ///
    /// # Errors
    ///
    /// What write(2) says, except that the reader has left.
    pub(crate) fn write(
        &mut self,
        write: impl FnOnce(&mut BufWriter<Stdout>) -> io::Result<()>,
    ) -> io::Result<Reader> {
        let written = while_writing(|| write(&mut self.0).and_then(|()| self.0.flush()));
        match written {
            Ok(()) => Ok(Reader::Reads),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Reader::Left),
            Err(error) => Err(error),
        }
    }
}

/// Says something on stderr; if nobody listens, nothing is lost.
pub(crate) fn say(text: &str) {
    let text = Untrusted::new(text.as_bytes()).message();
    _ = writeln!(io::stderr(), "{text}");
}

/// A path, or what the caller typed, as it stands in a message.
pub(crate) fn shown(text: impl AsRef<OsStr>) -> String {
    Untrusted::new(text.as_ref().as_encoded_bytes()).terminal()
}
