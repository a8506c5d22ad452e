//! Draws a grid from a folder with a saved copy of `/proc`.
//!
//! Run: `cargo run --example recorded_grid FOLDER OUT.png`. Make such a folder with
//! `for p in /proc/[0-9]*; do mkdir -p saved$p/task; cp -r ...`, or by hand.

#![expect(clippy::print_stdout, reason = "an example prints its result")]

use std::{error::Error, path::Path, sync::Arc};

use procviz::{
    chart::{Arguments, Context, Grid, GridOptions},
    model::{Host, Sample},
    paint::{Raster, encode},
    scene::Font,
    source::Sampler,
    tracker::Tracker,
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(folder), Some(out)) = (args.next(), args.next()) else {
        return Err("usage: recorded_grid FOLDER OUT.png".into());
    };
    // Facts about the saved machine; most machines have these values.
    let host = Host::new("saved", 1);
    let mut sampler = Sampler::of_folder(&host, Path::new(&folder))?;
    let mut tracker = Tracker::new(host, sampler.sources());
    let mut sample = Sample::new(sampler.sources());
    sampler.sample(&mut sample)?;
    tracker.update(&sample);
    let font = Font::embedded()?;
    let user = |uid: Option<u32>| -> Arc<str> {
        uid.map_or("unknown".into(), |uid| uid.to_string().into())
    };
    let context = Context {
        font: &font,
        user: &user,
        time: "saved copy".to_owned(),
        is_live: false,
        selection: Vec::new(),
        size: (1600.0, 900.0),
        arguments: Arguments::Hidden,
    };
    let mut grid = Grid::new(GridOptions::default());
    let scene = grid.draw(tracker.snapshot(), &context);
    let mut raster = Raster::new(font.clone());
    std::fs::write(&out, encode(raster.paint(&scene, 1.0)?, &[])?)?;
    println!("number of marks in `{out}`: {}", scene.marks.len());
    Ok(())
}
