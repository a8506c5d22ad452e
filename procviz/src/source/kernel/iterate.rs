//! Reads the rows of the task iterator in slices.

use std::{fs::File, io::Read};

use procviz_common::Row;

use super::decode;

/// Number of rows in one read: as many as fit into the kernel's buffer of 32 KiB.
const ROWS: usize = 32 * 1024 / size_of::<Row>();

/// One open scan of all tasks.
pub(crate) struct TaskIterator {
    file: File,
    buffer: Vec<u8>,
    /// Number of bytes in `buffer` of a row that is not read completely yet.
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

    /// Passes the next rows to `take`; returns false at the end of the scan.
    ///
    /// # Errors
    ///
    /// The error of read(2).
    pub(crate) fn next_slice(&mut self, mut take: impl FnMut(Row)) -> std::io::Result<bool> {
        let got = loop {
            match self.file.read(&mut self.buffer[self.held..]) {
                Ok(got) => break got,
                // Read again: the kernel's iterator returns EAGAIN, a signal causes EINTR.
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

    /// Reads all rows up to the end of the scan.
    ///
    /// # Errors
    ///
    /// The error of read(2).
    pub(crate) fn all(mut self) -> std::io::Result<Vec<Row>> {
        let mut rows = Vec::new();
        while self.next_slice(|row| rows.push(row))? {}
        Ok(rows)
    }
}
