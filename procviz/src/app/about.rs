//! Prints shell completions, the rules and the man page: `procviz completions`, `procviz
//! rules`, `procviz man`.

use std::io::Write as _;

use crate::{
    cli::Cli,
    runtime::{Failure, stdout::Out},
    session::rules,
    view,
};

/// The part of the man page that no option explains.
const STATUS: &str = "\
.SH \"EXIT STATUS\"
.TP
0
success
.TP
1
failure
.TP
2
invalid command line
.TP
3
a recording is damaged; what is not damaged was read
.TP
4
a privilege is missing that the command line demands
.PP
With \\fB\\-\\- COMMAND\\fR, the exit status of the command.
";

/// Prints completions of the visible subcommands.
pub(super) fn completions(shell: clap_complete::Shell) -> Result<u8, Failure> {
    let mut bytes = Vec::new();
    clap_complete::generate(shell, &mut Cli::subcommands_only(), "procviz", &mut bytes);
    print(&bytes)
}

/// Prints each rule with its thresholds.
pub(super) fn rules() -> Result<u8, Failure> {
    let mut bytes = Vec::new();
    for row in rules::rows() {
        let word = row.rule.word();
        writeln!(bytes, "{word}: {} [{}]", row.rule.about(), row.severities)?;
        for (value, about) in row.thresholds {
            writeln!(bytes, "    {:<24} {about}", format!("{word}:{value}"))?;
        }
    }
    print(&bytes)
}

/// Prints one page for procviz and all its subcommands.
pub(super) fn man() -> Result<u8, Failure> {
    let mut bytes = Vec::new();
    let command = Cli::brief();
    let main = clap_mangen::Man::new(command.clone());
    main.render_title(&mut bytes)?;
    main.render_name_section(&mut bytes)?;
    main.render_synopsis_section(&mut bytes)?;
    main.render_description_section(&mut bytes)?;
    writeln!(
        bytes,
        ".SH COMMANDS\nWithout a command, procviz does the same as \\fBprocviz grid\\fR."
    )?;
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        writeln!(bytes, ".SS \"procviz {}\"", sub.get_name())?;
        let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
        writeln!(bytes, "{}", roff(&about))?;
        let mut options = Vec::new();
        clap_mangen::Man::new(sub.clone()).render_options_section(&mut options)?;
        // The options of a subcommand are a part of its section.
        let lines = options.split_inclusive(|byte| *byte == b'\n');
        for line in lines.filter(|line| !line.starts_with(b".SH")) {
            bytes.extend_from_slice(line);
        }
    }
    table(&mut bytes, "KEYS OF A LIVE VIEW", &view::help(false))?;
    table(&mut bytes, "KEYS OF A RECORDING", &view::RECORDING_KEYS)?;
    let rules: Vec<_> = rules::rows()
        .map(|row| (row.rule.word(), of_rule(&row)))
        .collect();
    let rules: Vec<_> = rules
        .iter()
        .map(|(word, text)| (*word, &text[..]))
        .collect();
    table(&mut bytes, "FINDINGS", &rules)?;
    bytes.extend_from_slice(STATUS.as_bytes());
    main.render_extra_section(&mut bytes)?;
    main.render_version_section(&mut bytes)?;
    print(&bytes)
}

/// What a rule finds, how bad that is, and its thresholds.
fn of_rule(row: &rules::Row) -> String {
    let mut text = format!("{} Severity: {}.", row.rule.about(), row.severities);
    for (value, about) in &row.thresholds {
        text.push_str(&format!(" Threshold {value}: {about}."));
    }
    text
}

/// Writes a section of terms and their explanations.
fn table(out: &mut Vec<u8>, title: &str, rows: &[(&str, &str)]) -> std::io::Result<()> {
    writeln!(out, ".SH \"{title}\"")?;
    for (term, text) in rows {
        writeln!(out, ".TP\n\\fB{}\\fR\n{}", roff(term), roff(text))?;
    }
    Ok(())
}

/// Text that roff prints as it is.
fn roff(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    match text.starts_with(['.', '\'']) {
        true => format!("\\&{text}"),
        false => text,
    }
}

fn print(bytes: &[u8]) -> Result<u8, Failure> {
    Out::new().write(|out| out.write_all(bytes))?;
    Ok(0)
}
