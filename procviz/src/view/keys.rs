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
