use std::fmt::Write as _;

use super::{Color, Item, Scene};

/// Formats a scene as text, one line per mark or item. Golden tests compare this text.
pub fn dump(scene: &Scene) -> String {
    let mut out = format!(
        "scene {}x{} {}\n",
        scene.width,
        scene.height,
        hex(scene.background)
    );
    // Writing to a String cannot fail.
    for mark in &scene.marks {
        let spot = mark
            .spot
            .map_or(String::new(), |spot| format!(" spot {}", hex(spot)));
        _ = writeln!(
            out,
            "{:?} {} at {:.1},{:.1} r {:.2} {}{spot}",
            mark.shape,
            mark.id.tid,
            mark.x,
            mark.y,
            mark.r,
            hex(mark.color)
        );
    }
    for item in &scene.items {
        _ = match item {
            Item::Line {
                points,
                width,
                color,
            } => writeln!(
                out,
                "line of {} width {width} {}",
                points.len(),
                hex(*color)
            ),
            Item::Rect { at, color } => writeln!(
                out,
                "rect {:.1},{:.1} {:.1}x{:.1} {}",
                at.0,
                at.1,
                at.2,
                at.3,
                hex(*color)
            ),
            Item::Ring {
                at,
                r,
                width,
                color,
            } => writeln!(
                out,
                "ring {:.1},{:.1} r {r:.1} width {width} {}",
                at.0,
                at.1,
                hex(*color)
            ),
            Item::Text(text) => writeln!(
                out,
                "text {:.1},{:.1} {} {:?} {} {}",
                text.x,
                text.y,
                text.size,
                text.anchor,
                hex(text.color),
                text.text
            ),
        };
    }
    out
}

fn hex(Color(r, g, b, a): Color) -> String {
    if a == 255 {
        format!("#{r:02x}{g:02x}{b:02x}")
    } else {
        format!("#{r:02x}{g:02x}{b:02x}{a:02x}")
    }
}
