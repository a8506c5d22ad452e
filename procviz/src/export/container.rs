//! Finds the container of a cgroup path. Runtimes give their cgroups names that hold the
//! id of the container, or its name.

use crate::model::container_id;

/// The id of the container of a cgroup; the name where the runtime uses names (LXC,
/// systemd-nspawn). `None` for other cgroups, and for processes that only watch a container.
pub(crate) fn container(path: &str) -> Option<String> {
    let segments: Vec<&str> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    for (at, segment) in segments.iter().enumerate().rev() {
        let before = at.checked_sub(1).map(|before| segments[before]);
        if is_monitor(segment) {
            // The container around it, if it runs in one.
            continue;
        }
        let found = container_id(segment)
            .map(str::to_owned)
            .or_else(|| named(segment, before));
        if found.is_some() {
            return found;
        }
    }
    None
}

/// The cgroup of a process that starts and watches a container.
fn is_monitor(segment: &str) -> bool {
    let beginnings = ["libpod-conmon-", "crio-conmon-", "lxc.monitor."];
    beginnings.iter().any(|begin| segment.starts_with(begin))
}

/// A container with a name.
fn named(segment: &str, before: Option<&str>) -> Option<String> {
    let name = |text: &str| (!text.is_empty()).then(|| unescaped(text));
    if matches!(before, Some("lxc" | "lxc.payload")) {
        return name(segment);
    }
    if before == Some("buildkit") {
        return name(segment);
    }
    if let Some(rest) = segment.strip_prefix("lxc.payload.") {
        return name(rest);
    }
    if let Some(rest) = segment.strip_prefix("systemd-nspawn@") {
        return name(rest.strip_suffix(".service")?);
    }
    let machine = segment.strip_prefix("machine-")?.strip_suffix(".scope")?;
    let machine = unescaped(machine);
    // Virtual machines are in such scopes, too.
    let is_container = !machine.starts_with("qemu-");
    let machine = machine
        .strip_prefix("lxc-")
        .map(str::to_owned)
        .unwrap_or(machine);
    is_container
        .then_some(machine)
        .filter(|name| !name.is_empty())
}

/// Replaces `\x2d` and the like, with which systemd writes special characters.
fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((plain, after)) = rest.split_once("\\x") {
        out.push_str(plain);
        let digits = after
            .get(..2)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match digits.filter(u8::is_ascii_graphic) {
            Some(byte) => {
                out.push(char::from(byte));
                rest = &after[2..];
            }
            None => {
                out.push_str("\\x");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests;
