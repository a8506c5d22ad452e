//! Finds out whether a process has changed its `comm`: node, Python and Java call their main
//! thread something like `MainThread`, and that is no name for a process.

use crate::model::Comm;

/// The name of a process whose leader is called `comm`, if the leader has changed its name
/// after exec; `None` if `comm` is the name of the program. `exe` is the path of the
/// executable, `args` are the first arguments.
pub(super) fn own_name<'a>(comm: Comm, exe: &'a [u8], args: &[&'a [u8]]) -> Option<&'a [u8]> {
    // The name of a script is an argument of its interpreter.
    let is_named = |arg: &&[u8]| is_of(comm, arg) || (!arg.is_empty() && Comm::new(arg) == comm);
    if is_of(comm, exe) || (!comm.is_placeholder() && args.iter().any(is_named)) {
        return None;
    }
    let first = args.first()?;
    // A process can also write a title over its arguments: `nginx: worker process`.
    if first.starts_with(comm.bytes()) {
        return None;
    }
    let is_title = first.starts_with(b"/proc/")
        || first.is_empty()
        || first.contains(&b' ')
        || first.contains(&b':');
    let name = if is_title {
        base(undeleted(exe))
    } else {
        base(first)
    };
    (!name.is_empty()).then_some(name)
}

/// Whether `comm` is what the kernel calls a program with this path.
pub(super) fn is_of(comm: Comm, path: &[u8]) -> bool {
    let name = base(undeleted(path));
    !name.is_empty() && Comm::new(name) == comm
}

/// The path of an executable that can have been removed meanwhile.
fn undeleted(path: &[u8]) -> &[u8] {
    path.strip_suffix(b" (deleted)").unwrap_or(path)
}

/// The last part of a path. The first argument of a login shell begins with `-`.
fn base(path: &[u8]) -> &[u8] {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    name.strip_prefix(b"-").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_names_the_process() {
        let name = |comm: &str, exe: &str, args: &[&str]| -> Option<String> {
            let args: Vec<&[u8]> = args.iter().map(|arg| arg.as_bytes()).collect();
            let name = own_name(Comm::new(comm.as_bytes()), exe.as_bytes(), &args)?;
            Some(String::from_utf8(name.to_vec()).unwrap())
        };
        let some = |name: &str| Some(name.to_owned());
        // Renamed main threads.
        assert_eq!(
            name("MainThread", "/usr/bin/node", &["node", "server.js"]),
            some("node")
        );
        assert_eq!(
            name("MainThread", "/opt/x/node", &["/opt/x/mynode", "a"]),
            some("mynode")
        );
        assert_eq!(
            name("evil", "/usr/bin/x (deleted)", &["/usr/bin/x"]),
            some("x")
        );
        assert_eq!(name("w0", "/usr/bin/app", &["app: worker 0"]), some("app"));
        // Names of programs, scripts, login shells, links, titles and long names.
        assert_eq!(name("node", "/usr/bin/node", &["node", "x.js"]), None);
        assert_eq!(
            name("serve.sh", "/usr/bin/dash", &["/bin/sh", "/srv/serve.sh"]),
            None
        );
        assert_eq!(
            name("python3", "/usr/bin/python3.11", &["python3", "-c", "1"]),
            None
        );
        assert_eq!(name("bash", "/usr/bin/bash.real", &["-bash"]), None);
        assert_eq!(name("ls", "/bin/busybox", &["ls", "-l"]), None);
        assert_eq!(
            name("nginx", "/usr/sbin/nginx.old", &["nginx: worker process"]),
            None
        );
        assert_eq!(
            name("systemd-journal", "/lib/systemd/systemd-journald", &["x"]),
            None
        );
        assert_eq!(
            name("(sd-pam)", "/lib/systemd/systemd", &["(sd-pam)"]),
            None
        );
        // Started through a link or a descriptor, so that the kernel has no name.
        assert_eq!(
            name("exe", "/usr/bin/runc", &["/proc/self/exe", "init"]),
            some("runc")
        );
        assert_eq!(name("6", "/usr/bin/runc", &["runc", "init"]), some("runc"));
        assert_eq!(name("7", "/opt/7", &["7"]), None);
        // Nothing is known.
        assert_eq!(name("gone", "", &[]), None);
        assert_eq!(name("odd", "", &[""]), None);
    }
}
