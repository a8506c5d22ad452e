//! Tells on which mount blocked threads have files open.

use std::{collections::BTreeMap, sync::Arc};

use crate::model::{Untrusted, count_text};

/// Longest path that is shown, bytes; of a longer one the end counts.
const MOST_PATH: usize = 64;

/// Threads by the mount on which their processes have files open.
#[derive(Default)]
pub(super) struct OpenOn(BTreeMap<Mount, Files>);

/// Path and type.
type Mount = (Vec<u8>, Vec<u8>);

#[derive(Default)]
struct Files {
    threads: u64,
    /// The only file of all of them; `None` if there are several.
    file: Option<Vec<u8>>,
}

impl OpenOn {
    /// Adds a thread, see [`Event::OpenOn`](crate::model::Event::OpenOn).
    pub(super) fn add_thread(&mut self, on: &Arc<[u8]>) {
        let mut parts = on.splitn(3, |byte| *byte == 0);
        let mut next = || parts.next().map(<[u8]>::to_vec);
        let (Some(mount), Some(kind)) = (next(), next()) else {
            return;
        };
        self.add_files(
            (mount, kind),
            Files {
                threads: 1,
                file: next(),
            },
        );
    }

    /// Adds the threads of another one.
    pub(super) fn add(&mut self, other: Self) {
        for (mount, files) in other.0 {
            self.add_files(mount, files);
        }
    }

    fn add_files(&mut self, mount: Mount, more: Files) {
        let files = self.0.entry(mount).or_insert_with(|| Files {
            threads: 0,
            file: more.file.clone(),
        });
        files.threads += more.threads;
        if files.file != more.file {
            files.file = None;
        }
    }

    /// `, has /mnt/x/data open (nfs4)` for one thread of `count`; for several also
    /// `, 30 of them have files on /mnt/x open (nfs4)`. Empty if that is not known.
    pub(super) fn text(&self, count: u64) -> String {
        let most = self.0.iter().rev().max_by_key(|(_, files)| files.threads);
        let Some(((mount, kind), files)) = most else {
            return String::new();
        };
        let who = match files.threads {
            _ if count == 1 => "has".to_owned(),
            all if all == count => "all have".to_owned(),
            1 => "1 of them has".to_owned(),
            part => format!("{} of them have", count_text(part)),
        };
        let what = match &files.file {
            Some(file) => path(file),
            None => format!("files on {}", path(mount)),
        };
        let kind = Untrusted::new(kind).name();
        format!(", {who} {what} open ({kind})")
    }
}

/// A path for a text: a recording can hold any bytes.
fn path(bytes: &[u8]) -> String {
    let cut = bytes.len().saturating_sub(MOST_PATH);
    let shown = Untrusted::new(bytes.get(cut..).unwrap_or(bytes)).name();
    if cut > 0 {
        format!("…{shown}")
    } else {
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(threads: &[&[u8]], count: u64) -> String {
        let mut all = OpenOn::default();
        for on in threads {
            let mut one = OpenOn::default();
            one.add_thread(&Arc::from(*on));
            all.add(one);
        }
        all.text(count)
    }

    #[test]
    fn a_file_or_its_mount() {
        let a: &[u8] = b"/mnt/x\0nfs4\0/mnt/x/a";
        let b: &[u8] = b"/mnt/x\0nfs4\0/mnt/x/b";
        let many: &[u8] = b"/mnt/x\0nfs4";
        assert_eq!(text(&[a], 1), ", has /mnt/x/a open (nfs4)");
        assert_eq!(text(&[many], 1), ", has files on /mnt/x open (nfs4)");
        assert_eq!(text(&[a, a], 2), ", all have /mnt/x/a open (nfs4)");
        assert_eq!(text(&[a, b], 2), ", all have files on /mnt/x open (nfs4)");
        assert_eq!(
            text(&[a, many], 3),
            ", 2 of them have files on /mnt/x open (nfs4)"
        );
        assert_eq!(
            text(&[a, b"/\0ext4\0/l"], 3),
            ", 1 of them has /l open (ext4)"
        );
        assert_eq!(text(&[], 1), "");
        assert!(!text(&[b"/\x1b[2J\0e\x1b"], 1).contains('\x1b'));
        assert!(text(&[&[b'x'; 500]], 1).len() < 200);
    }
}
