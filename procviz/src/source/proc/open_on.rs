//! Finds the mount on which a process has files open, from its descriptors alone: neither the
//! files nor the memory of the process are touched, so this cannot wait for what they wait for.

use std::{
    collections::{BTreeMap, BTreeSet},
    os::unix::ffi::OsStringExt as _,
    path::Path,
};

use super::stat::number;

/// Upper limit for the descriptors that are looked at.
const MOST: usize = 256;
/// File systems that are not on a disk of this machine, by the begin of their types: whoever
/// waits most likely waits for them.
const REMOTE: &[&str] = &[
    "nfs", "cifs", "smb", "ceph", "9p", "fuse", "afs", "gluster", "lustre", "gfs2", "ocfs2",
    "virtiofs",
];
/// Paths of what is no file on a mount.
const NO_FILES: &[&str] = &["/dev/", "/proc/", "/sys/", "/memfd:", "/SYSV", "/["];

/// Identifies a mount of a mount namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct MountId(u64);

/// A mount with the files that are open on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpenOn {
    /// Its path, in the mount namespace of the process.
    mount: Vec<u8>,
    /// The type of its file system, such as `nfs4`.
    kind: Vec<u8>,
    files: BTreeSet<Vec<u8>>,
}

impl OpenOn {
    /// The mount, the type, and the path of the file if it is the only one, with zero bytes
    /// between them.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut all = [&self.mount[..], &self.kind[..]].join(&0);
        if let (Some(file), 1) = (self.files.first(), self.files.len()) {
            all.push(0);
            all.extend(file);
        }
        all
    }

    fn is_remote(&self) -> bool {
        REMOTE
            .iter()
            .any(|kind| self.kind.starts_with(kind.as_bytes()))
    }
}

/// The mount on which a process has files open, apart from its standard input and output unless
/// there are no others. `None` if it has none open, if they are on
/// several mounts of which no one is remote, or if its descriptors cannot be read.
pub(crate) fn open_on(root: &Path, pid: u32) -> Option<OpenOn> {
    let process = root.join(pid.to_string());
    let mut open: BTreeMap<MountId, BTreeSet<Vec<u8>>> = BTreeMap::new();
    let mut streams = open.clone();
    let mut is_all = true;
    for (index, entry) in process.join("fd").read_dir().ok()?.enumerate() {
        if index >= MOST {
            is_all = false;
            break;
        }
        let entry = entry.ok()?;
        let Ok(target) = std::fs::read_link(entry.path()) else {
            continue;
        };
        let target = target.into_os_string().into_vec();
        let is_file = target.starts_with(b"/");
        if !is_file || NO_FILES.iter().any(|no| target.starts_with(no.as_bytes())) {
            continue;
        }
        let name = entry.file_name();
        let info = std::fs::read(process.join("fdinfo").join(&name));
        if let Some(mount) = info.ok().as_deref().and_then(mount_id) {
            let is_stream = ["0", "1", "2"].iter().any(|number| name == *number);
            let known = if is_stream { &mut streams } else { &mut open };
            known.entry(mount).or_default().insert(target);
        }
    }
    // Input and output are mostly logs: they count if there is nothing else.
    let open = if open.is_empty() { streams } else { open };
    if open.is_empty() {
        return None;
    }
    let mounts = std::fs::read(process.join("mountinfo")).ok()?;
    choose(open, &mounts, is_all)
}

/// `mnt_id` of a file in `/proc/PID/fdinfo`.
fn mount_id(info: &[u8]) -> Option<MountId> {
    let mut lines = info.split(|byte| *byte == b'\n');
    let id = lines.find_map(|line| line.strip_prefix(b"mnt_id:"))?;
    number(id.trim_ascii()).map(MountId)
}

/// The only mount, or the only remote one. If `open` is not all, only a remote one counts.
fn choose(
    mut open: BTreeMap<MountId, BTreeSet<Vec<u8>>>,
    mounts: &[u8],
    is_all: bool,
) -> Option<OpenOn> {
    let lines = mounts.split(|byte| *byte == b'\n');
    let mut found: Vec<OpenOn> = lines
        .filter_map(|line| {
            let (id, mount, kind) = parse(line)?;
            let files = open.remove(&id)?;
            Some(OpenOn { mount, kind, files })
        })
        .collect();
    // A mount that is not in the list can be the one.
    let is_only = is_all && found.len() == 1 && open.is_empty();
    if !is_only {
        found.retain(OpenOn::is_remote);
    }
    found.pop().filter(|_| found.is_empty())
}

/// Id, path and type of a line of `/proc/PID/mountinfo`.
fn parse(line: &[u8]) -> Option<(MountId, Vec<u8>, Vec<u8>)> {
    let mut fields = line.split(|byte| *byte == b' ');
    let id = number(fields.next()?).map(MountId)?;
    let mount = unescape(fields.nth(3)?);
    let mut rest = fields.skip_while(|field| *field != b"-");
    Some((id, mount, rest.nth(1)?.to_vec()))
}

/// A path as the kernel writes it there: `\040` is a space.
fn unescape(path: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((first, others)) = rest.split_first() {
        let code = others.get(..3).filter(|_| *first == b'\\');
        match code.and_then(octal) {
            Some(byte) => {
                plain.push(byte);
                rest = others.get(3..).unwrap_or_default();
            }
            None => {
                plain.push(*first);
                rest = others;
            }
        }
    }
    plain
}

fn octal(digits: &[u8]) -> Option<u8> {
    digits.iter().try_fold(0_u8, |value, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 8)?;
        value.checked_mul(8)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &[u8] = b"22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
        40 22 0:35 / /mnt/a\\040b rw shared:7 master:2 - nfs4 server:/x rw,vers=4.2\n\
        41 22 7:0 / /mnt/loop rw - ext4 /dev/loop0 rw\n";

    fn chosen(open: &[(u64, &[&str])]) -> Option<String> {
        let files =
            |paths: &[&str]| -> BTreeSet<_> { paths.iter().map(|p| p.as_bytes().into()).collect() };
        let open = open.iter().map(|(id, paths)| (MountId(*id), files(paths)));
        let on = choose(open.collect(), MOUNTS, true)?;
        Some(String::from_utf8(on.bytes()).unwrap())
    }

    #[test]
    fn the_only_mount_or_the_only_remote_one() {
        assert_eq!(
            chosen(&[(41, &["/mnt/loop/x"])]).unwrap(),
            "/mnt/loop\0ext4\0/mnt/loop/x"
        );
        assert_eq!(chosen(&[(41, &["/a", "/b"])]).unwrap(), "/mnt/loop\0ext4");
        let both: [(u64, &[&str]); 2] = [(22, &["/log"]), (40, &["/mnt/a b/c"])];
        assert_eq!(chosen(&both).unwrap(), "/mnt/a b\0nfs4\0/mnt/a b/c");
        assert_eq!(chosen(&[(22, &["/log"]), (41, &["/x"])]), None);
        assert_eq!(chosen(&[(22, &["/log"]), (99, &["/x"])]), None);
        assert_eq!(chosen(&[(99, &["/x"])]), None);
    }

    #[test]
    fn this_process_has_a_file_open() {
        let path = std::env::temp_dir().join(format!("procviz-open-{}", std::process::id()));
        let file = std::fs::File::create(&path).unwrap();
        let info = std::os::fd::AsRawFd::as_raw_fd(&file);
        let info = std::fs::read(format!("/proc/self/fdinfo/{info}")).unwrap();
        let id = mount_id(&info).unwrap();
        let mounts = std::fs::read("/proc/self/mountinfo").unwrap();
        let lines = mounts.split(|byte| *byte == b'\n');
        let mut known = lines.filter_map(parse).filter(|(other, ..)| *other == id);
        let (_, mount, _) = known.next().unwrap();
        let path_bytes = path.clone().into_os_string().into_vec();
        assert!(path_bytes.starts_with(&mount));
        drop(file);
        std::fs::remove_file(path).unwrap();
    }
}
