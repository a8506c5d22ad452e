use std::io::BufReader;

use libtest_mimic::Failed;

use crate::{
    Needs, Test,
    support::{Folder, Running, output, procviz, started, stderr, workload},
};

pub(crate) const TESTS: &[Test] = &[
    (
        "hostile_names_leave_valid_xml",
        Needs::Nothing,
        hostile_names,
    ),
    ("the_margin_names_what_is_wrong", Needs::Events, the_margin),
    (
        "every_option_of_the_original_draws",
        Needs::Nothing,
        every_option,
    ),
    (
        "a_png_carries_its_command_and_time",
        Needs::Nothing,
        a_png_carries,
    ),
];

fn start(args: &[&str]) -> Running {
    started(&mut workload(args))
}

fn hostile_names() -> Result<(), Failed> {
    let folder = Folder::new("hostile");
    // Markup, an escape sequence, bidi, invalid UTF-8, a newline and brackets.
    let names = [
        "3c2622273e5d5d3e",
        "1b5b376d5c1b5d30",
        "e280ae61e280ac",
        "fffe80c328",
        "61290a5220312c22",
    ];
    let loads: Vec<Running> = names.iter().map(|name| start(&["named", name])).collect();
    let file = folder.file("x.svg");
    let result = output(
        procviz()
            .args(["grid", "-s", "0.2", "--samples", "1", "-o"])
            .arg(&file),
    );
    assert!(result.status.success(), "{}", stderr(&result));
    let svg = std::fs::read_to_string(&file)?;
    let document = roxmltree::Document::parse(&svg).map_err(|error| error.to_string())?;
    let titles: Vec<&str> = document
        .descendants()
        .filter(|node| node.has_tag_name("title"))
        .filter_map(|node| node.text())
        .collect();
    for load in &loads {
        let pid = load.pid().to_string();
        assert!(
            titles
                .iter()
                .any(|title| title.lines().next().unwrap().contains(&pid)),
            "task {pid} has no title"
        );
    }
    let raw = svg
        .chars()
        .find(|ch| (ch.is_control() && *ch != '\n') || ('\u{202a}'..='\u{202e}').contains(ch));
    assert_eq!(raw, None, "a raw control character");
    let result = output(procviz().args(["dump", "--json", "-s", "0.2", "--samples", "1"]));
    assert!(result.status.success() && !result.stdout.is_empty());
    let raw = result
        .stdout
        .iter()
        .find(|byte| (**byte < 0x20 && **byte != b'\n') || **byte == 0x7f);
    assert_eq!(raw, None, "a raw control byte in JSON");
    Ok(())
}

fn the_margin() -> Result<(), Failed> {
    let folder = Folder::new("margin");
    let loads = [
        start(&["burn"]),
        start(&["grow"]),
        start(&["fork-loop"]),
        start(&["crash-loop"]),
    ];
    let file = folder.file("x.svg");
    let result = output(
        procviz()
            .args(["grid", "--require-ebpf", "-o"])
            .arg(&file)
            .args(["--duration", "4s"]),
    );
    assert!(result.status.success(), "{}", stderr(&result));
    let svg = std::fs::read_to_string(&file)?;
    let document = roxmltree::Document::parse(&svg).map_err(|error| error.to_string())?;
    let texts: Vec<&str> = document
        .descendants()
        .filter(|node| node.has_tag_name("text"))
        .filter_map(|node| node.text())
        .collect();
    let names = |words: &[&str]| {
        texts
            .iter()
            .any(|text| words.iter().all(|word| text.contains(word)))
    };
    for (words, what) in [
        (
            vec!["end_to_end", &loads[0].pid().to_string()[..]],
            "the busy loop",
        ),
        (
            vec!["end_to_end", &loads[1].pid().to_string()[..]],
            "the grower",
        ),
        (
            vec!["fork-loop", &loads[2].pid().to_string()[..]],
            "the fork loop",
        ),
        (vec!["cores for"], "the rule cpu"),
        (vec!["memory grows by"], "the rule growth"),
        (vec!["processes/s"], "the rule forks"),
        (vec!["died", "(SIGABRT)"], "the rule deaths"),
    ] {
        assert!(names(&words), "the margin does not name {what}: {texts:?}");
    }
    // Each number is in the margin and at a dot.
    for number in ["1", "2", "3", "4"] {
        let count = texts.iter().filter(|text| **text == number).count();
        assert!(
            count >= 2,
            "labels of number {number}: {count}, expected 2: {texts:?} {}",
            stderr(&result)
        );
    }
    Ok(())
}

fn every_option() -> Result<(), Failed> {
    let folder = Folder::new("options");
    for (index, args) in [
        &["-p"][..],
        &["--no-threads"],
        &["-n", "30"],
        &["--columns", "10", "--point-size", "100"],
        &["-d", "500"],
        &["-c", "white,,blue"],
        &[
            "--colors",
            "honeydew,red,lawngreen,orange,yellow,lightyellow,white",
        ],
        &["--classic"],
        &["--theme", "dark"],
        &["--size", "800x600"],
    ]
    .iter()
    .enumerate()
    {
        for suffix in ["png", "svg"] {
            let file = folder.file(&format!("{index}.{suffix}"));
            let result = output(
                procviz()
                    .args(["grid", "--sleep", "0.05", "--samples", "1", "-o"])
                    .arg(&file)
                    .args(*args),
            );
            assert!(result.status.success(), "{args:?}: {}", stderr(&result));
            assert!(std::fs::metadata(&file)?.len() > 1_000);
        }
    }
    let series = folder.file("s-{n}-{time}.png");
    let result = output(
        procviz()
            .args(["grid", "-F", "20", "--samples", "3", "-o"])
            .arg(&series),
    );
    assert!(result.status.success(), "{}", stderr(&result));
    let count = std::fs::read_dir(&folder.0)?
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("s-"))
        .count();
    assert_eq!(count, 3);
    Ok(())
}

fn a_png_carries() -> Result<(), Failed> {
    let folder = Folder::new("chunks");
    let file = folder.file("x.png");
    let result = output(
        procviz()
            .args(["grid", "-s", "0.05", "--samples", "1", "-o"])
            .arg(&file),
    );
    assert!(result.status.success(), "{}", stderr(&result));
    let reader = png::Decoder::new(BufReader::new(std::fs::File::open(&file)?)).read_info()?;
    let info = reader.info();
    assert_eq!((info.width, info.height), (1600, 900));
    let text = |keyword: &str| {
        info.utf8_text
            .iter()
            .find(|chunk| chunk.keyword == keyword)
            .unwrap()
            .get_text()
            .unwrap()
    };
    assert!(text("Comment").contains("grid -s 0.05"));
    assert!(text("Creation Time").ends_with('Z'));
    Ok(())
}
