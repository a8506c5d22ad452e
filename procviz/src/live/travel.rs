//! Plays a recording in a live view: takes in the samples that are due, and seeks to the
//! moments that the user wants.

use std::time::{Duration, Instant};

use super::{LIVE_NS, Live, playback::SignalRequest};
use crate::{
    chart::{Bubble, Grid, Lines, RecentlyDead, Timeline},
    export::time,
    model::duration_text,
    replay::LONG_NS,
    runtime::Failure,
    session::Taken,
    view::{Effect, TimeBar},
};

/// How long samples can be taken in before the next frame.
const PATIENCE: Duration = Duration::from_millis(60);
/// Upper limit for the samples that are read before a moment for the table.
const MOST_BEFORE: u64 = 1_000;
/// Upper limit for the slew of the wall clock, ns.
const SLACK_NS: i128 = 20_000_000;
/// Upper limit for a step of the wall clock within a recording, ns.
const FAR_NS: i128 = 86_400_000_000_000;

impl Live {
    /// Seeks to the moment that the user wants to see.
    pub(super) fn settle(&mut self) -> Result<(), Failure> {
        let wanted = self.replay.as_mut().and_then(|replay| replay.wanted.take());
        let Some(wanted) = wanted else { return Ok(()) };
        let look_back_ns = match self.view.table.is_open {
            // With many samples a second, less is read: a seek must not take long.
            true => {
                let interval_ns = self.session.snapshot().stamp.interval_ns.max(1);
                RecentlyDead::LISTED_NS.min(interval_ns.saturating_mul(MOST_BEFORE))
            }
            false => 0,
        };
        self.session.seek(wanted, look_back_ns)?;
        // New charts: the old charts hold samples of another time.
        self.grid = Grid::new(self.charts.grid.clone()).stable();
        self.bubble = Bubble::new(self.charts.bubble.clone());
        self.lines = Lines::new(self.charts.lines.clone());
        self.timeline = Timeline::new(self.charts.timeline.clone()).of_the_last(LIVE_NS);
        self.timeline.show_heat(self.heat());
        if let Some(past) = self.session.take_past() {
            self.lines.recall(&past);
        }
        self.dead = RecentlyDead::default();
        self.last_popups.clear();
        let is_ahead = |next: Option<i128>| next.is_some_and(|next| next <= wanted);
        while is_ahead(self.session.next_wall_ns()) || !self.has_begun() {
            if self.session.next()?.is_none() {
                break;
            }
            self.observe();
        }
        if let Some(replay) = &mut self.replay {
            replay.anchor_at(wanted.min(replay.span.1));
        }
        self.set_alarm();
        Ok(())
    }

    /// Takes in the samples of a recording that are due.
    pub(super) fn play(&mut self) -> Result<Taken, Failure> {
        self.settle()?;
        let Some(replay) = &mut self.replay else {
            return Ok(Taken::Nothing);
        };
        match replay.asked() {
            SignalRequest::Nothing => {}
            SignalRequest::Suspend => return Ok(Taken::Suspend),
            SignalRequest::Over => {
                self.is_over = true;
                return Ok(Taken::All);
            }
        }
        let mut taken = match replay.has_new_graph() {
            true => Taken::Sample,
            false => Taken::Nothing,
        };
        if self.view.is_paused {
            return Ok(taken);
        }
        let (due, began) = (replay.due(), Instant::now());
        while let Some(next) = self.session.next_wall_ns().filter(|next| *next <= due) {
            if self.session.next()?.is_none() {
                break;
            }
            self.observe();
            taken = Taken::Sample;
            if began.elapsed() > PATIENCE {
                // The samples cannot be taken in at this speed.
                self.anchor_at(next);
                break;
            }
        }
        match self.session.next_wall_ns() {
            None => {
                self.view.is_paused = true;
                self.view.message = Some("the end of the recording".to_owned());
                taken = Taken::Sample;
            }
            Some(next) if next - due.max(self.now()) > i128::from(LONG_NS) => {
                let gap = u64::try_from(next - self.now()).unwrap_or_default();
                self.view.message = Some(format!("{} without samples", duration_text(gap)));
                self.anchor_at(next);
            }
            Some(_) => {}
        }
        self.set_alarm();
        Ok(taken)
    }

    /// The moment that is shown; wall clock, ns since 1970.
    fn now(&self) -> i128 {
        let snapshot = self.session.snapshot();
        snapshot.host.boot_wall_ns + i128::from(snapshot.stamp.boot_ns)
    }

    fn anchor_at(&mut self, wall_ns: i128) {
        if let Some(replay) = &mut self.replay {
            replay.anchor_at(wall_ns);
        }
    }

    pub(super) fn set_alarm(&self) {
        if let Some(replay) = &self.replay {
            let next = self.session.next_wall_ns();
            replay.alarm(next.filter(|_| !self.view.is_paused));
        }
    }

    /// Executes a playback command: step, seek, speed or pause.
    fn travel(&mut self, effect: &Effect) -> Result<(), Failure> {
        let now = self.now();
        let Some(replay) = &mut self.replay else {
            return Ok(());
        };
        match effect {
            Effect::Step(true) => match self.session.next()? {
                Some(_) => self.observe(),
                None => self.view.message = Some("the end of the recording".to_owned()),
            },
            Effect::Step(false) if now <= replay.span.0 => {
                self.view.message = Some("the beginning of the recording".to_owned());
            }
            Effect::Step(false) => replay.wanted = Some(now - 1),
            // If the wall clock was set, the last sample can be after the end of the span.
            Effect::Seek(part) if *part >= 1.0 => replay.wanted = Some(replay.span.1 + FAR_NS),
            Effect::Seek(part) => replay.wanted = Some(replay.at(*part)),
            Effect::Mark(forward) => {
                let slack = if *forward { SLACK_NS } else { -SLACK_NS };
                match replay.mark(now + slack, *forward) {
                    Some(mark) => replay.wanted = Some(mark + SLACK_NS / 2),
                    None => {
                        let where_to = if *forward { "after" } else { "before" };
                        self.view.message = Some(format!("no finding begins {where_to} this"));
                    }
                }
            }
            Effect::Speed(faster) => {
                let is_other = replay.change_speed(*faster);
                let end = if is_other { "" } else { ", the limit" };
                self.view.message = Some(format!("plays {}x{end}", replay.speed));
            }
            Effect::Pause(false) if self.session.next_wall_ns().is_none() => {
                replay.wanted = Some(replay.span.0);
            }
            Effect::Pause(_) => replay.anchor_at(now),
            _ => {}
        }
        self.settle()?;
        self.set_alarm();
        Ok(())
    }

    /// The time bar of a recording.
    pub(super) fn bar(&self) -> Option<TimeBar> {
        let replay = self.replay.as_ref()?;
        let host = &self.session.snapshot().host;
        let (begin, end) = replay.span;
        let day = |wall_ns: i128| {
            let boot_ns = u64::try_from(wall_ns - host.boot_wall_ns).unwrap_or_default();
            time::local(host, boot_ns)
                .split(' ')
                .next()
                .map(str::to_owned)
        };
        let is_of_one_day = day(begin) == day(end);
        let clock = |wall_ns: i128| {
            let boot_ns = u64::try_from(wall_ns - host.boot_wall_ns).unwrap_or_default();
            let text = time::local(host, boot_ns);
            let mut words = text.split(' ');
            let (day, clock) = (words.next(), words.next().unwrap_or_default());
            match day.filter(|_| !is_of_one_day) {
                None => clock.to_owned(),
                // With several days, the month and the day are enough.
                Some(day) => format!(
                    "{} {}",
                    day.get(5..).unwrap_or(day),
                    clock.get(..5).unwrap_or(clock)
                ),
            }
        };
        let hover = self.view.bar_at.map(|at| {
            let words = match replay.mark_near(at) {
                Some((wall_ns, words)) => format!("{} {words}", clock(*wall_ns)),
                None => clock(replay.at(at)),
            };
            (at, words)
        });
        let marks = replay.marks.iter();
        let gaps = replay.gaps.iter();
        let is_shown = |(from, to): &&(i128, i128)| *to > begin && *from < end;
        let gaps = gaps.filter(is_shown);
        Some(TimeBar {
            at: replay.part(self.now()),
            marks: marks.map(|(mark, _)| replay.part(*mark)).collect(),
            gaps: gaps
                .map(|(from, to)| (replay.part(*from), replay.part(*to)))
                .collect(),
            begin: clock(begin),
            end: clock(end),
            graph: replay.graph(),
            hover,
        })
    }

    /// Rebuilds the charts for the moment that is shown, from the trails before it.
    pub(super) fn rebuild_charts(&mut self) {
        let now = self.now();
        if let Some(replay) = &mut self.replay {
            replay.wanted = Some(now);
        }
        if let Err(failure) = self.settle() {
            self.view.message = Some(format!("{:#}", failure.error));
        }
    }

    pub(super) fn try_command(&mut self, effect: &Effect) {
        if let Err(failure) = self.travel(effect) {
            self.view.message = Some(format!("{:#}", failure.error));
        }
    }
}
