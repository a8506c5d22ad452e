use std::{
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Output},
};

use libtest_mimic::Failed;

use crate::{
    Needs, Test,
    support::{Folder, Value, output, stderr, task, workload},
};

pub(crate) const TESTS: &[Test] = &[
    (
        "nobody_gets_a_picture_of_everybody",
        Needs::Events,
        nobody_gets_a_picture,
    ),
    (
        "nobody_cannot_see_exits",
        Needs::Events,
        nobody_cannot_see_exits,
    ),
    (
        "two_capabilities_are_enough",
        Needs::Events,
        two_capabilities_are_enough,
    ),
    (
        "a_pid_namespace_is_told",
        Needs::Events,
        a_pid_namespace_is_told,
    ),
    (
        "privileges_are_given_away",
        Needs::Events,
        privileges_are_given_away,
    ),
];

/// The binary where nobody can read it, and a folder where nobody can write.
struct Place {
    folder: Folder,
    binary: PathBuf,
}

impl Place {
    fn new(name: &str) -> Self {
        let folder = Folder::new(name);
        std::fs::set_permissions(&folder.0, PermissionsExt::from_mode(0o777)).unwrap();
        let binary = folder.file("procviz");
        std::fs::copy(env!("CARGO_BIN_EXE_procviz"), &binary).unwrap();
        std::fs::set_permissions(&binary, PermissionsExt::from_mode(0o755)).unwrap();
        Self { folder, binary }
    }

    fn as_nobody(&self, capabilities: &str, args: &[&str]) -> Output {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
        if capabilities.is_empty() {
            command.args(["--inh-caps", "-all", "--bounding-set", "-all"]);
        } else {
            command.args(["--inh-caps", capabilities, "--ambient-caps", capabilities]);
        }
        output(
            command
                .arg(&self.binary)
                .args(args)
                .current_dir(&self.folder.0),
        )
    }
}

fn nobody_gets_a_picture() -> Result<(), Failed> {
    let place = Place::new("nobody");
    let result = place.as_nobody(
        "",
        &["grid", "-s", "0.2", "--samples", "2", "-o", "x-{n}.png"],
    );
    assert!(result.status.success(), "{}", stderr(&result));
    let errors = stderr(&result);
    let told: Vec<&str> = errors
        .lines()
        .filter(|line| line.contains("CAP_BPF"))
        .collect();
    assert_eq!(told.len(), 1, "{errors}");
    assert!(
        told[0].contains("short-lived") && told[0].contains("sudo"),
        "{errors}"
    );
    assert!(place.folder.file("x-2.png").exists());
    let result = place.as_nobody("", &["dump", "--json", "-s", "0.2", "--samples", "1"]);
    let snapshot: Value = serde_json::from_slice(&result.stdout)?;
    assert_eq!(snapshot["sources"], "proc");
    let tasks = snapshot["tasks"].as_array().unwrap();
    let of_root = tasks.iter().filter(|task| task["uid"] == 0).count();
    assert!(of_root > 10, "{of_root} tasks of root");
    let refused = tasks
        .iter()
        .filter(|task| task["uid"] == 0)
        .all(|task| task["read_bytes"].is_null() && task["io_delta_bytes"].is_null());
    assert!(refused, "IO that was refused is not shown as unknown");
    let load = crate::support::Running::new(&mut workload(&["burn"]));
    let result = place.as_nobody("", &["dump", "--json", "-p", "-s", "0.5", "--samples", "3"]);
    for line in String::from_utf8(result.stdout)?.lines().skip(1) {
        let snapshot: Value = serde_json::from_str(line)?;
        let share = |task: &Value| {
            task["cpu_delta_ns"].as_f64().unwrap() / snapshot["interval_ns"].as_f64().unwrap()
        };
        let burner = task(&snapshot, load.pid()).unwrap();
        assert!(share(burner) > 0.3, "{burner}");
    }
    drop(load);
    let status = place
        .as_nobody("", &["grid", "--require-ebpf", "-o", "y.png"])
        .status;
    assert_eq!(status.code(), Some(4));
    assert!(!place.folder.file("y.png").exists());
    assert_eq!(place.as_nobody("", &["doctor"]).status.code(), Some(4));
    Ok(())
}

fn nobody_cannot_see_exits() -> Result<(), Failed> {
    let place = Place::new("noexits");
    let result = place.as_nobody("", &["exits"]);
    assert_eq!(result.status.code(), Some(4));
    assert!(stderr(&result).contains("CAP_BPF"), "{}", stderr(&result));
    Ok(())
}

fn two_capabilities_are_enough() -> Result<(), Failed> {
    let place = Place::new("twocaps");
    let result = place.as_nobody(
        "+bpf,+perfmon",
        &[
            "dump",
            "--json",
            "--require-ebpf",
            "-s",
            "0.2",
            "--samples",
            "2",
        ],
    );
    assert!(result.status.success(), "{}", stderr(&result));
    let line = String::from_utf8(result.stdout)?
        .lines()
        .last()
        .unwrap()
        .to_owned();
    let snapshot: Value = serde_json::from_str(&line)?;
    assert_eq!(snapshot["sources"], "ebpf+proc");
    // A guest's agent may be hidden from the iterator; then it is as `/proc` shows it.
    let others: Vec<&Value> = snapshot["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|task| task["uid"] == 0 && task["pid"] != 1)
        .collect();
    let known = others
        .iter()
        .filter(|task| task["read_bytes"].is_u64())
        .count();
    assert!(
        known > 10 && known == others.len(),
        "IO comes from the kernel, whoever asks: known of {known} of {}",
        others.len()
    );
    Ok(())
}

fn a_pid_namespace_is_told() -> Result<(), Failed> {
    let mut command = Command::new("unshare");
    command.args([
        "--pid",
        "--fork",
        "--mount-proc",
        env!("CARGO_BIN_EXE_procviz"),
        "dump",
        "--json",
        "-s",
        "0.2",
        "--samples",
        "1",
    ]);
    let result = output(&mut command);
    assert!(result.status.success(), "{}", stderr(&result));
    assert!(
        stderr(&result).contains("pid namespace"),
        "{}",
        stderr(&result)
    );
    let snapshot: Value = serde_json::from_slice(&result.stdout)?;
    assert_eq!(snapshot["sources"], "proc");
    Ok(())
}

/// Each thread keeps what reading `/proc` takes, and no more.
fn privileges_are_given_away() -> Result<(), Failed> {
    let dump = crate::support::Lines::dump(&["-s", "0.2"]);
    dump.line(1);
    let pid = dump.running.pid();
    let mut threads = 0;
    for entry in std::fs::read_dir(format!("/proc/{pid}/task"))?.flatten() {
        let status = std::fs::read_to_string(entry.path().join("status"))?;
        let field = |name: &str| {
            status
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .unwrap()
                .trim()
                .to_owned()
        };
        let effective = u64::from_str_radix(&field("CapEff:"), 16)?;
        // CAP_DAC_READ_SEARCH, CAP_KILL, CAP_SYS_PTRACE.
        let allowed = 1 << 2 | 1 << 5 | 1 << 19;
        assert_eq!(
            effective & !allowed,
            0,
            "{} keeps {effective:x}",
            field("Name:")
        );
        assert_eq!(field("NoNewPrivs:"), "1");
        threads += 1;
    }
    dump.end();
    assert!(threads >= 3, "{threads} threads");
    Ok(())
}
