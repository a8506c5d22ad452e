//! Watches exits only: without ticks, from kernel events and one census of the
//! processes that already run.

use std::sync::Arc;

use procviz_common::ROW_KTHREAD;

use crate::{
    model::{Comm, ExitRecord, Host, TaskId},
    source::{
        SamplerError,
        identity::{Answer, IdentityReader, Question},
        kernel::{Batch, Drain, DrainThread, Kernel, LoadError, LostRecords, Mode, lost_figures},
        machine::boot_now_ns,
        tick::all_rows,
    },
};

/// Shortest time between two censuses after losses, ns.
const CENSUS_NS: u64 = 1_000_000_000;

/// Delivers exit records of processes as they exit.
pub struct Exits {
    kernel: Kernel,
    drain: DrainThread,
    identities: IdentityReader,
    batch: Batch,
    lost: LostRecords,
    lost_events: u64,
    /// Time of the last census after a loss, ns since boot.
    census_ns: u64,
}

/// Numbers of lost events since the start.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Exit events for which the ring had no room, and exit records beyond the upper
    /// limit of the queue.
    pub lost: u64,
    /// Other lost events. Exit records can lack figures then, and are marked partial.
    pub lost_others: u64,
}

impl Exits {
    /// Starts to watch all processes, or only the processes `only` and their
    /// descendants. `threads` asks for a record of each thread, too.
    ///
    /// # Errors
    ///
    /// When the kernel refuses the census, or a thread cannot be started.
    pub fn start(
        host: &Host,
        mut kernel: Kernel,
        threads: bool,
        only: Option<&[u32]>,
    ) -> Result<Self, SamplerError> {
        let ring = kernel
            .take_ring()
            .ok_or_else(|| LoadError::Load("the event ring is already in use".to_owned()))?;
        let mut drain = Drain::new(ring, Mode::Exits, host.page_bytes);
        let rows = all_rows(&mut kernel)?.unwrap_or_default();
        drain.seed(&rows, boot_now_ns());
        if let Some(roots) = only {
            drain.processes().watch_only(roots);
        }
        if threads {
            drain.processes().want_threads();
        }
        let mut drain = DrainThread::idle(drain);
        let leaders = rows
            .iter()
            .filter(|row| row.tid == row.tgid && row.exit_state == 0);
        let identities = IdentityReader::start(host.tick_ns);
        for row in leaders {
            let process = TaskId {
                tid: row.tid,
                start_ns: row.start_ns,
            };
            let question = match row.flags & ROW_KTHREAD {
                0 => Question::NameAndArgs(Comm::new(&row.comm)),
                _ => Question::KernelThread,
            };
            identities.ask(process, question);
        }
        drain.run().map_err(SamplerError::Thread)?;
        Ok(Self {
            kernel,
            drain,
            identities,
            batch: Batch::default(),
            lost: LostRecords::default(),
            lost_events: 0,
            census_ns: 0,
        })
    }

    /// The exit records since the last call.
    ///
    /// # Errors
    ///
    /// When a loss makes a new census necessary and the kernel refuses it.
    pub fn take(&mut self) -> Result<&[Arc<ExitRecord>], SamplerError> {
        let now = boot_now_ns();
        let mut drain = self.drain.lock();
        let without_exit = drain.processes().without_exit();
        let lost = lost_figures(&self.lost.count(&self.kernel, without_exit, now));
        for (process, answer) in self.identities.answers() {
            match answer {
                Answer::Args(args) => drain.processes().set_args(process, args),
                Answer::Name(name) => drain.processes().set_name(process, name),
            }
        }
        drain.processes().set_lost(lost);
        drain.drain();
        drain.take(&mut self.batch);
        let is_due = now.saturating_sub(self.census_ns) >= CENSUS_NS;
        let is_worse = lost > self.lost_events && is_due;
        if is_worse {
            drain.processes().begin_census(now);
        }
        drop(drain);
        if is_worse {
            self.lost_events = lost;
            self.census_ns = now;
            match all_rows(&mut self.kernel)? {
                Some(rows) => self.drain.lock().resync(&rows, boot_now_ns()),
                None => self.drain.lock().processes().doubt_all(boot_now_ns()),
            }
        }
        Ok(&self.batch.exits)
    }

    /// The numbers of lost events so far.
    pub fn tally(&mut self) -> Tally {
        let mut drain = self.drain.lock();
        let without_exit = drain.processes().without_exit();
        // No more records are taken: what has not come by now is lost.
        let lost = self.lost.count(&self.kernel, without_exit, u64::MAX);
        let exits = lost[procviz_common::Kind::Exit as usize];
        let overflow = drain.overflow();
        Tally {
            lost: exits + overflow,
            lost_others: lost.iter().sum::<u64>() - exits + drain.unknown(),
        }
    }
}
