//! Tests of `stat`.

use procfs::FromRead;
use proptest::prelude::*;

use super::*;

fn line(comm: &[u8], numbers: &[u64; 49]) -> Vec<u8> {
    let mut line = b"4194303 (".to_vec();
    line.extend_from_slice(comm);
    line.extend_from_slice(b") D");
    for number in numbers {
        line.extend_from_slice(format!(" {number}").as_bytes());
    }
    line.push(b'\n');
    line
}

proptest! {
    #[test]
    fn equal_to_the_procfs_crate(comm in "[ -~]{0,15}", numbers in proptest::array::uniform(0u64..2_000_000_000)) {
        let line = line(comm.as_bytes(), &numbers);
        let ours = parse_stat(&line).unwrap();
        let theirs = procfs::process::Stat::from_read(&line[..]).unwrap();
        prop_assert_eq!(ours.comm.bytes(), theirs.comm.as_bytes());
        prop_assert_eq!(
            (ours.tid as i32, ours.state.letter(), ours.ppid as i32, ours.flags, ours.utime, ours.stime),
            (theirs.pid, theirs.state, theirs.ppid, theirs.flags, theirs.utime, theirs.stime)
        );
        prop_assert_eq!(
            (i64::from(ours.threads), ours.start, ours.vsize, ours.rss),
            (theirs.num_threads, theirs.starttime, theirs.vsize, theirs.rss)
        );
    }

    #[test]
    fn any_name_keeps_its_bytes(comm in proptest::collection::vec(1u8..=255, 0..16), numbers in proptest::array::uniform(0u64..1000)) {
        let stat = parse_stat(&line(&comm, &numbers)).unwrap();
        prop_assert_eq!(stat.comm.bytes(), &comm[..comm.len().min(15)]);
        prop_assert_eq!(stat.rss, numbers[20]);
    }

    #[test]
    fn any_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        _ = parse_stat(&bytes);
    }
}

#[test]
fn equal_to_the_procfs_crate_on_the_live_system() {
    let mut compared = 0;
    for process in procfs::process::all_processes().unwrap().flatten() {
        let Ok(bytes) = std::fs::read(format!("/proc/{}/stat", process.pid)) else {
            continue;
        };
        let (Ok(ours), Ok(theirs)) = (
            parse_stat(&bytes),
            procfs::process::Stat::from_read(&bytes[..]),
        ) else {
            panic!("a parser fails on {:?}", String::from_utf8_lossy(&bytes));
        };
        assert_eq!(
            (ours.start, ours.rss, ours.vsize),
            (theirs.starttime, theirs.rss, theirs.vsize)
        );
        compared += 1;
    }
    assert!(compared > 0);
}
