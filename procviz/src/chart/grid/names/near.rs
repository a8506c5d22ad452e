//! Finds the marks near those that want a name. Of tens of thousands of marks, few are.

use super::WIDEST;
use crate::{chart::labels::Box4, scene::Mark};

/// Side of a field, in pixels.
const SIDE: f32 = 40.0;
/// A mark that is farther away does not matter for a name, in pixels.
const REACH: (f32, f32) = (WIDEST + 60.0, 60.0);

/// The fields of the picture that are near one of some marks.
pub(super) struct Near {
    origin: (f32, f32),
    columns: usize,
    fields: Vec<bool>,
}

impl Near {
    pub(super) fn new(marks: &[Mark], (left, top, right, bottom): Box4) -> Self {
        let count = |length: f32| (length / SIDE).ceil().max(1.0) as usize;
        let (columns, rows) = (count(right - left), count(bottom - top));
        let mut near = Self {
            origin: (left, top),
            columns,
            fields: vec![false; columns * rows],
        };
        for mark in marks {
            let (x, y) = (mark.x - left, mark.y - top);
            let range = |at: f32, reach: f32, most: usize| {
                let first = ((at - reach) / SIDE).max(0.0) as usize;
                let last = ((at + reach) / SIDE).max(0.0) as usize;
                first..last.saturating_add(1).min(most)
            };
            for row in range(y, REACH.1, rows) {
                for column in range(x, REACH.0, columns) {
                    near.fields[row * columns + column] = true;
                }
            }
        }
        near
    }

    /// Whether a mark is near one of the marks.
    pub(super) fn has(&self, mark: &Mark) -> bool {
        let at = |place: f32, origin: f32| ((place - origin) / SIDE).max(0.0) as usize;
        let (column, row) = (at(mark.x, self.origin.0), at(mark.y, self.origin.1));
        let field = self.fields.get(row * self.columns + column);
        column < self.columns && field.is_some_and(|is_near| *is_near)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::TaskId,
        scene::{Color, Shape},
    };

    #[test]
    fn what_is_within_reach_is_near() {
        let at = |x: f32, y: f32| Mark {
            id: TaskId::default(),
            x,
            y,
            r: 3.0,
            shape: Shape::Disc,
            color: Color(0, 0, 0, 255),
            spot: None,
        };
        let near = Near::new(&[at(500.0, 300.0)], (0.0, 0.0, 1_000.0, 600.0));
        assert!(near.has(&at(500.0, 300.0)) && near.has(&at(800.0, 350.0)));
        assert!(!near.has(&at(950.0, 300.0)) && !near.has(&at(500.0, 500.0)));
        // Outside of the bounds.
        assert!(!near.has(&at(5_000.0, 300.0)) && !near.has(&at(500.0, 9_000.0)));
        let none = Near::new(&[], (0.0, 0.0, 0.0, 0.0));
        assert!(!none.has(&at(1.0, 1.0)));
    }
}
