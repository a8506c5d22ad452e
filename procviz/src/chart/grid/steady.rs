//! Keeps groups where they are from picture to picture, while everybody fits.

use rustc_hash::FxHashMap;

use super::layout::{Layout, NAMED, ROW_WITH_ENDED, Room, Wanted, layout};
use crate::scene::Font;

/// Where groups were, and how many each has room for.
#[derive(Clone, Default)]
pub(super) struct Steady(Option<Kept>);

#[derive(Clone)]
struct Kept {
    room: Room,
    layout: Layout,
    /// By group: its block and the places that are there.
    groups: FxHashMap<usize, (usize, usize)>,
}

impl Steady {
    /// The layout of the picture before, if all still find room in it, else a
    /// new one in which each group may grow by more than a third: a group is
    /// closed up when a quarter of it is free.
    pub(super) fn layout(&mut self, wanted: &mut Vec<Wanted>, room: Room, font: &Font) -> Layout {
        if let Some(kept) = self.0.as_ref().filter(|kept| kept.holds(wanted, room)) {
            return kept.layout.clone();
        }
        if wanted.len() > NAMED {
            self.0 = None;
            return layout(wanted, &room, font);
        }
        let told: Vec<usize> = self.0.iter().flat_map(Kept::tell_ended).collect();
        // The first death of a group moves nobody, where there is room for that.
        let is_roomy = wanted.len() as f32 * ROW_WITH_ENDED <= room.height * 0.4;
        for group in wanted.iter_mut() {
            group.len += group.len / 3 + 12;
            if is_roomy || told.contains(&group.group) {
                group.ended.get_or_insert_default();
            }
        }
        let layout = layout(wanted, &room, font);
        let groups = wanted.iter().zip(&layout.blocks).enumerate();
        let groups = groups.map(|(index, (group, block))| {
            let places = group.len.div_ceil(block.columns) * block.columns;
            (group.group, (index, places))
        });
        self.0 = Some(Kept {
            room,
            groups: groups.collect(),
            layout: layout.clone(),
        });
        layout
    }
}

impl Kept {
    /// Whether everybody has room, and not by far too much of it.
    fn holds(&self, wanted: &[Wanted], room: Room) -> bool {
        let fits = |group: &Wanted| {
            self.groups
                .get(&group.group)
                .is_some_and(|(block, places)| {
                    let tells = self.layout.above || self.layout.blocks[*block].tells_ended;
                    group.len <= *places && (tells || group.ended.is_none())
                })
        };
        let needed: usize = wanted.iter().map(|group| group.len).sum();
        let places: usize = self.groups.values().map(|(_, places)| places).sum();
        self.room == room && wanted.iter().all(fits) && needed * 3 + 500 >= places
    }

    fn tell_ended(&self) -> impl Iterator<Item = usize> {
        let told = self.layout.blocks.iter().filter(|block| block.tells_ended);
        told.map(|block| block.group)
    }
}
