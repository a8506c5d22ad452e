//! Runs `procviz csv`: prints `stat`, `status` and `io` of tasks as CSV, unchanged.

mod recorded;

use std::{
    ffi::OsString,
    fs::File,
    io::{self, BufWriter, ErrorKind, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;

use crate::{
    cli::CsvArgs,
    export::{
        csv::{Reads, Table, Text, Titles, stat_fields, stat_name},
        time,
    },
    model::{Scope, Untrusted},
    runtime::{
        Failure, config,
        ending::ShutdownTime,
        output::{OutFolder, PRIVATE, Part, split, take_owner_identity},
        signals::Interrupted,
        text::escaped,
        warning::{Warning, warn},
    },
    session::open,
    source::{
        capabilities::{has_more_rights_than_its_caller, raise},
        host,
        proc::{ProcFiles, ReadError, TaskDir, TaskFile},
    },
};

pub(super) fn run(args: &CsvArgs) -> Result<u8, Failure> {
    let asked = Request::new(args)?;
    if let Some(path) = &args.from {
        return recorded::run(path, args, &asked);
    }
    let plan = Plan::new(args, asked)?;
    let mut tables = plan.asked.open()?;
    let host = host()?;
    let interrupted = Interrupted::new(match &args.output {
        // Files get their names at the end of the run.
        Some(_) => ShutdownTime::AsNeeded,
        None => ShutdownTime::Short,
    })?;
    let folder = args.output.as_deref();
    let folder = folder
        .map(|prefix| OutFolder::open(split(prefix).0))
        .transpose()?;
    open::confine_tables(plan.is_real, folder.as_ref());
    let mut status = 0;
    loop {
        let time = plan
            .repeat
            .is_some()
            .then(|| time::rfc3339(&host, crate::source::boot_now_ns()).unwrap_or_default());
        match plan.round(&mut tables, time.as_deref()) {
            Ok(missing) => status = u8::from(missing),
            // The reader of standard output has left.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(status),
            Err(error) => return Err(error.into()),
        }
        match plan.repeat {
            Some(pause) if !interrupted.within(pause) => {}
            _ => break,
        }
    }
    for table in tables {
        table.finish()?;
    }
    Ok(status)
}

/// What the command line asks for.
struct Request {
    kinds: Vec<TaskFile>,
    scope: Scope,
    pids: Vec<glob::Pattern>,
    titles: bool,
    output: Option<PathBuf>,
    force: bool,
    text: Text,
}

/// The source of the tables, and how often to print them.
struct Plan {
    files: ProcFiles,
    /// The files are this machine's `/proc`, not a folder that the caller named.
    is_real: bool,
    asked: Request,
    repeat: Option<Duration>,
}

impl Request {
    fn new(args: &CsvArgs) -> Result<Self, Failure> {
        let asked = [
            (args.stat, TaskFile::Stat),
            (args.status, TaskFile::Status),
            (args.io, TaskFile::Io),
        ];
        let mut kinds: Vec<_> = asked
            .into_iter()
            .filter_map(|(wanted, kind)| wanted.then_some(kind))
            .collect();
        if kinds.is_empty() {
            kinds.push(TaskFile::Stat);
        }
        if args.repeat && kinds.len() > 1 && args.output.is_none() {
            return Err(Failure::usage(
                "`--repeat` cannot print several tables to standard output: write one file per table with `-o PREFIX`"
                    .to_owned(),
            ));
        }
        let pids = args
            .pids
            .iter()
            .map(|text| {
                let is_pattern = text
                    .chars()
                    .all(|ch| ch.is_ascii_digit() || "*?[]!-".contains(ch));
                glob::Pattern::new(text)
                    .ok()
                    .filter(|_| is_pattern && !text.is_empty())
                    .ok_or_else(|| {
                        Failure::usage(format!(
                            "invalid pid `{}`: expected a number or a pattern, such as `1234` or `'12*'`",
                            Untrusted::new(text.as_bytes()).terminal()
                        ))
                    })
            })
            .collect::<Result<Vec<_>, _>>()?;
        if args.processes && !pids.is_empty() {
            warn(Warning::ProcessesIgnored);
        }
        let scope = if args.processes && pids.is_empty() {
            Scope::Processes
        } else {
            Scope::Threads
        };
        Ok(Self {
            kinds,
            scope,
            pids,
            titles: args.titles,
            output: args.output.clone(),
            force: args.force,
            text: Text::new(args.spreadsheet),
        })
    }

    /// Whether a task is wanted; notes in `found` which patterns match its id.
    fn wants(&self, tid: u32, found: &mut [bool]) -> bool {
        if self.pids.is_empty() {
            return true;
        }
        let tid = tid.to_string();
        let mut is_wanted = false;
        for (pattern, found) in self.pids.iter().zip(found) {
            if pattern.matches(&tid) {
                *found = true;
                is_wanted = true;
            }
        }
        is_wanted
    }

    /// Reports the pids that no thread has.
    fn report_missing(&self, found: &[bool]) {
        let missing = found.iter().zip(&self.pids).filter(|(found, _)| !**found);
        for (_, pid) in missing {
            warn(Warning::NoSuchThread { pid });
        }
    }

    fn open(&self) -> Result<Vec<KindTable>, Failure> {
        let names: Vec<_> = self
            .kinds
            .iter()
            .map(|kind| self.output.as_deref().map(|prefix| name(prefix, *kind)))
            .collect();
        let folder = self
            .output
            .as_deref()
            .map(|prefix| OutFolder::open(split(prefix).0));
        let folder = folder.transpose()?;
        // New files belong to the user who called sudo, if that user owns the folder.
        folder.as_ref().map(take_owner_identity);
        for (folder, name) in folder.iter().zip(names.iter().flatten()) {
            folder.check_free(name, self.force)?;
        }
        let open = |(kind, name): (&TaskFile, Option<OsString>)| {
            KindTable::new(*kind, folder.as_ref().zip(name), self)
        };
        self.kinds.iter().zip(names).map(open).collect()
    }
}

impl Plan {
    fn new(args: &CsvArgs, asked: Request) -> Result<Self, Failure> {
        let seconds = config::number(
            "--sleep",
            &args.sleep,
            "a number of seconds from 0.001 to 86400",
            |value| (0.001..=86_400.0).contains(&value),
        )?;
        let root = &args.proc_root;
        let is_real = root == Path::new("/proc");
        if !is_real && has_more_rights_than_its_caller() {
            return Err(Failure::usage(format!(
                "`--proc-root {}` is not allowed: this procviz has privileges that you do not have (setcap or set-user-ID); use a copy without these privileges: `cp \"$(command -v procviz)\" .`",
                Untrusted::new(root.as_os_str().as_encoded_bytes()).terminal()
            )));
        }
        let files = ProcFiles::open(root)
            .with_context(|| format!("failed to open the folder `{}`", escaped(root)))?;
        Ok(Self {
            files,
            is_real,
            asked,
            repeat: args.repeat.then(|| Duration::from_secs_f64(seconds)),
        })
    }

    /// Prints one row per task in each table; returns whether a pid was missing.
    fn round(&self, tables: &mut [KindTable], time: Option<&str>) -> io::Result<bool> {
        let _raised = self.is_real.then(raise);
        let mut found = vec![false; self.asked.pids.len()];
        for (index, table) in tables.iter_mut().enumerate() {
            if table.titles.is_none() {
                table.titles = Some(self.titles_of(table.kind)?);
                if self.asked.titles {
                    table.title_line(time.is_some())?;
                }
            }
            for task in self.tasks(&mut found)? {
                table.row(&self.files, &task, time)?;
            }
            table.table.flush()?;
            if index == 0 {
                self.asked.report_missing(&found);
            }
        }
        Ok(found.contains(&false))
    }

    fn tasks<'a>(
        &'a self,
        found: &'a mut [bool],
    ) -> io::Result<impl Iterator<Item = TaskDir> + 'a> {
        let tasks = self.files.tasks(self.asked.scope)?;
        Ok(tasks.filter(move |task| self.asked.wants(task.tid, found)))
    }

    /// The titles of a table. Reads all tasks, as not all tasks have the same lines in
    /// `status`.
    fn titles_of(&self, kind: TaskFile) -> io::Result<Titles> {
        let mut titles = Titles::default();
        if kind == TaskFile::Stat {
            return Ok(titles);
        }
        let mut found = vec![false; self.asked.pids.len()];
        for task in self.tasks(&mut found)? {
            if let Ok(bytes) = self.files.raw(&task, kind) {
                titles.add(&bytes);
                if kind == TaskFile::Io {
                    break;
                }
            }
        }
        if titles.names().next().is_none() && kind == TaskFile::Io {
            // The kernel refused all of them; procviz can always read its own file.
            titles.add(&std::fs::read("/proc/self/io").unwrap_or_default());
        }
        Ok(titles)
    }
}

fn name(prefix: &Path, kind: TaskFile) -> OsString {
    let mut name = split(prefix).1.to_owned();
    name.push(format!("-{}.csv", kind.name()));
    name
}

/// Where a table is written: standard output or a file.
enum Sink {
    Stdout(BufWriter<io::Stdout>),
    File(BufWriter<File>),
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(out) => out.write(bytes),
            Self::File(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(out) => out.flush(),
            Self::File(out) => out.flush(),
        }
    }
}

struct KindTable {
    kind: TaskFile,
    table: Table<Sink>,
    titles: Option<Titles>,
    part: Option<Part>,
}

impl KindTable {
    fn new(
        kind: TaskFile,
        place: Option<(&OutFolder, OsString)>,
        asked: &Request,
    ) -> Result<Self, Failure> {
        let (sink, part, reads) = match place {
            None => (
                Sink::Stdout(BufWriter::new(io::stdout())),
                None,
                Reads::stdout(),
            ),
            Some((folder, name)) => {
                let (file, part) = Part::create(folder, name, (asked.force, PRIVATE))?;
                (
                    Sink::File(BufWriter::with_capacity(1 << 16, file)),
                    Some(part),
                    Reads::Program,
                )
            }
        };
        Ok(Self {
            kind,
            table: Table::new(sink, asked.text, reads),
            titles: None,
            part,
        })
    }

    fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.titles.iter().flat_map(Titles::names)
    }

    fn title_line(&mut self, has_time: bool) -> io::Result<()> {
        let mut line: Vec<Vec<u8>> = Vec::new();
        if has_time {
            line.push(b"time".to_vec());
        }
        match self.kind {
            TaskFile::Stat => {
                // As many fields as this kernel prints.
                let own = std::fs::read("/proc/self/stat").unwrap_or_default();
                let count = stat_fields(&own).map_or(0, |fields| fields.len());
                line.extend((0..count).map(|index| stat_name(index).into_bytes()));
            }
            TaskFile::Status => line.extend(self.names().map(<[u8]>::to_vec)),
            TaskFile::Io => {
                line.push(b"pid".to_vec());
                line.extend(self.names().map(<[u8]>::to_vec));
            }
        }
        for title in &line {
            self.table.field(title);
        }
        self.table.end_row()
    }

    /// Writes the row of a task. A task that is gone has no row. A task whose file the
    /// kernel refuses has its id and empty fields.
    fn row(&mut self, files: &ProcFiles, task: &TaskDir, time: Option<&str>) -> io::Result<()> {
        let bytes = match files.raw(task, self.kind) {
            Ok(bytes) => Some(bytes),
            Err(ReadError::Gone) => return Ok(()),
            Err(_) => None,
        };
        // If the task exits during the read, its file is empty.
        if bytes.as_ref().is_some_and(Vec::is_empty) {
            return Ok(());
        }
        let key = task.tid.to_string();
        if let Some(time) = time {
            self.table.field(time.as_bytes());
        }
        let bytes = bytes.as_deref();
        match self.kind {
            TaskFile::Stat => match bytes.and_then(stat_fields) {
                Some(fields) => fields.iter().for_each(|field| self.table.field(field)),
                None => {
                    self.table.field(key.as_bytes());
                    (1..crate::export::csv::STAT_FIELDS.len()).for_each(|_| self.table.field(b""));
                }
            },
            TaskFile::Status | TaskFile::Io => {
                let titles = self.titles.clone().unwrap_or_default();
                if self.kind == TaskFile::Io {
                    self.table.field(key.as_bytes());
                }
                match bytes {
                    Some(bytes) => {
                        for value in titles.values(bytes) {
                            self.table.field(value);
                        }
                    }
                    None => {
                        for name in titles.names() {
                            self.table
                                .field(if name == b"Pid" { key.as_bytes() } else { b"" });
                        }
                    }
                }
            }
        }
        self.table.end_row()
    }

    fn finish(mut self) -> anyhow::Result<()> {
        self.table.flush()?;
        let _raised = raise();
        match self.part {
            Some(part) => part.place(),
            None => Ok(()),
        }
    }
}
