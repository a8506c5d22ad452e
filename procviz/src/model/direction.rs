//! Says in words whether storage IO is reading or writing.

/// From this part on, IO is said to be of one direction.
const MOST: f64 = 0.9;

/// What storage IO mostly is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Reading,
    Writing,
    Both,
}

impl Direction {
    /// The direction of IO of which this much was read; both numbers have the same unit.
    pub(crate) fn of(read: f64, all: f64) -> Self {
        if all <= 0.0 {
            Self::Both
        } else if read >= all * MOST {
            Self::Reading
        } else if all - read >= all * MOST {
            Self::Writing
        } else {
            Self::Both
        }
    }

    /// What one process does.
    pub(crate) fn verb(self) -> &'static str {
        match self {
            Self::Reading => "reads",
            Self::Writing => "writes",
            Self::Both => "reads and writes",
        }
    }

    /// What many processes do.
    pub(crate) fn verb_of_many(self) -> &'static str {
        match self {
            Self::Reading => "read",
            Self::Writing => "write",
            Self::Both => "read and write",
        }
    }

    /// What follows a rate: `31 MiB/s written`.
    pub(crate) fn after_rate(self) -> &'static str {
        match self {
            Self::Reading => " read",
            Self::Writing => " written",
            Self::Both => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_tenths_are_a_direction() {
        assert_eq!(Direction::of(90.0, 100.0), Direction::Reading);
        assert_eq!(Direction::of(10.0, 100.0), Direction::Writing);
        assert_eq!(Direction::of(11.0, 100.0), Direction::Both);
        assert_eq!(Direction::of(0.0, 5.0), Direction::Writing);
        // Nothing has no direction.
        assert_eq!(Direction::of(0.0, 0.0), Direction::Both);
    }
}
