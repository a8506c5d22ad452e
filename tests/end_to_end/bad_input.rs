use libtest_mimic::Failed;

use crate::{
    Needs, Test,
    support::{Folder, output, procviz, stderr},
};

pub(crate) const TESTS: &[Test] = &[
    (
        "what_makes_no_sense_is_named",
        Needs::Nothing,
        what_makes_no_sense_is_named,
    ),
    (
        "what_is_there_is_kept",
        Needs::Nothing,
        what_is_there_is_kept,
    ),
    (
        "a_full_disk_leaves_nothing",
        Needs::Events,
        a_full_disk_leaves_nothing,
    ),
];

/// Each invalid value is refused with exit status 2 and a message that has the value.
fn what_makes_no_sense_is_named() -> Result<(), Failed> {
    let folder = Folder::new("usage");
    let file = folder.file("x.png");
    let cases: &[(&[&str], &str)] = &[
        (&["-c", "no-such-colour"], "no-such-colour"),
        (&["-c", "red,red,red,red,red,red,red,red"], "red,red"),
        (&["-s", "0"], "0"),
        (&["-s", "-1"], "-1"),
        (&["-s", "NaN"], "NaN"),
        (&["-s", "inf"], "inf"),
        (&["-s", "1e300"], "1e300"),
        (&["-s", "0.0000001"], "0.0000001"),
        (&["-s", "soon"], "soon"),
        (&["-F", "0"], "0"),
        (&["-F", "-5"], "-5"),
        (&["-F", "1000000"], "1000000"),
        (&["-s", "1", "-F", "1"], "--hz"),
        (&["-n", "0"], "0"),
        (&["-n", "many"], "many"),
        (&["-d", "0"], "0"),
        (&["--samples", "0"], "0"),
        (&["--samples", "5"], "{number}"),
        (&["--duration", "soon"], "soon"),
        (&["--duration", "-3s"], "-3s"),
        (&["--size", "big"], "big"),
        (&["--size", "1x1"], "1x1"),
        (&["--theme", "grey"], "grey"),
        (&["--no-such-option"], "--no-such-option"),
    ];
    for (args, named) in cases {
        let result = output(procviz().args(["grid", "-o"]).arg(&file).args(*args));
        let errors = stderr(&result);
        assert_eq!(result.status.code(), Some(2), "{args:?}: {errors}");
        assert!(
            errors.contains(named),
            "{args:?}: no `{named}` in: {errors}"
        );
    }
    for (name, named) in [("x.bmp", "x.bmp"), ("x", ".png")] {
        let result = output(procviz().args(["grid", "-o"]).arg(folder.file(name)));
        assert_eq!(result.status.code(), Some(2), "{}", stderr(&result));
        assert!(stderr(&result).contains(named));
    }
    let result = output(&mut procviz());
    assert_eq!(result.status.code(), Some(2));
    assert!(stderr(&result).contains("-o"), "{}", stderr(&result));
    assert_eq!(
        std::fs::read_dir(&folder.0)?.count(),
        0,
        "a file was created"
    );
    Ok(())
}

fn what_is_there_is_kept() -> Result<(), Failed> {
    let folder = Folder::new("kept");
    let file = folder.file("x.png");
    std::fs::write(&file, "precious")?;
    let link = folder.file("link.png");
    std::os::unix::fs::symlink(&file, &link)?;
    let dangling = folder.file("dangling.svg");
    std::os::unix::fs::symlink(folder.file("made-by-link.svg"), &dangling)?;
    let nowhere = folder.file("no/such/folder/x.png");
    let args = ["grid", "--samples", "1", "-s", "0.05", "-o"];
    for (path, force, named) in [
        (&file, false, "--force"),
        (&link, false, "symbolic link"),
        (&link, true, "symbolic link"),
        (&dangling, true, "symbolic link"),
        (&nowhere, false, "no/such/folder"),
    ] {
        let result = output(
            procviz()
                .args(args)
                .arg(path)
                .args(force.then_some("--force")),
        );
        let errors = stderr(&result);
        assert_eq!(
            result.status.code(),
            Some(1),
            "{}: {errors}",
            path.display()
        );
        assert!(errors.contains(named), "{errors}");
        assert_eq!(std::fs::read_to_string(&file)?, "precious");
    }
    assert_eq!(
        std::fs::read_dir(&folder.0)?.count(),
        3,
        "a file was created"
    );
    let result = output(procviz().args(args).arg(&file).arg("--force"));
    assert!(result.status.success(), "{}", stderr(&result));
    assert!(std::fs::read(&file)?.starts_with(b"\x89PNG"));
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file)?.permissions());
    assert_eq!(mode & 0o777, 0o600);
    Ok(())
}

fn a_full_disk_leaves_nothing() -> Result<(), Failed> {
    let folder = Folder::new("full");
    let mount = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=16k", "tmpfs"])
        .arg(&folder.0)
        .status()?;
    if !mount.success() {
        return crate::support::skip("cannot mount a file system");
    }
    let file = folder.file("x.png");
    let result = output(
        procviz()
            .args(["grid", "--samples", "1", "-s", "0.05", "-o"])
            .arg(&file),
    );
    let left = std::fs::read_dir(&folder.0)?.count();
    std::process::Command::new("umount")
        .arg(&folder.0)
        .status()?;
    assert_eq!(result.status.code(), Some(1));
    assert!(stderr(&result).contains("x.png"), "{}", stderr(&result));
    assert_eq!(left, 0, "a file is left on the full disk");
    Ok(())
}
