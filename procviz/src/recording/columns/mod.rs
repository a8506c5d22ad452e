//! Tables in columns. Each row is described once, by a function over
//! [`Columns`] that writes it or reads it: so both always agree.

mod get;
mod put;

use std::sync::Arc;

pub(super) use self::{
    get::{Invalid, TablesIn},
    put::{Put, TableOut, Words, finish, size},
};
use crate::model::TaskId;

/// A row's values, one after the other, on their way into columns or out of them.
pub(super) trait Columns {
    /// Any number.
    fn number(&mut self, value: &mut u64);
    /// A number that may be unknown.
    fn maybe(&mut self, value: &mut Option<u64>);
    /// A number that is not far from that of the row before.
    fn rising(&mut self, value: &mut u64);
    /// A name, or a process's arguments, kept once a block. A reader takes the
    /// first [`MOST_OF_TEXT`] bytes.
    fn text(&mut self, value: &mut Option<Arc<[u8]>>);
    /// A path, kept and cut like a text. Bytes that are no UTF-8 become U+FFFD.
    fn path(&mut self, value: &mut Option<Arc<str>>);
    /// Bytes of any length that one row of the block has.
    fn blob(&mut self, value: &mut Option<Arc<[u8]>>);
    /// A task, kept once a block.
    fn task(&mut self, value: &mut TaskId);
    /// The same, where it mostly comes after the one of the row before.
    fn next_task(&mut self, value: &mut TaskId);
    /// A value that cannot be.
    fn fail(&mut self);
}

/// How a column's values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Number = 0,
    Maybe = 1,
    Rising = 2,
    Text = 3,
    Task = 4,
    /// The bytes themselves, each after its length: of the block's texts.
    Bytes = 5,
    /// A task by the step from the one before.
    NextTask = 6,
}

impl Coding {
    fn of(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Number,
            1 => Self::Maybe,
            2 => Self::Rising,
            3 => Self::Text,
            4 => Self::Task,
            5 => Self::Bytes,
            6 => Self::NextTask,
            _ => return None,
        })
    }
}

/// The table of the block's texts, and that of its tasks.
const TEXTS: u8 = 1;
const TASKS: u8 = 2;
/// The table of the names of containers and pods whose ids are in the block's paths.
const NAMES: u8 = 3;
/// Upper limit for the names of a block that a reader keeps.
const MOST_NAMES: u64 = 20_000;
/// Upper limit for the rows of a table.
const MOST_ROWS: u64 = 1_000_000;
/// Upper limit for the texts of a block, which take more memory than bytes.
const MOST_TEXTS: u64 = 300_000;
/// Upper limits for the tables of a block, and for the columns of a table.
const MOST_TABLES: usize = 64;
const MOST_COLUMNS: u64 = 64;
/// Upper limit for a name, the arguments of a process, or a path, in bytes: the
/// rest is cut off when it is read.
const MOST_OF_TEXT: usize = 4096;
