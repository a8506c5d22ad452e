//! `procviz note`: notes beside recordings, and where they are shown.

use std::{
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use libtest_mimic::Failed;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    Needs, Test,
    recording::record,
    support::{Folder, Running, Value, output, procviz, stderr, wait_until},
};

pub(crate) const TESTS: &[Test] = &[
    (
        "notes_are_shown_with_findings_and_go_with_their_recording",
        Needs::Nothing,
        notes_are_shown,
    ),
    (
        "damage_and_many_writers_lose_no_other_note",
        Needs::Nothing,
        damage_and_many_writers,
    ),
    (
        "killed_writers_lose_no_note_of_others",
        Needs::Nothing,
        killed_writers,
    ),
    (
        "a_killed_recorder_keeps_its_notes",
        Needs::Nothing,
        a_killed_recorder,
    ),
    ("a_wrong_note_is_refused", Needs::Nothing, a_wrong_note),
];

fn note(recording: &Path, text: &str, args: &[&str]) -> std::process::Output {
    output(procviz().arg("note").arg(recording).arg(text).args(args))
}

fn findings(from: &Path, args: &[&str]) -> String {
    let result = output(procviz().args(["findings", "--from"]).arg(from).args(args));
    assert!(result.status.success(), "{}", stderr(&result));
    String::from_utf8(result.stdout).unwrap()
}

/// The kinds and texts of the notes in a recording.
fn noted(from: &Path) -> Vec<(String, String)> {
    let text = findings(from, &["--json"]);
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let notes = lines.filter(|line: &Value| line["change"] == "note");
    let word = |line: &Value, key: &str| line[key].as_str().unwrap().to_owned();
    notes
        .map(|line| (word(&line, "kind"), word(&line, "text")))
        .collect()
}

fn pair(kind: &str, text: &str) -> (String, String) {
    (kind.to_owned(), text.to_owned())
}

fn notes_are_shown() -> Result<(), Failed> {
    let folder = Folder::new("notes");
    let file = folder.file("run.pvz");
    record(&file, &["-s", "0.2", "--duration", "3s", "--mode", "640"]);
    // The recording has just ended: that is now.
    let hostile = "restarted \x1b[31mnginx\u{202e}\nnow";
    let result = note(&file, hostile, &["--kind", "restart"]);
    assert!(result.status.success(), "{}", stderr(&result));
    let earlier = note(&file, "new version", &["--kind", "deploy", "--at", "-2s"]);
    assert!(earlier.status.success(), "{}", stderr(&earlier));
    let beside = folder.file("run.pvz.notes");
    assert_eq!(beside.metadata()?.permissions().mode() & 0o777, 0o640);
    let both = [pair("deploy", "new version"), pair("restart", hostile)];
    assert_eq!(noted(&file), both);
    let text = findings(&file, &[]);
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| line.contains(" note "))
        .collect();
    assert!(lines[0].ends_with("note   deploy   new version"), "{text}");
    assert!(!text.contains('\x1b') && lines.len() == 2, "{text}");
    assert!(lines[1].ends_with("nginx\\u{202e}\\x0anow"), "{text}");
    // Rules that are not those of the recorder: the samples are read.
    assert!(findings(&file, &["--rule", "cpu:cores=0.9"]).contains(" new version"));
    // A part has the notes of its time.
    let piece = folder.file("piece.pvz");
    record(&piece, &["--from", file.to_str().unwrap(), "--end", "-1s"]);
    assert_eq!(noted(&piece), both[..1]);
    // The part again: no note twice.
    let args = ["--from", file.to_str().unwrap(), "--end", "-1s", "--force"];
    record(&piece, &args);
    assert_eq!(noted(&piece), both[..1]);
    // A limited time has no later notes.
    let short = ["--duration", "0.5s", "--rule", "cpu:cores=0.9"];
    assert!(!findings(&file, &short).contains(" note "));
    // Notes that cannot be read cost nothing else.
    std::fs::remove_file(folder.file("piece.pvz.notes"))?;
    std::fs::create_dir(folder.file("piece.pvz.notes"))?;
    let result = output(procviz().args(["findings", "--from"]).arg(&piece));
    assert_eq!(result.status.code(), Some(3), "{}", stderr(&result));
    assert!(stderr(&result).contains("these notes are left out"));
    // Notes that root makes belong to whoever the recording belongs to.
    let of_nobody = folder.file("nobody.pvz");
    std::fs::copy(&file, &of_nobody)?;
    std::os::unix::fs::chown(&of_nobody, Some(65_534), Some(65_534))?;
    let result = note(&of_nobody, "by root", &["--at", "-1s"]);
    assert!(result.status.success(), "{}", stderr(&result));
    let about = folder.file("nobody.pvz.notes").metadata()?;
    assert_eq!((about.uid(), about.gid()), (65_534, 65_534));
    // Damage is reported.
    let other = folder.file("other.pvz");
    std::fs::copy(&file, &other)?;
    std::fs::write(folder.file("other.pvz.notes"), "PVZN")?;
    let result = output(procviz().args(["findings", "--from"]).arg(&other));
    assert_eq!(result.status.code(), Some(3));
    assert!(stderr(&result).contains("a note is damaged at byte 0"));
    Ok(())
}

fn damage_and_many_writers() -> Result<(), Failed> {
    let folder = Folder::new("many-notes");
    let file = folder.file("run.pvz");
    record(&file, &["-s", "0.2", "--duration", "1s"]);
    let beside = folder.file("run.pvz.notes");
    // Twenty writers at once.
    let writers: Vec<_> = (0..20)
        .map(|number| {
            let mut command: Command = procviz();
            command.arg("note").arg(&file).arg(format!("note {number}"));
            command.args(["--at", "-0.5s"]).spawn().unwrap()
        })
        .collect();
    for mut writer in writers {
        assert!(writer.wait()?.success());
    }
    let mut texts: Vec<String> = noted(&file).into_iter().map(|(_, text)| text).collect();
    texts.sort();
    let mut expected: Vec<String> = (0..20).map(|number| format!("note {number}")).collect();
    expected.sort();
    assert_eq!(texts, expected);
    // A writer was killed while it wrote a note. Later notes are read.
    let len = beside.metadata()?.len();
    let notes = std::fs::OpenOptions::new().write(true).open(&beside)?;
    notes.set_len(len - 3)?;
    assert!(note(&file, "after", &["--at", "-0.5s"]).status.success());
    let result = output(procviz().args(["findings", "--json", "--from"]).arg(&file));
    assert_eq!(result.status.code(), Some(3));
    assert!(stderr(&result).contains("a note is damaged"));
    let text = String::from_utf8(result.stdout)?;
    assert_eq!(text.matches("\"change\":\"note\"").count(), 20);
    assert!(text.contains("\"after\""));
    Ok(())
}

/// Writers that are killed at any time lose no note of a writer that has ended well.
fn killed_writers() -> Result<(), Failed> {
    let folder = Folder::new("killed-notes");
    let file = folder.file("run.pvz");
    record(&file, &["-s", "0.2", "--duration", "1s"]);
    let mut written = Vec::new();
    for number in 0..60_u64 {
        let text = format!("note {number}");
        let mut command = procviz();
        command
            .arg("note")
            .arg(&file)
            .arg(&text)
            .args(["--at", "-0.5s"]);
        let mut writer = command.stderr(Stdio::null()).spawn()?;
        // A writer takes some milliseconds.
        std::thread::sleep(Duration::from_micros(number * 400));
        _ = writer.kill();
        if writer.wait()?.success() {
            written.push(text);
        }
    }
    assert!(note(&file, "last", &["--at", "-0.5s"]).status.success());
    written.push("last".to_owned());
    let result = output(procviz().args(["findings", "--json", "--from"]).arg(&file));
    assert!(matches!(result.status.code(), Some(0 | 3)));
    let text = String::from_utf8(result.stdout)?;
    let lines = text
        .lines()
        .filter(|line| line.contains("\"change\":\"note\""));
    let notes: Vec<Value> = lines.map(serde_json::from_str).collect::<Result<_, _>>()?;
    let mut shown: Vec<&str> = notes
        .iter()
        .map(|note| note["text"].as_str().unwrap())
        .collect();
    let missing: Vec<_> = written
        .iter()
        .filter(|text| !shown.contains(&text.as_str()))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    let count = shown.len();
    shown.sort_unstable();
    shown.dedup();
    assert_eq!(shown.len(), count, "a note is there twice");
    println!("{} of 61 writers ended well", written.len());
    Ok(())
}

/// Notes that were made while a recording was written stay if the recorder is killed.
fn a_killed_recorder() -> Result<(), Failed> {
    let folder = Folder::new("killed-recorder");
    let file = folder.file("run.pvz");
    let mut command = procviz();
    command.args(["record", "-s", "0.2", "-o"]).arg(&file);
    let recorder = Running::new(command.stderr(Stdio::null()));
    wait_until("there is no sample", || {
        note(&file, "now", &["--kind", "deploy"]).status.success()
    });
    kill(Pid::from_raw(recorder.pid() as i32), Signal::SIGKILL)?;
    drop(recorder);
    let text = findings_of_unfinished(&file);
    assert!(text.contains(" note   deploy   now"), "{text}");
    Ok(())
}

/// The findings of a recording that was not closed.
fn findings_of_unfinished(from: &Path) -> String {
    let result = output(procviz().args(["findings", "--from"]).arg(from));
    assert!(
        matches!(result.status.code(), Some(0 | 3)),
        "{}",
        stderr(&result)
    );
    String::from_utf8(result.stdout).unwrap()
}

fn a_wrong_note() -> Result<(), Failed> {
    let folder = Folder::new("wrong-notes");
    let file = folder.file("run.pvz");
    record(&file, &["-s", "0.2", "--duration", "1s"]);
    let long = "x".repeat(1_001);
    for (text, args, code, words) in [
        ("", &[][..], 2, "from 1 to 1000 bytes"),
        (&long, &[], 2, "this one has 1001"),
        ("a", &["--at", "yesterday"], 2, "`--at yesterday`"),
        ("a", &["--at", "2001-01-01T00:00:00Z"], 2, "outside"),
        ("a", &["--kind", "party"], 2, "party"),
    ] {
        let result = note(&file, text, args);
        assert_eq!(result.status.code(), Some(code), "{}", stderr(&result));
        assert!(stderr(&result).contains(words), "{}", stderr(&result));
    }
    let no_recording = folder.file("text");
    std::fs::write(&no_recording, "text")?;
    let result = note(&no_recording, "a", &[]);
    assert_eq!(result.status.code(), Some(1));
    assert!(stderr(&result).contains("not a procviz recording"));
    assert!(!folder.file("text.notes").exists());
    // Something else than a file stays as it is.
    let target = folder.file("target");
    std::fs::write(&target, "kept")?;
    std::os::unix::fs::symlink(&target, folder.file("run.pvz.notes"))?;
    let result = note(&file, "a", &["--at", "-0.5s"]);
    assert_eq!(result.status.code(), Some(1), "{}", stderr(&result));
    assert_eq!(std::fs::read_to_string(&target)?, "kept");
    Ok(())
}
