//! Tests the interaction model without a screen.

use std::time::Duration;

use super::{ChartKind, Effect, Hits, Input, Key, Mode, Stage, TaskPosition, View};
use crate::{
    chart::{Column, Grouping, Sorting},
    model::{Scope, TaskId},
};

fn id(tid: u32) -> TaskId {
    TaskId { tid, start_ns: 7 }
}

/// Three rows of four tasks, ten pixels apart, and two lines of findings.
struct Table {
    hits: Hits,
    findings: Vec<Option<TaskId>>,
    view: View,
}

impl Table {
    fn new() -> Self {
        let tasks = (0..12).map(|index| TaskPosition {
            id: id(index + 1),
            x: 10.0 * (index % 4) as f32,
            y: 10.0 * (index / 4) as f32,
            r: 4.0,
        });
        let scopes = [
            Scope::Threads,
            Scope::Processes,
            Scope::Threads,
            Scope::Processes,
        ];
        Self {
            hits: Hits {
                tasks: tasks.collect(),
                findings: vec![(100.0, 0.0, 200.0, 20.0), (100.0, 20.0, 200.0, 40.0)],
                bar: None,
                ..Hits::default()
            },
            findings: vec![Some(id(6)), None],
            view: View::new(
                ChartKind::Grid,
                scopes,
                Grouping::User,
                Duration::from_secs(1),
            ),
        }
    }

    fn input(&mut self, input: Input) -> Vec<Effect> {
        let stage = Stage {
            hits: &self.hits,
            findings: &self.findings,
        };
        self.view.input(input, &stage)
    }

    fn key(&mut self, key: Key) -> Vec<Effect> {
        self.input(Input::Key(key))
    }

    fn keys(&mut self, keys: &str) -> Vec<Effect> {
        let effects: Vec<_> = keys.chars().map(|ch| self.key(Key::Char(ch))).collect();
        effects.into_iter().next_back().unwrap_or_default()
    }
}

#[test]
fn arrows_go_from_dot_to_dot() {
    let mut table = Table::new();
    for (key, at) in [
        (Key::Right, 1),
        (Key::Right, 2),
        (Key::Down, 6),
        (Key::Char('l'), 7),
        (Key::Up, 3),
        (Key::Up, 3),
        (Key::Char('h'), 2),
    ] {
        table.key(key);
        assert_eq!(table.view.selected, Some(id(at)), "{key:?}");
    }
    // The selected task is not on the screen any more: selection begins at the start.
    table.view.selected = Some(id(99));
    table.key(Key::Down);
    assert_eq!(table.view.selected, Some(id(1)));
}

#[test]
fn a_pointer_hovers_pins_and_frees() {
    let mut table = Table::new();
    assert_eq!(table.input(Input::Move(11.0, 1.0)), [Effect::Redraw]);
    assert_eq!(table.input(Input::Move(12.0, 1.0)), []);
    assert_eq!(table.view.shown(), [id(2)]);
    table.input(Input::Click(11.0, 1.0));
    table.input(Input::Move(500.0, 500.0));
    table.input(Input::Click(31.0, 21.0));
    assert_eq!(table.view.shown(), [id(2), id(12)]);
    table.input(Input::Click(11.0, 1.0));
    assert_eq!(table.view.pins, [id(12)]);
    // A pin belongs to a task, not to a position: the pin stays if the task is not
    // visible.
    table.hits.tasks.clear();
    assert_eq!(table.view.shown(), [id(12)]);
}

#[test]
fn findings_select_their_tasks() {
    let mut table = Table::new();
    table.keys("n");
    assert_eq!(table.view.selected, Some(id(6)));
    table.keys("n");
    assert!(table.view.message.is_some() && table.view.selected == Some(id(6)));
    table.view.selected = None;
    table.input(Input::Click(150.0, 5.0));
    assert_eq!(table.view.selected, Some(id(6)));
    table.findings.clear();
    table.keys("n");
    assert!(table.view.message.as_deref() == Some("no findings"));
}

#[test]
fn the_filter_line_takes_keys_until_it_is_closed() {
    let mut table = Table::new();
    assert_eq!(table.keys("/qp"), [Effect::Filter, Effect::Redraw]);
    assert_eq!(
        (table.view.filter.text(), table.view.is_paused),
        ("qp", false)
    );
    table.key(Key::Backspace);
    table.key(Key::Enter);
    assert_eq!(table.view.filter.text(), "q");
    // A line that cannot be applied stays open.
    table.keys("/(");
    assert_eq!(table.view.filter.text(), "q(");
    table.view.filter_error = Some("character 2: unclosed group".to_owned());
    table.key(Key::Enter);
    assert_eq!(table.view.mode, Mode::Filter);
    let line = "filter: q(_   character 2: unclosed group";
    assert_eq!(table.view.filter_line(), line);
    table.view.filter_error = None;
    table.key(Key::Home);
    assert!(table.view.filter_line().starts_with("filter: _q("));
    // Escape clears the line, then closes it, and ends nothing.
    let effects = [Effect::Filter, Effect::Redraw];
    assert_eq!(table.key(Key::Escape), effects);
    assert_eq!(
        (table.view.filter.text(), &table.view.mode),
        ("", &Mode::Filter)
    );
    assert_eq!(table.key(Key::Escape), effects);
    assert_eq!(table.view.mode, Mode::Normal);
    assert_eq!(table.key(Key::Escape), [Effect::Redraw]);
}

#[test]
fn escape_closes_one_thing_after_the_other_but_not_the_view() {
    let mut table = Table::new();
    table.input(Input::Click(0.0, 0.0));
    table.key(Key::Right);
    table.keys("/a");
    table.key(Key::Enter);
    table.keys("?");
    table.key(Key::Escape);
    assert_eq!(table.view.mode, Mode::Normal);
    table.key(Key::Escape);
    assert!(table.view.selected.is_none() && table.view.pins.len() == 1);
    table.key(Key::Escape);
    assert!(table.view.pins.is_empty() && table.view.filter.text() == "a");
    assert_eq!(table.key(Key::Escape), [Effect::Filter, Effect::Redraw]);
    assert_eq!(table.key(Key::Escape), [Effect::Redraw]);
    assert_eq!(table.view.message.as_deref(), Some("press q to quit"));
}

#[test]
fn other_keys_ask_for_what_the_help_says() {
    let mut table = Table::new();
    assert_eq!(table.keys(" "), [Effect::Sample]);
    assert_eq!(table.keys("p"), [Effect::Pause(true), Effect::Redraw]);
    assert_eq!(table.keys("."), [Effect::Sample, Effect::Redraw]);
    assert_eq!(table.keys("p"), [Effect::Pause(false), Effect::Redraw]);
    // A step while sampling runs pauses sampling first.
    let step = [Effect::Pause(true), Effect::Sample, Effect::Redraw];
    assert_eq!(table.keys("."), step);
    table.keys("+");
    assert_eq!(table.view.interval, Duration::from_secs(2));
    table.keys("---");
    assert_eq!(table.view.interval, Duration::from_millis(200));
    table.keys("t");
    assert_eq!(table.view.scope(), Scope::Processes);
    table.keys("2t");
    assert_eq!(
        (table.view.chart, table.view.scope()),
        (ChartKind::Bubble, Scope::Threads)
    );
    table.keys("1");
    assert_eq!(table.view.scope(), Scope::Processes);
    for grouping in [
        Grouping::Cgroup,
        Grouping::Container,
        Grouping::Pod,
        Grouping::Unit,
        Grouping::Tree,
        Grouping::Command,
        Grouping::User,
    ] {
        table.keys("g");
        assert_eq!(table.view.grouping, grouping);
    }
    assert_eq!(table.keys("s"), [Effect::Save, Effect::Redraw]);
    assert_eq!(table.keys("q"), [Effect::Quit]);
    // Dragging rotates only the lines chart.
    assert_eq!(table.input(Input::Drag(5.0, 5.0)), []);
    table.keys("3");
    assert_eq!(table.input(Input::Drag(5.0, 5.0)), [], "flat lines stay");
    table.keys("3");
    let before = table.view.angle;
    table.input(Input::Drag(5.0, 5.0));
    table.keys("<)");
    assert_ne!(table.view.angle, before);
}

#[test]
fn tasks_are_put_in_order_and_enlarged() {
    let mut table = Table::new();
    assert_eq!(table.keys("o"), [Effect::Chart, Effect::Redraw]);
    assert_eq!(table.view.sorting, Sorting::Cpu);
    table.keys("ooo");
    assert_eq!(table.view.sorting, Sorting::Start);
    // In a terminal, cells have a fixed size, but the lines chart can be enlarged.
    table.view.span = Some(1.0);
    table.keys("z");
    assert!(table.view.message.is_some() && table.view.span == Some(1.0));
    table.keys("3zzZ");
    assert_eq!(table.view.span, Some(2.0));
}

#[cfg(feature = "window")]
#[test]
fn a_window_zooms_at_the_pointer() {
    let mut table = Table::new();
    table.view.selected = Some(id(7));
    table.keys("z");
    // The selected task stays in place, at (20, 10).
    assert_eq!(
        (table.view.glass.factor, table.view.glass.shift),
        (2.0, (-20.0, -10.0))
    );
    table.input(Input::Drag(5.0, -5.0));
    assert_eq!(table.view.glass.shift, (-15.0, -15.0));
    table.view.selected = None;
    assert_eq!(table.key(Key::Escape), [Effect::Redraw]);
    assert!(!table.view.glass.is_on());
    table.input(Input::Zoom(10.0, 10.0, 3.0));
    table.keys("2");
    assert!(!table.view.glass.is_on());
}

#[test]
fn a_recording_is_seeked_in_both_directions() {
    let mut table = Table::new();
    table.view.is_recording = true;
    table.hits.bar = Some((100.0, 50.0, 300.0, 60.0));
    assert_eq!(
        table.key(Key::Left),
        [Effect::Pause(true), Effect::Step(false), Effect::Redraw]
    );
    assert_eq!(table.keys("]"), [Effect::Mark(true), Effect::Redraw]);
    assert_eq!(table.keys("+"), [Effect::Speed(true), Effect::Redraw]);
    assert_eq!(table.keys(" "), [Effect::Pause(false), Effect::Redraw]);
    assert_eq!(
        table.input(Input::Scrub(150.0)),
        [Effect::Seek(0.25), Effect::Redraw]
    );
    // The other arrows still select tasks.
    table.key(Key::Down);
    assert!(table.view.selected.is_some());
}

#[test]
fn the_readme_lists_each_key() {
    let readme = include_str!("../../../README.md");
    for (keys, words) in super::keys::KEYS
        .into_iter()
        .chain(super::keys::RECORDING_KEYS)
    {
        let line = format!("| `{keys}` | {words} |");
        assert!(readme.contains(&line), "{line}");
    }
}

/// Keys move through the rows, also those that are not visible, and columns are clicked.
#[test]
fn keys_and_clicks_use_the_table() {
    let mut table = Table::new();
    let row = |tid: u32| (100.0, 100.0 + tid as f32, 200.0, 101.0 + tid as f32);
    table.hits.table = crate::view::TableHits {
        room: Some((100.0, 90.0, 200.0, 200.0)),
        rows: [3, 4].map(|tid| (row(tid), id(tid))).to_vec(),
        columns: vec![((100.0, 90.0, 120.0, 95.0), Column::Rss)],
        order: (1..=6).map(id).collect(),
        marked: Vec::new(),
    };
    // The table is closed, so arrows go to dots.
    table.key(Key::Down);
    assert_eq!(table.view.selected, Some(id(1)));
    table.view.selected = None;
    assert_eq!(table.key(Key::Char('T')), [Effect::Chart, Effect::Redraw]);
    assert!(table.view.table.is_open);
    table.key(Key::Down);
    assert_eq!(table.view.selected, Some(id(3)), "the first visible row");
    for (key, tid) in [(Key::Up, 2), (Key::Up, 1), (Key::Up, 1), (Key::Down, 2)] {
        table.hits.table.marked = table.view.selected.into_iter().collect();
        table.key(key);
        assert_eq!(table.view.selected, Some(id(tid)));
        assert_eq!(table.view.table.goal, Some(id(tid)));
    }
    table.input(Input::Click(150.0, 104.5));
    assert_eq!(table.view.selected, Some(id(4)));
    // Keys that come faster than pictures are not lost.
    table.hits.table.marked = vec![id(4)];
    for _ in 0..2 {
        table.key(Key::Down);
    }
    assert_eq!(table.view.selected, Some(id(6)));
    table.input(Input::Click(110.0, 92.0));
    assert_eq!(table.view.table.order.column, Column::Rss);
    assert!(!table.view.table.order.is_reversed);
    table.input(Input::Click(110.0, 92.0));
    assert!(table.view.table.order.is_reversed);
    table.key(Key::Char('>'));
    assert_eq!(table.view.table.order.column, Column::Growth);
    assert!(!table.view.table.order.is_reversed);
    table.key(Key::Char('V'));
    assert!(table.view.table.order.is_tree);
    // The wheel scrolls what is below the pointer.
    let scrolled = table.view.scroll;
    table.input(Input::Wheel(150.0, 150.0, 3));
    assert_eq!(table.view.scroll, scrolled);
    table.input(Input::Wheel(10.0, 10.0, 3));
    assert_eq!(table.view.scroll, scrolled + 3);
    table.key(Key::Char('T'));
    assert!(!table.view.table.is_open);
}
