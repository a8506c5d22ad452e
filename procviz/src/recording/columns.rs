//! Tables in columns. Each row is described once, by a function over
//! [`Columns`] that writes it or reads it: so both always agree.

use std::{cell::OnceCell, sync::Arc};

use rustc_hash::FxHashMap;

use super::{
    block::MOST,
    varint::{put, take, take_u64, unzigzag, zigzag},
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

struct ColumnOut {
    coding: Coding,
    data: Vec<u8>,
    last: u64,
}

impl ColumnOut {
    /// Adds the step from the value before.
    fn rise(&mut self, value: u64) {
        let step = value.wrapping_sub(self.last) as i64;
        self.last = value;
        put(&mut self.data, zigzag(step).into());
    }
}

/// A table that grows; its buffers are used again.
pub(super) struct TableOut {
    id: u8,
    rows: u64,
    columns: Vec<ColumnOut>,
}

impl TableOut {
    pub(super) fn new(id: u8) -> Self {
        Self {
            id,
            rows: 0,
            columns: Vec::new(),
        }
    }

    pub(super) fn id(&self) -> u8 {
        self.id
    }

    /// A row for `describe` to fill.
    pub(super) fn row(&mut self, words: &mut Words, describe: impl FnOnce(&mut Put<'_>)) {
        self.rows += 1;
        describe(&mut Put {
            columns: &mut self.columns,
            words,
            next: 0,
        });
    }

    /// Tasks by their rows, in place of their numbers.
    fn rank(&mut self, ranks: &[u64]) {
        let of_tasks =
            |column: &&mut ColumnOut| matches!(column.coding, Coding::Task | Coding::NextTask);
        for column in self.columns.iter_mut().filter(of_tasks) {
            let numbers = std::mem::take(&mut column.data);
            let mut rest = numbers.as_slice();
            while let Some(rank) = take_u64(&mut rest).and_then(|at| ranks.get(at as usize)) {
                match column.coding {
                    Coding::NextTask => column.rise(*rank),
                    _ => put(&mut column.data, (*rank).into()),
                }
            }
        }
    }

    /// Appends the table, if it has rows, and empties it.
    fn finish(&mut self, out: &mut Vec<u8>) {
        if self.rows > 0 {
            out.push(self.id);
            put(out, self.rows.into());
            put(out, self.columns.len() as u128);
            for column in &mut self.columns {
                out.push(column.coding as u8);
                put(out, column.data.len() as u128);
                out.append(&mut column.data);
                column.last = 0;
            }
        }
        self.rows = 0;
    }

    fn bytes(&self) -> usize {
        self.columns.iter().map(|column| column.data.len()).sum()
    }
}

/// Texts and tasks of a block.
pub(super) struct Words {
    texts: FxHashMap<Box<[u8]>, u64>,
    tasks: FxHashMap<TaskId, u64>,
    text_table: TableOut,
    task_table: TableOut,
}

impl Words {
    pub(super) fn new() -> Self {
        Self {
            texts: FxHashMap::default(),
            tasks: FxHashMap::default(),
            text_table: TableOut::new(TEXTS),
            task_table: TableOut::new(TASKS),
        }
    }

    fn text(&mut self, text: &[u8]) -> u64 {
        if let Some(number) = self.texts.get(text) {
            return *number;
        }
        let number = self.texts.len() as u64;
        self.texts.insert(text.into(), number);
        let table = &mut self.text_table;
        table.rows += 1;
        let column = column(&mut table.columns, 0, Coding::Bytes);
        put(&mut column.data, text.len() as u128);
        column.data.extend_from_slice(text);
        number
    }

    fn task(&mut self, task: TaskId) -> u64 {
        if let Some(number) = self.tasks.get(&task) {
            return *number;
        }
        let number = self.tasks.len() as u64;
        self.tasks.insert(task, number);
        number
    }

    /// Fills the table of tasks, and tells the row of each by its number. In
    /// the order of their ids they take half the room.
    fn rank_tasks(&mut self) -> Vec<u64> {
        let mut tasks: Vec<(TaskId, u64)> = self.tasks.drain().collect();
        tasks.sort_unstable();
        let mut ranks = vec![0; tasks.len()];
        let table = &mut self.task_table;
        for (row, (task, number)) in tasks.into_iter().enumerate() {
            table.rows += 1;
            for (index, value) in [u64::from(task.tid), task.start_ns].into_iter().enumerate() {
                column(&mut table.columns, index, Coding::Rising).rise(value);
            }
            ranks[number as usize] = row as u64;
        }
        ranks
    }
}

/// All tables of a block, with the texts and tasks that they speak of, as
/// bytes; the tables are empty then.
pub(super) fn finish(words: &mut Words, tables: &mut [TableOut]) -> Vec<u8> {
    let mut out = Vec::new();
    let ranks = words.rank_tasks();
    words.text_table.finish(&mut out);
    words.task_table.finish(&mut out);
    words.texts.clear();
    for table in tables {
        table.rank(&ranks);
        table.finish(&mut out);
    }
    out
}

/// About how many bytes [`finish`] would make.
pub(super) fn size(words: &Words, tables: &[TableOut]) -> usize {
    let words = words.text_table.bytes() + words.tasks.len() * size_of::<TaskId>();
    words + tables.iter().map(TableOut::bytes).sum::<usize>()
}

fn column(columns: &mut Vec<ColumnOut>, index: usize, coding: Coding) -> &mut ColumnOut {
    while columns.len() <= index {
        columns.push(ColumnOut {
            coding,
            data: Vec::new(),
            last: 0,
        });
    }
    &mut columns[index]
}

/// Writes a row.
pub(super) struct Put<'a> {
    columns: &'a mut Vec<ColumnOut>,
    words: &'a mut Words,
    next: usize,
}

impl Put<'_> {
    fn next(&mut self, coding: Coding) -> &mut ColumnOut {
        let index = self.next;
        self.next += 1;
        column(self.columns, index, coding)
    }
}

impl Columns for Put<'_> {
    fn number(&mut self, value: &mut u64) {
        put(&mut self.next(Coding::Number).data, (*value).into());
    }

    fn maybe(&mut self, value: &mut Option<u64>) {
        let number = value.map_or(0, |value| u128::from(value) + 1);
        put(&mut self.next(Coding::Maybe).data, number);
    }

    fn rising(&mut self, value: &mut u64) {
        self.next(Coding::Rising).rise(*value);
    }

    fn text(&mut self, value: &mut Option<Arc<[u8]>>) {
        let number = value
            .as_ref()
            .map_or(0, |text| u128::from(self.words.text(text)) + 1);
        put(&mut self.next(Coding::Text).data, number);
    }

    fn path(&mut self, value: &mut Option<Arc<str>>) {
        let number = value
            .as_ref()
            .map_or(0, |path| u128::from(self.words.text(path.as_bytes())) + 1);
        put(&mut self.next(Coding::Text).data, number);
    }

    fn blob(&mut self, value: &mut Option<Arc<[u8]>>) {
        self.text(value);
    }

    fn task(&mut self, value: &mut TaskId) {
        let number = self.words.task(*value);
        put(&mut self.next(Coding::Task).data, number.into());
    }

    fn next_task(&mut self, value: &mut TaskId) {
        let number = self.words.task(*value);
        put(&mut self.next(Coding::NextTask).data, number.into());
    }

    fn fail(&mut self) {}
}

/// A block's payload that makes no sense.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Nonsense;

struct ColumnIn {
    /// `None`: one of a later version, which nobody here reads.
    coding: Option<Coding>,
    /// Of the payload: what is left of the column.
    from: usize,
    to: usize,
    last: u64,
}

/// A table that is read from the front.
struct TableIn {
    id: u8,
    rows: u64,
    columns: Vec<ColumnIn>,
}

/// A text of a block. All rows that have it share one copy.
struct Text {
    from: u32,
    to: u32,
    bytes: OnceCell<Arc<[u8]>>,
    path: OnceCell<Arc<str>>,
}

impl Text {
    /// The bytes that are read of it.
    fn cut<'a>(&self, payload: &'a [u8]) -> &'a [u8] {
        let to = self.to.min(self.from + MOST_OF_TEXT as u32);
        &payload[self.from as usize..to as usize]
    }
}

/// All tables of a payload.
pub(super) struct TablesIn {
    payload: Vec<u8>,
    texts: Vec<Text>,
    tasks: Vec<TaskId>,
    tables: Vec<TableIn>,
}

impl TablesIn {
    /// Finds the tables. Tables and columns that a later version has added are kept aside.
    pub(super) fn parse(payload: Vec<u8>) -> Result<Self, Nonsense> {
        // Where a text is, is kept in 32 bits.
        if payload.len() > MOST {
            return Err(Nonsense);
        }
        let mut tables: Vec<TableIn> = Vec::new();
        let mut rest = payload.as_slice();
        while let Some((id, after)) = rest.split_first() {
            rest = after;
            if tables.len() >= MOST_TABLES || tables.iter().any(|table| table.id == *id) {
                return Err(Nonsense);
            }
            tables.push(table(*id, &mut rest, payload.len()).ok_or(Nonsense)?);
        }
        let mut found = Self {
            payload,
            texts: Vec::new(),
            tasks: Vec::new(),
            tables,
        };
        found.read_texts()?;
        found.read_tasks()?;
        Ok(found)
    }

    fn read_texts(&mut self) -> Result<(), Nonsense> {
        let Some(table) = self.tables.iter().find(|table| table.id == TEXTS) else {
            return Ok(());
        };
        let column = table.columns.first().ok_or(Nonsense)?;
        if column.coding != Some(Coding::Bytes) || table.rows > MOST_TEXTS {
            return Err(Nonsense);
        }
        let mut from = column.from;
        for _ in 0..table.rows {
            let mut rest = &self.payload[from..column.to];
            let len = take_u64(&mut rest).ok_or(Nonsense)? as usize;
            let begin = column.to - rest.len();
            from = begin.checked_add(len).ok_or(Nonsense)?;
            if from > column.to {
                return Err(Nonsense);
            }
            self.texts.push(Text {
                from: begin as u32,
                to: from as u32,
                bytes: OnceCell::new(),
                path: OnceCell::new(),
            });
        }
        Ok(())
    }

    fn read_tasks(&mut self) -> Result<(), Nonsense> {
        let rows = self.rows(TASKS);
        let mut tasks = Vec::new();
        for _ in 0..rows {
            let (mut tid, mut start_ns) = (0, 0);
            self.row(TASKS, |row| {
                row.rising(&mut tid);
                row.rising(&mut start_ns);
            })?;
            let tid = tid.try_into().map_err(|_| Nonsense)?;
            tasks.push(TaskId { tid, start_ns });
        }
        self.tasks = tasks;
        Ok(())
    }

    /// Rows of all tables, those of tasks and texts included.
    pub(super) fn all_rows(&self) -> u64 {
        let rows: u64 = self.tables.iter().map(|table| table.rows).sum();
        rows + self.tasks.len() as u64
    }

    /// Rows that a table has left.
    pub(super) fn rows(&self, id: u8) -> u64 {
        let table = self.tables.iter().find(|table| table.id == id);
        table.map_or(0, |table| table.rows)
    }

    /// Reads a table's next row.
    pub(super) fn row(
        &mut self,
        id: u8,
        describe: impl FnOnce(&mut Get<'_>),
    ) -> Result<(), Nonsense> {
        let table = self.tables.iter_mut().find(|table| table.id == id);
        let table = table.filter(|table| table.rows > 0).ok_or(Nonsense)?;
        table.rows -= 1;
        let mut get = Get {
            columns: &mut table.columns,
            payload: &self.payload,
            texts: &self.texts,
            tasks: &self.tasks,
            next: 0,
            is_bad: false,
        };
        describe(&mut get);
        if get.is_bad { Err(Nonsense) } else { Ok(()) }
    }
}

fn table(id: u8, rest: &mut &[u8], whole: usize) -> Option<TableIn> {
    let rows = take_u64(rest)?;
    let count = take_u64(rest)?;
    if rows > MOST_ROWS || count > MOST_COLUMNS || (rows > 0 && count == 0) {
        return None;
    }
    let mut columns = Vec::new();
    for _ in 0..count {
        let (coding, after) = rest.split_first()?;
        *rest = after;
        let len = usize::try_from(take_u64(rest)?).ok()?;
        // Each value takes a byte at least.
        if len > rest.len() || (len as u64) < rows {
            return None;
        }
        let from = whole - rest.len();
        *rest = &rest[len..];
        columns.push(ColumnIn {
            coding: Coding::of(*coding),
            from,
            to: from + len,
            last: 0,
        });
    }
    Some(TableIn { id, rows, columns })
}

/// Reads a row. A column that is not there, as the file is of an older
/// version, leaves the value as it is.
pub(super) struct Get<'a> {
    columns: &'a mut [ColumnIn],
    payload: &'a [u8],
    texts: &'a [Text],
    tasks: &'a [TaskId],
    next: usize,
    is_bad: bool,
}

impl<'a> Get<'a> {
    /// The next column's next number; `None` where there is none.
    fn next(&mut self, coding: Coding) -> Option<u128> {
        let column = self.columns.get_mut(self.next)?;
        self.next += 1;
        let mut rest = &self.payload[column.from..column.to];
        let value = take(&mut rest).filter(|_| column.coding == Some(coding));
        column.from = column.to - rest.len();
        self.is_bad |= value.is_none();
        value
    }

    /// The same, of a column of steps.
    fn risen(&mut self, coding: Coding) -> Option<u64> {
        let index = self.next;
        let step = self.next(coding)?;
        let step = unzigzag(self.fits(step).unwrap_or_default());
        let column = &mut self.columns[index];
        column.last = column.last.wrapping_add(step as u64);
        Some(column.last)
    }

    /// The next column's text: `None` where there is no such column,
    /// `Some(None)` where the value is unknown.
    fn text_of_row(&mut self) -> Option<Option<&'a Text>> {
        let number = self.next(Coding::Text)?;
        let Some(index) = number.checked_sub(1) else {
            return Some(None);
        };
        let texts = self.texts;
        let text = usize::try_from(index)
            .ok()
            .and_then(|index| texts.get(index));
        self.is_bad |= text.is_none();
        Some(text)
    }

    fn task_of(&mut self, row: u64, value: &mut TaskId) {
        let row = usize::try_from(row).ok();
        match row.and_then(|row| self.tasks.get(row)) {
            Some(task) => *value = *task,
            None => self.is_bad = true,
        }
    }

    fn fits(&mut self, value: u128) -> Option<u64> {
        let value = u64::try_from(value).ok();
        self.is_bad |= value.is_none();
        value
    }
}

impl Columns for Get<'_> {
    fn number(&mut self, value: &mut u64) {
        if let Some(number) = self.next(Coding::Number) {
            *value = self.fits(number).unwrap_or_default();
        }
    }

    fn maybe(&mut self, value: &mut Option<u64>) {
        if let Some(number) = self.next(Coding::Maybe) {
            *value = number.checked_sub(1).and_then(|number| self.fits(number));
        }
    }

    fn rising(&mut self, value: &mut u64) {
        if let Some(number) = self.risen(Coding::Rising) {
            *value = number;
        }
    }

    fn text(&mut self, value: &mut Option<Arc<[u8]>>) {
        if let Some(text) = self.text_of_row() {
            let cut = |text: &Text| text.cut(self.payload).into();
            *value = text.map(|text| Arc::clone(text.bytes.get_or_init(|| cut(text))));
        }
    }

    fn path(&mut self, value: &mut Option<Arc<str>>) {
        if let Some(text) = self.text_of_row() {
            let cut = |text: &Text| String::from_utf8_lossy(text.cut(self.payload)).into();
            *value = text.map(|text| Arc::clone(text.path.get_or_init(|| cut(text))));
        }
    }

    fn blob(&mut self, value: &mut Option<Arc<[u8]>>) {
        if let Some(text) = self.text_of_row() {
            let whole = |text: &Text| &self.payload[text.from as usize..text.to as usize];
            *value = text.map(|text| whole(text).into());
        }
    }

    fn task(&mut self, value: &mut TaskId) {
        if let Some(number) = self.next(Coding::Task) {
            let row = self.fits(number).unwrap_or(u64::MAX);
            self.task_of(row, value);
        }
    }

    fn next_task(&mut self, value: &mut TaskId) {
        if let Some(row) = self.risen(Coding::NextTask) {
            self.task_of(row, value);
        }
    }

    fn fail(&mut self) {
        self.is_bad = true;
    }
}
