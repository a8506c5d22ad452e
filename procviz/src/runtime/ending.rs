//! Ends procviz when a signal asks for that, whatever it is blocked in: a pipe
//! that nobody empties, a terminal that has stopped reading, a disk that hangs.
//! The first signal is heard by whoever samples, too, who ends in order.

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

/// How long ending in order may take.
const GRACE: Duration = Duration::from_millis(900);
const STEP: Duration = Duration::from_millis(50);

/// What ending in order takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Nothing to speak of.
    AMoment,
    /// What was watched is drawn and written first, however long a disk takes;
    /// only for a reader of the standard output nobody waits longer.
    Work,
}

static TAKES_WORK: AtomicBool = AtomicBool::new(false);
static HUNG_UP: AtomicBool = AtomicBool::new(false);
/// A command runs, and decides what to make of signals.
static HAS_COMMAND: AtomicBool = AtomicBool::new(false);
/// The first signal; 0 before it.
static FIRST: AtomicI32 = AtomicI32::new(0);
/// When writing to the standard output began, ms; 0 where nobody writes.
static WRITING_SINCE: AtomicU64 = AtomicU64::new(0);
/// Gives the terminal back without waiting for it.
static RESTORE: Mutex<Option<fn()>> = Mutex::new(None);
static STARTED: OnceLock<Instant> = OnceLock::new();

/// Listens from now on.
///
/// # Errors
///
/// When the kernel refuses a handler or a thread.
pub(crate) fn listen(takes: Takes) -> io::Result<()> {
    TAKES_WORK.fetch_or(takes == Takes::Work, Ordering::SeqCst);
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
    // What it takes to become somebody else is refused later on.
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
        give_grace(signal);
    } else {
        end(signal);
    }
}

fn give_grace(signal: i32) {
    let body = move || {
        sleep(GRACE);
        while TAKES_WORK.load(Ordering::SeqCst) && !is_stuck_writing() {
            sleep(STEP);
        }
        end(signal);
    };
    // Without a thread there is no grace.
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

/// Writes to the standard output, which may take as long as its reader likes.
pub(crate) fn while_writing<T>(write: impl FnOnce() -> T) -> T {
    WRITING_SINCE.store(now_ms(), Ordering::SeqCst);
    let outcome = write();
    WRITING_SINCE.store(0, Ordering::SeqCst);
    outcome
}

/// The terminal is gone, whether or not a signal says so.
pub(crate) fn hang_up() {
    HUNG_UP.store(true, Ordering::SeqCst);
}

/// Whether the terminal, or whoever started procviz, has hung up.
pub(crate) fn has_hung_up() -> bool {
    HUNG_UP.load(Ordering::SeqCst)
}

/// What gives the terminal back without waiting for it, while it is ours.
pub(crate) fn restore_with(restore: Option<fn()>) {
    if let Ok(mut current) = RESTORE.lock() {
        *current = restore;
    }
}

/// A command runs: signals are its own, and procviz ends when the command does.
pub(crate) fn mind_the_command() {
    HAS_COMMAND.store(true, Ordering::SeqCst);
}

/// The command has ended. Where a signal has asked for that, nothing is waited
/// for now.
pub(crate) fn forget_the_command() {
    HAS_COMMAND.store(false, Ordering::SeqCst);
    let signal = FIRST.load(Ordering::SeqCst);
    if signal != 0 {
        give_grace(signal);
    }
}
