//! Runs `procviz __try`: tries what a confined procviz must not be able to do. Prints
//! one line per attempt: the thread, the attempt, and the answer of the kernel.

use std::{path::Path, sync::mpsc::sync_channel};

use crate::{
    runtime::{
        Failure,
        output::{OutFolder, confine_writer, take_owner_identity},
    },
    session::open,
    source::{capabilities::raise, confine::attempts, host},
};

pub(super) fn run(
    elsewhere: &Path,
    victim: i32,
    (output, reads): (&Path, bool),
) -> Result<u8, Failure> {
    let folder = OutFolder::open(output)?;
    if reads {
        open::confine_reader(&[folder]);
        print("reader", attempts::all(elsewhere, victim))?;
        return Ok(0);
    }
    let (ready, is_ready) = sync_channel(1);
    let (go, may_go) = sync_channel::<()>(1);
    let path = elsewhere.to_owned();
    let writer = std::thread::spawn(move || {
        let keep = take_owner_identity(&folder);
        confine_writer(&folder, keep);
        _ = ready.send(());
        _ = may_go.recv();
        let own = folder.create("written".as_ref(), 0o600);
        let mut all = attempts::all(&path, victim);
        all.push((
            "own file",
            own.map_or_else(|error| error.to_string(), |_| "ok".to_owned()),
        ));
        all
    });
    _ = is_ready.recv();
    let sampler = open::sampler(&host()?, true, None)?;
    print("main", attempts::all(elsewhere, victim))?;
    let path = elsewhere.to_owned();
    let reading = std::thread::spawn(move || {
        let _raised = raise();
        attempts::all(&path, victim)
    });
    let ended = |_| anyhow::anyhow!("a thread panicked");
    print("sampler", reading.join().map_err(ended)?)?;
    _ = go.send(());
    print("writer", writer.join().map_err(ended)?)?;
    drop(sampler);
    Ok(0)
}

fn print(thread: &str, attempts: Vec<(&'static str, String)>) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    for (what, outcome) in attempts {
        writeln!(out, "{thread}\t{what}\t{outcome}")?;
    }
    Ok(())
}
