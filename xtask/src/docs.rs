//! Draws the README's pictures from a scripted load, so that they can be
//! renewed, and writes the man page and the completions.

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

/// Users of the sleepers: those that every distribution has.
const USERS: [u32; 5] = [0, 1, 2, 9, 33];
const SLEEPERS: usize = 40;
const THREADS: &str = "24";

/// In their arguments: the pid of this, whose children the load and procviz are.
const OWN: &str = "{own}";
/// Pictures: their names and what is typed for them.
const PICTURES: [(&str, &[&str]); 5] = [
    ("grid.png", &["grid", "--duration", "6s"]),
    (
        "live.gif",
        &["grid", "-F", "2", "--samples", "12", "--size", "900x520"],
    ),
    ("bubble.png", &["bubble", "--duration", "6s"]),
    ("lines.png", &["lines", "-s", "1", "--duration", "12s"]),
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

/// Draws all, as root.
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
            ensure!(status.success(), "{name} was not drawn");
        }
        screens::photograph(docs, path)?;
        screens::incident(docs, path, folder)
    })
}

/// Draws the pictures of the incident alone.
pub(crate) fn incident() -> Result<()> {
    with_load(screens::incident)
}

/// Does something with the folder of the docs, where procviz is found, and a
/// folder of its own, while the load runs.
fn with_load(draw: impl FnOnce(&Path, &str, &Path) -> Result<()>) -> Result<()> {
    let root = root()?;
    // A copy of its own, and found by name: the pictures say what was typed.
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
    say("drawn: look at each at full size");
    Ok(())
}

/// Writes the man page and the completions, or with `--check` compares them.
pub(crate) fn check() -> Result<()> {
    let root = root()?;
    let made = made_texts(&root)?;
    for (name, text) in made {
        let there = fs::read(root.join("docs").join(&name)).unwrap_or_default();
        ensure!(
            there == text,
            "docs/{name} is not what the command line makes: run `cargo xtask docs --texts`"
        );
    }
    say("the man page and the completions are what the command line makes");
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
    ensure!(status.success(), "procviz does not build");
    fs::copy(root.join("target/release/procviz"), binary)?;
    Ok(())
}

/// What is wrong in the pictures, and the many for whom nothing is.
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
    // Through the file's descriptor: other users cannot reach where it lies.
    let child = Command::new("/proc/self/exe")
        .args(["scene", kind])
        .uid(uid)
        .stdout(Stdio::null())
        .spawn()?;
    Ok(child)
}

/// One process of the load.
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
        _ => bail!("no such part of the load: {kind}"),
    }
}

fn name(name: &str) -> Result<()> {
    Ok(fs::write("/proc/self/comm", name)?)
}
