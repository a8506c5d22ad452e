//! Controls the playback of a recording in a live view: when samples are due, and where
//! the user seeks.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    time::Duration,
};

use nix::sys::signal::Signal;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinHandle,
    time::Instant,
};

use crate::{
    replay::MachineReader,
    runtime::ending::{self, ShutdownTime},
    session::{SeekRange, watch::Wake},
    view::TimeGraph,
};

/// The speeds that the keys `+` and `-` select.
const SPEEDS: [f64; 10] = [0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 600.0];

/// The pointer is at a finding on the time bar if it is not further away than this.
const NEAR: f32 = 0.012;

/// What a signal asks of the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignalRequest {
    Nothing,
    /// End the view.
    Over,
    /// SIGTSTP: stop until SIGCONT.
    Suspend,
}

/// The position in a recording. Times are wall clock, ns since 1970.
pub(super) struct Replay {
    /// First and last moment of the recording, or of the part to show.
    pub(super) span: (i128, i128),
    /// The moment that was shown at an instant; playback goes on from there.
    anchor: (i128, Instant),
    /// Playback speed; 1 is the speed of the recording.
    pub(super) speed: f64,
    /// The moments at which findings begin, and what they say.
    pub(super) marks: Vec<(i128, String)>,
    /// Periods without samples.
    pub(super) gaps: Vec<(i128, i128)>,
    /// The moment that the user seeks.
    pub(super) wanted: Option<i128>,
    clock: UnboundedSender<Option<Instant>>,
    asked: Arc<AtomicU8>,
    /// How busy the machine was, once that is read.
    graph: Arc<Graph>,
}

/// The graph over the time bar; another thread reads it.
#[derive(Default)]
struct Graph {
    read: OnceLock<Arc<TimeGraph>>,
    /// It is there, and not shown yet.
    is_new: AtomicBool,
}

impl Replay {
    /// Starts the clock thread. The thread calls `wake` when a sample is due, and after a
    /// signal.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    pub(super) fn start(browsed: SeekRange, speed: f64, wake: Wake) -> std::io::Result<Self> {
        ending::listen(ShutdownTime::Short)?;
        let (clock, due) = unbounded_channel();
        let asked = Arc::new(AtomicU8::new(0));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let to_ask = Arc::clone(&asked);
        let graph = Arc::new(Graph::default());
        let to_read = Arc::clone(&graph);
        let (machine, span) = (browsed.machine, browsed.span);
        std::thread::Builder::new()
            .name("procviz-clock".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    let reading = tokio::task::spawn_blocking(move || read(&machine, span));
                    tick(due, reading, (&to_ask, &to_read), &wake).await;
                });
            })?;
        Ok(Self {
            span: browsed.span,
            anchor: (browsed.span.0, Instant::now()),
            speed,
            marks: browsed.marks,
            gaps: browsed.gaps,
            wanted: Some(browsed.at),
            clock,
            asked,
            graph,
        })
    }

    /// How busy the machine was; `None` until that is read.
    pub(super) fn graph(&self) -> Option<Arc<TimeGraph>> {
        self.graph.read.get().cloned()
    }

    /// Whether the graph has come since the last call.
    pub(super) fn has_new_graph(&self) -> bool {
        self.graph.is_new.swap(false, Ordering::SeqCst)
    }

    /// The finding that begins nearest to a position of the time bar, if one is near it.
    pub(super) fn mark_near(&self, at: f32) -> Option<&(i128, String)> {
        let far = |mark: &&(i128, String)| (self.part(mark.0) - at).abs();
        let nearest = self
            .marks
            .iter()
            .min_by(|one, two| far(one).total_cmp(&far(two)));
        nearest.filter(|mark| far(mark) <= NEAR)
    }

    /// What a signal has asked since the last call.
    pub(super) fn asked(&self) -> SignalRequest {
        match self.asked.swap(0, Ordering::SeqCst) {
            0 => SignalRequest::Nothing,
            1 => SignalRequest::Suspend,
            _ => SignalRequest::Over,
        }
    }

    /// The moment that is due now.
    pub(super) fn due(&self) -> i128 {
        let (from, since) = self.anchor;
        from + (since.elapsed().as_nanos() as f64 * self.speed) as i128
    }

    /// Lets playback go on from a moment.
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
        // A clock thread that has ended needs no alarm.
        _ = self.clock.send(at);
    }

    /// Selects the next speed; returns false if there is none.
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

    /// The moment at a position on the time bar, from 0 to 1.
    pub(super) fn at(&self, part: f32) -> i128 {
        let (begin, end) = self.span;
        begin + ((end - begin) as f64 * f64::from(part.clamp(0.0, 1.0))) as i128
    }

    /// The position of a moment on the time bar, from 0 to 1.
    pub(super) fn part(&self, wall_ns: i128) -> f32 {
        let (begin, end) = self.span;
        let whole = (end - begin).max(1) as f64;
        ((wall_ns - begin) as f64 / whole).clamp(0.0, 1.0) as f32
    }

    /// The next moment at which a finding begins, or the previous moment.
    pub(super) fn mark(&self, from: i128, forward: bool) -> Option<i128> {
        let mut marks = self.marks.iter().map(|(mark, _)| *mark);
        if forward {
            marks.find(|mark| *mark > from)
        } else {
            marks.rfind(|mark| *mark < from)
        }
    }
}

/// Reads how busy the machine was over a span.
fn read(machine: &MachineReader, (begin, end): (i128, i128)) -> TimeGraph {
    let whole = (end - begin).max(1) as f64;
    let part = |wall_ns: i128| ((wall_ns - begin) as f64 / whole) as f32;
    let mut graph = TimeGraph::new();
    machine.read(|of| {
        let span = (part(of.span.0), part(of.span.1));
        graph.add(span, of.shares);
    });
    graph
}

/// Wakes the view at the instants that come from `due`, after signals, and when the graph has
/// been read.
async fn tick(
    mut due: UnboundedReceiver<Option<Instant>>,
    mut reading: JoinHandle<TimeGraph>,
    (asked, graph): (&AtomicU8, &Graph),
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
            instant = due.recv() => match instant {
                Some(instant) => { next = instant; continue; }
                None => return,
            },
            () = tokio::time::sleep_until(next.unwrap_or(far)) => next = None,
            read = &mut reading, if graph.read.get().is_none() => {
                // What could not be read is not known.
                let read = read.unwrap_or_else(|_| TimeGraph::new());
                _ = graph.read.set(Arc::new(read));
                graph.is_new.store(true, Ordering::SeqCst);
            }
            () = heard(a) => asked.store(2, Ordering::SeqCst),
            () = heard(b) => asked.store(2, Ordering::SeqCst),
            () = heard(c) => asked.store(2, Ordering::SeqCst),
            () = heard(d) => asked.store(2, Ordering::SeqCst),
            () = heard(&mut stop) => asked.store(1, Ordering::SeqCst),
        }
        wake();
    }
}

/// Waits for a signal; without a signal handler, waits without end.
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
        let browsed = SeekRange {
            span: (1_000, 3_000),
            at: 1_000,
            marks: [1_500, 2_500].map(|at| (at, format!("at {at}"))).to_vec(),
            gaps: Vec::new(),
            machine: MachineReader::default(),
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
        let near = |at| replay.mark_near(at).map(|(_, words)| words.as_str());
        assert_eq!(near(0.245), Some("at 1500"));
        assert_eq!(near(0.5), None);
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
