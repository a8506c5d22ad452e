/// What a task did in an interval: the colour of its dot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activity {
    /// None of the others.
    #[default]
    Idle,
    /// Used at least 1 % of a core, or was on a CPU at the tick, or waited for one.
    Cpu,
    /// Read from or wrote to storage, or waits for that since it last ran.
    Io,
    /// Both.
    CpuIo,
    /// Died in this interval or the one before.
    Exited,
}

impl Activity {
    /// All, in the order of the legend.
    pub const ALL: [Self; 5] = [Self::Idle, Self::Cpu, Self::Io, Self::CpuIo, Self::Exited];

    /// From its two halves.
    pub fn new(cpu: bool, io: bool) -> Self {
        match (cpu, io) {
            (false, false) => Self::Idle,
            (true, false) => Self::Cpu,
            (false, true) => Self::Io,
            (true, true) => Self::CpuIo,
        }
    }

    /// The word in legends and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Cpu => "cpu",
            Self::Io => "io",
            Self::CpuIo => "cpu+io",
            Self::Exited => "exited",
        }
    }
}
