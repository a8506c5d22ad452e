use std::{
    collections::BTreeSet,
    io::BufReader,
    process::{Command, Stdio},
};

use libtest_mimic::Failed;

use crate::{
    Needs, Test,
    support::{Folder, Running, Value, output, procviz, read_line, stderr, workload},
};

pub(crate) const TESTS: &[Test] = &[
    (
        "every_option_of_the_originals",
        Needs::Nothing,
        every_option_of_the_originals,
    ),
    ("both_themes_and_palettes", Needs::Nothing, looks),
    ("animations", Needs::Nothing, animations),
    ("a_command_is_shown_alone", Needs::Events, a_command),
    ("filters", Needs::Events, filters),
    ("bad_filters", Needs::Nothing, bad_filters),
    (
        "a_short_life_is_a_bubble",
        Needs::Events,
        a_short_life_is_a_bubble,
    ),
    ("completions_and_man", Needs::Nothing, completions_and_man),
    ("examples_run", Needs::Nothing, examples_run),
];

fn start(args: &[&str]) -> Running {
    let mut running = Running::new(workload(args).stdin(Stdio::piped()).stdout(Stdio::piped()));
    read_line(&mut BufReader::new(running.0.stdout.take().unwrap()));
    running
}

/// The text elements of an SVG.
fn texts(svg: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(svg).unwrap();
    document
        .descendants()
        .filter(|node| node.has_tag_name("text"))
        .filter_map(|node| node.text().map(str::to_owned))
        .collect()
}

fn drawn(args: &[&str], folder: &Folder, name: &str) -> Result<String, Failed> {
    let file = folder.file(name);
    let result = output(procviz().args(args).arg("-o").arg(&file));
    assert!(result.status.success(), "{args:?}: {}", stderr(&result));
    Ok(std::fs::read_to_string(&file)?)
}

/// Each option of the four original scripts, and its effect.
fn every_option_of_the_originals() -> Result<(), Failed> {
    let folder = Folder::new("originals");
    let sleeper = start(&["sleep", "40"]);
    let pid = sleeper.pid().to_string();
    let count = |svg: &str| svg.matches("<circle").count();
    let base = ["--sleep", "0.1", "--samples", "1", "--pid", &pid];
    let with = |chart: &str, more: &[&str], name: &str| {
        let args: Vec<&str> = [chart]
            .into_iter()
            .chain(base)
            .chain(more.iter().copied())
            .collect();
        drawn(&args, &folder, name)
    };
    let threads = with("grid", &[], "threads.svg")?;
    for (index, option) in ["-p", "--no-threads"].into_iter().enumerate() {
        let processes = with("grid", &[option], &format!("p{index}.svg"))?;
        assert!(count(&processes) + 30 < count(&threads), "{option}");
    }
    // 7 columns give more rows than 30 columns.
    let rows = |svg: &str| {
        let heights: BTreeSet<&str> = svg
            .lines()
            .filter(|line| line.contains(&format!("thread of {pid}")) || line.contains(" cy="))
            .filter_map(|line| line.split("cy=\"").nth(1)?.split('"').next())
            .collect();
        heights.len()
    };
    let seven = with("grid", &["-n", "7"], "seven.svg")?;
    let thirty = with("grid", &["--columns", "30"], "thirty.svg")?;
    assert!(
        rows(&seven) > rows(&thirty),
        "{} {}",
        rows(&seven),
        rows(&thirty)
    );
    let small = with("grid", &["-d", "20"], "small.svg")?;
    let large = with("grid", &["--point-size", "900"], "large.svg")?;
    assert_ne!(small, large);
    let colored = with("grid", &["-c", "#010203,,,,,,#0a0b0c"], "colored.svg")?;
    assert!(colored.contains("#010203") && colored.contains("#0a0b0c"));
    let named = with(
        "grid",
        &[
            "--colors",
            "honeydew,red,lawngreen,orange,yellow,lightyellow,white",
        ],
        "named.svg",
    )?;
    assert!(named.contains("#f0fff0"));
    for option in ["-t", "--threads"] {
        with("bubble", &[option], &format!("bubble{option}.svg"))?;
    }
    with("lines", &[], "lines.svg")?;
    for options in [
        &["-s"][..],
        &["--stat"],
        &["-S"],
        &["--status"],
        &["-i"],
        &["--io"],
        &["-t"],
        &["--titles"],
        &["-p"],
        &["--processes"],
        &["-w", "3"],
        &["--sleep", "3"],
    ] {
        let result = output(procviz().arg("csv").args(options));
        assert!(
            result.status.success() && !result.stdout.is_empty(),
            "{options:?}"
        );
    }
    Ok(())
}

fn looks() -> Result<(), Failed> {
    let folder = Folder::new("looks");
    for chart in ["grid", "bubble", "lines"] {
        let mut seen = BTreeSet::new();
        for (name, more) in [
            ("light", &["--theme", "light"][..]),
            ("dark", &["--theme", "dark"]),
            ("original", &["--palette", "original", "--theme", "dark"]),
            ("scaled", &["--scale", "2", "--size", "800x450"]),
        ] {
            let args: Vec<&str> = [chart, "-s", "0.1", "--samples", "1"]
                .into_iter()
                .chain(more.iter().copied())
                .collect();
            let svg = drawn(&args, &folder, &format!("{chart}-{name}.svg"))?;
            assert!(texts(&svg).iter().any(|text| text == "What stands out"));
            seen.insert(svg.lines().nth(2).unwrap().to_owned());
        }
        assert!(seen.len() >= 2, "{chart}: {seen:?}");
    }
    let scaled = std::fs::read_to_string(folder.file("grid-scaled.svg"))?;
    assert!(scaled.contains("width=\"1600\"") && scaled.contains("viewBox=\"0 0 800 450\""));
    let file = folder.file("scaled.png");
    let args = [
        "bubble",
        "-s",
        "0.1",
        "--samples",
        "1",
        "--scale",
        "1.5",
        "-o",
    ];
    assert!(output(procviz().args(args).arg(&file)).status.success());
    let reader = png::Decoder::new(BufReader::new(std::fs::File::open(&file)?)).read_info()?;
    assert_eq!((reader.info().width, reader.info().height), (2400, 1350));
    let font = output(
        procviz()
            .args(["grid", "--samples", "1", "-s", "0.1", "--font"])
            .arg(&file)
            .arg("-o")
            .arg(folder.file("no.png")),
    );
    assert_eq!(font.status.code(), Some(1));
    assert!(stderr(&font).contains("is not a font"), "{}", stderr(&font));
    Ok(())
}

fn animations() -> Result<(), Failed> {
    let folder = Folder::new("animations");
    for suffix in ["gif", "apng"] {
        let file = folder.file(&format!("x.{suffix}"));
        let result = output(
            procviz()
                .args([
                    "grid",
                    "-s",
                    "0.1",
                    "--samples",
                    "4",
                    "--size",
                    "640x360",
                    "-o",
                ])
                .arg(&file),
        );
        assert!(result.status.success(), "{}", stderr(&result));
    }
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut gif = options.read_info(std::fs::File::open(folder.file("x.gif"))?)?;
    let mut frames = 0;
    while let Some(frame) = gif.read_next_frame()? {
        assert_eq!((frame.width, frame.height, frame.delay), (640, 360, 10));
        frames += 1;
    }
    assert_eq!(frames, 4);
    let file = BufReader::new(std::fs::File::open(folder.file("x.apng"))?);
    let reader = png::Decoder::new(file).read_info()?;
    assert_eq!(reader.info().animation_control().unwrap().num_frames, 4);
    Ok(())
}

/// Only the command is shown, procviz exits with the command's exit status, and the
/// command does not start before all sources are ready.
fn a_command() -> Result<(), Failed> {
    let folder = Folder::new("command");
    for chart in ["grid", "bubble", "lines"] {
        let file = folder.file(&format!("{chart}.svg"));
        let result = output(
            procviz()
                .args([chart, "--require-ebpf", "-s", "0.2", "-o"])
                .arg(&file)
                .args(["--", "sh", "-c", "sleep 0.5; exit 7"]),
        );
        assert_eq!(result.status.code(), Some(7), "{}", stderr(&result));
        let svg = std::fs::read_to_string(&file)?;
        assert!(
            texts(&svg)
                .iter()
                .any(|text| text.contains(" shown (filter)")),
            "{chart}"
        );
    }
    let grid = std::fs::read_to_string(folder.file("grid.svg"))?;
    assert!(
        grid.contains("<title>sleep "),
        "the command's child is not in the picture"
    );
    assert!(!grid.contains("<title>kthreadd"));
    for (command, status) in [
        (&["/nowhere/no-such"][..], 127),
        (&["/"], 126),
        (&["sh", "-c", "kill -9 $$"], 137),
    ] {
        let file = folder.file(&format!("{status}.svg"));
        let result = output(
            procviz()
                .args(["grid", "-s", "0.2", "-o"])
                .arg(&file)
                .arg("--")
                .args(command),
        );
        assert_eq!(result.status.code(), Some(status), "{}", stderr(&result));
    }
    let result = output(procviz().args([
        "dump",
        "--json",
        "-s",
        "0.1",
        "--",
        "sh",
        "-c",
        "sleep 0.4; exit 3",
    ]));
    assert_eq!(result.status.code(), Some(3));
    let names: BTreeSet<String> = String::from_utf8(result.stdout)?
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .flat_map(|snapshot| snapshot["tasks"].as_array().unwrap().clone())
        .map(|task| task["comm"].as_str().unwrap().to_owned())
        .collect();
    assert!(names.contains("sh") && names.contains("sleep"), "{names:?}");
    assert!(names.len() <= 3, "{names:?}");
    Ok(())
}

fn dumped(args: &[&str]) -> Result<Vec<Value>, Failed> {
    let result = output(
        procviz()
            .args([
                "dump",
                "--json",
                "-p",
                "--require-ebpf",
                "-s",
                "0.3",
                "--samples",
                "3",
            ])
            .args(args),
    );
    assert!(result.status.success(), "{args:?}: {}", stderr(&result));
    let text = String::from_utf8(result.stdout)?;
    let last: Value = serde_json::from_str(text.lines().last().unwrap())?;
    Ok(last["tasks"].as_array().unwrap().clone())
}

fn filters() -> Result<(), Failed> {
    let script = "sleep 41 & sleep 42 & wait";
    let tree = Running::new(
        Command::new("sh")
            .args(["-c", script])
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    );
    let other = Running::new(Command::new("setpriv").args([
        "--reuid",
        "65534",
        "--clear-groups",
        "sleep",
        "43",
    ]));
    std::thread::sleep(std::time::Duration::from_millis(300));
    let (root, lone) = (tree.pid().to_string(), other.pid().to_string());
    let pids = |tasks: &[Value]| -> BTreeSet<u64> {
        tasks
            .iter()
            .map(|task| task["pid"].as_u64().unwrap())
            .collect()
    };
    let of_tree = dumped(&["--tree", &root])?;
    assert_eq!(of_tree.len(), 3, "{of_tree:?}");
    assert!(
        of_tree
            .iter()
            .all(|task| task["pid"] == tree.pid() || task["ppid"] == tree.pid())
    );
    // Existing grandchildren, and processes that they start later.
    let script = "timeout 8 sh -c 'while :; do sleep 0.3; done' & wait";
    let nested = Running::new(Command::new("sh").args(["-c", script]));
    std::thread::sleep(std::time::Duration::from_millis(300));
    let below = dumped(&["--tree", &nested.pid().to_string()])?;
    let started = below.iter().filter(|task| task["comm"] == "sleep");
    assert!(below.len() >= 4 && started.count() > 0, "{below:?}");
    assert_eq!(pids(&dumped(&["--pid", &lone])?).len(), 1);
    assert_eq!(pids(&dumped(&["--pid", &lone, "--pid", &root])?).len(), 2);
    for user in ["nobody", "65534"] {
        let of_user = dumped(&["--user", user])?;
        assert!(!of_user.is_empty() && of_user.iter().all(|task| task["uid"] == 65534));
    }
    // These processes have the same name; only their arguments differ.
    let by_args = dumped(&["--command", "^sleep 4[13]$"])?;
    assert_eq!(by_args.len(), 2, "{by_args:?}");
    // A task must pass the filters of all kinds.
    let both = dumped(&["--command", "^sleep 4[13]$", "--user", "nobody"])?;
    assert_eq!(pids(&both), BTreeSet::from([u64::from(other.pid())]));
    assert!(dumped(&["--cgroup", "/no/such/*"])?.is_empty());
    // The filter also applies to exits.
    let exits = output(
        procviz()
            .args(["exits", "--json", "--command", "^true$", "--"])
            .args(["sh", "-c", "/bin/true; /bin/false; exit 0"]),
    );
    let lines = String::from_utf8(exits.stdout)?;
    assert_eq!(lines.lines().count(), 1, "{lines}");
    Ok(())
}

fn bad_filters() -> Result<(), Failed> {
    for (args, status, word) in [
        (&["--user", "no-such-user"][..], 2, "no-such-user"),
        (&["--pid", "x"], 2, "x"),
        (&["--pid", "-1"], 2, "-1"),
        (&["--tree", "2147483000"], 1, "2147483000"),
        (&["--command", "("], 2, "("),
        (&["--cgroup", "a[b"], 2, "a[b"),
        (&["--ignore", "cpuu:x"], 2, "there is no rule `cpuu`"),
        (&["--ignore", "cpu:a[b"], 2, "a[b"),
        (&["--rule", "cpu"], 2, "cpu:cores=0.5"),
        (&["--rule", "cpuu:cores=1"], 2, "there is no rule `cpuu`"),
        (
            &["--rule", "cpu:core=1"],
            2,
            "no threshold `core`, but cores",
        ),
        (&["--rule", "oom:count=1"], 2, "has no threshold"),
        (&["--rule", "cpu:cores=-1"], 2, "a number above 0"),
        (&["--rule", "cpu:cores=NaN"], 2, "a number above 0"),
        (&["--rule", "io:rate=lots"], 2, "io:rate=lots"),
    ] {
        let result = output(procviz().args(["dump", "--samples", "1"]).args(args));
        assert_eq!(result.status.code(), Some(status), "{args:?}");
        assert!(stderr(&result).contains(word), "{}", stderr(&result));
        assert!(result.stdout.is_empty());
    }
    for (args, word) in [
        (&["bubble", "--user-color", "root"][..], "USER=COLOUR"),
        (&["bubble", "--user-color", "root=nocolour"], "nocolour"),
        (&["lines", "--scale", "0"], "0"),
        (&["grid", "--group", "nothing"], "nothing"),
    ] {
        let result = output(procviz().args(args).args(["-o", "never.png"]));
        assert_eq!(result.status.code(), Some(2), "{args:?}");
        assert!(stderr(&result).contains(word), "{}", stderr(&result));
    }
    assert!(!std::path::Path::new("never.png").exists());
    Ok(())
}

fn a_short_life_is_a_bubble() -> Result<(), Failed> {
    let folder = Folder::new("short-bubble");
    let file = folder.file("x.svg");
    // The inner shell starts and exits within the one interval that is drawn.
    let script = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done";
    let result = output(
        procviz()
            .args(["bubble", "--require-ebpf", "-s", "20", "-o"])
            .arg(&file)
            .args(["--", "sh", "-c"])
            .arg(format!("sh -c '{script}'; true")),
    );
    assert!(result.status.success(), "{}", stderr(&result));
    let svg = std::fs::read_to_string(&file)?;
    let titles: Vec<&str> = svg
        .split("<title>")
        .skip(1)
        .filter_map(|rest| rest.split("</title>").next())
        .filter(|title| title.contains("exited: exit 0"))
        .collect();
    let used = titles.iter().any(|title| {
        title
            .lines()
            .find_map(|line| line.strip_prefix("CPU ")?.split(" %").next())
            .is_some_and(|share| share.parse::<f64>().is_ok_and(|share| share > 0.0))
    });
    assert!(titles.len() >= 2 && used, "{titles:#?}");
    Ok(())
}

fn completions_and_man() -> Result<(), Failed> {
    for shell in ["bash", "zsh", "fish"] {
        let result = output(procviz().args(["completions", shell]));
        let text = String::from_utf8(result.stdout)?;
        for word in [
            "grid", "bubble", "lines", "exits", "findings", "dump", "csv", "doctor",
        ] {
            assert!(text.contains(word), "{shell}: no `{word}`");
        }
    }
    let man = String::from_utf8(output(procviz().arg("man")).stdout)?;
    for option in [
        "no\\-threads",
        "user\\-color",
        "spreadsheet",
        "proc\\-root",
        "tree",
    ] {
        assert!(man.contains(option), "no `{option}` in the man page");
    }
    let help = String::from_utf8(output(procviz().arg("--help")).stdout)?;
    assert!(help.lines().count() <= 40, "{help}");
    assert_eq!(help.matches("procviz ").count().min(3), 3);
    Ok(())
}

/// Runs each example and checks its result. The examples are built with the tests.
fn examples_run() -> Result<(), Failed> {
    let folder = Folder::new("examples");
    let place = std::path::Path::new(env!("CARGO_BIN_EXE_procviz")).with_file_name("examples");
    let run = |name: &str, args: &[&std::path::Path]| {
        let result = output(Command::new(place.join(name)).args(args));
        assert!(result.status.success(), "{name}: {}", stderr(&result));
        String::from_utf8(result.stdout).unwrap()
    };
    let load = start(&["burn"]);
    let busiest = run("busiest", &[]);
    assert!(busiest.contains(&load.pid().to_string()), "{busiest}");
    // A saved copy of `/proc` with this process and its threads.
    let saved = folder.file("saved");
    let own = std::process::id();
    for task in std::fs::read_dir(format!("/proc/{own}/task"))?.flatten() {
        for place in [
            format!("{own}/task/{}", task.file_name().display()),
            own.to_string(),
        ] {
            std::fs::create_dir_all(saved.join(&place))?;
            for file in ["stat", "status", "io"] {
                let bytes = std::fs::read(format!("/proc/{place}/{file}"))?;
                std::fs::write(saved.join(&place).join(file), bytes)?;
            }
        }
    }
    let picture = folder.file("grid.png");
    assert!(run("recorded_grid", &[&saved, &picture]).contains("marks in"));
    let chart = folder.file("own.png");
    assert!(run("own_chart", &[&chart, &saved]).contains("states in"));
    for file in [picture, chart] {
        let reader = png::Decoder::new(BufReader::new(std::fs::File::open(file)?)).read_info()?;
        assert!(reader.info().width > 400);
    }
    Ok(())
}
