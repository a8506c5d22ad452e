/// An error that ends the program, and the exit status.
#[derive(Debug)]
pub struct Failure {
    /// The exit status: 1 for a failure, 2 for wrong usage, 4 for a missing privilege.
    pub status: u8,
    /// The error to print.
    pub error: anyhow::Error,
}

impl Failure {
    /// The command line is wrong.
    pub(crate) fn usage(message: String) -> Self {
        Self {
            status: 2,
            error: anyhow::Error::msg(message),
        }
    }

    /// What to type against the error, in parentheses; only for too many open files
    /// (EMFILE).
    pub fn hint(&self) -> Option<&'static str> {
        let codes = self
            .error
            .chain()
            .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
            .filter_map(std::io::Error::raw_os_error);
        let errnos = self
            .error
            .chain()
            .filter_map(|cause| cause.downcast_ref::<rustix::io::Errno>())
            .map(|errno| errno.raw_os_error());
        let too_many = rustix::io::Errno::MFILE.raw_os_error();
        codes
            .chain(errnos)
            .any(|code| code == too_many)
            .then_some(" (to raise the limit of open files: `ulimit -n 1024`)")
    }

    /// A privilege is missing, and the subcommand cannot run without this privilege.
    pub(crate) fn privilege(message: String) -> Self {
        Self {
            status: 4,
            error: anyhow::Error::msg(message),
        }
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self {
            status: 1,
            error: error.into(),
        }
    }
}
