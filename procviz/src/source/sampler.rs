//! Takes samples: from the kernel's events and `/proc` together, or from
//! `/proc` alone where that is all there is.

use std::path::Path;

use rustc_hash::FxHashSet;

use crate::{
    model::{Event, Found, Host, Sample, Sources, Stamp, TaskId},
    source::{
        args::ArgsReader,
        capabilities::raise,
        kernel::{Kernel, LoadError},
        machine::{boot_now_ns, boot_wall_ns, own_cpu_ns},
        proc::{MachineReader, ProcDir, Walk},
        tick::KernelTick,
    },
};

/// Why no sample can be taken.
#[derive(Debug, thiserror::Error)]
pub enum SamplerError {
    /// `/proc` cannot be read.
    #[error("failed to read `/proc`")]
    Proc(#[source] std::io::Error),
    /// A thread could not be started.
    #[error("failed to start a thread")]
    Thread(#[source] std::io::Error),
    /// The kernel refused what it had granted before.
    #[error(transparent)]
    Kernel(#[from] LoadError),
}

/// Takes samples of one machine.
pub struct Sampler {
    source: Source,
    machine: Option<MachineReader>,
    tick_ns: u64,
    /// Whom to watch, where `/proc` alone tells.
    family: Option<Family>,
    args: Option<(ArgsReader, FxHashSet<TaskId>)>,
    /// When the last sample that was handed over was taken, and what
    /// procviz had used by then.
    last: (u64, u64),
}

enum Source {
    Kernel(Box<KernelTick>),
    Proc(Box<Walk>),
}

impl Sampler {
    /// With kernel events.
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

    /// From `/proc` alone.
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

    /// From a folder of the shape of `/proc`, as somebody saved it. Figures of
    /// the machine are unknown: they are this machine's in `/proc` alone.
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
            args: None,
            source,
            machine: Some(MachineReader::new(host.tick_ns)),
            last: (0, 0),
        }
    }

    /// Where the figures come from.
    pub fn sources(&self) -> Sources {
        match self.source {
            Source::Kernel(_) => Sources::EbpfAndProc,
            Source::Proc(_) => Sources::ProcOnly,
        }
    }

    /// Adds what there is to know now to `sample`. The first time that is a
    /// census of all tasks.
    ///
    /// # Errors
    ///
    /// When `/proc` or the task iterator fails altogether; a single task that
    /// ends meanwhile is no error.
    pub fn sample(&mut self, sample: &mut Sample) -> Result<(), SamplerError> {
        let now = boot_now_ns();
        sample.stamp.boot_ns = now;
        sample.boot_wall_ns = Some(boot_wall_ns());
        sample.sources = self.sources();
        match &mut self.source {
            Source::Kernel(tick) => tick.sample(sample)?,
            Source::Proc(walk) => {
                sample.found.clear();
                walk.walk(&mut sample.found).map_err(SamplerError::Proc)?;
                sample.complete = true;
                if let Some(family) = &mut self.family {
                    family.mark(&mut sample.found);
                }
                if let Some((args, asked)) = &mut self.args {
                    ask_for_args(args, asked, sample);
                }
            }
        }
        if let Some(machine) = &mut self.machine {
            let deaths = sample.machine.deaths;
            machine.read(&mut sample.machine);
            sample.machine.deaths = deaths;
        }
        let own = own_cpu_ns();
        let (last_ns, last_own) = self.last;
        sample.stamp.interval_ns = if last_ns == 0 { 0 } else { now - last_ns };
        sample.own_cpu_ns = own - last_own;
        Ok(())
    }

    /// Only these processes and their descendants are watched: all others are
    /// sampled, too, but marked. To be said before the first sample.
    pub fn watch_only(&mut self, roots: &[u32]) {
        match &mut self.source {
            Source::Kernel(tick) => tick.watch_only(roots),
            Source::Proc(_) => self.family = Some(Family::new(roots)),
        }
    }

    /// Asks for the arguments of processes that are there already; they come
    /// with later samples.
    pub fn want_args(&mut self) {
        match &mut self.source {
            Source::Kernel(tick) => tick.want_args(),
            Source::Proc(_) => {
                if self.args.is_none() {
                    self.args = Some((ArgsReader::start(self.tick_ns), FxHashSet::default()));
                }
            }
        }
    }

    /// Lists short lives one by one, however many: for who keeps them.
    pub fn list_every_life(&mut self) {
        if let Source::Kernel(tick) = &mut self.source {
            tick.list_every_life();
        }
    }

    /// Events were thrown away: the next sample looks at every task.
    pub fn look_at_all_again(&mut self) {
        if let Source::Kernel(tick) = &mut self.source {
            tick.look_at_all_again();
        }
    }

    /// The sample taken at `stamp` was handed over: the next one begins there.
    /// Until this is said, the next one adds to it.
    pub fn handed_over(&mut self, stamp: Stamp) {
        self.last = (stamp.boot_ns, own_cpu_ns());
        if let Some(machine) = &mut self.machine {
            machine.begin_interval();
        }
    }
}

fn ask_for_args(args: &ArgsReader, asked: &mut FxHashSet<TaskId>, sample: &mut Sample) {
    let leaders: FxHashSet<TaskId> = sample
        .found
        .iter()
        .filter(|task| task.id == task.process && !task.kthread)
        .map(|task| task.id)
        .collect();
    leaders.difference(asked).for_each(|id| args.ask(*id));
    *asked = leaders;
    let told = args
        .answers()
        .map(|(process, args)| Event::Args(process, args));
    sample.events.extend(told);
}

/// Some processes and their descendants, as the parents in `/proc` tell: who
/// lost its parent between two looks is not among them.
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
