//! Takes samples from kernel events and `/proc` together, or from `/proc` alone
//! where there are no kernel events.

use std::path::Path;

use rustc_hash::FxHashSet;

use crate::{
    model::{Found, Host, Sample, Sources, Stamp, TaskId},
    source::{
        capabilities::raise,
        error::SamplerError,
        identity::Identities,
        kernel::{Kernel, trim_heap},
        machine::{boot_now_ns, boot_wall_ns, own_cpu_ns},
        proc::{MachineReader, ProcDir, Walk},
        tick::KernelTick,
    },
};

/// Takes samples of one machine.
pub struct Sampler {
    source: Source,
    machine: Option<MachineReader>,
    tick_ns: u64,
    /// Processes to watch; used only without kernel events.
    family: Option<Family>,
    /// Reads names and arguments; used only without kernel events.
    identities: Option<Identities>,
    wants_args: bool,
    /// The last delivered sample: its time, ns since boot, and procviz's own CPU
    /// time at its delivery, ns.
    last: (u64, u64),
    /// When freed memory was last given back to the kernel, ns since boot.
    trimmed_ns: u64,
}

/// How often freed memory is given back, ns: what a storm needed is free within a minute.
const TRIM_NS: u64 = 30_000_000_000;

enum Source {
    Kernel(Box<KernelTick>),
    Proc(Box<Walk>),
}

impl Sampler {
    /// Creates a sampler that uses kernel events and `/proc`.
    ///
    /// # Errors
    ///
    /// When the kernel refuses the programs or `/proc` cannot be read.
    pub fn with_events(host: &Host, kernel: Kernel) -> Result<Self, SamplerError> {
        let _raised = raise();
        let open = || ProcDir::open(Path::new("/proc")).map_err(SamplerError::Proc);
        let walk = Walk::new(open()?, host.page_bytes, host.tick_ns);
        Ok(Self::new(
            host,
            Source::Kernel(Box::new(KernelTick::start(host, kernel, open()?, walk)?)),
        ))
    }

    /// Creates a sampler that uses `/proc` alone.
    ///
    /// # Errors
    ///
    /// When `/proc` cannot be read.
    pub fn proc_only(host: &Host) -> Result<Self, SamplerError> {
        let proc = ProcDir::open(Path::new("/proc")).map_err(SamplerError::Proc)?;
        Ok(Self::new(
            host,
            Source::Proc(Box::new(Walk::new(proc, host.page_bytes, host.tick_ns))),
        ))
    }

    /// Creates a sampler that reads a saved copy of `/proc`. Figures of the machine
    /// are unknown: procviz reads them only from the real `/proc`, which describes
    /// this machine.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub fn of_folder(host: &Host, root: &Path) -> Result<Self, SamplerError> {
        let proc = ProcDir::open(root).map_err(SamplerError::Proc)?;
        let walk = Walk::new(proc, host.page_bytes, host.tick_ns);
        let mut sampler = Self::new(host, Source::Proc(Box::new(walk)));
        sampler.machine = None;
        Ok(sampler)
    }

    fn new(host: &Host, source: Source) -> Self {
        Self {
            tick_ns: host.tick_ns,
            family: None,
            identities: None,
            wants_args: false,
            source,
            machine: Some(MachineReader::new(host.tick_ns)),
            last: (0, 0),
            trimmed_ns: boot_now_ns(),
        }
    }

    /// The sources of the figures.
    pub fn sources(&self) -> Sources {
        match self.source {
            Source::Kernel(_) => Sources::EbpfAndProc,
            Source::Proc(_) => Sources::ProcOnly,
        }
    }

    /// Adds the current state and the events since the last call to `sample`. The
    /// first call takes a census of all tasks.
    ///
    /// # Errors
    ///
    /// When `/proc` or the task iterator fails as a whole. A single task that exits
    /// meanwhile is not an error.
    pub fn sample(&mut self, sample: &mut Sample) -> Result<(), SamplerError> {
        let now = boot_now_ns();
        sample.stamp.boot_ns = now;
        sample.boot_wall_ns = Some(boot_wall_ns());
        sample.sources = self.sources();
        if let Some(machine) = &mut self.machine {
            let deaths = sample.machine.deaths;
            machine.read(&mut sample.machine);
            sample.machine.deaths = deaths;
        }
        match &mut self.source {
            Source::Kernel(tick) => tick.sample(sample)?,
            Source::Proc(walk) => {
                sample.found.clear();
                walk.walk(&mut sample.found).map_err(SamplerError::Proc)?;
                sample.complete = true;
                if let Some(family) = &mut self.family {
                    family.mark(&mut sample.found);
                }
                // The processes of a saved copy are not those of this machine.
                if self.machine.is_some() {
                    let start = || Identities::start(self.tick_ns);
                    let identities = self.identities.get_or_insert_with(start);
                    identities.ask(sample, self.wants_args);
                }
            }
        }
        if now.saturating_sub(self.trimmed_ns) >= TRIM_NS {
            self.trimmed_ns = now;
            trim_heap();
        }
        let own = own_cpu_ns();
        let (last_ns, last_own) = self.last;
        sample.stamp.interval_ns = if last_ns == 0 { 0 } else { now - last_ns };
        sample.own_cpu_ns = own - last_own;
        Ok(())
    }

    /// Watches only the processes `roots` and their descendants. All other tasks are
    /// sampled, too, but marked as not watched. Call this before the first sample.
    pub fn watch_only(&mut self, roots: &[u32]) {
        match &mut self.source {
            Source::Kernel(tick) => tick.watch_only(roots),
            Source::Proc(_) => self.family = Some(Family::new(roots)),
        }
    }

    /// Asks for the arguments of processes that already run. The arguments come
    /// as events of later samples.
    pub fn want_args(&mut self) {
        match &mut self.source {
            Source::Kernel(tick) => tick.want_args(),
            Source::Proc(_) => self.wants_args = true,
        }
    }

    /// Lists all short-lived processes one by one from now on, without an upper
    /// limit: a recording holds every exit.
    pub fn list_all_short_lived(&mut self) {
        if let Source::Kernel(tick) = &mut self.source {
            tick.list_all_short_lived();
        }
    }

    /// Takes a census with the next sample, because events were thrown away.
    pub fn request_census(&mut self) {
        if let Source::Kernel(tick) = &mut self.source {
            tick.request_census();
        }
    }

    /// Marks the sample taken at `stamp` as delivered: the interval of the next
    /// sample begins there. Without this call, the next sample adds to this one.
    pub fn handed_over(&mut self, stamp: Stamp) {
        self.last = (stamp.boot_ns, own_cpu_ns());
        if let Some(machine) = &mut self.machine {
            machine.begin_interval();
        }
    }
}

/// Some processes and their descendants, found through the parents in `/proc`. A
/// descendant whose parent exits before a walk has seen the descendant is missed.
struct Family {
    roots: Vec<u32>,
    members: FxHashSet<TaskId>,
}

impl Family {
    fn new(roots: &[u32]) -> Self {
        Self {
            roots: roots.to_vec(),
            members: FxHashSet::default(),
        }
    }

    /// Marks the tasks of the family as watched, and all others as not watched.
    fn mark(&mut self, found: &mut [Found]) {
        let mut pids: FxHashSet<u32> = self.roots.iter().copied().collect();
        let mut members = FxHashSet::default();
        loop {
            let before = members.len();
            for task in found.iter().filter(|task| task.id == task.process) {
                let is_member = self.members.contains(&task.id)
                    || pids.contains(&task.id.tid)
                    || pids.contains(&task.ppid);
                if is_member && members.insert(task.id) {
                    pids.insert(task.id.tid);
                }
            }
            if members.len() == before {
                break;
            }
        }
        self.members = members;
        for task in found {
            task.watched = self.members.contains(&task.process);
        }
    }
}
