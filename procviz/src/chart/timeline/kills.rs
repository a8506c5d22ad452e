//! Draws arrows: each leads from the bar of a process that sent a deadly signal to the bar of
//! the process that got it.

use rustc_hash::FxHashMap;

use super::{
    bars::Bars,
    lanes::{Group, Lanes, What},
};
use crate::{
    model::TaskId,
    scene::{Item, Scene},
};

/// Where the bar of each life begins at its top.
pub(super) type Places = FxHashMap<TaskId, f32>;

/// Length of the lines of an arrow's head.
const HEAD: f32 = 4.0;

impl Bars<'_> {
    /// The bars of a group whose first lane is at `top`.
    pub(super) fn places<'a>(
        &'a self,
        group: &'a Group<'a>,
        top: f32,
    ) -> impl Iterator<Item = (TaskId, f32)> + 'a {
        self.with_room(group, top).filter_map(move |placed| {
            let What::Life(life) = &placed.what else {
                return None;
            };
            Some((life.id, self.y(top, placed.lane)))
        })
    }

    /// An arrow from each killer to its victim, if both have a bar. Returns whether there is one.
    pub(super) fn kills(&self, scene: &mut Scene, lanes: &Lanes<'_>, places: &Places) -> bool {
        let mut has_kills = false;
        let placed = lanes.groups.iter().flat_map(|group| &group.placed);
        for placed in placed {
            let What::Life(life) = &placed.what else {
                continue;
            };
            let killer = life.end.and_then(|end| end.killed_by());
            let Some((killer, time_ns)) = killer.filter(|(_, at)| self.is_shown(*at)) else {
                continue;
            };
            if let (Some(from), Some(until)) = (places.get(&killer), places.get(&life.id))
                && from != until
            {
                self.arrow(scene, self.x(time_ns), (*from, *until));
                has_kills = true;
            }
        }
        has_kills
    }

    fn is_shown(&self, ns: u64) -> bool {
        (self.period.0..=self.period.1).contains(&ns)
    }

    fn arrow(&self, scene: &mut Scene, x: f32, (from, until): (f32, f32)) {
        let color = self.palette.ink;
        let height = self.bar_height();
        let (from, until, back) = match from < until {
            true => (from + height, until, -HEAD),
            false => (from, until + height, HEAD),
        };
        let mut line = |points| {
            scene.items.push(Item::Line {
                points,
                width: 1.5,
                color,
            });
        };
        line(vec![(x, from), (x, until)]);
        let tip = (x, until);
        line(vec![
            (x - HEAD, until + back),
            tip,
            (x + HEAD, until + back),
        ]);
    }
}
