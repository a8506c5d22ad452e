//! Assigns a colour to each user. A user has the same colour in all pictures. Two
//! users have the same colour only if there are more users than colours.

use std::{collections::HashMap, sync::Arc};

use super::oklab;
use crate::scene::Color;

const HUES: usize = 12;
/// Lightness and chroma of the two rows of hues (OKLCh).
const ROWS: [(f32, f32); 2] = [(0.60, 0.15), (0.76, 0.12)];

/// The colours of users.
#[derive(Clone, Debug, Default)]
pub(super) struct UserColors {
    chosen: HashMap<String, Color>,
    places: HashMap<Arc<str>, usize>,
}

impl UserColors {
    /// Starts with the colours that were chosen for some users.
    pub(super) fn new(chosen: &[(String, Color)]) -> Self {
        Self {
            chosen: chosen.iter().cloned().collect(),
            places: HashMap::new(),
        }
    }

    /// The colour of a user.
    pub(super) fn of(&mut self, user: &Arc<str>) -> Color {
        if let Some(color) = self.chosen.get(&**user) {
            return *color;
        }
        if let Some(place) = self.places.get(user) {
            return color(*place);
        }
        let count = HUES * ROWS.len();
        let first = hash(user) % count;
        let is_free = |place: &usize| !self.places.values().any(|taken| taken == place);
        let place = (first..first + count)
            .map(|place| place % count)
            .find(is_free)
            .unwrap_or(first);
        self.places.insert(Arc::clone(user), place);
        color(place)
    }
}

/// FNV-1a hash, which is the same on every machine and in every run.
pub(super) fn hash(text: &str) -> usize {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash ^ (hash >> 32)) as usize & 0xffff_ffff
}

/// The colour with the number `place`.
pub(super) fn color(place: usize) -> Color {
    let (lightness, chroma) = ROWS[(place / HUES) % ROWS.len()];
    // The rows are half a step apart, so that they do not share hues.
    let step = std::f32::consts::TAU / HUES as f32;
    let hue = (place % HUES) as f32 * step + (place / HUES) as f32 * step / 2.0 + 0.3;
    oklab::color([lightness, chroma * hue.cos(), chroma * hue.sin()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_users_are_alike() {
        let mut colors = UserColors::new(&[]);
        let users: Vec<Arc<str>> = (0..24).map(|n| format!("user{n}").into()).collect();
        let all: std::collections::HashSet<Color> =
            users.iter().map(|user| colors.of(user)).collect();
        assert_eq!(all.len(), 24);
        // Users keep their colours.
        assert!(users.iter().all(|user| all.contains(&colors.of(user))));
        let mut others = UserColors::new(&[("user3".to_owned(), Color(1, 2, 3, 255))]);
        assert_eq!(others.of(&users[3]), Color(1, 2, 3, 255));
    }
}
