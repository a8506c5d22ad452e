//! Tells how much memory a process holds, and whether others share it.

use super::world::World;
use crate::model::{Process, bytes_text};

/// The number of other large processes that use mostly shared memory and have the same name:
/// such processes share one segment, and one finding is enough. `None`: another one of them
/// stands for all.
pub(super) fn sharers(process: &Process, large: &[&Process], world: World<'_>) -> Option<u64> {
    let is_sharing = |process: &Process| {
        let parts = process.parts;
        parts.is_some_and(|parts| parts.shmem > parts.private())
    };
    if !is_sharing(process) {
        return Some(0);
    }
    let name = world.snapshot.name_of(process);
    // The oldest stands for all.
    let rank = |process: &Process| std::cmp::Reverse(process.id);
    let mut others = 0;
    for other in large {
        let is_other = other.id != process.id && is_sharing(other);
        if !is_other || world.snapshot.name_of(other) != name {
            continue;
        }
        if rank(other) > rank(process) {
            return None;
        }
        others += 1;
    }
    Some(others)
}

/// The parts that are worth a word.
pub(super) fn of_it(process: &Process, sharers: u64) -> String {
    let Some(parts) = process.parts else {
        return String::new();
    };
    let least = parts.private().saturating_add(parts.shmem) / 10;
    let mut text = String::new();
    for (size, what) in [(parts.shmem, "shared"), (parts.swap, "in swap")] {
        if size > least {
            text.push_str(&format!(", {} of it {what}", bytes_text(size)));
        }
    }
    if sharers > 0 {
        text.push_str(&format!(
            "; {sharers} other processes of this name use shared memory, too"
        ));
    }
    text
}
