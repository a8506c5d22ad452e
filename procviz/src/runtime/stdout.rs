//! Writes data to standard output. A closed pipe is not an error: the reader has read
//! enough.

use std::io::{self, BufWriter, ErrorKind, Stdout, Write};

use super::ending::while_writing;

/// Standard output.
pub(crate) struct Out(BufWriter<Stdout>);

/// Whether the reader of standard output still reads.
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
    /// Errors of write(2), except EPIPE: the reader has left.
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
