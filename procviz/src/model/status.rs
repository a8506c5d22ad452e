//! How a task ended, as wait(2) tells it.

use serde::{Deserialize, Serialize};

/// A wait status, as in wait(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Status(pub u32);

impl Status {
    /// The exit status; `None` if a signal killed the task.
    pub fn code(self) -> Option<u32> {
        (self.0 & 0x7f == 0).then_some(self.0 >> 8 & 0xff)
    }

    /// The signal that killed the task; `None` if the task exited by itself.
    pub fn signal(self) -> Option<u32> {
        let signal = self.0 & 0x7f;
        (signal != 0).then_some(signal)
    }

    /// Whether the kernel wrote a core dump.
    pub fn core_dumped(self) -> bool {
        self.0 & 0x80 != 0
    }

    /// Whether a signal killed the task that nobody sends on purpose to end a process: all but
    /// HUP, INT, PIPE and TERM.
    pub fn is_crash(self) -> bool {
        const PEACEFUL: [u32; 4] = [1, 2, 13, 15];
        self.signal()
            .is_some_and(|signal| !PEACEFUL.contains(&signal))
    }

    /// Name of the signal: `SIGSEGV`, or `SIGRTMIN+3` for a real-time signal.
    pub fn signal_name(self) -> Option<String> {
        const NAMES: [&str; 31] = [
            "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV",
            "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN",
            "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
        ];
        let signal = self.signal()?;
        Some(match NAMES.get(signal as usize - 1) {
            Some(name) => format!("SIG{name}"),
            // The C library reserves the first two real-time signals.
            None if signal >= 34 => format!("SIGRTMIN+{}", signal - 34),
            None => format!("SIG{signal}"),
        })
    }

    /// Text for the user: `exit 7` or `SIGSEGV`.
    pub fn words(self) -> String {
        self.signal_name()
            .unwrap_or_else(|| format!("exit {}", self.0 >> 8 & 0xff))
    }
}
