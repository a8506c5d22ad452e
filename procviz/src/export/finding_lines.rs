//! Writes findings as lines for people: one when a finding begins, one when it ends. Of each
//! rule and group at most one begins per minute, and a line about the group tells how many more
//! did.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
};

use super::{time, users::Names};
use crate::{
    model::{Host, TaskId, Untrusted, duration_text, figure_text, owner_words},
    recording::{Mark, MarkKey},
    tracker::Change,
};

/// For this long after a line about a rule and group, further ones are counted, ns.
const QUIET_NS: i128 = 60_000_000_000;

/// Rule, name, user, how processes died, and their cgroup.
type Group = (
    String,
    Option<Vec<u8>>,
    Option<u32>,
    Option<u32>,
    Option<String>,
);

/// Writes the lines, and remembers what was written.
#[derive(Debug, Default)]
pub(crate) struct FindingLines {
    /// Whether lines have a date, too.
    is_dated: bool,
    groups: BTreeMap<Group, Recent>,
    /// The latest time, and when the next minute of a group is over, ns since 1970.
    now_ns: Option<i128>,
    due_ns: Option<i128>,
    /// Findings that have begun without a line.
    counted: BTreeSet<MarkKey>,
}

/// What began lately of a rule and group.
#[derive(Debug)]
struct Recent {
    /// Time of the last line, ns since 1970.
    line_ns: i128,
    more: Option<More>,
}

/// Findings that began without a line of their own.
#[derive(Debug)]
struct More {
    count: u64,
    /// The latest; `value` is the largest of all.
    mark: Mark,
    host: Host,
}

impl FindingLines {
    /// `is_dated`: lines have a date and not only the time of day.
    pub(crate) fn new(is_dated: bool) -> Self {
        Self {
            is_dated,
            ..Self::default()
        }
    }

    /// Writes that a finding begins, holds or ends, unless it is only counted.
    pub(crate) fn write(
        &mut self,
        out: &mut impl Write,
        host: &Host,
        mark: &Mark,
        names: Names<'_>,
    ) -> io::Result<()> {
        let now_ns = self.pass(out, wall_ns(host, mark.time_ns), names)?;
        match mark.change {
            Change::Begins => {
                let group = (
                    mark.rule.clone(),
                    mark.comm.clone(),
                    mark.uid,
                    mark.status,
                    mark.cgroup.clone(),
                );
                if let Some(recent) = self.groups.get_mut(&group) {
                    self.counted.insert(mark.key());
                    recent.count(host, mark);
                    return Ok(());
                }
                let recent = Recent {
                    line_ns: now_ns,
                    more: None,
                };
                self.groups.insert(group, recent);
                let due_ns = now_ns.saturating_add(QUIET_NS);
                self.due_ns = Some(self.due_ns.map_or(due_ns, |known| known.min(due_ns)));
            }
            Change::Ends if self.counted.remove(&mark.key()) => return Ok(()),
            Change::Holds | Change::Ends => {}
        }
        self.line(out, host, (mark, mark.change.word()), names)
    }

    /// Writes the lines about groups that are due at a time, ns since 1970. Returns the time: a
    /// finding that ends was seen for the last time a while ago.
    pub(crate) fn pass(
        &mut self,
        out: &mut impl Write,
        now_ns: i128,
        names: Names<'_>,
    ) -> io::Result<i128> {
        let last_ns = self.now_ns.unwrap_or(now_ns);
        if now_ns < last_ns.saturating_sub(QUIET_NS) {
            // The clock was set back, or another boot begins.
            self.finish(out, names)?;
            self.now_ns = Some(now_ns);
            return Ok(now_ns);
        }
        let now_ns = now_ns.max(last_ns);
        self.now_ns = Some(now_ns);
        if self.due_ns.is_some_and(|due_ns| due_ns <= now_ns) {
            self.tell(out, names, |recent| {
                now_ns.saturating_sub(recent.line_ns) < QUIET_NS
            })?;
        }
        Ok(now_ns)
    }

    /// Writes the lines about all groups: nothing follows.
    pub(crate) fn finish(&mut self, out: &mut impl Write, names: Names<'_>) -> io::Result<()> {
        self.tell(out, names, |_| false)
    }

    /// Writes the line of each group whose minute is over.
    fn tell(
        &mut self,
        out: &mut impl Write,
        names: Names<'_>,
        is_quiet: impl Fn(&Recent) -> bool,
    ) -> io::Result<()> {
        let mut told = Vec::new();
        self.groups.retain(|_, recent| {
            if is_quiet(recent) {
                return true;
            }
            let Some(more) = recent.more.take() else {
                return false;
            };
            told.push(more);
            recent.line_ns = recent.line_ns.saturating_add(QUIET_NS);
            is_quiet(recent)
        });
        let due = self.groups.values().map(|recent| recent.line_ns);
        self.due_ns = due.min().map(|line_ns| line_ns.saturating_add(QUIET_NS));
        for more in told {
            self.line(out, &more.host, (&more.told(), "more"), names)?;
        }
        Ok(())
    }

    fn line(
        &self,
        out: &mut impl Write,
        host: &Host,
        (mark, word): (&Mark, &str),
        names: Names<'_>,
    ) -> io::Result<()> {
        let time = match self.is_dated {
            true => time::local(host, mark.time_ns),
            false => time::local_clock(host, mark.time_ns),
        };
        let about: Option<TaskId> = mark.about.filter(|_| mark.is_named);
        let pid = about.map_or_else(String::new, |about| format!(" {}", about.tid));
        let user = mark.uid.map_or_else(String::new, |uid| {
            let name = names(uid);
            format!(" · {}", Untrusted::new(name.as_bytes()).terminal())
        });
        let place = mark.place.as_deref().and_then(owner_words);
        let place = place.map_or_else(String::new, |place| format!(" · {place}"));
        let lasted = mark.lasted_ns.map_or_else(String::new, |ns| {
            let peak = figure_text(&mark.rule, &mark.unit, mark.value);
            let peak = peak.map_or_else(String::new, |peak| format!(", peak {peak}"));
            format!("; lasted {}{peak}", duration_text(ns))
        });
        writeln!(
            out,
            "{time} {word:<6} {:<8} {}{pid}{user}{place}: {}{lasted}",
            Untrusted::new(mark.rule.as_bytes()).terminal(),
            mark.who(),
            Untrusted::new(mark.text.as_bytes()).message()
        )
    }
}

impl Recent {
    /// Counts a finding that gets no line.
    fn count(&mut self, host: &Host, mark: &Mark) {
        let more = self.more.get_or_insert_with(|| More {
            count: 0,
            mark: mark.clone(),
            host: host.clone(),
        });
        more.count += 1;
        let most = match more.mark.unit == mark.unit {
            true => more.mark.value.max(mark.value),
            false => mark.value,
        };
        more.mark = Mark {
            value: most,
            ..mark.clone()
        };
        more.host = host.clone();
    }
}

impl More {
    /// The mark of the line about the group.
    fn told(&self) -> Mark {
        let most = figure_text(&self.mark.rule, &self.mark.unit, self.mark.value);
        let most = most.map_or_else(String::new, |most| format!(", at most {most}"));
        let count = self.count;
        Mark {
            about: None,
            is_group: self.mark.cgroup.is_some(),
            text: format!("{count} more of this within a minute{most}"),
            ..self.mark.clone()
        }
    }
}

/// A time since boot as ns since 1970.
fn wall_ns(host: &Host, boot_ns: u64) -> i128 {
    host.boot_wall_ns.saturating_add(i128::from(boot_ns))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Comm, Finding, Rule};

    fn host() -> Host {
        Host::new("host", 4)
    }

    fn mark(change: Change, tid: u32, second: u64, value: f64) -> Mark {
        let finding = Finding {
            about: Some(TaskId { tid, start_ns: 1 }),
            comm: Some(Comm::new(b"cc1")),
            uid: Some(1000),
            count: 1,
            value,
            unit: "cores",
            text: format!("uses {value:.2} cores for 3 s"),
            ..Finding::new(Rule::Cpu)
        };
        let mut mark = Mark::new(change, &finding, second * 1_000_000_000);
        mark.lasted_ns = (change == Change::Ends).then_some(5_000_000_000);
        mark
    }

    /// The lines without the times.
    fn lines(write: impl FnOnce(&mut FindingLines, &mut Vec<u8>)) -> Vec<String> {
        let (mut lines, mut out) = (FindingLines::default(), Vec::new());
        write(&mut lines, &mut out);
        lines.finish(&mut out, &|_| "builder".into()).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines = text.lines().map(|line| line.split_once(' ').unwrap().1);
        lines.map(str::to_owned).collect()
    }

    #[test]
    fn a_group_begins_once_a_minute() {
        use Change::{Begins, Ends};
        let names: Names<'_> = &|_| "builder".into();
        let all = lines(|lines, out| {
            let mut write = |mark: Mark| lines.write(out, &host(), &mark, names).unwrap();
            write(mark(Begins, 1, 10, 0.9));
            write(mark(Begins, 2, 20, 1.0));
            write(mark(Ends, 1, 30, 0.95));
            write(mark(Begins, 3, 31, 0.8));
            write(mark(Ends, 2, 32, 1.0));
            // The minute is over, and the line about the others begins another one.
            write(mark(Begins, 4, 71, 0.9));
            write(mark(Begins, 5, 140, 0.9));
            write(mark(Begins, 6, 310, 0.9));
        });
        assert_eq!(
            all,
            [
                "begins cpu      cc1 1 · builder: uses 0.90 cores for 3 s",
                "ends   cpu      cc1 1 · builder: uses 0.95 cores for 3 s; lasted 5 s, peak 0.95 cores",
                "more   cpu      cc1 · builder: 2 more of this within a minute, at most 1.00 cores",
                "more   cpu      cc1 · builder: 1 more of this within a minute, at most 0.90 cores",
                "more   cpu      cc1 · builder: 1 more of this within a minute, at most 0.90 cores",
                // Another minute was quiet.
                "begins cpu      cc1 6 · builder: uses 0.90 cores for 3 s",
            ]
        );
    }

    /// An end says when the finding was last seen, which is a while ago.
    #[test]
    fn an_end_does_not_begin_another_minute() {
        use Change::{Begins, Ends};
        let names: Names<'_> = &|_| "builder".into();
        let all = lines(|lines, out| {
            for mark in [
                mark(Begins, 1, 20, 0.9),
                mark(Ends, 9, 15, 0.9),
                mark(Begins, 2, 21, 1.0),
            ] {
                lines.write(out, &host(), &mark, names).unwrap();
            }
        });
        let begins = all.iter().filter(|line| line.starts_with("begins"));
        assert_eq!((begins.count(), all.len()), (1, 3), "{all:#?}");
    }

    #[test]
    fn another_user_and_another_rule_are_other_groups() {
        let names: Names<'_> = &|_| "builder".into();
        let all = lines(|lines, out| {
            for (uid, rule) in [(1, "cpu"), (2, "cpu"), (2, "io")] {
                let mark = Mark {
                    uid: Some(uid),
                    rule: rule.to_owned(),
                    ..mark(Change::Begins, uid, 10, 1.0)
                };
                lines.write(out, &host(), &mark, names).unwrap();
            }
        });
        assert_eq!(all.len(), 3);
    }
}
