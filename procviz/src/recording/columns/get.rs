//! Reads rows out of columns, within limits.

use std::{cell::OnceCell, sync::Arc};

use super::{
    super::{
        block::MOST,
        varint::{take, take_u64, unzigzag},
    },
    Coding, Columns, MOST_COLUMNS, MOST_NAMES, MOST_OF_TEXT, MOST_ROWS, MOST_TABLES, MOST_TEXTS,
    NAMES, TASKS, TEXTS,
};
use crate::model::{ContainerNames, TaskId, keep_names};

/// A block's payload that makes no sense.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::recording) struct Invalid;

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
pub(in crate::recording) struct TablesIn {
    payload: Vec<u8>,
    texts: Vec<Text>,
    tasks: Vec<TaskId>,
    tables: Vec<TableIn>,
}

impl TablesIn {
    /// Finds the tables. Tables and columns that a later version has added are kept aside.
    pub(in crate::recording) fn parse(payload: Vec<u8>) -> Result<Self, Invalid> {
        // Where a text is, is kept in 32 bits.
        if payload.len() > MOST {
            return Err(Invalid);
        }
        let mut tables: Vec<TableIn> = Vec::new();
        let mut rest = payload.as_slice();
        while let Some((id, after)) = rest.split_first() {
            rest = after;
            if tables.len() >= MOST_TABLES || tables.iter().any(|table| table.id == *id) {
                return Err(Invalid);
            }
            tables.push(table(*id, &mut rest, payload.len()).ok_or(Invalid)?);
        }
        let mut found = Self {
            payload,
            texts: Vec::new(),
            tasks: Vec::new(),
            tables,
        };
        found.read_texts()?;
        found.read_tasks()?;
        found.read_names()?;
        Ok(found)
    }

    /// Keeps the names of the containers and pods that the block speaks of.
    fn read_names(&mut self) -> Result<(), Invalid> {
        for _ in 0..self.rows(NAMES).min(MOST_NAMES) {
            let mut texts = [const { None }; 4];
            self.row(NAMES, |row| {
                for text in &mut texts {
                    row.path(text);
                }
            })?;
            let [id, container, pod, namespace] =
                texts.map(|text| text.map(|text: Arc<str>| (*text).to_owned()));
            let names = ContainerNames {
                container,
                pod,
                namespace,
            };
            if let Some(id) = id {
                keep_names(&id, names);
            }
        }
        Ok(())
    }

    fn read_texts(&mut self) -> Result<(), Invalid> {
        let Some(table) = self.tables.iter().find(|table| table.id == TEXTS) else {
            return Ok(());
        };
        let column = table.columns.first().ok_or(Invalid)?;
        if column.coding != Some(Coding::Bytes) || table.rows > MOST_TEXTS {
            return Err(Invalid);
        }
        let mut from = column.from;
        for _ in 0..table.rows {
            let mut rest = &self.payload[from..column.to];
            let len = take_u64(&mut rest).ok_or(Invalid)? as usize;
            let begin = column.to - rest.len();
            from = begin.checked_add(len).ok_or(Invalid)?;
            if from > column.to {
                return Err(Invalid);
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

    fn read_tasks(&mut self) -> Result<(), Invalid> {
        let rows = self.rows(TASKS);
        let mut tasks = Vec::new();
        for _ in 0..rows {
            let (mut tid, mut start_ns) = (0, 0);
            self.row(TASKS, |row| {
                row.rising(&mut tid);
                row.rising(&mut start_ns);
            })?;
            let tid = tid.try_into().map_err(|_| Invalid)?;
            tasks.push(TaskId { tid, start_ns });
        }
        self.tasks = tasks;
        Ok(())
    }

    /// Rows of all tables, those of tasks and texts included.
    pub(in crate::recording) fn all_rows(&self) -> u64 {
        let rows: u64 = self.tables.iter().map(|table| table.rows).sum();
        rows + self.tasks.len() as u64
    }

    /// Rows that a table has left.
    pub(in crate::recording) fn rows(&self, id: u8) -> u64 {
        let table = self.tables.iter().find(|table| table.id == id);
        table.map_or(0, |table| table.rows)
    }

    /// Reads a table's next row.
    pub(in crate::recording) fn row(
        &mut self,
        id: u8,
        describe: impl FnOnce(&mut Get<'_>),
    ) -> Result<(), Invalid> {
        let table = self.tables.iter_mut().find(|table| table.id == id);
        let table = table.filter(|table| table.rows > 0).ok_or(Invalid)?;
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
        if get.is_bad { Err(Invalid) } else { Ok(()) }
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
pub(in crate::recording) struct Get<'a> {
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
