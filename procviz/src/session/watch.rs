//! Takes samples at absolute deadlines on a thread of its own, so that drawing never
//! delays a sample. Hands samples over through a bounded channel.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel},
    },
    task::Poll,
    thread::JoinHandle,
    time::Duration,
};

use nix::sys::signal::Signal;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{
        Notify,
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    },
    time::{Instant, Interval, MissedTickBehavior, interval_at},
};

use crate::{
    model::Sample,
    runtime::{config::Schedule, ending::hang_up},
    source::{Sampler, SamplerError, capabilities::raise},
};

/// Upper limit for the samples that wait in the channel; when it is reached, the next
/// tick adds to the newest sample.
const QUEUE: usize = 4;

/// Upper limit for the events of a sample that waits; further events are lost and
/// counted.
const MOST_EVENTS: usize = 300_000;

/// A message from the sampling thread.
pub(crate) enum WatchMessage {
    /// A sample; `is_last` if no other sample follows.
    Sample { sample: Box<Sample>, is_last: bool },
    /// Sampling failed.
    Failed(SamplerError),
    /// SIGTSTP: procviz is asked to stop until SIGCONT.
    Suspend,
    /// SIGUSR2: the recorder is asked to write what its ring holds.
    Ask,
}

/// The signals that the sampling thread handles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HandledSignals {
    /// The signals that end procviz, and the signals of a live view.
    Plain,
    /// The same and SIGUSR2.
    Usr2,
}

/// An order from a live view to the sampling thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Take one sample now.
    Sample,
    /// Sample at this interval from now on.
    Interval(Duration),
    /// True: take only ordered samples. False: sample at the interval again.
    Pause(bool),
    /// Read the arguments of processes, also of processes that run already.
    Args,
}

/// Called by the sampling thread when there is something new to take.
pub(crate) type Wake = Box<dyn Fn() + Send>;

/// Handle of the sampling thread.
pub(crate) struct Watch {
    messages: Receiver<WatchMessage>,
    empty: SyncSender<Box<Sample>>,
    stop: Arc<Notify>,
    orders: UnboundedSender<Order>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Starts the thread; the opening census comes at once. Signals are forwarded to the
    /// process `child`, and its exit is notified through [`Watch::stop_notify`].
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    pub(crate) fn start(
        sampler: Sampler,
        schedule: &Schedule,
        child: Option<u32>,
        wake: Option<Wake>,
        handled_signals: HandledSignals,
    ) -> std::io::Result<Self> {
        let (sender, messages) = sync_channel(QUEUE);
        let (orders, ordered) = unbounded_channel();
        let (empty, reuse) = sync_channel(QUEUE + 2);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let schedule = *schedule;
        let stop = Arc::new(Notify::new());
        let mut ticker = Ticker {
            sampler,
            sender,
            reuse,
            late: 0,
            skipped: 0,
            dropped: 0,
            stop: Arc::clone(&stop),
            child,
            ordered,
            wake,
            handled_signals,
        };
        let body = move || {
            let _raised = raise();
            let outcome = runtime.block_on(ticker.run(&schedule));
            if let Err(error) = outcome {
                // Without a receiver, the error is of no use.
                _ = ticker.sender.send(WatchMessage::Failed(error));
            }
            ticker.wake();
        };
        let thread = std::thread::Builder::new()
            .name("procviz-sampler".to_owned())
            .spawn(body)?;
        Ok(Self {
            messages,
            empty,
            stop,
            orders,
            thread: Some(thread),
        })
    }

    /// A notification that ends the run with one last sample.
    pub(crate) fn stop_notify(&self) -> Arc<Notify> {
        Arc::clone(&self.stop)
    }

    /// Waits for the next message; `None` after the last message.
    pub(crate) fn next(&self) -> Option<WatchMessage> {
        self.messages.recv().ok()
    }

    /// The next message, without waiting.
    pub(crate) fn take(&self) -> Result<WatchMessage, TryRecvError> {
        self.messages.try_recv()
    }

    /// Sends an order to the thread; without effect after the thread has ended.
    pub(crate) fn order(&self, order: Order) {
        _ = self.orders.send(order);
    }

    /// Gives the memory of a sample back to the thread.
    pub(crate) fn give_back(&self, sample: Box<Sample>) {
        // A full channel means that the thread has enough memory for samples.
        _ = self.empty.try_send(sample);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Without a receiver, the thread ends at its next tick; it is not joined.
        drop(self.thread.take());
    }
}

struct Ticker {
    sampler: Sampler,
    sender: SyncSender<WatchMessage>,
    reuse: Receiver<Box<Sample>>,
    late: u64,
    skipped: u64,
    /// Number of events that were dropped because the samples were not taken.
    dropped: u64,
    stop: Arc<Notify>,
    child: Option<u32>,
    ordered: UnboundedReceiver<Order>,
    wake: Option<Wake>,
    handled_signals: HandledSignals,
}

/// Why the sampling thread wakes up.
enum WakeReason {
    Tick(Instant),
    Order(Order),
    Stop,
    Signal(Signal),
}

/// What follows a wake-up.
enum Action {
    Wait,
    Sample,
    SampleAndStop,
}

impl Ticker {
    async fn run(&mut self, schedule: &Schedule) -> Result<(), SamplerError> {
        let mut interval = schedule.interval;
        let mut is_paused = false;
        let mut signals = self.signals();
        let mut sample = Box::new(Sample::new(self.sampler.sources()));
        self.sampler.sample(&mut sample)?;
        let start = Instant::now();
        let mut is_open = self.hand_over(&mut sample, false);
        let mut ticks = ticks_of(interval);
        let mut done = 0;
        while is_open {
            let due = tokio::select! {
                due = ticks.tick(), if !is_paused => WakeReason::Tick(due),
                Some(order) = self.ordered.recv() => WakeReason::Order(order),
                () = self.stop.notified() => WakeReason::Stop,
                signal = first_of(&mut signals) => WakeReason::Signal(signal),
            };
            let stop = match self.act(due, (&mut ticks, &mut interval, &mut is_paused)) {
                Action::Wait => continue,
                Action::Sample => false,
                Action::SampleAndStop => true,
            };
            done += 1;
            let is_last = stop || schedule.is_over(done, start.elapsed());
            self.sampler.sample(&mut sample)?;
            sample.losses.late_ticks = self.late;
            sample.losses.skipped_ticks = self.skipped;
            sample.losses.other += self.dropped;
            is_open = self.hand_over(&mut sample, is_last) && !is_last;
        }
        Ok(())
    }

    /// The signals that the thread waits for.
    fn signals(&self) -> Vec<(Signal, tokio::signal::unix::Signal)> {
        let mut signals = vec![
            (Signal::SIGINT, SignalKind::interrupt()),
            (Signal::SIGTERM, SignalKind::terminate()),
            (Signal::SIGHUP, SignalKind::hangup()),
        ];
        if self.handled_signals == HandledSignals::Usr2 {
            signals.push((Signal::SIGUSR2, SignalKind::user_defined2()));
        }
        if self.wake.is_some() {
            // A view must restore its terminal or close its window first.
            signals.push((Signal::SIGQUIT, SignalKind::quit()));
            signals.push((
                Signal::SIGTSTP,
                SignalKind::from_raw(Signal::SIGTSTP as i32),
            ));
        }
        signals
            .into_iter()
            .filter_map(|(name, kind)| Some((name, signal(kind).ok()?)))
            .collect()
    }

    /// Does what the thread was woken up for.
    fn act(
        &mut self,
        due: WakeReason,
        (ticks, interval, is_paused): (&mut Interval, &mut Duration, &mut bool),
    ) -> Action {
        match due {
            WakeReason::Tick(due) => {
                self.count_lateness(due, *interval);
                Action::Sample
            }
            WakeReason::Stop => Action::SampleAndStop,
            WakeReason::Order(Order::Sample) => {
                // The next sample follows a whole interval later.
                ticks.reset();
                Action::Sample
            }
            WakeReason::Order(Order::Interval(new)) => {
                *interval = new;
                *ticks = ticks_of(new);
                Action::Wait
            }
            WakeReason::Order(Order::Pause(paused)) => {
                *is_paused = paused;
                ticks.reset();
                Action::Wait
            }
            WakeReason::Order(Order::Args) => {
                self.sampler.want_args();
                self.sampler.request_census();
                Action::Wait
            }
            WakeReason::Signal(Signal::SIGTSTP) => {
                // Without a receiver, the next sample ends the thread.
                _ = self.sender.send(WatchMessage::Suspend);
                self.wake();
                Action::Wait
            }
            WakeReason::Signal(Signal::SIGUSR2) => {
                _ = self.sender.send(WatchMessage::Ask);
                Action::Wait
            }
            WakeReason::Signal(signal) if self.forward_to_command(signal) => Action::Wait,
            WakeReason::Signal(Signal::SIGHUP) => {
                hang_up();
                Action::SampleAndStop
            }
            WakeReason::Signal(_) => Action::SampleAndStop,
        }
    }

    fn wake(&self) {
        if let Some(wake) = &self.wake {
            wake();
        }
    }

    /// Whether a signal is for the command, which decides how to react and whose exit ends
    /// the run. Forwards the signal, except SIGINT: the terminal sends Ctrl-C to the
    /// command, too.
    fn forward_to_command(&self, signal: Signal) -> bool {
        let Some(pid) = self.child.and_then(|pid| i32::try_from(pid).ok()) else {
            return false;
        };
        if signal == Signal::SIGINT {
            return true;
        }
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal).is_ok()
    }

    fn count_lateness(&mut self, due: Instant, interval: Duration) {
        let late = due.elapsed();
        self.late += u64::from(late > interval / 2);
        self.skipped += (late.as_secs_f64() / interval.as_secs_f64()) as u64;
    }

    /// Sends the sample. If the channel is full, keeps the sample, and the next tick adds
    /// to it: the sample is counted as late, but not lost. Returns false if the receiver
    /// is gone.
    fn hand_over(&mut self, sample: &mut Box<Sample>, is_last: bool) -> bool {
        let next = self
            .reuse
            .try_recv()
            .unwrap_or_else(|_| Box::new(Sample::new(self.sampler.sources())));
        let full = std::mem::replace(sample, next);
        let stamp = full.stamp;
        let message = WatchMessage::Sample {
            sample: full,
            is_last,
        };
        let outcome = if is_last {
            self.sender
                .send(message)
                .map_err(|error| TrySendError::Disconnected(error.0))
        } else {
            self.sender.try_send(message)
        };
        match outcome {
            Ok(()) => {
                self.sampler.handed_over(stamp);
                sample.machine.deaths = None;
                self.wake();
                true
            }
            Err(TrySendError::Full(WatchMessage::Sample { sample: kept, .. })) => {
                self.late += 1;
                *sample = kept;
                let dropped = sample.merge(MOST_EVENTS);
                if dropped > 0 {
                    self.dropped += dropped;
                    self.sampler.request_census();
                }
                true
            }
            Err(_) => false,
        }
    }
}

/// A tick after each interval from now on.
fn ticks_of(interval: Duration) -> Interval {
    let mut ticks = interval_at(Instant::now() + interval, interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}

/// Waits for the next of these signals; without signals, waits without end.
async fn first_of(signals: &mut [(Signal, tokio::signal::unix::Signal)]) -> Signal {
    std::future::poll_fn(|context| {
        let ready = signals
            .iter_mut()
            .find_map(|(name, signal)| signal.poll_recv(context).is_ready().then_some(*name));
        ready.map_or(Poll::Pending, Poll::Ready)
    })
    .await
}
