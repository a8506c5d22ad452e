//! Writes a scene as SVG, with a title for each mark.

use std::fmt::Write as _;

use crate::{
    model::TaskId,
    scene::{Anchor, Color, Font, Item, Mark, Scene, Shape, Text},
};

/// Writes the scene as an SVG document with `scale` pixels per scene pixel. `report`
/// returns the text that a viewer shows for a task. This text can contain any
/// characters and is escaped.
pub fn svg(
    scene: &Scene,
    font: &Font,
    scale: f32,
    mut report: impl FnMut(TaskId) -> String,
) -> String {
    let mut out = String::with_capacity(scene.marks.len() * 160 + 16_384);
    let (w, h) = (scene.width, scene.height);
    // Writing to a String cannot fail.
    _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" viewBox=\"0 0 {w} {h}\" \
         font-family=\"Roboto, 'Helvetica Neue', Arial, sans-serif\">\n<title>{}</title>\n\
         <rect width=\"{w}\" height=\"{h}\" {}/>\n",
        w * scale,
        h * scale,
        escape(&scene.title),
        fill(scene.background)
    );
    for mark in &scene.marks {
        let title = escape(&report(mark.id));
        _ = write!(out, "<g><title>{title}</title>");
        write_mark(&mut out, mark);
        out.push_str("</g>\n");
    }
    for item in &scene.items {
        write_item(&mut out, item, font);
    }
    out.push_str("</svg>\n");
    out
}

/// Writes the scene as a small SVG element: without titles, and with all opaque discs
/// of the same size and colour in one path.
pub(super) fn still(scene: &Scene, font: &Font) -> String {
    let (w, h) = (scene.width, scene.height);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" \
         font-family=\"Roboto,'Helvetica Neue',Arial,sans-serif\"><rect width=\"{w}\" height=\"{h}\" {}/>\n",
        fill(scene.background)
    );
    let is_plain =
        |mark: &&Mark| mark.shape == Shape::Disc && mark.spot.is_none() && mark.color.3 == u8::MAX;
    let tenths = |pixels: f32| (pixels * 10.0).round() as i32;
    // For each radius and colour, the position of the last disc and the path.
    let mut alike: Vec<((i32, i32), String)> = Vec::new();
    let mut keys: Vec<(i32, Color)> = Vec::new();
    let mut places: rustc_hash::FxHashMap<(i32, Color), usize> = rustc_hash::FxHashMap::default();
    for mark in scene.marks.iter().filter(is_plain) {
        let key = (tenths(mark.r), mark.color);
        let place = *places.entry(key).or_insert_with(|| {
            keys.push(key);
            alike.push(((0, 0), String::new()));
            alike.len() - 1
        });
        let (last, path) = &mut alike[place];
        let (x, y) = (tenths(mark.x), tenths(mark.y));
        let step = |pixels: i32| f64::from(pixels) / 10.0;
        // A line of length 0 with round ends is a disc.
        _ = write!(path, "m{} {}h0", step(x - last.0), step(y - last.1));
        *last = (x, y);
    }
    for ((r, color), (_, path)) in keys.into_iter().zip(alike) {
        _ = writeln!(
            out,
            "<path stroke-linecap=\"round\" stroke-width=\"{}\" {} d=\"{path}\"/>",
            f64::from(r) / 5.0,
            stroke(color)
        );
    }
    for mark in scene.marks.iter().filter(|mark| !is_plain(mark)) {
        write_mark(&mut out, mark);
    }
    for item in &scene.items {
        write_item(&mut out, item, font);
    }
    out.push_str("</svg>");
    out
}

fn write_mark(out: &mut String, mark: &Mark) {
    let Mark { x, y, r, .. } = *mark;
    let fill = fill(mark.color);
    _ = match mark.shape {
        Shape::Disc => write!(
            out,
            "<circle cx=\"{x:.2}\" cy=\"{y:.2}\" r=\"{r:.2}\" {fill}/>"
        ),
        Shape::Ring => write!(
            out,
            "<circle cx=\"{x:.2}\" cy=\"{y:.2}\" r=\"{:.2}\" fill=\"none\" {} stroke-width=\"{:.2}\"/>",
            r * 0.82,
            stroke(mark.color),
            (r * 0.36).max(1.0)
        ),
        Shape::Square => polygon(
            out,
            &[
                (x - r, y - r),
                (x + r, y - r),
                (x + r, y + r),
                (x - r, y + r),
            ],
            &fill,
        ),
        Shape::Diamond => polygon(
            out,
            &[(x, y - r), (x + r, y), (x, y + r), (x - r, y)],
            &fill,
        ),
        Shape::Triangle => polygon(out, &[(x, y - r), (x + r, y + r), (x - r, y + r)], &fill),
    };
    if let Some(spot) = mark.spot {
        _ = write!(
            out,
            "<circle cx=\"{x:.2}\" cy=\"{y:.2}\" r=\"{:.2}\" {}/>",
            r * 0.38,
            self::fill(spot)
        );
    }
}

fn polygon(out: &mut String, corners: &[(f32, f32)], fill: &str) -> std::fmt::Result {
    out.push_str("<polygon points=\"");
    for (x, y) in corners {
        write!(out, "{x:.2},{y:.2} ")?;
    }
    write!(out, "\" {fill}/>")
}

fn write_item(out: &mut String, item: &Item, font: &Font) {
    _ = match item {
        Item::Line {
            points,
            width,
            color,
        } => {
            out.push_str("<polyline points=\"");
            for (x, y) in points {
                _ = write!(out, "{x:.2},{y:.2} ");
            }
            writeln!(
                out,
                "\" fill=\"none\" stroke-width=\"{width:.2}\" stroke-linecap=\"round\" {}/>",
                stroke(*color)
            )
        }
        Item::Rect {
            at: (x, y, w, h),
            color,
        } => {
            writeln!(
                out,
                "<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{w:.2}\" height=\"{h:.2}\" {}/>",
                fill(*color)
            )
        }
        Item::Ring {
            at: (x, y),
            r,
            width,
            color,
        } => writeln!(
            out,
            "<circle cx=\"{x:.2}\" cy=\"{y:.2}\" r=\"{r:.2}\" fill=\"none\" stroke-width=\"{width:.2}\" {}/>",
            stroke(*color)
        ),
        Item::Text(text) => write_text(out, text, font),
    };
}

fn write_text(out: &mut String, text: &Text, font: &Font) -> std::fmt::Result {
    let anchor = match text.anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    };
    // With `textLength`, a viewer with another font keeps the width of the layout.
    writeln!(
        out,
        "<text x=\"{:.2}\" y=\"{:.2}\" font-size=\"{}\" text-anchor=\"{anchor}\" textLength=\"{:.1}\" lengthAdjust=\"spacingAndGlyphs\" {}>{}</text>",
        text.x,
        text.y,
        text.size,
        font.width(&text.text, text.size),
        fill(text.color),
        escape(&text.text)
    )
}

fn fill(color: Color) -> String {
    attribute("fill", color)
}

fn stroke(color: Color) -> String {
    attribute("stroke", color)
}

fn attribute(name: &str, Color(r, g, b, a): Color) -> String {
    if a == 255 {
        format!("{name}=\"#{r:02x}{g:02x}{b:02x}\"")
    } else {
        format!(
            "{name}=\"#{r:02x}{g:02x}{b:02x}\" {name}-opacity=\"{:.3}\"",
            f32::from(a) / 255.0
        )
    }
}

/// Escapes text for XML. Markup is escaped. Control characters, reordering characters
/// and characters that XML 1.0 does not allow become U+FFFD.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for ch in text.chars() {
        match ch {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' => out.push('\n'),
            ch if crate::model::is_harmful(ch) => out.push(char::REPLACEMENT_CHARACTER),
            ch => out.push(ch),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_escaped() {
        assert_eq!(
            escape("<&\"'\u{1b}\u{202e}\u{0}\n"),
            "&lt;&amp;&quot;&apos;\u{fffd}\u{fffd}\u{fffd}\n"
        );
    }
}
