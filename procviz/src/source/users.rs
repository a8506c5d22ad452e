//! Names users: the passwd file first, then the system's name service on a
//! thread of its own, as it may hang.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    time::{Duration, Instant},
};

use super::{accounts, confine::alone, names::Names};

/// How long the name service may take for all unknown users of a picture.
const PATIENCE: Duration = Duration::from_millis(200);

/// Names by user id.
pub struct Users {
    names: HashMap<u32, Option<Arc<str>>>,
    ask: Sender<u32>,
    answers: Receiver<(u32, Option<String>)>,
}

impl Users {
    /// Reads the passwd file, and starts the process that asks the name
    /// service: before procviz confines itself.
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
        // Without it, users that the file does not name have numbers.
        let mut names = Names::start().ok();
        // Never joined: it ends with the questions, or hangs with the name service.
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
        // What it takes to become somebody else is refused later on.
        _ = is_ready.recv();
        Self {
            names: known,
            ask,
            answers,
        }
    }

    /// Those that a recording names, and nobody else.
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

    /// The id of a user by name, as far as names are known.
    pub fn id(&self, name: &str) -> Option<u32> {
        let mut names = self.names.iter();
        names.find_map(|(uid, known)| (known.as_deref() == Some(name)).then_some(*uid))
    }

    /// The name; `None` where there is none.
    pub fn known(&self, uid: u32) -> Option<&Arc<str>> {
        self.names.get(&uid)?.as_ref()
    }

    /// Looks up all of `uids` that are not known yet, within a deadline.
    pub fn look_up(&mut self, uids: impl IntoIterator<Item = u32>) {
        let mut open = 0;
        for uid in uids {
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

    /// The name, or the number where there is none.
    pub fn name(&self, uid: u32) -> Arc<str> {
        self.known(uid)
            .map_or_else(|| uid.to_string().into(), Arc::clone)
    }
}
