//! Checks that procviz limits its use of resources, and works within the limits that the
//! system sets.

use std::process::Command;

use libtest_mimic::Failed;

use crate::{
    Needs, Test,
    support::{Folder, output, procviz, stderr},
};

pub(crate) const TESTS: &[Test] = &[
    ("pictures_have_a_size", Needs::Nothing, pictures_have_a_size),
    (
        "animations_have_an_end",
        Needs::Nothing,
        animations_have_an_end,
    ),
    ("fonts_are_fonts", Needs::Nothing, fonts_are_fonts),
    (
        "a_limit_of_file_sizes_is_a_full_disk",
        Needs::Nothing,
        a_limit_of_file_sizes_is_a_full_disk,
    ),
    (
        "few_open_files_are_enough",
        Needs::Nothing,
        few_open_files_are_enough,
    ),
];

fn pictures_have_a_size() -> Result<(), Failed> {
    let folder = Folder::new("pixels");
    let picture = |size: &str, scale: &str, name: &str| {
        let mut command = procviz();
        command.args([
            "grid",
            "-p",
            "-s",
            "0.05",
            "--samples",
            "1",
            "--size",
            size,
            "--scale",
            scale,
        ]);
        output(command.arg("-o").arg(folder.file(name)))
    };
    for (size, scale) in [
        ("16384x16384", "3"),
        ("16384x16384", "4"),
        ("16384x4097", "1"),
        ("8192x8192", "8"),
    ] {
        for name in ["x.png", "x.gif", "x.apng"] {
            let result = picture(size, scale, name);
            assert_eq!(
                result.status.code(),
                Some(2),
                "{size} {scale}: {}",
                stderr(&result)
            );
            assert!(stderr(&result).contains("pixels"), "{}", stderr(&result));
        }
        // An SVG has no pixels, so its size is not limited.
        let result = picture(size, scale, "x.svg");
        assert!(result.status.success(), "{}", stderr(&result));
        std::fs::remove_file(folder.file("x.svg"))?;
    }
    let result = picture("16384x4096", "1", "large.png");
    assert!(result.status.success(), "{}", stderr(&result));
    let file = std::fs::File::open(folder.file("large.png"))?;
    let info = png::Decoder::new(std::io::BufReader::new(file))
        .read_info()?
        .info()
        .size();
    assert_eq!(info, (16_384, 4_096));
    Ok(())
}

fn animations_have_an_end() -> Result<(), Failed> {
    let folder = Folder::new("endless");
    // A page stores only changes, which are few on a quiet machine.
    for (name, size) in [("x.gif", "200K"), ("x.apng", "200K"), ("x.html", "20K")] {
        let file = folder.file(name);
        let mut command = procviz();
        command.args([
            "grid",
            "-s",
            "0.05",
            "--duration",
            "1h",
            "--max-size",
            size,
            "-o",
        ]);
        let result = output(command.arg(&file));
        assert!(result.status.success(), "{}", stderr(&result));
        assert!(
            stderr(&result).contains("--max-size"),
            "{}",
            stderr(&result)
        );
        let bytes = std::fs::metadata(&file)?.len();
        assert!(
            (50_000..2_000_000).contains(&bytes),
            "{name}: {bytes} bytes"
        );
    }
    Ok(())
}

fn fonts_are_fonts() -> Result<(), Failed> {
    let folder = Folder::new("fonts");
    let file = folder.file("x.png");
    for (font, status) in [
        ("/dev/zero", 2),
        ("/dev/null", 1),
        ("/etc/passwd", 1),
        ("/tmp", 1),
    ] {
        let mut command = procviz();
        command.args(["grid", "--samples", "1", "-s", "0.05", "--font", font, "-o"]);
        let result = output(command.arg(&file));
        assert_eq!(
            result.status.code(),
            Some(status),
            "{font}: {}",
            stderr(&result)
        );
        assert!(stderr(&result).contains(font), "{}", stderr(&result));
    }
    assert!(!file.exists());
    Ok(())
}

/// A shell that sets a limit and then becomes procviz (exec).
fn limited(limit: &str, args: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit {limit}; exec \"$0\" \"$@\"")]);
    command.arg(crate::support::binary()).args(args);
    command
}

fn a_limit_of_file_sizes_is_a_full_disk() -> Result<(), Failed> {
    let folder = Folder::new("fsize");
    let picture = folder.file("x.png");
    let picture = picture.to_string_lossy();
    let result = output(&mut limited(
        "-f 1",
        &["grid", "-s", "0.05", "--samples", "1", "-o", &picture],
    ));
    assert_eq!(
        result.status.code(),
        Some(1),
        "{:?} {}",
        result.status,
        stderr(&result)
    );
    assert!(stderr(&result).contains("x.png"), "{}", stderr(&result));
    assert_eq!(std::fs::read_dir(&folder.0)?.count(), 0);
    let recording = folder.file("x.pvz");
    let recording = recording.to_string_lossy();
    let result = output(&mut limited(
        "-f 32",
        &["record", "-s", "0.02", "--samples", "600", "-o", &recording],
    ));
    assert_eq!(
        result.status.code(),
        Some(0),
        "{:?} {}",
        result.status,
        stderr(&result)
    );
    assert!(stderr(&result).contains("lost"), "{}", stderr(&result));
    let check = output(procviz().args(["check", &recording]));
    assert_eq!(check.status.code(), Some(0), "{}", stderr(&check));
    Ok(())
}

/// With enough file descriptors procviz uses kernel events, with fewer `/proc` alone, and
/// with too few it prints a clear message.
fn few_open_files_are_enough() -> Result<(), Failed> {
    let folder = Folder::new("nofile");
    for files in [8, 16, 20, 23, 24, 28, 32, 36, 40, 48, 64, 71, 72, 80, 256] {
        let picture = folder.file(&format!("{files}.png"));
        let recording = folder.file(&format!("{files}.pvz"));
        let (picture, recording) = (picture.to_string_lossy(), recording.to_string_lossy());
        let limit = format!("-n {files}");
        for args in [
            &["grid", "-s", "0.05", "--samples", "1", "-o", &picture] as &[&str],
            &["record", "-s", "0.05", "--samples", "2", "-o", &recording],
            &["dump", "-s", "0.05", "--samples", "1", "--", "true"],
        ] {
            let result = output(&mut limited(&limit, args));
            let errors = stderr(&result);
            match files {
                ..24 => assert!(
                    errors.contains("ulimit -n") && result.status.code() == Some(1),
                    "{files} {args:?}: {errors}"
                ),
                // The limit can be enough for one subcommand and too low for another.
                24..32 if !result.status.success() => {
                    assert!(errors.contains("ulimit -n"), "{files} {args:?}: {errors}");
                }
                _ => assert!(result.status.success(), "{files} {args:?}: {errors}"),
            }
            if (24..72).contains(&files) {
                assert!(errors.contains("only /proc"), "{files} {args:?}: {errors}");
            }
        }
    }
    Ok(())
}
