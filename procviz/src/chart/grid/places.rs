//! Keeps each task at its place from frame to frame.

use rustc_hash::FxHashMap;

use crate::{
    chart::{grouping::GroupKey, sorting::Sorting},
    model::{TaskId, TaskView},
};

/// The places of the tasks of a group: processes in order of start, each with its threads.
#[derive(Clone, Debug)]
pub(in crate::chart) struct Group {
    pub(in crate::chart) key: GroupKey,
    /// The snapshot slot of the task at each place; `None` if the place is free.
    places: Vec<Option<u32>>,
    holes: usize,
    /// Number of living tasks.
    pub(in crate::chart) alive: usize,
    /// Number of short-lived tasks without a dot.
    pub(in crate::chart) folded: u64,
}

/// The place of a task.
#[derive(Clone, Copy, Debug, Default)]
struct Home {
    id: TaskId,
    group: u32,
    place: u32,
    /// Number of the first frame with this task.
    since: u32,
    /// Number of the last frame with this task; 0 if the slot is unused.
    frame: u32,
}

/// A task that has no place yet.
#[derive(Clone, Copy, Debug)]
struct New {
    process: TaskId,
    id: TaskId,
    slot: u32,
    group: u32,
}

impl New {
    /// Threads of one process touch, its leader first.
    fn order(&self) -> (u64, u32, bool, u64, u32) {
        let Self { process, id, .. } = self;
        let is_other = id != process;
        (process.start_ns, process.tid, is_other, id.start_ns, id.tid)
    }
}

/// Number of frames after which a task counts as long-lived.
const SETTLED: u32 = 5;

/// The places of all tasks.
#[derive(Clone, Debug, Default)]
pub(in crate::chart) struct Places {
    groups: Vec<Group>,
    by_key: FxHashMap<GroupKey, u32>,
    /// Places by the slot of the task in the snapshot.
    homes: Vec<Home>,
    frame: u32,
    new: Vec<New>,
}

impl Places {
    /// Gives each new task a place behind the long-lived tasks of its group, and frees
    /// the places of tasks that are gone. A group is compacted when more than a quarter
    /// of its places is free. Until then no task moves. Free places behind the last
    /// long-lived task are reused, so that a stream of short-lived tasks does not take
    /// more and more places.
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
        new.sort_unstable_by_key(New::order);
        let mut free: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
        for New {
            id, slot, group, ..
        } in new.drain(..)
        {
            let free = free
                .entry(group)
                .or_insert_with(|| self.free_at_the_end(group));
            self.settle(id, slot, group, free.pop());
        }
        self.new = new;
        self.close_up();
    }

    fn visit(&mut self, task: &TaskView<'_>, key: GroupKey, new: &mut Vec<New>) {
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
            new.push(New {
                process: task.process.id,
                id: task.id(),
                slot: slot as u32,
                group,
            });
            group
        };
        self.groups[group as usize].alive += usize::from(task.end().is_none_or(|end| end.zombie));
    }

    /// Counts short-lived tasks without a dot.
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

    /// Free places behind the last long-lived task, in descending order.
    fn free_at_the_end(&self, group: u32) -> Vec<u32> {
        let stays = |slot: u32| {
            let since = self.homes[slot as usize].since;
            since == 1 || since + SETTLED < self.frame
        };
        let places = self.groups[group as usize].places.iter().enumerate().rev();
        places
            .take_while(|(_, slot)| slot.is_none_or(|slot| !stays(slot)))
            .filter(|(_, slot)| slot.is_none())
            .map(|(place, _)| place as u32)
            .collect()
    }

    fn settle(&mut self, id: TaskId, slot: u32, group_index: u32, free: Option<u32>) {
        let group = &mut self.groups[group_index as usize];
        let place = free.unwrap_or(group.places.len() as u32);
        match group.places.get_mut(place as usize) {
            Some(place) => {
                *place = Some(slot);
                group.holes -= 1;
            }
            None => group.places.push(Some(slot)),
        }
        self.homes[slot as usize] = Home {
            id,
            group: group_index,
            place,
            since: self.frame,
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

    /// Sorts the tasks of each group. Places are in order of start already, so this
    /// order needs no work.
    pub(in crate::chart) fn arrange<'a>(
        &mut self,
        order: Sorting,
        tasks: impl Iterator<Item = TaskView<'a>>,
    ) {
        if order == Sorting::Start {
            return;
        }
        let mut tasks: Vec<_> = tasks.map(|task| (order.key(&task), task.slot)).collect();
        tasks.sort_unstable();
        for group in &mut self.groups {
            group.places.clear();
            group.holes = 0;
        }
        for (_, slot) in tasks {
            let home = &mut self.homes[slot];
            let places = &mut self.groups[home.group as usize].places;
            home.place = places.len() as u32;
            places.push(Some(slot as u32));
        }
    }

    fn close_up(&mut self) {
        for group in &mut self.groups {
            while group.places.pop_if(|place| place.is_none()).is_some() {
                group.holes -= 1;
            }
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

    /// The groups. An empty group keeps its index.
    pub(in crate::chart) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The group index and the place of a task.
    pub(in crate::chart) fn home(&self, task: &TaskView<'_>) -> Option<(usize, usize)> {
        let home = self
            .homes
            .get(task.slot)
            .filter(|home| home.frame == self.frame && home.id == task.id())?;
        Some((home.group as usize, home.place as usize))
    }
}

impl Group {
    /// The snapshot slots of the tasks, in the order of their places.
    pub(in crate::chart) fn slots(&self) -> impl Iterator<Item = usize> {
        self.places.iter().flatten().map(|slot| *slot as usize)
    }

    /// Number of places, including free places.
    pub(in crate::chart) fn len(&self) -> usize {
        self.places.len()
    }

    /// Number of tasks that have just ended, including tasks without a dot.
    pub(in crate::chart) fn ended(&self) -> u64 {
        (self.places.len() - self.holes - self.alive) as u64 + self.folded
    }

    /// Whether the group has tasks to show.
    pub(in crate::chart) fn is_shown(&self) -> bool {
        self.places.len() > self.holes || self.folded > 0
    }
}
