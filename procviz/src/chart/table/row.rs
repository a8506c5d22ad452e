//! The figures of a process in the table, and their texts.

use std::{cmp::Ordering, sync::Arc};

use super::{Column, dead::Dead};
use crate::{
    chart::{Arguments, Context},
    model::{
        Args, Comm, State, TaskId, TaskView, Untrusted, bytes_text, count_text, duration_text,
        rate_text,
    },
};

/// What a figure is that is not known.
const UNKNOWN: &str = "?";

/// How a row looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Did not run in the interval.
    Quiet,
    /// Ran.
    Busy,
    /// Is blocked, a zombie, or crashed.
    Bad,
    /// Has exited.
    Over,
}

/// A process in the table.
#[derive(Clone, Debug)]
pub(super) struct Row<'a> {
    pub(super) id: TaskId,
    pub(super) ppid: u32,
    user: Arc<str>,
    state: State,
    /// How and when it exited; `None` while it is alive.
    end: Option<String>,
    /// Shares of a core and bytes per second in the interval; `None`: not known, or over.
    cpu: Option<f64>,
    growth: Option<f64>,
    io: Option<f64>,
    waiting: Option<f64>,
    cpu_ns: Option<u64>,
    rss: Option<u64>,
    threads: Option<u32>,
    age_ns: u64,
    name: &'a [u8],
    args: Option<&'a [u8]>,
    pub(super) tone: Tone,
    /// Number of its ancestors in the table, if this is a tree.
    pub(super) depth: usize,
}

impl<'a> Row<'a> {
    /// The row of a process that is alive, or a zombie.
    pub(super) fn of_living(task: &TaskView<'a>, context: &Context<'_>) -> Self {
        let (process, thread) = (task.process, task.thread);
        let change = task.change();
        let seconds = task.interval_ns as f64 / 1e9;
        let per_second = |amount: f64| (seconds > 0.0).then(|| amount / seconds);
        let state = task.state();
        let tone = match state {
            State::Blocked | State::Zombie => Tone::Bad,
            _ if change.ran || change.cpu_ns > 0 => Tone::Busy,
            _ => Tone::Quiet,
        };
        let end = task.end().map(|end| match end.status {
            Some(status) => format!("zombie, {}", status.words()),
            None => "zombie".to_owned(),
        });
        Self {
            id: process.id,
            ppid: process.ppid,
            user: (context.user)(thread.uid),
            state,
            end,
            cpu: per_second(change.cpu_ns as f64 / 1e9),
            growth: task.rss_delta().and_then(|delta| per_second(delta as f64)),
            io: per_second(change.io_bytes as f64).filter(|_| task.io().is_some()),
            waiting: waited(task).and_then(|ns| per_second(ns as f64 / 1e9)),
            cpu_ns: Some(task.cpu_ns()),
            rss: process.rss,
            threads: Some(process.threads).filter(|threads| *threads > 0),
            age_ns: task.now_ns.saturating_sub(process.id.start_ns),
            name: name_of(process.name.as_deref(), &thread.comm),
            args: process.args.as_deref(),
            tone,
            depth: 0,
        }
    }

    /// The row of a process that has exited.
    pub(super) fn of_dead(dead: &'a Dead, now_ns: u64, context: &Context<'_>) -> Self {
        let Dead {
            process,
            thread,
            ended_ns,
        } = dead;
        let status = process.end.and_then(|end| end.status);
        let how = status.map_or_else(|| "exited".to_owned(), |status| status.words());
        // Whole seconds, so that the column stays readable.
        let ago_s = now_ns.saturating_sub(*ended_ns) / 1_000_000_000;
        let crashed = status.is_some_and(|status| status.is_crash());
        let record = process.exit.as_deref();
        Self {
            id: process.id,
            ppid: process.ppid,
            user: (context.user)(thread.uid),
            state: State::Dead,
            end: Some(format!("{how}, {ago_s} s ago")),
            cpu: None,
            growth: None,
            io: None,
            waiting: None,
            cpu_ns: record.map_or(Some(process.cpu_ns), |record| record.cpu_ns),
            rss: None,
            threads: None,
            age_ns: ended_ns.saturating_sub(process.id.start_ns),
            name: name_of(process.name.as_deref(), &thread.comm),
            args: process.args.as_deref(),
            tone: if crashed { Tone::Bad } else { Tone::Over },
            depth: 0,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.state == State::Dead
    }

    /// The order of two rows by a column: the largest figures first, words from A to Z, what is
    /// not known last, also if the order is reversed.
    pub(super) fn order(&self, other: &Self, (column, is_reversed): (Column, bool)) -> Ordering {
        let turned = |order: Ordering| if is_reversed { order.reverse() } else { order };
        let numbers = |one: Option<f64>, two: Option<f64>| match (one, two) {
            (Some(one), Some(two)) => turned(two.total_cmp(&one)),
            (one, two) => two.is_some().cmp(&one.is_some()),
        };
        let whole = |one: Option<u64>, two: Option<u64>| match (one, two) {
            (Some(one), Some(two)) => turned(two.cmp(&one)),
            (one, two) => two.is_some().cmp(&one.is_some()),
        };
        let by_column = match column {
            Column::Pid => turned(self.id.tid.cmp(&other.id.tid)),
            Column::User => turned(self.user.cmp(&other.user)),
            Column::State => turned(self.state_text().cmp(&other.state_text())),
            Column::Cpu => numbers(self.cpu, other.cpu),
            Column::CpuTime => whole(self.cpu_ns, other.cpu_ns),
            Column::Rss => whole(self.rss, other.rss),
            Column::Growth => numbers(self.growth, other.growth),
            Column::Io => numbers(self.io, other.io),
            Column::Waiting => numbers(self.waiting, other.waiting),
            Column::Threads => whole(self.threads.map(u64::from), other.threads.map(u64::from)),
            Column::Age => whole(Some(self.age_ns), Some(other.age_ns)),
            Column::Command => turned(self.name.cmp(other.name)),
        };
        by_column.then_with(|| self.id.by_start().cmp(&other.id.by_start()))
    }

    fn state_text(&self) -> String {
        match &self.end {
            Some(end) => end.clone(),
            None => self.state.word().to_owned(),
        }
    }

    /// The text of a cell, escaped for a picture.
    pub(super) fn cell(&self, column: Column, context: &Context<'_>) -> String {
        let percent = |share: Option<f64>| share.map(|share| format!("{:.1}", share * 100.0));
        let text = match column {
            Column::Pid => Some(self.id.tid.to_string()),
            Column::User => Some(Untrusted::new(self.user.as_bytes()).picture()),
            Column::State => Some(self.state_text()),
            Column::Cpu => percent(self.cpu),
            Column::CpuTime => self.cpu_ns.map(duration_text),
            Column::Rss => self.rss.map(bytes_text),
            Column::Growth => self.growth.map(|rate| match rate {
                0.0 => "0".to_owned(),
                rate if rate < 0.0 => format!("\u{2212}{}", rate_text(-rate)),
                rate => format!("+{}", rate_text(rate)),
            }),
            Column::Io => self.io.map(|rate| match rate {
                0.0 => "0".to_owned(),
                rate => rate_text(rate),
            }),
            Column::Waiting => percent(self.waiting),
            Column::Threads => self.threads.map(|threads| count_text(u64::from(threads))),
            Column::Age => Some(duration_text(self.age_ns)),
            Column::Command => Some(self.command(context)),
        };
        // Who has exited has no rates.
        let missing = if self.is_over() { "" } else { UNKNOWN };
        text.unwrap_or_else(|| missing.to_owned())
    }

    /// The arguments where they are shown and known, else the name.
    fn command(&self, context: &Context<'_>) -> String {
        let args = self.args.filter(|_| context.arguments == Arguments::Shown);
        match args {
            Some(args) => Untrusted::new(&Args::new(args).line()).picture(),
            None => Untrusted::new(self.name).picture(),
        }
    }
}

/// Run delay in the interval, ns. A process of which only the memory changed, or that was only
/// started, has waited for nothing.
fn waited(task: &TaskView<'_>) -> Option<u64> {
    let change = task.change();
    let is_known = task.has_events && !change.ran && task.state() != State::Running;
    change.wait_ns.or(is_known.then_some(0))
}

fn name_of<'a>(name: Option<&'a [u8]>, comm: &'a Comm) -> &'a [u8] {
    name.unwrap_or(comm.bytes())
}
