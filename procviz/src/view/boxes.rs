//! Finds places for popups: beside their tasks and without overlap.

/// A box: left, top, right, bottom.
pub(crate) type Bounds = (f32, f32, f32, f32);

/// The room for popups, and the popups that are already placed.
#[derive(Debug)]
pub(crate) struct Boxes {
    room: Bounds,
    taken: Vec<Bounds>,
}

impl Boxes {
    /// Makes an empty room for popups.
    pub(crate) fn new(room: Bounds) -> Self {
        Self {
            room,
            taken: Vec::new(),
        }
    }

    /// Places a box of this size at this distance from a point, and returns the upper
    /// left corner. The box is below and to the right of the point if there is room,
    /// otherwise as near to the point as possible. Without any room, the box covers
    /// other boxes.
    pub(crate) fn place(
        &mut self,
        (x, y): (f32, f32),
        (dx, dy): (f32, f32),
        (width, height): (f32, f32),
    ) -> (f32, f32) {
        let (left, top, right, bottom) = self.room;
        let mut across = vec![x + dx, x - dx - width];
        let mut down = vec![y + dy, y - dy - height];
        for taken in &self.taken {
            across.extend([taken.2, taken.0 - width]);
            down.extend([taken.3, taken.1 - height]);
        }
        let is_in = |at: f32, size: f32, low: f32, high: f32| at >= low && at + size <= high;
        let is_free = |at: (f32, f32)| {
            let mine = (at.0, at.1, at.0 + width, at.1 + height);
            is_in(at.0, width, left, right)
                && is_in(at.1, height, top, bottom)
                && !self.taken.iter().any(|taken| overlap(&mine, taken))
        };
        // Distance from the point to the box, then distance from the preferred corner.
        let far = |at: (f32, f32)| {
            let (aside, below) = (
                x - x.clamp(at.0, at.0 + width),
                y - y.clamp(at.1, at.1 + height),
            );
            let turned = (at.0 - across[0]).abs() + (at.1 - down[0]).abs();
            (aside.hypot(below), turned)
        };
        let corners = across
            .iter()
            .flat_map(|x| down.iter().map(move |y| (*x, *y)));
        let free = corners.filter(|at| is_free(*at));
        let best = free.min_by(|one, two| {
            let (one, two) = (far(*one), far(*two));
            one.0.total_cmp(&two.0).then(one.1.total_cmp(&two.1))
        });
        let at = best.unwrap_or_else(|| {
            let most = |end: f32, size: f32, low: f32| (end - size).max(low);
            (
                (x + dx).clamp(left, most(right, width, left)),
                (y + dy).clamp(top, most(bottom, height, top)),
            )
        });
        self.taken.push((at.0, at.1, at.0 + width, at.1 + height));
        at
    }
}

fn overlap(one: &Bounds, two: &Bounds) -> bool {
    one.0 < two.2 && two.0 < one.2 && one.1 < two.3 && two.1 < one.3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_lie_side_by_side() {
        let room = (0.0, 0.0, 1_000.0, 600.0);
        let mut boxes = Boxes::new(room);
        assert_eq!(
            boxes.place((100.0, 100.0), (5.0, 8.0), (300.0, 200.0)),
            (105.0, 108.0)
        );
        let mut taken = vec![(105.0, 108.0, 405.0, 308.0)];
        // A point in a corner, and two close points whose boxes need the same place.
        for at in [(990.0, 590.0), (110.0, 100.0), (120.0, 100.0)] {
            let (x, y) = boxes.place(at, (5.0, 8.0), (300.0, 200.0));
            let mine = (x, y, x + 300.0, y + 200.0);
            assert!(
                x >= 0.0 && y >= 0.0 && mine.2 <= room.2 && mine.3 <= room.3,
                "{mine:?}"
            );
            assert!(
                taken.iter().all(|other| !overlap(&mine, other)),
                "{mine:?} {taken:?}"
            );
            taken.push(mine);
        }
    }

    #[test]
    fn without_room_a_box_lies_over_others() {
        let mut boxes = Boxes::new((0.0, 0.0, 50.0, 20.0));
        for _ in 0..3 {
            let at = boxes.place((40.0, 10.0), (2.0, 1.0), (46.0, 18.0));
            assert!(at.0 >= 0.0 && at.1 >= 0.0, "{at:?}");
        }
        // A box that is larger than the room.
        let at = boxes.place((40.0, 10.0), (2.0, 1.0), (60.0, 30.0));
        assert_eq!(at, (0.0, 0.0));
    }
}
