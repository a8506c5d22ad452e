//! Finds places for popups: beside their tasks and without overlap.

/// A box: left, top, right, bottom.
pub(crate) type Bounds = (f32, f32, f32, f32);

/// Number of points that a box beside its own may hide.
const FEW_HIDDEN: usize = 40;

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
    /// other boxes. If it would hide many of `points`, it is at the right edge of `side`, or of
    /// the room, from the bottom up.
    pub(crate) fn place(
        &mut self,
        (at, away): ((f32, f32), (f32, f32)),
        size: (f32, f32),
        (side, points): (Option<Bounds>, &[(f32, f32)]),
    ) -> (f32, f32) {
        let beside = self.find(at, away, size);
        let bounds = |at: (f32, f32)| (at.0, at.1, at.0 + size.0, at.1 + size.1);
        let (left, top, right, bottom) = bounds(beside);
        let is_hidden =
            |(x, y): &&(f32, f32)| (left..right).contains(x) && (top..bottom).contains(y);
        let hides_many = points.iter().filter(is_hidden).count() > FEW_HIDDEN;
        let docked = hides_many.then(|| self.dock(side.unwrap_or(self.room), size));
        let at = docked.flatten().unwrap_or(beside);
        self.taken.push(bounds(at));
        at
    }

    /// A free place at the right edge, from the bottom up; `None` if there is none.
    fn dock(
        &self,
        (left, top, right, bottom): Bounds,
        (width, height): (f32, f32),
    ) -> Option<(f32, f32)> {
        let x = right - width;
        let above = self.taken.iter().map(|taken| taken.1 - height);
        let mut spots: Vec<f32> = above.chain([bottom - height]).collect();
        spots.sort_by(|one, two| two.total_cmp(one));
        let is_free = |y: &f32| {
            let mine = (x, *y, x + width, y + height);
            x >= left && *y >= top && !self.taken.iter().any(|taken| overlap(&mine, taken))
        };
        spots.into_iter().find(is_free).map(|y| (x, y))
    }

    fn find(
        &self,
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
        best.unwrap_or_else(|| {
            let most = |end: f32, size: f32, low: f32| (end - size).max(low);
            (
                (x + dx).clamp(left, most(right, width, left)),
                (y + dy).clamp(top, most(bottom, height, top)),
            )
        })
    }
}

fn overlap(one: &Bounds, two: &Bounds) -> bool {
    one.0 < two.2 && two.0 < one.2 && one.1 < two.3 && two.1 < one.3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_that_hides_too_much_is_at_the_side() {
        // Everywhere in the room, so that each box beside the point hides many.
        let many: Vec<(f32, f32)> = (0_u16..6_000)
            .map(|index| (f32::from(index % 100) * 10.0, f32::from(index / 100) * 10.0))
            .collect();
        let mut boxes = Boxes::new((0.0, 0.0, 1_000.0, 600.0));
        let mut place = |hides: bool| {
            let at = ((100.0, 100.0), (5.0, 8.0));
            boxes.place(at, (300.0, 200.0), (None, if hides { &many } else { &[] }))
        };
        assert_eq!(place(true), (700.0, 400.0));
        assert_eq!(place(true), (700.0, 200.0));
        assert_eq!(place(false).0, 105.0);
        assert_eq!(place(true), (700.0, 0.0));
        // The side is full: beside the point, as near as possible.
        let (x, _) = place(true);
        assert!(x < 700.0, "{x}");
        let mut boxes = Boxes::new((0.0, 0.0, 1_000.0, 600.0));
        let side = Some((1_000.0, 0.0, 1_400.0, 600.0));
        let at = ((100.0, 100.0), (5.0, 8.0));
        let docked = boxes.place(at, (300.0, 200.0), (side, &many));
        assert_eq!(docked, (1_100.0, 400.0));
    }

    #[test]
    fn boxes_lie_side_by_side() {
        let room = (0.0, 0.0, 1_000.0, 600.0);
        let mut boxes = Boxes::new(room);
        assert_eq!(
            boxes.place(((100.0, 100.0), (5.0, 8.0)), (300.0, 200.0), (None, &[])),
            (105.0, 108.0)
        );
        let mut taken = vec![(105.0, 108.0, 405.0, 308.0)];
        // A point in a corner, and two close points whose boxes need the same place.
        for at in [(990.0, 590.0), (110.0, 100.0), (120.0, 100.0)] {
            let (x, y) = boxes.place((at, (5.0, 8.0)), (300.0, 200.0), (None, &[]));
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
            let at = boxes.place(((40.0, 10.0), (2.0, 1.0)), (46.0, 18.0), (None, &[]));
            assert!(at.0 >= 0.0 && at.1 >= 0.0, "{at:?}");
        }
        // A box that is larger than the room.
        let at = boxes.place(((40.0, 10.0), (2.0, 1.0)), (60.0, 30.0), (None, &[]));
        assert_eq!(at, (0.0, 0.0));
    }
}
