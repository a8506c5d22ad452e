//! Counts the runs of programs that the kernel skipped. Since 7.0 a program at a
//! tracepoint can be preempted; the kernel skips it when the same CPU reaches the same
//! tracepoint meanwhile, and counts that (`recursion_misses` in `/proc/self/fdinfo/FD`).

use std::{fs::File, os::fd::AsRawFd, os::unix::fs::FileExt as _};

use aya::programs::ProgramFd;
use procviz_common::Kind;

/// The programs whose skipped runs are lost records, or lost marks.
#[derive(Default)]
pub(super) struct Misses {
    programs: Vec<(Kind, File)>,
}

impl Misses {
    /// Watches a program. On a kernel that does not have the count, nothing is watched.
    pub(super) fn watch(&mut self, program: &str, fd: &ProgramFd) {
        use std::os::fd::AsFd as _;
        let path = format!("/proc/self/fdinfo/{}", fd.as_fd().as_raw_fd());
        if let Ok(file) = File::open(path)
            && read(&file).is_some()
        {
            self.programs.push((kind(program), file));
        }
    }

    /// Skipped runs since the start, by kind of record.
    pub(super) fn count(&self) -> [u64; Kind::COUNT] {
        let mut counts = [0; Kind::COUNT];
        for (kind, file) in &self.programs {
            counts[*kind as usize] += read(file).unwrap_or(0);
        }
        counts
    }
}

/// Whether a kernel of this release, such as `6.12.4-amd64`, preempts programs at tracepoints;
/// if the release is not understood, it may.
pub(super) fn preempts_programs(release: &str) -> bool {
    let major = release
        .split('.')
        .next()
        .and_then(|major| major.parse().ok());
    major.is_none_or(|major: u32| major >= 7)
}

/// The kind of record that is lost when a program is skipped.
fn kind(program: &str) -> Kind {
    match program {
        "task_newtask" => Kind::Fork,
        "sched_process_exec" => Kind::Exec,
        "sched_process_exit" => Kind::Exit,
        "sched_switch" => Kind::Dead,
        "cgroup_mkdir" => Kind::Cgroup,
        "cgroup_attach_task" => Kind::Move,
        "signal_generate" => Kind::Signal,
        // `sched_process_free` marks reaped tasks: losing a mark makes a census
        // necessary, as losing a name does.
        _ => Kind::Rename,
    }
}

fn read(file: &File) -> Option<u64> {
    let mut bytes = [0; 512];
    let len = file.read_at(&mut bytes, 0).ok()?;
    parse(bytes.get(..len)?)
}

fn parse(fdinfo: &[u8]) -> Option<u64> {
    let mut lines = fdinfo.split(|byte| *byte == b'\n');
    let digits = lines.find_map(|line| line.strip_prefix(b"recursion_misses:"))?;
    let digits = digits.trim_ascii();
    let add = |sum: u64, digit: &u8| {
        let digit = char::from(*digit).to_digit(10)?;
        sum.checked_mul(10)?.checked_add(digit.into())
    };
    (!digits.is_empty())
        .then(|| digits.iter().try_fold(0, add))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_since_7_preempt_programs() {
        for (release, preempts) in [("6.18.15+deb13", false), ("7.0.1", true), ("next", true)] {
            assert_eq!(preempts_programs(release), preempts, "{release}");
        }
    }

    #[test]
    fn fdinfo() {
        let text = b"pos:\t0\nflags:\t02000000\nmnt_id:\t16\nino:\t3\nprog_type:\t26\nprog_jited:\t1\nrun_time_ns:\t0\nrun_cnt:\t0\nrecursion_misses:\t28\nverified_insns:\t700\n";
        assert_eq!(parse(text), Some(28));
        assert_eq!(parse(b"pos:\t0\nprog_type:\t26\n"), None);
        assert_eq!(parse(b"recursion_misses:\tmany\n"), None);
    }
}
