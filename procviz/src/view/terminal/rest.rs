//! Draws the bubble and line charts in a terminal.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Modifier, Style},
    symbols::Marker,
    text::Line,
    widgets::{Axis, Chart, Dataset, GraphType, Widget},
};

use super::{Layout, Look};
use crate::{
    chart::{Interesting, Palette, SIZES, Series, share_at, share_end, share_ticks},
    model::{bytes_text, duration_text},
    view::{Hits, TaskPosition},
};

/// The table gets at most the room's height divided by this number.
const TABLE: u16 = 2;
/// Upper limit for the named lines below the plots.
const NAMES: u16 = 6;

/// Draws a scatter plot of CPU and address space above a table of the same tasks.
pub(super) fn bubble(
    buffer: &mut Buffer,
    layout: &Layout,
    tasks: &[Interesting],
    palette: &Palette,
    look: Look,
    hits: &mut Hits,
) {
    let room = layout.labels.union(layout.body);
    let table_height = (room.height / TABLE).min(tasks.len() as u16 + 1).max(2);
    let plot = Rect {
        x: room.x + 10,
        width: room.width - 11,
        height: room.height - table_height - 1,
        ..room
    };
    scatter(buffer, plot, tasks, palette, look, hits);
    let table = Rect {
        y: plot.bottom() + 1,
        height: table_height,
        ..room
    };
    table_of(buffer, table, tasks, palette, look, hits);
}

fn scatter(
    buffer: &mut Buffer,
    plot: Rect,
    tasks: &[Interesting],
    palette: &Palette,
    look: Look,
    hits: &mut Hits,
) {
    let faint = look.ink(palette.faint);
    let most = share_end(tasks.iter().map(|task| task.share).fold(0.0, f64::max));
    let width = f32::from(plot.width.saturating_sub(1));
    let column = |share: f64| plot.x + (share_at(share, most) * width).round() as u16;
    let mut free_from = plot.x;
    for (share, text) in share_ticks(most) {
        let x = column(share);
        if x >= free_from && usize::from(plot.right() - x) >= text.len() {
            buffer.set_stringn(x, plot.bottom(), &text, text.len(), faint);
            free_from = x + text.len() as u16 + 1;
        }
    }
    let sizes = || {
        tasks
            .iter()
            .filter_map(|task| task.height)
            .filter(|bytes| *bytes > 0)
    };
    let (low, high) = match (sizes().min(), sizes().max()) {
        (Some(least), Some(most)) => ((least as f64).log2(), (most as f64).log2().max(1.0)),
        _ => (20.0, 34.0),
    };
    let high = high.max(low + 1.0);
    let height = f64::from(plot.height.saturating_sub(1));
    for row in [0, plot.height / 2, plot.height.saturating_sub(1)] {
        let power = high - (high - low) * f64::from(row) / height.max(1.0);
        let text = bytes_text(power.exp2() as u64);
        let x = plot.x.saturating_sub(text.len() as u16 + 1);
        buffer.set_stringn(x, plot.y + row, &text, text.len(), faint);
    }
    let largest = tasks.iter().filter_map(|task| task.rss).max().unwrap_or(1);
    // Small tasks last, so that large tasks do not hide them.
    let mut order: Vec<&Interesting> = tasks.iter().collect();
    order.sort_by_key(|task| std::cmp::Reverse(task.rss));
    for task in order {
        let part = task
            .height
            .filter(|bytes| *bytes > 0)
            .map_or(0.0, |bytes| ((bytes as f64).log2() - low) / (high - low));
        let y = plot.bottom() - 1 - (part * height).round() as u16;
        let x = column(task.share).min(plot.right() - 1);
        let part = (task.rss.unwrap_or(0) as f64 / largest.max(1) as f64).sqrt();
        let sign = if task.is_over {
            if look.ascii { "x" } else { "×" }
        } else {
            look.sign(((part * SIZES as f64) as usize).max(1))
        };
        if let Some(cell) = buffer.cell_mut((x, y)) {
            cell.set_symbol(sign);
            cell.set_style(look.ink(task.color));
        }
        hits.tasks.push(TaskPosition {
            id: task.id,
            x: f32::from(x) + 0.5,
            y: f32::from(y) + 0.5,
            r: 0.6,
        });
    }
}

fn table_of(
    buffer: &mut Buffer,
    area: Rect,
    tasks: &[Interesting],
    palette: &Palette,
    look: Look,
    hits: &mut Hits,
) {
    let width = usize::from(area.width);
    let head = format!(
        "{:>7} {:>10} {:>10}  command pid · user",
        "CPU", "RSS", "space"
    );
    let bold = look.ink(palette.ink).add_modifier(Modifier::BOLD);
    buffer.set_stringn(area.x, area.y, head, width, bold);
    if tasks.is_empty() {
        let words = "no task used CPU or changed its memory";
        buffer.set_stringn(area.x, area.y + 1, words, width, look.ink(palette.faint));
    }
    for (task, y) in tasks.iter().zip(area.y + 1..area.bottom()) {
        let known = |bytes: Option<u64>| bytes.map_or_else(|| "unknown".to_owned(), bytes_text);
        let figures = format!(
            "{:>5.1} % {:>10} {:>10}  ",
            task.share * 100.0,
            known(task.rss),
            known(task.vsize)
        );
        let (x, _) = buffer.set_stringn(area.x, y, figures, width, look.ink(palette.ink));
        let room = usize::from(area.right().saturating_sub(x));
        buffer.set_stringn(x, y, look.words(&task.name), room, look.ink(task.color));
        hits.tasks.push(TaskPosition {
            id: task.id,
            x: f32::from(area.x) + 1.5,
            y: f32::from(y) + 0.5,
            r: 3.0,
        });
    }
}

/// Draws plots of CPU and RSS over time, one above the other, and the names of the
/// lines.
pub(super) fn lines(
    buffer: &mut Buffer,
    layout: &Layout,
    series: &[Series],
    (palette, look, span): (&Palette, Look, f64),
    hits: &mut Hits,
) {
    let room = layout.labels.union(layout.body);
    let names = (series.len() as u16).clamp(1, NAMES);
    let height = (room.height - names) / 2;
    let upper = Rect { height, ..room };
    let lower = Rect {
        y: upper.bottom(),
        height,
        ..room
    };
    plot(buffer, upper, series, Axis2::Cpu, (palette, look, span));
    plot(buffer, lower, series, Axis2::Rss, (palette, look, span));
    let y = lower.bottom();
    if series.is_empty() {
        let words = "no thread used 0.1 s of CPU or changed its RSS by 60 MiB yet";
        buffer.set_stringn(
            room.x,
            y,
            words,
            usize::from(room.width),
            look.ink(palette.faint),
        );
    }
    for (one, y) in series.iter().take(usize::from(names)).zip(lower.bottom()..) {
        let sign = if look.ascii { "-" } else { "━" };
        let ended = if one.is_over { "  exited" } else { "" };
        let last = |pieces: &[Vec<(f64, f64)>]| {
            let end = pieces.last().and_then(|piece| piece.last());
            end.map(|(_, value)| *value)
        };
        let unknown = || "unknown".to_owned();
        let cpu = last(&one.cpu).map_or_else(unknown, |cores| format!("{cores:.2} cores"));
        let rss = last(&one.rss).map_or_else(unknown, |bytes| bytes_text(bytes as u64));
        let text = format!(
            "{sign} {}: {cpu}, RSS {rss}, {} of CPU so far{ended}",
            one.name,
            duration_text(one.used_ns),
        );
        buffer.set_stringn(
            room.x,
            y,
            look.words(&text),
            usize::from(room.width),
            look.ink(one.color),
        );
        hits.tasks.push(TaskPosition {
            id: one.id,
            x: f32::from(room.x) + 1.5,
            y: f32::from(y) + 0.5,
            r: 3.0,
        });
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Axis2 {
    Cpu,
    Rss,
}

fn plot(
    buffer: &mut Buffer,
    area: Rect,
    series: &[Series],
    axis: Axis2,
    (palette, look, span): (&Palette, Look, f64),
) {
    fn pieces(one: &Series, axis: Axis2) -> &[Vec<(f64, f64)>] {
        if axis == Axis2::Cpu {
            &one.cpu
        } else {
            &one.rss
        }
    }
    let points = || series.iter().flat_map(|one| pieces(one, axis)).flatten();
    let (seconds, most) = points().fold((1.0, 0.0), |(time, most): (f64, f64), (t, value)| {
        (time.max(*t), most.max(*value))
    });
    let begin = seconds * (1.0 - 1.0 / span);
    // An enlarged axis begins at the smallest visible value.
    let seen = points().filter(|(time, _)| *time >= begin);
    let least = seen.map(|(_, value)| *value).fold(most, f64::min);
    let least = if span > 1.0 { least } else { 0.0 };
    let text = |value: f64| match axis {
        Axis2::Cpu => format!("{value:.2}"),
        Axis2::Rss => bytes_text(value as u64),
    };
    let (mut title, height) = match axis {
        Axis2::Cpu => ("CPU, cores".to_owned(), 0.1),
        Axis2::Rss => ("RSS".to_owned(), f64::from(1 << 20)),
    };
    if span > 1.0 {
        title += &format!(", last part enlarged {span:.0}x");
    }
    let most = most.max(least + height);
    let marker = if look.ascii {
        Marker::Dot
    } else {
        Marker::Braille
    };
    let sets = series
        .iter()
        .flat_map(|one| pieces(one, axis).iter().map(move |piece| (one, piece)))
        .map(|(one, piece)| {
            Dataset::default()
                .data(piece)
                .marker(marker)
                .graph_type(GraphType::Line)
                .style(look.ink(one.color))
        })
        .collect();
    let faint = look.ink(palette.faint);
    let base = Style::new().patch(look.behind(palette.background));
    Chart::new(sets)
        .style(base)
        .x_axis(
            Axis::default()
                .bounds([begin, seconds])
                .labels([
                    Line::from(match begin {
                        0.0 => "0".to_owned(),
                        begin => duration_text((begin * 1e9) as u64),
                    }),
                    Line::from(duration_text((seconds * 1e9) as u64)),
                ])
                .style(faint),
        )
        .y_axis(
            Axis::default()
                .title(title)
                .bounds([least, most + (most - least) * 0.05])
                .labels([
                    Line::from(match least {
                        0.0 => "0".to_owned(),
                        least => text(least),
                    }),
                    Line::from(text(most)),
                ])
                .style(faint),
        )
        .render(area, buffer);
}
