//! Calls all code that takes bytes from an untrusted source, one function per kind of
//! input. A fuzzer calls these functions (`fuzz/`), and so does a property test, with
//! random bytes and with real bytes that are slightly changed. They must never panic.

use std::io::Cursor;

use crate::{
    export::csv::{Titles, pairs, stat_fields},
    model::{Host, Snapshot, Sources},
    recorder::trigger::Triggers,
    recording::{Map, Reader, repacked_blocks},
    replay::moment::Moment,
    runtime::config,
    session::typed::Typed,
    source::{
        Users,
        kernel::decode_any,
        proc::{parse_io, parse_schedstat, parse_stat},
    },
    tracker::{Filter, Tracker},
};

/// Upper limit for the samples of a recording: enough to reach all code.
const MOST_SAMPLES: usize = 50;

/// Files of `/proc`: a process can influence their content through its name.
pub fn proc_files(bytes: &[u8]) {
    _ = parse_stat(bytes);
    _ = parse_io(bytes);
    _ = parse_schedstat(bytes);
    _ = stat_fields(bytes);
    pairs(bytes).for_each(drop);
    let mut titles = Titles::default();
    titles.add(bytes);
    _ = titles.values(bytes);
}

/// Records of the kernel's ring buffer and of its task iterator.
pub fn events(bytes: &[u8]) {
    decode_any(bytes);
}

/// A recording: its map, marks and trails, and a tracker with its rules that takes in
/// the samples.
pub fn recording(bytes: &[u8]) {
    let mut file = Cursor::new(bytes);
    if let Ok(map) = Map::of(&mut file) {
        _ = map.span();
        _ = map.gaps();
        _ = map.marks(&mut file);
        _ = map.past(&mut file, u64::MAX);
    }
    let Ok(mut reader) = Reader::new(Cursor::new(bytes.to_vec())) else {
        return;
    };
    let host = reader.facts().machine();
    let mut tracker = Tracker::new(host, Sources::EbpfAndProc);
    for _ in 0..MOST_SAMPLES {
        let Ok(Some(sample)) = reader.read() else {
            break;
        };
        if let Some((keyframe, _)) = reader.take_keyframe() {
            _ = tracker.restore(keyframe);
        }
        tracker.update(&sample);
    }
    _ = reader.scan_checksums();
}

/// Blocks of a recording with valid checksums and arbitrary content.
pub fn payloads(bytes: &[u8]) {
    recording(&repacked_blocks(bytes));
}

/// Values that a user types: times, durations, sizes, triggers, filters.
pub fn typed(text: &str) {
    _ = Moment::parse("--at", text);
    _ = config::duration("--duration", text, text);
    _ = config::bytes("--max-size", text, text);
    _ = config::number("--scale", text, "", |_| true);
    _ = config::size(text);
    _ = config::mode(text);
    _ = Triggers::parse(&[text.to_owned()]);
    let users = Users::of_recording(&Default::default());
    let line = Typed {
        base: &Filter::default(),
        users: &users,
        pids_until_ns: None,
        snapshot: &Snapshot::new(Host::new("fuzzed", 1), Sources::EbpfAndProc),
    };
    if let Err(why) = line.filter(text) {
        assert!(why.starts_with("character "), "{why}");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::recording::unpacked_blocks;

    /// Real inputs, which are also the seeds of the fuzz targets in `fuzz/`.
    fn seeds(kind: &str) -> Vec<Vec<u8>> {
        let folder = format!("{}/../fuzz/seeds/{kind}", env!("CARGO_MANIFEST_DIR"));
        let mut seeds: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        seeds.sort();
        assert!(!seeds.is_empty(), "no seeds of {kind}");
        seeds
            .iter()
            .map(|path| std::fs::read(path).unwrap())
            .collect()
    }

    /// A seed with some changed bytes, in some cases cut short; or random bytes.
    fn like(kind: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
        let changes = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8);
        let cut = proptest::option::of(any::<prop::sample::Index>());
        let changed = (proptest::sample::select(seeds(kind)), changes, cut);
        let changed = changed.prop_map(|(mut bytes, changes, cut)| {
            for (at, byte) in changes {
                if !bytes.is_empty() {
                    let at = at.index(bytes.len());
                    bytes[at] = byte;
                }
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len() + 1));
            }
            bytes
        });
        prop_oneof![
            4 => changed,
            1 => proptest::collection::vec(any::<u8>(), 0..600),
        ]
    }

    /// The seeds of [`payloads`] are those of [`recording`], unpacked.
    /// `UPDATE_EXPECT=1` writes them anew.
    #[test]
    fn payloads_are_what_recordings_hold() {
        let folder = format!("{}/../fuzz/seeds", env!("CARGO_MANIFEST_DIR"));
        for name in ["real.pvz", "keyframes.pvz"] {
            let file = std::fs::read(format!("{folder}/recording/{name}")).unwrap();
            let unpacked = unpacked_blocks(&file);
            let seed = format!("{folder}/payloads/{}", name.trim_end_matches(".pvz"));
            if std::env::var_os("UPDATE_EXPECT").is_some() {
                std::fs::write(&seed, &unpacked).unwrap();
            }
            assert_eq!(std::fs::read(seed).unwrap(), unpacked, "{name}");
            assert_eq!(
                unpacked_blocks(&repacked_blocks(&unpacked)),
                unpacked,
                "{name}"
            );
        }
    }

    /// The seeds include inputs that made a fuzz target fail in the past.
    #[test]
    fn what_failed_once_does_not_fail_again() {
        for kind in ["recording", "payloads", "events", "proc_files"] {
            for seed in seeds(kind) {
                match kind {
                    "recording" => recording(&seed),
                    "payloads" => payloads(&seed),
                    "events" => events(&seed),
                    _ => proc_files(&seed),
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn no_file_of_proc_panics(bytes in like("proc_files")) {
            proc_files(&bytes);
        }

        #[test]
        fn no_event_panics(bytes in like("events")) {
            events(&bytes);
        }

        #[test]
        fn no_recording_panics(bytes in like("recording")) {
            recording(&bytes);
        }

        #[test]
        fn no_payload_panics(bytes in like("payloads")) {
            payloads(&bytes);
        }

        #[test]
        fn nothing_typed_panics(bytes in like("typed")) {
            typed(&String::from_utf8_lossy(&bytes));
        }
    }
}
