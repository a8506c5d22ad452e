//! Takes samples: from the kernel's events and `/proc` together, or from
//! `/proc` alone where that is all there is.

use std::path::Path;

use crate::{
    model::{Host, Sample, Sources, Stamp},
    source::{
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
    machine: MachineReader,
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

    fn new(host: &Host, source: Source) -> Self {
        Self {
            source,
            machine: MachineReader::new(host.tick_ns),
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
            }
        }
        let deaths = sample.machine.deaths;
        self.machine.read(&mut sample.machine);
        sample.machine.deaths = deaths;
        let own = own_cpu_ns();
        let (last_ns, last_own) = self.last;
        sample.stamp.interval_ns = if last_ns == 0 { 0 } else { now - last_ns };
        sample.own_cpu_ns = own - last_own;
        Ok(())
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
        self.machine.begin_interval();
    }
}
