//! Tests the live view in a real terminal: tmux gives the screen that a user would see.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use libtest_mimic::Failed;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    Needs, Test,
    support::{Folder, Running, output, procviz, skip, started, stderr, workload},
    terminal::{Terminal, tmux},
};

pub(crate) const TESTS: &[Test] = &[
    ("each_size_shows_all", Needs::Nothing, || tmux(each_size)),
    ("each_key_does_what_the_help_says", Needs::Nothing, || {
        tmux(each_key)
    }),
    (
        "a_pin_stays_through_the_death_of_its_task",
        Needs::Events,
        || tmux(a_pin),
    ),
    ("too_small_says_so_and_recovers", Needs::Nothing, || {
        tmux(too_small)
    }),
    ("plain_terminals", Needs::Nothing, || tmux(plain)),
    ("the_terminal_is_given_back", Needs::Nothing, || {
        tmux(given_back)
    }),
    (
        "the_mouse_can_be_left_to_the_terminal",
        Needs::Nothing,
        || tmux(no_mouse),
    ),
    ("the_table_sorts_follows_and_selects", Needs::Events, || {
        tmux(table)
    }),
    ("ctrl_z_and_fg", Needs::Nothing, || tmux(suspended)),
    ("hostile_names_stay_text", Needs::Nothing, || tmux(hostile)),
    ("hostile_users_and_cgroups_stay_text", Needs::Events, || {
        tmux(hostile_groups)
    }),
    (
        "a_commands_words_come_after_the_view",
        Needs::Events,
        || tmux(a_command),
    ),
    ("a_pipe_gets_no_escape_codes", Needs::Nothing, a_pipe),
];

/// A child with this name.
fn named(bytes: &[u8]) -> Running {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut command = workload(&["named", &hex]);
    started(command.arg(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes)))
}

fn each_size() -> Result<(), Failed> {
    let child = named(b"well-known");
    for (columns, rows) in [(80, 24), (120, 40), (200, 60)] {
        let terminal = Terminal::procviz(columns, rows, &[], "");
        let text = terminal.text();
        for part in [
            "procviz",
            "threads",
            "cores busy",
            "root",
            "idle",
            "kernel",
            "stand",
            "RSS",
        ] {
            let is_there = text.contains(part)
                || (part == "stand"
                    && (text.contains("Nothing is above")
                        || text.contains("Nothing is above the")));
            assert!(is_there, "{columns}x{rows}: no `{part}`:\n{text}");
        }
        assert!(
            text.lines()
                .all(|line| line.chars().count() <= columns as usize)
        );
        // Go to the known child; its popup shows its details.
        terminal.type_in(&format!("/pid:{}", child.pid()));
        terminal.keys(&["Enter", "Right"]);
        let popup = terminal.wait("popup", |text| text.contains("started"));
        for part in [
            "well-known",
            &child.pid().to_string(),
            "user root",
            "sleeping",
            "1 thread",
        ] {
            assert!(popup.contains(part), "no `{part}`:\n{popup}");
        }
        let deadline = |text: &str| text.contains("--workload named");
        terminal.wait("arguments", deadline);
    }
    Ok(())
}

fn no_mouse() -> Result<(), Failed> {
    for (args, flag) in [("", "1"), ("--no-mouse", "0")] {
        let terminal = Terminal::procviz(80, 24, &[], args);
        let asked = ["display-message", "-p", "#{mouse_any_flag}"];
        let answer = output(&mut terminal.command(&asked)).stdout;
        assert_eq!(String::from_utf8(answer)?.trim(), flag, "`{args}`");
        terminal.quit();
    }
    Ok(())
}

/// The table of processes follows the filter, is sorted by keys, selects tasks, and lists who
/// exited.
fn table() -> Result<(), Failed> {
    let [first, second, third] = [b"table-a", b"table-b", b"table-c"].map(|name| named(name));
    let terminal = Terminal::procviz(150, 40, &[], "--require-ebpf");
    let rows = |text: &str| -> Vec<String> {
        let lines = text.lines().skip_while(|line| !line.contains("sorted by"));
        let rows = lines.filter_map(|line| line.rsplit_once("table-"));
        let names = rows.map(|(_, name)| name.trim().to_owned());
        // Not the filter line.
        names.filter(|name| name.len() == 1).collect()
    };
    terminal.keys(&["T"]);
    let open = terminal.wait("table", |text| text.contains("sorted by CPU %"));
    let shown = open.lines().find(|line| line.contains("CPU time")).unwrap();
    for column in [
        "pid", "user", "state", "RSS", "growth", "IO", "threads", "age", "command",
    ] {
        assert!(shown.contains(column), "no `{column}`:\n{open}");
    }
    // The pattern does not match the arguments of the program that types it.
    terminal.type_in("/table-[abc]");
    terminal.keys(&["Enter"]);
    terminal.wait("the filter", |text| text.contains("3 processes"));
    // Four columns to the left: the first one is followed by the last.
    terminal.type_in("<<<<");
    terminal.wait("the order of names", |text| {
        text.contains("sorted by command") && rows(text) == ["a", "b", "c"]
    });
    terminal.keys(&["R"]);
    terminal.wait("the reverse order", |text| rows(text) == ["c", "b", "a"]);
    terminal.keys(&["Down"]);
    let popup = |pid: u32| format!("table-c {pid}");
    terminal.wait("popup of the first row", |text| {
        text.contains(&popup(third.pid()))
    });
    terminal.keys(&["Down"]);
    let of_second = format!("table-b {}", second.pid());
    terminal.wait("popup of the second row", |text| text.contains(&of_second));
    drop(second);
    let over = terminal.wait("the dead", |text| text.contains("SIGKILL, "));
    assert_eq!(rows(&over), ["c", "b", "a"], "{over}");
    assert!(over.contains("2 processes; exited in the last"), "{over}");
    let is_listed = |line: &&str| line.contains("SIGKILL, ") && line.contains("table-b");
    assert!(over.lines().any(|line| is_listed(&line)), "{over}");
    terminal.type_in("/");
    terminal.keys(&["C-u"]);
    terminal.type_in("table-[b]");
    terminal.keys(&["Enter"]);
    terminal.wait("only the dead", |text| {
        rows(text) == ["b"] && text.contains("0 processes; exited in the last")
    });
    terminal.keys(&["T"]);
    terminal.wait("no table", |text| !text.contains("sorted by"));
    drop((first, third));
    Ok(())
}

fn each_key() -> Result<(), Failed> {
    let folder = Folder::new("keys");
    let child = named(b"well-known");
    let terminal = Terminal::new(120, 40, &[]);
    terminal.type_in(&format!("cd {}", folder.0.display()));
    terminal.keys(&["Enter"]);
    terminal.type_in(env!("CARGO_BIN_EXE_procviz"));
    terminal.keys(&["Enter"]);
    terminal.wait("picture", |text| text.contains("watched"));
    let press = |keys: &[&str], what: &str, is_there: &dyn Fn(&str) -> bool| {
        terminal.keys(keys);
        terminal.wait(what, is_there)
    };
    press(&["?"], "help", &|text| {
        text.contains("refresh now") && text.contains("quit")
    });
    press(&["Escape"], "no help", &|text| {
        !text.contains("refresh now")
    });
    press(&["p"], "pause", &|text| text.contains("PAUSED"));
    let watched = |text: &str| text.split("watched").nth(1).unwrap()[..12].to_owned();
    let before = watched(&terminal.text());
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!(before, watched(&terminal.text()), "the view is not paused");
    press(&["."], "step", &|text| watched(text) != before);
    press(&["p"], "resume", &|text| !text.contains("PAUSED"));
    press(&["+"], "longer interval", &|text| {
        text.contains("interval 2 s")
    });
    press(&["-"], "shorter interval", &|text| {
        text.contains("interval 1 s")
    });
    press(&["t"], "processes", &|text| text.contains(" processes  ·"));
    press(&["t"], "threads", &|text| text.contains(" threads  ·"));
    press(&["g", "g", "g"], "pods", &|text| text.contains("no pod"));
    press(&["g", "g", "g"], "commands", &|text| {
        text.contains("well-known")
    });
    press(&["g"], "users", &|text| {
        text.contains("root") && !text.contains("well-known")
    });
    for order in ["CPU", "RSS", "name", "start"] {
        press(&["o"], "order", &|text| {
            text.contains(&format!("sorted by {order}"))
        });
    }
    press(&["z"], "help on zoom", &|text| {
        text.contains("only the lines")
    });
    press(&["2"], "bubbles", &|text| {
        text.contains("command pid · user")
    });
    press(&["3"], "lines", &|text| text.contains("CPU, cores"));
    press(&["z"], "end of the lines", &|text| {
        text.contains("enlarged 2x")
    });
    press(&["Z"], "the whole lines", &|text| {
        !text.contains("enlarged")
    });
    press(&["4"], "timeline", &|text| {
        text.contains("exit 0") && text.contains("now")
    });
    let late = named(b"late-comer");
    terminal.wait("a new life", |text| text.contains("late-comer"));
    drop(late);
    press(&["4"], "heat map", &|text| {
        text.contains("needs at least 10 samples per second")
    });
    for _ in 0..4 {
        terminal.keys(&["-"]);
    }
    press(&["-"], "heat map of faster samples", &|text| {
        text.contains("CPU of the whole machine") && text.contains("last second")
    });
    press(&["4"], "lives", &|text| text.contains("next to nothing"));
    for _ in 0..5 {
        terminal.keys(&["+"]);
    }
    press(&["1"], "grid", &|text| text.contains("T stopped"));
    press(&["n"], "list of findings", &|text| {
        text.contains("no findings") || text.contains("started")
    });
    terminal.keys(&["Escape"]);
    terminal.wait("picture", |text| !text.contains("started"));
    press(&["s"], "name of the file", &|text| {
        text.contains("saved as procviz-")
    });
    terminal.type_in(&format!("/pid:{}", child.pid()));
    press(&["Enter"], "filter", &|text| {
        text.contains(" shown (filter)") && text.contains("filter: pid")
    });
    press(&["l"], "selection", &|text| text.contains("parent "));
    press(&["Enter"], "pin", &|text| text.contains("pinned"));
    press(&["Enter"], "unpin", &|text| !text.contains("pinned"));
    press(&["Escape"], "no popup", &|text| !text.contains("parent "));
    press(&["Escape"], "no filter", &|text| {
        !text.contains(" shown (filter)")
    });
    terminal.type_in("/(");
    press(&["x"], "reason", &|text| {
        text.contains("filter: (x_") && text.contains("character 1: unclosed group")
    });
    // Ctrl-U clears the line; a tree of one process, then none.
    terminal.keys(&["C-u"]);
    terminal.type_in(&format!("tree:{} zz", child.pid()));
    press(&["C-w"], "the tree alone", &|text| {
        text.contains(&format!("filter: tree:{} _", child.pid())) && text.contains("1 of ")
    });
    press(&["Enter"], "kept", &|text| text.contains("filter: tree:"));
    terminal.escape();
    terminal.escape();
    terminal.escape();
    press(&["l"], "still there", &|text| text.contains("parent "));
    terminal.escape();
    terminal.quit();
    let saved = std::fs::read_dir(&folder.0)?.count();
    assert_eq!(saved, 1, "saved pictures");
    Ok(())
}

fn a_pin() -> Result<(), Failed> {
    let child = named(b"well-known");
    let terminal = Terminal::procviz(100, 30, &[], "--require-ebpf");
    terminal.type_in(&format!("/pid:{}", child.pid()));
    terminal.keys(&["Enter", "Right"]);
    terminal.wait("selection", |text| text.contains("well-known"));
    terminal.keys(&["Enter"]);
    terminal.wait("pin", |text| text.contains("pinned"));
    terminal.resize(90, 26);
    terminal.wait("pin after a resize", |text| text.contains("pinned"));
    drop(child);
    let text = terminal.wait("end", |text| text.contains("exited, pinned"));
    assert!(text.contains("SIGKILL"), "{text}");
    std::thread::sleep(Duration::from_secs(4));
    let text = terminal.text();
    assert!(
        text.contains("well-known") && text.contains("SIGKILL"),
        "{text}"
    );
    Ok(())
}

fn too_small() -> Result<(), Failed> {
    let terminal = Terminal::procviz(80, 24, &[], "");
    terminal.resize(20, 5);
    terminal.wait("message on the size", |text| text.contains("too small"));
    terminal.resize(80, 24);
    terminal.wait("picture", |text| text.contains("cores busy"));
    Ok(())
}

fn plain() -> Result<(), Failed> {
    let terminal = Terminal::procviz(100, 30, &[], "--ascii");
    let text = terminal.text();
    assert!(text.is_ascii(), "{text}");
    let terminal = Terminal::procviz(100, 30, &["NO_COLOR=1"], "");
    let colored = terminal.colored();
    // SGR codes 3x, 4x, 9x and 10x are colours; 1, 4 and 7 are not.
    let codes = colored.split("\x1b[").skip(1);
    let is_color = |code: &str| {
        let code = code.split('m').next().unwrap_or("");
        code.split(';')
            .any(|part| part.len() > 1 && !["39", "49"].contains(&part.trim()))
    };
    let found: Vec<&str> = codes.filter(|code| is_color(code)).collect();
    assert!(found.is_empty(), "colours: {found:?}");
    let terminal = Terminal::procviz(100, 30, &["TERM=linux"], "");
    let colored = terminal.colored();
    let indexes: Vec<u32> = colored
        .split("38;5;")
        .skip(1)
        .map(|rest| {
            rest[..rest.find(|ch: char| !ch.is_ascii_digit()).unwrap()]
                .parse()
                .unwrap()
        })
        .collect();
    let is_basic = indexes.iter().all(|index| *index < 16) && !indexes.is_empty();
    assert!(is_basic && !colored.contains("38;2;"), "{indexes:?}");
    let terminal = Terminal::procviz(100, 30, &["TERM=xterm-256color"], "");
    assert!(terminal.colored().contains("38;5;"));
    Ok(())
}

fn pid_in(terminal: &Terminal) -> Pid {
    let shell = output(&mut terminal.command(&["display-message", "-p", "#{pane_pid}"])).stdout;
    let shell = String::from_utf8(shell).unwrap();
    let children = format!("/proc/{0}/task/{0}/children", shell.trim());
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let pids = std::fs::read_to_string(&children).unwrap();
        let pid = pids.split_whitespace().find(|pid| {
            std::fs::read_to_string(format!("/proc/{pid}/comm"))
                .is_ok_and(|comm| comm == "procviz\n")
        });
        if let Some(pid) = pid {
            return Pid::from_raw(pid.parse().unwrap());
        }
        assert!(Instant::now() < deadline, "no child procviz of {shell}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A way to end the view: a name, and the action of the user.
type End = (&'static str, fn(&Terminal));

fn given_back() -> Result<(), Failed> {
    let ends: [End; 6] = [
        ("q", |terminal| terminal.keys(&["q"])),
        ("Ctrl-C", |terminal| terminal.keys(&["C-c"])),
        ("SIGTERM", |terminal| {
            kill(pid_in(terminal), Signal::SIGTERM).unwrap()
        }),
        ("SIGHUP", |terminal| {
            kill(pid_in(terminal), Signal::SIGHUP).unwrap()
        }),
        ("SIGQUIT", |terminal| {
            kill(pid_in(terminal), Signal::SIGQUIT).unwrap()
        }),
        ("SIGINT", |terminal| {
            kill(pid_in(terminal), Signal::SIGINT).unwrap()
        }),
    ];
    for (name, end) in ends {
        let terminal = Terminal::procviz(100, 30, &[], "");
        assert!(terminal.is_taken(), "{name}");
        end(&terminal);
        let text = terminal.wait(name, |text| {
            text.contains("kernel events seen") && text.trim_end().ends_with("ready$")
        });
        assert!(!terminal.is_taken(), "{name}");
        assert!(text.contains(" lost, in "), "{name}: {text}");
        // Typed text is visible again: the terminal echoes.
        terminal.type_in("echo $((6*7))");
        terminal.keys(&["Enter"]);
        terminal.wait("echo", |text| {
            text.contains("echo $((6*7))") && text.contains("\n42")
        });
    }
    // A panic, which the variable causes in a test build.
    let terminal = Terminal::procviz(100, 30, &["PROCVIZ_TEST_PANIC=1"], "");
    terminal.keys(&["q"]);
    terminal.wait("panic", |text| {
        text.contains("panicked") && text.contains("ready$")
    });
    assert!(!terminal.is_taken());
    Ok(())
}

fn suspended() -> Result<(), Failed> {
    let terminal = Terminal::procviz(100, 30, &[], "");
    terminal.keys(&["C-z"]);
    terminal.wait("prompt", |text| text.contains("Stopped"));
    assert!(!terminal.is_taken());
    terminal.type_in("fg");
    terminal.keys(&["Enter"]);
    terminal.wait("picture", |text| text.contains("cores busy"));
    assert!(terminal.is_taken());
    kill(pid_in(&terminal), Signal::SIGTSTP)?;
    terminal.wait("prompt", |text| text.contains("Stopped"));
    assert!(!terminal.is_taken());
    Ok(())
}

/// Writes every byte that the terminal gets from now on to a file.
fn keep_bytes(terminal: &Terminal, file: &Path) {
    let pipe = format!("cat > {}", file.display());
    let args = ["pipe-pane", "-o", &pipe];
    assert!(terminal.command(&args).status().unwrap().success());
}

fn assert_no_control(raw: &Path) {
    let raw = std::fs::read(raw).unwrap();
    for part in [
        &b"\x1b]0;evil"[..],
        b"\x07",
        b"\x1b[2Jred",
        "\u{202e}".as_bytes(),
        b"\x9b31m",
    ] {
        let is_there = raw.windows(part.len()).any(|window| window == part);
        assert!(!is_there, "{part:?} reached the terminal");
    }
}

/// A cgroup. Dropping the value removes the cgroup.
struct Cgroup(std::path::PathBuf);

impl Drop for Cgroup {
    fn drop(&mut self) {
        for _ in 0..50 {
            if std::fs::remove_dir(&self.0).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Names of users and cgroups can be as hostile as names of programs.
fn hostile_groups() -> Result<(), Failed> {
    const UID: u32 = 61_174;
    let mounts = std::fs::read_to_string("/proc/self/mounts")?;
    let mut mounts = mounts.lines().map(|line| line.split(' '));
    let mount = mounts.find_map(|mut words| {
        let folder = words.nth(1)?;
        (words.next() == Some("cgroup2")).then(|| folder.to_owned())
    });
    let Some(mount) = mount else {
        return skip("no cgroup2 is mounted");
    };
    let group = Path::new(&mount).join("procviz\x1b]0;evil\x07\u{202e}abc\x1b[2Jred");
    std::fs::create_dir(&group)?;
    let group = Cgroup(group);
    let folder = Folder::new("hostile-groups");
    let passwd = folder.file("passwd");
    let line = format!("e\x1b]0;evil\x07\u{202e}v\x1b[2Jred:x:{UID}:{UID}::/:/bin/sh\n");
    let known = std::fs::read_to_string("/etc/passwd")?;
    std::fs::write(&passwd, known + &line)?;
    let child = Running::new(
        std::os::unix::process::CommandExt::uid(&mut Command::new("sleep"), UID).arg("1000"),
    );
    std::fs::write(group.0.join("cgroup.procs"), child.pid().to_string())?;
    let terminal = Terminal::new(110, 40, &[]);
    let raw = folder.file("raw");
    keep_bytes(&terminal, &raw);
    // Only this procviz sees the changed list of users.
    terminal.type_in(&format!(
        "unshare --mount sh -c 'mount --bind {} /etc/passwd && exec {}'",
        passwd.display(),
        env!("CARGO_BIN_EXE_procviz")
    ));
    terminal.keys(&["Enter"]);
    terminal.wait("the user's group", |text| {
        text.contains("watched") && text.contains("]0;evil")
    });
    terminal.type_in(&format!("/pid:{}", child.pid()));
    terminal.keys(&["Enter", "Right"]);
    let popup = terminal.wait("popup", |text| text.contains("parent "));
    let has_user = |line: &str| line.contains("user e") && line.contains("evil");
    assert!(popup.lines().any(has_user), "{popup}");
    assert!(popup.contains("/procviz"), "no cgroup: {popup}");
    terminal.keys(&["Enter", "g"]);
    terminal.wait("groups", |text| text.contains("pinned"));
    terminal.escape();
    for (key, sign) in [
        ("2", "command pid · user"),
        ("3", "no thread used"),
        ("1", "D blocked"),
    ] {
        terminal.keys(&[key]);
        terminal.wait(sign, |text| text.contains(sign));
    }
    drop(child);
    terminal.wait("end", |text| text.contains("exited, pinned"));
    terminal.keys(&["q"]);
    terminal.wait("end", |text| text.contains("kernel events seen"));
    assert_no_control(&raw);
    Ok(())
}

/// Names that would move the cursor, change the title or reverse text.
fn hostile() -> Result<(), Failed> {
    const NAMES: [&[u8]; 5] = [
        b"\x1b]0;evil\x07",
        b"\x1b[31m\x1b[2Jred",
        "\u{202e}abc\u{200b}".as_bytes(),
        b"\xff\xfe\x9b31m",
        "漢字漢字".as_bytes(),
    ];
    let folder = Folder::new("hostile-view");
    let children: Vec<Running> = NAMES.iter().map(|name| named(name)).collect();
    let terminal = Terminal::new(110, 40, &[]);
    let raw = folder.file("raw");
    keep_bytes(&terminal, &raw);
    terminal.type_in(&format!(
        "{} --group command",
        env!("CARGO_BIN_EXE_procviz")
    ));
    terminal.keys(&["Enter"]);
    terminal.wait("picture", |text| text.contains("watched"));
    for child in &children {
        terminal.type_in(&format!("/pid:{}", child.pid()));
        terminal.keys(&["Enter", "Right"]);
        let pid = child.pid().to_string();
        let text = terminal.wait("popup", |text| {
            text.contains("parent ") && text.contains(&pid)
        });
        // The right border of the popup stays in its column.
        let sides = text
            .lines()
            .filter(|line| line.contains('│'))
            .map(|line| line.trim_end().ends_with('│') || line.matches('│').count() >= 2);
        assert!(
            sides.clone().count() > 5 && sides.clone().all(|is_whole| is_whole),
            "{text}"
        );
        terminal.escape();
        terminal.keys(&["2"]);
        terminal.wait("bubbles", |text| text.contains("command pid · user"));
        terminal.keys(&["3"]);
        terminal.wait("lines", |text| text.contains("CPU, cores"));
        terminal.keys(&["1"]);
        terminal.escape();
        terminal.wait("grid", |text| {
            text.contains("D blocked") && !text.contains("filter:")
        });
    }
    terminal.keys(&["q"]);
    terminal.wait("end", |text| text.contains("kernel events seen"));
    assert_no_control(&raw);
    Ok(())
}

fn a_command() -> Result<(), Failed> {
    let terminal = Terminal::procviz(100, 30, &[], "-- sh -c 'echo its words; sleep 3; exit 7'");
    assert!(!terminal.text().contains("its words\n"));
    terminal.wait("end", |text| {
        text.contains("its words\n") && text.contains("seen")
    });
    terminal.type_in("echo status $?");
    terminal.keys(&["Enter"]);
    terminal.wait("status", |text| text.contains("status 7"));
    Ok(())
}

fn a_pipe() -> Result<(), Failed> {
    let result = output(
        procviz()
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("SUDO_UID"),
    );
    let said = stderr(&result);
    assert_eq!(result.status.code(), Some(2), "{said}");
    assert!(result.stdout.is_empty() && said.contains("-o"), "{said}");
    assert!(!said.contains('\x1b'));
    let result = output(
        procviz()
            .args(["grid", "--view", "window"])
            .env("DISPLAY", ":4711")
            .env("WAYLAND_DISPLAY", "stale")
            .env("XDG_RUNTIME_DIR", Path::new("/nowhere")),
    );
    let said = stderr(&result);
    assert_eq!(result.status.code(), Some(2), "{said}");
    assert!(
        said.contains("stale") && said.contains("4711") && said.contains("-o"),
        "{said}"
    );
    Ok(())
}
