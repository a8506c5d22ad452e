/// Why the program ends, and with which status.
#[derive(Debug)]
pub struct Failure {
    /// The exit status: 1 failed, 2 usage, 4 privilege missing.
    pub status: u8,
    /// What to print.
    pub error: anyhow::Error,
}

impl Failure {
    /// What was typed makes no sense.
    pub(crate) fn usage(message: String) -> Self {
        Self {
            status: 2,
            error: anyhow::Error::msg(message),
        }
    }

    /// What to type, where the cause of an error says it: ` (try: ...)`.
    pub fn way_out(&self) -> Option<&'static str> {
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
            .then_some(" (more of them: ulimit -n 1024)")
    }

    /// A privilege is missing that nothing can be done without.
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
