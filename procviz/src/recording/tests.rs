//! Tests that a reader gets back all that was recorded, and that a damaged file never
//! yields data that was not recorded.

use std::{io::Cursor, sync::Arc};

use proptest::{prelude::*, strategy::ValueTree as _};

use super::{Block, Facts, Gap, Map, Mark, Packer, ReadError, Reader};
use crate::model::{
    Comm, ContainerNames, Event, Exec, ExitRecord, Fold, Fork, Found, Gone, Io, KillKind, Killer,
    Losses, MachineFigures, Memory, MemoryParts, MemorySizes, Pressure, Reading, Rename, Sample,
    Sender, Sources, Stamp, State, Status, TaskId, ThreadEnd,
};
use crate::tracker::{Change, Keyframe, LastSeconds, Secrets, Tracker};

fn facts() -> Facts {
    Facts {
        host: "db3".to_owned(),
        cpus: 4,
        page_bytes: 4096,
        tick_ns: 10_000_000,
        boot_wall_ns: 1_700_000_000_000_000_000,
        tasks: "threads".to_owned(),
        users: [(0, "root".to_owned()), (7, "\u{1b}[31m".to_owned())].into(),
        ..Facts::default()
    }
}

/// The bytes of a closed recording of samples.
fn recorded(samples: &[Sample]) -> Vec<u8> {
    let mut bytes = Block::file_header();
    let mut entries = Vec::new();
    let mut write = |bytes: &mut Vec<u8>, block: Block| {
        entries.push(block.entry(bytes.len() as u64));
        bytes.extend_from_slice(&block.bytes);
    };
    write(&mut bytes, Block::facts(&facts()).unwrap());
    for block in blocks(samples) {
        write(&mut bytes, block);
    }
    bytes.extend_from_slice(&Block::index(&entries).unwrap().bytes);
    bytes
}

/// Packs samples into blocks.
fn blocks(samples: &[Sample]) -> Vec<Block> {
    let mut packer = Packer::new();
    let mut blocks = Vec::new();
    for sample in samples {
        if packer.add(sample) {
            blocks.extend(packer.block().map(|(block, _)| block.unwrap()));
        }
    }
    blocks.extend(packer.block().map(|(block, _)| block.unwrap()));
    blocks
}

/// Reads all samples of a file that can be read.
fn read(bytes: &[u8]) -> Result<(Vec<Sample>, Reader), ReadError> {
    let mut reader = Reader::new(Cursor::new(bytes.to_vec()))?;
    let mut samples = Vec::new();
    while let Some(sample) = reader.read()? {
        samples.push(sample);
    }
    Ok((samples, reader))
}

/// A sample as text, without rows of memory: a row that repeats the previous row can be
/// left out of the file.
fn text(sample: &Sample) -> String {
    let mut sample = sample.clone();
    sample.memories.clear();
    format!("{sample:?}")
}

fn tracker() -> Tracker {
    Tracker::new(facts().machine(), Sources::EbpfAndProc)
}

fn picture(tracker: &Tracker) -> String {
    format!("{:?}", tracker.snapshot())
}

/// The tasks as text, without their changes in past intervals.
fn tasks(tracker: &Tracker) -> String {
    let keyframe = tracker.keyframe(Secrets::Kept, LastSeconds::Kept).unwrap();
    let tick = tracker.snapshot().tick;
    let exits = tracker.snapshot().processes.iter();
    let exits: Vec<_> = exits.map(|process| &process.exit).collect();
    let Keyframe {
        threads, processes, ..
    } = keyframe;
    format!("{tick} {threads:?} {processes:?} {exits:?}")
}

fn rest(tracker: &Tracker) -> String {
    let mut snapshot = tracker.snapshot().clone();
    (snapshot.threads, snapshot.processes) = Default::default();
    format!("{snapshot:?}")
}

/// A number so small that a sum of some hundred fits into 64 bits.
fn number() -> impl Strategy<Value = u64> {
    0..1u64 << 56
}

fn numbers<const N: usize>() -> impl Strategy<Value = [u64; N]> {
    proptest::array::uniform(number())
}

fn task() -> impl Strategy<Value = TaskId> {
    (1..50u32, 0..5u64).prop_map(|(tid, start)| TaskId {
        tid,
        start_ns: start * 7_000_000_001,
    })
}

fn state() -> impl Strategy<Value = State> {
    proptest::sample::select(vec![
        State::Running,
        State::Sleeping,
        State::Blocked,
        State::Idle,
        State::Stopped,
        State::Traced,
        State::Zombie,
        State::Dead,
        State::Parked,
    ])
}

fn io() -> impl Strategy<Value = Option<Io>> {
    proptest::option::of((number(), number()).prop_map(|(read, write)| Io { read, write }))
}

fn comm() -> impl Strategy<Value = Comm> {
    proptest::collection::vec(any::<u8>(), 0..16).prop_map(|bytes| Comm::new(&bytes))
}

fn args() -> impl Strategy<Value = Option<Arc<[u8]>>> {
    proptest::option::of(
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| Arc::from(bytes.as_slice())),
    )
}

fn path() -> impl Strategy<Value = Option<Arc<str>>> {
    proptest::option::of("/[a-z\u{202e}\n]{0,9}".prop_map(|path| Arc::from(path.as_str())))
}

fn reading() -> impl Strategy<Value = Reading> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let maybe = || proptest::option::of(number());
    let uid = proptest::option::of(any::<u32>());
    (
        task(),
        uid,
        state(),
        flags,
        number(),
        maybe(),
        maybe(),
        io(),
    )
        .prop_map(
            |(
                id,
                uid,
                state,
                (on_cpu, preempted, in_iowait),
                cpu_ns,
                run_delay_ns,
                wait_max_ns,
                io,
            )| {
                Reading {
                    id,
                    uid,
                    state,
                    on_cpu,
                    preempted,
                    in_iowait,
                    cpu_ns,
                    run_delay_ns,
                    wait_max_ns,
                    io,
                }
            },
        )
}

fn found() -> impl Strategy<Value = Found> {
    let numbers = proptest::collection::vec(number(), 10);
    let flags = proptest::collection::vec(any::<bool>(), 6);
    (
        task(),
        task(),
        comm(),
        state(),
        io(),
        path(),
        numbers,
        flags,
    )
        .prop_map(
            |(id, process, comm, state, io, cgroup, numbers, flags)| Found {
                id,
                process,
                ppid: numbers[0] as u32,
                uid: flags[0].then_some(numbers[1] as u32),
                ns_pid: flags[1].then_some(numbers[2] as u32),
                kthread: flags[2],
                comm,
                state,
                on_cpu: flags[3],
                in_iowait: flags[4],
                cpu_ns: numbers[3],
                run_delay_ns: flags[0].then_some(numbers[4]),
                off_cpu_ns: flags[1].then_some(numbers[5]),
                io,
                memory: flags[2].then(|| MemorySizes {
                    rss: numbers[6],
                    vsize: numbers[7],
                    parts: flags[4].then(|| parts(&numbers)),
                }),
                is_rough: flags[1],
                threads: numbers[8] as u32 % (1 << 22),
                gone: Gone {
                    cpu_ns: numbers[9],
                    user_ns: numbers[8],
                    system_ns: numbers[7],
                    io: io.unwrap_or_default(),
                    cancelled_write_bytes: 0,
                    io_has_children: false,
                    minor_faults: numbers[6],
                    major_faults: numbers[5],
                },
                whole: flags[3].then_some((numbers[4], io)),
                cgroup,
                watched: flags[5],
            },
        )
}

fn parts(numbers: &[u64]) -> MemoryParts {
    MemoryParts {
        anon: numbers[2],
        file: numbers[3],
        shmem: numbers[4],
        swap: numbers[5],
        hugetlb: numbers[6],
    }
}

fn exit() -> impl Strategy<Value = ExitRecord> {
    let numbers = proptest::collection::vec(number(), 12);
    let flags = proptest::collection::vec(any::<bool>(), 6);
    (task(), task(), comm(), args(), path(), numbers, flags).prop_map(
        |(process, origin, comm, args, cgroup, numbers, flags)| {
            let maybe = |index: usize| flags[index % 6].then_some(numbers[index]);
            ExitRecord {
                process,
                thread: flags[0].then_some(origin),
                time_ns: numbers[0] % 5_000_000_000,
                ns_pid: maybe(1).map(|number| number as u32),
                ppid: numbers[2] as u32,
                origin,
                uid: numbers[3] as u32,
                comm,
                name: args.clone(),
                args,
                args_bytes: maybe(3),
                status: Status(numbers[4] as u32),
                oom: flags[1],
                killed_by: flags[2].then(|| killer(origin, &numbers[..3], flags[0])),
                terminated_by: flags[4].then(|| killer(process, &numbers[..5], flags[1])),
                cpu_ns: maybe(4),
                user_ns: maybe(5),
                system_ns: maybe(6),
                max_rss_bytes: maybe(7),
                max_rss_inherited: flags[5].then_some(flags[4]),
                read_bytes: maybe(8),
                write_bytes: maybe(9),
                cancelled_write_bytes: maybe(2),
                minor_faults: maybe(10),
                major_faults: maybe(11),
                cgroup,
                zombie: flags[2],
                watched: flags[3],
                partial: flags[4],
            }
        },
    )
}

/// A killer whose signal came before the exit, whose time is made of `numbers[0]`.
fn killer(process: TaskId, numbers: &[u64], has_sender: bool) -> Arc<Killer> {
    let time_ns = numbers[0] % 5_000_000_000;
    let last = numbers.last().copied().unwrap_or_default();
    let sender = Sender {
        process,
        comm: Comm::new(&last.to_ne_bytes()),
        uid: last as u32,
    };
    Arc::new(Killer {
        kind: KillKind::ALL[last as usize % KillKind::ALL.len()],
        sender: has_sender.then_some(sender),
        time_ns: time_ns - last % (time_ns + 1),
    })
}

fn event() -> impl Strategy<Value = Event> {
    let fork = (
        task(),
        task(),
        any::<[u32; 3]>(),
        any::<[bool; 2]>(),
        comm(),
        args(),
        path(),
    );
    let exec = (task(), any::<[u32; 2]>(), comm(), args(), path());
    let end = (task(), task(), numbers::<5>(), any::<[bool; 4]>(), comm());
    prop_oneof![
        Just(Event::Nothing),
        fork.prop_map(
            |(id, process, [ppid, uid, ns_pid], [kthread, watched], comm, args, cgroup)| {
                Event::Fork(Fork {
                    id,
                    process,
                    parent: process,
                    ppid,
                    origin: id,
                    uid,
                    ns_pid,
                    kthread,
                    comm,
                    name: args.clone(),
                    args,
                    cgroup,
                    watched,
                })
            }
        ),
        exec.prop_map(|(process, [old_tid, uid], comm, args, cgroup)| {
            Event::Exec(Exec {
                process,
                old_tid,
                uid,
                comm,
                args,
                cgroup,
            })
        }),
        (task(), comm()).prop_map(|(id, comm)| Event::Rename(Rename { id, comm })),
        end.prop_map(|(id, process, numbers, flags, comm)| {
            Event::ThreadEnd(ThreadEnd {
                id,
                process,
                time_ns: numbers[0] % 5_000_000_000,
                status: Status(numbers[1] as u32),
                cpu_ns: flags[0].then_some(numbers[2]),
                run_delay_ns: flags[1].then_some(numbers[3]),
                io: flags[0].then_some((numbers[3], numbers[4])),
                zombie: flags[2],
                superseded: flags[3],
                comm,
            })
        }),
        exit().prop_map(|record| Event::ProcessEnd(Arc::new(record))),
        task().prop_map(Event::Reaped),
        (task(), any::<u32>()).prop_map(|(id, ppid)| Event::Parent(id, ppid)),
        (task(), args()).prop_map(|(id, args)| Event::Args(id, args.unwrap_or_default())),
        (task(), args()).prop_map(|(id, name)| Event::Name(id, name.unwrap_or_default())),
        (task(), args()).prop_map(|(id, place)| Event::Waits(id, place.unwrap_or_default())),
        (task(), state()).prop_map(|(id, state)| Event::State(id, state)),
        (task(), path())
            .prop_map(|(id, path)| { Event::Cgroup(id, path.unwrap_or_else(|| "".into())) }),
    ]
}

fn fold() -> impl Strategy<Value = Fold> {
    (
        task(),
        comm(),
        any::<[u32; 2]>(),
        numbers::<2>(),
        any::<bool>(),
    )
        .prop_map(
            |(origin, comm, [uid, status], [count, cpu_ns], watched)| Fold {
                origin,
                comm,
                uid,
                status: Status(status),
                count: count % (1 << 32),
                cpu_ns,
                watched,
            },
        )
}

fn machine() -> impl Strategy<Value = MachineFigures> {
    let flags = any::<[bool; 14]>();
    (numbers::<14>(), flags, 0.0..4e6).prop_map(|(numbers, flags, load)| {
        let maybe = |index: usize| flags[index].then_some(numbers[index]);
        let pressure = |index: usize| {
            flags[index].then_some(Pressure {
                some_us: numbers[index],
                full_us: numbers[0],
            })
        };
        MachineFigures {
            cpu_busy_ns: maybe(0),
            steal_ns: maybe(1),
            iowait_ns: maybe(2),
            load1: flags[3].then_some(load),
            running: maybe(4).map(|tasks| tasks % (1 << 22)),
            blocked: maybe(5).map(|tasks| tasks % (1 << 22)),
            mem_total_bytes: maybe(6),
            mem_available_bytes: maybe(7),
            swap_used_bytes: maybe(8),
            shmem_bytes: maybe(7),
            psi_cpu_some_us: maybe(9),
            psi_memory: pressure(10),
            psi_io: pressure(11),
            forks: maybe(12).map(|forks| forks % (1 << 40)),
            deaths: maybe(13).map(|deaths| deaths % (1 << 40)),
        }
    })
}

fn sample() -> impl Strategy<Value = Sample> {
    use proptest::collection::vec;
    let memory = (task(), numbers::<9>(), any::<(u32, bool)>()).prop_map(
        |(process, sizes, (threads, all))| Memory {
            process,
            sizes: MemorySizes {
                rss: sizes[0],
                vsize: sizes[1],
                parts: all.then(|| parts(&sizes)),
            },
            threads,
            written: all.then_some(sizes[8]),
        },
    );
    let head = (
        numbers::<9>(),
        0..2_000_000_000u64,
        any::<[bool; 3]>(),
        machine(),
    );
    (
        head,
        vec(found(), 0..4),
        vec(event(), 0..8),
        vec(fold(), 0..3),
        vec(reading(), 0..6),
        vec(memory, 0..4),
    )
        .prop_map(|(head, found, events, folds, readings, memories)| {
            let (numbers, interval_ns, flags, machine) = head;
            let lost = numbers.map(|number| number % (1 << 40));
            Sample {
                gap_ns: None,
                stamp: Stamp {
                    boot_ns: 0,
                    interval_ns,
                },
                boot_wall_ns: flags[0].then_some(i128::from(numbers[0] as i64)),
                sources: if flags[1] {
                    Sources::EbpfAndProc
                } else {
                    Sources::ProcOnly
                },
                found,
                complete: flags[2],
                events,
                folds,
                readings,
                memories,
                machine,
                losses: Losses {
                    fork: lost[1],
                    exec: lost[2],
                    exit: lost[3],
                    dead: lost[4],
                    other: lost[5],
                    late_ticks: lost[6],
                    skipped_ticks: lost[7],
                },
                events_seen: numbers[8],
                own_cpu_ns: numbers[0],
            }
        })
}

/// Samples with rising times.
fn run(most: usize) -> impl Strategy<Value = Vec<Sample>> {
    proptest::collection::vec(sample(), 1..most).prop_map(|mut samples| {
        let mut now = 5_000_000_000;
        for sample in &mut samples {
            now += sample.stamp.interval_ns;
            sample.stamp.boot_ns = now;
        }
        samples
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn samples_survive_packing(samples in run(12)) {
        let bytes = recorded(&samples);
        let (read, reader) = read(&bytes).unwrap();
        prop_assert_eq!(
            samples.iter().map(text).collect::<Vec<_>>(),
            read.iter().map(text).collect::<Vec<_>>()
        );
        prop_assert_eq!(reader.facts(), &facts());
        let integrity = reader.integrity();
        prop_assert!(integrity.is_closed && integrity.damages.is_empty());
        prop_assert_eq!((integrity.unfinished, integrity.bytes), (0, bytes.len() as u64));
    }

    /// The samples between the first and the last are lost, but not their exit records.
    #[test]
    fn the_dead_outlive_their_samples(samples in run(12)) {
        let (first, rest) = samples.split_first().unwrap();
        let (last, lost) = rest.split_last().unwrap_or((first, &[]));
        let (mut known, mut folded) = (Vec::new(), 0);
        for block in blocks(lost) {
            let (ended, more) = block.ended();
            known.extend(ended);
            folded += more;
        }
        // The reader limits the numbers of a gap to this value.
        let told_folded = folded.min(u32::MAX.into());
        let gap = Gap { span_ns: (1, 2), samples: lost.len() as u64, deaths: told_folded, why: "why".to_owned() };
        let gap_blocks = [Block::gap(&gap).unwrap(), Block::deaths(gap.span_ns, &known).unwrap()];
        let mut bytes = Block::file_header();
        let facts = [Block::facts(&facts()).unwrap()];
        let (first, last) = (blocks(std::slice::from_ref(first)), blocks(std::slice::from_ref(last)));
        for block in facts.iter().chain(&first).chain(&gap_blocks).chain(&last) {
            bytes.extend_from_slice(&block.bytes);
        }
        let (read, reader) = read(&bytes).unwrap();
        let ends = |sample: &Sample| {
            let events = sample.events.iter();
            events
                .filter_map(|event| match event {
                    // Only the next sample shows whether the zombie has been reaped.
                    Event::ProcessEnd(record) => Some(ExitRecord { zombie: false, ..(**record).clone() }),
                    _ => None,
                })
                .collect::<Vec<_>>()
        };
        let all: Vec<_> = samples.iter().flat_map(ends).collect();
        let there: Vec<_> = read.iter().flat_map(ends).collect();
        // A single sample is written twice, as the first and as the last.
        prop_assert!(
            samples.len() == 1 || format!("{all:?}") == format!("{there:?}"),
            "{all:#?} {there:#?}"
        );
        prop_assert_eq!(&reader.integrity().gaps, &[gap]);
        let folds = lost.iter().flat_map(|sample| &sample.folds);
        prop_assert_eq!(folds.map(|fold| fold.count).sum::<u64>(), folded);
        // Without a sample after the gap, `take_ended` returns the exit records.
        let end = bytes.len() - last.iter().map(|block| block.bytes.len()).sum::<usize>();
        let (_, mut reader) = self::read(&bytes[..end]).unwrap();
        prop_assert_eq!(format!("{:?}", reader.take_ended()), format!("{known:?}"));
    }

    /// A tracker has the same snapshot after each recorded sample as after the live sample.
    #[test]
    fn what_is_shown_is_the_same(samples in run(12)) {
        let (read, _) = read(&recorded(&samples)).unwrap();
        let (mut live, mut recorded) = (tracker(), tracker());
        for (one, other) in samples.iter().zip(&read) {
            live.update(one);
            recorded.update(other);
            prop_assert_eq!(picture(&live), picture(&recorded));
        }
    }

    /// A tracker that begins at a keyframe continues as if it had read all samples.
    #[test]
    fn a_keyframe_is_all_there_was(samples in run(12), at in any::<prop::sample::Index>()) {
        let at = at.index(samples.len());
        let mut whole = tracker();
        samples[..=at].iter().for_each(|sample| whole.update(sample));
        let mut part = tracker();
        let keyframe = whole.keyframe(Secrets::Kept, LastSeconds::Kept).unwrap();
        part.restore(through_a_block(&keyframe)).unwrap();
        let again = part.keyframe(Secrets::Kept, LastSeconds::Kept).unwrap();
        prop_assert_eq!(format!("{:?}", again.threads), format!("{:?}", keyframe.threads));
        prop_assert_eq!(format!("{:?}", again.processes), format!("{:?}", keyframe.processes));
        prop_assert_eq!(again.rest.len(), keyframe.rest.len());
        let mut light = tracker();
        let keyframe = whole.keyframe(Secrets::Kept, LastSeconds::LeftOut).unwrap();
        light.restore(through_a_block(&keyframe)).unwrap();
        let from = samples[at].stamp.boot_ns;
        for sample in &samples[at + 1..] {
            whole.update(sample);
            part.update(sample);
            light.update(sample);
            prop_assert_eq!(tasks(&whole), tasks(&part));
            prop_assert_eq!(tasks(&whole), tasks(&light));
            prop_assert_eq!(rest(&whole), rest(&part));
            if sample.stamp.boot_ns - from > Tracker::WARM_UP_NS {
                prop_assert_eq!(rest(&whole), rest(&light));
            }
        }
        // A part of the recording that begins here finds all living tasks and zombies.
        let census = whole.census();
        let living = whole.snapshot().threads.iter().filter(|thread| thread.end.is_none_or(|end| end.zombie));
        prop_assert_eq!(census.found.len(), living.count());
    }

    /// A file that is cut off anywhere still yields the samples before the cut.
    #[test]
    fn a_cut_costs_the_end_alone(samples in run(12), at in any::<prop::sample::Index>()) {
        let bytes = recorded(&samples);
        let at = at.index(bytes.len());
        if let Ok((left, reader)) = read(&bytes[..at]) {
            let same = left.iter().zip(&samples).all(|(one, other)| text(one) == text(other));
            prop_assert!(same && left.len() <= samples.len());
            prop_assert!(!reader.integrity().is_closed);
        } else {
            prop_assert!(at < 16);
        }
    }

    /// A flipped bit costs only its block, and is reported.
    #[test]
    fn a_flipped_bit_costs_one_block(
        samples in run(12),
        at in any::<prop::sample::Index>(),
        bit in 0..8u32,
    ) {
        let mut bytes = recorded(&samples);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let Ok((left, reader)) = read(&bytes) else {
            // The bit is in the magic or the version of the file header.
            prop_assert!(at < 10);
            return Ok(());
        };
        let all: Vec<String> = samples.iter().map(text).collect();
        prop_assert!(left.iter().all(|sample| all.contains(&text(sample))));
        let integrity = reader.integrity();
        let is_as_before = left.len() == samples.len() && reader.facts() == &facts();
        prop_assert!(
            !integrity.damages.is_empty() || !integrity.is_closed || integrity.unfinished > 0
                || (is_as_before && (10..16).contains(&at)),
            "byte {} of {}: no damage is reported", at, bytes.len()
        );
    }

    /// Random bytes after a valid file header yield no samples.
    #[test]
    fn noise_is_not_a_recording(noise in proptest::collection::vec(any::<u8>(), 0..3_000)) {
        let mut bytes = Block::file_header();
        bytes.extend_from_slice(&noise);
        let (left, _) = read(&bytes).unwrap();
        prop_assert!(left.is_empty());
    }
}

#[test]
fn other_files_are_not_recordings() {
    assert!(matches!(read(b""), Err(ReadError::Empty)));
    assert!(matches!(read(b"PNG"), Err(ReadError::Foreign)));
    assert!(matches!(read(&[0x7f; 4_000]), Err(ReadError::Foreign)));
    let mut later = Block::file_header();
    later[8] = 2;
    assert!(matches!(read(&later), Err(ReadError::Version(2))));
    later[8] = 0;
    assert!(matches!(read(&later), Err(ReadError::Foreign)));
}

/// The keyframe after packing and unpacking.
fn through_a_block(keyframe: &Keyframe) -> Keyframe {
    super::keyframes::unpack(super::keyframes::pack(keyframe))
        .unwrap()
        .unwrap()
}

/// A failure means that the data of keyframes, or its format, has changed: then raise
/// `keyframe::VERSION`.
#[test]
fn keyframes_are_as_their_version_says() {
    let mut seed = proptest::test_runner::TestRunner::deterministic();
    let mut whole = tracker();
    let samples = run(40).new_tree(&mut seed).unwrap().current();
    samples.iter().for_each(|sample| whole.update(sample));
    let keyframe = whole.keyframe(Secrets::Kept, LastSeconds::Kept).unwrap();
    let bytes = super::keyframes::pack(&keyframe);
    let print = format!("{} bytes, {:08x}", bytes.len(), crc32c::crc32c(&bytes));
    expect_test::expect!["4969 bytes, 7b815492"].assert_eq(&print);
}

/// A tracker does not restore the keyframe of another version, or random bytes.
#[test]
fn a_foreign_keyframe_changes_nothing() {
    let mut whole = tracker();
    whole.update(&Sample::new(Sources::EbpfAndProc));
    let keyframe = whole.keyframe(Secrets::Kept, LastSeconds::Kept).unwrap();
    let before = picture(&whole);
    let mut other = keyframe.clone();
    other.rest[0] ^= 0xff;
    let packed = super::keyframes::pack(&other);
    assert!(super::keyframes::unpack(packed).unwrap().is_none());
    assert!(whole.restore(other).is_err());
    for len in 0..keyframe.rest.len() {
        let mut other = keyframe.clone();
        other.rest.truncate(len);
        assert!(whole.restore(other).is_err(), "{len}");
    }
    let packed = super::keyframes::pack(&keyframe);
    for len in 0..packed.len() {
        let cut = super::keyframes::unpack(packed[..len].to_vec());
        assert!(cut.is_err(), "{len} of {}", packed.len());
    }
    assert_eq!(picture(&whole), before);
}

/// A block is damaged if its lengths are beyond the limits, or if its content does not fit
/// its header.
#[test]
fn absurd_claims_cost_nothing() {
    let mut bytes = Block::file_header();
    bytes.extend_from_slice(&Block::facts(&facts()).unwrap().bytes);
    let good = bytes.len();
    // A decompression bomb: 30 MiB of zeros in a table with two million rows.
    let mut payload = vec![10u8, 0x80, 0x89, 0x7a, 1, 0];
    payload.resize(30 << 20, 0);
    let packed = zstd::bulk::compress(&payload, 1).unwrap();
    bytes.extend_from_slice(&super::block::frame(
        super::block::Kind::Samples,
        &packed,
        payload.len(),
        (1, 2),
    ));
    // A length above the upper limit.
    let mut long = Block::facts(&facts()).unwrap().bytes;
    long[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    bytes.extend_from_slice(&long);
    let (left, reader) = read(&bytes).unwrap();
    assert!(left.is_empty());
    assert_eq!(reader.facts(), &facts());
    let integrity = reader.integrity();
    assert_eq!(integrity.damages.len(), 2, "{integrity:?}");
    assert!(integrity.damages[0].offset >= good as u64);
}

/// A later version can write blocks of kinds that this version does not know.
#[test]
fn unknown_blocks_are_skipped() {
    let mut samples = vec![
        Sample::new(Sources::ProcOnly),
        Sample::new(Sources::ProcOnly),
    ];
    samples[1].stamp.boot_ns = 2_000_000_000;
    let bytes = recorded(&samples);
    let facts = Block::facts(&facts()).unwrap().bytes.len() + 16;
    let unknown = super::block::frame(
        super::block::Kind::Other(77),
        &zstd::bulk::compress(b"from the future", 1).unwrap(),
        15,
        (0, 0),
    );
    let bytes = [&bytes[..facts], &unknown, &bytes[facts..]].concat();
    let (left, reader) = read(&bytes).unwrap();
    assert_eq!(left.len(), 2);
    assert!(reader.integrity().damages.is_empty() && reader.integrity().is_closed);
}

/// Periods without samples are found without reading samples.
#[test]
fn gaps_are_found() {
    let second = 1_000_000_000;
    let at = |seconds: &[u64]| -> Vec<Block> {
        let samples = seconds.iter().map(|seconds| {
            let mut sample = Sample::new(Sources::EbpfAndProc);
            sample.stamp.boot_ns = seconds * second;
            sample.stamp.interval_ns = second;
            sample
        });
        blocks(&samples.collect::<Vec<_>>())
    };
    let gap = Gap {
        span_ns: (6 * second, 7 * second),
        samples: 2,
        deaths: 0,
        why: "why".to_owned(),
    };
    let mut bytes = Block::file_header();
    let gap = [Block::gap(&gap).unwrap()];
    let first = [Block::facts(&facts()).unwrap()];
    for block in first
        .iter()
        .chain(&at(&[3, 4, 5]))
        .chain(&gap)
        .chain(&at(&[8, 9, 20, 21]))
    {
        bytes.extend_from_slice(&block.bytes);
    }
    let gaps = Map::of(&mut Cursor::new(&bytes)).unwrap().gaps();
    assert_eq!(gaps, [(6 * second, 7 * second), (9 * second, 20 * second)]);
    // With an interval of a minute, a minute without samples is not a gap.
    let bytes = recorded(&[60, 120, 180, 600].map(|seconds| {
        let mut sample = Sample::new(Sources::EbpfAndProc);
        sample.stamp.boot_ns = seconds * second;
        sample.stamp.interval_ns = 60 * second;
        sample
    }));
    let gaps = Map::of(&mut Cursor::new(&bytes)).unwrap().gaps();
    assert_eq!(gaps, [(180 * second, 600 * second)]);
}

/// Marks are found without reading samples, and damaged blocks of marks are reported.
#[test]
fn marks_are_found_and_their_damage_is_reported() {
    let mark = Mark {
        time_ns: 7,
        change: Change::Begins,
        rule: "cpu".to_owned(),
        rank: 1,
        about: Some(TaskId {
            tid: 3,
            start_ns: 5,
        }),
        is_named: true,
        comm: Some(b"\xffsh".to_vec()),
        count: 1,
        value: 1.5,
        unit: "cores".to_owned(),
        since_ns: 6,
        text: "uses 1.50 cores".to_owned(),
        severity: Some("harms".to_owned()),
        uid: Some(33),
        is_group: false,
        together: None,
        cgroup: None,
        place: Some("/docker/0f".to_owned()),
        names: ContainerNames::default(),
        status: Some(6),
        lasted_ns: None,
    };
    let mut bytes = Block::file_header();
    bytes.extend(Block::facts(&facts()).unwrap().bytes);
    let first = bytes.len();
    for _ in 0..2 {
        bytes.extend(Block::marks(std::slice::from_ref(&mark)).unwrap().bytes);
    }
    let found = |bytes: &[u8]| {
        let mut file = Cursor::new(bytes);
        Map::of(&mut file).unwrap().marks(&mut file).unwrap()
    };
    assert_eq!(found(&bytes), (vec![mark.clone(); 2], Vec::new()));
    bytes[first + 40] ^= 1;
    assert_eq!(found(&bytes), (vec![mark], vec![first as u64]));
}
