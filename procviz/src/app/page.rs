//! Gathers the content of an HTML page: the pictures in both themes, the facts about
//! each task, the findings, and the processes that exited.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::{
    chart::{Arguments, Chart, Context, Theme, facts},
    export::time,
    model::{
        Args, Comm, ExitRecord, Fact, Finding, FindingKey, Place, Process, Scope, Snapshot, TaskId,
        Untrusted,
    },
    paint::{Frame, Page, PageContent, PageError, PageExit, PageExitKind, PageFinding, PageTheme},
    scene::Font,
};

/// Upper limit for exits with a line each; further exits are counted by kind.
const LISTED: usize = 2_000;
/// Upper limit for the kinds of exits.
const KINDS: usize = 500;
/// Upper limit for the characters of arguments that are shown.
const ARGS: usize = 300;

type User<'a> = &'a dyn Fn(Option<u32>) -> Arc<str>;
type KindKey = (Comm, u32, Option<u32>, String);

/// The HTML page of one run.
pub(super) struct Pages {
    page: Page,
    scope: Scope,
    arguments: Arguments,
    theme: PageTheme,
    /// The same chart in both themes.
    charts: [Box<dyn Chart>; 2],
    /// Findings of all frames so far, in the order in which they began.
    findings: Vec<(FindingKey, PageFinding)>,
    exits: Vec<PageExit>,
    more: FxHashMap<KindKey, (u64, String)>,
    counted: u64,
}

impl Pages {
    pub(super) fn new(
        chart: &dyn Chart,
        scope: Scope,
        arguments: Arguments,
        theme: PageTheme,
        font: Font,
    ) -> Self {
        Self {
            page: Page::new(font),
            scope,
            arguments,
            theme,
            charts: [Theme::Light, Theme::Dark].map(|theme| chart.in_theme(theme)),
            findings: Vec::new(),
            exits: Vec::new(),
            more: FxHashMap::default(),
            counted: 0,
        }
    }

    /// Takes in a sample. Must be called for each sample, as with [`Chart::observe`].
    pub(super) fn observe(&mut self, snapshot: &Snapshot) {
        for chart in &mut self.charts {
            chart.observe(snapshot);
        }
    }

    /// Adds a picture; returns whether there is room for another picture.
    pub(super) fn add(
        &mut self,
        snapshot: &Snapshot,
        context: &Context<'_>,
    ) -> Result<bool, PageError> {
        Page::check(snapshot.tasks(self.scope).count())?;
        let [light, dark] = &mut self.charts;
        let scenes = [light.draw(snapshot, context), dark.draw(snapshot, context)];
        let mut facts = self.facts(snapshot, context.user);
        for mark in &scenes[0].marks {
            let of_chart = self.charts[0].about(mark.id, context);
            let lines: Vec<&str> = of_chart.iter().flat_map(|text| text.lines()).collect();
            // What stands for many has one line. What is gone has no other facts.
            if lines.len() == 1 || !lines.is_empty() && !facts.contains_key(&mark.id) {
                let places = [Place::Name, Place::User].into_iter().zip(lines);
                let lines = places.map(|(place, line)| Fact::new(place, "{}", [line.to_owned()]));
                facts.insert(mark.id, (mark.id, lines.collect()));
            }
        }
        let frame = self.page.frames();
        self.page.add(&Frame {
            time: time::local_precise(&snapshot.host, snapshot.stamp.boot_ns),
            boot_ns: snapshot.stamp.boot_ns,
            machine: snapshot.busy_shares(),
            scenes: [&scenes[0], &scenes[1]],
            facts: &facts,
        })?;
        for finding in &snapshot.findings {
            self.stands_out(finding, frame);
        }
        Ok(!self.page.is_full())
    }

    /// The size of the page so far, bytes.
    pub(super) fn bytes(&self) -> usize {
        self.page.bytes()
    }

    /// The number of pictures so far.
    pub(super) fn len(&self) -> usize {
        self.page.frames()
    }

    /// The bytes of the whole page.
    pub(super) fn finish(self) -> Result<Vec<u8>, PageError> {
        let mut kinds: Vec<_> = self.more.into_iter().collect();
        kinds.sort_by(|(a, (x, _)), (b, (y, _))| y.cmp(x).then_with(|| a.cmp(b)));
        let beyond: u64 = kinds.iter().skip(KINDS).map(|(_, (count, _))| count).sum();
        let content = PageContent {
            findings: self.findings.into_iter().map(|(_, of)| of).collect(),
            exits: self.exits,
            more_exits: kinds
                .into_iter()
                .take(KINDS)
                .map(|((comm, ppid, _, ended), (count, user))| PageExitKind {
                    count,
                    ppid,
                    user,
                    comm: comm.text().picture(),
                    ended,
                })
                .collect(),
            counted: self.counted + beyond,
            has_args: self.arguments == Arguments::Shown,
        };
        self.page.finish(&content, self.theme)
    }

    /// For each task: the id of its process, and its facts.
    fn facts(&self, snapshot: &Snapshot, user: User<'_>) -> FxHashMap<TaskId, (TaskId, Vec<Fact>)> {
        let of_task = |task: crate::model::TaskView<'_>| {
            let mut facts = facts(&task, &picture(&user(task.thread.uid)));
            let args = task.process.args.as_deref();
            if let Some(args) = args.filter(|_| self.arguments == Arguments::Shown) {
                facts.push(Fact::new(Place::Args, "$ {}", [command_line(args)]));
            }
            (task.id(), (task.process.id, facts))
        };
        snapshot.tasks(self.scope).map(of_task).collect()
    }

    fn stands_out(&mut self, finding: &Finding, frame: usize) {
        let key = finding.key();
        let dot = finding.dots().find_map(|dot| self.page.mark_of(dot));
        let goes_on = self
            .findings
            .iter_mut()
            .rev()
            .find(|(of, page_finding)| *of == key && page_finding.frames.1 + 1 == frame);
        if let Some((_, page_finding)) = goes_on {
            page_finding.frames.1 = frame;
            page_finding.text.clone_from(&finding.text);
            page_finding.dot = dot.or(page_finding.dot);
            return;
        }
        let page_finding = PageFinding {
            frames: (frame, frame),
            who: finding.who(),
            text: finding.text.clone(),
            dot,
        };
        self.findings.push((key, page_finding));
    }

    /// Notes the processes that exited in a sample, for the next picture.
    pub(super) fn ends(&mut self, snapshot: &Snapshot, user: User<'_>) {
        let frame = self.page.frames();
        let is_new = |process: &&Process| process.end.is_some_and(|end| end.tick == snapshot.tick);
        let mut ended: Vec<&Process> = snapshot
            .processes
            .iter()
            .filter(is_new)
            .filter(|process| is_shown(process, snapshot))
            .collect();
        ended.sort_by_key(|process| (end_ns(process), process.id));
        for process in ended {
            let uid = snapshot.leader(process).and_then(|leader| leader.uid);
            let comm = match &process.exit {
                Some(record) => record.short_name(),
                None => snapshot.name_of(process),
            };
            let how = how(process);
            if self.exits.len() >= LISTED {
                let more = self.more.entry((comm, process.ppid, uid, how));
                more.or_insert_with(|| (0, picture(&user(uid)))).0 += 1;
                continue;
            }
            let record = process.exit.as_deref();
            let args = record.and_then(|record| record.args.as_deref());
            let shows_args = self.arguments == Arguments::Shown;
            self.exits.push(PageExit {
                frame,
                time: end_ns(process).map_or_else(
                    || "unknown".to_owned(),
                    |ns| time::local_clock(&snapshot.host, ns),
                ),
                pid: process.id.tid,
                ppid: process.ppid,
                user: picture(&user(uid)),
                comm: comm.text().picture(),
                ended: how,
                lived_ns: record.map(ExitRecord::lifetime_ns),
                cpu_ns: record.and_then(|record| record.cpu_ns),
                max_rss_bytes: record.and_then(|record| record.max_rss_bytes),
                args: args.filter(|_| shows_args).map(command_line),
            });
        }
        self.counted += snapshot.folds.iter().map(|fold| fold.count).sum::<u64>();
    }
}

fn picture(name: &str) -> String {
    Untrusted::new(name.as_bytes()).picture()
}

/// Whether the filter shows the process.
fn is_shown(process: &Process, snapshot: &Snapshot) -> bool {
    let thread = snapshot.main_thread(process);
    thread.is_none_or(|thread| !thread.hidden)
}

fn end_ns(process: &Process) -> Option<u64> {
    process.exit.as_ref().map(|record| record.time_ns)
}

/// How a process ended, in the words of `procviz exits`.
fn how(process: &Process) -> String {
    let status = process.end.and_then(|end| end.status);
    let mut how = process.how();
    if status.is_some_and(|status| status.core_dumped()) {
        how.push_str(" core");
    }
    if let Some(record) = &process.exit {
        if record.oom {
            how.push_str(" OOM");
        }
        if record.partial {
            how.push_str(" partial");
        }
    }
    how
}

/// Arguments in one line, cut after [`ARGS`] characters.
fn command_line(args: &[u8]) -> String {
    let line = Untrusted::new(&Args::new(args).line()).picture();
    match line.char_indices().nth(ARGS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
