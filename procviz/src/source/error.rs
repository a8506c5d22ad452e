//! Defines the errors of sampling.

use super::kernel::LoadError;

/// Why no sample can be taken.
#[derive(Debug, thiserror::Error)]
pub enum SamplerError {
    /// `/proc` cannot be read.
    #[error("failed to read `/proc`")]
    Proc(#[source] std::io::Error),
    /// A thread could not be started.
    #[error("failed to start a thread")]
    Thread(#[source] std::io::Error),
    /// The kernel refused an operation on the eBPF programs, such as a census.
    #[error(transparent)]
    Kernel(#[from] LoadError),
}
