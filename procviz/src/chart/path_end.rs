/// Upper limit for the shown characters of a cgroup path.
const MOST_OF_CGROUP: usize = 300;

/// Shortens a path that is too long for a line. Keeps the end of the path, which
/// says more than the beginning.
pub(super) fn path_end(path: &str) -> String {
    let from = path.char_indices().rev().nth(MOST_OF_CGROUP - 1);
    match from {
        Some((from, _)) if from > 0 => format!("…{}", &path[from..]),
        _ => path.to_owned(),
    }
}
