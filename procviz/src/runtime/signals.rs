//! Waits for a time that SIGINT (Ctrl-C), SIGTERM or SIGHUP cuts short.

use std::{io, time::Duration};

use super::ending::{self, ShutdownTime};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Receives the signals that ask procviz to stop.
pub(crate) struct Interrupted {
    runtime: tokio::runtime::Runtime,
    signals: std::cell::RefCell<[Signal; 3]>,
}

impl Interrupted {
    /// Starts to listen for the signals.
    ///
    /// # Errors
    ///
    /// When the kernel refuses a handler.
    pub(crate) fn new(time: ShutdownTime) -> io::Result<Self> {
        ending::listen(time)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let signals = runtime.block_on(async {
            Ok::<_, io::Error>([
                signal(SignalKind::interrupt())?,
                signal(SignalKind::terminate())?,
                signal(SignalKind::hangup())?,
            ])
        })?;
        Ok(Self {
            runtime,
            signals: std::cell::RefCell::new(signals),
        })
    }

    /// Waits for `pause`. Returns true, and at once, when a signal asks procviz to stop.
    pub(crate) fn within(&self, pause: Duration) -> bool {
        let mut signals = self.signals.borrow_mut();
        let [interrupt, terminate, hangup] = &mut *signals;
        self.runtime.block_on(async {
            tokio::select! {
                () = tokio::time::sleep(pause) => false,
                _ = interrupt.recv() => true,
                _ = terminate.recv() => true,
                _ = hangup.recv() => true,
            }
        })
    }
}
