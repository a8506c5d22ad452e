//! Draws a live view in character cells.

mod frame;
mod heights;
mod largest;
mod layout;
mod lives;
mod look;
mod numbers;
mod panel;
mod popups;
mod rest;
mod table;
mod timebar;

use ratatui::{buffer::Buffer, layout::Rect, style::Modifier};

pub(crate) use self::{
    layout::{LEAST, Layout, layout},
    look::Look,
    table::ABOVE,
};
use super::{Hits, Mode, Popup, ShownTable, TaskPosition, TimeBar, View};
use crate::{
    chart::{Cells, Interesting, LifeRows, Palette, Series, Words, idle_in_cells},
    model::{Activity, Finding, TaskId},
};

/// The chart that is shown.
pub(crate) enum Body<'a> {
    Grid(&'a Cells),
    Bubble(&'a [Interesting]),
    Lines(&'a [Series]),
    Timeline(&'a LifeRows),
}

/// The processes that use most: a heading, and for each measure its name and lines.
pub(crate) type LargestLines = (String, Vec<(&'static str, Vec<String>)>);

/// The content of a screen.
pub(crate) struct Screen<'a> {
    pub(crate) head: Words,
    pub(crate) body: Body<'a>,
    pub(crate) findings: &'a [Finding],
    /// The subject of each finding and its user.
    pub(crate) subjects: &'a [String],
    /// The processes that use most.
    pub(crate) largest: &'a LargestLines,
    /// Text of the panel if there are no findings.
    pub(crate) quiet: &'a str,
    pub(crate) popups: &'a [(TaskId, Popup)],
    /// The table of processes; `None` if it is closed or has no room.
    pub(crate) table: Option<&'a ShownTable>,
    pub(crate) view: &'a View,
    /// Status of the view, such as paused, late or interval stretched.
    pub(crate) status: &'a str,
    /// The time bar of a recording; `None` if the view is live.
    pub(crate) bar: Option<&'a TimeBar>,
    pub(crate) palette: &'a Palette,
}

/// Draws a screen. Returns the positions of tasks, findings and the time bar.
pub(crate) fn draw(buffer: &mut Buffer, screen: &Screen<'_>, look: Look) -> Hits {
    let palette = screen.palette;
    buffer.set_style(
        buffer.area,
        look.behind(palette.background).patch(look.ink(palette.ink)),
    );
    let (area, bar) = without_bar(buffer.area, screen.bar.is_some());
    let Some(layout) = layout(area, screen.table.is_some()) else {
        too_small(buffer);
        return Hits::default();
    };
    head(buffer, layout.head, screen, look);
    let mut hits = Hits::default();
    match &screen.body {
        Body::Grid(cells) => grid(buffer, &layout, cells, screen, look, &mut hits),
        Body::Bubble(tasks) => rest::bubble(buffer, &layout, tasks, palette, look, &mut hits),
        Body::Timeline(rows) => {
            let rows = (*rows, screen.view.scroll);
            lives::draw(buffer, &layout, rows, (palette, look), &mut hits);
        }
        Body::Lines(series) => {
            let span = screen.view.span.unwrap_or(1.0);
            rest::lines(buffer, &layout, series, (palette, look, span), &mut hits);
        }
    }
    hits.findings = panel::draw(buffer, layout.panel, screen, look);
    if let (Some(table), Some(area)) = (screen.table, layout.table) {
        hits.table = table::draw(buffer, area, table, (palette, look));
    }
    foot(buffer, layout.foot, screen, look);
    if let (Some(bar), Some(area)) = (screen.bar, bar) {
        hits.bar = timebar::draw(buffer, area, bar, (palette, look));
    }
    popups::draw(buffer, &layout, &hits, screen, look);
    if screen.view.mode == Mode::Help {
        popups::help(buffer, area, screen, look);
    }
    hits
}

/// Divides an area into the room for a chart and the time bar below.
pub(crate) fn without_bar(area: Rect, has_bar: bool) -> (Rect, Option<Rect>) {
    if !has_bar || area.height == 0 {
        return (area, None);
    }
    let lines = timebar::lines(area.height);
    let height = area.height - lines;
    let chart = Rect { height, ..area };
    let bar = Rect {
        y: area.y + height,
        height: lines,
        ..area
    };
    (chart, Some(bar))
}

fn too_small(buffer: &mut Buffer) {
    let area = buffer.area;
    let lines = [
        "terminal too small".to_owned(),
        format!("minimum {}x{}", LEAST.0, LEAST.1),
    ];
    for (line, y) in lines.iter().zip(area.top()..area.bottom()) {
        buffer.set_stringn(
            area.x,
            y,
            line,
            area.width.into(),
            ratatui::style::Style::new(),
        );
    }
}

fn head(buffer: &mut Buffer, area: Rect, screen: &Screen<'_>, look: Look) {
    let palette = screen.palette;
    let ink = look.ink(palette.ink);
    let width = usize::from(area.width);
    buffer.set_stringn(
        area.x,
        area.y,
        " procviz ",
        width,
        ink.add_modifier(Modifier::REVERSED),
    );
    // A long command must not hide the time.
    let when = &screen.head.when;
    let room = width.saturating_sub(10 + 3 + when.chars().count());
    let mut title: String = screen.head.title.chars().take(room.max(12)).collect();
    if title.len() < screen.head.title.len() {
        title.pop();
        title.push('…');
    }
    let line = format!("{title}   {when}");
    buffer.set_stringn(
        area.x + 10,
        area.y,
        look.words(&line),
        width.saturating_sub(10),
        ink.add_modifier(Modifier::BOLD),
    );
    let room = usize::from(area.height.saturating_sub(2)).max(1);
    let mut lines = fill(&screen.head.machine, width, room);
    lines.push(screen.head.tasks.clone());
    for (line, y) in lines.iter().zip(area.y + 1..area.bottom()) {
        buffer.set_stringn(area.x, y, look.words(line), width, ink);
    }
}

/// Wraps a row of facts into at most `most` lines.
fn fill(facts: &str, width: usize, most: usize) -> Vec<String> {
    const BETWEEN: &str = "  ·  ";
    let mut lines: Vec<String> = vec![String::new()];
    for fact in facts.split(BETWEEN) {
        let count = lines.len();
        let last = &mut lines[count - 1];
        let longer = last.chars().count() + BETWEEN.chars().count() + fact.chars().count();
        if last.is_empty() {
            last.push_str(fact);
        } else if longer <= width || count == most {
            last.push_str(BETWEEN);
            last.push_str(fact);
        } else {
            lines.push(fact.to_owned());
        }
    }
    lines
}

fn grid(
    buffer: &mut Buffer,
    layout: &Layout,
    cells: &Cells,
    screen: &Screen<'_>,
    look: Look,
    hits: &mut Hits,
) {
    let (body, labels) = (layout.body, layout.labels);
    let palette = screen.palette;
    let scroll = screen.view.scroll.min(most_scroll(cells, body));
    let row_of = |row: usize| {
        let row = row.checked_sub(scroll)?;
        (row < usize::from(body.height)).then_some(body.y + row as u16)
    };
    for label in &cells.labels {
        let Some(y) = row_of(label.row) else { continue };
        let count = label.count.len();
        let room = usize::from(labels.width).saturating_sub(count + 2);
        buffer.set_stringn(
            labels.x,
            y,
            look.words(&label.name),
            room,
            look.ink(palette.ink),
        );
        buffer.set_stringn(
            labels.x + labels.width.saturating_sub(count as u16 + 1),
            y,
            &label.count,
            count,
            look.ink(palette.faint),
        );
    }
    let shown = screen.view.shown();
    for dot in &cells.dots {
        let whole = if cells.is_half { dot.row / 2 } else { dot.row };
        let Some(y) = row_of(whole) else { continue };
        let x = body.x + dot.column as u16;
        let Some(cell) = buffer.cell_mut((x, y)) else {
            continue;
        };
        let style = look.ink(dot.color);
        let is_shown = shown.contains(&dot.id);
        if cells.is_half {
            half(cell, dot.row % 2 == 1, look.ink(dot.color), look, is_shown);
        } else {
            let letter = look.letter(dot.activity, dot.state);
            cell.set_symbol(letter.unwrap_or_else(|| look.sign(dot.size)));
            cell.set_style(style.add_modifier(look.emphasis(dot.activity)));
            if is_shown {
                cell.set_style(ratatui::style::Style::new().add_modifier(Modifier::REVERSED));
            }
        }
        let (dy, r) = if cells.is_half {
            (if dot.row % 2 == 1 { 0.75 } else { 0.25 }, 0.6)
        } else {
            (0.5, 0.6)
        };
        hits.tasks.push(TaskPosition {
            id: dot.id,
            x: f32::from(x) + 0.5,
            y: f32::from(y) + dy,
            r,
        });
    }
    numbers::draw(buffer, (body, cells), row_of, screen, look);
    let below = cells.rows.saturating_sub(scroll + usize::from(body.height));
    if scroll > 0 || below > 0 {
        let text = format!(" rows above: {scroll}, below: {below} (PageUp, PageDown) ");
        let width = text.len().min(usize::from(body.width));
        buffer.set_stringn(
            body.right() - width as u16,
            body.bottom() - 1,
            text,
            width,
            look.ink(palette.ink).add_modifier(Modifier::REVERSED),
        );
    }
}

/// Largest scroll position of a grid, in rows.
pub(crate) fn most_scroll(cells: &Cells, body: Rect) -> usize {
    cells.rows.saturating_sub(usize::from(body.height))
}

/// Puts a task into the upper or lower half of a cell.
fn half(
    cell: &mut ratatui::buffer::Cell,
    is_lower: bool,
    ink: ratatui::style::Style,
    look: Look,
    is_shown: bool,
) {
    let both = |cell: &ratatui::buffer::Cell| cell.symbol() != " ";
    match (is_lower, both(cell)) {
        (false, _) => {
            cell.set_symbol(if look.ascii { "'" } else { "▀" });
            cell.set_style(ink);
        }
        (true, false) => {
            cell.set_symbol(if look.ascii { "." } else { "▄" });
            cell.set_style(ink);
        }
        (true, true) if look.ascii => _ = cell.set_symbol(":"),
        (true, true) => {
            // The upper task has the foreground colour, the lower task the background.
            if let Some(color) = ink.fg {
                cell.set_bg(color);
            }
        }
    }
    if is_shown {
        cell.set_style(ratatui::style::Style::new().add_modifier(Modifier::REVERSED));
    }
}

fn foot(buffer: &mut Buffer, area: Rect, screen: &Screen<'_>, look: Look) {
    let palette = screen.palette;
    let faint = look.ink(palette.faint);
    let mut x = area.x;
    let mut put = |buffer: &mut Buffer, text: &str, style| {
        let room = usize::from(area.right().saturating_sub(x));
        let (end, _) = buffer.set_stringn(x, area.y, text, room, style);
        x = end;
    };
    let gap = if area.width < 100 { " " } else { "  " };
    if let Body::Timeline(rows) = &screen.body {
        put(buffer, &heights::legend(rows, look), look.ink(palette.ink));
    }
    if let Body::Grid(cells) = &screen.body {
        for activity in Activity::ALL {
            let sign = look
                .letter(activity, crate::model::State::Sleeping)
                .unwrap_or_else(|| look.sign(2));
            let color = match activity {
                Activity::Idle => idle_in_cells(palette),
                activity => palette.full(activity),
            };
            let style = look.ink(color).add_modifier(look.emphasis(activity));
            put(buffer, sign, style);
            let word = format!(" {}{gap}", activity.word());
            put(buffer, &word, look.ink(palette.ink));
        }
        let states = format!("D blocked{gap}Z zombie{gap}T stopped{gap}");
        put(buffer, &states, look.ink(palette.ink));
        if !cells.is_half {
            let sizes = format!("{}-{} RSS", look.sign(0), look.sign(4));
            put(buffer, &sizes, faint);
        }
        if cells.ended > 0 {
            let text = format!("  +{} more exited", cells.ended);
            put(buffer, &text, look.ink(palette.full(Activity::Exited)));
        }
    }
    if let Some((_, words)) = screen.bar.and_then(|bar| bar.hover.as_ref()) {
        hover(buffer, area, words, look, palette);
    }
    let line = match &screen.view.mode {
        Mode::Filter => screen.view.filter_line(),
        _ => match &screen.view.message {
            Some(message) => message.clone(),
            None => screen.status.to_owned(),
        },
    };
    let style = match (&screen.view.mode, &screen.view.message) {
        (Mode::Filter, _) | (_, Some(_)) => look.ink(palette.ink),
        _ => faint,
    };
    buffer.set_stringn(
        area.x,
        area.y + 1,
        look.words(&line),
        area.width.into(),
        style,
    );
}

/// Writes what is under the pointer on the time bar at the right of a line. A terminal does not
/// say that the pointer has left, so nothing important is there.
fn hover(buffer: &mut Buffer, area: Rect, words: &str, look: Look, palette: &Palette) {
    let words = look.words(words);
    let shown: String = words.chars().take(area.width.into()).collect();
    let left = area.right() - shown.chars().count() as u16;
    let style = look.ink(palette.ink).add_modifier(Modifier::REVERSED);
    buffer.set_stringn(left, area.y, &shown, area.width.into(), style);
}
