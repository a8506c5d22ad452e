//! Gives up room that a burst of tasks needed: storms end, and their memory is other programs'.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher, Hash},
};

/// Room for this many values is kept in any case.
const KEPT: usize = 1_024;

/// A container that keeps its room until it is told to give it up.
pub(crate) trait Spare {
    /// Gives up room, if less than a quarter of it is in use.
    fn give_up_spare(&mut self);
}

/// Room that is enough for `used` values; `None` if a room is not much larger.
pub(super) fn enough(room: usize, used: usize) -> Option<usize> {
    (room / 4 > used.max(KEPT)).then_some(used.max(KEPT) * 2)
}

impl<T> Spare for Vec<T> {
    fn give_up_spare(&mut self) {
        if let Some(enough) = enough(self.capacity(), Self::len(self)) {
            self.shrink_to(enough);
        }
    }
}

impl<T> Spare for VecDeque<T> {
    fn give_up_spare(&mut self) {
        if let Some(enough) = enough(self.capacity(), Self::len(self)) {
            self.shrink_to(enough);
        }
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> Spare for HashMap<K, V, S> {
    fn give_up_spare(&mut self) {
        if let Some(enough) = enough(self.capacity(), Self::len(self)) {
            self.shrink_to(enough);
        }
    }
}

/// Clears a list; room for as many values as were `used` stays.
pub(crate) fn empty<T>(list: &mut Vec<T>, used: usize) {
    let enough = enough(list.capacity(), used);
    list.clear();
    if let Some(enough) = enough {
        list.shrink_to(enough);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_given_up_when_a_burst_is_over() {
        let mut list: Vec<u64> = (0..100_000).collect();
        list.give_up_spare();
        assert!(list.capacity() >= 100_000, "in use");
        empty(&mut list, 100_000);
        assert!(list.capacity() >= 100_000, "the next burst needs it");
        list.extend(0..5_000);
        empty(&mut list, 5_000);
        assert!((10_000..20_000).contains(&list.capacity()));
        list.push(1);
        empty(&mut list, 1);
        assert!(list.is_empty() && list.capacity() >= 2 * KEPT);
        let room = list.capacity();
        empty(&mut list, 0);
        assert_eq!(list.capacity(), room, "little room stays");

        let mut map: HashMap<u64, u64> = (0..100_000).map(|number| (number, number)).collect();
        map.retain(|number, _| *number < 3_000);
        map.give_up_spare();
        assert_eq!(map.len(), 3_000);
        assert!(map.capacity() < 20_000);
    }
}
