//! Reads who a process is from `/proc`, on a separate thread: a read of `cmdline` can hang
//! together with the memory of the process.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
        mpsc::{Receiver, Sender, channel},
    },
};

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    capabilities::raise_for_this_thread,
    own_name::{is_of, own_name},
    proc::{ProcDir, Stat},
};
use crate::model::{Args, Comm, Event, Found, MOST_ARGS, Sample, TaskId};

/// Upper limit for the kernel threads whose names are kept.
const MOST_NAMES: usize = 100_000;

/// Upper limit for the questions without an answer.
const MOST_OPEN: usize = 200_000;

/// What to read of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// The whole name of a kernel thread; `comm` elsewhere has 15 bytes of it.
    KernelThread,
    /// The name of a process whose leader is called like this.
    Name(Comm),
    /// The name, and the arguments.
    NameAndArgs(Comm),
    /// The name of a process whose leader has just called itself like this. There is always
    /// an answer: an empty one means that this is the name.
    Renamed(Comm),
}

impl Question {
    /// What to ask about a process that a census found.
    pub(super) fn about(leader: &Found, wants_args: bool) -> Self {
        match leader.kthread {
            true => Self::KernelThread,
            false if wants_args => Self::NameAndArgs(leader.comm),
            false => Self::Name(leader.comm),
        }
    }
}

/// What was read of a process.
pub(super) enum Answer {
    /// The name that stands for `comm`; empty: it is `comm`.
    Name(Arc<[u8]>),
    /// The arguments.
    Args(Arc<[u8]>),
}

/// Sends questions to the thread that reads, and receives its answers.
pub(super) struct IdentityReader {
    ask: Sender<(TaskId, Question)>,
    /// Number of questions without an answer.
    open: Arc<AtomicUsize>,
    answers: Receiver<(TaskId, Answer)>,
}

impl IdentityReader {
    /// Starts the thread. If the thread cannot be started, no answers come.
    /// `tick_ns` is the unit of start times in `/proc`, ns.
    pub(super) fn start(tick_ns: u64) -> Self {
        let (ask, questions) = channel();
        let open = Arc::new(AtomicUsize::new(0));
        let left = Arc::clone(&open);
        let (answer, answers) = channel();
        let body = move || {
            raise_for_this_thread();
            let Ok(proc) = ProcDir::open(Path::new("/proc")) else {
                return;
            };
            let mut reading = Reading {
                proc,
                tick_ns,
                names: FxHashMap::default(),
            };
            for (process, question) in questions {
                left.fetch_sub(1, Relaxed);
                for found in reading.read(process, question) {
                    if answer.send((process, found)).is_err() {
                        return;
                    }
                }
            }
        };
        // Never joined: the thread ends when the channel closes, or it hangs together
        // with a process that hangs.
        _ = std::thread::Builder::new()
            .name("procviz-cmdline".to_owned())
            .spawn(body);
        Self { ask, open, answers }
    }

    /// Asks about one process.
    pub(super) fn ask(&self, process: TaskId, question: Question) {
        // A thread that hangs together with a process answers nothing more.
        if self.open.load(Relaxed) < MOST_OPEN {
            self.open.fetch_add(1, Relaxed);
            // Without the thread, the send fails and the answer stays unknown.
            _ = self.ask.send((process, question));
        }
    }

    /// The answers since the last call.
    pub(super) fn answers(&self) -> impl Iterator<Item = (TaskId, Answer)> + '_ {
        self.answers.try_iter()
    }
}

/// The state of the thread that reads.
struct Reading {
    proc: ProcDir,
    tick_ns: u64,
    /// The last name of each kernel thread: most names do not change.
    names: FxHashMap<TaskId, Arc<[u8]>>,
}

impl Reading {
    fn read(&mut self, process: TaskId, question: Question) -> Vec<Answer> {
        let comm = match question {
            Question::KernelThread => return self.kernel_thread(process).into_iter().collect(),
            Question::Name(comm) | Question::NameAndArgs(comm) | Question::Renamed(comm) => comm,
        };
        // Without the right to read it, the path is not known.
        let exe = self.proc.exe(process.tid).unwrap_or_default();
        if matches!(question, Question::Name(_)) && is_of(comm, &exe) {
            // The usual case: called like its executable.
            return Vec::new();
        }
        let Some(args) = self.args(process, comm) else {
            return Vec::new();
        };
        let name = name(comm, &exe, &args).map(Answer::Name);
        match question {
            Question::Renamed(_) => vec![name.unwrap_or(Answer::Name(Arc::default()))],
            Question::NameAndArgs(_) => name.into_iter().chain([Answer::Args(args)]).collect(),
            _ => name.into_iter().collect(),
        }
    }

    fn kernel_thread(&mut self, process: TaskId) -> Option<Answer> {
        let (stat, name) = self.proc.stat_and_name(process.tid).ok()?;
        let is_it = !name.is_empty() && self.is_of(&stat, process);
        is_it.then(|| self.changed(process, name)).flatten()
    }

    /// The name of a kernel thread, if it is not the last one.
    fn changed(&mut self, process: TaskId, name: Vec<u8>) -> Option<Answer> {
        let known = self.names.get(&process);
        if known.is_some_and(|known| **known == *name) {
            return None;
        }
        if self.names.len() >= MOST_NAMES {
            self.names.clear();
        }
        let name: Arc<[u8]> = name.into();
        self.names.insert(process, Arc::clone(&name));
        Some(Answer::Name(name))
    }

    /// The arguments of `process`; `None` if it has exited, is called otherwise meanwhile, or
    /// has none.
    fn args(&mut self, process: TaskId, comm: Comm) -> Option<Arc<[u8]>> {
        let args = self.proc.cmdline(process.tid).ok()?;
        // The read ends where the buffer does: then there can be more.
        let all = args.len() + usize::from(args.len() >= MOST_ARGS);
        let args = Args::kept(&args, all);
        let stat = self.stat(process).filter(|stat| stat.comm == comm);
        (stat.is_some() && !args.is_empty()).then(|| args.into())
    }

    /// `stat` of the process. The pid can be reused: what was read is valid only if the
    /// start still matches.
    fn stat(&mut self, process: TaskId) -> Option<Stat> {
        let stat = self.proc.process_stat(process.tid).ok()?;
        self.is_of(&stat, process).then_some(stat)
    }

    fn is_of(&self, stat: &Stat, process: TaskId) -> bool {
        stat.start == process.start_ns / self.tick_ns
    }
}

/// The name of a process, as the kernel would call it: it tells no more than `comm` does.
fn name(comm: Comm, exe: &[u8], args: &[u8]) -> Option<Arc<[u8]>> {
    let args: Vec<&[u8]> = Args::new(args).each().take(16).collect();
    let name = own_name(comm, exe, &args)?;
    Some(Comm::new(name).bytes().into())
}

/// Asks about the processes that walks find.
pub(super) struct Identities {
    reader: IdentityReader,
    /// The processes that were asked for, how they were called then, and whether their
    /// arguments were asked for.
    asked: FxHashSet<(TaskId, Comm, bool)>,
}

impl Identities {
    /// Starts the thread that reads.
    pub(super) fn start(tick_ns: u64) -> Self {
        Self {
            reader: IdentityReader::start(tick_ns),
            asked: FxHashSet::default(),
        }
    }

    /// Asks about processes that are new, or called otherwise, since the last walk, and adds
    /// the answers that have arrived to the sample.
    pub(super) fn ask(&mut self, sample: &mut Sample, wants_args: bool) {
        let leaders = sample.found.iter().filter(|task| task.id == task.process);
        let mut now = FxHashSet::default();
        for leader in leaders {
            let key = (leader.id, leader.comm, wants_args);
            if !self.asked.contains(&key) {
                let question = Question::about(leader, wants_args);
                self.reader.ask(leader.id, question);
            }
            now.insert(key);
        }
        self.asked = now;
        let arrived = self.reader.answers().map(|(process, answer)| match answer {
            Answer::Args(args) => Event::Args(process, args),
            Answer::Name(name) => Event::Name(process, name),
        });
        sample.events.extend(arrived);
    }
}
