//! Runs procviz in namespaces of its own, where a tool easily says something wrong.

use std::{process::Command, time::Duration};

use libtest_mimic::Failed;

use crate::{
    Needs, Test,
    support::{Folder, Lines, Running, Value, binary, cgroup2_mount, output, skip, stderr, task},
};

pub(crate) const TESTS: &[Test] = &[
    (
        "cgroups_of_another_namespace_are_unknown",
        Needs::Events,
        cgroups_of_another_namespace_are_unknown,
    ),
    (
        "capabilities_of_another_namespace_do_not_count",
        Needs::Events,
        capabilities_of_another_namespace_do_not_count,
    ),
    (
        "a_proc_without_the_machine_is_reported",
        Needs::Events,
        a_proc_without_the_machine_is_reported,
    ),
];

/// Paths begin at the root of the namespace, whether a cgroup was there before procviz or
/// came later. A cgroup outside has no name there.
fn cgroups_of_another_namespace_are_unknown() -> Result<(), Failed> {
    let Some(mount) = cgroup2_mount() else {
        return skip("no cgroup2 is mounted");
    };
    let root = format!("{mount}/procviz-ns-{}", std::process::id());
    if let Err(error) = std::fs::create_dir(&root) {
        return skip(&format!("cannot create a cgroup: {error}"));
    }
    let result = in_own_cgroup_namespace(&root);
    std::thread::sleep(Duration::from_millis(500));
    for folder in ["/early", "/late/deep", "/late", ""] {
        _ = std::fs::remove_dir(format!("{root}{folder}"));
    }
    result
}

fn in_own_cgroup_namespace(root: &str) -> Result<(), Failed> {
    let folder = Folder::new("cgroup-namespace");
    let sleeper_in = |path: &str| -> Result<Running, Failed> {
        std::fs::create_dir_all(format!("{root}{path}"))?;
        let sleeper = Running::new(Command::new("sleep").arg("60"));
        std::fs::write(
            format!("{root}{path}/cgroup.procs"),
            sleeper.pid().to_string(),
        )?;
        Ok(sleeper)
    };
    let outside = Running::new(Command::new("sleep").arg("60"));
    let early = sleeper_in("/early")?;
    let script = r#"
        echo $$ > "$0/cgroup.procs"
        exec unshare --cgroup --mount sh -c '
            mount -t cgroup2 none "$0" && exec "$1" dump --json --require-ebpf -p -s 0.3
        ' "$1" "$2"
    "#;
    let mut command = Command::new("sh");
    command.args(["-c", script, root]);
    let dump = Lines::new(command.arg(&folder.0).arg(binary()));
    dump.line(0);
    let late = sleeper_in("/late")?;
    let deep = sleeper_in("/late/deep")?;
    dump.fresh();
    let snapshot = dump.fresh();
    let cgroup = |process: &Running| -> Result<Value, Failed> {
        let task = task(&snapshot, process.pid()).ok_or("a sleeper is not shown")?;
        Ok(task["cgroup"].clone())
    };
    assert_eq!(cgroup(&early)?, "/early");
    assert_eq!(cgroup(&late)?, "/late");
    assert_eq!(cgroup(&deep)?, "/late/deep");
    // Its path in the v1 hierarchy can be known.
    let outside_path = cgroup(&outside)?;
    assert!(
        outside_path.is_null() || outside_path == "/",
        "{outside_path}"
    );
    drop((early, late, deep, outside));
    dump.end();
    Ok(())
}

fn capabilities_of_another_namespace_do_not_count() -> Result<(), Failed> {
    let mut command = Command::new("unshare");
    let result = output(command.args(["--user", "--map-root-user", binary(), "doctor"]));
    let text = String::from_utf8(result.stdout)?;
    if text.is_empty() {
        return skip("this machine allows no user namespaces");
    }
    assert_eq!(result.status.code(), Some(4), "{text}");
    assert!(
        text.contains("no    the machine's initial user namespace"),
        "{text}"
    );
    assert!(
        text.contains("rootless container") && !text.contains("report this"),
        "{text}"
    );
    assert!(text.contains("reduced service: only /proc"), "{text}");
    Ok(())
}

/// systemd mounts such a `/proc` for a unit with `ProcSubset=pid`.
fn a_proc_without_the_machine_is_reported() -> Result<(), Failed> {
    let folder = Folder::new("subset");
    let picture = folder.file("grid.svg");
    let run = |rest: &str| {
        let script = format!("mount -t proc -o subset=pid proc /proc && exec \"$0\" {rest}");
        output(Command::new("unshare").args(["--mount", "sh", "-c", &script, binary()]))
    };
    let doctor = String::from_utf8(run("doctor").stdout)?;
    assert!(doctor.contains("no    figures of the machine"), "{doctor}");
    assert!(
        doctor.contains("ProcSubset=all") && !doctor.contains("psi=1"),
        "{doctor}"
    );
    assert!(!doctor.contains("full service"), "{doctor}");
    let result = run("dump --json --require-ebpf -s 0.2 --samples 1");
    assert!(result.status.success(), "{}", stderr(&result));
    let snapshot: Value = serde_json::from_slice(&result.stdout)?;
    for figure in [
        "cpu_busy_ns",
        "mem_total_bytes",
        "psi_cpu_some_us",
        "shmem_bytes",
    ] {
        assert!(snapshot["machine"][figure].is_null(), "{figure}");
    }
    // It comes from a system call.
    assert!(snapshot["machine"]["load1"].is_number());
    assert!(
        snapshot["tasks"]
            .as_array()
            .is_some_and(|tasks| tasks.len() > 5)
    );
    let result = run(&format!(
        "grid -s 0.2 --duration 500ms -o {}",
        picture.display()
    ));
    assert!(result.status.success(), "{}", stderr(&result));
    let svg = std::fs::read_to_string(&picture)?;
    assert!(svg.contains("cores busy unknown") && svg.contains("memory unknown"));
    Ok(())
}
