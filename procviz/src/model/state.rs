use serde::{Deserialize, Serialize};

/// State of a task in the scheduler, with the letters of proc(5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// `R`: on a CPU, or runnable and waiting for a CPU.
    Running,
    /// `S`: interruptible sleep, a signal wakes the task.
    #[default]
    Sleeping,
    /// `D`: uninterruptible sleep, no signal wakes the task; counts in the load average.
    Blocked,
    /// `I`: an idle kernel thread.
    Idle,
    /// `T`: stopped by a signal.
    Stopped,
    /// `t`: stopped by a tracer.
    Traced,
    /// `Z`: dead, not reaped yet.
    Zombie,
    /// `X`: dead.
    Dead,
    /// `P`: a parked kernel thread.
    Parked,
}

const INTERRUPTIBLE: u32 = 0x1;
const UNINTERRUPTIBLE: u32 = 0x2;
const STOPPED: u32 = 0x4;
const TRACED: u32 = 0x8;
const EXIT_DEAD: u32 = 0x10;
const EXIT_ZOMBIE: u32 = 0x20;
const PARKED: u32 = 0x40;
const NOLOAD: u32 = 0x400;
const RTLOCK_WAIT: u32 = 0x1000;
const FROZEN: u32 = 0x8000;

impl State {
    /// Converts the kernel's state bits (`include/linux/sched.h`, `__task_state_index`).
    /// Uninterruptible sleep that does not count in the load is idle; frozen tasks and
    /// tasks that wait for a lock (`RTLOCK_WAIT`) count as blocked.
    pub fn from_bits(bits: u32) -> Self {
        let idle = UNINTERRUPTIBLE | NOLOAD;
        if bits & idle == idle {
            Self::Idle
        } else if bits & (RTLOCK_WAIT | FROZEN) != 0 {
            Self::Blocked
        } else if bits & PARKED != 0 {
            Self::Parked
        } else if bits & EXIT_ZOMBIE != 0 {
            Self::Zombie
        } else if bits & EXIT_DEAD != 0 {
            Self::Dead
        } else if bits & TRACED != 0 {
            Self::Traced
        } else if bits & STOPPED != 0 {
            Self::Stopped
        } else if bits & UNINTERRUPTIBLE != 0 {
            Self::Blocked
        } else if bits & INTERRUPTIBLE != 0 {
            Self::Sleeping
        } else {
            Self::Running
        }
    }

    /// Converts the letter of `/proc/PID/stat`; `None` if the letter is not known.
    pub fn from_letter(letter: u8) -> Option<Self> {
        Some(match letter {
            b'R' => Self::Running,
            b'S' => Self::Sleeping,
            b'D' => Self::Blocked,
            b'I' => Self::Idle,
            b'T' => Self::Stopped,
            b't' => Self::Traced,
            b'Z' => Self::Zombie,
            b'X' | b'x' => Self::Dead,
            b'P' => Self::Parked,
            _ => return None,
        })
    }

    /// The letter of proc(5).
    pub fn letter(self) -> char {
        match self {
            Self::Running => 'R',
            Self::Sleeping => 'S',
            Self::Blocked => 'D',
            Self::Idle => 'I',
            Self::Stopped => 'T',
            Self::Traced => 't',
            Self::Zombie => 'Z',
            Self::Dead => 'X',
            Self::Parked => 'P',
        }
    }

    /// The name shown to users.
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Sleeping => "sleeping",
            Self::Blocked => "blocked",
            Self::Idle => "idle",
            Self::Stopped => "stopped",
            Self::Traced => "traced",
            Self::Zombie => "zombie",
            Self::Dead => "dead",
            Self::Parked => "parked",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_become_letters() {
        let letters: String = [
            0, 1, 2, 0x402, 0x8001, 0x1002, 4, 8, 0x20, 0x10, 0x40, 0x2001,
        ]
        .map(|bits| State::from_bits(bits).letter())
        .iter()
        .collect();
        assert_eq!(letters, "RSDIDDTtZXPS");
    }
}
