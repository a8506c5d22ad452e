use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use libtest_mimic::Failed;
use procviz::cli::Cli;

use crate::{
    Needs, Test,
    support::{output, procviz, stderr},
};

pub(crate) const TESTS: &[Test] = &[
    (
        "every_option_stands_in_the_help",
        Needs::Nothing,
        every_option_stands_in_the_help,
    ),
    (
        "the_readme_names_every_command",
        Needs::Nothing,
        the_readme_names_every_command,
    ),
    (
        "a_mistyped_word_gets_a_hint",
        Needs::Nothing,
        a_mistyped_word_gets_a_hint,
    ),
    (
        "completions_and_man_page_have_what_users_see",
        Needs::Nothing,
        completions_and_man_page,
    ),
    (
        "the_readme_has_the_table_of_rules",
        Needs::Nothing,
        the_table_of_rules,
    ),
    (
        "the_originals_are_in_the_readme",
        Needs::Nothing,
        the_originals_are_in_the_readme,
    ),
];

/// All subcommands that a user sees, as clap knows them.
fn subcommands() -> Vec<clap::Command> {
    let all = Cli::command();
    let visible = all
        .get_subcommands()
        .filter(|command| !command.is_hide_set());
    visible.cloned().collect()
}

/// Options of a subcommand that are not in a text.
fn missing_options(command: &clap::Command, text: &str) -> Vec<String> {
    let options = command
        .get_arguments()
        .filter(|option| !option.is_hide_set());
    let names = options.filter_map(|option| Some(format!("--{}", option.get_long()?)));
    let is_missing = |name: &String| !text.contains(name.as_str());
    names.filter(is_missing).collect()
}

fn every_option_stands_in_the_help() -> Result<(), Failed> {
    let man = std::fs::read_to_string(root().join("docs/procviz.1"))?.replace("\\-", "-");
    let commands = subcommands();
    assert!(commands.len() > 10, "{} subcommands", commands.len());
    for command in &commands {
        let name = command.get_name();
        let help = String::from_utf8(output(procviz().args([name, "--help"])).stdout)?;
        let missing = missing_options(command, &help);
        assert!(
            missing.is_empty(),
            "`procviz {name} --help` lacks {missing:?}"
        );
        let missing = missing_options(command, &man);
        assert!(
            missing.is_empty(),
            "the man page lacks {missing:?} of `{name}`"
        );
    }
    // The check can fail.
    let command = clap::Command::new("x").arg(clap::Arg::new("y").long("no-such-option"));
    assert_eq!(missing_options(&command, &man), ["--no-such-option"]);
    Ok(())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The README's table lists each option of the four original scripts with its current
/// name.
fn the_originals_are_in_the_readme() -> Result<(), Failed> {
    let readme =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md"))?;
    for (command, options) in [
        (
            "grid",
            &[
                "-s/--sleep",
                "-p/--no-threads",
                "-n/--columns",
                "-d/--point-size",
                "-c/--colors",
            ][..],
        ),
        ("bubble", &["-t/--threads", "-s/--sleep"]),
        ("lines", &["-s/--sleep"]),
        (
            "csv",
            &[
                "-s/--stat",
                "-S/--status",
                "-i/--io",
                "-t/--titles",
                "-r/--repeat",
                "-w/--sleep",
                "-p/--processes",
            ],
        ),
    ] {
        let row = readme
            .lines()
            .filter(|line| line.starts_with('|'))
            .find(|line| {
                line.contains(&format!("`procviz {command}")) && line.contains(options[0])
            });
        let row = row.ok_or_else(|| format!("the table has no row for `{command}`"))?;
        let help = String::from_utf8(output(procviz().args([command, "--help"])).stdout)?;
        for option in options {
            assert!(
                row.contains(option),
                "`{option}` of `{command}` is not in the table"
            );
            let (short, long) = option.split_once('/').unwrap();
            // `--sleep` is another name of `--interval`.
            let is_known = help.contains(long) || long == "--sleep";
            assert!(
                is_known && help.contains(&format!("{short},")),
                "{command} {option}"
            );
        }
    }
    Ok(())
}

fn a_mistyped_word_gets_a_hint() -> Result<(), Failed> {
    for (word, similar) in [("gird", "grid"), ("exist", "exits"), ("recrod", "record")] {
        let run = output(procviz().arg(word));
        let text = stderr(&run);
        assert_eq!(run.status.code(), Some(2), "{text}");
        assert!(text.contains(&format!("'{similar}'")), "{text}");
    }
    let text = stderr(&output(procviz().arg("zzzzzz")));
    assert!(!text.contains("similar"), "{text}");
    // A pid that does not exist is an error, not an empty picture.
    for args in [
        &["grid", "--pid", "4194303", "-o", "/tmp/never.png"] as &[&str],
        &["dump", "--pid", "4194303", "--samples", "1"],
    ] {
        let run = output(procviz().args(args));
        assert_eq!(run.status.code(), Some(1), "{args:?}");
        assert!(
            stderr(&run).contains("`--pid 4194303`: no such process"),
            "{args:?}"
        );
    }
    Ok(())
}

fn completions_and_man_page() -> Result<(), Failed> {
    let print = |args: &[&str]| String::from_utf8(output(procviz().args(args)).stdout).unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let text = print(&["completions", shell]);
        for command in subcommands() {
            assert!(
                text.contains(command.get_name()),
                "{shell}: {}",
                command.get_name()
            );
        }
        assert!(
            !text.contains("__launch") && !text.contains("__names"),
            "{shell}"
        );
    }
    // Without a subcommand there is nothing but subcommands to complete.
    let zsh = print(&["completions", "zsh"]);
    let main = zsh.split("case $state in").next().unwrap();
    assert!(
        !main.contains("_default") && !main.contains("::run"),
        "{main}"
    );
    let man = print(&["man"]);
    for words in [
        "KEYS OF A LIVE VIEW",
        "FINDINGS",
        "EXIT STATUS",
        "procviz grid",
    ] {
        assert!(man.contains(words), "the man page lacks {words}");
    }
    // It is one page, and refers to no other page that is not installed.
    assert_eq!(man.matches(".TH ").count(), 1);
    assert!(!man.contains("procviz\\-grid(1)"));
    for rule in procviz::model::Rule::ALL {
        assert!(
            man.contains(&format!("\\fB{}\\fR", rule.word())),
            "{}",
            rule.word()
        );
    }
    Ok(())
}

/// The rules as rows of a table in Markdown.
fn rows_of_rules() -> Vec<String> {
    use procviz::tracker::{Threshold, severities};
    let row = |rule: &procviz::model::Rule| {
        let words: Vec<_> = severities(*rule)
            .iter()
            .map(|severity| severity.text())
            .collect();
        let of_rule = Threshold::ALL
            .iter()
            .filter(|threshold| threshold.rule == *rule);
        let thresholds: Vec<_> = of_rule
            .map(|threshold| {
                let value = match threshold.unit {
                    "bytes/s" => format!("{}M", threshold.default / 1_048_576.0),
                    _ => threshold.default.to_string(),
                };
                format!("`{}={value}` {}", threshold.key, threshold.about)
            })
            .collect();
        let about = rule.about().trim_end_matches('.');
        let (words, thresholds) = (words.join(", or "), thresholds.join("; "));
        format!("| {} | {about} | {words} | {thresholds} |", rule.word())
    };
    procviz::model::Rule::ALL.iter().map(row).collect()
}

/// The table in the README and what `procviz rules` prints are those of the code.
fn the_table_of_rules() -> Result<(), Failed> {
    let readme = std::fs::read_to_string(root().join("README.md"))?;
    let printed = String::from_utf8(output(procviz().arg("rules")).stdout)?;
    for (rule, row) in procviz::model::Rule::ALL.iter().zip(rows_of_rules()) {
        assert!(
            readme.contains(&row),
            "README.md does not have the row\n{row}"
        );
        let begin = format!("{}: {}", rule.word(), rule.about());
        assert!(printed.contains(&begin), "`procviz rules` lacks {begin}");
    }
    for threshold in procviz::tracker::Threshold::ALL {
        let begin = format!("{}:{}=", threshold.rule.word(), threshold.key);
        assert!(printed.contains(&begin), "`procviz rules` lacks {begin}");
    }
    Ok(())
}

fn the_readme_names_every_command() -> Result<(), Failed> {
    let readme = std::fs::read_to_string(root().join("README.md"))?;
    for command in subcommands() {
        let words = format!("procviz {}", command.get_name());
        // `help` is clap's own.
        let is_named = command.get_name() == "help" || readme.contains(&words);
        assert!(is_named, "README.md does not say `{words}`");
    }
    for words in ["cargo run --release -- grid -o tasks.png", "cargo test"] {
        assert!(readme.contains(words), "README.md does not say `{words}`");
    }
    Ok(())
}
