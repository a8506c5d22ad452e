//! Reads small files of `/proc` again and again, without opening them each time.

use std::{fs::File, os::unix::fs::FileExt as _, path::Path};

/// A file that stays open.
pub(super) struct KeptFile {
    file: Option<File>,
    buffer: Vec<u8>,
}

impl KeptFile {
    /// Opens a file. If that fails, its content is never known.
    pub(super) fn open(path: impl AsRef<Path>) -> Self {
        Self {
            file: File::open(path).ok(),
            buffer: vec![0; 4096],
        }
    }

    /// The content now; `None` if it cannot be read.
    pub(super) fn read(&mut self) -> Option<&[u8]> {
        let file = self.file.as_ref()?;
        let mut filled = 0;
        loop {
            let got = file.read_at(&mut self.buffer[filled..], filled as u64);
            filled += got.ok()?;
            // The kernel fills the buffer if the content is long enough.
            if filled < self.buffer.len() {
                return Some(&self.buffer[..filled]);
            }
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_read_has_the_whole_content_of_now() {
        let path = std::env::temp_dir().join(format!("procviz-kept-{}", std::process::id()));
        std::fs::write(&path, "short").unwrap();
        let mut kept = KeptFile::open(&path);
        assert_eq!(kept.read().unwrap(), b"short");
        let long = vec![b'x'; 10_000];
        std::fs::write(&path, &long).unwrap();
        assert_eq!(kept.read().unwrap(), long);
        std::fs::write(&path, "s").unwrap();
        assert_eq!(kept.read().unwrap(), b"s");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(KeptFile::open(&path).read(), None);
    }

    /// The kernel makes the content of such files while they are read.
    #[test]
    fn files_of_proc_are_whole() {
        for path in ["/proc/stat", "/proc/meminfo", "/proc/loadavg"] {
            let mut kept = KeptFile::open(path);
            for _ in 0..2 {
                let lines = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count();
                let plain = lines(&std::fs::read(path).unwrap());
                assert_eq!(lines(kept.read().unwrap()), plain, "{path}");
            }
        }
    }
}
