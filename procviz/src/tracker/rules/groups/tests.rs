//! Tests the rules about groups, and the order of findings.

use super::SECOND;
use crate::{
    model::{Finding, MemoryParts, Rule, Severity, Together},
    tracker::{
        play::{MIB, Play, found, id},
        rules::RuleSettings,
    },
};

/// A machine with init and `count` workers, which run as pids from 2 on.
fn workers(count: usize) -> Play {
    let mut names = vec!["init"];
    names.extend(std::iter::repeat_n("worker", count));
    Play::new(&names)
}

fn only(play: &Play, rule: Rule) -> Finding {
    let findings = play.findings_of(rule);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    findings[0].clone()
}

#[test]
fn many_that_use_little_are_one_that_uses_much() {
    for (tenths, fires) in [(8, false), (12, true)] {
        let mut play = workers(10);
        for second in 1..=4 {
            for tid in 2..12 {
                play.ran(tid, second * tenths * SECOND / 100, 0);
            }
            play.second();
        }
        if !fires {
            play.none(Rule::Cpu);
            continue;
        }
        let group = only(&play, Rule::Cpu);
        assert!(group.is_group() && group.count == 10, "{group:#?}");
        assert_eq!(group.who(), "10 × worker");
        assert_eq!(group.text, "together use 1.20 of 4 cores (3 s)");
    }
}

#[test]
fn a_group_stands_for_its_members() {
    let mut play = workers(3);
    for second in 1..=4 {
        (2..5).for_each(|tid| _ = play.ran(tid, second * SECOND, 0));
        play.second();
    }
    // Each of them keeps a core busy, and there is one finding.
    let group = only(&play, Rule::Cpu);
    assert_eq!((group.count, group.rank), (3, 1));
    assert!(group.text.contains("3.00 of 4 cores"), "{}", group.text);
}

#[test]
fn one_that_does_nearly_all_is_no_group() {
    let mut play = workers(3);
    for second in 1..=4 {
        play.ran(2, second * SECOND, 0);
        play.ran(3, second * SECOND / 20, 0);
        play.second();
    }
    let finding = only(&play, Rule::Cpu);
    assert!(
        !finding.is_group() && finding.who() == "worker 2",
        "{finding:#?}"
    );
}

#[test]
fn many_grow_and_read_together() {
    let mut play = workers(30);
    for second in 1..=4 {
        for tid in 2..32 {
            play.ran(tid, second * SECOND / 1_000, second * MIB);
            play.holds(tid, 100 * MIB + second * MIB / 2);
        }
        play.second();
    }
    let growth = only(&play, Rule::Growth);
    let expected = "together grow by 15 MiB/s, each by 512 KiB/s (3 s), now 2.99 GiB together";
    assert_eq!((growth.count, growth.text.as_str()), (30, expected));
    let io = only(&play, Rule::Io);
    assert_eq!(io.text, "together read 30 MiB/s (3 s)");
    // Two facts about one subject.
    assert_eq!(growth.rank, io.rank);
}

/// The words are about the same time as the figure, also if the last interval was a pause.
#[test]
fn who_only_writes_is_said_to_write() {
    let mut play = workers(30);
    for second in 1..=4 {
        for tid in (2..32).filter(|_| second < 4) {
            let write = second * 4 * MIB;
            let io = Some(crate::model::Io { read: 0, write });
            play.ran(tid, second * SECOND / 1_000, 0).io = io;
        }
        play.second();
    }
    let io = only(&play, Rule::Io);
    assert!(io.text.starts_with("together write "), "{}", io.text);
}

#[test]
fn memory_that_is_soon_full_is_a_warning() {
    for (available, expected) in [(600, Severity::WillHarm), (100_000, Severity::Unusual)] {
        let mut play = Play::new(&["init", "leak"]);
        for second in 1..=4 {
            play.sample.machine.mem_available_bytes = Some(available * MIB);
            play.ran(2, second * SECOND / 1_000, 0);
            play.holds(2, 100 * MIB + second * 20 * MIB);
            play.second();
        }
        let growth = only(&play, Rule::Growth);
        assert_eq!(growth.severity, expected);
        let warns = growth
            .text
            .ends_with("; memory is full in 30 s at this rate");
        assert_eq!(warns, expected == Severity::WillHarm, "{}", growth.text);
    }
}

/// Eight busy loops are the cause, and the tasks that wait for a CPU are the consequence.
#[test]
fn those_who_wait_belong_to_those_who_use_the_cpu() {
    for (uid, expected) in [(0, Severity::Unusual), (33, Severity::Harms)] {
        let mut play = workers(8);
        for second in 1..=4 {
            for tid in 2..10 {
                let reading = play.ran(tid, second * SECOND / 2, 0);
                reading.uid = Some(uid);
                reading.run_delay_ns = Some(second * SECOND / 2);
            }
            // Init, which is of user 0, waits, too.
            play.ran(1, second * SECOND / 10, 0).run_delay_ns = Some(second * SECOND * 6 / 10);
            play.sample.machine.cpu_busy_ns = Some(4 * SECOND);
            play.second();
        }
        let cpu = only(&play, Rule::Cpu);
        assert_eq!(cpu.severity, expected);
        assert!(
            cpu.text.ends_with("; 1 other process waits for a CPU"),
            "{}",
            cpu.text
        );
        play.none(Rule::Waiting);
        // Who waits is still known, with the finding that is the cause.
        let (rank, snapshot) = (cpu.rank, play.tracker.snapshot());
        let waits = &snapshot.consequences[..];
        let is_init = |finding: &Finding| finding.about.is_some_and(|about| about.tid == 1);
        assert!(waits.iter().any(is_init), "{waits:#?}");
        assert!(waits.iter().all(|finding| finding.rank == rank));
    }
}

/// Where all CPUs are busy, a quarter of them is much for a group, unless the user says what
/// is much. What each of its threads would use is said, too.
#[test]
fn a_group_on_busy_cpus() {
    // Of four CPUs, the workers get a fifth of a core each, and wait for the rest.
    for (count, threshold, expected) in [
        (
            6,
            None,
            Some(", and would use 6.0 cores if they were free (3 s)"),
        ),
        (6, Some(9.0), None),
        (1, None, None),
    ] {
        let mut play = workers(count);
        if let Some(threshold) = threshold {
            let mut settings = RuleSettings::default();
            assert!(settings.set(Rule::Cpu, "cores", threshold));
            play.tracker = play.tracker.with_rules(settings);
        }
        for second in 1..=4 {
            for tid in 2..2 + count as u32 {
                let reading = play.ran(tid, second * SECOND / 5, 0);
                reading.run_delay_ns = Some(second * SECOND * 4 / 5);
            }
            play.sample.machine.cpu_busy_ns = Some(4 * SECOND);
            play.second();
        }
        let mut findings = play.findings_of(Rule::Cpu);
        findings.retain(|finding| finding.is_group());
        match expected {
            Some(expected) => assert!(findings[0].text.contains(expected), "{findings:#?}"),
            None => assert!(findings.is_empty(), "{findings:#?}"),
        }
    }
}

/// Those who fill the CPUs together are one entry, so that another fault has the second place.
#[test]
fn those_who_fill_the_cpus_are_one_entry() {
    for (busy, ranks) in [(4, [1, 1, 2]), (3, [1, 2, 3])] {
        let mut play = Play::new(&["init", "indexer", "compiler", "leak"]);
        for second in 1..=4 {
            for tid in [2, 3] {
                play.ran(tid, second * SECOND, 0);
            }
            play.ran(4, second * SECOND / 1_000, 0);
            play.holds(4, 100 * MIB + second * 20 * MIB);
            play.sample.machine.cpu_busy_ns = Some(busy * SECOND);
            play.second();
        }
        let findings = &play.tracker.snapshot().findings;
        let order = findings.iter().map(|finding| (finding.rule, finding.rank));
        let rules = [Rule::Cpu, Rule::Cpu, Rule::Growth];
        assert!(order.eq(rules.into_iter().zip(ranks)), "{findings:?}");
    }
}

#[test]
fn the_worst_comes_first() {
    let mut play = Play::new(&["systemd", "burner", "service"]);
    for second in 1..=4 {
        play.ran(2, second * SECOND, 0);
        let child = play.fork(100 + second as u32, 3);
        play.end(child, 3, SECOND / 2, 11);
        play.second();
    }
    let findings = &play.tracker.snapshot().findings;
    let order: Vec<_> = findings
        .iter()
        .map(|finding| (finding.rule, finding.severity, finding.rank))
        .collect();
    assert_eq!(
        order,
        [
            (Rule::Deaths, Severity::Unusual, 1),
            (Rule::Cpu, Severity::Unusual, 2)
        ]
    );
}

/// A few threads at once are normal, a steady stream is not.
#[test]
fn a_stream_of_threads_is_noticed_in_three_seconds() {
    for (per_second, seconds, fires) in [(20, 3, true), (60, 1, false), (5, 3, false)] {
        let mut play = Play::new(&["init", "server"]);
        let mut next = 1_000;
        for second in 0..3 {
            for _ in 0..if second < seconds { per_second } else { 0 } {
                play.thread(next, 2);
                next += 1;
            }
            play.second();
        }
        assert_eq!(
            play.findings_of(Rule::Threads).len(),
            usize::from(fires),
            "{per_second}"
        );
    }
}

/// Processes that create a few threads each are one group, if none of them does nearly all.
#[test]
fn streams_of_threads_are_summed_up() {
    for (first, others, is_group) in [(4, 4, true), (100, 4, false), (1, 1, false)] {
        let mut play = Play::new(&["init", "worker", "worker", "worker", "worker", "worker"]);
        let mut next = 1_000;
        for _ in 0..3 {
            for process in 2..=6 {
                for _ in 0..if process == 2 { first } else { others } {
                    play.thread(next, process);
                    next += 1;
                }
            }
            play.second();
        }
        let findings = play.findings_of(Rule::Threads);
        let fires = first > 1;
        assert_eq!(findings.len(), usize::from(fires), "{findings:#?}");
        let Some(finding) = findings.first() else {
            continue;
        };
        assert_eq!(finding.is_group(), is_group, "{finding:#?}");
        let (words, value) = match is_group {
            true => ("together created 60 threads within 3 s", 60.0),
            false => ("created 300 threads within 3 s", 300.0),
        };
        assert!(finding.text.starts_with(words), "{}", finding.text);
        assert!((finding.value - value).abs() < 0.1, "{finding:#?}");
        assert_eq!(
            finding.who(),
            if is_group { "5 × worker" } else { "worker 2" }
        );
    }
}

/// Init, a builder of pid 2 with a shell (3), and six tools with different names below the
/// shell (4 to 9), each of which uses 0.2 cores; then a worker of its own (10).
fn tools(cgroup: &str) -> Play {
    let names = [
        "init", "builder", "sh", "sort", "awk", "sed", "cut", "tr", "uniq", "other",
    ];
    let mut play = Play::new(&[]);
    play.sample.found = (1..)
        .zip(names)
        .map(|(tid, name)| found(tid, name))
        .collect();
    for process in &mut play.sample.found {
        process.ppid = match process.id.tid {
            1 => 0,
            2 | 10 => 1,
            3 => 2,
            _ => 3,
        };
        process.cgroup = Some(cgroup.into());
    }
    play.sample.complete = true;
    play.tick(0);
    play
}

fn run_tools(play: &mut Play, tenths: impl Fn(u32) -> u64) {
    for second in 1..=4 {
        for tid in 1..11 {
            play.ran(tid, second * SECOND * tenths(tid) / 10, 0);
        }
        play.second();
    }
}

#[test]
fn descendants_do_together_what_no_name_does() {
    let mut play = tools("/");
    run_tools(&mut play, |tid| u64::from((4..10).contains(&tid)) * 2);
    let family = only(&play, Rule::Cpu);
    // The shell has all of it, so the builder above it says no more.
    assert_eq!(family.who(), "sh 3 and its descendants");
    assert_eq!((family.count, family.together), (6, Some(Together::Tree)));
    let expected = "together use 1.20 of 4 cores (3 s): awk, cut, sed and 3 other commands";
    assert_eq!(family.text, expected);
}

#[test]
fn what_has_a_finding_is_not_counted_again() {
    let mut play = tools("/");
    // One tool keeps a core busy: the others do little.
    run_tools(&mut play, |tid| match tid {
        4 => 10,
        5..10 => 1,
        _ => 0,
    });
    assert_eq!(only(&play, Rule::Cpu).who(), "sort 4");
    // If they do much, too, the text says that one is not among them.
    let mut play = tools("/");
    run_tools(&mut play, |tid| match tid {
        4 => 10,
        5..10 => 2,
        _ => 0,
    });
    let cpu = play.findings_of(Rule::Cpu);
    let family = cpu.iter().find(|finding| finding.is_group()).unwrap();
    let expected = "together use 1.00 of 4 cores (3 s): awk, cut, sed and 2 other commands, \
                    without those that have a finding of their own";
    assert_eq!(
        (family.who().as_str(), family.text.as_str()),
        ("sh 3 and its descendants", expected)
    );
}

#[test]
fn a_cgroup_is_a_group_and_the_root_is_none() {
    for (cgroup, expected) in [
        ("/", None),
        ("/web.slice/shop.service", Some("shop.service")),
    ] {
        let mut play = tools(cgroup);
        // Those that descend from init only.
        for process in 3..11 {
            play.sample
                .events
                .push(crate::model::Event::Parent(id(process), 1));
        }
        run_tools(&mut play, |tid| u64::from((4..10).contains(&tid)) * 2);
        let Some(expected) = expected else {
            play.none(Rule::Cpu);
            continue;
        };
        let group = only(&play, Rule::Cpu);
        assert_eq!(group.who(), format!("6 processes of {expected}"));
        assert_eq!(group.cgroup.as_deref(), Some(cgroup));
    }
}

/// Those who wait are processes outside of the group that is the cause.
#[test]
fn members_of_a_family_do_not_wait_for_it() {
    let mut play = tools("/");
    for second in 1..=4 {
        for tid in 4..11 {
            let reading = play.ran(tid, second * SECOND * 4 / 10, 0);
            reading.run_delay_ns = Some(second * SECOND / 3);
        }
        play.sample.machine.cpu_busy_ns = Some(4 * SECOND);
        play.second();
    }
    let cpu = play.findings_of(Rule::Cpu);
    assert_eq!(cpu[0].who(), "sh 3 and its descendants", "{cpu:#?}");
    let waits = "; 1 other process waits for a CPU";
    assert!(cpu[0].text.ends_with(waits), "{}", cpu[0].text);
}

/// Many that hold a part of the memory each hold much together. Shared memory counts for none
/// of them, and one that has nearly all is alone.
#[test]
fn many_hold_much_memory_together() {
    let parts = |anon: u64, shmem: u64| MemoryParts {
        anon: anon * MIB,
        shmem: shmem * MIB,
        ..MemoryParts::default()
    };
    // Of 16 GiB: ten with 0.5 GiB each, with shared memory only, and one with nearly all.
    for (each, first, expected) in [
        (
            parts(512, 0),
            512,
            Some("together use 5 GiB, 31 % of memory, on average 512 MiB each"),
        ),
        (parts(100, 512), 100, None),
        (parts(100, 0), 15_000, None),
    ] {
        let mut play = workers(10);
        for tid in 2..12 {
            let is_first = tid == 2;
            play.consists_of(
                tid,
                if is_first {
                    parts(first, each.shmem / MIB)
                } else {
                    each
                },
            );
        }
        (0..4).for_each(|_| play.second());
        let groups: Vec<Finding> = play
            .findings_of(Rule::Memory)
            .into_iter()
            .filter(Finding::is_group)
            .collect();
        let texts: Vec<&str> = groups.iter().map(|group| group.text.as_str()).collect();
        assert_eq!(texts, Vec::from_iter(expected));
        for group in groups {
            assert_eq!((group.who().as_str(), group.rank), ("10 × worker", 1));
        }
    }
}

/// After a minute, what is new is compared with what the command used before: also if the
/// process itself is new.
#[test]
fn a_command_is_compared_with_its_own_past() {
    let mut play = workers(3);
    let used = |second: u64| second * SECOND / 50;
    for second in 1..=100 {
        (2..5).for_each(|tid| _ = play.ran(tid, used(second), 0));
        play.second();
    }
    for second in 1..=4 {
        play.ran(2, used(100) + second * SECOND, 0);
        play.second();
    }
    let alone = only(&play, Rule::Cpu);
    // 100 s at 0.06 cores, and 4 s at one core.
    let expected =
        "uses 1.00 cores for 4 s; all of this name used 0.10 on average in the last 1 min 44 s";
    assert_eq!(alone.text, expected);
    for second in 5..=8 {
        play.ran(2, used(100) + second * SECOND, 0);
        play.ran(3, used(100) + (second - 4) * SECOND, 0);
        play.second();
    }
    let group = only(&play, Rule::Cpu);
    let expected = "together use 2.00 of 4 cores (3 s); all of this name used 0.17 on average in the last 1 min 48 s";
    assert_eq!(group.text, expected);
}
