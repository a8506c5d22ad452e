//! Draws a chart of your own: a bar for each task state. Reads `/proc` as typed values,
//! fills a scene and paints the scene.
//!
//! Run: `cargo run --example own_chart OUT.png [FOLDER]`

#![expect(clippy::print_stdout, reason = "an example prints its result")]

use std::{collections::BTreeMap, error::Error, path::PathBuf};

use procviz::{
    model::Scope,
    paint::{Raster, encode},
    scene::{Anchor, Color, Font, Item, Scene, Text},
    source::proc::{ProcFiles, ReadError},
};

const INK: Color = Color(27, 32, 39, 255);
const BAR: Color = Color(21, 87, 176, 255);

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let out = args.next().ok_or("usage: own_chart OUT.png [FOLDER]")?;
    let root = args.next().map_or(PathBuf::from("/proc"), PathBuf::from);
    let files = ProcFiles::open(&root)?;
    let mut states: BTreeMap<char, f32> = BTreeMap::new();
    for task in files.tasks(Scope::Threads)? {
        match files.stat(&task) {
            Ok(stat) => *states.entry(stat.state).or_default() += 1.0,
            // The task exited before its file was read.
            Err(ReadError::Gone) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let most = states.values().copied().fold(1.0, f32::max);
    let mut scene = Scene::new(480.0, 270.0, Color(255, 255, 255, 255));
    for (index, (state, count)) in states.iter().enumerate() {
        let (x, height) = (30.0 + 60.0 * index as f32, 200.0 * count / most);
        scene.items.push(Item::Rect {
            at: (x, 230.0 - height, 40.0, height),
            color: BAR,
        });
        scene.items.push(Item::Text(Text {
            x: x + 20.0,
            y: 250.0,
            size: 14.0,
            anchor: Anchor::Middle,
            color: INK,
            text: format!("{state} {count}"),
        }));
    }
    let mut raster = Raster::new(Font::embedded()?);
    std::fs::write(&out, encode(raster.paint(&scene, 2.0)?, &[])?)?;
    println!("number of states in `{out}`: {}", states.len());
    Ok(())
}
