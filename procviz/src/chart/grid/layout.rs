//! Finds the largest cell size with which all tasks fit. Groups are below each
//! other with their names at the left. If there are many groups, they are beside
//! each other with their names above.

use crate::scene::Font;

/// A group to place.
pub(super) struct Wanted {
    /// Index of the group.
    pub(super) group: usize,
    /// Number of places in the group.
    pub(super) len: usize,
    /// Displayed name, and number of living tasks.
    pub(super) name: String,
    pub(super) count: String,
    /// Text such as "+7 ended"; `None` if no task has just ended.
    pub(super) ended: Option<String>,
}

/// The position of a group's label and dots.
#[derive(Clone)]
pub(super) struct Block {
    pub(super) group: usize,
    /// Left edge and base line of the name, in pixels.
    pub(super) label: (f32, f32),
    /// Width for name and count, in pixels.
    pub(super) room: f32,
    /// Left and top of the dots, in pixels.
    pub(super) dots: (f32, f32),
    pub(super) columns: usize,
    /// Number of places of earlier groups in the same block.
    pub(super) offset: usize,
    /// First place of the group in this block. Earlier places are in another block.
    pub(super) from: usize,
    /// Whether the group is the first of its block, so that its name is drawn.
    pub(super) is_named: bool,
    /// Whether there is room for the number of ended tasks.
    pub(super) shows_ended: bool,
}

/// The positions of all groups.
#[derive(Clone)]
pub(super) struct Layout {
    pub(super) cell: f32,
    pub(super) blocks: Vec<Block>,
    /// Whether names are above their dots.
    pub(super) above: bool,
    /// Bottom of the last block, in pixels.
    pub(super) bottom: f32,
}

/// The available room and its limits.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Room {
    pub(super) left: f32,
    pub(super) top: f32,
    pub(super) width: f32,
    pub(super) height: f32,
    /// Upper limit for the dots in a row.
    pub(super) most: Option<usize>,
    /// Largest useful cell size, in pixels.
    pub(super) largest: f32,
    /// Number of places that stay free below all groups.
    pub(super) spare: usize,
    /// Least width of a column, in pixels: each dot has its name beside it. 0: no names.
    pub(super) wide: f32,
    /// Width for names at the left, in pixels.
    pub(super) labels: f32,
}

impl Room {
    fn columns(&self, width: f32, cell: f32) -> usize {
        columns_for(width, cell.max(self.wide), self.most)
    }
}

pub(super) const LABEL_SIZE: f32 = 14.0;
/// Font size of names above their dots, in pixels.
pub(super) const SMALL: f32 = 12.0;
/// Minimum height of a group with its name at the left, in pixels.
pub(super) const ROW: f32 = 18.0;
pub(super) const ROW_WITH_ENDED: f32 = 32.0;
/// Height of a name above its dots, in pixels.
pub(super) const ABOVE: f32 = 16.0;
pub(super) const BESIDE: f32 = 14.0;
/// Maximum width of a name above its dots, in pixels. A longer name is cut.
pub(super) const WIDEST: f32 = 150.0;
/// Smallest cell size with distinguishable dots, in pixels.
const SMALLEST: f32 = 1.0;
/// Upper limit for groups with a name. The smallest groups beyond this limit share
/// one block.
pub(super) const NAMED: usize = 120;

/// Places the groups, which are sorted by name.
pub(super) fn layout(wanted: &mut Vec<Wanted>, room: &Room, font: &Font) -> Layout {
    let names: f32 = wanted.iter().map(row).sum::<f32>() + 3.0 * wanted.len() as f32;
    if names <= room.height * 0.7 {
        let cell = largest_cell(room, |cell| {
            rows_height(wanted, room, cell) + spare_height(room, room.width - room.labels, cell)
        });
        return rows(wanted, room, cell);
    }
    let tail = unnamed(wanted);
    let place = |cell: f32| above(wanted, tail, room, cell, font);
    let cell = largest_cell(room, |cell| {
        place(cell).1 + spare_height(room, room.width, cell)
    });
    let (blocks, height) = place(cell);
    Layout {
        cell,
        blocks,
        above: true,
        bottom: room.top + height,
    }
}

/// The largest cell size whose `height` fits into the room.
fn largest_cell(room: &Room, height: impl Fn(f32) -> f32) -> f32 {
    let fits = |cell: f32| height(cell) <= room.height;
    let (mut low, mut high) = (SMALLEST.min(room.largest), room.largest.max(SMALLEST));
    if fits(high) {
        return high;
    }
    for _ in 0..24 {
        let middle = f32::midpoint(low, high);
        if fits(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

pub(super) fn columns_for(width: f32, cell: f32, most: Option<usize>) -> usize {
    ((width / cell).floor() as usize).clamp(1, most.unwrap_or(usize::MAX))
}

/// Minimum height of a group with its name at the left, in pixels.
fn row(wanted: &Wanted) -> f32 {
    if wanted.ended.is_some() {
        ROW_WITH_ENDED
    } else {
        ROW
    }
}

fn band(wanted: &Wanted, cell: f32, columns: usize) -> f32 {
    (wanted.len.div_ceil(columns) as f32 * cell).max(row(wanted))
}

/// Height of the places that stay free, in pixels.
fn spare_height(room: &Room, width: f32, cell: f32) -> f32 {
    if room.spare == 0 {
        return 0.0;
    }
    let rows = room.spare.div_ceil(room.columns(width, cell));
    rows as f32 * cell + ROW
}

pub(super) fn gap(cell: f32) -> f32 {
    (cell * 0.5).clamp(3.0, 10.0)
}

fn rows_height(wanted: &[Wanted], room: &Room, cell: f32) -> f32 {
    let columns = room.columns(room.width - room.labels, cell);
    wanted
        .iter()
        .map(|wanted| band(wanted, cell, columns) + gap(cell))
        .sum()
}

fn rows(wanted: &[Wanted], room: &Room, cell: f32) -> Layout {
    let columns = room.columns(room.width - room.labels, cell);
    let mut y = room.top;
    let blocks = wanted.iter().map(|wanted| {
        let height = band(wanted, cell, columns);
        let block = Block {
            group: wanted.group,
            label: (room.left, y + 13.0),
            room: room.labels - 10.0,
            dots: (room.left + room.labels, y),
            columns,
            offset: 0,
            from: 0,
            is_named: true,
            shows_ended: height >= ROW_WITH_ENDED,
        };
        y += height + gap(cell);
        block
    });
    Layout {
        cell,
        blocks: blocks.collect(),
        above: false,
        bottom: y,
    }
}

/// Moves the smallest groups to the end, where they share a block. Returns the
/// number of these groups.
fn unnamed(wanted: &mut Vec<Wanted>) -> usize {
    let Some(many) = wanted.len().checked_sub(NAMED).filter(|many| *many > 0) else {
        return 0;
    };
    let mut sizes: Vec<usize> = wanted.iter().map(|wanted| wanted.len).collect();
    sizes.sort_unstable();
    let limit = sizes[many - 1];
    let mut left = many;
    let (mut named, mut tail) = (Vec::new(), Vec::new());
    for wanted in wanted.drain(..) {
        if wanted.len <= limit && left > 0 {
            left -= 1;
            tail.push(wanted);
        } else {
            named.push(wanted);
        }
    }
    let total: usize = tail.iter().map(|wanted| wanted.len).sum();
    if let Some(first) = tail.first_mut() {
        first.name = format!("other groups ({many})");
        first.count = crate::model::count_text(total as u64);
        first.ended = None;
    }
    named.append(&mut tail);
    *wanted = named;
    many
}

/// Places blocks beside each other. Returns the blocks and their height.
fn above(wanted: &[Wanted], tail: usize, room: &Room, cell: f32, font: &Font) -> (Vec<Block>, f32) {
    let mut blocks = Vec::with_capacity(wanted.len());
    let (mut x, mut y, mut tallest) = (0.0f32, 0.0f32, 0.0f32);
    let named = wanted.len() - tail;
    let total_of_tail: usize = wanted[named..].iter().map(|wanted| wanted.len).sum();
    let mut offset = 0;
    for (index, group) in wanted.iter().enumerate() {
        if index > named {
            // The group shares the block of the first unnamed group.
            offset += wanted[index - 1].len;
            if let Some(first) = blocks.get(named) {
                let first: &Block = first;
                blocks.push(Block {
                    group: group.group,
                    offset,
                    is_named: false,
                    ..*first
                });
            }
            continue;
        }
        let len = if index == named {
            total_of_tail
        } else {
            group.len
        };
        let label = font.width(&group.name, SMALL) + font.width(&group.count, SMALL) + 9.0;
        let label = label.min(WIDEST);
        let columns = ((len as f32 * 1.6).sqrt().ceil())
            .max((label / cell.max(room.wide)).floor())
            .max(1.0) as usize;
        let columns = columns.min(room.columns(room.width, cell)).min(len.max(1));
        let width = label.max(columns as f32 * cell.max(room.wide)) + BESIDE;
        if x > 0.0 && x + width - BESIDE > room.width {
            (x, y, tallest) = (0.0, y + tallest, 0.0);
        }
        blocks.push(Block {
            group: group.group,
            label: (room.left + x, room.top + y + SMALL),
            room: width - BESIDE,
            dots: (room.left + x, room.top + y + ABOVE),
            columns,
            offset: 0,
            from: 0,
            is_named: true,
            shows_ended: false,
        });
        let height = ABOVE + len.div_ceil(columns) as f32 * cell + gap(cell);
        tallest = tallest.max(height);
        x += width;
    }
    (blocks, y + tallest)
}
