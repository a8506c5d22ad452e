//! Reads rows of the task iterator, a slice at a time.

use std::{fs::File, io::Read};

use procviz_common::Row;

use super::decode;

/// Rows to read at once: as many as the kernel's buffer of 32 KiB holds.
const ROWS: usize = 32 * 1024 / size_of::<Row>();

/// One open look at all tasks.
pub(crate) struct TaskIterator {
    file: File,
    buffer: Vec<u8>,
    /// Bytes of a row whose end has not been read yet.
    held: usize,
}

impl TaskIterator {
    pub(crate) fn new(file: File) -> Self {
        Self {
            file,
            buffer: vec![0; ROWS * size_of::<Row>()],
            held: 0,
        }
    }

    /// Gives the next rows to `take`; returns false at the end.
    ///
    /// # Errors
    ///
    /// What read(2) says.
    pub(crate) fn next_slice(&mut self, mut take: impl FnMut(Row)) -> std::io::Result<bool> {
        let got = loop {
            match self.file.read(&mut self.buffer[self.held..]) {
                Ok(got) => break got,
                // The kernel's own way to say "again" and the usual one.
                Err(error)
                    if matches!(
                        error.kind(),
                        std::io::ErrorKind::Interrupted | std::io::ErrorKind::WouldBlock
                    ) => {}
                Err(error) => return Err(error),
            }
        };
        let filled = self.held + got;
        let whole = filled / size_of::<Row>() * size_of::<Row>();
        for bytes in self.buffer[..whole].chunks_exact(size_of::<Row>()) {
            if let Some(row) = decode::read(bytes) {
                take(row);
            }
        }
        self.buffer.copy_within(whole..filled, 0);
        self.held = filled - whole;
        Ok(got > 0)
    }

    /// All rows to the end.
    ///
    /// # Errors
    ///
    /// What read(2) says.
    pub(crate) fn all(mut self) -> std::io::Result<Vec<Row>> {
        let mut rows = Vec::new();
        while self.next_slice(|row| rows.push(row))? {}
        Ok(rows)
    }
}
