//! Lists the keys and their help texts. They are the same in window and terminal.

/// Keys and their actions.
pub(crate) const KEYS: [(&str, &str); 21] = [
    ("space", "refresh now"),
    ("p", "pause or resume"),
    (".", "one more sample while paused"),
    ("arrows hjkl", "select a task"),
    ("Enter, click", "pin or unpin a task"),
    ("n", "select the task of the next finding"),
    (
        "/",
        "show only tasks that match a filter: name, user: pid: tree: cgroup: container: pod: unit: state: kind:",
    ),
    (
        "g",
        "group by user, cgroup, container, pod, unit, tree, command",
    ),
    ("o", "sort by start, CPU, RSS, name"),
    ("t", "threads or processes"),
    (
        "1 2 3 4",
        "grid, bubble, lines (3 again: in 3D), timeline (4 again: heat map)",
    ),
    ("+ -", "longer, shorter interval"),
    ("s", "save the picture to a file"),
    ("T", "open or close the table of processes"),
    (
        "< > R V",
        "in the table: sort by another column, reverse, tree",
    ),
    ("PageUp PageDown", "scroll"),
    ("z Z, wheel", "zoom in, zoom out"),
    ("< > ( ), drag", "rotate the lines chart in 3D"),
    ("?", "this help"),
    ("Esc", "close what is open"),
    ("q", "quit"),
];

/// Keys with another action in a recording. All other keys work as in [`KEYS`].
pub(crate) const RECORDING_KEYS: [(&str, &str); 5] = [
    ("space, p", "play or pause"),
    ("Left Right .", "previous, next sample"),
    ("[ ]", "previous, next start of a finding"),
    ("- +", "play slower, faster"),
    ("bar, drag", "seek to a time"),
];
/// Keys of [`KEYS`] that have another action in a recording.
const OF_THE_PRESENT: [&str; 4] = ["space", "p", ".", "+ -"];

/// The keys and texts of the help.
pub(crate) fn help(is_recording: bool) -> Vec<(&'static str, &'static str)> {
    let of_time = RECORDING_KEYS.iter().filter(|_| is_recording);
    let rest = KEYS
        .iter()
        .filter(|(keys, _)| !(is_recording && OF_THE_PRESENT.contains(keys)));
    of_time.chain(rest).copied().collect()
}
