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
        "a_picture_without_privileges_has_all_tasks",
        Needs::Events,
        nobody_gets_a_picture,
    ),
    (
        "a_recording_without_events_says_so",
        Needs::Events,
        a_recording_without_events_says_so,
    ),
    (
        "exits_needs_privileges",
        Needs::Events,
        exits_needs_privileges,
    ),
    (
        "two_capabilities_are_enough",
        Needs::Events,
        two_capabilities_are_enough,
    ),
    (
        "a_pid_namespace_is_reported",
        Needs::Events,
        a_pid_namespace_is_reported,
    ),
    (
        "a_capable_binary_opens_what_its_caller_may_open",
        Needs::Events,
        a_capable_binary_opens_what_its_caller_may_open,
    ),
    (
        "a_set_user_id_binary_becomes_its_caller",
        Needs::Events,
        a_set_user_id_binary_becomes_its_caller,
    ),
    (
        "privileges_are_given_away",
        Needs::Events,
        privileges_are_given_away,
    ),
];

/// A subcommand, an option that takes a path, and the arguments to try.
type Tried = (&'static str, &'static str, &'static [&'static str]);

/// The charts; without a subcommand, it is the grid.
const CHARTS: [&str; 5] = ["", "grid", "bubble", "lines", "timeline"];
/// The options of each chart, as in [`PATHS`].
const OF_A_CHART: [(&str, &[&str]); 7] = [
    ("output", &["-o", "CLOSED/x.png", "--samples", "1"]),
    ("output", &["-o", "CLOSED/x.svg", "--samples", "1"]),
    ("output", &["-o", "CLOSED/x.gif", "--samples", "1"]),
    ("output", &["-o", "CLOSED/x.html", "--samples", "1"]),
    (
        "save",
        &["--save", "CLOSED/x.pvz", "-o", "y.png", "--samples", "1"],
    ),
    ("from", &["--from", "SECRET.pvz", "-o", "y.png"]),
    (
        "font",
        &["--font", "SECRET.ttf", "-o", "y.png", "--samples", "1"],
    ),
];
/// Options of other subcommands that take a path, with the arguments to try. `SECRET` is a recording, a font
/// or a folder that the caller cannot read; `CLOSED` is a folder in which the caller
/// cannot write. A new option that takes a path must be added here, or the test fails.
const PATHS: &[Tried] = &[
    ("exits", "from", &["--from", "SECRET.pvz"]),
    ("findings", "from", &["--from", "SECRET.pvz"]),
    ("dump", "from", &["--from", "SECRET.pvz"]),
    (
        "dump",
        "save",
        &["--save", "CLOSED/x.pvz", "--samples", "1"],
    ),
    ("record", "from", &["--from", "SECRET.pvz", "-o", "y.pvz"]),
    (
        "record",
        "output",
        &["-o", "CLOSED/x.pvz", "--samples", "1"],
    ),
    (
        "record",
        "output",
        &["-o", "CLOSED/", "--rotate", "1h", "--samples", "1"],
    ),
    ("check", "file", &["SECRET.pvz"]),
    ("check", "file", &["CLOSED"]),
    ("note", "recording", &["SECRET.pvz", "text", "--at", "-1s"]),
    ("note", "recording", &["CLOSED", "text", "--at", "-1s"]),
    ("csv", "from", &["--from", "SECRET.pvz"]),
    ("csv", "output", &["-o", "CLOSED/x"]),
    (
        "csv",
        "proc_root",
        &["-S", "-t", "-p", "--proc-root", "false"],
    ),
    (
        "csv",
        "proc_root",
        &["-S", "-t", "-p", "--proc-root", "/proc/1/root/proc"],
    ),
];

/// All options that take a path.
fn paths() -> impl Iterator<Item = Tried> {
    let of_charts = CHARTS
        .into_iter()
        .flat_map(|chart| OF_A_CHART.map(|(option, args)| (chart, option, args)));
    of_charts.chain(PATHS.iter().copied())
}

/// A copy of the binary that the user `nobody` can run, in a folder in which `nobody` can
/// write.
struct Place {
    folder: Folder,
    binary: PathBuf,
}

impl Place {
    fn new(name: &str) -> Self {
        let folder = Folder::new(name);
        std::fs::set_permissions(&folder.0, PermissionsExt::from_mode(0o1777)).unwrap();
        let binary = folder.file("procviz");
        std::fs::copy(crate::support::binary(), &binary).unwrap();
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
    assert!(of_root > 10, "only {of_root} tasks of root");
    let refused = tasks
        .iter()
        .filter(|task| task["uid"] == 0)
        .all(|task| task["read_bytes"].is_null() && task["io_delta_bytes"].is_null());
    assert!(refused, "IO that is not readable is not shown as unknown");
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

/// `check` and `exits` say that a recording has no kernel events, instead of `0 exits`.
fn a_recording_without_events_says_so() -> Result<(), Failed> {
    let place = Place::new("norecord");
    let made = place.as_nobody(
        "",
        &["record", "-s", "0.2", "--samples", "3", "-o", "x.pvz"],
    );
    assert!(made.status.success(), "{}", stderr(&made));
    let checked = place.as_nobody("", &["check", "x.pvz"]);
    let text = String::from_utf8(checked.stdout)?;
    assert!(
        text.contains("4 samples were taken without kernel events"),
        "{text}"
    );
    let exits = place.as_nobody("", &["exits", "--from", "x.pvz"]);
    let errors = stderr(&exits);
    assert!(
        errors
            .contains("4 samples were taken without kernel events: exits are not in the recording"),
        "{errors}"
    );
    Ok(())
}

fn exits_needs_privileges() -> Result<(), Failed> {
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
    // The agent of a virtual machine can be hidden from the task iterator; its figures
    // then come from `/proc`.
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
        "IO comes from the kernel for every user, but is known for only {known} of {}",
        others.len()
    );
    Ok(())
}

/// A folder with secret files of root, and the binary with `mode` and with
/// `capabilities` (those that `doctor` advises, or an empty string).
fn with_secrets(name: &str, mode: u32, capabilities: &str) -> Place {
    let place = Place::new(name);
    std::fs::set_permissions(&place.binary, PermissionsExt::from_mode(mode)).unwrap();
    if !capabilities.is_empty() {
        let set = output(Command::new("setcap").arg(capabilities).arg(&place.binary));
        assert!(set.status.success(), "{}", stderr(&set));
    }
    let secret = place.folder.file("SECRET.pvz");
    let made = output(
        crate::support::procviz()
            .args(["record", "-s", "0.1", "--samples", "3", "-o"])
            .arg(&secret),
    );
    assert!(made.status.success(), "{}", stderr(&made));
    let font = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/Roboto-subset.ttf");
    let mine = place.folder.file("SECRET.ttf");
    std::fs::copy(font, &mine).unwrap();
    std::fs::write(place.folder.file("secret"), "Name:\tthe-secret\nPid:\t1\n").unwrap();
    for file in ["SECRET.pvz", "SECRET.ttf", "secret"] {
        let file = place.folder.file(file);
        std::fs::set_permissions(file, PermissionsExt::from_mode(0o600)).unwrap();
    }
    std::fs::create_dir(place.folder.file("CLOSED")).unwrap();
    std::fs::set_permissions(
        place.folder.file("CLOSED"),
        PermissionsExt::from_mode(0o700),
    )
    .unwrap();
    std::fs::create_dir_all(place.folder.file("false/1")).unwrap();
    let link = place.folder.file("false/1/status");
    std::os::unix::fs::symlink(place.folder.file("secret"), link).unwrap();
    place
}

/// Each option that takes a path, as clap knows it: subcommand and option.
fn options_with_paths() -> std::collections::BTreeSet<(String, String)> {
    use clap::CommandFactory as _;
    let is_path = |arg: &clap::Arg| {
        arg.get_value_parser().type_id() == clap::value_parser!(PathBuf).type_id()
    };
    let all = procviz::cli::Cli::command();
    let own = all.get_arguments().map(|arg| (String::new(), arg));
    let subcommands = all
        .get_subcommands()
        .filter(|subcommand| !subcommand.get_name().starts_with("__"));
    let subcommands = subcommands.flat_map(|subcommand| {
        let name = subcommand.get_name().to_owned();
        subcommand
            .get_arguments()
            .map(move |arg| (name.clone(), arg))
    });
    own.chain(subcommands)
        .filter(|(_, arg)| is_path(arg))
        .map(|(name, arg)| (name, arg.get_id().to_string()))
        .collect()
}

/// Tries each option that takes a path, as the user `nobody`.
fn tries_all_paths(place: &Place) {
    for (subcommand, option, args) in paths() {
        let mut all: Vec<&str> = subcommand.split_whitespace().collect();
        all.extend(args);
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
        let result = output(
            command
                .arg(&place.binary)
                .args(&all)
                .current_dir(&place.folder.0),
        );
        let printed = String::from_utf8_lossy(&result.stdout).into_owned() + &stderr(&result);
        assert!(!printed.contains("the-secret"), "{all:?}: {printed}");
        let code = result.status.code();
        assert!(
            matches!(code, Some(1..=3)),
            "{option} {all:?}: {code:?}: {printed}"
        );
        let is_named = printed.contains("ermission denied") || printed.contains("--proc-root");
        assert!(is_named, "{all:?}: {printed}");
        for left in ["y.png", "y.pvz"] {
            assert!(
                !place.folder.file(left).exists(),
                "{all:?}: `{left}` exists"
            );
        }
    }
    assert_eq!(
        std::fs::read_dir(place.folder.file("CLOSED"))
            .unwrap()
            .count(),
        0
    );
}

fn a_capable_binary_opens_what_its_caller_may_open() -> Result<(), Failed> {
    let known: std::collections::BTreeSet<(String, String)> = paths()
        .map(|(subcommand, option, _)| (subcommand.to_owned(), option.to_owned()))
        .collect();
    assert_eq!(
        known,
        options_with_paths(),
        "`PATHS` and the options that take a path differ"
    );
    let capabilities = "cap_bpf,cap_perfmon,cap_sys_ptrace,cap_dac_read_search,cap_sys_nice+ep";
    let place = with_secrets("capable", 0o755, capabilities);
    tries_all_paths(&place);
    // The binary is still useful: it sees events of all users and reads `/proc` files that
    // only root can read.
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    let result = output(command.arg(&place.binary).args([
        "dump",
        "--json",
        "--require-ebpf",
        "-s",
        "0.2",
        "--samples",
        "2",
    ]));
    assert!(result.status.success(), "{}", stderr(&result));
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    let of_root = crate::support::Running::new(Command::new("sleep").arg("60"));
    let pid = of_root.pid().to_string();
    let result = output(command.arg(&place.binary).args(["csv", "-i", &pid]));
    let table = String::from_utf8(result.stdout)?;
    let fields = table.trim().split(',').filter(|field| !field.is_empty());
    assert_eq!(fields.count(), 8, "io of a process of root: {table:?}");
    Ok(())
}

fn a_set_user_id_binary_becomes_its_caller() -> Result<(), Failed> {
    let place = with_secrets("setuid", 0o4755, "");
    tries_all_paths(&place);
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    let result = output(
        command
            .arg(&place.binary)
            .args([
                "grid",
                "--require-ebpf",
                "-s",
                "0.1",
                "--samples",
                "1",
                "-o",
                "mine.png",
            ])
            .current_dir(&place.folder.0),
    );
    assert!(result.status.success(), "{}", stderr(&result));
    let owner =
        std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(place.folder.file("mine.png"))?);
    assert_eq!(owner, 65_534);
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    let result = output(command.arg(&place.binary).args(["exits", "--", "id", "-u"]));
    assert_eq!(
        String::from_utf8(result.stdout)?.lines().next(),
        Some("65534")
    );
    Ok(())
}

fn a_pid_namespace_is_reported() -> Result<(), Failed> {
    let mut command = Command::new("unshare");
    command.args([
        "--pid",
        "--fork",
        "--mount-proc",
        crate::support::binary(),
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

/// Each thread keeps only the capabilities that reading `/proc` needs.
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
            "thread {} keeps the capabilities {effective:x}",
            field("Name:")
        );
        assert_eq!(field("NoNewPrivs:"), "1");
        threads += 1;
    }
    dump.end();
    assert!(threads >= 3, "{threads} threads");
    Ok(())
}
