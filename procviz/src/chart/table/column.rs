//! The columns of the table.

/// A column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    Pid,
    User,
    State,
    Cpu,
    CpuTime,
    Rss,
    Growth,
    Io,
    Waiting,
    Threads,
    Age,
    Command,
}

/// Least room for the command, in characters.
const LEAST_COMMAND: usize = 24;
/// Columns that are left out where there is too little room, the first one first.
const LEFT_OUT: [Column; 8] = [
    Column::CpuTime,
    Column::Threads,
    Column::Age,
    Column::Waiting,
    Column::Growth,
    Column::User,
    Column::Io,
    Column::State,
];

impl Column {
    pub(crate) const ALL: [Self; 12] = [
        Self::Pid,
        Self::User,
        Self::State,
        Self::Cpu,
        Self::CpuTime,
        Self::Rss,
        Self::Growth,
        Self::Io,
        Self::Waiting,
        Self::Threads,
        Self::Age,
        Self::Command,
    ];

    /// The heading. Rates and shares are those of the last interval.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Pid => "pid",
            Self::User => "user",
            Self::State => "state",
            Self::Cpu => "CPU %",
            Self::CpuTime => "CPU time",
            Self::Rss => "RSS",
            Self::Growth => "growth",
            Self::Io => "IO",
            Self::Waiting => "waits %",
            Self::Threads => "threads",
            Self::Age => "age",
            Self::Command => "command",
        }
    }

    /// Width in characters, without the space after it; the command takes what is left.
    pub(crate) fn width(self) -> usize {
        match self {
            Self::Pid | Self::Waiting | Self::Threads => 7,
            Self::Cpu => 6,
            Self::User | Self::Rss => 10,
            Self::CpuTime | Self::Age => 11,
            Self::Growth | Self::Io => 12,
            Self::State => 17,
            Self::Command => LEAST_COMMAND,
        }
    }

    /// Whether the column holds words, which stand at the left and are sorted from A to Z.
    pub(crate) fn is_text(self) -> bool {
        matches!(self, Self::User | Self::State | Self::Command)
    }

    /// The columns for which this many characters have room.
    pub(crate) fn fitting(room: usize) -> Vec<Self> {
        let mut columns = Self::ALL.to_vec();
        for left_out in LEFT_OUT {
            let width: usize = columns.iter().map(|column| column.width() + 1).sum();
            if width <= room {
                break;
            }
            columns.retain(|column| *column != left_out);
        }
        columns
    }

    /// The column to the right (`true`) or to the left; the last one is followed by the first.
    pub(crate) fn next(self, is_right: bool) -> Self {
        let count = Self::ALL.len();
        let place = Self::ALL.iter().position(|column| *column == self);
        let step = if is_right { 1 } else { count - 1 };
        place.map_or(self, |place| Self::ALL[(place + step) % count])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_fit_and_the_most_important_stay() {
        for room in [40, 60, 80, 100, 130, 200] {
            let columns = Column::fitting(room);
            let width: usize = columns.iter().map(|column| column.width() + 1).sum();
            assert!(width <= room.max(52), "{room}: {width}");
            for kept in [Column::Pid, Column::Cpu, Column::Rss, Column::Command] {
                assert!(columns.contains(&kept), "{room}: {columns:?}");
            }
        }
        assert_eq!(Column::fitting(200), Column::ALL);
    }

    #[test]
    fn columns_follow_each_other_in_a_circle() {
        assert_eq!(Column::Pid.next(true), Column::User);
        assert_eq!(Column::Pid.next(false), Column::Command);
        assert_eq!(Column::Command.next(true), Column::Pid);
    }
}
