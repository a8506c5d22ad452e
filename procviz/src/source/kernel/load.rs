//! Loads the eBPF object, sets the offsets in it, and attaches all programs.

use std::os::fd::AsFd;

use aya::{
    Btf, Ebpf, EbpfLoader,
    maps::{Map, MapData, PerCpuArray, RingBuf},
    programs::{BtfTracePoint, Iter, ProgramError},
};
use procviz_common::{CUR_CPUS, Kind, SNAP_WORDS, TID_WORDS};

use crate::source::{capabilities::raise, kernel_release};

use super::{
    btf::{BtfError, kernel_offsets},
    iterate::TaskIterator,
    misses::{Misses, preempts_programs},
    raw::{OffsetBytes, Words},
    room::Room,
    snaps::Snaps,
};

/// The object that `cargo xtask ebpf` builds.
#[cfg(not(feature = "log"))]
static OBJECT: &[u8] = aya::include_bytes_aligned!("../../../ebpf/procviz.bpf.o");

const BTF_PATH: &str = "/sys/kernel/btf/vmlinux";

const TRACEPOINTS: [&str; 9] = [
    // Tracepoints for exits and execs are attached before the tracepoint for forks: so
    // procviz sees the exit of every task whose fork it sees. The exit of a task that began
    // between the two is partial, so nothing else is attached in between.
    "sched_switch",
    "sched_process_free",
    "sched_process_exit",
    "sched_process_exec",
    "task_newtask",
    "task_rename",
    "cgroup_mkdir",
    "cgroup_attach_task",
    "signal_generate",
];

/// What is missing without a program; `None` if procviz cannot do without it.
fn cost_of(program: &str) -> Option<&'static str> {
    match program {
        "task_rename" => Some("a thread that changes its name keeps its old name until a scan"),
        "cgroup_mkdir" => Some(
            "the cgroups of processes are not known, except those that existed when procviz started",
        ),
        "cgroup_attach_task" => {
            Some("a process that is moved to another cgroup keeps its old one until a scan")
        }
        "signal_generate" => Some("who killed a process with a signal is not known"),
        "census" => Some(
            "all tasks are read from /proc at the start and after losses, which takes longer; of processes that began before procviz, exit records are partial, cgroups and long waits are not known, and --tree can miss some",
        ),
        "sweep" => {
            Some("the memory of a process that does not run keeps its figures until it runs")
        }
        _ => None,
    }
}

/// Why the eBPF programs do not run.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The kernel's type information (BTF) could not be read.
    #[error("failed to read `{BTF_PATH}`")]
    ReadBtf(#[source] std::io::Error),
    /// The kernel's type information (BTF) is malformed, or lacks a member.
    #[error("failed to find the offsets of kernel struct members")]
    Btf(#[from] BtfError),
    /// The object could not be loaded.
    #[error("failed to load the eBPF object: {}", cause(.0))]
    Load(String),
    /// The kernel refused a program.
    #[error("the kernel refused the eBPF program `{name}`: {}", cause(.reason))]
    Program {
        /// The name of the program.
        name: &'static str,
        /// The error, with the log of the kernel's verifier; messages show its cause.
        reason: String,
    },
    /// A map could not be mapped into memory.
    #[error("failed to map `{0}`")]
    Map(&'static str, #[source] std::io::Error),
}

/// The cause of an error in one line of at most 200 bytes. A log of the verifier ends
/// with the cause, and with statistics after it.
fn cause(text: &str) -> String {
    let statistics = [
        "processed ",
        "verification time",
        "stack depth",
        "peak_states",
    ];
    let is_cause = |line: &&str| {
        let line = line.trim();
        !line.is_empty() && !statistics.iter().any(|begin| line.starts_with(begin))
    };
    let mut lines = text.lines().filter(is_cause).map(str::trim);
    let first = lines.next().unwrap_or("unknown error");
    let line = match lines.next_back() {
        Some(last) => format!("{first} ... {last}"),
        None => first.to_owned(),
    };
    let end = line.floor_char_boundary(200);
    line[..end].to_owned()
}

/// The loaded and attached programs.
pub struct Kernel {
    ebpf: Ebpf,
    /// Records for which the ring had no room, by kind, since the start.
    lost: PerCpuArray<MapData, u64>,
    misses: Misses,
    skips_programs: bool,
    /// Programs that the kernel refused, and that are not necessary.
    refused: Vec<(&'static str, LoadError)>,
    ring: Option<RingBuf<MapData>>,
    snaps: Option<Snaps>,
}

impl Kernel {
    /// Loads and attaches all programs. From then on, the ring collects events.
    ///
    /// # Errors
    ///
    /// When BTF or privileges are missing, or the kernel refuses a program.
    pub fn load() -> Result<Self, LoadError> {
        let _raised = raise();
        let mut offsets = {
            let bytes = std::fs::read(BTF_PATH).map_err(LoadError::ReadBtf)?;
            kernel_offsets(&bytes)?
        };
        let room = Room::of_this_machine();
        offsets.snap_mask = room.snap_slots - 1;
        let btf = Btf::from_sys_fs().map_err(|error| LoadError::Load(error.to_string()))?;
        let offsets = OffsetBytes(offsets);
        let mut loader = EbpfLoader::new();
        loader
            .btf(Some(&btf))
            .override_global("OFFSETS", &offsets, true)
            .map_max_entries("EVENTS", room.ring_bytes)
            .map_max_entries("SNAP", room.snap_slots);
        #[cfg(not(feature = "log"))]
        let object = OBJECT;
        #[cfg(feature = "log")]
        let object = &super::log::object().map_err(|error| LoadError::Load(error.to_string()))?;
        let mut ebpf = loader
            .load(object)
            .map_err(|error| LoadError::Load(chain(&error)))?;
        #[cfg(feature = "log")]
        super::log::print(&mut ebpf).map_err(LoadError::Load)?;
        let mut misses = Misses::default();
        let mut refused = Vec::new();
        for name in TRACEPOINTS {
            match attach_tracepoint(&mut ebpf, name, &btf, &mut misses) {
                Err(error) if cost_of(name).is_some() => refused.push((name, error)),
                outcome => outcome?,
            }
        }
        for name in ["census", "sweep"] {
            if let Err(error) = load_iterator(&mut ebpf, name, &btf) {
                refused.push((name, error));
            }
        }
        let ring = take(&mut ebpf, "EVENTS", RingBuf::try_from)?;
        let lost = take(&mut ebpf, "LOST", PerCpuArray::try_from)?;
        let snaps = Snaps::new(
            words(&mut ebpf, "RAN", TID_WORDS)?,
            words(&mut ebpf, "FREED", TID_WORDS)?,
            words(&mut ebpf, "SNAP", room.snap_slots as usize * SNAP_WORDS)?,
            words(&mut ebpf, "CUR", CUR_CPUS)?,
            words(&mut ebpf, "TICK", 1)?,
        );
        drop(btf);
        super::raw::trim_heap();
        Ok(Self {
            ebpf,
            lost,
            misses,
            skips_programs: preempts_programs(&kernel_release()),
            refused,
            ring: Some(ring),
            snaps: Some(snaps),
        })
    }

    /// Programs that the kernel refused, with the cost of doing without each.
    pub(crate) fn refused(&self) -> impl Iterator<Item = (&LoadError, &'static str)> {
        let costs = self.refused.iter();
        costs.filter_map(|(name, error)| Some((error, cost_of(name)?)))
    }

    /// Takes the ring of events; `None` if it was taken before.
    pub(crate) fn take_ring(&mut self) -> Option<RingBuf<MapData>> {
        self.ring.take()
    }

    /// Takes the maps of threads that ran; `None` if they were taken before.
    pub(crate) fn take_snapshot_maps(&mut self) -> Option<Snaps> {
        self.snaps.take()
    }

    /// Records for which the ring had no room, by kind, since the start.
    pub(crate) fn lost(&self) -> [u64; Kind::COUNT] {
        std::array::from_fn(|kind| {
            self.lost
                .get(&(kind as u32), 0)
                .map_or(0, |values| values.iter().sum())
        })
    }

    /// Whether this kernel skips programs at all; before 7.0 hardly ever.
    pub(crate) fn skips_programs(&self) -> bool {
        self.skips_programs
    }

    /// Records that were not made because the kernel skipped a program, by kind, since the
    /// start.
    pub(crate) fn missed(&self) -> [u64; Kind::COUNT] {
        self.misses.count()
    }

    /// Opens a scan of all tasks; `None` if the kernel refused the program.
    ///
    /// # Errors
    ///
    /// When the kernel refuses the scan.
    pub(crate) fn census(&mut self) -> Result<Option<TaskIterator>, LoadError> {
        if self.refused.iter().any(|(name, _)| *name == "census") {
            return Ok(None);
        }
        self.iterator("census").map(Some)
    }

    /// Opens a scan of the leaders of all processes.
    ///
    /// # Errors
    ///
    /// When the kernel refuses the scan.
    pub(crate) fn sweep(&mut self) -> Result<TaskIterator, LoadError> {
        self.iterator("sweep")
    }

    fn iterator(&mut self, name: &'static str) -> Result<TaskIterator, LoadError> {
        let program: &mut Iter = program(&mut self.ebpf, name)?;
        let refused = |reason: String| LoadError::Program { name, reason };
        let link = program.attach().map_err(|error| refused(chain(&error)))?;
        let link = program
            .take_link(link)
            .map_err(|error| refused(chain(&error)))?;
        Ok(TaskIterator::new(
            link.into_file().map_err(|error| refused(chain(&error)))?,
        ))
    }
}

/// An error for a program that `PROCVIZ_TEST_REFUSE` names, so that tests can do without it.
/// Only in builds with debug assertions.
fn refuse_for_tests(name: &'static str) -> Result<(), LoadError> {
    let is_named = |names: String| names.split(',').any(|one| one == name);
    if cfg!(debug_assertions) && std::env::var("PROCVIZ_TEST_REFUSE").is_ok_and(is_named) {
        let reason = "refused by a test".to_owned();
        return Err(LoadError::Program { name, reason });
    }
    Ok(())
}

fn attach_tracepoint(
    ebpf: &mut Ebpf,
    name: &'static str,
    btf: &Btf,
    misses: &mut Misses,
) -> Result<(), LoadError> {
    refuse_for_tests(name)?;
    let program: &mut BtfTracePoint = program(ebpf, name)?;
    let refused = |error: ProgramError| LoadError::Program {
        name,
        reason: chain(&error),
    };
    program.load(name, btf).map_err(refused)?;
    program.attach().map_err(refused)?;
    misses.watch(name, program.fd().map_err(refused)?);
    Ok(())
}

fn load_iterator(ebpf: &mut Ebpf, name: &'static str, btf: &Btf) -> Result<(), LoadError> {
    refuse_for_tests(name)?;
    let program: &mut Iter = program(ebpf, name)?;
    program
        .load("task", btf)
        .map_err(|error| LoadError::Program {
            name,
            reason: chain(&error),
        })
}

fn program<'a, P>(ebpf: &'a mut Ebpf, name: &'static str) -> Result<&'a mut P, LoadError>
where
    &'a mut P: TryFrom<&'a mut aya::programs::Program, Error = ProgramError>,
{
    let absent = || LoadError::Load(format!("no program `{name}` in the object"));
    ebpf.program_mut(name)
        .ok_or_else(absent)?
        .try_into()
        .map_err(|error: ProgramError| LoadError::Program {
            name,
            reason: chain(&error),
        })
}

fn take<T>(
    ebpf: &mut Ebpf,
    name: &'static str,
    make: impl Fn(Map) -> Result<T, aya::maps::MapError>,
) -> Result<T, LoadError> {
    let map = ebpf
        .take_map(name)
        .ok_or_else(|| LoadError::Load(format!("no map `{name}` in the object")))?;
    make(map).map_err(|error| LoadError::Load(chain(&error)))
}

fn words(ebpf: &mut Ebpf, name: &'static str, len: usize) -> Result<Words, LoadError> {
    match ebpf.map(name) {
        Some(Map::Array(data)) => {
            Words::new(data.fd().as_fd(), len).map_err(|error| LoadError::Map(name, error.into()))
        }
        _ => Err(LoadError::Load(format!("no array `{name}` in the object"))),
    }
}

/// The message of an error, followed by the messages of its sources.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        // Some errors repeat their source in their own message.
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_of_a_refusal_is_one_line() {
        let log = "Permission denied (os error 13)\n0: R1=ctx() R10=fp0\n5: (61) r1 = *(u32 *)(r2 +52)\naccess beyond the end of member on_cpu (mend:53) in struct task_struct with off 52 size 4\nprocessed 6 insns (limit 1000000) max_states_per_insn 0\nstack depth 0\n";
        assert_eq!(
            cause(log),
            "Permission denied (os error 13) ... access beyond the end of member on_cpu (mend:53) in struct task_struct with off 52 size 4"
        );
        assert_eq!(cause("short\n"), "short");
        assert_eq!(cause(&"é".repeat(300)).len(), 200);
    }

    #[test]
    fn a_source_that_the_message_repeats_is_said_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("failed to create map `EVENTS`: {0}")]
        struct Outer(#[source] std::io::Error);
        let error = Outer(std::io::Error::other("no memory"));
        assert_eq!(chain(&error), "failed to create map `EVENTS`: no memory");
    }
}
