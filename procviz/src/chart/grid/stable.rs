//! Keeps groups in place from picture to picture, as long as all tasks fit.

use rustc_hash::FxHashMap;

use super::layout::{
    ABOVE, BESIDE, Block, Layout, NAMED, ROW, ROW_WITH_ENDED, Room, SMALL, WIDEST, Wanted,
    columns_for, gap, layout,
};
use crate::scene::Font;

/// Places that stay free below all groups, for groups that outgrow their places and
/// for new groups. So a burst of threads moves no other task.
const SPARE: usize = 800;

/// Allowed number of places beyond three times the number of tasks. So a burst of
/// this size moves no task when the burst is over.
const WASTE: usize = 1_500;

/// The layout of the previous picture, and the number of places of each group.
#[derive(Clone, Default)]
pub(super) struct StableLayout(Option<Previous>);

#[derive(Clone)]
struct Previous {
    room: Room,
    layout: Layout,
    /// Number of places of each group.
    places: FxHashMap<usize, usize>,
    /// Position of the next block beside the last blocks, and height of these blocks.
    next: (f32, f32, f32),
}

impl StableLayout {
    /// The layout of the previous picture, if all tasks still fit and not too many
    /// places are free. Otherwise a new layout in which each group can grow.
    pub(super) fn layout(
        &mut self,
        wanted: &mut Vec<Wanted>,
        mut room: Room,
        font: &Font,
    ) -> Layout {
        let tasks: usize = wanted.iter().map(|group| group.len).sum();
        if let Some(previous) = &mut self.0 {
            room.spare = previous.room.spare;
            if previous.room == room
                && previous.is_full_enough(tasks)
                && previous.holds(wanted, font)
            {
                return previous.layout.clone();
            }
        }
        if wanted.len() > NAMED {
            self.0 = None;
            room.spare = 0;
            return layout(wanted, &room, font);
        }
        room.spare = tasks / 10 + SPARE;
        let with_ended: Vec<usize> = self
            .0
            .iter()
            .flat_map(Previous::groups_with_ended)
            .collect();
        // Reserves the line for ended tasks if there is room, so that the first exit
        // in a group moves no task.
        let is_roomy = wanted.len() as f32 * ROW_WITH_ENDED <= room.height * 0.4;
        for group in wanted.iter_mut() {
            group.len = with_growth(group.len);
            if is_roomy || with_ended.contains(&group.group) {
                group.ended.get_or_insert_default();
            }
        }
        let layout = layout(wanted, &room, font);
        let places = wanted.iter().zip(&layout.blocks).map(|(group, block)| {
            let places = group.len.div_ceil(block.columns) * block.columns;
            (group.group, places)
        });
        self.0 = Some(Previous {
            room,
            places: places.collect(),
            next: (0.0, layout.bottom, 0.0),
            layout: layout.clone(),
        });
        layout
    }
}

fn with_growth(len: usize) -> usize {
    len + len / 8 + 8
}

impl Previous {
    /// Whether the layout does not have too many free places.
    fn is_full_enough(&self, tasks: usize) -> bool {
        let places: usize = self.places.values().sum();
        tasks * 3 + WASTE >= places
    }

    /// Whether all tasks have room. A group that is new, or that has outgrown its
    /// places, gets room below all others.
    fn holds(&mut self, wanted: &[Wanted], font: &Font) -> bool {
        wanted.iter().all(|group| {
            let places = self.places.get(&group.group).copied();
            let shows_ended = self.layout.above
                || self
                    .groups_with_ended()
                    .any(|with_ended| with_ended == group.group)
                || group.ended.is_none()
                || places.is_none();
            let has_room = places.is_some_and(|places| group.len <= places);
            shows_ended
                && (has_room || self.lengthen(group) || self.add(group, places.unwrap_or(0), font))
        })
    }

    /// Adds rows to the last block, if the block belongs to the group and there is room.
    fn lengthen(&mut self, group: &Wanted) -> bool {
        let last = self.layout.blocks.last();
        let Some(last) = last.filter(|last| last.group == group.group && !self.layout.above) else {
            return false;
        };
        let rows = with_growth(group.len - last.from).div_ceil(last.columns);
        let height = rows as f32 * self.layout.cell + gap(self.layout.cell);
        if last.dots.1 + height > self.bottom() {
            return false;
        }
        self.next = (self.room.width, last.dots.1, height);
        self.places
            .insert(group.group, last.from + rows * last.columns);
        true
    }

    /// Lower limit of all blocks, in pixels from the top.
    fn bottom(&self) -> f32 {
        self.room.top + self.room.height + gap(self.layout.cell)
    }

    /// Adds a block for the places of a group from `from` on, if there is room.
    fn add(&mut self, group: &Wanted, from: usize, font: &Font) -> bool {
        let (room, cell, above) = (self.room, self.layout.cell, self.layout.above);
        let len = with_growth(group.len - from);
        let (mut x, mut y, mut tallest) = self.next;
        let (columns, width, height);
        if above {
            let name = font.width(&group.name, SMALL) + font.width(&group.count, SMALL) + 9.0;
            let name = name.clamp(WIDEST / 2.0, WIDEST);
            let square = (len as f32 * 1.6).sqrt().ceil().max((name / cell).floor());
            columns = columns_for(room.width, cell, room.most).min(square.max(1.0) as usize);
            width = name.max(columns as f32 * cell) + BESIDE;
            height = ABOVE + len.div_ceil(columns) as f32 * cell + gap(cell);
            if x > 0.0 && x + width - BESIDE > room.width {
                (x, y, tallest) = (0.0, y + tallest, 0.0);
            }
        } else {
            columns = columns_for(room.width - room.labels, cell, room.most);
            width = room.width;
            let least = if from == 0 { ROW_WITH_ENDED } else { ROW };
            height = (len.div_ceil(columns) as f32 * cell).max(least) + gap(cell);
            (x, y, tallest) = (0.0, y + tallest, 0.0);
        }
        if y + height > self.bottom() {
            return false;
        }
        let (label, dots) = if above {
            let left = room.left + x;
            ((left, y + SMALL), (left, y + ABOVE))
        } else {
            ((room.left, y + 13.0), (room.left + room.labels, y))
        };
        self.layout.blocks.push(Block {
            group: group.group,
            label,
            room: if above {
                width - BESIDE
            } else {
                room.labels - 10.0
            },
            dots,
            columns,
            offset: 0,
            from,
            is_named: true,
            shows_ended: !above && from == 0,
        });
        self.places
            .insert(group.group, from + len.div_ceil(columns) * columns);
        self.next = (x + width, y, tallest.max(height));
        true
    }

    fn groups_with_ended(&self) -> impl Iterator<Item = usize> {
        let blocks = self.layout.blocks.iter();
        let blocks = blocks.filter(|block| block.shows_ended);
        blocks.map(|block| block.group)
    }
}
