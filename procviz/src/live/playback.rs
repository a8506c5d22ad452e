//! A recording in a live view: when its samples are due, and how somebody
//! goes to and fro in it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use nix::sys::signal::Signal;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::Instant,
};

use crate::{
    runtime::ending::{self, Takes},
    session::{Browsed, watch::Wake},
};

/// Speeds that `+` and `-` go through.
const SPEEDS: [f64; 10] = [0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 600.0];

/// What somebody outside asks of the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Nothing,
    Over,
    Suspend,
}

/// Where one is in a recording. Times are wall clock, ns since 1970.
pub(super) struct Replay {
    /// First and last moment.
    pub(super) span: (i128, i128),
    /// The moment that was shown at an instant; it goes on from there.
    anchor: (i128, Instant),
    pub(super) speed: f64,
    /// When something begins to stand out.
    pub(super) marks: Vec<i128>,
    /// Of which there are no samples.
    pub(super) holes: Vec<(i128, i128)>,
    /// Where somebody wants to be.
    pub(super) wanted: Option<i128>,
    clock: UnboundedSender<Option<Instant>>,
    asked: Arc<AtomicU8>,
}

impl Replay {
    /// `wake` is called when a sample is due, or somebody outside asks for something.
    ///
    /// # Errors
    ///
    /// When no thread can be had.
    pub(super) fn start(browsed: Browsed, speed: f64, wake: Wake) -> std::io::Result<Self> {
        ending::listen(Takes::AMoment)?;
        let (clock, due) = unbounded_channel();
        let asked = Arc::new(AtomicU8::new(0));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let to_ask = Arc::clone(&asked);
        std::thread::Builder::new()
            .name("procviz-clock".to_owned())
            .spawn(move || runtime.block_on(tick(due, &to_ask, &wake)))?;
        Ok(Self {
            span: browsed.span,
            anchor: (browsed.span.0, Instant::now()),
            speed,
            marks: browsed.marks,
            holes: browsed.holes,
            wanted: Some(browsed.at),
            clock,
            asked,
        })
    }

    /// What was asked since the last time.
    pub(super) fn asked(&self) -> Asked {
        match self.asked.swap(0, Ordering::SeqCst) {
            0 => Asked::Nothing,
            1 => Asked::Suspend,
            _ => Asked::Over,
        }
    }

    /// The moment that is due now.
    pub(super) fn due(&self) -> i128 {
        let (from, since) = self.anchor;
        from + (since.elapsed().as_nanos() as f64 * self.speed) as i128
    }

    /// It goes on from a moment.
    pub(super) fn anchor_at(&mut self, wall_ns: i128) {
        self.anchor = (wall_ns, Instant::now());
    }

    /// Wakes the view when a moment is due; `None`: never.
    pub(super) fn alarm(&self, wall_ns: Option<i128>) {
        let (from, since) = self.anchor;
        let at = wall_ns.map(|wall_ns| {
            let ahead = (wall_ns - from).max(0) as f64 / self.speed;
            since + Duration::from_nanos(ahead as u64)
        });
        // A clock that has stopped wakes nobody.
        _ = self.clock.send(at);
    }

    /// The next speed; false where there is none.
    pub(super) fn change_speed(&mut self, faster: bool) -> bool {
        let next = if faster {
            SPEEDS.iter().find(|speed| **speed > self.speed)
        } else {
            SPEEDS.iter().rev().find(|speed| **speed < self.speed)
        };
        let Some(next) = next else { return false };
        let due = self.due();
        self.anchor_at(due);
        self.speed = *next;
        true
    }

    /// A place on the bar, from 0 to 1, as a moment.
    pub(super) fn at(&self, part: f32) -> i128 {
        let (begin, end) = self.span;
        begin + ((end - begin) as f64 * f64::from(part.clamp(0.0, 1.0))) as i128
    }

    /// And back.
    pub(super) fn part(&self, wall_ns: i128) -> f32 {
        let (begin, end) = self.span;
        let whole = (end - begin).max(1) as f64;
        ((wall_ns - begin) as f64 / whole).clamp(0.0, 1.0) as f32
    }

    /// The next moment at which something begins to stand out, or the one before.
    pub(super) fn mark(&self, from: i128, forward: bool) -> Option<i128> {
        let mut marks = self.marks.iter().copied();
        if forward {
            marks.find(|mark| *mark > from)
        } else {
            marks.rfind(|mark| *mark < from)
        }
    }
}

/// Wakes at the instants that it is told, and at signals.
async fn tick(
    mut due: UnboundedReceiver<Option<Instant>>,
    asked: &AtomicU8,
    wake: &(impl Fn() + ?Sized),
) {
    let listen = |kind| signal(kind).ok();
    let mut over = [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
        SignalKind::quit(),
    ]
    .map(listen);
    let mut stop = listen(SignalKind::from_raw(Signal::SIGTSTP as i32));
    let mut next: Option<Instant> = None;
    loop {
        let far = Instant::now() + Duration::from_secs(86_400);
        let [a, b, c, d] = &mut over;
        tokio::select! {
            told = due.recv() => match told {
                Some(told) => { next = told; continue; }
                None => return,
            },
            () = tokio::time::sleep_until(next.unwrap_or(far)) => next = None,
            () = heard(a) => asked.store(2, Ordering::SeqCst),
            () = heard(b) => asked.store(2, Ordering::SeqCst),
            () = heard(c) => asked.store(2, Ordering::SeqCst),
            () = heard(d) => asked.store(2, Ordering::SeqCst),
            () = heard(&mut stop) => asked.store(1, Ordering::SeqCst),
        }
        wake();
    }
}

/// For ever where there is no signal to be had.
async fn heard(signal: &mut Option<tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => _ = signal.recv().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replay() -> Replay {
        let browsed = Browsed {
            span: (1_000, 3_000),
            at: 1_000,
            marks: vec![1_500, 2_500],
            holes: Vec::new(),
        };
        Replay::start(browsed, 1.0, Box::new(|| ())).unwrap()
    }

    #[test]
    fn places_on_the_bar() {
        let replay = replay();
        assert_eq!(replay.at(0.5), 2_000);
        assert_eq!(replay.at(7.0), 3_000);
        assert_eq!(replay.part(2_000), 0.5);
        assert_eq!(replay.part(0), 0.0);
        assert_eq!(replay.mark(1_500, true), Some(2_500));
        assert_eq!(replay.mark(1_500, false), None);
        assert_eq!(replay.mark(2_500, true), None);
    }

    #[test]
    fn speeds_have_ends() {
        let mut replay = replay();
        while replay.change_speed(true) {}
        assert_eq!(replay.speed, 600.0);
        while replay.change_speed(false) {}
        assert_eq!(replay.speed, 0.1);
    }
}
