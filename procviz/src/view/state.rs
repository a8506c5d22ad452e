//! Holds the state of a live view, and changes the state on input. Does no I/O.

mod table_keys;

use std::time::Duration;

use super::{Hits, Input, Key, TableView, Target, line::Line};
#[cfg(feature = "window")]
use crate::scene::Magnifier;
use crate::{
    chart::{ANGLE, Grouping, Sorting},
    model::{Scope, TaskId},
};

/// The kind of a chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChartKind {
    Grid,
    Bubble,
    Lines,
    Timeline,
}

impl ChartKind {
    /// The name of the command that opens the chart.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Grid => "grid",
            Self::Bubble => "bubble",
            Self::Lines => "lines",
            Self::Timeline => "timeline",
        }
    }
}

/// Which part of the view handles the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The chart.
    Normal,
    /// The filter line.
    Filter,
    /// The help, which covers the view.
    Help,
}

/// An action that input causes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    /// Close the view.
    Quit,
    /// Draw the picture again.
    Redraw,
    /// Take a sample now.
    Sample,
    /// Pause (`true`) or resume (`false`) sampling.
    Pause(bool),
    /// Use another interval.
    Interval,
    /// Use another filter line.
    Filter,
    /// Use another chart, scope, grouping or order.
    Chart,
    /// Save the picture to a file.
    Save,
    /// In a recording: go to the next (`true`) or the previous (`false`) sample.
    Step(bool),
    /// In a recording: seek to a position on the time bar, 0 to 1.
    Seek(f32),
    /// In a recording: go to the next (`true`) or the previous (`false`) start of a
    /// finding.
    Mark(bool),
    /// In a recording: play faster (`true`) or slower (`false`).
    Speed(bool),
}

/// The visible picture, to which input refers.
pub(crate) struct Stage<'a> {
    /// Positions of tasks, findings and the time bar.
    pub(crate) hits: &'a Hits,
    /// The task of each finding, in order; `None` if a finding is not about one task.
    pub(crate) findings: &'a [Option<TaskId>],
}

/// The state of a live view.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) chart: ChartKind,
    /// Scopes of grid, bubble, lines and timeline.
    pub(crate) scopes: [Scope; 4],
    pub(crate) grouping: Grouping,
    pub(crate) interval: Duration,
    pub(crate) is_paused: bool,
    /// Whether the view shows a recording, in which the user can seek.
    pub(crate) is_recording: bool,
    /// Whether threads are known. A recording can contain processes only.
    pub(crate) has_threads: bool,
    /// Whether processes are shown instead of threads, because threads cost more CPU.
    pub(crate) is_reduced: bool,
    /// The task that was selected by keys or through a finding.
    pub(crate) selected: Option<TaskId>,
    /// The task under the pointer.
    pub(crate) hovered: Option<TaskId>,
    /// The position of the pointer on the time bar, 0 to 1, if it is there.
    pub(crate) bar_at: Option<f32>,
    /// The pinned tasks, in the order of pinning.
    pub(crate) pins: Vec<TaskId>,
    pub(crate) filter: Line,
    /// Why the filter line cannot be applied: the last filter that could be is used.
    pub(crate) filter_error: Option<String>,
    pub(crate) mode: Mode,
    pub(crate) sorting: Sorting,
    /// Number of grid rows above the screen.
    pub(crate) scroll: usize,
    /// Factor and position of the enlarged plot.
    #[cfg(feature = "window")]
    pub(crate) glass: Magnifier,
    /// In a terminal, whose cells have a fixed size: the factor by which the last part
    /// of the lines chart is enlarged. `None` in a window.
    pub(crate) span: Option<f64>,
    /// Whether the timeline is a heat map.
    pub(crate) shows_heat: bool,
    /// Whether the lines chart of a window is in 3D.
    pub(crate) lines_in_3d: bool,
    /// Viewing angle of the lines chart in 3D: rotation and tilt, in degrees.
    pub(crate) angle: (f32, f32),
    pub(crate) table: TableView,
    /// Message in the foot until the next key.
    pub(crate) message: Option<String>,
    finding: Option<usize>,
}

/// Intervals that `+` and `-` step through, ms.
const INTERVALS: [u64; 12] = [
    10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000,
];
/// Rotation per key press, in degrees.
const TURN: f32 = 6.0;
/// Rotation per dragged pixel, in degrees.
const DRAG: f32 = 0.4;
/// Rows to scroll per key press.
const SCREEN: usize = 10;
/// Pixels to move an enlarged plot per key press.
#[cfg(feature = "window")]
const PAGE: f32 = 300.0;
/// Factor per wheel step.
#[cfg(feature = "window")]
const ZOOM: f32 = 1.25;
/// Largest factor for the last part of the lines chart.
const LONGEST_SPAN: f64 = 64.0;

impl View {
    /// Makes a view of a chart.
    pub(crate) fn new(
        chart: ChartKind,
        scopes: [Scope; 4],
        grouping: Grouping,
        interval: Duration,
    ) -> Self {
        Self {
            chart,
            scopes,
            grouping,
            interval,
            is_paused: false,
            is_recording: false,
            has_threads: true,
            is_reduced: false,
            selected: None,
            hovered: None,
            bar_at: None,
            pins: Vec::new(),
            filter: Line::default(),
            filter_error: None,
            mode: Mode::Normal,
            sorting: Sorting::default(),
            scroll: 0,
            #[cfg(feature = "window")]
            glass: Magnifier::default(),
            span: None,
            shows_heat: false,
            lines_in_3d: false,
            angle: ANGLE,
            table: TableView::default(),
            message: None,
            finding: None,
        }
    }

    /// The scope of the visible chart.
    pub(crate) fn scope(&self) -> Scope {
        self.scope_of(self.chart)
    }

    /// The scope of a chart.
    pub(crate) fn scope_of(&self, chart: ChartKind) -> Scope {
        if !self.has_threads {
            return Scope::Processes;
        }
        // The lines chart has few lines, and these two would lose their history.
        let has_history = matches!(chart, ChartKind::Lines | ChartKind::Timeline);
        if self.is_reduced && !has_history {
            return Scope::Processes;
        }
        self.scopes[chart as usize]
    }

    /// The tasks with open popups, pinned tasks first.
    pub(crate) fn shown(&self) -> Vec<TaskId> {
        let mut shown = self.pins.clone();
        for id in [self.selected, self.hovered].into_iter().flatten() {
            if !shown.contains(&id) {
                shown.push(id);
            }
        }
        shown
    }

    /// Handles input. Returns the actions that the input causes.
    pub(crate) fn input(&mut self, input: Input, stage: &Stage<'_>) -> Vec<Effect> {
        match input {
            Input::Key(key) => self.key(key, stage),
            Input::Move(x, y) => self.hover(Some((x, y)), stage),
            #[cfg(feature = "window")]
            Input::Leave => self.hover(None, stage),
            Input::Scrub(x) => match stage.hits.bar {
                Some((left, _, right, _)) if right > left => {
                    let at = (x - left) / (right - left);
                    self.bar_at = Some(at.clamp(0.0, 1.0));
                    vec![Effect::Seek(at), Effect::Redraw]
                }
                _ => Vec::new(),
            },
            Input::Click(x, y) => {
                match stage.hits.at(x, y) {
                    Some(Target::Task(id)) => self.pin(id),
                    Some(Target::Finding(index)) => self.select_finding(index, stage),
                    Some(Target::Row(id)) => self.selected = Some(id),
                    Some(Target::Column(column)) => self.table.sort_by(column),
                    None => self.selected = None,
                }
                vec![Effect::Redraw]
            }
            #[cfg(feature = "window")]
            Input::Drag(dx, dy) if !self.is_turned() && self.glass.is_on() => {
                self.glass.pan(dx, dy);
                vec![Effect::Redraw]
            }
            #[cfg(feature = "window")]
            Input::Zoom(x, y, steps) if stage.hits.table.contains(x, y) => {
                self.table.wheel(3.0 * steps);
                vec![Effect::Redraw]
            }
            #[cfg(feature = "window")]
            Input::Zoom(x, y, steps) => {
                // Enlarges at the nearest dot: there is nothing to enlarge beside the dots.
                let at = stage.hits.nearest((x, y)).unwrap_or((x, y));
                self.glass.zoom(ZOOM.powf(steps), at);
                vec![Effect::Redraw]
            }
            Input::Drag(dx, dy) => {
                if !self.is_turned() {
                    return Vec::new();
                }
                self.turn(dx * DRAG, dy * DRAG);
                vec![Effect::Redraw]
            }
            Input::Wheel(x, y, lines) if stage.hits.table.contains(x, y) => {
                self.table.scroll(lines as isize);
                vec![Effect::Redraw]
            }
            Input::Wheel(_, _, lines) => {
                self.scroll = self.scroll.saturating_add_signed(lines as isize);
                vec![Effect::Redraw]
            }
        }
    }

    /// Sets the task and the position on the time bar under the pointer.
    fn hover(&mut self, at: Option<(f32, f32)>, stage: &Stage<'_>) -> Vec<Effect> {
        let task = match at.and_then(|(x, y)| stage.hits.at(x, y)) {
            Some(Target::Task(id) | Target::Row(id)) => Some(id),
            _ => None,
        };
        let bar_at = at.and_then(|at| stage.hits.on_bar(at));
        let is_new = task != self.hovered || bar_at != self.bar_at;
        (self.hovered, self.bar_at) = (task, bar_at);
        is_new.then_some(Effect::Redraw).into_iter().collect()
    }

    fn key(&mut self, key: Key, stage: &Stage<'_>) -> Vec<Effect> {
        let had_message = self.message.take().is_some();
        if had_message && key == Key::Escape && self.mode == Mode::Normal {
            return vec![Effect::Redraw];
        }
        match self.mode {
            Mode::Normal => self.chart_key(key, stage),
            Mode::Help => {
                if key == Key::Char('q') {
                    return vec![Effect::Quit];
                }
                self.mode = Mode::Normal;
                vec![Effect::Redraw]
            }
            Mode::Filter => self.filter_key(key),
        }
    }

    fn filter_key(&mut self, key: Key) -> Vec<Effect> {
        match key {
            // A line that cannot be applied stays open, with the reason.
            Key::Enter if self.filter_error.is_some() => {}
            Key::Enter => self.mode = Mode::Normal,
            Key::Escape if self.filter.is_empty() => self.mode = Mode::Normal,
            Key::Escape => self.filter.clear(),
            key => {
                if !self.filter.key(key) {
                    return Vec::new();
                }
            }
        }
        vec![Effect::Filter, Effect::Redraw]
    }

    /// The filter line with its cursor, and what is wrong with it, or what the keys do.
    pub(crate) fn filter_line(&self) -> String {
        let (before, after) = self.filter.parts();
        let keys = match self.filter.is_empty() {
            true => {
                "name, user: pid: tree: cgroup: container: pod: unit: state: kind:   Esc: close"
                    .to_owned()
            }
            false => "Enter: keep, Esc: clear".to_owned(),
        };
        let note = self.filter_error.clone().unwrap_or(keys);
        format!("filter: {before}_{after}   {note}")
    }

    /// Handles the keys that have another meaning in a recording.
    fn time_key(&mut self, key: Key) -> Option<Vec<Effect>> {
        let effect = match key {
            Key::Char(' ') => return Some(self.chart_pause()),
            Key::Left => Effect::Step(false),
            Key::Right | Key::Char('.') => Effect::Step(true),
            Key::Char('[') => Effect::Mark(false),
            Key::Char(']') => Effect::Mark(true),
            Key::Char('+' | '=') => return Some(vec![Effect::Speed(true), Effect::Redraw]),
            Key::Char('-') => return Some(vec![Effect::Speed(false), Effect::Redraw]),
            _ => return None,
        };
        let was_running = !self.is_paused;
        self.is_paused = true;
        let pause = was_running.then_some(Effect::Pause(true));
        Some(pause.into_iter().chain([effect, Effect::Redraw]).collect())
    }

    fn chart_pause(&mut self) -> Vec<Effect> {
        self.is_paused = !self.is_paused;
        vec![Effect::Pause(self.is_paused), Effect::Redraw]
    }

    /// Pauses, and takes one more sample.
    fn step(&mut self) -> Vec<Effect> {
        let was_running = !self.is_paused;
        self.is_paused = true;
        let pause = was_running.then_some(Effect::Pause(true));
        let effects = [Effect::Sample, Effect::Redraw];
        pause.into_iter().chain(effects).collect()
    }

    /// Handles the keys that choose the chart, its scope, its groups and its order.
    fn look_key(&mut self, key: Key) -> Vec<Effect> {
        match key {
            Key::Char('g') => {
                self.grouping = self.grouping.next();
            }
            Key::Char('t') if !self.has_threads => {
                self.message = Some("the recording has processes only".to_owned());
                return vec![Effect::Redraw];
            }
            Key::Char('t') if self.chart == ChartKind::Timeline && self.shows_heat => {
                self.message = Some("a heat map has processes only".to_owned());
                return vec![Effect::Redraw];
            }
            Key::Char('t') => {
                let scope = &mut self.scopes[self.chart as usize];
                *scope = match *scope {
                    Scope::Threads => Scope::Processes,
                    Scope::Processes => Scope::Threads,
                };
            }
            Key::Char('o') => {
                self.sorting = self.sorting.next();
                self.message = Some(format!("sorted by {}", self.sorting.word()));
            }
            Key::Char('3') if self.chart == ChartKind::Lines && self.span.is_none() => {
                self.lines_in_3d = !self.lines_in_3d;
            }
            Key::Char('4') if self.chart == ChartKind::Timeline => {
                self.shows_heat = !self.shows_heat;
            }
            Key::Char(digit @ '1'..='4') => {
                self.chart = match digit {
                    '1' => ChartKind::Grid,
                    '2' => ChartKind::Bubble,
                    '3' => ChartKind::Lines,
                    _ => ChartKind::Timeline,
                };
                #[cfg(feature = "window")]
                {
                    self.glass = Magnifier::default();
                }
            }
            _ => return Vec::new(),
        }
        vec![Effect::Chart, Effect::Redraw]
    }

    fn chart_key(&mut self, key: Key, stage: &Stage<'_>) -> Vec<Effect> {
        if self.is_recording
            && let Some(effects) = self.time_key(key)
        {
            return effects;
        }
        if let Some(effects) = self.table_key(key, stage) {
            return effects;
        }
        match key {
            Key::Char('q') => return vec![Effect::Quit],
            Key::Escape => return self.close(),
            Key::Char(' ') => return vec![Effect::Sample],
            Key::Char('p') => return self.chart_pause(),
            Key::Char('.') => return self.step(),
            Key::Left | Key::Char('h') => self.select_next(stage, (-1.0, 0.0)),
            Key::Right | Key::Char('l') => self.select_next(stage, (1.0, 0.0)),
            Key::Up | Key::Char('k') => self.select_next(stage, (0.0, -1.0)),
            Key::Down | Key::Char('j') => self.select_next(stage, (0.0, 1.0)),
            Key::Enter => {
                if let Some(id) = self.selected.or(self.hovered) {
                    self.pin(id);
                }
            }
            Key::Char('/') => {
                self.filter.key(Key::End);
                self.mode = Mode::Filter;
            }
            Key::Char('g' | 't' | 'o' | '1'..='4') => return self.look_key(key),
            Key::Char('+' | '=') => return self.change_interval(true),
            Key::Char('-') => return self.change_interval(false),
            Key::Char('s') => return vec![Effect::Save, Effect::Redraw],
            Key::Char('n') => {
                let next = self.finding.map_or(0, |last| last + 1);
                let index = if next < stage.findings.len() { next } else { 0 };
                self.select_finding(index, stage);
            }
            Key::Char('<') => self.turn(-TURN, 0.0),
            Key::Char('>') => self.turn(TURN, 0.0),
            Key::Char('(') => self.turn(0.0, -TURN),
            Key::Char(')') => self.turn(0.0, TURN),
            Key::Char('z') => self.zoom(stage, 2.0),
            Key::Char('Z') => self.zoom(stage, 0.5),
            Key::PageUp => self.turn_page(false),
            Key::PageDown => self.turn_page(true),
            Key::Char('?') => self.mode = Mode::Help,
            Key::Char(_)
            | Key::Backspace
            | Key::Delete
            | Key::EraseLine
            | Key::EraseWord
            | Key::Home
            | Key::End => return Vec::new(),
        }
        vec![Effect::Redraw]
    }

    /// Closes the first open item: selection, last pin, enlarged plot, filter. If nothing is
    /// open, says how to quit: Escape is pressed twice too easily.
    fn close(&mut self) -> Vec<Effect> {
        if self.selected.take().is_some() {
            return vec![Effect::Redraw];
        }
        if self.pins.pop().is_some() {
            return vec![Effect::Redraw];
        }
        #[cfg(feature = "window")]
        if self.glass.is_on() {
            self.glass = Magnifier::default();
            return vec![Effect::Redraw];
        }
        if !self.filter.is_empty() {
            self.filter.clear();
            return vec![Effect::Filter, Effect::Redraw];
        }
        self.message = Some("press q to quit".to_owned());
        vec![Effect::Redraw]
    }

    #[cfg_attr(
        not(feature = "window"),
        expect(unused_variables, reason = "cells have a fixed size")
    )]
    fn zoom(&mut self, stage: &Stage<'_>, by: f32) {
        match &mut self.span {
            Some(span) if self.chart == ChartKind::Lines => {
                *span = (*span * f64::from(by)).clamp(1.0, LONGEST_SPAN);
            }
            Some(_) => {
                self.message = Some("a terminal enlarges only the lines chart".to_owned());
            }
            #[cfg(feature = "window")]
            None => {
                let looked_at = self.selected.or(self.hovered);
                let at = looked_at.and_then(|id| stage.hits.position(id));
                let at =
                    at.map_or_else(|| stage.hits.middle(), |position| (position.x, position.y));
                self.glass.zoom(by, at);
            }
            #[cfg(not(feature = "window"))]
            None => {}
        }
    }

    fn turn_page(&mut self, is_down: bool) {
        #[cfg(feature = "window")]
        if self.glass.is_on() {
            self.glass.pan(0.0, if is_down { -PAGE } else { PAGE });
            return;
        }
        self.scroll = if is_down {
            self.scroll + SCREEN
        } else {
            self.scroll.saturating_sub(SCREEN)
        };
    }

    /// Pins or unpins a task.
    fn pin(&mut self, id: TaskId) {
        match self.pins.iter().position(|pinned| *pinned == id) {
            Some(index) => _ = self.pins.remove(index),
            None => {
                self.pins.push(id);
                self.table.goal = Some(id);
            }
        }
    }

    fn select_next(&mut self, stage: &Stage<'_>, direction: (f32, f32)) {
        let from = self.selected.or(self.hovered);
        let next = match from {
            Some(from) if stage.hits.position(from).is_some() => {
                stage.hits.next(from, direction).or(Some(from))
            }
            _ => stage.hits.first(),
        };
        self.selected = next.or(self.selected);
        self.table.goal = self.selected;
    }

    fn select_finding(&mut self, index: usize, stage: &Stage<'_>) {
        self.finding = Some(index);
        match stage.findings.get(index) {
            Some(Some(id)) => {
                self.selected = Some(*id);
                self.table.goal = self.selected;
            }
            Some(None) => self.message = Some("this finding is not about one task".to_owned()),
            None => self.message = Some("no findings".to_owned()),
        }
    }

    fn change_interval(&mut self, longer: bool) -> Vec<Effect> {
        let now = self.interval.as_millis() as u64;
        let next = if longer {
            INTERVALS.iter().find(|ms| **ms > now)
        } else {
            INTERVALS.iter().rev().find(|ms| **ms < now)
        };
        let Some(next) = next else {
            self.message = Some("intervals are from 10 ms to 60 s".to_owned());
            return vec![Effect::Redraw];
        };
        self.interval = Duration::from_millis(*next);
        vec![Effect::Interval, Effect::Redraw]
    }

    /// Whether the visible chart is one that can be turned.
    fn is_turned(&self) -> bool {
        self.chart == ChartKind::Lines && self.lines_in_3d
    }

    fn turn(&mut self, around: f32, tilt: f32) {
        self.angle.0 = (self.angle.0 + around + 180.0).rem_euclid(360.0) - 180.0;
        self.angle.1 = (self.angle.1 + tilt).clamp(-89.0, 89.0);
    }
}
