//! Keeps each task at its place from frame to frame.

use rustc_hash::FxHashMap;

use crate::{
    chart::grouping::GroupKey,
    model::{TaskId, TaskView},
};

/// The places of one group's tasks, in order of start.
#[derive(Debug)]
pub(in crate::chart) struct Group {
    pub(in crate::chart) key: GroupKey,
    /// A slot a place; `None` where a task has gone.
    places: Vec<Option<u32>>,
    holes: usize,
    /// Tasks that live.
    pub(in crate::chart) alive: usize,
    /// Short lives without a dot.
    pub(in crate::chart) folded: u64,
}

/// Where one task is.
#[derive(Clone, Copy, Debug, Default)]
struct Home {
    id: TaskId,
    group: u32,
    place: u32,
    /// The frame that last saw it; 0: nobody lives in this slot.
    frame: u32,
}

/// The places of everybody's tasks.
#[derive(Debug, Default)]
pub(in crate::chart) struct Places {
    groups: Vec<Group>,
    by_key: FxHashMap<GroupKey, u32>,
    /// By the task's slot in the snapshot.
    homes: Vec<Home>,
    frame: u32,
    new: Vec<(TaskId, u32, u32)>,
}

impl Places {
    /// Gives new tasks a place behind the others of their group, and frees
    /// those of tasks that are gone. A group is closed up when a quarter of it
    /// is free: until then nobody moves.
    pub(in crate::chart) fn update<'a>(
        &mut self,
        tasks: impl Iterator<Item = TaskView<'a>>,
        key: impl Fn(&TaskView<'a>) -> GroupKey,
    ) {
        self.frame += 1;
        for group in &mut self.groups {
            group.alive = 0;
            group.folded = 0;
        }
        let mut new = std::mem::take(&mut self.new);
        for task in tasks {
            self.visit(&task, key(&task), &mut new);
        }
        self.leave_the_unseen();
        new.sort_unstable_by_key(|(id, ..)| (id.start_ns, id.tid));
        for (id, slot, group) in new.drain(..) {
            self.settle(id, slot, group);
        }
        self.new = new;
        self.close_up();
    }

    fn visit(&mut self, task: &TaskView<'_>, key: GroupKey, new: &mut Vec<(TaskId, u32, u32)>) {
        let slot = task.slot;
        if self.homes.len() <= slot {
            self.homes.resize(slot + 1, Home::default());
        }
        let home = self.homes[slot];
        let is_home =
            home.frame != 0 && home.id == task.id() && self.groups[home.group as usize].key == key;
        let group = if is_home {
            self.homes[slot].frame = self.frame;
            home.group
        } else {
            if home.frame != 0 {
                self.leave(slot);
            }
            let group = self.group(key);
            new.push((task.id(), slot as u32, group));
            group
        };
        self.groups[group as usize].alive += usize::from(task.end().is_none_or(|end| end.zombie));
    }

    /// Counts short lives that have no dot.
    pub(in crate::chart) fn fold(&mut self, key: GroupKey, count: u64) {
        let group = self.group(key);
        self.groups[group as usize].folded += count;
    }

    fn group(&mut self, key: GroupKey) -> u32 {
        if let Some(group) = self.by_key.get(&key) {
            return *group;
        }
        let group = self.groups.len() as u32;
        self.by_key.insert(key.clone(), group);
        self.groups.push(Group {
            key,
            places: Vec::new(),
            holes: 0,
            alive: 0,
            folded: 0,
        });
        group
    }

    fn settle(&mut self, id: TaskId, slot: u32, group: u32) {
        let places = &mut self.groups[group as usize].places;
        places.push(Some(slot));
        self.homes[slot as usize] = Home {
            id,
            group,
            place: places.len() as u32 - 1,
            frame: self.frame,
        };
    }

    fn leave_the_unseen(&mut self) {
        for slot in 0..self.homes.len() {
            let frame = self.homes[slot].frame;
            if frame != 0 && frame != self.frame {
                self.leave(slot);
            }
        }
    }

    fn leave(&mut self, slot: usize) {
        let home = std::mem::take(&mut self.homes[slot]);
        let group = &mut self.groups[home.group as usize];
        group.places[home.place as usize] = None;
        group.holes += 1;
    }

    fn close_up(&mut self) {
        for group in &mut self.groups {
            if group.holes * 4 <= group.places.len() {
                continue;
            }
            group.places.retain(Option::is_some);
            group.holes = 0;
            for (index, slot) in group.places.iter().flatten().enumerate() {
                self.homes[*slot as usize].place = index as u32;
            }
        }
    }

    /// The groups; empty ones keep their number.
    pub(in crate::chart) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// A task's group and place.
    pub(in crate::chart) fn home(&self, task: &TaskView<'_>) -> Option<(usize, usize)> {
        let home = self
            .homes
            .get(task.slot)
            .filter(|home| home.frame == self.frame && home.id == task.id())?;
        Some((home.group as usize, home.place as usize))
    }
}

impl Group {
    /// Places, the free ones among them.
    pub(in crate::chart) fn len(&self) -> usize {
        self.places.len()
    }

    /// Tasks that have just ended, those without a dot among them.
    pub(in crate::chart) fn ended(&self) -> u64 {
        (self.places.len() - self.holes - self.alive) as u64 + self.folded
    }

    /// Whether there is anything to show.
    pub(in crate::chart) fn is_shown(&self) -> bool {
        self.places.len() > self.holes || self.folded > 0
    }
}
