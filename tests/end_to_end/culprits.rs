//! Draws pictures of machines with one fault each, beside 900 sleepers, and checks that the
//! picture names the culprit by itself: command, user and kind.

use std::{os::unix::process::CommandExt as _, path::Path, process::Command};

use libtest_mimic::Failed;

use crate::{
    Needs, Test,
    support::{Folder, Running, output, procviz, started, stderr},
};

pub(crate) const TESTS: &[Test] = &[
    ("those_who_use_cpu_are_named", Needs::Events, cpu),
    ("those_who_use_memory_are_named", Needs::Events, memory),
    ("those_who_do_io_are_named", Needs::Events, io),
    ("those_who_start_and_die_are_named", Needs::Events, lives),
    (
        "a_picture_shows_its_whole_period",
        Needs::Events,
        whole_period,
    ),
    ("numbers_agree", Needs::Events, numbers_agree),
    ("what_is_new_is_said_to_be_so", Needs::Events, what_is_new),
];

/// Headings of the list of the largest.
const MEASURES: [&str; 8] = [
    "CPU",
    "own memory",
    "growth",
    "IO",
    "CPU waits",
    "blocked",
    "starts",
    "CPU before",
];

/// Users of the culprits; procviz writes the number of a user without a name.
const USER: u32 = 2_077;

/// A fault, and what its picture must say.
struct Fault {
    /// Name of the program.
    name: &'static str,
    args: &'static [&'static str],
    /// Words of one entry of the margin.
    words: &'static [&'static str],
    place: Place,
}

/// Where the words must be.
enum Place {
    /// In one of the first two findings.
    Findings,
    /// In the list of the largest, or at the mark, in the row of the user: no rule applies.
    Largest,
}

fn fault(
    name: &'static str,
    args: &'static [&'static str],
    place: Place,
    words: &'static [&'static str],
) -> Fault {
    Fault {
        name,
        args,
        words,
        place,
    }
}

/// This program under another name, as a workload of another user.
fn culprit(folder: &Folder, fault: &Fault) -> Result<Running, Failed> {
    let program = folder.file(fault.name);
    if !program.exists() {
        std::fs::copy(std::env::current_exe()?, &program)?;
    }
    let place = folder.file("open");
    let place = place.to_str().unwrap();
    let args = fault.args.iter().map(|arg| arg.replace("FOLDER", place));
    let mut command = Command::new(&program);
    Ok(started(
        command.arg("--workload").args(args).uid(USER).gid(USER),
    ))
}

/// What goes on beside the culprit: 900 sleepers, and if a variable is set, also a compiler on
/// each of two CPUs and 2,000 threads that wake up ten times a second.
fn others(folder: &Folder) -> Result<Vec<Running>, Failed> {
    let mut others = vec![started(&mut crate::support::workload(&["crowd", "900"]))];
    if std::env::var_os("PROCVIZ_TEST_BESIDE_A_BUILD").is_none() {
        return Ok(others);
    }
    for _ in 0..4 {
        others.push(started(&mut crate::support::workload(&["wake", "500"])));
    }
    let source = folder.file("part.c");
    let functions = (0..2_000).map(|number| {
        format!("int f{number}(int x) {{ int y = 0; while (x--) y += x * {number}; return y; }}\n")
    });
    std::fs::write(&source, functions.collect::<String>())?;
    for _ in 0..2 {
        let script = "while :; do cc -O2 -c -o /dev/null \"$0\"; done";
        let mut shell = Command::new("sh");
        others.push(Running::new(shell.args(["-c", script]).arg(&source)));
    }
    Ok(others)
}

/// The texts of a picture in the order in which they are drawn.
fn texts(picture: &Path) -> Result<Vec<String>, Failed> {
    let svg = std::fs::read_to_string(picture)?;
    let texts = svg.split("<text").skip(1).filter_map(|rest| {
        let text = rest.split_once('>')?.1;
        Some(text.split_once("</text>")?.0.replace("&#215;", "×"))
    });
    Ok(texts.collect())
}

/// The findings of the margin by rank, and the lines of the largest.
fn margin(texts: &[String]) -> (Vec<String>, Vec<String>) {
    let at = |words: &str| texts.iter().position(|text| text.starts_with(words));
    let (Some(begin), Some(end)) = (at("What stands out"), at("Largest")) else {
        return (Vec::new(), Vec::new());
    };
    let mut findings: Vec<String> = Vec::new();
    for text in &texts[begin + 1..end] {
        if text.parse::<usize>() == Ok(findings.len() + 1) {
            findings.push(String::new());
        } else if let Some(finding) = findings.last_mut() {
            // Several subjects can share an entry.
            finding.push_str(if text.contains(" · ") { "\n" } else { "" });
            finding.push_str(text);
            finding.push(' ');
        }
    }
    // The names of users come after the list.
    let largest = texts[end + 1..].iter().take(25);
    (findings, largest.cloned().collect())
}

fn named(faults: &[Fault]) -> Result<(), Failed> {
    let folder = Folder::new("culprits");
    std::fs::create_dir(folder.file("open"))?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode;
    std::fs::set_permissions(&folder.0, mode(0o755))?;
    std::fs::set_permissions(folder.file("open"), mode(0o777))?;
    let _others = others(&folder)?;
    let mut wrong = Vec::new();
    for fault in faults {
        let _culprit = culprit(&folder, fault)?;
        std::thread::sleep(std::time::Duration::from_millis(500));
        let picture = folder.file("picture.svg");
        let result = output(
            procviz()
                .args(["grid", "--require-ebpf", "--force", "-o"])
                .arg(&picture),
        );
        assert!(result.status.success(), "{}", stderr(&result));
        let texts = texts(&picture)?;
        let (findings, largest) = margin(&texts);
        let entries = match fault.place {
            Place::Findings => findings.iter().take(2),
            Place::Largest => largest.iter().take(usize::MAX),
        };
        let user = format!("uid {USER}");
        let has_all = |entry: &&String| {
            let words = fault.words.iter().copied().chain([user.as_str()]);
            let words: Vec<&str> = words.collect();
            let mut subjects = entry.split('\n');
            subjects.any(|subject| words.iter().all(|word| subject.contains(word)))
        };
        let is_label = |text: &&String| {
            let begin = format!("{} ", fault.name);
            text.starts_with(&begin) && fault.words.iter().all(|word| text.contains(word))
        };
        let is_at_the_mark = matches!(fault.place, Place::Largest)
            && texts.contains(&user)
            && texts.iter().find(is_label).is_some();
        if !is_at_the_mark && entries.into_iter().find(has_all).is_none() {
            let (name, words) = (fault.name, fault.words);
            wrong.push(format!("{name} {words:?}:\n{findings:#?}\n{largest:#?}"));
        }
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(wrong.join("\n").into()),
    }
}

fn cpu() -> Result<(), Failed> {
    use Place::{Findings, Largest};
    named(&[
        fault(
            "batch",
            &["each", "8", "spin", "FOLDER"],
            Findings,
            &["8 × batch", "cores"],
        ),
        fault(
            "worker",
            &["each", "20", "part", "FOLDER"],
            Findings,
            &["20 × worker", "cores"],
        ),
        fault(
            "pipeline",
            &[
                "program-each",
                "fetcher,parser,sorter,mixer,packer,shipper",
                "some-cpu",
                "20",
                "FOLDER",
            ],
            Findings,
            &["pipeline", "and its descendants", "cores", "other commands"],
        ),
        fault("indexer", &["burn"], Findings, &["indexer", "cores"]),
        fault(
            "reporter",
            &["some-cpu", "33"],
            Largest,
            &["reporter", "cores"],
        ),
        fault(
            "miner",
            &["disguise", "busy"],
            Findings,
            &["miner", "calls itself kworker/u9:3", "kernel thread"],
        ),
        fault(
            "cryptor",
            &["disguise", "asleep"],
            Findings,
            &["cryptor", "calls itself [kswapd0]", "kernel thread"],
        ),
        fault(
            "spiker",
            &["burst-before"],
            Largest,
            &["spiker", "cores over"],
        ),
        fault(
            "ticker",
            &["burst-every", "8000"],
            Largest,
            &["ticker", "cores"],
        ),
    ])
}

fn memory() -> Result<(), Failed> {
    use Place::{Findings, Largest};
    named(&[
        fault(
            "cache",
            &["each", "30", "grow", "FOLDER"],
            Findings,
            &["30 × cache", "grow", "MiB/s"],
        ),
        fault(
            "session",
            &["each", "60", "creep", "FOLDER"],
            Findings,
            &["60 × session", "grow", "MiB/s"],
        ),
        fault("leaker", &["grow"], Findings, &["leaker", "grows by"]),
        fault("holder", &["hold", "900"], Largest, &["holder", "MiB"]),
        fault(
            "pool",
            &["each", "12", "hold", "FOLDER"],
            Largest,
            &["12 × pool", "MiB"],
        ),
    ])
}

fn io() -> Result<(), Failed> {
    use Place::Findings;
    named(&[
        fault(
            "logger",
            &["each", "40", "write", "FOLDER"],
            Findings,
            &["40 × logger", "write"],
        ),
        fault(
            "exporter",
            &["each", "24", "append", "FOLDER"],
            Findings,
            &["24 × exporter", "write"],
        ),
    ])
}

fn lives() -> Result<(), Failed> {
    use Place::{Findings, Largest};
    named(&[
        fault(
            "crasher",
            &["slow-crash", "1200"],
            Findings,
            &["crasher", "died", "SIGSEGV"],
        ),
        fault(
            "plugin",
            &["each", "6", "abort", "FOLDER"],
            Findings,
            &["plugin", "died", "SIGABRT"],
        ),
        fault(
            "daemon",
            &["thread-leak", "20"],
            Findings,
            &["daemon", "threads"],
        ),
        fault(
            "spawner",
            &["thread-churn", "20"],
            Findings,
            &["spawner", "threads"],
        ),
        fault(
            "renderer",
            &["each", "5", "churn", "FOLDER"],
            Findings,
            &["5 × renderer", "threads"],
        ),
        fault(
            "converter",
            &["each", "3", "waste", "FOLDER"],
            Findings,
            &["converter", "processes", "cores"],
        ),
        fault(
            "waster",
            &["dead-cpu"],
            Findings,
            &["waster", "processes", "cores"],
        ),
        fault(
            "hopper",
            &["chain", "60", "10"],
            Findings,
            &["hopper", "chain", "processes/s", "cores"],
        ),
        fault(
            "crawler",
            &["chain", "150", "0"],
            Findings,
            &["crawler", "chain", "processes/s"],
        ),
        fault(
            "looper",
            &["fork-loop"],
            Findings,
            &["fork-loop", "processes/s"],
        ),
        fault(
            "mounter",
            &["vforks", "40"],
            Findings,
            &["mounter", "40 processes blocked (D)", ", in "],
        ),
        fault(
            "storage",
            &[
                "program-each",
                "mounter,scanner,indexer",
                "vforks",
                "15",
                "FOLDER",
            ],
            Findings,
            &[
                "45 processes",
                "blocked (D)",
                "mounter",
                "scanner",
                "indexer",
            ],
        ),
        fault(
            "backup",
            &["program-each", "rsync,tar", "vforks", "4", "FOLDER"],
            Findings,
            &["8 processes", "blocked (D)", "rsync", "tar"],
        ),
        fault(
            "slowleak",
            &["thread-leak", "5"],
            Largest,
            &["slowleak", "/s"],
        ),
    ])
}

/// The picture of a run of a command has every process of the run, and the CPU time of all.
fn whole_period() -> Result<(), Failed> {
    let folder = Folder::new("whole-period");
    let picture = folder.file("run.svg");
    let script = "for i in 1 2 3 4 5 6; do python3 -c 'sum(range(4000000))'; sleep 0.5; done; \
        python3 -c 'import resource as r; u = r.getrusage(r.RUSAGE_CHILDREN); print(u)'";
    let result = output(
        procviz()
            .args(["grid", "-p", "--require-ebpf", "-o"])
            .arg(&picture)
            .args(["--", "sh", "-c", script]),
    );
    assert!(result.status.success(), "{}", stderr(&result));
    let svg = std::fs::read_to_string(&picture)?;
    let dots = |name: &str| {
        let titles = svg.split("<title>").skip(1);
        titles.filter(|title| title.starts_with(name)).count()
    };
    // At this machine, python3 can be a script that starts others.
    assert!(dots("python") >= 7, "{}", dots("python"));
    assert_eq!(dots("sleep "), 6);
    let texts = texts(&picture)?;
    assert!(
        texts[0].starts_with("grid · ") && texts[0].contains(" · sh -c for i in"),
        "{}",
        texts[0]
    );
    assert!(
        texts[1].contains(" to ") && texts[1].ends_with(" s)"),
        "{}",
        texts[1]
    );
    Ok(())
}

/// The words of a text.
fn words(text: &str) -> Vec<&str> {
    let words = text.split([' ', '·']);
    words.filter(|word| !word.is_empty()).collect()
}

fn digits(text: &str) -> Option<f64> {
    text.trim_end_matches("/s").replace(',', "").parse().ok()
}

/// The number before a word: of `93 threads`.
fn before(text: &str, word: &str) -> Option<f64> {
    let words = words(text);
    let at = words.iter().position(|other| *other == word)?;
    digits(words.get(at.checked_sub(1)?)?)
}

/// The number after a word: of `zombies 7`.
fn after(text: &str, word: &str) -> Option<f64> {
    let words = words(text);
    let at = words.iter().position(|other| *other == word)?;
    digits(words.get(at + 1)?)
}

/// A process that begins in the period is new, and its group has one task more.
fn what_is_new() -> Result<(), Failed> {
    let folder = Folder::new("new");
    std::fs::set_permissions(
        &folder.0,
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )?;
    let _others = started(&mut crate::support::workload(&["crowd", "300"]));
    let picture = folder.file("picture.svg");
    let mut command = procviz();
    command.args(["grid", "--require-ebpf", "--duration", "5s", "-o"]);
    let mut drawing = Running::new(command.arg(&picture));
    std::thread::sleep(std::time::Duration::from_secs(1));
    let _indexer = culprit(&folder, &fault("indexer", &["burn"], Place::Findings, &[]))?;
    assert!(drawing.0.wait()?.success());
    let texts = texts(&picture)?;
    let label = texts
        .iter()
        .find(|text| text.starts_with("indexer ") && text.contains("cores"));
    let label = label.ok_or_else(|| format!("the indexer has no label: {texts:#?}"))?;
    assert!(label.contains(" (new), "), "{label}");
    let user = texts.iter().position(|text| *text == format!("uid {USER}"));
    let user = user.ok_or("the user has no group")?;
    assert_eq!(texts[user + 1], "1 (+1)");
    let sleepers: Vec<_> = texts
        .iter()
        .filter(|text| text.contains(" × end_to_end"))
        .collect();
    assert!(!sleepers.is_empty());
    assert!(
        sleepers.iter().all(|text| !text.contains("new")),
        "{sleepers:?}"
    );
    Ok(())
}

/// What a picture says twice is the same, and is the sum of the samples of its period.
fn numbers_agree() -> Result<(), Failed> {
    let loads: [&[&str]; 5] = [
        &["zombies", "30"],
        &["fork-loop"],
        &["threads", "40"],
        &["dead-cpu"],
        &["some-cpu", "40"],
    ];
    let folder = Folder::new("numbers");
    for load in loads {
        let _load = started(&mut crate::support::workload(load));
        std::thread::sleep(std::time::Duration::from_millis(500));
        let (picture, recording) = (folder.file("picture.svg"), folder.file("saved.pvz"));
        let mut command = procviz();
        command
            .args(["grid", "--require-ebpf", "--force", "-o"])
            .arg(&picture);
        let result = output(command.arg("--save").arg(&recording));
        assert!(result.status.success(), "{}", stderr(&result));
        let result = output(procviz().args(["dump", "--from"]).arg(&recording));
        let samples: Vec<crate::support::Value> = String::from_utf8(result.stdout)?
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let sum = |of: &dyn Fn(&crate::support::Value) -> f64| samples.iter().map(of).sum::<f64>();
        let seconds = sum(&|sample| sample["interval_ns"].as_f64().unwrap()) / 1e9;
        let last = samples.last().unwrap();
        let texts = texts(&picture)?;
        let (machine, tasks) = (&texts[2], &texts[3]);
        // Head and dump.
        assert_eq!(
            before(tasks, "threads"),
            last["tasks_total"].as_f64(),
            "{tasks}"
        );
        let states = last["tasks"].as_array().unwrap().iter();
        let zombies = states.filter(|task| task["state"] == "Z").count();
        assert_eq!(after(tasks, "zombies"), Some(zombies as f64), "{tasks}");
        let forks = sum(&|sample| sample["machine"]["forks"].as_f64().unwrap()) / seconds;
        let said = after(tasks, "forks").unwrap();
        assert!((said - forks).abs() <= 0.51, "{said} {forks}");
        let busy = sum(&|sample| sample["machine"]["cpu_busy_ns"].as_f64().unwrap());
        let said = after(machine, "busy").unwrap();
        assert!(
            // The kernel counts in ticks of its timer; the picture says at least what the
            // processes used.
            (-0.011..=0.05).contains(&(said - busy / seconds / 1e9)),
            "{said} {busy}"
        );
        // The groups of the grid and its head.
        let (_, largest) = margin(&texts);
        let from = texts.iter().position(|text| text.starts_with("Largest"));
        let from = from.unwrap() + 1;
        let is_listed = |line: &&String| {
            // A long line is cut.
            let is_entry = line.contains(" · ") || line.ends_with('…');
            is_entry || MEASURES.contains(&line.as_str())
        };
        let mut groups = &texts[from + texts[from..].iter().take_while(is_listed).count()..];
        let mut sum_of_groups = 0.0;
        while let [_, count, rest @ ..] = groups
            && let Some(count) = count.split(' ').next()
            && let Ok(count) = count.replace(',', "").parse::<f64>()
        {
            sum_of_groups += count;
            let has_ended = rest.first().is_some_and(|text| text.starts_with('+'));
            groups = if has_ended { &rest[1..] } else { rest };
        }
        assert_eq!(Some(sum_of_groups), before(tasks, "threads"), "{texts:#?}");
        // The list and the samples.
        let cores = largest.iter().find(|line| line.contains(" cores "));
        let pid = cores.and_then(|line| line.split(" · ").next()?.rsplit(' ').next()?.parse().ok());
        if let Some(pid) = pid {
            let pid: u64 = pid;
            let used = sum(&|sample| {
                let tasks = sample["tasks"].as_array().unwrap().iter();
                let of_it = tasks.filter(|task| task["pid"] == pid);
                of_it
                    .map(|task| task["cpu_delta_ns"].as_f64().unwrap())
                    .sum()
            });
            let said = before(cores.unwrap(), "cores").unwrap();
            assert!(
                (said - used / seconds / 1e9).abs() <= 0.011,
                "{said} {used} {cores:?}"
            );
        }
    }
    Ok(())
}
