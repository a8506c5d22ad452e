//! Checks the files that procviz writes: their place, their owner, and that other files
//! stay untouched.

use std::{
    os::unix::fs::{MetadataExt as _, PermissionsExt, symlink},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use libtest_mimic::Failed;
use nix::sys::signal::Signal;

use crate::{
    Needs, Test,
    support::{Folder, Running, output, procviz, stderr, wait_until},
};

pub(crate) const TESTS: &[Test] = &[
    (
        "rotation_keeps_files_of_others",
        Needs::Nothing,
        rotation_keeps_files_of_others,
    ),
    (
        "one_recorder_a_folder",
        Needs::Nothing,
        one_recorder_a_folder,
    ),
    (
        "force_replaces_what_is_recorded_anew",
        Needs::Nothing,
        force_replaces_what_is_recorded_anew,
    ),
    (
        "a_series_is_checked_before_its_first_file",
        Needs::Nothing,
        a_series_is_checked_before_its_first_file,
    ),
    (
        "a_folder_that_is_swapped_changes_nothing",
        Needs::Nothing,
        a_folder_that_is_swapped_changes_nothing,
    ),
    (
        "folders_that_are_not_safe_are_refused",
        Needs::Events,
        folders_that_are_not_safe_are_refused,
    ),
    (
        "a_folder_that_is_replaced_ends_a_recorder",
        Needs::Nothing,
        a_folder_that_is_replaced_ends_a_recorder,
    ),
    ("nothing_stays_behind", Needs::Nothing, nothing_stays_behind),
    (
        "files_belong_to_the_invoking_user",
        Needs::Events,
        files_belong_to_the_invoking_user,
    ),
];

fn record(args: &[&str], to: &Path) -> Command {
    let mut command = procviz();
    command.args(["record", "-s", "0.1"]).args(args);
    command.arg("-o").arg(to);
    command
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn rotation_keeps_files_of_others() -> Result<(), Failed> {
    let folder = Folder::new("unseen_roots");
    let shelf = folder.file("shelf");
    std::fs::create_dir(&shelf)?;
    // A recording of a user, and files that only look like recordings.
    let kept = "procviz-20200101T000000Z-kept.pvz";
    let made = output(&mut record(&["--samples", "2"], &shelf.join(kept)));
    assert!(made.status.success(), "{}", stderr(&made));
    let unseen_roots = [
        ("procviz-20200101T000000Z.pvz", "no recording"),
        ("procviz-notes.pvz", "mine"),
        ("procviz-20200102T000000Z.pvz.bak", "mine"),
        ("other.pvz", "mine"),
    ];
    for (name, text) in unseen_roots {
        std::fs::write(shelf.join(name), text)?;
    }
    std::fs::create_dir(shelf.join("procviz-20200103T000000Z.pvz"))?;
    symlink("/etc/hostname", shelf.join("procviz-20200104T000000Z.pvz"))?;
    let before = names(&shelf);
    let rotated = ["--rotate", "1s", "--keep", "2", "--duration", "5s"];
    let result = output(&mut record(&rotated, &shelf.join("")));
    assert!(result.status.success(), "{}", stderr(&result));
    let after = names(&shelf);
    let own: Vec<&String> = after.iter().filter(|name| !before.contains(name)).collect();
    // Files of others are not counted.
    assert_eq!(own.len(), 2, "{after:?}");
    assert!(before.iter().all(|name| after.contains(name)), "{after:?}");
    // The next recorder removes the files of this recorder, but not a file that is being
    // written (locked).
    let locked = std::fs::File::open(shelf.join(own[0]))?;
    let _lock = nix::fcntl::Flock::lock(locked, nix::fcntl::FlockArg::LockExclusive)
        .map_err(|(_, error)| error)?;
    let again = ["--rotate", "1s", "--keep", "1", "--duration", "3s"];
    let result = output(&mut record(&again, &shelf.join("")));
    assert!(result.status.success(), "{}", stderr(&result));
    let last = names(&shelf);
    assert!(last.contains(own[0]), "a locked file was removed");
    assert!(!last.contains(own[1]), "its own old file was not removed");
    assert!(before.iter().all(|name| last.contains(name)), "{last:?}");
    Ok(())
}

/// A confined recorder can write only into the folder with which it started.
fn a_folder_that_is_replaced_ends_a_recorder() -> Result<(), Failed> {
    let folder = Folder::new("replaced");
    let (shelf, aside) = (folder.file("shelf"), folder.file("aside"));
    let start = |more: &[&str]| {
        let mut command = record(&[&["--rotate", "1s"], more].concat(), &shelf.join(""));
        let run = Running::new(command.stdout(Stdio::null()).stderr(Stdio::piped()));
        wait_until("nothing is recorded", || {
            shelf.is_dir() && !names(&shelf).is_empty()
        });
        std::fs::rename(&shelf, &aside).unwrap();
        run
    };
    let first = start(&[]);
    std::fs::create_dir(&shelf)?;
    let ended = first.wait_with_output();
    assert_eq!(ended.status.code(), Some(1), "{}", stderr(&ended));
    let words = "is another folder now";
    assert!(stderr(&ended).contains(words), "{}", stderr(&ended));
    assert!(names(&shelf).is_empty() && !names(&aside).is_empty());
    // The files recorded until then are valid.
    for name in names(&aside) {
        let check = output(procviz().arg("check").arg(aside.join(name)));
        assert_eq!(check.status.code(), Some(0), "{}", stderr(&check));
    }
    // If the folder comes back, the recorder continues.
    std::fs::remove_dir(&shelf)?;
    std::fs::remove_dir_all(&aside)?;
    let second = start(&["--duration", "7s"]);
    std::thread::sleep(Duration::from_millis(2_500));
    std::fs::rename(&aside, &shelf)?;
    let ended = second.wait_with_output();
    assert_eq!(ended.status.code(), Some(0), "{}", stderr(&ended));
    assert!(names(&shelf).len() >= 2);
    // Without confinement, the recorder writes into any folder at that path.
    std::fs::remove_dir_all(&shelf)?;
    let third = start(&["--no-confine", "--duration", "5s"]);
    std::fs::create_dir(&shelf)?;
    let ended = third.wait_with_output();
    assert_eq!(ended.status.code(), Some(0), "{}", stderr(&ended));
    assert!(!names(&shelf).is_empty());
    Ok(())
}

fn one_recorder_a_folder() -> Result<(), Failed> {
    let folder = Folder::new("two");
    let shelf = folder.file("shelf");
    let first = Running::new(
        record(
            &["--rotate", "2s", "--keep", "1", "--duration", "6s"],
            &shelf.join(""),
        )
        .stderr(Stdio::null()),
    );
    wait_until("nothing is recorded", || {
        shelf.is_dir() && !names(&shelf).is_empty()
    });
    let second = output(&mut record(
        &["--keep", "1", "--duration", "1s"],
        &shelf.join(""),
    ));
    assert_eq!(second.status.code(), Some(1));
    assert!(
        stderr(&second).contains("another procviz"),
        "{}",
        stderr(&second)
    );
    let mut first = first;
    assert!(first.0.wait()?.success());
    // A file that is being written is not replaced either.
    let file = folder.file("x.pvz");
    let first = Running::new(record(&["--duration", "3s"], &file).stderr(Stdio::null()));
    wait_until("nothing is recorded", || file.exists());
    std::thread::sleep(Duration::from_millis(300));
    let second = output(&mut record(&["--force", "--samples", "1"], &file));
    assert_eq!(second.status.code(), Some(1));
    assert!(
        stderr(&second).contains("another procviz"),
        "{}",
        stderr(&second)
    );
    let mut first = first;
    assert!(first.0.wait()?.success());
    assert!(output(procviz().arg("check").arg(&file)).status.success());
    Ok(())
}

fn force_replaces_what_is_recorded_anew() -> Result<(), Failed> {
    let folder = Folder::new("anew");
    let file = folder.file("x.pvz");
    std::fs::write(&file, "precious")?;
    // procviz ends before its first sample: a privilege is missing, or it is killed.
    let mut command = Command::new("setpriv");
    command.args([
        "--bounding-set",
        "-all",
        "--inh-caps",
        "-all",
        "--reuid",
        "0",
    ]);
    command.arg(crate::support::binary());
    command.args([
        "record",
        "--require-ebpf",
        "--force",
        "--samples",
        "1",
        "-o",
    ]);
    let result = output(command.arg(&file));
    if nix::unistd::geteuid().is_root() {
        assert_eq!(result.status.code(), Some(4), "{}", stderr(&result));
    }
    if result.status.code() == Some(4) {
        assert_eq!(std::fs::read_to_string(&file)?, "precious");
        assert_eq!(names(&folder.0), ["x.pvz"]);
        let fresh = folder.file("fresh.pvz");
        let mut command = Command::new("setpriv");
        command.args([
            "--bounding-set",
            "-all",
            "--inh-caps",
            "-all",
            "--reuid",
            "0",
        ]);
        command.arg(crate::support::binary());
        command.args(["record", "--require-ebpf", "--samples", "1", "-o"]);
        assert_eq!(output(command.arg(&fresh)).status.code(), Some(4));
        assert!(!fresh.exists(), "an empty recording was left");
    }
    let result = output(&mut record(&["--force", "--samples", "2"], &file));
    assert!(result.status.success(), "{}", stderr(&result));
    assert!(std::fs::read(&file)?.starts_with(b"procviz\n"));
    assert_eq!(names(&folder.0), ["x.pvz"]);
    let result = output(&mut record(&["--samples", "1"], Path::new("-")));
    assert_eq!(result.status.code(), Some(2), "{}", stderr(&result));
    Ok(())
}

fn a_series_is_checked_before_its_first_file() -> Result<(), Failed> {
    let folder = Folder::new("series");
    std::fs::write(folder.file("run-3.png"), "precious")?;
    let mut command = procviz();
    command.args(["grid", "-s", "0.1", "--samples", "5", "-o"]);
    let result = output(command.arg(folder.file("run-{n}.png")));
    assert_eq!(result.status.code(), Some(1));
    assert!(stderr(&result).contains("run-3.png"), "{}", stderr(&result));
    assert_eq!(names(&folder.0), ["run-3.png"]);
    let result = output(command.arg("--force"));
    assert!(result.status.success(), "{}", stderr(&result));
    assert_eq!(names(&folder.0).len(), 5);
    Ok(())
}

fn a_folder_that_is_swapped_changes_nothing() -> Result<(), Failed> {
    let folder = Folder::new("swapped");
    let (here, away, victim) = (
        folder.file("here"),
        folder.file("away"),
        folder.file("victim"),
    );
    std::fs::create_dir(&here)?;
    std::fs::create_dir(&victim)?;
    let mut command = procviz();
    command.args(["grid", "-s", "0.2", "--samples", "10", "-o"]);
    let mut run = Running::new(command.arg(here.join("x-{n}.png")).stderr(Stdio::null()));
    wait_until("no picture is drawn", || !names(&here).is_empty());
    std::fs::rename(&here, &away)?;
    symlink(&victim, &here)?;
    assert!(run.0.wait()?.success());
    assert_eq!(names(&victim), [""; 0]);
    assert_eq!(names(&away).len(), 10);
    Ok(())
}

fn folders_that_are_not_safe_are_refused() -> Result<(), Failed> {
    let folder = Folder::new("unsafe");
    let picture = |path: &Path| {
        let mut command = procviz();
        command.args(["grid", "-s", "0.05", "--samples", "1", "-o"]);
        output(command.arg(path))
    };
    let open = folder.file("open");
    std::fs::create_dir(&open)?;
    std::fs::set_permissions(&open, PermissionsExt::from_mode(0o777))?;
    let result = picture(&open.join("x.png"));
    assert_eq!(result.status.code(), Some(1));
    assert!(stderr(&result).contains("chmod +t"), "{}", stderr(&result));
    let result = output(&mut record(&["--samples", "1"], &open.join("")));
    assert_eq!(result.status.code(), Some(1), "{}", stderr(&result));
    assert_eq!(names(&open), [""; 0]);
    std::fs::set_permissions(&open, PermissionsExt::from_mode(0o1777))?;
    assert!(picture(&open.join("x.png")).status.success());
    let group = folder.file("group");
    std::fs::create_dir(&group)?;
    nix::unistd::chown(&group, None, Some(nix::unistd::Gid::from_raw(100)))?;
    std::fs::set_permissions(&group, PermissionsExt::from_mode(0o775))?;
    let result = picture(&group.join("x.png"));
    assert!(
        result.status.success() && stderr(&result).contains("group 100"),
        "{}",
        stderr(&result)
    );
    // A symbolic link of root is followed, with a message. A link of another user is not.
    let link = folder.file("link");
    symlink(&open, &link)?;
    let result = picture(&link.join("y.png"));
    assert!(result.status.success(), "{}", stderr(&result));
    assert!(
        stderr(&result).contains("symbolic link to"),
        "{}",
        stderr(&result)
    );
    let theirs = folder.file("theirs");
    symlink(&open, &theirs)?;
    let status = Command::new("chown")
        .args(["-h", "65534"])
        .arg(&theirs)
        .status()?;
    assert!(status.success());
    for path in [theirs.join("z.png"), theirs.join("deeper/z.png")] {
        let result = picture(&path);
        assert_eq!(result.status.code(), Some(1), "{}", stderr(&result));
    }
    let result = output(&mut record(&["--samples", "1"], &theirs.join("")));
    assert_eq!(result.status.code(), Some(1), "{}", stderr(&result));
    assert_eq!(names(&open), ["x.png", "y.png"]);
    Ok(())
}

/// No partial file stays, whatever signal ends procviz while it writes.
fn nothing_stays_behind() -> Result<(), Failed> {
    let folder = Folder::new("behind");
    for (number, signal) in [Signal::SIGKILL, Signal::SIGABRT, Signal::SIGKILL]
        .iter()
        .enumerate()
    {
        let mut command = procviz();
        command.args(["csv", "-r", "-w", "0.01", "-o"]);
        let mut run = Running::new(command.arg(folder.file("t")).stderr(Stdio::null()));
        std::thread::sleep(Duration::from_millis(200 + 50 * number as u64));
        run.signal(*signal);
        run.0.wait()?;
        assert_eq!(names(&folder.0), [""; 0]);
    }
    Ok(())
}

fn files_belong_to_the_invoking_user() -> Result<(), Failed> {
    let folder = Folder::new("owner");
    let home = folder.file("home");
    std::fs::create_dir(&home)?;
    nix::unistd::chown(&home, Some(nix::unistd::Uid::from_raw(65_534)), None)?;
    let calls: &[(&str, &[(&str, &str)])] = &[
        ("sudo", &[("SUDO_UID", "65534"), ("SUDO_GID", "65534")]),
        ("pkexec", &[("PKEXEC_UID", "65534")]),
        ("doas", &[("DOAS_USER", "nobody")]),
    ];
    for (name, variables) in calls {
        let variables = variables.iter().copied();
        let picture = home.join(format!("{name}.png"));
        let mut command = procviz();
        command
            .envs(variables.clone())
            .args(["grid", "-s", "0.05", "--samples", "1"]);
        command.args(["--mode", "640", "-o"]).arg(&picture);
        let result = output(&mut command);
        assert!(result.status.success(), "{name}: {}", stderr(&result));
        let meta = std::fs::metadata(&picture)?;
        assert_eq!(
            (meta.uid(), meta.gid(), meta.mode() & 0o777),
            (65_534, 65_534, 0o640),
            "{name}"
        );
        let recording = home.join(format!("{name}.pvz"));
        let result = output(record(&["--samples", "1"], &recording).envs(variables.clone()));
        assert!(result.status.success(), "{name}: {}", stderr(&result));
        assert_eq!(std::fs::metadata(&recording)?.uid(), 65_534, "{name}");
        let mut command = procviz();
        command
            .envs(variables)
            .args(["exits", "--", "sh", "-c", "id -u; id -G; echo $HOME >&2"]);
        let result = output(&mut command);
        let printed = String::from_utf8(result.stdout.clone())?;
        let lines: Vec<&str> = printed.lines().take(2).collect();
        assert_eq!(
            lines,
            ["65534", "65534"],
            "{name}: {printed} {}",
            stderr(&result)
        );
    }
    // The same for recordings as input and for tables. If root runs procviz directly, root
    // can write anywhere.
    let source = folder.file("source.pvz");
    assert!(
        output(&mut record(&["--samples", "2"], &source))
            .status
            .success()
    );
    nix::unistd::chown(&source, Some(nix::unistd::Uid::from_raw(33)), None)?;
    std::fs::set_permissions(&home, PermissionsExt::from_mode(0o700))?;
    let sudo: &[(&str, &str)] = &[("SUDO_UID", "65534"), ("SUDO_GID", "65534")];
    for (variables, owner) in [(sudo, 65_534), (&[], 0)] {
        let file = |name: &str| home.join(format!("{owner}-{name}"));
        let calls: [(&[&str], &str, &str); 4] = [
            (&["grid", "--from"], "from.png", "from.png"),
            (&["record", "--from"], "from.pvz", "from.pvz"),
            (&["csv", "--from"], "from", "from-stat.csv"),
            (&["csv"], "live", "live-stat.csv"),
        ];
        for (args, typed, made) in calls {
            let mut command = procviz();
            command.envs(variables.iter().copied()).args(args);
            if args.contains(&"--from") {
                command.arg(&source);
            }
            let result = output(command.arg("-o").arg(file(typed)));
            assert!(result.status.success(), "{args:?}: {}", stderr(&result));
            assert_eq!(std::fs::metadata(file(made))?.uid(), owner, "{args:?}");
        }
    }
    // If the calling user is not known, procviz does not continue as root.
    for (variable, value) in [
        ("SUDO_UID", "bob"),
        ("SUDO_UID", ""),
        ("DOAS_USER", "no-such"),
        ("PKEXEC_UID", "-1"),
    ] {
        let mut command = procviz();
        command
            .env(variable, value)
            .args(["grid", "--samples", "1", "-s", "0.05", "-o"]);
        let result = output(command.arg(home.join("no.png")));
        assert_eq!(result.status.code(), Some(1), "{variable}={value}");
        assert!(stderr(&result).contains(variable), "{}", stderr(&result));
        let mut command = procviz();
        command
            .env(variable, value)
            .args(["exits", "--", "touch"])
            .arg(home.join("ran"));
        assert_eq!(output(&mut command).status.code(), Some(1));
    }
    assert!(!home.join("no.png").exists() && !home.join("ran").exists());
    Ok(())
}
