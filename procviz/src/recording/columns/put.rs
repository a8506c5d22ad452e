//! Writes rows into columns.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{
    super::varint::{put, take_u64, zigzag},
    Coding, Columns, NAMES, TASKS, TEXTS,
};
use crate::model::{CgroupOwner, ContainerNames, TaskId, is_container_id, names_of};

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
pub(in crate::recording) struct TableOut {
    id: u8,
    rows: u64,
    columns: Vec<ColumnOut>,
}

impl TableOut {
    pub(in crate::recording) fn new(id: u8) -> Self {
        Self {
            id,
            rows: 0,
            columns: Vec::new(),
        }
    }

    pub(in crate::recording) fn id(&self) -> u8 {
        self.id
    }

    /// A row for `describe` to fill.
    pub(in crate::recording) fn row(
        &mut self,
        words: &mut Words,
        describe: impl FnOnce(&mut Put<'_>),
    ) {
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

/// The user that owns a container or pod, and which of its names were written.
type Known = (Option<u32>, Option<Arc<ContainerNames>>);

/// Texts and tasks of a block.
pub(in crate::recording) struct Words {
    texts: FxHashMap<Box<[u8]>, u64>,
    tasks: FxHashMap<TaskId, u64>,
    text_table: TableOut,
    task_table: TableOut,
    name_table: TableOut,
    /// The ids of containers and pods in the paths of the block, with the users that own them.
    ids: FxHashMap<Box<str>, Option<u32>>,
    /// Those of blocks before it, of which not all names were known then, and what was.
    waiting: FxHashMap<Box<str>, Known>,
}

/// Upper limit for the ids whose names are waited for.
const MOST_WAITING: usize = 10_000;

impl Words {
    pub(in crate::recording) fn new() -> Self {
        Self {
            texts: FxHashMap::default(),
            tasks: FxHashMap::default(),
            text_table: TableOut::new(TEXTS),
            task_table: TableOut::new(TASKS),
            name_table: TableOut::new(NAMES),
            ids: FxHashMap::default(),
            waiting: FxHashMap::default(),
        }
    }

    /// Waits for the names that `other` waits for.
    pub(in crate::recording) fn wait_for(&mut self, other: Self) {
        self.waiting.extend(other.waiting);
    }

    fn path(&mut self, path: &str) -> u64 {
        let before = self.texts.len() as u64;
        let number = self.text(path.as_bytes());
        if number == before {
            let owner = CgroupOwner::of(path);
            let ids = owner.ids().map(|id| (Box::from(id), owner.uid));
            self.ids.extend(ids);
        }
        number
    }

    /// Fills the table of names: of the containers and pods that the block speaks of, and of
    /// earlier ones whose names have become known since.
    fn name(&mut self) {
        let new = std::mem::take(&mut self.ids);
        let new = new.into_iter().map(|(id, owner)| (id, (owner, None)));
        let mut ids = std::mem::take(&mut self.waiting);
        ids.extend(new);
        let mut ids: Vec<_> = ids.into_iter().collect();
        ids.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let mut table = std::mem::replace(&mut self.name_table, TableOut::new(NAMES));
        for (id, (owner, before)) in ids {
            let names = names_of(&id, owner);
            let is_whole = names.as_ref().is_some_and(|names| {
                names.container.is_some() || !is_container_id(&id) && names.pod.is_some()
            });
            if !is_whole && self.waiting.len() < MOST_WAITING {
                self.waiting.insert(id.clone(), (owner, names.clone()));
            }
            let Some(names) = names.filter(|names| before.as_ref() != Some(names)) else {
                continue;
            };
            table.row(self, |put| {
                for text in [
                    Some(&*id),
                    names.container.as_deref(),
                    names.pod.as_deref(),
                    names.namespace.as_deref(),
                ] {
                    put.text(&mut text.map(|text| text.as_bytes().into()));
                }
            });
        }
        self.name_table = table;
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

    /// Fills the table of tasks, and gives the row of each by its number. In
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
pub(in crate::recording) fn finish(words: &mut Words, tables: &mut [TableOut]) -> Vec<u8> {
    let mut out = Vec::new();
    words.name();
    let ranks = words.rank_tasks();
    words.text_table.finish(&mut out);
    words.task_table.finish(&mut out);
    words.name_table.finish(&mut out);
    words.texts.clear();
    for table in tables {
        table.rank(&ranks);
        table.finish(&mut out);
    }
    out
}

/// About how many bytes [`finish`] would make.
pub(in crate::recording) fn size(words: &Words, tables: &[TableOut]) -> usize {
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
pub(in crate::recording) struct Put<'a> {
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
            .map_or(0, |path| u128::from(self.words.path(path)) + 1);
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
