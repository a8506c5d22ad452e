//! Puts children below their parents.

use rustc_hash::FxHashMap;

use super::row::Row;

/// Puts each row below its parent, siblings in the given order.
pub(super) fn below_parents(rows: Vec<Row<'_>>) -> Vec<Row<'_>> {
    // Of several processes with one pid, only the last can have children that are alive.
    let mut by_pid: FxHashMap<u32, usize> = FxHashMap::default();
    for (index, row) in rows.iter().enumerate() {
        let place = by_pid.entry(row.id.tid).or_insert(index);
        if rows[*place].id.start_ns < row.id.start_ns {
            *place = index;
        }
    }
    let parent_of = |row: &Row<'_>| {
        let parent = by_pid.get(&row.ppid).copied()?;
        // A parent is older than its children, so there is no circle.
        (rows[parent].id.by_start() < row.id.by_start()).then_some(parent)
    };
    let mut children = vec![Vec::new(); rows.len()];
    let mut open = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        match parent_of(row) {
            Some(parent) => children[parent].push(index),
            None => open.push((index, 0)),
        }
    }
    open.reverse();
    let mut places = Vec::with_capacity(rows.len());
    while let Some((index, depth)) = open.pop() {
        places.push((index, depth));
        let below = children[index].iter().rev();
        open.extend(below.map(|child| (*child, depth + 1)));
    }
    let mut rows: Vec<Option<Row<'_>>> = rows.into_iter().map(Some).collect();
    let placed = places.into_iter().filter_map(|(index, depth)| {
        let mut row = rows[index].take()?;
        row.depth = depth;
        Some(row)
    });
    placed.collect()
}
