//! Touches the machine: the kernel's events, `/proc`, users, and the tick
//! that merges them into samples. It draws no conclusions: that is the
//! tracker's work.

pub mod kernel;
pub mod proc;

pub mod capabilities;
pub mod confine;
pub mod privileges;

pub(crate) mod accounts;
mod args;
mod cgroups;
mod details;
mod exits;
mod invoker;
mod machine;
mod names;
mod roster;
mod sampler;
mod tick;
mod trouble;
mod users;

pub(crate) use details::Details;
pub use exits::{Exits, Tally};
pub(crate) use invoker::invoker;
pub use machine::{boot_id, boot_now_ns, boot_wall_ns, host, kernel_release, own_cpu_ns};
pub(crate) use names::answer as answer_names;
pub use sampler::{Sampler, SamplerError};
pub use trouble::{Keep, back_to_normal, keep_only, prepare_for_trouble};
pub use users::Users;
