//! Finds the names of users: from the passwd file first, then from the system's
//! name service, on a separate thread because the service can hang.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    time::{Duration, Instant},
};

use super::{accounts, confine::alone, names::Names};

/// Upper limit for the wait on the name service, for all unknown users of a picture.
const PATIENCE: Duration = Duration::from_millis(200);

/// User names by user id.
pub struct Users {
    /// `None`: the user has no known name, or the answer is still missing.
    names: HashMap<u32, Option<Arc<str>>>,
    ask: Sender<u32>,
    answers: Receiver<(u32, Option<String>)>,
}

impl Users {
    /// Reads the passwd file, and starts the process that asks the name service. Call
    /// this before procviz confines itself.
    pub fn read() -> Self {
        let text = std::fs::read("/etc/passwd").unwrap_or_default();
        let known = String::from_utf8_lossy(&text)
            .lines()
            .rev()
            .filter_map(accounts::passwd_line)
            .map(|account| (account.uid, Some(account.name.into())))
            .collect();
        let (ask, questions) = channel::<u32>();
        let (answer, answers) = channel();
        let (ready, is_ready) = channel();
        // Without this process, users that are not in the passwd file are shown as numbers.
        let mut names = Names::start().ok();
        // Never joined: the thread ends when the channel closes, or it hangs together
        // with the name service.
        _ = std::thread::Builder::new()
            .name("procviz-users".to_owned())
            .spawn(move || {
                alone();
                _ = ready.send(());
                for uid in questions {
                    let name = names.as_mut().and_then(|names| names.of(uid).ok()?);
                    if answer.send((uid, name)).is_err() {
                        break;
                    }
                }
            });
        // Waits until the thread has confined itself: the system calls that change its
        // user id are refused later.
        _ = is_ready.recv();
        Self {
            names: known,
            ask,
            answers,
        }
    }

    /// Uses only the names that a recording holds.
    pub fn of_recording(names: &std::collections::BTreeMap<u32, String>) -> Self {
        let (ask, _) = channel();
        let (_, answers) = channel();
        let names = names.iter();
        Self {
            names: names
                .map(|(uid, name)| (*uid, Some(name.as_str().into())))
                .collect(),
            ask,
            answers,
        }
    }

    /// The id of the user with this name; `None` if the name is not known.
    pub fn id(&self, name: &str) -> Option<u32> {
        let mut names = self.names.iter();
        names.find_map(|(uid, known)| (known.as_deref() == Some(name)).then_some(*uid))
    }

    /// The name of a user; `None` if no name is known.
    pub fn known(&self, uid: u32) -> Option<&Arc<str>> {
        self.names.get(&uid)?.as_ref()
    }

    /// Asks the name service for all `uids` that are not known yet, and waits up to a
    /// deadline. A later call can take late answers.
    pub fn look_up(&mut self, uids: impl IntoIterator<Item = u32>) {
        let mut open = 0;
        let mut last = None;
        for uid in uids {
            // Neighbors often belong to the same user.
            if last.replace(uid) == Some(uid) {
                continue;
            }
            if let Entry::Vacant(place) = self.names.entry(uid) {
                place.insert(None);
                open += usize::from(self.ask.send(uid).is_ok());
            }
        }
        let deadline = Instant::now() + PATIENCE;
        while open > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok((uid, name)) = self.answers.recv_timeout(left) else {
                break;
            };
            self.names.insert(uid, name.map(Into::into));
            open -= 1;
        }
    }

    /// The name of a user, or the user id as text if no name is known.
    pub fn name(&self, uid: u32) -> Arc<str> {
        self.known(uid)
            .map_or_else(|| uid.to_string().into(), Arc::clone)
    }
}
