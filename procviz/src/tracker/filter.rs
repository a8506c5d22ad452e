//! Chooses the tasks to show. Hidden tasks are still followed: they are counted,
//! and they can match later.

use glob::Pattern;
use regex::bytes::Regex;
use rustc_hash::FxHashSet;

use super::OwnerFilter;
use crate::model::{Args, Comm, ExitRecord, Fold, Fork, Process, State, TaskId, Thread};

/// Conditions for the tasks to show. Conditions of one kind are alternatives;
/// conditions of different kinds must all hold. Without conditions, all tasks
/// are shown.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Real user ids.
    pub users: Vec<u32>,
    /// Process or thread ids.
    pub pids: Vec<u32>,
    /// Tasks that started later do not match `pids`, ns since boot: a pid that is used
    /// again means another task. `None`: all match.
    pub pids_until_ns: Option<u64>,
    /// Patterns for names and for command lines.
    pub commands: Vec<Regex>,
    /// Patterns for cgroup paths; `*` also matches slashes.
    pub cgroups: Vec<Pattern>,
    /// Containers, pods and units.
    pub owner: OwnerFilter,
    /// States in the scheduler.
    pub states: Vec<State>,
    /// Kernel threads, or all others; `None`: both.
    pub kind: Option<TaskKind>,
    /// The processes of a tree; `None`: all. Later descendants are not in it.
    pub tree: Option<FxHashSet<TaskId>>,
    /// Whether to show only the processes that the source watches, and their
    /// descendants.
    pub descendants: bool,
    /// A second filter that must match, too: the filter line of a live view.
    pub and: Option<Box<Filter>>,
}

/// Kernel threads, or all other tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskKind {
    /// Kernel threads.
    Kernel,
    /// All other tasks.
    User,
}

/// The properties of a task that a filter tests.
struct Subject<'a> {
    uid: Option<u32>,
    ids: [TaskId; 2],
    names: [&'a [u8]; 3],
    args: Option<&'a [u8]>,
    cgroup: Option<&'a str>,
    /// State in the scheduler; `None`: it is gone, or it was never seen.
    state: Option<State>,
    is_kernel: bool,
    watched: bool,
    /// Of a process that has exited: the pid of its parent, and its own start, ns since boot.
    parent: Option<(u32, u64)>,
}

impl<'a> Subject<'a> {
    /// A process and one of its threads; `comm` is the name of the leader.
    fn of_process(thread: &'a Thread, process: &'a Process, comm: &'a Comm) -> Self {
        Self {
            uid: thread.uid,
            ids: [thread.id, process.id],
            names: [
                thread.comm.bytes(),
                comm.bytes(),
                process.name.as_deref().unwrap_or(comm.bytes()),
            ],
            args: process.args.as_deref(),
            cgroup: process.cgroup.as_deref(),
            state: None,
            is_kernel: process.kthread,
            watched: process.watched,
            parent: None,
        }
    }
}

impl Filter {
    /// Whether the filter has no condition and shows all tasks.
    pub fn is_none(&self) -> bool {
        self.users.is_empty()
            && self.pids.is_empty()
            && self.commands.is_empty()
            && self.cgroups.is_empty()
            && self.owner.is_none()
            && self.states.is_empty()
            && self.kind.is_none()
            && self.tree.is_none()
            && !self.descendants
            && self.and.is_none()
    }

    /// Whether the filter has no condition besides `descendants`: then it shows all
    /// tasks that a recording made with it holds.
    pub fn is_plain(&self) -> bool {
        Self {
            descendants: false,
            ..self.clone()
        }
        .is_none()
    }

    /// Whether names of containers or pods decide, which can become known later than a task.
    pub(super) fn needs_names(&self) -> bool {
        let and = self.and.as_ref();
        self.owner.needs_names() || and.is_some_and(|and| and.needs_names())
    }

    /// Whether the filter needs the arguments of processes.
    pub fn needs_args(&self) -> bool {
        !self.commands.is_empty()
    }

    pub(super) fn shows_thread(&self, thread: &Thread, process: &Process, comm: Comm) -> bool {
        self.shows(&Subject {
            state: Some(thread.state),
            ..Subject::of_process(thread, process, &comm)
        })
    }

    /// Whether the filter shows a process that has exited. `thread` was its leader.
    pub(crate) fn shows_exited(&self, thread: &Thread, process: &Process) -> bool {
        self.is_none()
            || self.shows(&Subject {
                parent: Some((process.ppid, process.id.start_ns)),
                ..Subject::of_process(thread, process, &thread.comm)
            })
    }

    pub(super) fn shows_fork(&self, fork: &Fork) -> bool {
        self.is_none()
            || self.shows(&Subject {
                uid: Some(fork.uid),
                ids: [fork.id, fork.process],
                names: [
                    fork.comm.bytes(),
                    fork.comm.bytes(),
                    fork.name.as_deref().unwrap_or(fork.comm.bytes()),
                ],
                args: fork.args.as_deref(),
                cgroup: fork.cgroup.as_deref(),
                state: None,
                is_kernel: fork.kthread,
                watched: fork.watched,
                parent: None,
            })
    }

    pub(super) fn shows_fold(&self, fold: &Fold) -> bool {
        self.is_none()
            || self.shows(&Subject {
                uid: Some(fold.uid),
                ids: [TaskId::default(); 2],
                names: [fold.comm.bytes(); 3],
                args: None,
                cgroup: None,
                state: None,
                is_kernel: false,
                watched: fold.watched,
                parent: None,
            })
    }

    /// Whether the filter shows an exited process.
    pub fn shows_record(&self, record: &ExitRecord) -> bool {
        self.is_none()
            || self.shows(&Subject {
                uid: Some(record.uid),
                ids: [record.process, record.thread.unwrap_or(record.process)],
                names: [record.comm.bytes(), record.comm.bytes(), record.name()],
                args: record.args.as_deref(),
                cgroup: record.cgroup.as_deref(),
                state: None,
                is_kernel: false,
                watched: record.watched,
                parent: None,
            })
    }

    fn shows(&self, subject: &Subject<'_>) -> bool {
        let user =
            self.users.is_empty() || subject.uid.is_some_and(|uid| self.users.contains(&uid));
        let pid = self.pids.is_empty() || subject.ids.iter().any(|id| self.means(*id));
        let cgroup = self.cgroups.is_empty()
            || subject
                .cgroup
                .is_some_and(|path| self.cgroups.iter().any(|glob| glob.matches(path)));
        let state = self.states.is_empty()
            || subject
                .state
                .is_some_and(|state| self.states.contains(&state));
        let kind = self
            .kind
            .is_none_or(|kind| (kind == TaskKind::Kernel) == subject.is_kernel);
        // A tree has those that are alive; a child of one of them was in it.
        let has_parent = |tree: &FxHashSet<TaskId>| {
            subject.parent.is_some_and(|(ppid, start_ns)| {
                let is_it = |id: &TaskId| id.tid == ppid && id.start_ns <= start_ns;
                tree.iter().any(is_it)
            })
        };
        let is_in = |tree: &FxHashSet<TaskId>| {
            subject.ids.iter().any(|id| tree.contains(id)) || has_parent(tree)
        };
        let tree = (!self.descendants || subject.watched) && self.tree.as_ref().is_none_or(is_in);
        let also = self.and.as_ref().is_none_or(|and| and.shows(subject));
        also && user
            && pid
            && cgroup
            && self.owner.shows(subject.cgroup)
            && state
            && kind
            && tree
            && (self.commands.is_empty() || self.matches_command(subject))
    }

    /// Whether `pids` names the task.
    fn means(&self, id: TaskId) -> bool {
        let is_in_time = self.pids_until_ns.is_none_or(|until| id.start_ns <= until);
        is_in_time && self.pids.contains(&id.tid)
    }

    fn matches_command(&self, subject: &Subject<'_>) -> bool {
        let line = subject.args.map(|args| Args::new(args).line());
        self.commands.iter().any(|regex| {
            subject
                .names
                .iter()
                .any(|name| !name.is_empty() && regex.is_match(name))
                || line.as_deref().is_some_and(|line| regex.is_match(line))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(uid: u32, name: &'static [u8], args: Option<&'static [u8]>) -> Subject<'static> {
        Subject {
            uid: Some(uid),
            ids: [TaskId {
                tid: 7,
                start_ns: 50,
            }; 2],
            names: [name; 3],
            args,
            cgroup: Some("/system.slice/cron.service"),
            state: Some(State::Blocked),
            is_kernel: false,
            watched: false,
            parent: None,
        }
    }

    #[test]
    fn kinds_add_up_and_alternatives_do() {
        let filter = Filter {
            users: vec![0, 33],
            commands: vec![Regex::new("^python .*serve").unwrap()],
            cgroups: vec![Pattern::new("/system.slice/*").unwrap()],
            ..Filter::default()
        };
        let args = Some(&b"python\0-m\0serve\0"[..]);
        assert!(filter.shows(&subject(33, b"python", args)));
        assert!(!filter.shows(&subject(1, b"python", args)));
        assert!(!filter.shows(&subject(33, b"python", None)));
        assert!(Filter::default().is_none());
        for (until, shows) in [(None, true), (Some(50), true), (Some(49), false)] {
            let filter = Filter {
                pids: vec![7],
                pids_until_ns: until,
                ..Filter::default()
            };
            assert_eq!(filter.shows(&subject(0, b"x", None)), shows, "{until:?}");
        }
        let tree = Filter {
            descendants: true,
            ..Filter::default()
        };
        assert!(!tree.shows(&subject(0, b"x", None)));
    }
    /// A tree holds the living; who has exited was in it if its parent is.
    #[test]
    fn the_dead_of_a_tree_are_those_with_a_parent_in_it() {
        let parent = TaskId {
            tid: 7,
            start_ns: 50,
        };
        let tree = Filter {
            tree: Some([parent].into_iter().collect()),
            ..Filter::default()
        };
        let narrowed = Filter {
            and: Some(Box::new(tree.clone())),
            ..Filter::default()
        };
        let id = TaskId {
            tid: 9,
            start_ns: 60,
        };
        let thread = Thread {
            id,
            ..Thread::default()
        };
        let shows = |filter: &Filter, ppid: u32| {
            let process = Process {
                id,
                ppid,
                ..Process::default()
            };
            filter.shows_exited(&thread, &process)
        };
        for filter in [&tree, &narrowed] {
            assert!(shows(filter, 7));
            assert!(!shows(filter, 8));
        }
        assert!(shows(&Filter::default(), 8));
    }

    #[test]
    fn states_kinds_and_trees_are_conditions() {
        let id = TaskId {
            tid: 7,
            start_ns: 50,
        };
        let other = TaskId { start_ns: 51, ..id };
        for (state, kind, tree, shows) in [
            (State::Blocked, None, None, true),
            (State::Running, None, None, false),
            (
                State::Blocked,
                Some(TaskKind::User),
                Some(FxHashSet::from_iter([other, id])),
                true,
            ),
            (State::Blocked, Some(TaskKind::Kernel), None, false),
            (
                State::Blocked,
                None,
                Some(FxHashSet::from_iter([other])),
                false,
            ),
        ] {
            let filter = Filter {
                states: vec![state],
                kind,
                tree,
                ..Filter::default()
            };
            assert!(!filter.is_none());
            assert_eq!(filter.shows(&subject(0, b"x", None)), shows, "{filter:?}");
        }
    }
}
