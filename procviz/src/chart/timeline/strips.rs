//! Draws the machine over the same time: CPU, memory, and pressure.

use super::{flags, lives::Lives, machine::MachineStep};
use crate::{
    chart::palette::Palette,
    model::Activity,
    scene::{Anchor, Color, Font, Item, Scene, Text},
};

const HEIGHT: f32 = 20.0;
const GAP: f32 = 5.0;

/// Draws the strips from `top` on. Returns where they end.
pub(super) fn draw(
    scene: &mut Scene,
    (lives, period): (&Lives, (u64, u64)),
    cpus: u32,
    ((left, right), top): ((f32, f32), f32),
    (font, palette): (&Font, &Palette),
) -> f32 {
    let (from_ns, until_ns) = period;
    let length = until_ns.saturating_sub(from_ns).max(1) as f64;
    let x = |ns: u64| {
        let part = ns.saturating_sub(from_ns) as f64 / length;
        left + part as f32 * (right - left)
    };
    let cpus = f64::from(cpus.max(1));
    type Value<'a> = &'a dyn Fn(&MachineStep) -> Option<f64>;
    let strips: [(&str, Color, Value<'_>); 3] = [
        ("CPU", palette.full(Activity::Cpu), &|step| {
            step.busy.map(|busy| busy / cpus)
        }),
        ("memory", palette.faint, &|step| step.memory),
        ("pressure", palette.accent, &|step| step.pressure),
    ];
    let mut y = flags::draw(
        scene,
        (lives, period),
        ((left, right), top),
        &x,
        (font, palette),
    );
    for (name, color, value) in strips {
        let mut most = None;
        for step in lives
            .machine
            .0
            .iter()
            .filter(|step| step.from_ns >= from_ns)
        {
            let Some(part) = value(step) else { continue };
            most = Some(most.map_or(part, |most: f64| most.max(part)));
            let (begin, end) = (x(step.from_ns), x(step.until_ns));
            let height = part.clamp(0.0, 1.0) as f32 * HEIGHT;
            scene.items.push(Item::Rect {
                at: (begin, y + HEIGHT - height, (end - begin).max(0.5), height),
                color,
            });
        }
        scene.items.push(Item::Line {
            points: vec![(left, y + HEIGHT), (right, y + HEIGHT)],
            width: 1.0,
            color: palette.idle,
        });
        let most = match most {
            None => "unknown".to_owned(),
            Some(most) if name == "CPU" => {
                let busy = most.min(1.0) * cpus;
                format!("most {busy:.1} of {cpus:.0} cores")
            }
            Some(most) => format!("most {:.0} %", most * 100.0),
        };
        for (x, anchor, text) in [
            (super::LEFT, Anchor::Start, name.to_owned()),
            (left - 10.0, Anchor::End, most),
        ] {
            scene.items.push(Item::Text(Text {
                x,
                y: y + HEIGHT - 4.0,
                size: 12.0,
                anchor,
                color: palette.faint,
                text,
            }));
        }
        y += HEIGHT + GAP;
    }
    y + 4.0
}
