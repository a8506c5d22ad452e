//! The keys, the same in window and terminal: one table for what they do and
//! for what the help says.

/// What is typed, and what it does.
pub(crate) const KEYS: [(&str, &str); 19] = [
    ("space", "refresh now"),
    ("p", "pause, and go on"),
    (".", "one more sample while paused"),
    ("arrows hjkl", "select a task"),
    ("Enter, click", "pin what is selected, or free it"),
    ("n", "select the next that stands out"),
    ("/", "show only what matches"),
    ("g", "group by user, cgroup, tree, command"),
    ("o", "order by start, CPU, RSS, name"),
    ("t", "threads or processes"),
    ("1 2 3", "grid, bubble, lines"),
    ("+ -", "a longer, a shorter interval"),
    ("s", "save the picture as a file"),
    ("PageUp PageDown", "scroll"),
    ("z Z, wheel", "zoom in, zoom out"),
    ("< > ( ), drag", "turn the lines"),
    ("?", "this help"),
    ("Esc", "close what is open, else quit"),
    ("q", "quit"),
];

/// What keys do in a recording; the rest is as ever.
pub(crate) const RECORDING_KEYS: [(&str, &str); 5] = [
    ("space, p", "play, and stop"),
    ("Left Right .", "the sample before, the next"),
    ("[ ]", "when the last, the next began to stand out"),
    ("- +", "slower, faster"),
    ("bar, drag", "go to a time"),
];
/// Keys that mean another thing there.
const OF_THE_PRESENT: [&str; 4] = ["space", "p", ".", "+ -"];

/// What `?` tells.
pub(crate) fn help(is_recording: bool) -> Vec<(&'static str, &'static str)> {
    let of_time = RECORDING_KEYS.iter().filter(|_| is_recording);
    let rest = KEYS
        .iter()
        .filter(|(keys, _)| !(is_recording && OF_THE_PRESENT.contains(keys)));
    of_time.chain(rest).copied().collect()
}
