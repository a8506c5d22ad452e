//! Puts lives into lanes: those of one group below each other, children below their parents.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{families::Family, life::Life};
use crate::model::{Comm, TaskId, count_text, duration_text, many_text, total};

/// From this number on, short lives of one name and ancestor are one band.
const MANY: usize = 5;
/// A child is this many lanes below the root of its group at most: a long chain of processes
/// must not need a lane for each.
pub(super) const DEEPEST: usize = 12;
/// Upper limit for the lanes of a group.
const MOST_LANES: usize = 2_000;
/// A group with fewer lanes has a lane for each name.
const ROOMY: usize = 24;

/// What a lane holds.
#[derive(Debug)]
pub(super) enum What<'a> {
    Life(&'a Life),
    /// Lives that are too short to be drawn each.
    Band(Band<'a>),
}

/// Many short lives of one name below one ancestor.
#[derive(Debug)]
pub(super) struct Band<'a> {
    pub(super) name: Comm,
    pub(super) lives: Vec<&'a Life>,
}

impl Band<'_> {
    /// `1,240 × true, 0.4 s CPU, 3 failed`.
    pub(super) fn words(&self, period: (u64, u64)) -> String {
        let name = self.name.text().picture();
        let cpu = total(self.lives.iter().map(|life| life.cpu_ns(period)));
        let mut text = many_text(self.lives.len() as u64, &name);
        text.push_str(&format!(", {} CPU", duration_text(cpu)));
        let failed = self.lives.iter().filter(|life| {
            let status = life.end.and_then(|end| end.status);
            status.is_some_and(|status| status.0 != 0)
        });
        match failed.count() {
            0 => {}
            failed => text.push_str(&format!(", {} failed", count_text(failed as u64))),
        }
        text
    }
}

/// Something in a lane.
#[derive(Debug)]
pub(super) struct Placed<'a> {
    pub(super) what: What<'a>,
    pub(super) from_ns: u64,
    pub(super) until_ns: u64,
    /// Number of the lane within the group.
    pub(super) lane: usize,
    /// The parent, if its bar is in the same group.
    pub(super) parent: Option<TaskId>,
}

/// Lives that belong together.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub(super) name: String,
    pub(super) placed: Vec<Placed<'a>>,
    pub(super) lanes: usize,
}

/// All groups.
#[derive(Debug, Default)]
pub(super) struct Lanes<'a> {
    pub(super) groups: Vec<Group<'a>>,
}

impl Lanes<'_> {
    /// What is said of each band in a period, by the task of its mark.
    pub(super) fn bands(&self, period: (u64, u64)) -> FxHashMap<TaskId, String> {
        let all = self.groups.iter().flat_map(|group| &group.placed);
        let bands = all.filter_map(|placed| match &placed.what {
            What::Band(band) => Some((placed.first(), band.words(period))),
            What::Life(_) => None,
        });
        bands.collect()
    }

    pub(super) fn count(&self) -> usize {
        self.groups.iter().map(|group| group.lanes).sum()
    }
}

/// How lives are laid out.
pub(super) struct Plan {
    pub(super) period: (u64, u64),
    /// Lives that are shorter can be a part of a band, ns.
    pub(super) short_ns: u64,
    /// Free time between two lives of a lane, ns.
    pub(super) gap_ns: u64,
}

impl Plan {
    /// Puts all families into lanes.
    pub(super) fn lanes<'a>(&self, families: &[Family<'a>]) -> Lanes<'a> {
        let groups = families.iter().map(|family| self.place(family));
        Lanes {
            groups: groups.collect(),
        }
    }

    /// Puts the lives of a group, in order of start, into lanes.
    fn place<'a>(&self, family: &Family<'a>) -> Group<'a> {
        let members = &family.members;
        let within = |life: &Life| life.within(self.period).unwrap_or(self.period);
        let is_short = |life: &Life| {
            let (from_ns, until_ns) = within(life);
            until_ns - from_ns < self.short_ns
        };
        // The nearest ancestor of each short life that is not short. Parents come first.
        let mut anchors: FxHashMap<TaskId, Option<TaskId>> = FxHashMap::default();
        let mut bands: FxHashMap<(Option<TaskId>, Comm), Vec<&Life>> = FxHashMap::default();
        for life in members.iter().filter(|life| is_short(life)) {
            let known = life.parent.and_then(|parent| anchors.get(&parent).copied());
            let anchor = known.unwrap_or(life.parent);
            anchors.insert(life.id, anchor);
            bands.entry((anchor, life.name)).or_default().push(life);
        }
        bands.retain(|_, lives| lives.len() >= MANY);
        let folded: FxHashSet<TaskId> = bands.values().flatten().map(|life| life.id).collect();
        let single = members.iter().filter(|life| !folded.contains(&life.id));
        let mut wanted: Vec<Placed<'a>> = single
            .map(|life| {
                let (from_ns, until_ns) = within(life);
                let parent = life.parent.filter(|parent| !folded.contains(parent));
                Placed {
                    what: What::Life(life),
                    from_ns,
                    until_ns,
                    lane: 0,
                    parent,
                }
            })
            .collect();
        wanted.extend(bands.into_iter().map(|((parent, name), lives)| {
            let spans = || lives.iter().map(|life| within(life));
            Placed {
                from_ns: spans().map(|(from, _)| from).min().unwrap_or(self.period.0),
                until_ns: spans()
                    .map(|(_, until)| until)
                    .max()
                    .unwrap_or(self.period.1),
                what: What::Band(Band { name, lives }),
                lane: 0,
                parent,
            }
        }));
        // Of those that are older than the period, parents come first, too.
        wanted.sort_by_key(|placed| {
            let first = placed.first();
            (placed.from_ns, first.start_ns, first.tid)
        });
        Group {
            name: family.name.clone(),
            lanes: self.fill(&mut wanted),
            placed: wanted,
        }
    }

    /// Sets the lanes, in the given order. Returns how many there are.
    fn fill(&self, wanted: &mut [Placed<'_>]) -> usize {
        let mut lane_of: FxHashMap<TaskId, usize> = FxHashMap::default();
        lane_of.reserve(wanted.len());
        // Until when each lane is taken, and by which name.
        let mut taken: Vec<(u64, Option<Comm>)> = Vec::new();
        // The lanes that had a name; they can have another one since.
        let mut lanes_of: FxHashMap<Comm, Vec<usize>> = FxHashMap::default();
        for placed in wanted {
            let above = placed
                .parent
                .and_then(|parent| lane_of.get(&parent))
                .copied();
            placed.parent = placed.parent.filter(|_| above.is_some());
            let first = match above {
                Some(lane) => (lane + 1).min(DEEPEST),
                None => 0,
            };
            let name = placed.name();
            // One process behind another of a different name looks like the same one.
            let is_free = |lane: &usize| taken[*lane].0 <= placed.from_ns;
            let is_like = |lane: &usize| taken[*lane].1 == Some(name);
            let lanes = lanes_of.entry(name).or_default();
            let like = lanes.iter().copied().filter(|lane| *lane >= first);
            let free = match like.filter(|lane| is_free(lane) && is_like(lane)).min() {
                None if taken.len() >= ROOMY => (first..taken.len()).find(is_free),
                like => like,
            };
            // Beyond the limit, lives lie over each other.
            placed.lane = free.unwrap_or(taken.len().max(first)).min(MOST_LANES - 1);
            taken.resize(taken.len().max(placed.lane + 1), (0, None));
            if taken[placed.lane].1.replace(name) != Some(name) {
                lanes.push(placed.lane);
            }
            taken[placed.lane].0 = placed.until_ns.saturating_add(self.gap_ns);
            if let What::Life(life) = &placed.what {
                lane_of.insert(life.id, placed.lane);
            }
        }
        taken.len()
    }
}

impl Placed<'_> {
    pub(super) fn name(&self) -> Comm {
        match &self.what {
            What::Life(life) => life.name,
            What::Band(band) => band.name,
        }
    }

    /// The life that stands for it.
    pub(super) fn first(&self) -> TaskId {
        match &self.what {
            What::Life(life) => life.id,
            What::Band(band) => band
                .lives
                .first()
                .map_or_else(TaskId::default, |life| life.id),
        }
    }
}
