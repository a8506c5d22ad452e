//! Keeps each task at its place from frame to frame.

use std::{collections::BTreeMap, sync::Arc};

use rustc_hash::FxHashMap;

use crate::model::{TaskId, TaskView};

/// The places of one user's tasks, in order of start.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// A task a place; `None` where one has gone.
    pub(super) places: Vec<Option<TaskId>>,
    holes: usize,
}

/// The places of everybody's tasks.
#[derive(Debug, Default)]
pub(super) struct Places {
    groups: BTreeMap<Arc<str>, Group>,
    homes: FxHashMap<TaskId, (Arc<str>, usize)>,
}

impl Places {
    /// Gives new tasks a place behind the others of their user, and frees
    /// those of tasks that are gone. A group is closed up when a quarter of it
    /// is free: until then nobody moves.
    pub(super) fn update<'a>(
        &mut self,
        tasks: &FxHashMap<TaskId, TaskView<'a>>,
        user: impl Fn(&TaskView<'a>) -> Arc<str>,
    ) {
        let mut gone: Vec<TaskId> = Vec::new();
        for (id, (home, _)) in &self.homes {
            if tasks.get(id).is_none_or(|task| !is_home(&user(task), home)) {
                gone.push(*id);
            }
        }
        for id in gone {
            self.free(id);
        }
        let mut new: Vec<TaskId> = tasks
            .keys()
            .filter(|id| !self.homes.contains_key(id))
            .copied()
            .collect();
        new.sort_unstable_by_key(|id| (id.start_ns, id.tid));
        for id in new {
            let home = user(&tasks[&id]);
            let group = self.groups.entry(Arc::clone(&home)).or_default();
            group.places.push(Some(id));
            self.homes.insert(id, (home, group.places.len() - 1));
        }
        self.groups
            .retain(|_, group| group.places.len() > group.holes);
        for group in self.groups.values_mut() {
            if group.holes * 4 > group.places.len() {
                group.places.retain(Option::is_some);
                group.holes = 0;
                for (index, id) in group.places.iter().enumerate() {
                    if let Some((_, place)) = id.and_then(|id| self.homes.get_mut(&id)) {
                        *place = index;
                    }
                }
            }
        }
    }

    fn free(&mut self, id: TaskId) {
        let Some((home, place)) = self.homes.remove(&id) else {
            return;
        };
        let Some(group) = self.groups.get_mut(&home) else {
            return;
        };
        group.places[place] = None;
        group.holes += 1;
    }

    /// The groups in order of user name.
    pub(super) fn groups(&self) -> impl Iterator<Item = (&Arc<str>, &Group)> {
        self.groups.iter()
    }
}

/// The names of a picture are mostly the very same ones.
fn is_home(user: &Arc<str>, home: &Arc<str>) -> bool {
    Arc::ptr_eq(user, home) || user == home
}

impl Group {
    /// Tasks in it.
    pub(super) fn len(&self) -> usize {
        self.places.len() - self.holes
    }
}
