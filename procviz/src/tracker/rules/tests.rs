//! Tests each rule on made-up samples: the rule fires, does not fire just below its
//! threshold, and combines findings.

use super::{RuleSettings, SECOND};
use crate::{
    model::{Comm, Event, Memory, MemoryParts, MemorySizes, Rule, State},
    tracker::{
        LastSeconds, Secrets,
        play::{MIB, Play, id},
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

/// On a machine whose CPUs are all busy, a loop gets less than a core. What wakes up often and
/// waits each time gets all that it needs, if later.
#[test]
fn a_loop_without_free_cpus() {
    for (always, fires) in [(true, true), (false, false)] {
        let mut play = Play::new(&["init", "burner"]);
        for second in 1..=4 {
            let (used, waited) = match always {
                true => (second * SECOND * 4 / 10, second * SECOND * 6 / 10),
                false => (second * SECOND * 4 / 10, second * SECOND * 3 / 10),
            };
            play.ran(2, used, 0).run_delay_ns = Some(waited);
            play.sample.machine.cpu_busy_ns = Some(39 * SECOND / 10);
            play.second();
        }
        if fires {
            let (about, text) = play.one(Rule::Cpu);
            assert_eq!(about, Some(2));
            let begin = "uses 0.40 cores for 3 s, and would use 1.0 cores if they were free";
            assert!(text.starts_with(begin), "{text}");
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
    assert!(
        place.starts_with('\u{fffd}') && !place.contains('\x1b'),
        "{text}"
    );
}

/// With `--redact`, the mount is named, but no file on it.
#[test]
fn a_file_can_be_left_out() {
    for (hides_files, expected) in [
        (false, ", has /mnt/x/data open (nfs4)"),
        (true, ", has files on /mnt/x open (nfs4)"),
    ] {
        let mut play = Play::new(&["init", "reader"]);
        let settings = RuleSettings::default().hide_files(hides_files);
        play.tracker = play.tracker.with_rules(settings);
        play.ran(2, 0, 0).state = State::Blocked;
        let on = b"/mnt/x\0nfs4\0/mnt/x/data".as_slice();
        play.sample.events.push(Event::OpenOn(id(2), on.into()));
        for _ in 0..7 {
            play.second();
        }
        let (_, text) = play.one(Rule::Blocked);
        assert!(text.ends_with(expected), "{text}");
    }
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
    assert_eq!(nfs.who(), "tar and 2 other commands");
    assert!(
        nfs.text
            .starts_with("4 processes (2 × tar, 1 × cp, 1 × rsync) blocked (D)")
            && nfs
                .text
                .ends_with(", in nfs_wait (waits for an NFS server)"),
        "{}",
        nfs.text
    );
    let disk = findings.iter().find(|finding| finding.count == 1).unwrap();
    assert_eq!(disk.who(), "disk 6");
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
