//! Writes snapshots and exit records as data for other programs.

pub(crate) mod csv;
pub(crate) mod exit_columns;
pub(crate) mod finding_lines;
pub(crate) mod json;
mod killed_by;
pub(crate) mod note_lines;
mod owner;
pub(crate) mod rows;
pub(crate) mod run;
pub(crate) mod time;
pub(crate) mod users;
