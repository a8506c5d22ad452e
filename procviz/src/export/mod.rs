//! Writes snapshots and exit records as data for other programs.

pub(crate) mod container;
pub(crate) mod csv;
pub(crate) mod finding_lines;
pub(crate) mod json;
pub(crate) mod rows;
pub(crate) mod run;
pub(crate) mod time;
