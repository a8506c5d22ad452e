//! How writers of data ask for the names of users.

use std::sync::Arc;

/// Returns the name of a user id.
pub(crate) type Names<'a> = &'a dyn Fn(u32) -> Arc<str>;
