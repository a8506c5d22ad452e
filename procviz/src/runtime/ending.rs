//! Ends procviz after a signal, whatever procviz is blocked in: a full pipe without a
//! reader, a terminal that has stopped reading, a disk that hangs. The sampling thread
//! receives the first signal, too, and starts an orderly shutdown.

use std::{
    io,
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering},
        mpsc::sync_channel,
    },
    thread::sleep,
    time::{Duration, Instant},
};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
    low_level::exit,
};

use crate::source::confine;

/// How long an orderly shutdown can take before procviz exits without it.
const GRACE: Duration = Duration::from_millis(900);
/// How often a thread that waits for an orderly shutdown looks for a blocked write.
const STEP: Duration = Duration::from_millis(50);

/// How long an orderly shutdown of this run takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShutdownTime {
    /// No longer than [`GRACE`].
    Short,
    /// As long as a disk needs: what was watched is drawn and written first. Only a
    /// blocked write to standard output gets no more than [`GRACE`].
    AsNeeded,
}

/// The run has what it watched to draw or write: [`ShutdownTime::AsNeeded`].
static HAS_WORK: AtomicBool = AtomicBool::new(false);
static HUNG_UP: AtomicBool = AtomicBool::new(false);
/// A command runs under watch, and decides how to react to signals.
static HAS_COMMAND: AtomicBool = AtomicBool::new(false);
/// Number of the first signal; 0 before the first signal.
static FIRST: AtomicI32 = AtomicI32::new(0);
/// When the current write to standard output began, ms (see [`now_ms`]); 0 between
/// writes.
static WRITING_SINCE: AtomicU64 = AtomicU64::new(0);
/// Restores the terminal without waiting for the terminal; `None` outside live views.
static RESTORE: Mutex<Option<fn()>> = Mutex::new(None);
/// When [`listen`] was called first.
static STARTED: OnceLock<Instant> = OnceLock::new();

/// Starts the thread that handles SIGINT, SIGTERM and SIGHUP, unless it runs already.
///
/// # Errors
///
/// When the kernel refuses a handler or a thread.
pub(crate) fn listen(time: ShutdownTime) -> io::Result<()> {
    HAS_WORK.fetch_or(time == ShutdownTime::AsNeeded, Ordering::SeqCst);
    let mut is_new = false;
    STARTED.get_or_init(|| {
        is_new = true;
        Instant::now()
    });
    if !is_new {
        return Ok(());
    }
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let (ready, is_ready) = sync_channel(1);
    let body = move || {
        confine::alone();
        _ = ready.send(());
        for signal in &mut signals {
            hear(signal);
        }
    };
    std::thread::Builder::new()
        .name("procviz-signals".to_owned())
        .spawn(body)?;
    // The thread must change its user id now: later, seccomp refuses the system calls.
    _ = is_ready.recv();
    Ok(())
}

fn hear(signal: i32) {
    HUNG_UP.fetch_or(signal == SIGHUP, Ordering::SeqCst);
    let is_first = FIRST.swap(signal, Ordering::SeqCst) == 0;
    if HAS_COMMAND.load(Ordering::SeqCst) {
        return;
    }
    if is_first {
        exit_after_grace(signal);
    } else {
        end(signal);
    }
}

fn exit_after_grace(signal: i32) {
    let body = move || {
        sleep(GRACE);
        while HAS_WORK.load(Ordering::SeqCst) && !is_stuck_writing() {
            sleep(STEP);
        }
        end(signal);
    };
    // Without a thread to wait, procviz exits at once.
    if std::thread::Builder::new().spawn(body).is_err() {
        end(signal);
    }
}

fn end(signal: i32) -> ! {
    if let Ok(restore) = RESTORE.try_lock()
        && let Some(restore) = *restore
    {
        restore();
    }
    exit(128 + signal)
}

/// Time since [`STARTED`] plus 1, ms; never 0.
fn now_ms() -> u64 {
    let since = STARTED.get().map_or(Duration::ZERO, Instant::elapsed);
    since.as_millis() as u64 + 1
}

fn is_stuck_writing() -> bool {
    match WRITING_SINCE.load(Ordering::SeqCst) {
        0 => false,
        since => now_ms().saturating_sub(since) >= GRACE.as_millis() as u64,
    }
}

/// Runs a write to standard output. The write blocks for as long as the reader of a
/// full pipe does not read.
pub(crate) fn while_writing<T>(write: impl FnOnce() -> T) -> T {
    WRITING_SINCE.store(now_ms(), Ordering::SeqCst);
    let outcome = write();
    WRITING_SINCE.store(0, Ordering::SeqCst);
    outcome
}

/// Notes that the terminal is gone, with or without a SIGHUP.
pub(crate) fn hang_up() {
    HUNG_UP.store(true, Ordering::SeqCst);
}

/// Whether the terminal is gone, or procviz has received a SIGHUP.
pub(crate) fn has_hung_up() -> bool {
    HUNG_UP.load(Ordering::SeqCst)
}

/// Sets the function that restores the terminal without waiting for the terminal;
/// `None` when procviz no longer uses the terminal.
pub(crate) fn restore_with(restore: Option<fn()>) {
    if let Ok(mut current) = RESTORE.lock() {
        *current = restore;
    }
}

/// Notes that a command runs: the command reacts to signals, and procviz ends when the
/// command exits.
pub(crate) fn command_started() {
    HAS_COMMAND.store(true, Ordering::SeqCst);
}

/// Notes that the command has exited. If a signal has come before, the grace period
/// of procviz begins now.
pub(crate) fn command_exited() {
    HAS_COMMAND.store(false, Ordering::SeqCst);
    let signal = FIRST.load(Ordering::SeqCst);
    if signal != 0 {
        exit_after_grace(signal);
    }
}
