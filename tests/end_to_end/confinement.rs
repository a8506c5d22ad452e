//! Checks what procviz could do after an attacker has taken it over: each attempt is
//! made from inside, on each thread. All other tests check that normal work is possible.

use std::{collections::BTreeMap, process::Command};

use libtest_mimic::Failed;

use crate::{
    Needs, Test,
    support::{Folder, Running, output, procviz, stderr},
};

pub(crate) const TESTS: &[Test] = &[
    (
        "nothing_else_can_be_done",
        Needs::Events,
        nothing_else_can_be_done,
    ),
    (
        "without_it_all_of_it_can",
        Needs::Events,
        without_it_all_of_it_can,
    ),
    (
        "each_thread_is_confined",
        Needs::Events,
        each_thread_is_confined,
    ),
    (
        "the_foot_says_where_it_is_off",
        Needs::Nothing,
        the_foot_says_where_it_is_off,
    ),
];

type Said = BTreeMap<(String, String), String>;

fn tried(folder: &Folder, args: &[&str]) -> (Said, bool) {
    let elsewhere = folder.file("elsewhere");
    std::fs::write(&elsewhere, "precious").unwrap();
    let out = folder.file("out");
    _ = std::fs::remove_dir_all(&out);
    std::fs::create_dir(&out).unwrap();
    let mut victim = Running::new(Command::new("sleep").arg("60"));
    let result = output(
        procviz()
            .arg("__try")
            .args(args)
            .arg(&elsewhere)
            .arg(victim.pid().to_string())
            .arg(&out),
    );
    assert!(result.status.success(), "{}", stderr(&result));
    let text = String::from_utf8(result.stdout).unwrap();
    let said = text.lines().map(|line| {
        let parts: Vec<&str> = line.splitn(3, '\t').collect();
        (
            (parts[0].to_owned(), parts[1].to_owned()),
            parts[2].to_owned(),
        )
    });
    let said = said.collect();
    let is_kept = std::fs::read_to_string(&elsewhere).is_ok_and(|text| text == "precious");
    let is_alone = !folder.file("elsewhere.new").exists();
    _ = std::fs::remove_file(folder.file("elsewhere.new"));
    let lives = victim.0.try_wait().unwrap().is_none();
    (said, is_kept && is_alone && lives)
}

fn has_landlock() -> bool {
    let doctor = output(procviz().arg("doctor"));
    String::from_utf8_lossy(&doctor.stdout).contains("ok    Landlock")
}

/// Each call fails with the expected error: another error does not show that the
/// confinement refused the call.
fn nothing_else_can_be_done() -> Result<(), Failed> {
    let folder = Folder::new("confined");
    let (mut said, is_untouched) = tried(&folder, &[]);
    let (of_reader, is_untouched_by_reader) = tried(&folder, &["--reads"]);
    said.extend(of_reader);
    let calls = [
        "exec", "spawn", "socket", "unix", "ptrace", "kill", "mount", "module", "chroot", "setuid",
    ];
    for thread in ["main", "sampler", "writer", "reader"] {
        let of = |what: &str| said[&(thread.to_owned(), what.to_owned())].as_str();
        for call in calls {
            assert_eq!(of(call), "EPERM", "{thread}: {call}");
        }
        assert!(
            of("bpf").contains("Operation not permitted"),
            "{thread}: {}",
            of("bpf")
        );
        if matches!(thread, "main" | "sampler") || has_landlock() {
            for what in ["write", "create", "remove"] {
                assert_eq!(of(what), "EACCES", "{thread}: {what}");
            }
        }
    }
    assert_eq!(said[&("writer".to_owned(), "own file".to_owned())], "ok");
    if has_landlock() {
        assert!(is_untouched && is_untouched_by_reader);
    }
    Ok(())
}

/// Without confinement the same attempts succeed, so the attempts themselves work.
fn without_it_all_of_it_can() -> Result<(), Failed> {
    let folder = Folder::new("unconfined");
    let (said, _) = tried(&folder, &["--reads", "--no-confine"]);
    let of = |what: &str| said[&("reader".to_owned(), what.to_owned())].as_str();
    for what in ["spawn", "socket", "unix", "write", "create"] {
        assert_eq!(of(what), "ok", "{what}");
    }
    for what in ["exec", "spawn", "socket"] {
        assert_ne!(of(what), "EPERM", "{what}");
    }
    Ok(())
}

/// Seccomp filter and user ids of each thread in a run that also writes a recording.
fn each_thread_is_confined() -> Result<(), Failed> {
    let folder = Folder::new("threads");
    let mut command = procviz();
    command.args(["dump", "--json", "--require-ebpf", "-s", "0.2", "--save"]);
    let dump = crate::support::Lines::new(command.arg(folder.file("x.pvz")));
    dump.line(2);
    let pid = dump.running.pid();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(format!("/proc/{pid}/task"))?.flatten() {
        let status = std::fs::read_to_string(entry.path().join("status"))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap().trim().to_owned()
        };
        let name = field("Name:");
        assert_eq!(field("Seccomp:"), "2", "{name}");
        if name != "procviz-writer" {
            assert!(
                !field("Uid:").split_whitespace().any(|uid| uid == "0"),
                "thread `{name}` is root"
            );
        }
        names.push(name);
    }
    dump.end();
    for thread in [
        "procviz",
        "procviz-sampler",
        "procviz-drain",
        "procviz-writer",
    ] {
        // The kernel keeps 15 bytes of a thread name.
        let thread = &thread[..thread.len().min(15)];
        assert!(
            names.iter().any(|name| name == thread),
            "no thread `{thread}` in {names:?}"
        );
    }
    Ok(())
}

fn the_foot_says_where_it_is_off() -> Result<(), Failed> {
    let folder = Folder::new("foot");
    let file = folder.file("x.svg");
    for (args, is_said) in [(&[] as &[&str], false), (&["--no-confine"], true)] {
        let mut command = procviz();
        command.args(["grid", "-s", "0.05", "--samples", "1", "--force", "-o"]);
        let result = output(command.arg(&file).args(args));
        assert!(result.status.success(), "{}", stderr(&result));
        let text = std::fs::read_to_string(&file)?;
        assert_eq!(text.contains("--no-confine"), is_said);
    }
    Ok(())
}
