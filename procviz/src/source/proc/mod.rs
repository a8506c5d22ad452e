//! Reads `/proc`. The files that a tick needs have their own parsers,
//! which allocate nothing. The `procfs` crate reads all other files.

mod files;
mod io;
mod kept;
mod machine;
mod open_on;
mod reader;
mod schedstat;
mod stat;
mod status;
mod turns;
mod vmstat;
mod walk;

pub use files::{ProcFiles, TaskDir, TaskFile};
pub use io::{IoFile, parse_io};
pub(crate) use machine::MachineReader;
pub(crate) use open_on::open_on;
pub use reader::{ProcDir, ReadError};
pub use schedstat::{Schedstat, parse_schedstat};
pub use stat::{ParseError, Stat, parse_stat};
pub use status::parse_memory;
pub(crate) use vmstat::MemoryWatch;
pub(crate) use walk::Walk;
