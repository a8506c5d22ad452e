//! Finds the names of containers and pods, on a thread of its own: files are read while the
//! sampling thread goes on.

mod files;

use std::{
    path::PathBuf,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    time::{Duration, Instant},
};

use rustc_hash::FxHashSet;

use self::files::{Files, of_conmon, of_kubelet};
use super::{Keep, back_to_normal, confine, keep_only};
use crate::model::{CgroupOwner, ContainerNames, is_container_id, keep_names, keep_told_names};

/// When the files are read, after a container was first seen: a runtime can write them late.
const ATTEMPTS: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
];
/// Upper limit for the containers whose names are looked for at one time.
const MOST_OPEN: usize = 5_000;
/// Upper limit for the containers that are remembered as asked for.
const MOST_ASKED: usize = 50_000;

/// Where the names are found.
pub(super) struct Containers {
    ask: Option<Sender<Question>>,
    asked: FxHashSet<String>,
}

/// A container or pod whose names are to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Question {
    Container(String),
    Pod(String),
}

impl Containers {
    /// Nothing is read, and no thread is started, before the first container.
    pub(super) fn new() -> Self {
        Self {
            ask: None,
            asked: FxHashSet::default(),
        }
    }

    /// Looks for the names of the container and the pod that own this cgroup.
    pub(super) fn look_up(&mut self, path: &str) {
        let owner = CgroupOwner::of(path);
        // The name of a container of LXC or systemd-nspawn needs no files, and could lead to
        // files elsewhere.
        let container = owner.container.filter(|id| is_container_id(id));
        let container = container.map(Question::Container);
        let pod = owner.pod_uid.map(Question::Pod);
        for question in [container, pod].into_iter().flatten() {
            let (Question::Container(id) | Question::Pod(id)) = &question;
            if self.asked.len() >= MOST_ASKED {
                self.asked.clear();
            }
            if self.asked.insert(id.clone()) {
                let ask = self.ask.get_or_insert_with(start);
                // Without its thread, names stay unknown.
                _ = ask.send(question);
            }
        }
    }

    /// Takes the name from the arguments of a process of the user `uid` that runs conmon: they
    /// are there even if the container has gone when its files would be read.
    pub(super) fn learn_from(&self, args: &[u8], uid: u32) {
        if let Some((id, name)) = of_conmon(args).filter(|(id, _)| is_container_id(id)) {
            let names = of_kubelet(&name).unwrap_or_else(|| ContainerNames {
                container: Some(name),
                ..ContainerNames::default()
            });
            keep_told_names(&id, names, uid);
        }
    }
}

fn start() -> Sender<Question> {
    let (ask, questions) = channel();
    let (ready, is_ready) = channel();
    _ = std::thread::Builder::new()
        .name("procviz-names".to_owned())
        .spawn(move || {
            // Refused, it is root, which reads no more.
            _ = confine::leave_root();
            _ = confine::write_only_in(&[]);
            keep_only(Keep::ReadingContainers);
            back_to_normal();
            _ = ready.send(());
            let root = PathBuf::from("/");
            answer(&questions, &Files { root });
        });
    // Until then it changes its user id, which is refused later.
    _ = is_ready.recv();
    ask
}

/// A container whose names are not known yet.
struct Open {
    question: Question,
    asked: Instant,
    attempts: usize,
}

impl Open {
    fn due(&self) -> Option<Instant> {
        Some(self.asked + *ATTEMPTS.get(self.attempts)?)
    }
}

/// Looks for the names until nobody can ask any more.
fn answer(questions: &Receiver<Question>, files: &Files) {
    let mut open: Vec<Open> = Vec::new();
    loop {
        let next = open.iter().filter_map(Open::due).min();
        let new = match next {
            Some(due) => questions.recv_timeout(due.saturating_duration_since(Instant::now())),
            None => questions.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match new {
            Ok(question) if open.len() < MOST_OPEN => open.push(Open {
                question,
                asked: Instant::now(),
                attempts: 0,
            }),
            Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let now = Instant::now();
        open.retain_mut(|one| {
            if one.due().is_some_and(|due| due <= now) {
                one.attempts += 1;
                let is_found = find(&one.question, files);
                return !is_found && one.due().is_some();
            }
            true
        });
    }
}

/// Keeps the names that are found. Returns whether there is nothing more to find.
fn find(question: &Question, files: &Files) -> bool {
    let (id, names) = match question {
        Question::Container(id) => (id, files.of_container(id)),
        Question::Pod(uid) => (uid, files.of_pod(uid)),
    };
    // The container's own name can come later than that of its pod.
    let is_found = match question {
        Question::Container(_) => names.container.is_some(),
        Question::Pod(_) => names.pod.is_some(),
    };
    keep_names(id, names);
    is_found
}
