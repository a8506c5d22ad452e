use serde::{Deserialize, Serialize};

use rustc_hash::FxHashSet;

use super::world::World;
use crate::model::{Comm, Event, Finding, Process, Rename, Rule, TaskId};

/// Names of kernel threads up to the first `/`, after which a number follows. After `kworker/`
/// a `u` can be before the number.
const BEFORE_A_NUMBER: [&str; 12] = [
    "backlog_napi",
    "cpuhp",
    "idle_inject",
    "irq",
    "ksoftirqd",
    "kworker",
    "migration",
    "rcub",
    "rcuc",
    "rcuog",
    "rcuop",
    "rcuos",
];
/// The same, after which a name follows.
const BEFORE_A_NAME: [&str; 2] = ["jbd2", "xfsaild"];
/// A child of the kernel is called like its parent until it runs its program, ns.
const YOUNG_NS: u64 = 1_000_000_000;
/// Names of kernel threads, without a number at the end.
const WHOLE: [&str; 18] = [
    "kauditd",
    "kblockd",
    "kcompactd",
    "kdevtmpfs",
    "khugepaged",
    "khungtaskd",
    "kintegrityd",
    "ksmd",
    "kswapd",
    "kthreadd",
    "kthrotld",
    "mm_percpu_wq",
    "oom_reaper",
    "rcu_gp",
    "rcu_par_gp",
    "rcu_preempt",
    "rcu_sched",
    "slub_flushwq",
];

/// Processes of users that call themselves like a thread of the kernel.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Disguise {
    disguised: FxHashSet<TaskId>,
}

impl Disguise {
    pub(super) fn take(&mut self, world: World<'_>) {
        let is_disguised = |process: &&Process| {
            !process.kthread && process.end.is_none() && claim(process, world).is_some()
        };
        let mut check = |process: &Process| {
            if is_disguised(&process) {
                self.disguised.insert(process.id);
            }
        };
        match world.is_opening() {
            true => world.snapshot.processes.iter().for_each(&mut check),
            false => world.changed().for_each(&mut check),
        }
        for event in &world.sample.events {
            if let Event::Rename(Rename { id, .. }) | Event::Args(id, _) = event
                && let Some(process) = world.process(*id)
            {
                check(process);
            }
        }
        self.disguised.retain(|id| {
            let process = world.process(*id);
            process.is_some_and(|process| is_disguised(&process))
        });
    }

    pub(super) fn judge(&self, world: World<'_>, findings: &mut Vec<Finding>) {
        for id in &self.disguised {
            let process = world.process(*id);
            let Some(process) = process.filter(|process| !world.is_hidden(process)) else {
                continue;
            };
            let Some(claim) = claim(process, world) else {
                continue;
            };
            if world.now_ns().saturating_sub(id.start_ns) < YOUNG_NS {
                continue;
            }
            findings.push(Finding {
                about: Some(*id),
                dot: Some(*id),
                comm: Some(world.snapshot.name_of(process)),
                count: 1,
                value: 1.0,
                unit: "processes",
                since_ns: id.start_ns,
                text: format!(
                    "calls itself {} like a kernel thread, but runs a program",
                    claim.text().name()
                ),
                ..Finding::new(Rule::Disguise)
            });
        }
    }
}

/// The name of a kernel thread that a process has given itself: as its `comm`, or in place of
/// its arguments.
fn claim(process: &Process, world: World<'_>) -> Option<Comm> {
    let thread = world.snapshot.main_thread(process);
    let comm = thread.map(|thread| thread.comm);
    let args = process.args.as_deref();
    let first = args.and_then(|args| args.split(|byte| *byte == 0).next());
    let title = first.map(Comm::new);
    let mut claims = [comm, title].into_iter().flatten();
    claims.find(|claim| is_of_the_kernel(claim.bytes()))
}

/// Whether a name is one of a kernel thread, plain or in brackets as in the list of `ps`.
fn is_of_the_kernel(name: &[u8]) -> bool {
    let name = name.strip_prefix(b"[").unwrap_or(name);
    if let Some(slash) = name.iter().position(|byte| *byte == b'/') {
        let (family, rest) = (&name[..slash], &name[slash + 1..]);
        let is_in = |names: &[&str]| names.iter().any(|known| known.as_bytes() == family);
        let number = match family {
            b"kworker" => rest.strip_prefix(b"u").unwrap_or(rest),
            _ => rest,
        };
        let has_number = number.first().is_some_and(u8::is_ascii_digit);
        return is_in(&BEFORE_A_NAME) || (has_number && is_in(&BEFORE_A_NUMBER));
    }
    let name = name.strip_suffix(b"]").unwrap_or(name);
    let digits = name.iter().rev().take_while(|byte| byte.is_ascii_digit());
    let name = &name[..name.len() - digits.count()];
    WHOLE.iter().any(|known| known.as_bytes() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_kernel_threads() {
        for name in [
            "kworker/0:1",
            "[kworker/u8:3]",
            "kworker/u8:2-ev",
            "[kthreadd]",
            "kswapd0",
            "[kswapd0]",
            "jbd2/sda1-8",
            "ksoftirqd/1",
        ] {
            assert!(is_of_the_kernel(name.as_bytes()), "{name}");
        }
        for name in [
            "",
            "[",
            "/",
            "kworker",
            "migration",
            "migrations",
            "irqbalance",
            "irq",
            "/usr/bin/kswapd0",
            "systemd",
            "(sd-pam)",
            "[celeryd: w1]",
            "ksmtuned",
            "a/b",
            "migration/migrate",
            "irq/handler",
            "kworker/user",
        ] {
            assert!(!is_of_the_kernel(name.as_bytes()), "{name}");
        }
    }
}
