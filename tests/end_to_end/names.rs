//! Checks names that attack a terminal. Every subcommand runs on a terminal while
//! processes with such names and arguments run and crash, and every byte is checked.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt as _,
    path::Path,
    time::Duration,
};

use libtest_mimic::Failed;

use crate::{
    Needs, Test,
    pty::Session,
    support::{Folder, Running, output, procviz, started},
};

pub(crate) const TESTS: &[Test] = &[
    ("a_raw_name_is_noticed", Needs::Nothing, a_raw_name),
    (
        "no_name_of_a_process_controls_a_terminal",
        Needs::Events,
        of_processes,
    ),
    (
        "no_name_in_a_recording_controls_a_terminal",
        Needs::Events,
        in_recordings,
    ),
    (
        "no_typed_word_controls_a_terminal",
        Needs::Nothing,
        typed_words,
    ),
];

/// Hostile names of at most 15 bytes, the kernel's limit for the name of a process.
const NAMES: [&[u8]; 13] = [
    b"\x1b[38;5;199mEV",
    b"\x1b]0;evil\x07",
    b"\x1b]52;c;RVY=\x07",
    b"\xc2\x9b31mEV",
    b"\x9b31mEV",
    b"a\rroot EV",
    b"a\nforged EV",
    b"a\x08\x08\x7fEV",
    b"\xe2\x80\xae\xe2\x81\xa6EV",
    b"a\xe2\x80\x8b\xc2\xadEV",
    b"\xf3\xa0\x81\x81\xe1\xa0\x8eEV",
    b"e\xcc\x81\xcc\x81) R 1 1",
    b"=1+1\t\xff\xfe",
];

/// The place at which the output attacks the terminal; `None` if there is no attack.
fn attack(bytes: &[u8]) -> Option<String> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Some("bytes that are not UTF-8".to_owned());
    };
    let around = |at: usize| {
        let from = text.floor_char_boundary(at.saturating_sub(60));
        let to = text.ceil_char_boundary((at + 60).min(text.len()));
        format!("{:?}", &text[from..to])
    };
    for (at, letter) in text.char_indices() {
        let rest = &text[at + letter.len_utf8()..];
        let is_bad = match letter {
            '\n' => false,
            // The terminal adds `\r` before each line feed, and progress bars restart a line.
            '\r' => rest.starts_with("root"),
            '\x1b' => !is_of_a_view(rest) || rest.starts_with("[38;5;199m"),
            '\u{a0}' => false,
            _ => letter.is_control() || is_invisible(letter),
        };
        if is_bad {
            return Some(format!("{letter:?} in {}", around(at)));
        }
    }
    let forged = text.lines().find(|line| line.starts_with("forged EV"));
    forged.map(|line| format!("forged line {line:?}"))
}

/// Whether the text after an escape character continues a sequence that a view uses: CSI
/// with parameters, keypad modes, and the character set. OSC is not among them.
fn is_of_a_view(rest: &str) -> bool {
    match rest.strip_prefix('[') {
        Some(rest) => {
            let rest = rest.trim_start_matches(|letter: char| "0123456789;?><=".contains(letter));
            rest.starts_with(|letter: char| letter.is_ascii_alphabetic())
        }
        None => rest.starts_with(['=', '>', '7', '8']) || rest.starts_with("(B"),
    }
}

/// Whether a character changes the order of a line, has no width, or joins the letter
/// before.
fn is_invisible(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{300}'..='\u{36f}' | '\u{e0000}'..='\u{e007f}')
}

/// Checks that `attack` finds each name in its raw form.
fn a_raw_name() -> Result<(), Failed> {
    for name in NAMES {
        let line = [b"pid 1 ", name, b"\r\n"].concat();
        assert!(attack(&line).is_some(), "{name:?} is not found");
    }
    assert_eq!(attack("\x1b[?25l\x1b[1;1H漢 é\r\n".as_bytes()), None);
    Ok(())
}

fn hex(name: &[u8]) -> String {
    name.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One process with each name; the name is also that of its program and one of its arguments.
fn attackers(folder: &Folder) -> Vec<Running> {
    let start = |name: &&[u8]| {
        let program = folder.0.join(OsStr::from_bytes(name));
        std::os::unix::fs::symlink(std::env::current_exe().unwrap(), &program).unwrap();
        let mut command = std::process::Command::new(program);
        command.args(["--workload", "named-crashes", &hex(name)]);
        started(command.arg(OsStr::from_bytes(name)))
    };
    NAMES.iter().map(start).collect()
}

/// How a run on a terminal ends.
enum Until {
    /// procviz exits by itself.
    End,
    /// By typing these keys, each after this number of milliseconds.
    Keys(u64, &'static [&'static [u8]]),
}

/// Runs procviz on a terminal and returns its output. Adds a fault if the output has an
/// attack, or if procviz does not exit as expected.
fn printed(args: &[OsString], until: &Until, faults: &mut Vec<String>) -> String {
    let session = Session::new(args);
    if let Until::Keys(millis, keys) = until {
        for key in *keys {
            std::thread::sleep(Duration::from_millis(*millis));
            session.type_in(key);
        }
    }
    let (status, bytes) = session.end(Duration::from_secs(20));
    match status.map(|status| status.code()) {
        None => faults.push(format!("{args:?} does not exit")),
        Some(Some(0..=4 | 127 | 130)) => {}
        Some(code) => faults.push(format!("{args:?} exits with status {code:?}")),
    }
    if let Some(attack) = attack(&bytes) {
        faults.push(format!("{args:?}: {attack}"));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

const CTRL_C: &[u8] = b"\x03";
/// Keys that show every chart, the help and a filtered list, and quit.
const LOOK_AROUND: Until = Until::Keys(
    900,
    &[b"2", b"3", b"4", b"1", b"?", b"\x1b", b"/EV\r", b"\x03"],
);

/// The arguments of every subcommand that shows processes, and how its run ends.
fn subcommands(folder: &Folder) -> Vec<(Vec<OsString>, Until)> {
    let file = |name: &str| folder.file(name).into_os_string();
    let words = |line: &str| -> Vec<OsString> { line.split(' ').map(OsString::from).collect() };
    let mut all = Vec::new();
    for chart in ["grid", "bubble", "lines"] {
        for kind in ["png", "svg", "html"] {
            let mut args = words(&format!("{chart} -s 0.5 --samples 2 --force -o"));
            args.push(file(&format!("{chart}.{kind}")));
            all.push((args, Until::End));
        }
    }
    for line in [
        "dump --samples 2 -s 0.5",
        "dump --csv --samples 2 -s 0.5",
        "dump --csv --spreadsheet --samples 2 -s 0.5",
        "findings --samples 12 -s 0.5",
        "findings --json --samples 12 -s 0.5",
        "csv -t -s -S -i",
        "csv -p -S --spreadsheet",
        "doctor",
    ] {
        all.push((words(line), Until::End));
    }
    for line in ["exits", "exits --json", "exits --threads"] {
        all.push((words(line), Until::Keys(3_000, &[CTRL_C])));
    }
    all.push((words("--view terminal -s 0.3 --group command"), LOOK_AROUND));
    all
}

fn of_processes() -> Result<(), Failed> {
    let folder = Folder::new("names");
    let mut faults = Vec::new();
    let programs = Folder::new("attackers");
    let attackers = attackers(&programs);
    for (args, until) in subcommands(&folder) {
        let text = printed(&args, &until, &mut faults);
        let shows_names = !matches!(
            args[0].to_str(),
            Some("grid" | "bubble" | "lines" | "doctor")
        );
        // The names are in the output, in a harmless form.
        assert!(!shows_names || text.contains("EV"), "{args:?}: {text}");
    }
    drop(attackers);
    none(&faults)
}

fn in_recordings() -> Result<(), Failed> {
    let folder = Folder::new("names-recorded");
    let mut faults = Vec::new();
    let programs = Folder::new("attackers");
    let attackers = attackers(&programs);
    // The file name of the recording is an attack, too.
    for (number, name) in NAMES.iter().enumerate() {
        let path = folder
            .0
            .join(OsStr::from_bytes(&[name, &b".pvz"[..]].concat()));
        let mut args: Vec<OsString> = vec!["record".into(), "-s".into(), "0.25".into()];
        args.extend(["--samples".into(), "16".into(), "-o".into()]);
        args.push(path.clone().into_os_string());
        // Record once: files with the other names are copies.
        if number == 0 {
            printed(&args, &Until::End, &mut faults);
        } else {
            let first = folder
                .0
                .join(OsStr::from_bytes(&[NAMES[0], &b".pvz"[..]].concat()));
            std::fs::copy(first, &path)?;
        }
        let of_it = |line: &str| -> Vec<OsString> {
            let mut args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            args.push(path.clone().into_os_string());
            args
        };
        printed(&of_it("check"), &Until::End, &mut faults);
        if number > 0 {
            continue;
        }
        for line in [
            "dump --samples 2 --from",
            "dump --csv --samples 2 --from",
            "csv --from",
            "csv -r -S -t --from",
            "exits --from",
            "exits --json --from",
            "findings --from",
            "findings --json --from",
        ] {
            let text = printed(&of_it(line), &Until::End, &mut faults);
            assert!(text.contains("EV"), "{line}: {text}");
        }
        for chart in ["grid", "bubble", "lines"] {
            let line = format!("{chart} --view terminal --group command --from");
            printed(&of_it(&line), &LOOK_AROUND, &mut faults);
            let out = folder.file(&format!("{chart}.svg"));
            let line = format!("{chart} --force -o {} --from", out.display());
            printed(&of_it(&line), &Until::End, &mut faults);
        }
        let copy = folder.file("copy.pvz");
        printed(
            &of_it(&format!("record -o {} --from", copy.display())),
            &Until::End,
            &mut faults,
        );
    }
    drop(attackers);
    none(&faults)
}

/// Command lines with a word to type: `@` is replaced with a name, `OUT` with a folder.
const TYPED: &[&str] = &[
    "@",
    "--@",
    "grid --@ x",
    "help @",
    "completions @",
    "check @",
    "check OUT/@",
    "dump --from @",
    "dump --from OUT/real.pvz --at @",
    "dump --from OUT/real.pvz --begin @",
    "dump --from OUT/real.pvz --end @",
    "exits --from OUT/real.pvz --user @",
    "exits --from OUT/real.pvz --pid @",
    "exits --from OUT/real.pvz --tree @",
    "exits --from OUT/real.pvz --command (@",
    "exits --from OUT/real.pvz --cgroup [@",
    "csv --proc-root @",
    "csv --sleep @",
    "csv -o OUT/@/x @",
    "csv --from OUT/real.pvz -o OUT/@/x",
    "csv @",
    "grid -o @",
    "grid -o OUT/@",
    "grid -o OUT/@/x.png",
    "grid --from OUT/real.pvz -o OUT/@.png",
    "grid --from OUT/real.pvz -o OUT/@.png",
    "grid --from OUT/real.pvz -o OUT/x.png --font @",
    "grid --from OUT/real.pvz -o OUT/x.png --font OUT/@.png",
    "grid --samples 1 -s 0.1 --force -o OUT/x.png --save OUT/saved@",
    "grid --group @",
    "grid --theme @",
    "grid --palette @",
    "grid --view @",
    "grid --speed @",
    "grid --size @",
    "grid --scale @",
    "grid --columns @",
    "grid --point-size @",
    "grid --colors @",
    "grid --mode @",
    "grid --max-size @",
    "grid --max-cpu @",
    "grid --interval @",
    "grid --hz @",
    "grid --samples @",
    "grid --duration @",
    "bubble --user-color @",
    "bubble --user-color @=red --force -o OUT/x.svg --from OUT/real.pvz",
    "bubble --user-color 0=@",
    "record -s 0.1 --samples 2 -o OUT/recorded@",
    "record -o OUT/@/x.pvz",
    "record -s 0.1 --samples 2 --force -o OUT/@.png",
    "record --rotate @ -o OUT",
    "record --ring 1m --on @ -o OUT",
    "record --ring 1m --on finding:@ -o OUT",
    "record --ring @ -o OUT",
    "record --ring-size @ -o OUT",
    "record --max-age @ -o OUT",
    "record --keep @ -o OUT",
    "record --after @ -o OUT",
    "record --cool-down @ -o OUT",
    "record --redact @ -o OUT/y.pvz",
    "record --from @ -o OUT/z.pvz",
    "grid -o OUT/x.png --force -- @",
    "grid -o OUT/x.png --force -- OUT/@",
];

fn typed_words() -> Result<(), Failed> {
    let folder = Folder::new("names-typed");
    let mut faults = Vec::new();
    let real = folder.file("real.pvz");
    let mut record = procviz();
    record.args(["record", "-p", "-s", "0.1", "--samples", "3", "-o"]);
    assert!(output(record.arg(&real)).status.success());
    for name in NAMES {
        for line in TYPED {
            let args: Vec<OsString> = line
                .split(' ')
                .map(|word| typed(word, name, &folder.0))
                .collect();
            printed(&args, &Until::End, &mut faults);
        }
    }
    none(&faults)
}

fn none(faults: &[String]) -> Result<(), Failed> {
    match faults {
        [] => Ok(()),
        _ => Err(faults.join("\n").into()),
    }
}

fn typed(word: &str, name: &[u8], folder: &Path) -> OsString {
    let word = word.replace("OUT", &folder.to_string_lossy());
    let mut bytes = Vec::new();
    for part in word.split_inclusive('@') {
        match part.strip_suffix('@') {
            Some(before) => {
                bytes.extend_from_slice(before.as_bytes());
                bytes.extend_from_slice(name);
            }
            None => bytes.extend_from_slice(part.as_bytes()),
        }
    }
    OsStr::from_bytes(&bytes).to_owned()
}
