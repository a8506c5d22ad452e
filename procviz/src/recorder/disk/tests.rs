//! Tests for files whose disk is full.

use std::fs::File;

use super::*;
use crate::{
    model::{Finding, Reading, Rule, Sample, Sources, Stamp, State, TaskId},
    recording::{Gap, Map, Mark, Packer, Reader},
    tracker::Change,
};

const SECOND: u64 = 1_000_000_000;

/// A block with the samples of one second.
fn second(number: u64) -> Part {
    let mut packer = Packer::new();
    for tenth in 1..=10 {
        let mut sample = Sample::new(Sources::EbpfAndProc);
        sample.complete = true;
        sample.stamp = Stamp {
            boot_ns: number * SECOND + tenth * SECOND / 10,
            interval_ns: SECOND / 10,
        };
        // Figures that cannot be packed well, so that a block is larger than a gap.
        sample.readings.extend((1..=50).map(|tid| Reading {
            id: TaskId { tid, start_ns: 1 },
            uid: None,
            state: State::Sleeping,
            on_cpu: false,
            preempted: false,
            in_iowait: false,
            cpu_ns: (number * 100 + tenth * u64::from(tid)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
                >> 24,
            run_delay_ns: Some(0),
            wait_max_ns: None,
            io: None,
        }));
        packer.add(&sample);
    }
    let (block, samples) = packer.block().unwrap();
    (block.unwrap(), samples)
}

fn mark() -> Mark {
    let finding = Finding::new(Rule::Cpu);
    Mark::new(Change::Begins, &finding, 3 * SECOND)
}

/// Records three seconds and a mark; then the disk has room for `more` bytes; then three
/// seconds more.
/// Returns the gaps, and the numbers of samples and marks in the file.
fn recorded(more: u64) -> (Vec<Gap>, (u64, usize), Outcome) {
    let folder = std::env::temp_dir().join(format!("procviz-disk-{}-{more}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("out.pvz");
    let facts = Facts::default();
    let options = RecordingOptions {
        place: Place::file(&path, true).unwrap(),
        force: true,
        mode: 0o600,
        redacts: false,
        scope: crate::model::Scope::Threads,
    };
    let mut disk = Disk::new(options, &facts, Arc::new(Shared::default()));
    let begin = Begin {
        wall_ns: 0,
        why: None,
        parts: vec![(Block::facts(&facts).unwrap(), 0)],
    };
    disk.begin(&begin).unwrap();
    (1..=3).for_each(|number| disk.write(second(number)));
    // What follows the samples goes with them, and is written again after the gap.
    disk.write((Block::marks(&[mark()]).unwrap(), 0));
    let open = disk.open.as_mut().unwrap();
    open.most = open.good + more;
    (4..=6).for_each(|number| disk.write(second(number)));
    disk.end();
    let mut reader = Reader::new(File::open(&path).unwrap()).unwrap();
    let mut samples = 0;
    while reader.read().unwrap().is_some() {
        samples += 1;
    }
    let gaps = reader.integrity().gaps.clone();
    let mut file = File::open(&path).unwrap();
    let (marks, damaged) = Map::of(&mut file).unwrap().marks(&mut file).unwrap();
    assert!(damaged.is_empty());
    std::fs::remove_dir_all(&folder).unwrap();
    (gaps, (samples, marks.len()), disk.outcome)
}

/// Each sample is in the file, or in its gap, whatever room is left.
#[test]
fn a_loss_is_reported_on_a_disk_that_is_full_to_the_last_byte() {
    for (more, kept) in [(200, 30), (0, 20), (10, 20)] {
        let (gaps, (samples, marks), outcome) = recorded(more);
        let [gap] = &gaps[..] else {
            panic!("{more}: {gaps:?}");
        };
        assert_eq!((samples, gap.samples), (kept, 60 - kept), "{more}: {gap:?}");
        assert_eq!(marks, 1, "{more}");
        assert_eq!((outcome.samples, outcome.lost), (samples, gap.samples));
        let begin = (kept / 10 + 1) * SECOND + SECOND / 10;
        assert_eq!(gap.span_ns, (begin, 7 * SECOND), "{more}");
    }
}
