//! Reads the machine: kernel events, `/proc` and users, and merges them into
//! samples. The sources do not interpret samples: the tracker does that.

pub mod kernel;
pub mod proc;

pub mod capabilities;
pub mod confine;
pub mod privileges;

pub(crate) mod accounts;
mod cgroups;
mod containers;
mod details;
mod error;
mod exits;
mod identity;
mod invoker;
mod keep;
mod machine;
mod names;
mod namespaces;
mod open_files;
mod own_name;
mod priority;
mod roster;
mod sampler;
mod tick;
mod time_zone;
mod users;

pub(crate) use details::Details;
pub use error::SamplerError;
pub use exits::{Exits, Tally};
pub(crate) use invoker::{access_files_as, invoker};
pub use keep::{Keep, keep_only};
pub(crate) use kernel::share_heap;
pub use machine::{boot_id, boot_now_ns, boot_wall_ns, host, kernel_release, own_cpu_ns};
pub(crate) use names::answer as answer_names;
pub use priority::{back_to_normal, prepare_for_overload};
pub use sampler::Sampler;
pub(crate) use time_zone::time_zone;
pub use users::Users;
