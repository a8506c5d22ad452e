//! Tests each rule on made-up samples: the rule fires, does not fire just below its
//! threshold, and combines findings.

use super::SECOND;
use crate::{
    model::{Comm, Event, Memory, MemoryParts, MemorySizes, Rule, State},
    tracker::{
        LastSeconds, Secrets,
        play::{MIB, OLD, Play, id, young},
    },
};

#[test]
fn a_quiet_machine_is_quiet() {
    let mut play = Play::new(&["init", "sshd"]);
    (0..15).for_each(|_| play.second());
    assert!(play.tracker.snapshot().findings.is_empty());
    assert!(play.tracker.snapshot().not_judged.is_empty());
}

#[test]
fn cpu() {
    for (share, fires) in [(89, false), (91, true)] {
        let mut play = Play::new(&["init", "burner"]);
        for second in 1..=3 {
            play.none(Rule::Cpu);
            play.ran(2, second * share * SECOND / 100, 0);
            play.second();
        }
        if fires {
            assert_eq!(
                play.one(Rule::Cpu),
                (
                    Some(2),
                    "uses 0.91 cores for 3 s; in the 16 min 39 s of its life before, 0.00"
                        .to_owned()
                )
            );
        } else {
            play.none(Rule::Cpu);
        }
    }
}

/// An activity that is older than the history is reported from its real start, also
/// by a tracker that was restored from a keyframe. After a pause, the activity counts
/// from its new start.
#[test]
fn a_long_activity_keeps_its_start() {
    let mut play = Play::new(&["init", "burner"]);
    let mut late = Play::new(&["init", "burner"]);
    let mut used = 0;
    for second in 1..=130 {
        let is_idle = (80..83).contains(&second);
        used += if is_idle { SECOND / 10 } else { SECOND };
        for play in [&mut play, &mut late] {
            play.ran(2, used, 0);
            play.second();
        }
        if [2, 30, 90].contains(&second) {
            let keyframe = play
                .tracker
                .keyframe(Secrets::Kept, LastSeconds::LeftOut)
                .unwrap();
            late.tracker.restore(keyframe).unwrap();
        }
        let (_, text) = match second {
            27 | 60 | 79 | 114 | 130 => play.one(Rule::Cpu),
            82 => {
                play.none(Rule::Cpu);
                continue;
            }
            _ => continue,
        };
        let lasts = if second < 80 { second } else { second - 82 };
        let lasts = crate::model::duration_text(lasts * SECOND);
        let expected = format!("uses 1.00 cores for {lasts}; in the ");
        assert!(text.starts_with(&expected), "{text}");
        assert_eq!(late.one(Rule::Cpu).1, text, "{second}");
    }
}

#[test]
fn growth() {
    for (step, fires) in [(9, false), (11, true)] {
        let mut play = Play::new(&["init", "leak"]);
        for second in 1..=3 {
            play.ran(2, second, 0);
            play.holds(2, (100 + second * step) * MIB);
            play.second();
        }
        if fires {
            let (about, text) = play.one(Rule::Growth);
            assert_eq!(about, Some(2));
            assert!(
                text.starts_with("memory grows by 11 MiB/s for 3 s, now 133 MiB"),
                "{text}"
            );
        } else {
            play.none(Rule::Growth);
        }
    }
}

#[test]
fn a_newborn_does_not_grow_into_what_it_inherited() {
    let mut play = Play::new(&["init", "server"]);
    let child = play.fork(9, 2);
    play.second();
    for second in 1..=4 {
        play.sample.memories.push(Memory {
            process: child,
            sizes: MemorySizes::new(2 << 30, 4 << 30),
            written: None,
            threads: 1,
        });
        play.ran(2, second, 0);
        play.second();
    }
    play.none(Rule::Growth);
}

/// A process that grew once and runs again after a long sleep does not grow again.
#[test]
fn an_old_growth_is_not_growth() {
    let mut play = Play::new(&["init", "sleeper"]);
    play.ran(2, 1, 0);
    play.holds(2, 200 * MIB);
    play.second();
    for _ in 0..20 {
        play.second();
    }
    for second in 2..=5 {
        play.ran(2, second, 0);
        play.second();
        play.none(Rule::Growth);
    }
}

/// Pages of a file that a process maps are no growth: the kernel can drop them.
#[test]
fn growth_is_of_private_memory() {
    for (kind, fires) in [
        ("anon", true),
        ("swap", true),
        ("file", false),
        ("shmem", false),
    ] {
        let mut play = Play::new(&["init", "reader"]);
        for second in 1..=4 {
            let grown = second * 20 * MIB;
            let mut parts = MemoryParts::default();
            match kind {
                "anon" => parts.anon = grown,
                "swap" => parts.swap = grown,
                "file" => parts.file = grown,
                _ => parts.shmem = grown,
            }
            play.ran(2, second, 0);
            play.consists_of(2, parts);
            play.second();
        }
        match fires {
            true => assert!(play.one(Rule::Growth).1.contains("20 MiB/s"), "{kind}"),
            false => play.none(Rule::Growth),
        }
    }
}

/// Six processes fill one segment of shared memory: one finding, about one of them.
#[test]
fn shared_memory_counts_once() {
    let names = ["init", "w", "w", "w", "w", "w", "w"];
    let mut play = Play::new(&names);
    for second in 1..=4 {
        play.sample.machine.mem_total_bytes = Some(16 << 30);
        play.sample.machine.shmem_bytes = Some(second * 50 * MIB);
        for tid in 2..=7 {
            play.ran(tid, second, 0);
            play.consists_of(
                tid,
                MemoryParts {
                    shmem: second * 50 * MIB,
                    ..MemoryParts::default()
                },
            );
        }
        play.second();
    }
    play.none(Rule::Growth);
    let (about, text) = play.one(Rule::Shmem);
    assert!(about.is_some());
    assert_eq!(
        text,
        "fills shared memory with 50 MiB/s for 3 s, now 200 MiB on the machine; \
         5 other processes, too"
    );
}

/// Who writes to a tmpfs is known from what it passes to write calls.
#[test]
fn a_writer_to_tmpfs_is_named() {
    let mut play = Play::new(&["init", "dd", "logger"]);
    for second in 1..=4 {
        play.sample.machine.shmem_bytes = Some(second * 30 * MIB);
        for (tid, written) in [(2, second * 30 * MIB), (3, second * 1_000)] {
            play.ran(tid, second, 0);
            play.consists_of(tid, MemoryParts::default());
            play.sample.memories.last_mut().unwrap().written = Some(written);
        }
        play.second();
    }
    let (about, text) = play.one(Rule::Shmem);
    assert_eq!(about, Some(2));
    assert_eq!(
        text,
        "writes to tmpfs: 30 MiB/s for 3 s, now 120 MiB on the machine"
    );
    // Nobody is accused without a figure.
    let mut play = Play::new(&["init"]);
    for second in 1..=4 {
        play.sample.machine.shmem_bytes = Some(second * 30 * MIB);
        play.second();
    }
    let (about, text) = play.one(Rule::Shmem);
    assert_eq!(about, None);
    assert!(
        text.starts_with("shared memory and tmpfs grow by 30 MiB/s"),
        "{text}"
    );
}

/// 20 server processes that share one segment are one finding.
#[test]
fn large_shared_memory_counts_once() {
    let names = ["init", "postgres", "postgres", "postgres"];
    let mut play = Play::new(&names);
    for tid in 2..=4 {
        play.ran(tid, 1, 0);
        play.consists_of(
            tid,
            MemoryParts {
                anon: 10 * MIB,
                shmem: 4 << 30,
                file: 8 << 30,
                ..MemoryParts::default()
            },
        );
    }
    play.second();
    assert_eq!(
        play.one(Rule::Memory),
        (
            Some(2),
            "uses 4.01 GiB, 25 % of memory, 4 GiB of it shared; 2 other processes of this name \
             use shared memory, too"
                .to_owned()
        )
    );
}

#[test]
fn memory() {
    let mut play = Play::new(&["init", "large"]);
    play.ran(2, 1, 0);
    play.holds(2, 3 << 30);
    play.second();
    play.none(Rule::Memory);
    play.ran(2, 2, 0);
    play.holds(2, 4 << 30);
    play.second();
    assert_eq!(play.one(Rule::Memory).1, "uses 4 GiB, 25 % of memory");
    let child = play.fork(9, 1);
    play.sample.memories.push(Memory {
        process: child,
        sizes: MemorySizes::new(900 * MIB, 1 << 30),
        written: None,
        threads: 1,
    });
    play.second();
    assert_eq!(play.findings_of(Rule::Memory).len(), 2);
}

#[test]
fn io() {
    for (mib, fires) in [(49, false), (51, true)] {
        let mut play = Play::new(&["init", "one", "two"]);
        play.ran(2, 1, mib * MIB);
        // The other process does more, so this one does not do most of the IO.
        play.ran(3, 1, 60 * MIB);
        play.second();
        assert_eq!(
            play.findings_of(Rule::Io)
                .iter()
                .any(|finding| finding.about == Some(id(2))),
            fires,
            "{mib} MiB/s"
        );
    }
    let mut play = Play::new(&["init", "one"]);
    play.ran(2, 1, 11 * MIB);
    play.second();
    assert!(play.one(Rule::Io).1.contains("100 % of all IO"));
}

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

#[test]
fn a_long_interval_does_not_make_forks_more() {
    let mut play = Play::new(&["init", "shell"]);
    for second in 0..3 {
        (0..200).for_each(|child| _ = play.fork(100 + second * 200 + child, 2));
        play.tick(10 * SECOND);
    }
    play.none(Rule::Forks);
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
fn oom() {
    let mut play = Play::new(&["init", "shell", "grower"]);
    play.ran(3, 1, 0);
    play.holds(3, 300 * MIB);
    let child = play.fork(100, 2);
    play.end(child, 2, SECOND / 2, 9).oom = true;
    play.second();
    let (about, text) = play.one(Rule::Oom);
    assert_eq!(about, Some(100));
    assert!(
        text.contains("killed by the OOM killer") && text.ends_with("grower 3 grew by 200 MiB"),
        "{text}"
    );
    assert_eq!(play.findings_of(Rule::Oom)[0].rank, 1);
}

#[test]
fn blocked_is_folded_by_command() {
    let mut play = Play::new(&["init", "nfs", "nfs", "disk"]);
    for tid in [2, 3, 4] {
        play.ran(tid, 1, 0).state = State::Blocked;
    }
    let place = b"nfs_wait\x1b_bit".as_slice();
    play.sample.events.push(Event::Waits(id(2), place.into()));
    play.second();
    (0..4).for_each(|_| play.second());
    play.none(Rule::Blocked);
    play.sample.events.push(Event::State(id(4), State::Running));
    play.second();
    let (about, text) = play.one(Rule::Blocked);
    assert!(
        about == Some(2) && text.starts_with("2 processes blocked (D)"),
        "{text}"
    );
    let (_, place) = text.split_once(", 1 of them in nfs_wait").unwrap();
    assert!(place.ends_with("_bit") && !place.contains('\x1b'), "{text}");
}

/// What waits at one place waits for the same thing, whatever the commands are.
#[test]
fn blocked_at_one_place_is_one_finding() {
    let mut play = Play::new(&["init", "tar", "rsync", "tar", "cp", "disk"]);
    for tid in 2..=6 {
        play.ran(tid, 1, 0).state = State::Blocked;
    }
    let waits = |tid: u32, place: &str| Event::Waits(id(tid), place.as_bytes().into());
    let nfs = (2..=5).map(|tid| waits(tid, "nfs_wait"));
    play.sample
        .events
        .extend(nfs.chain([waits(6, "io_schedule")]));
    (0..6).for_each(|_| play.second());
    let findings = play.findings_of(Rule::Blocked);
    assert_eq!(findings.len(), 2, "{findings:#?}");
    let nfs = findings.iter().find(|finding| finding.count == 4).unwrap();
    assert_eq!(nfs.comm, Some(Comm::new(b"tar")));
    assert!(
        nfs.text
            .starts_with("4 processes (2 × tar, 1 × cp, 1 × rsync) blocked (D)")
            && nfs.text.ends_with(", in nfs_wait"),
        "{}",
        nfs.text
    );
    let disk = findings.iter().find(|finding| finding.count == 1).unwrap();
    assert_eq!(disk.comm, Some(Comm::new(b"disk")));
}

#[test]
fn waiting() {
    for (percent, fires) in [(49, false), (51, true)] {
        let mut play = Play::new(&["init", "starved"]);
        for second in 1..=3 {
            play.ran(2, second, 0).run_delay_ns = Some(second * percent * SECOND / 100);
            play.second();
        }
        assert_eq!(
            play.findings_of(Rule::Waiting).len(),
            usize::from(fires),
            "{percent}"
        );
    }
    for (ms, fires) in [(90, false), (200, true)] {
        let mut play = Play::new(&["init", "server"]);
        (0..3).for_each(|_| play.second());
        let reading = play.ran(2, 1, 0);
        reading.run_delay_ns = Some(64 * ms * 1_000_000);
        reading.wait_max_ns = Some(ms * 1_000_000);
        play.sample.stamp.interval_ns = 60 * SECOND;
        play.tick(60 * SECOND);
        assert_eq!(
            play.findings_of(Rule::Waiting).len(),
            usize::from(fires),
            "{ms}"
        );
    }
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

#[test]
fn stall() {
    let mut play = Play::new(&["init"]);
    play.second();
    play.sample.losses.skipped_ticks = 1;
    play.second();
    play.none(Rule::Stall);
    play.sample.losses.skipped_ticks = 4;
    play.tick(4 * SECOND);
    assert_eq!(
        play.one(Rule::Stall).1,
        "procviz itself could not sample for 4 s"
    );
}
