//! What drawing a grid of 20,000 dots costs.

use std::sync::Arc;

use anyhow::Result;
use procviz::{
    chart::{Arguments, Colors, Context, Grid, GridOptions, Grouping, PaletteKind, Theme},
    model::{Comm, Found, Gone, Host, Io, Sample, Scope, Sources, Stamp, State, TaskId},
    paint::{Raster, encode},
    scene::Font,
    tracker::Tracker,
};

use super::{Row, median, own_cpu_ns};

const TASKS: u32 = 20_000;

pub(super) fn run() -> Result<Vec<Row>> {
    let host = Host {
        name: "bench".to_owned(),
        cpus: 2,
        page_bytes: 4096,
        tick_ns: 10_000_000,
        boot_wall_ns: 0,
    };
    let mut tracker = Tracker::new(host, Sources::EbpfAndProc);
    let mut sample = Sample::new(Sources::EbpfAndProc);
    sample.stamp = Stamp {
        boot_ns: 1_000_000_000,
        interval_ns: 1_000_000_000,
    };
    sample.found.extend((1..=TASKS).map(found));
    sample.complete = true;
    tracker.update(&sample);
    let font = Font::embedded()?;
    let user = |uid: Option<u32>| -> Arc<str> { format!("user-{}", uid.unwrap_or(0)).into() };
    let context = Context {
        font: &font,
        user: &user,
        time: "2026-01-01 00:00:00 UTC".to_owned(),
        size: (1600.0, 900.0),
        arguments: Arguments::Hidden,
    };
    let options = GridOptions {
        scope: Scope::Threads,
        grouping: Grouping::User,
        columns: None,
        point_size: 300.0,
        theme: Theme::Light,
        palette: PaletteKind::Default,
        colors: Colors::default(),
        classic: false,
    };
    let mut grid = Grid::new(options);
    let mut raster = Raster::new(font.clone());
    let (mut drawn, mut encoded) = (Vec::new(), Vec::new());
    for _ in 0..20 {
        let before = own_cpu_ns();
        let scene = grid.draw(tracker.snapshot(), &context);
        let pixels = raster.paint(&scene, 1.0)?;
        drawn.push((own_cpu_ns() - before) / 1e6);
        encode(pixels, &[])?;
        encoded.push((own_cpu_ns() - before) / 1e6);
    }
    Ok(vec![
        Row::new("grid of 20,000 dots, 1600x900", median(drawn), "ms").bar("<= 5"),
        Row::new("... with PNG", median(encoded), "ms").bar("<= 15"),
    ])
}

fn found(tid: u32) -> Found {
    let id = TaskId {
        tid,
        start_ns: u64::from(tid) * 1_000,
    };
    Found {
        id,
        process: id,
        ppid: 1,
        uid: Some(tid % 8),
        ns_pid: Some(tid),
        kthread: false,
        comm: Comm::new(b"task"),
        state: if tid.is_multiple_of(50) {
            State::Running
        } else {
            State::Sleeping
        },
        on_cpu: false,
        in_iowait: tid.is_multiple_of(70),
        cpu_ns: 0,
        run_delay_ns: Some(0),
        off_cpu_ns: Some(0),
        io: Some(Io::default()),
        memory: Some((u64::from(tid % 997) * 40_960, 1 << 30)),
        threads: 1,
        gone: Gone::default(),
        whole: None,
        cgroup: None,
        watched: true,
    }
}
