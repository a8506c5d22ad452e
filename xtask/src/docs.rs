//! Draws the README's pictures from a scripted workload, so that they can be drawn again,
//! and writes the man page and the completions.

use std::{
    fs,
    io::Write as _,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    ebpf::{root, say},
    screens,
};

/// User ids of the sleepers. Every distribution has these users.
const USERS: [u32; 5] = [0, 1, 2, 9, 33];
const SLEEPERS: usize = 40;
const THREADS: &str = "24";

/// Placeholder in the arguments of a picture: the pid of this process. The workload and
/// procviz are its children.
const OWN: &str = "{own}";
/// Pictures: the file name and the arguments of procviz.
const PICTURES: [(&str, &[&str]); 6] = [
    ("grid.png", &["grid", "--duration", "6s"]),
    (
        "live.gif",
        &["grid", "-F", "2", "--samples", "12", "--size", "900x520"],
    ),
    ("bubble.png", &["bubble", "--tree", OWN, "--duration", "6s"]),
    ("lines.png", &["lines", "-s", "1", "--duration", "12s"]),
    (
        "timeline.png",
        &["timeline", "--tree", OWN, "--duration", "12s"],
    ),
    (
        "grid-dark-command.png",
        &[
            "grid",
            "--theme",
            "dark",
            "--group",
            "command",
            "--tree",
            OWN,
            "--duration",
            "6s",
        ],
    ),
];

/// Draws all pictures. Needs root.
pub(crate) fn run() -> Result<()> {
    texts(&root()?)?;
    with_load(|docs, path, folder| {
        for (name, args) in PICTURES {
            let own = std::process::id().to_string();
            let args = args.iter().map(|argument| argument.replace(OWN, &own));
            let status = Command::new("procviz")
                .args(args)
                .args(["--require-ebpf", "--force", "-o", name])
                .current_dir(docs)
                .env("PATH", path)
                .status()
                .context("failed to run procviz")?;
            ensure!(status.success(), "failed to draw `{name}`");
        }
        screens::photograph(docs, path)?;
        screens::incident(docs, path, folder)
    })
}

/// Draws only the pictures of the incident.
pub(crate) fn incident() -> Result<()> {
    with_load(screens::incident)
}

/// Runs `draw` while the workload runs. Its arguments are the folder `docs`, a `PATH` that
/// has procviz, and a temporary folder.
fn with_load(draw: impl FnOnce(&Path, &str, &Path) -> Result<()>) -> Result<()> {
    let root = root()?;
    // A copy that is found by name, because the pictures show the typed command.
    let folder = std::env::temp_dir().join(format!("procviz-docs-{}", std::process::id()));
    fs::create_dir(&folder)?;
    let binary = folder.join("procviz");
    build(&root, &binary)?;
    let path = format!(
        "{}:{}",
        folder.display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let load = Load::start()?;
    sleep(Duration::from_secs(2));
    let outcome = draw(&root.join("docs"), &path, &folder);
    drop(load);
    fs::remove_dir_all(&folder)?;
    outcome?;
    say("pictures drawn: check each at full size");
    Ok(())
}

/// Compares the committed man page and completions with new ones.
pub(crate) fn check() -> Result<()> {
    let root = root()?;
    let made = made_texts(&root)?;
    for (name, text) in made {
        let there = fs::read(root.join("docs").join(&name)).unwrap_or_default();
        ensure!(
            there == text,
            "`docs/{name}` is out of date: run `cargo xtask docs --texts`"
        );
    }
    say("the man page and the completions are up to date");
    Ok(())
}

pub(crate) fn write_texts() -> Result<()> {
    texts(&root()?)
}

fn texts(root: &Path) -> Result<()> {
    for (name, text) in made_texts(root)? {
        fs::write(root.join("docs").join(name), text)?;
    }
    Ok(())
}

fn made_texts(root: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let made = |name: &str, args: &[&str]| -> Result<(String, Vec<u8>)> {
        let output = Command::new("cargo")
            .args(["run", "--quiet", "--package", "procviz", "--"])
            .args(args)
            .current_dir(root)
            .stderr(Stdio::inherit())
            .output()
            .context("failed to run cargo")?;
        ensure!(
            output.status.success(),
            "`procviz {}` failed",
            args.join(" ")
        );
        Ok((name.to_owned(), output.stdout))
    };
    Ok(vec![
        made("procviz.1", &["man"])?,
        made("procviz.bash", &["completions", "bash"])?,
        made("_procviz", &["completions", "zsh"])?,
        made("procviz.fish", &["completions", "fish"])?,
    ])
}

fn build(root: &Path, binary: &Path) -> Result<()> {
    let status = Command::new("cargo")
        .args(["build", "--release", "--package", "procviz"])
        .current_dir(root)
        .status()
        .context("failed to run cargo")?;
    ensure!(status.success(), "failed to build procviz");
    fs::copy(root.join("target/release/procviz"), binary)?;
    Ok(())
}

/// The workload of the pictures: some processes with problems, and many that sleep.
struct Load(Vec<Child>);

impl Load {
    fn start() -> Result<Self> {
        let mut load = Self(Vec::new());
        for kind in ["busy-loop", "grower", "fork-loop", "supervisor", "writer"] {
            load.0.push(scene(kind, 0)?);
        }
        for index in 0..SLEEPERS {
            load.0.push(scene("sleeper", USERS[index % USERS.len()])?);
        }
        Ok(load)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for child in &mut self.0 {
            _ = child.kill();
            _ = child.wait();
        }
    }
}

fn scene(kind: &str, uid: u32) -> Result<Child> {
    // Through `/proc/self/exe`: other users cannot reach the path of the file.
    let child = Command::new("/proc/self/exe")
        .args(["scene", kind])
        .uid(uid)
        .stdout(Stdio::null())
        .spawn()?;
    Ok(child)
}

/// Runs one process of the workload.
pub(crate) fn act(kind: &str) -> Result<()> {
    name(kind)?;
    let pause = |ms| sleep(Duration::from_millis(ms));
    match kind {
        "busy-loop" => loop {
            std::hint::spin_loop();
        },
        "grower" => {
            let mut held = Vec::new();
            loop {
                held.push(vec![1u8; 4 << 20]);
                pause(100);
                if held.len() > 500 {
                    held.clear();
                }
            }
        }
        "fork-loop" => loop {
            Command::new("/bin/true").status()?;
            pause(5);
        },
        "supervisor" => loop {
            Command::new("/proc/self/exe")
                .args(["scene", "crasher"])
                .stderr(Stdio::null())
                .status()?;
            pause(200);
        },
        "crasher" => {
            pause(100);
            std::process::abort();
        }
        "writer" => {
            let mut file = fs::File::create(std::env::temp_dir().join("procviz-docs-written"))?;
            loop {
                use std::io::Seek as _;
                file.rewind()?;
                file.write_all(&vec![1; 1 << 20])?;
                file.sync_all()?;
                pause(10);
            }
        }
        "sleeper" => crate::bench::run_load(&["sleep", THREADS]),
        _ => bail!("unknown process of the workload: `{kind}`"),
    }
}

fn name(name: &str) -> Result<()> {
    Ok(fs::write("/proc/self/comm", name)?)
}
