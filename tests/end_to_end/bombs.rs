//! Opens small recordings that claim large contents. They are built by hand, block by
//! block, as an attacker would build them to exhaust the reader. Every subcommand opens
//! each file and must end within 300 MB and 20 s, with a picture or a clear message.

use std::{
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use libtest_mimic::Failed;

use crate::{
    Needs, Test,
    support::{Folder, procviz},
};

pub(crate) const TESTS: &[Test] = &[
    (
        "each_bomb_ends_in_bounds",
        Needs::Nothing,
        each_bomb_ends_in_bounds,
    ),
    (
        "the_cases_end_in_bounds",
        Needs::Nothing,
        the_cases_end_in_bounds,
    ),
    (
        "a_large_machine_is_accepted",
        Needs::Nothing,
        a_large_machine_is_accepted,
    ),
];

const MOST_KIB: i64 = 300 * 1024;
const PATIENCE: Duration = Duration::from_secs(20);

/// The arguments that are run with each file; `OUT` is replaced with a path.
const SUBCOMMANDS: &[&[&str]] = &[
    &["check"],
    &["exits", "--json", "--from"],
    &["dump", "--json", "--samples", "3", "--from"],
    &["csv", "--from"],
    &["findings", "--from"],
    &["grid", "-o", "OUT.png", "--from"],
    &["grid", "-p", "-o", "OUT.svg", "--from"],
    &["bubble", "-o", "OUT.png", "--from"],
    &["lines", "-o", "OUT.svg", "--from"],
    &["timeline", "-o", "OUT.svg", "--from"],
    &["grid", "-o", "OUT.html", "--samples", "3", "--from"],
    &["record", "-o", "OUT.pvz", "--from"],
];

/// The bytes of a recording under construction.
struct Bytes(Vec<u8>);

const FACTS: u8 = 1;
const SAMPLES: u8 = 2;
const KEYFRAME: u8 = 3;
const GAP: u8 = 4;
const INDEX: u8 = 5;
const MARKS: u8 = 6;
const TRAILS: u8 = 7;
const DEATHS: u8 = 8;
/// Encodings of columns.
const NUMBER: u8 = 0;
const MAYBE: u8 = 1;
const RISING: u8 = 2;
const TEXT: u8 = 3;
const TASK: u8 = 4;
const BYTES: u8 = 5;
const SECOND: u64 = 1_000_000_000;

impl Bytes {
    fn new() -> Self {
        let mut file = Self(b"procviz\n\x01\0\0\0\0\0\0\0".to_vec());
        let facts = br#"{"host":"h","cpus":2,"page_bytes":4096,"tick_ns":10000000,
            "boot_wall_ns":1700000000000000000,"tasks":"threads","has_marks":true,"has_trails":true}"#;
        file.block(FACTS, facts, (0, 0));
        file
    }

    /// Appends a block with a correct checksum; returns the offset of the block.
    fn block(&mut self, kind: u8, payload: &[u8], span: (u64, u64)) -> u64 {
        // Large payloads are repetitive: level 19 takes seconds for them and saves little.
        let level = if payload.len() > 1 << 20 { 4 } else { 19 };
        let packed = zstd::bulk::compress(payload, level).unwrap();
        self.packed(kind, &packed, payload.len(), span)
    }

    fn packed(&mut self, kind: u8, packed: &[u8], unpacked: usize, span: (u64, u64)) -> u64 {
        let at = self.0.len();
        self.0.extend_from_slice(b"PVZB");
        self.0.extend_from_slice(&[kind, 0, 0, 0]);
        self.0.extend((packed.len() as u32).to_le_bytes());
        self.0.extend((unpacked as u32).to_le_bytes());
        self.0.extend(span.0.to_le_bytes());
        self.0.extend(span.1.to_le_bytes());
        let crc = crc32c::crc32c_append(crc32c::crc32c(&self.0[at..]), packed);
        self.0.extend(crc.to_le_bytes());
        self.0.extend_from_slice(packed);
        at as u64
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A table; each column has an encoding and data.
fn table(id: u8, rows: u64, columns: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut out = vec![id];
    varint(&mut out, rows);
    varint(&mut out, columns.len() as u64);
    for (coding, data) in columns {
        out.push(*coding);
        varint(&mut out, data.len() as u64);
        out.extend_from_slice(data);
    }
    out
}

/// A column with the same number in each row.
fn same(coding: u8, value: u64, rows: u64) -> (u8, Vec<u8>) {
    let mut one = Vec::new();
    varint(&mut one, value);
    (coding, one.repeat(rows as usize))
}

/// A column of row numbers that count up from `from`. Tasks are numbered from 0, texts
/// from 1.
fn counting(coding: u8, from: u64, rows: u64) -> (u8, Vec<u8>) {
    let mut out = Vec::new();
    (from..from + rows).for_each(|row| varint(&mut out, row));
    (coding, out)
}

/// The table of texts of a block.
fn texts(all: &[Vec<u8>]) -> Vec<u8> {
    let mut data = Vec::new();
    for text in all {
        varint(&mut data, text.len() as u64);
        data.extend_from_slice(text);
    }
    table(1, all.len() as u64, &[(BYTES, data)])
}

/// The table of tasks of a block, with consecutive thread ids.
fn tasks(first: u64, count: u64) -> Vec<u8> {
    let mut tids = Vec::new();
    varint(&mut tids, first * 2);
    tids.resize(tids.len() + count as usize - 1, 2);
    table(2, count, &[(RISING, tids), same(RISING, 0, count)])
}

/// The table of samples. `counts` are the rows that each sample has in the tables of
/// found tasks, kinds, folds, readings and memories.
fn samples(
    count: u64,
    first_ns: u64,
    step_ns: u64,
    is_complete: bool,
    counts: [u64; 5],
) -> Vec<u8> {
    let mut times = Vec::new();
    varint(&mut times, first_ns * 2);
    (1..count).for_each(|_| varint(&mut times, step_ns * 2));
    let mut columns = vec![
        (RISING, times),
        same(NUMBER, step_ns.min(first_ns), count),
        same(MAYBE, 0, count),
        same(NUMBER, if is_complete { 3 } else { 1 }, count),
        same(NUMBER, 0, count),
        same(NUMBER, 0, count),
    ];
    columns.extend(counts.map(|rows| same(NUMBER, rows, count)));
    columns.extend((0..7).map(|_| same(NUMBER, 0, count)));
    columns.extend((0..12).map(|_| same(MAYBE, 0, count)));
    for _ in 0..2 {
        columns.extend([same(MAYBE, 0, count), same(NUMBER, 0, count)]);
    }
    table(10, count, &columns)
}

/// The table of found tasks: `count` processes with one thread each.
fn found(count: u64, cgroup: (u8, Vec<u8>)) -> Vec<u8> {
    let number = |value| same(NUMBER, value, count);
    let unknown = || same(MAYBE, 0, count);
    let mut columns = vec![
        counting(TASK, 0, count),
        counting(TASK, 0, count),
        number(1),
        same(MAYBE, 1, count),
        unknown(),
        number(8),
        same(TEXT, 1, count),
        number(b'S'.into()),
        number(0),
        unknown(),
        unknown(),
        unknown(),
        number(0),
        same(MAYBE, 1 << 20, count),
        number(1 << 21),
        number(1),
    ];
    columns.extend((0..7).map(|_| number(0)));
    columns.extend([unknown(), unknown(), number(0), cgroup]);
    table(11, count, &columns)
}

/// Events of one kind; `columns` has all columns of the table of that kind.
fn events(kind: u8, count: u64, columns: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let kinds = table(15, count, &[same(NUMBER, kind.into(), count)]);
    [kinds, table(kind, count, columns)].concat()
}

/// Exits of processes; `args` is the column of their arguments.
fn ends(count: u64, args: (u8, Vec<u8>)) -> Vec<u8> {
    let number = |value| same(NUMBER, value, count);
    let unknown = || same(MAYBE, 0, count);
    let mut columns = vec![
        counting(TASK, 0, count),
        counting(TASK, 0, count),
        same(RISING, 0, count),
        unknown(),
        number(1),
        counting(TASK, 0, count),
        number(0),
        same(TEXT, 1, count),
        args,
        number(0),
    ];
    columns.extend((0..8).map(|_| unknown()));
    columns.extend([same(TEXT, 0, count), number(8)]);
    events(25, count, &columns)
}

/// A payload with one sample: a census of `count` threads.
fn machine(first: u64, count: u64, at_ns: u64, args: &[Vec<u8>]) -> Vec<u8> {
    let mut all = vec![b"task".to_vec()];
    all.extend_from_slice(args);
    let cgroup = match args.is_empty() {
        true => same(TEXT, 0, count),
        false => counting(TEXT, 2, count),
    };
    [
        texts(&all),
        tasks(first, count),
        samples(1, at_ns, SECOND, true, [count, 0, 0, 0, 0]),
        found(count, cgroup),
    ]
    .concat()
}

/// Appends a block with two samples, so that there is a sample to show.
fn and_one_more(file: &mut Bytes, at_ns: u64) {
    let payload = samples(2, at_ns, SECOND, false, [0; 5]);
    file.block(SAMPLES, &payload, (at_ns, at_ns + SECOND));
}

type Bomb = (&'static str, fn() -> Vec<u8>);

const BOMBS: &[Bomb] = &[
    ("one text for many rows", one_text_for_many_rows),
    ("one cgroup for many tasks", one_cgroup_for_many_tasks),
    ("exits that share arguments", ends_that_share_arguments),
    ("many tables", many_tables),
    ("many columns", many_columns),
    ("many texts", many_texts),
    ("many small samples", many_small_samples),
    ("many blocks of zeros", many_blocks_of_zeros),
    ("an index that repeats a block", an_index_of_one_block),
    ("an index of nested blocks", an_index_of_nested_blocks),
    ("many marks", many_marks),
    ("a mark with a large text", a_mark_in_a_large_text),
    ("many gaps", gaps_without_end),
    ("a gap with nested lists", a_gap_of_nested_lists),
    ("facts with many users", facts_of_many_users),
    ("many trails", trails_without_end),
    ("empty keyframes", keyframes_of_nothing),
    ("many deaths", deaths_without_end),
    ("headers without payloads", heads_without_payloads),
    ("incomplete headers", heads_that_lie),
    ("new tasks in each sample", more_tasks_at_each_sample),
    ("new texts in each sample", other_texts_at_each_sample),
];

fn one_text_for_many_rows() -> Vec<u8> {
    let mut file = Bytes::new();
    let count = 100_000;
    let payload = [
        texts(&[b"task".to_vec(), vec![b'a'; 8 << 20]]),
        tasks(10, count),
        samples(2, 10 * SECOND, SECOND, false, [0, count / 2, 0, 0, 0]),
        events(28, count, &[counting(TASK, 0, count), same(TEXT, 2, count)]),
    ]
    .concat();
    file.block(SAMPLES, &payload, (10 * SECOND, 11 * SECOND));
    file.0
}

fn one_cgroup_for_many_tasks() -> Vec<u8> {
    let mut file = Bytes::new();
    let count = 50_000;
    let payload = [
        texts(&[b"task".to_vec(), vec![b'/'; 8 << 20]]),
        tasks(10, count),
        samples(1, 10 * SECOND, SECOND, true, [count, 0, 0, 0, 0]),
        found(count, same(TEXT, 2, count)),
    ]
    .concat();
    file.block(SAMPLES, &payload, (10 * SECOND, 10 * SECOND));
    and_one_more(&mut file, 11 * SECOND);
    file.0
}

fn ends_that_share_arguments() -> Vec<u8> {
    let mut file = Bytes::new();
    let count = 20_000;
    let payload = [
        texts(&[b"task".to_vec(), vec![b'a'; 8 << 20]]),
        tasks(10, count),
        samples(2, 10 * SECOND, SECOND, false, [0, count / 2, 0, 0, 0]),
        ends(count, same(TEXT, 2, count)),
    ]
    .concat();
    file.block(SAMPLES, &payload, (10 * SECOND, 11 * SECOND));
    file.0
}

fn many_tables() -> Vec<u8> {
    let mut file = Bytes::new();
    file.block(SAMPLES, &[200, 0, 0].repeat(10 << 20), (1, 2));
    and_one_more(&mut file, SECOND);
    file.0
}

fn many_columns() -> Vec<u8> {
    let mut file = Bytes::new();
    let empty: Vec<(u8, Vec<u8>)> = (0..256).map(|_| (NUMBER, Vec::new())).collect();
    file.block(SAMPLES, &table(200, 0, &empty).repeat(40_000), (1, 2));
    and_one_more(&mut file, SECOND);
    file.0
}

fn many_texts() -> Vec<u8> {
    let mut file = Bytes::new();
    let rows = 1_000_000;
    let payload = table(1, rows, &[(BYTES, vec![0; rows as usize])]);
    (0..20).for_each(|_| _ = file.block(SAMPLES, &payload, (1, 2)));
    and_one_more(&mut file, SECOND);
    file.0
}

fn many_small_samples() -> Vec<u8> {
    let mut file = Bytes::new();
    for block in 0..40 {
        let at = (block * 1_000_000 + 1) * 1_000;
        let payload = samples(900_000, at, 1_000, false, [0; 5]);
        file.block(SAMPLES, &payload, (at, at + 900_000_000));
    }
    file.0
}

fn many_blocks_of_zeros() -> Vec<u8> {
    let mut file = Bytes::new();
    let payload = vec![0; 32 << 20];
    let packed = zstd::bulk::compress(&payload, 1).unwrap();
    for kind in [SAMPLES, DEATHS, TRAILS, KEYFRAME, INDEX, MARKS, 99].repeat(2_000) {
        file.packed(kind, &packed, payload.len(), (1, 2));
    }
    file.0
}

/// A block of marks of some megabytes, and an index that lists the block 20,000 times.
fn an_index_of_one_block() -> Vec<u8> {
    let mut file = Bytes::new();
    and_one_more(&mut file, SECOND);
    let at = file.block(MARKS, &marks(20_000, 20), (SECOND, 2 * SECOND));
    index(&mut file, &[at; 20_000]);
    file.0
}

/// 2,000 block headers, one after the other, each with a payload of 1 MiB: the payload
/// of a block contains the headers of the following blocks.
fn an_index_of_nested_blocks() -> Vec<u8> {
    let mut file = Bytes::new();
    and_one_more(&mut file, SECOND);
    let mut inner = Bytes(vec![7; 1 << 20]);
    let mut places = Vec::new();
    for _ in 0..2_000 {
        let mut outer = Bytes(Vec::new());
        let payload = inner.0.clone();
        outer.packed(
            MARKS,
            &payload[..payload.len().min(1 << 20)],
            1 << 20,
            (SECOND, 2 * SECOND),
        );
        let head = outer.0[..36].to_vec();
        inner.0.splice(0..0, head);
        places.push(places.len() as u64 * 36);
    }
    let at = file.0.len() as u64;
    file.0.extend_from_slice(&inner.0);
    let places: Vec<u64> = places.iter().map(|place| at + place).collect();
    index(&mut file, &places);
    file.0
}

fn index(file: &mut Bytes, places: &[u64]) {
    let count = places.len() as u64;
    let (mut offsets, mut last) = (Vec::new(), 0);
    for at in places {
        varint(&mut offsets, (at - last) * 2);
        last = *at;
    }
    let mut begins = Vec::new();
    varint(&mut begins, SECOND * 2);
    begins.resize(begins.len() + places.len() - 1, 0);
    let mut ends = Vec::new();
    varint(&mut ends, 2 * SECOND * 2);
    ends.resize(ends.len() + places.len() - 1, 0);
    let columns = [
        (RISING, offsets),
        same(NUMBER, MARKS.into(), count),
        (RISING, begins),
        (RISING, ends),
    ];
    file.block(INDEX, &table(16, count, &columns), (0, 0));
}

fn marks(count: usize, text: usize) -> Vec<u8> {
    let mark = format!(
        r#"{{"time_ns":1500000000,"change":"begins","rule":"cpu","rank":1,"about":null,"comm":null,"count":1,"value":1.0,"unit":"","since_ns":1,"text":"{}"}}"#,
        "x".repeat(text)
    );
    format!("[{}]", vec![mark; count].join(",")).into_bytes()
}

fn many_marks() -> Vec<u8> {
    let mut file = Bytes::new();
    and_one_more(&mut file, SECOND);
    let payload = marks(20_000, 20);
    (0..500).for_each(|_| _ = file.block(MARKS, &payload, (SECOND, 2 * SECOND)));
    file.0
}

fn a_mark_in_a_large_text() -> Vec<u8> {
    let mut file = Bytes::new();
    and_one_more(&mut file, SECOND);
    let payload = marks(1, 30 << 20);
    (0..20).for_each(|_| _ = file.block(MARKS, &payload, (SECOND, 2 * SECOND)));
    file.0
}

fn gaps_without_end() -> Vec<u8> {
    let mut file = Bytes::new();
    let text = format!(
        r#"{{"samples":1,"deaths":1,"why":"{}"}}"#,
        "x".repeat(4_000)
    );
    let packed = zstd::bulk::compress(text.as_bytes(), 19).unwrap();
    for _ in 0..20_000 {
        file.packed(GAP, &packed, text.len(), (1, 2));
    }
    and_one_more(&mut file, SECOND);
    file.0
}

fn a_gap_of_nested_lists() -> Vec<u8> {
    let mut file = Bytes::new();
    let flat = format!(r#"{{"samples":[{}1]}}"#, "1,".repeat(15 << 20));
    file.block(GAP, flat.as_bytes(), (1, 2));
    file.block(GAP, "[".repeat(1 << 20).as_bytes(), (1, 2));
    and_one_more(&mut file, SECOND);
    file.0
}

fn facts_of_many_users() -> Vec<u8> {
    let mut file = Bytes::new();
    let users: Vec<String> = (0..1_500_000)
        .map(|uid| format!(r#""{uid}":"u""#))
        .collect();
    let text = format!(r#"{{"host":"h","users":{{{}}}}}"#, users.join(","));
    (0..10).for_each(|_| _ = file.block(FACTS, text.as_bytes(), (0, 0)));
    and_one_more(&mut file, SECOND);
    file.0
}

fn trails_without_end() -> Vec<u8> {
    let mut file = Bytes::new();
    and_one_more(&mut file, SECOND);
    for stretch in 0..400u64 {
        let (tasks_of, points) = (100, 900_000);
        let mut ends = Vec::new();
        varint(&mut ends, (2 + stretch) * SECOND * 2);
        let payload = [
            texts(&[b"task".to_vec()]),
            tasks(10 + stretch * tasks_of, tasks_of),
            table(
                50,
                1,
                &[
                    same(NUMBER, 0, 1),
                    same(RISING, SECOND * 2, 1),
                    same(RISING, (1 + stretch) * SECOND * 2, 1),
                    (RISING, ends),
                    same(NUMBER, 0, 1),
                    same(NUMBER, tasks_of, 1),
                ],
            ),
            table(
                52,
                tasks_of,
                &[
                    counting(TASK, 0, tasks_of),
                    same(TEXT, 1, tasks_of),
                    same(MAYBE, 0, tasks_of),
                    same(TEXT, 0, tasks_of),
                    same(NUMBER, 1, tasks_of),
                    same(NUMBER, 0, tasks_of),
                    same(NUMBER, points / tasks_of, tasks_of),
                ],
            ),
            table(
                53,
                points,
                &(0..3).map(|_| same(RISING, 0, points)).collect::<Vec<_>>(),
            ),
        ]
        .concat();
        file.block(TRAILS, &payload, (SECOND, SECOND));
    }
    and_one_more(&mut file, 900 * SECOND);
    file.0
}

fn keyframes_of_nothing() -> Vec<u8> {
    let mut file = Bytes::new();
    and_one_more(&mut file, SECOND);
    let mut rest = vec![4, 0];
    rest.resize(8 << 20, 0);
    let payload = [
        texts(&[rest]),
        table(
            40,
            1,
            &[
                same(NUMBER, SECOND, 1),
                same(NUMBER, 2, 1),
                same(NUMBER, 0, 1),
                same(TEXT, 1, 1),
            ],
        ),
    ]
    .concat();
    for at in 0..500 {
        file.block(
            KEYFRAME,
            &payload[..payload.len().min(8 << 20)],
            (SECOND, SECOND),
        );
        and_one_more(&mut file, (5 + 2 * at) * SECOND);
    }
    file.0
}

fn deaths_without_end() -> Vec<u8> {
    let mut file = Bytes::new();
    and_one_more(&mut file, SECOND);
    let count = 90_000;
    let payload = [
        texts(&[b"task".to_vec(), vec![b'a'; 1 << 20]]),
        tasks(10, count),
        samples(1, 4 * SECOND, SECOND, false, [0, count, 0, 0, 0]),
        ends(count, same(TEXT, 2, count)),
    ]
    .concat();
    (0..4).for_each(|_| _ = file.block(DEATHS, &payload, (4 * SECOND, 4 * SECOND)));
    and_one_more(&mut file, 5 * SECOND);
    file.0
}

/// 64 MiB of block headers. Each header claims a payload of 32 MiB and has a wrong
/// checksum.
fn heads_without_payloads() -> Vec<u8> {
    let mut file = Bytes::new();
    and_one_more(&mut file, SECOND);
    let mut head = b"PVZB\x02\0\0\0".to_vec();
    head.extend((32u32 << 20).to_le_bytes());
    head.extend((32u32 << 20).to_le_bytes());
    head.extend([0; 20]);
    file.0.extend(head.repeat((64 << 20) / head.len()));
    file.0
}

/// 64 MiB of the four bytes that begin a block header.
fn heads_that_lie() -> Vec<u8> {
    let mut file = Bytes::new();
    and_one_more(&mut file, SECOND);
    file.0.extend(b"PVZB".repeat(16 << 20));
    file.0
}

fn more_tasks_at_each_sample() -> Vec<u8> {
    let mut file = Bytes::new();
    for step in 0..40u64 {
        let (at, count) = ((10 + step) * SECOND, 60_000);
        let payload = [
            texts(&[b"task".to_vec()]),
            tasks(10 + step * count, count),
            samples(1, at, SECOND, false, [count, 0, 0, 0, 0]),
            found(count, same(TEXT, 0, count)),
        ]
        .concat();
        file.block(SAMPLES, &payload, (at, at));
        // The reader allows more rows in a larger file, so make the file larger.
        let noise: Vec<u8> = (0..1_000_000u32)
            .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8 ^ step as u8)
            .collect();
        file.packed(99, &noise, noise.len(), (0, 0));
    }
    file.0
}

fn other_texts_at_each_sample() -> Vec<u8> {
    let mut file = Bytes::new();
    for step in 0..20u64 {
        let (at, count) = ((10 + step) * SECOND, 5_000);
        let text = |row: u64| format!("{row} {}", "x".repeat(4_000)).into_bytes();
        let all: Vec<Vec<u8>> = (0..count).map(|row| text(step * count + row)).collect();
        let mut payload = machine(10 + step * count, count, at, &all);
        // Not a census, so that the tasks of earlier samples stay.
        let complete = samples(1, at, SECOND, true, [count, 0, 0, 0, 0]);
        let from = payload
            .windows(complete.len())
            .position(|window| window == complete)
            .unwrap();
        let more = samples(1, at, SECOND, false, [count, 0, 0, 0, 0]);
        payload.splice(from..from + complete.len(), more);
        file.block(SAMPLES, &payload, (at, at));
    }
    and_one_more(&mut file, 100 * SECOND);
    file.0
}

/// Exit status and cost of a run.
struct Run {
    status: Option<i32>,
    kib: i64,
    took: Duration,
    errors: String,
}

fn run(args: &[&str], file: &Path, folder: &Folder) -> Run {
    let mut command = procviz();
    for arg in args {
        let name = arg.replace("OUT", &folder.file("out").to_string_lossy());
        command.arg(name);
    }
    command
        .arg(file)
        .args(args.contains(&"-o").then_some("--force"));
    let errors = std::fs::File::create(folder.file("errors")).unwrap();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors)
        .spawn()
        .unwrap();
    let began = Instant::now();
    let mut kib = 0;
    let status = loop {
        // Not the figure of wait4, which includes the memory of this program before exec.
        kib = kib.max(peak_kib(child.id()).unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if began.elapsed() > PATIENCE + Duration::from_secs(5) {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    Run {
        status: status.code(),
        kib,
        took: began.elapsed(),
        errors: std::fs::read_to_string(folder.file("errors")).unwrap(),
    }
}

/// Largest resident set of procviz so far, KiB: `VmHWM` of `/proc/PID/status`.
fn peak_kib(pid: u32) -> Option<i64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    // Before exec, the child has the memory of this program.
    let is_it = status.starts_with("Name:\tprocviz");
    line.trim()
        .trim_end_matches(" kB")
        .parse()
        .ok()
        .filter(|_| is_it)
}

/// Opens a file with every subcommand; returns a line for each fault.
fn faults(name: &str, file: &Path, folder: &Folder) -> Vec<String> {
    let mut faults = Vec::new();
    for args in SUBCOMMANDS {
        let run = run(args, file, folder);
        let is_ended = matches!(run.status, Some(0..=3));
        if run.kib > MOST_KIB || run.took > PATIENCE || !is_ended {
            faults.push(format!(
                "{name}: {args:?}: exit status {:?}, {} MiB, {:?}: {}",
                run.status,
                run.kib / 1024,
                run.took,
                run.errors.chars().take(300).collect::<String>()
            ));
        }
        let is_told = !run.errors.trim().is_empty() || run.status == Some(0);
        if !is_told {
            faults.push(format!("{name}: {args:?}: {:?}, no message", run.status));
        }
    }
    faults
}

fn each_bomb_ends_in_bounds() -> Result<(), Failed> {
    let folder = Folder::new("bombs");
    let file = folder.file("bomb.pvz");
    let mut all = Vec::new();
    for (name, bomb) in BOMBS {
        let bytes = bomb();
        assert!(bytes.len() <= 80 << 20, "{name}: {} bytes", bytes.len());
        std::fs::write(&file, bytes)?;
        let began = Instant::now();
        let faults = faults(name, &file, &folder);
        println!("{name}: {:?}, {} faults", began.elapsed(), faults.len());
        all.extend(faults);
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
    Ok(())
}

/// Small files that once exhausted the memory, caused a panic or were accepted as valid.
fn the_cases_end_in_bounds() -> Result<(), Failed> {
    let folder = Folder::new("cases");
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases");
    let mut all = Vec::new();
    let mut count = 0;
    for entry in std::fs::read_dir(cases)? {
        let path = entry?.path();
        if path.extension().is_some_and(|suffix| suffix == "pvz") {
            count += 1;
            all.extend(faults(&path.display().to_string(), &path, &folder));
        }
    }
    assert_eq!(count, 8);
    assert!(all.is_empty(), "{}", all.join("\n"));
    Ok(())
}

/// A valid recording of a large machine is accepted.
fn a_large_machine_is_accepted() -> Result<(), Failed> {
    let folder = Folder::new("large");
    let file = folder.file("large.pvz");
    let mut bytes = Bytes::new();
    let payload = machine(10, 100_000, 10 * SECOND, &[]);
    bytes.block(SAMPLES, &payload, (10 * SECOND, 10 * SECOND));
    and_one_more(&mut bytes, 11 * SECOND);
    std::fs::write(&file, bytes.0)?;
    let faults = faults("100,000 tasks", &file, &folder);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let run = run(&["check"], &file, &folder);
    assert_eq!(run.status, Some(0), "{}", run.errors);
    Ok(())
}
