//! Finds room for names beside their marks. The search is greedy, in the given order,
//! and tries the previous spot of a name first. A name never covers another name, and
//! covers few other marks.

/// A box: left, top, right, bottom, in pixels.
pub(super) type Box4 = (f32, f32, f32, f32);

/// Possible spots of a name: right, left, above, below, and the corners.
const SPOTS: [(f32, f32); 8] = [
    (1.0, 0.0),
    (-1.0, 0.0),
    (0.0, -1.0),
    (0.0, 1.0),
    (0.75, -0.75),
    (0.75, 0.75),
    (-0.75, -0.75),
    (-0.75, 0.75),
];
/// Distances of a name from the edge of its mark, in pixels. Larger distances are for
/// crowded places.
const GAPS: [f32; 3] = [3.0, 10.0, 22.0];
/// Minimum distance between two names in a row, in pixels. Closer names read as one.
const BETWEEN: f32 = 6.0;
/// Upper limit for the marks that a name covers. With more, a reader cannot see which
/// mark has the name.
const MOST_COVERED: usize = 8;
/// The search stops after this many names without room: it would take long and find
/// room for few names.
const MOST_REFUSED: usize = 300;

/// The room that is already taken.
pub(super) struct Labels {
    bounds: Box4,
    taken: Vec<Box4>,
    /// Centres and radii of marks that should not be covered.
    marks: Vec<(f32, f32, f32)>,
    /// Those of marks that are covered only where there is no other room at all.
    clear: Vec<(f32, f32, f32)>,
    refused: usize,
}

impl Labels {
    /// Names stay within `bounds` and outside of `taken`. They avoid `marks` if possible.
    pub(super) fn new(bounds: Box4, marks: Vec<(f32, f32, f32)>, taken: Vec<Box4>) -> Self {
        Self {
            bounds,
            taken,
            marks,
            clear: Vec::new(),
            refused: 0,
        }
    }

    /// Covering one of these marks, which are among the others, too, is as bad as covering
    /// as many others as are allowed.
    pub(super) fn keep_clear(mut self, mut marks: Vec<(f32, f32, f32)>) -> Self {
        marks.dedup();
        self.clear = marks;
        self
    }

    /// From now on, names avoid these marks, too.
    pub(super) fn avoid(&mut self, marks: impl Iterator<Item = (f32, f32, f32)>) {
        self.marks.extend(marks);
    }

    /// Finds room of this size beside a disc. `last` is the previous spot of the name.
    /// Returns the upper left corner and the spot.
    pub(super) fn place(
        &mut self,
        (x, y, r): (f32, f32, f32),
        (width, height): (f32, f32),
        last: Option<u8>,
    ) -> Option<((f32, f32), u8)> {
        if self.refused > MOST_REFUSED {
            return None;
        }
        let count = (SPOTS.len() * GAPS.len()) as u8;
        let order = last.into_iter().chain(0..count);
        let boxes = order.map(|spot| (spot, at_spot(spot, (x, y, r), (width, height))));
        let fitting: Vec<(u8, Box4)> = boxes.filter(|(_, at)| self.is_free(at)).collect();
        let far = GAPS[GAPS.len() - 1] + r;
        let all: Box4 = (
            x - far - width,
            y - far - height,
            x + far + width,
            y + far + height,
        );
        // The marks that a name in any of the spots can cover.
        let near = |marks: &[(f32, f32, f32)]| -> Vec<(f32, f32, f32)> {
            let is_near = |mark: &&(f32, f32, f32)| **mark != (x, y, r) && touches(&all, **mark);
            marks.iter().filter(is_near).copied().collect()
        };
        let (marks, to_clear) = (near(&self.marks), near(&self.clear));
        let covered = |at: &Box4| {
            let covers = |mark: &&(f32, f32, f32)| touches(at, **mark);
            let covered = marks.iter().filter(covers);
            let clear = to_clear.iter().filter(covers).count() * (MOST_COVERED - 1);
            covered.take(MOST_COVERED + 1).count() + clear
        };
        let (mut best, mut least) = (None, MOST_COVERED + 1);
        for (spot, at) in fitting {
            let covers = covered(&at);
            if covers < least {
                (best, least) = (Some((spot, at)), covers);
            }
            if covers == 0 {
                break;
            }
        }
        let Some((spot, at)) = best else {
            self.refused += 1;
            return None;
        };
        self.taken.push(at);
        Some(((at.0, at.1), spot))
    }

    fn is_free(&self, at: &Box4) -> bool {
        let inside = at.0 >= self.bounds.0
            && at.1 >= self.bounds.1
            && at.2 <= self.bounds.2
            && at.3 <= self.bounds.3;
        inside
            && self.taken.iter().all(|other| {
                at.2 + BETWEEN <= other.0
                    || at.0 >= other.2 + BETWEEN
                    || at.3 <= other.1
                    || at.1 >= other.3
            })
    }
}

fn at_spot(spot: u8, (x, y, r): (f32, f32, f32), (width, height): (f32, f32)) -> Box4 {
    let (dx, dy) = SPOTS[usize::from(spot) % SPOTS.len()];
    let reach = r + GAPS[(usize::from(spot) / SPOTS.len()).min(GAPS.len() - 1)];
    let left = x + dx * reach + (dx.signum() * f32::from(dx != 0.0) - 1.0) * width / 2.0;
    let top = y + dy * reach + (dy.signum() * f32::from(dy != 0.0) - 1.0) * height / 2.0;
    (left, top, left + width, top + height)
}

fn touches(at: &Box4, (x, y, r): (f32, f32, f32)) -> bool {
    let (dx, dy) = (x - x.clamp(at.0, at.2), y - y.clamp(at.1, at.3));
    dx * dx + dy * dy < r * r
}
