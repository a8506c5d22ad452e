//! Tests of the rules about what starts, dies and stays, on made-up samples.

use std::sync::Arc;

use super::SECOND;
use crate::{
    model::{Comm, Event, Finding, KillKind, Killer, Rule, Sender},
    tracker::play::{OLD, Play, id, young},
};

#[test]
fn forks_and_bursts() {
    let mut play = Play::new(&["init", "shell"]);
    for second in 0..3 {
        for child in 0..51 {
            let child = play.fork(100 + second * 60 + child, 2);
            play.end(child, 2, 1_000, 0);
        }
        play.second();
    }
    let (about, text) = play.one(Rule::Forks);
    assert!(
        about == Some(2) && text.starts_with("starts 51 processes/s"),
        "{text}"
    );
    play.none(Rule::Burst);

    // Few starts whose children use much: the CPU time is what matters.
    let mut play = Play::new(&["init", "shell"]);
    for second in 0..3 {
        let child = play.fork(100 + second, 2);
        play.end(child, 2, SECOND / 2, 0).cpu_ns = Some(SECOND / 2);
        play.second();
    }
    assert_eq!(
        play.one(Rule::Forks),
        (
            Some(2),
            "exited processes, such as child, used 0.50 cores over 3 s".to_owned()
        )
    );

    for (count, fires) in [(19, false), (21, true)] {
        let mut play = Play::new(&["init", "cron"]);
        (0..3).for_each(|_| play.second());
        (0..count).for_each(|child| _ = play.fork(100 + child, 2));
        play.second();
        play.none(Rule::Forks);
        assert_eq!(
            play.findings_of(Rule::Burst).len(),
            usize::from(fires),
            "{count}"
        );
    }

    // Twelve starts in each second, evenly spread, are a loop, not a burst.
    let mut play = Play::new(&["init", "loop"]);
    for tick in 0..36 {
        (0..3).for_each(|child| _ = play.fork(100 + tick * 3 + child, 2));
        play.tick(SECOND / 4);
        play.none(Rule::Burst);
    }
}

/// Processes of one name that start many others together are one finding.
#[test]
fn forks_of_several_are_one_finding() {
    for (each, expected) in [
        ([20, 20, 20], Some("3 × worker")),
        ([60, 2, 2], Some("worker 2")),
        ([9, 9, 9], None),
    ] {
        let mut play = Play::new(&["init", "worker", "worker", "worker"]);
        for second in 0..3 {
            for (parent, count) in (2..).zip(each) {
                for child in 0..count {
                    let child = play.fork(1_000 + second * 300 + parent * 70 + child, parent);
                    play.end(child, parent, 1_000, 0);
                }
            }
            play.second();
        }
        let findings = play.findings_of(Rule::Forks);
        let who: Vec<String> = findings.iter().map(Finding::who).collect();
        assert_eq!(
            who,
            expected.into_iter().collect::<Vec<_>>(),
            "{findings:#?}"
        );
        if each[0] == 20 {
            let text = "together start 60 processes/s, such as child, over 3 s";
            assert_eq!(findings[0].text, text);
        }
    }
}

#[test]
fn a_long_interval_does_not_make_forks_more() {
    let mut play = Play::new(&["init", "shell"]);
    for second in 0..3 {
        (0..200).for_each(|child| _ = play.fork(100 + second * 200 + child, 2));
        play.tick(10 * SECOND);
    }
    play.none(Rule::Forks);
}

/// A crash loop that has ended says so, and comes after what goes on.
#[test]
fn what_is_over_comes_last() {
    let mut play = Play::new(&["init", "supervisor", "burner"]);
    for second in 1..=40 {
        if second <= 5 {
            let child = play.fork(100 + second, 2);
            play.end(child, 2, 0, 11);
        }
        play.ran(3, u64::from(second) * SECOND, 0);
        play.second();
        let findings = &play.tracker.snapshot().findings;
        let order: Vec<_> = findings.iter().map(|finding| finding.rule).collect();
        let expected = match second {
            5..=14 => [Rule::Deaths, Rule::Cpu],
            20.. => [Rule::Cpu, Rule::Deaths],
            _ => continue,
        };
        assert_eq!(order, expected, "{second}");
        let deaths = findings.iter().find(|finding| finding.rule == Rule::Deaths);
        let deaths = deaths.unwrap();
        assert_eq!(deaths.ended_ns.is_some(), second >= 20);
        let says_so = deaths.text.contains("; the last ");
        assert_eq!(says_so, second >= 20, "{}", deaths.text);
    }
}

#[test]
fn tree() {
    for (count, fires) in [(99, false), (101, true)] {
        let mut play = Play::new(&["init", "bomb"]);
        let mut parent = 2;
        for child in 0..count {
            let made = play.fork(100 + child, parent);
            if let Some(Event::Fork(fork)) = play.sample.events.last_mut()
                && parent != 2
            {
                // Each process is forked by the previous one.
                fork.parent = young(parent, play.now + 1);
            }
            parent = made.tid;
        }
        play.second();
        assert_eq!(
            play.findings_of(Rule::Tree).len(),
            usize::from(fires),
            "{count}"
        );
        if fires {
            let (about, text) = play.one(Rule::Tree);
            assert!(
                about == Some(2) && text.starts_with("101 descendants alive"),
                "{text}"
            );
        }
        // Ten seconds later no descendant is new.
        (0..11).for_each(|_| play.second());
        play.none(Rule::Tree);
    }
}

fn killer(kind: KillKind, pid: u32, name: &str) -> Option<Arc<Killer>> {
    let sender = Sender {
        process: id(pid),
        comm: Comm::new(name.as_bytes()),
        uid: 0,
    };
    Some(Arc::new(Killer {
        kind,
        sender: Some(sender),
        time_ns: 0,
    }))
}

/// A single SIGKILL is a finding if another process than the parent sent it, or if a SIGTERM came
/// before it without effect.
#[test]
fn a_finding_says_who_killed() {
    let cases = [
        (
            KillKind::Process,
            3,
            false,
            Some("died (SIGKILL by oomd (pid 3)), started by shell 2"),
        ),
        (KillKind::Process, 2, false, None),
        (
            KillKind::Process,
            2,
            true,
            Some("died (SIGKILL by oomd (pid 2), after a SIGTERM), started by shell 2"),
        ),
        (KillKind::Itself, 100, false, None),
        (
            KillKind::Cgroup,
            3,
            false,
            Some("died (SIGKILL by oomd (pid 3), with its whole cgroup), started by shell 2"),
        ),
    ];
    for (kind, pid, was_asked, expected) in cases {
        let mut play = Play::new(&["systemd", "shell", "oomd"]);
        let child = play.fork(100, 2);
        let record = play.end(child, 2, SECOND / 2, 9);
        record.killed_by = killer(kind, pid, "oomd");
        record.terminated_by = killer(kind, pid, "oomd").filter(|_| was_asked);
        play.second();
        let findings = play.findings_of(Rule::Deaths);
        let text = findings.first().map(|finding| finding.text.as_str());
        assert_eq!(text, expected, "{kind:?} {pid}");
    }
    // Several killers of one name, then another one.
    for (last, expected) in [
        ("kubelet", "died 3 times (SIGKILL by 3 × kubelet)"),
        ("sh", "died 3 times (SIGKILL) in"),
    ] {
        let mut play = Play::new(&["systemd", "shell"]);
        for round in 0..3 {
            let child = play.fork(100 + round, 2);
            let name = if round == 2 { last } else { "kubelet" };
            play.end(child, 2, SECOND / 2, 9).killed_by =
                killer(KillKind::Process, 50 + round, name);
            play.second();
        }
        let (_, text) = play.one(Rule::Deaths);
        assert!(text.starts_with(expected), "{text}");
    }
}

#[test]
fn deaths() {
    let mut play = Play::new(&["systemd", "shell", "service"]);
    for round in 0..3 {
        let child = play.fork(100 + round, 2);
        play.end(child, 2, SECOND / 2, 11);
        play.second();
        if round == 0 {
            // A single fault is worth a word, but it is no loop.
            let (_, text) = play.one(Rule::Deaths);
            assert_eq!(text, "died (SIGSEGV), started by shell 2");
        }
    }
    let (about, text) = play.one(Rule::Deaths);
    assert_eq!(about, Some(2));
    assert!(
        text.starts_with("died 3 times (SIGSEGV)") && text.ends_with("started by shell 2"),
        "{text}"
    );
    // The name is that of the processes that died, so the pid of the shell is not beside
    // it, even when the last of them is no longer shown.
    for _ in 0..4 {
        assert_eq!(play.findings_of(Rule::Deaths)[0].who(), "child");
        play.second();
    }
    let finding = &play.findings_of(Rule::Deaths)[0];
    assert_eq!(finding.about, finding.dot);

    // Fast failures of a loop in a shell do not count, fast failures of a service do.
    for (origin, lived, fires) in [
        (2, SECOND / 10, false),
        (2, SECOND / 4, true),
        (1, SECOND / 10, true),
    ] {
        let mut play = Play::new(&["systemd", "shell"]);
        for round in 0..4 {
            let child = play.fork(100 + round, origin);
            play.end(child, origin, lived, 1 << 8);
            play.second();
        }
        assert_eq!(
            play.findings_of(Rule::Deaths).len(),
            usize::from(fires),
            "{origin} {lived}"
        );
    }
    let mut play = Play::new(&["systemd", "shell"]);
    for (round, peaceful) in [15, 2, 1, 13, 15].into_iter().enumerate() {
        let child = play.fork(100 + round as u32, 2);
        play.end(child, 2, SECOND, peaceful);
        play.second();
    }
    play.none(Rule::Deaths);
}

/// A single death says when the same parent has started the same program again.
#[test]
fn a_restart_after_a_death_is_said() {
    for (parent, again, expected) in [
        (
            "shell",
            true,
            "died (SIGSEGV), started by shell 2, which started another one 1.5 s later",
        ),
        (
            "conmon",
            true,
            "died (SIGSEGV), restarted 1.5 s later by conmon 2",
        ),
        ("shell", false, "died (SIGSEGV), started by shell 2"),
    ] {
        let mut play = Play::new(&["init", parent, "other"]);
        let child = play.fork(100, 2);
        play.end(child, 2, SECOND / 2, 11);
        play.second();
        play.second();
        play.fork(101, if again { 2 } else { 3 });
        play.second();
        let (_, text) = play.one(Rule::Deaths);
        assert_eq!(text, expected);
    }
}

/// Workers of one service that crash in the same way are one finding, whoever started them.
#[test]
fn deaths_under_several_parents_are_one_finding() {
    let mut play = Play::new(&["init", "master", "master", "master"]);
    for parent in [2, 3, 4, 3] {
        let child = play.fork(100 + parent, parent);
        play.end(child, parent, SECOND / 2, 6);
    }
    play.second();
    let (about, text) = play.one(Rule::Deaths);
    assert_eq!(about, Some(3));
    assert!(text.starts_with("died 4 times (SIGABRT) in "), "{text}");
    assert!(text.ends_with(", started by 3 × master"), "{text}");
    // Deaths of another kind, and those of another user, are other findings.
    let child = play.fork(200, 2);
    play.end(child, 2, SECOND / 2, 11);
    let child = play.fork(201, 2);
    play.end(child, 2, SECOND / 2, 6).uid = 7;
    play.second();
    let findings = play.findings_of(Rule::Deaths);
    let counts: Vec<_> = findings
        .iter()
        .map(|finding| (finding.uid, finding.count))
        .collect();
    assert_eq!(
        counts,
        [(Some(0), 4), (Some(7), 1), (Some(0), 1)],
        "{findings:#?}"
    );
    let keys: std::collections::BTreeSet<_> = findings.iter().map(Finding::key).collect();
    assert_eq!(keys.len(), 3);
    // Single deaths under three parents are a loop together: it does not fade one by one.
    (0..20).for_each(|_| play.second());
    let (_, text) = play.one(Rule::Deaths);
    assert!(text.starts_with("died 4 times (SIGABRT)"), "{text}");
}

/// A new supervisor is named, although what it starts at first counts as started by the shell
/// that started it.
#[test]
fn a_young_parent_is_named() {
    let mut play = Play::new(&["init", "shell", "supervisor"]);
    for round in 0..8 {
        let origin = if round < 2 { 2 } else { 3 };
        let child = play.fork(100 + round, origin);
        play.end(child, origin, SECOND / 2, 6).ppid = 3;
        play.second();
    }
    let (about, text) = play.one(Rule::Deaths);
    assert_eq!(about, Some(3));
    assert!(text.ends_with(", started by supervisor 3"), "{text}");
    // Deaths at equal distances have no dips.
    let finding = &play.findings_of(Rule::Deaths)[0];
    assert_eq!(finding.curve, [4.0, 4.0]);
}

/// Init has adopted them, and has not started them.
#[test]
fn orphans_belong_to_who_started_them() {
    let mut play = Play::new(&["init", "shell"]);
    for round in 0..4 {
        let child = play.fork(100 + round, 2);
        play.end(child, 2, SECOND / 2, 6).ppid = 1;
        play.second();
    }
    let (about, text) = play.one(Rule::Deaths);
    assert_eq!(about, Some(2));
    assert!(text.ends_with(", started by shell 2"), "{text}");
}

/// A forked copy of its parent is called like this, whenever its name becomes known; and a
/// process that is older than procviz belongs to its parent.
#[test]
fn deaths_of_one_parent_are_one_loop() {
    let mut play = Play::new(&["systemd", "shell", "crasher"]);
    let old = play.end(id(3), 3, OLD, 6);
    (old.ppid, old.comm) = (2, Comm::new(b"crasher"));
    play.second();
    let (about, text) = play.one(Rule::Deaths);
    assert_eq!(
        (about, &text[..]),
        (Some(2), "died (SIGABRT), started by shell 2")
    );
    for (round, name) in ["shell", "shell", "server", "server"].iter().enumerate() {
        if round == 2 {
            let name = Event::Name(id(2), b"server"[..].into());
            play.sample.events.push(name);
            play.second();
        }
        let child = play.fork(100 + round as u32, 2);
        play.end(child, 2, SECOND / 2, 6).comm = Comm::new(name.as_bytes());
        play.second();
    }
    let (about, text) = play.one(Rule::Deaths);
    assert_eq!(about, Some(2));
    assert!(text.starts_with("died 4 times (SIGABRT)"), "{text}");
    assert!(text.ends_with("started by server 2"), "{text}");
    // Who is gone has no dot.
    let child = play.fork(200, 2);
    play.end(child, 2, SECOND / 2, 11);
    play.end(id(2), 2, SECOND, 0);
    for _ in 0..8 {
        play.second();
    }
    for finding in play.findings_of(Rule::Deaths) {
        assert_eq!(finding.dot, None);
    }
}

#[test]
fn chain() {
    let mut play = Play::new(&["init", "shell"]);
    let mut before = id(2);
    for link in 0..12 {
        let child = play.fork(100 + link, 2);
        if let Some(Event::Fork(fork)) = play.sample.events.last_mut() {
            (fork.parent, fork.ppid) = (before, before.tid);
        }
        if before != id(2) {
            play.end(before, 2, SECOND / 4, 0);
        }
        before = child;
        play.tick(SECOND / 4);
        if link < 3 {
            play.none(Rule::Chain);
        }
    }
    // It is marked at its living end, and stays one finding from link to link.
    let findings = play.findings_of(Rule::Chain);
    assert_eq!((findings.len(), findings[0].dot), (1, Some(before)));
    assert!(
        findings[0].text.contains("4.0 processes/s"),
        "{}",
        findings[0].text
    );
    let key = findings[0].key();
    let child = play.fork(200, 2);
    if let Some(Event::Fork(fork)) = play.sample.events.last_mut() {
        (fork.parent, fork.ppid) = (before, before.tid);
    }
    play.end(before, 2, SECOND / 4, 0);
    play.tick(SECOND / 4);
    let findings = play.findings_of(Rule::Chain);
    assert_eq!((findings[0].key(), findings[0].dot), (key, Some(child)));

    // A process that starts one child after the other is no chain, and neither are processes
    // that start the next and stay.
    for stays in [false, true] {
        let mut play = Play::new(&["init", "shell"]);
        let mut before = id(2);
        for link in 0..12 {
            let child = play.fork(100 + link, 2);
            match stays {
                true => {
                    if let Some(Event::Fork(fork)) = play.sample.events.last_mut() {
                        (fork.parent, fork.ppid) = (before, before.tid);
                    }
                    before = child;
                }
                false => _ = play.end(child, 2, SECOND / 8, 0),
            }
            play.tick(SECOND / 4);
        }
        play.none(Rule::Chain);
    }
}

#[test]
fn disguise() {
    let mut play = Play::new(&["init", "[kswapd0]", "sshd"]);
    let (about, text) = play.one(Rule::Disguise);
    assert_eq!(
        (about, &text[..]),
        (
            Some(2),
            "calls itself [kswapd0] like a kernel thread, but runs a program"
        )
    );
    let comm = Comm::new(b"kworker/0:1");
    let rename = crate::model::Rename { id: id(3), comm };
    play.sample.events.push(Event::Rename(rename));
    play.second();
    assert_eq!(play.findings_of(Rule::Disguise).len(), 2);
    // A thread of the kernel is what it says.
    let mut play = Play::new(&["init"]);
    let mut thread = crate::tracker::play::found(7, "kworker/0:1");
    (thread.kthread, thread.ppid) = (true, 2);
    play.sample.found = vec![thread];
    play.second();
    play.none(Rule::Disguise);
}

#[test]
fn threads() {
    for (count, fires) in [(99, false), (101, true)] {
        let mut play = Play::new(&["init", "pool"]);
        for tid in 0..count {
            play.fork(100 + tid, 2);
            if let Some(Event::Fork(fork)) = play.sample.events.last_mut() {
                fork.process = id(2);
            }
        }
        play.second();
        assert_eq!(
            play.findings_of(Rule::Threads).len(),
            usize::from(fires),
            "{count}"
        );
        play.none(Rule::Forks);
    }
}

#[test]
fn zombies() {
    for (count, fires) in [(19, false), (20, true)] {
        let mut play = Play::new(&["init", "careless"]);
        for child in 0..count {
            let child = play.fork(100 + child, 2);
            play.end(child, 2, 1, 0).zombie = true;
        }
        play.second();
        // The parent can be about to reap the zombies.
        play.none(Rule::Zombies);
        play.second();
        assert_eq!(
            play.findings_of(Rule::Zombies).len(),
            usize::from(fires),
            "{count}"
        );
        if fires {
            assert_eq!(play.one(Rule::Zombies).0, Some(2));
            let reaped: Vec<Event> = (0..10)
                .map(|child| Event::Reaped(young(100 + child, OLD + 1)))
                .collect();
            play.sample.events.extend(reaped);
            play.second();
            play.none(Rule::Zombies);
        }
    }
}

#[test]
fn zombies_of_an_unknown_parent_are_not_those_of_procviz() {
    let mut play = Play::new(&["init"]);
    for child in 0..20 {
        let child = play.fork(100 + child, 77);
        play.end(child, 77, 1, 0).zombie = true;
    }
    play.second();
    play.second();
    let findings = &play.tracker.snapshot().findings;
    let of_zombies = findings
        .iter()
        .find(|finding| finding.rule == Rule::Zombies);
    assert_eq!(of_zombies.unwrap().who(), "unknown process");
}
