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
    pub(super) fn usage(message: String) -> Self {
        Self {
            status: 2,
            error: anyhow::Error::msg(message),
        }
    }

    /// A privilege is missing that nothing can be done without.
    pub(super) fn privilege(message: String) -> Self {
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
