//! Makes parts of messages to the user.

use std::ffi::OsStr;

use crate::model::Untrusted;

/// The form of a noun for a count: `one` for 1, otherwise `many`.
pub(crate) fn noun(count: u64, one: &'static str, many: &'static str) -> &'static str {
    if count == 1 { one } else { many }
}

/// A path or a typed value, escaped for a message on a terminal.
pub(crate) fn escaped(text: impl AsRef<OsStr>) -> String {
    Untrusted::new(text.as_ref().as_encoded_bytes()).terminal()
}
