use super::*;
use crate::{
    chart::{
        Colors, Context, PaletteKind, Theme,
        golden::{host, with_context},
        palette::Palette,
    },
    model::{Change, Process as ModelProcess, Sources, Thread},
    scene::{Color, Item, Scene},
};

/// Ten samples per second for ten seconds; process 7 uses a whole core in the samples that end
/// at the given tenths.
fn spikes(tenths: &[u64], interval_ns: u64) -> Heat {
    let mut snapshot = Snapshot::new(host(), Sources::EbpfAndProc);
    let id = TaskId {
        tid: 7,
        start_ns: 1,
    };
    let slot = snapshot.threads.insert(Thread {
        id,
        comm: Comm::new(b"spiker"),
        uid: Some(3),
        ..Thread::default()
    });
    let process = snapshot.processes.insert(ModelProcess {
        id,
        leader: Some(slot),
        members: vec![slot],
        ..ModelProcess::default()
    });
    snapshot.threads.get_mut(slot).unwrap().process = process;
    snapshot.changed.push(process);
    let mut heat = Heat::default();
    for tenth in 1..=(10 * SECOND_NS / interval_ns) {
        snapshot.tick += 1;
        snapshot.stamp.boot_ns = 100 * SECOND_NS + tenth * interval_ns;
        snapshot.stamp.interval_ns = interval_ns;
        let cpu_ns = if tenths.contains(&tenth) {
            interval_ns
        } else {
            0
        };
        snapshot.machine.cpu_busy_ns = Some(cpu_ns);
        snapshot.processes.get_mut(process).unwrap().change = Change {
            tick: snapshot.tick,
            ran: true,
            cpu_ns,
            wait_ns: Some(cpu_ns / 2),
            ..Change::default()
        };
        heat.observe(&snapshot);
    }
    heat
}

fn matrix(heat: &Heat, options: HeatOptions, most_rows: usize) -> Result<matrix::Matrix, String> {
    let mut found = Err("not drawn".to_owned());
    with_context((0.0, 0.0), |context: &Context<'_>| {
        found = heat.matrix(options, ((0, u64::MAX), 4), most_rows, context);
        Scene::new(0.0, 0.0, Color(0, 0, 0, 255))
    });
    found
}

/// The places of the cells with a value: row and column.
fn hot(matrix: &matrix::Matrix) -> Vec<(usize, usize)> {
    let mut hot = Vec::new();
    for (place, row) in matrix.rows.iter().enumerate() {
        for (column, cell) in row.cells.iter().enumerate() {
            if cell.is_some_and(|value| value > 0.0) {
                hot.push((place, column));
            }
        }
    }
    hot
}

/// What happens every 2.5 s makes two stripes.
#[test]
fn a_spike_is_where_it_happened() {
    let heat = spikes(&[3, 28, 53, 78], SECOND_NS / 10);
    let map = matrix(&heat, HeatOptions::default(), 100).unwrap();
    assert_eq!((map.columns, map.rows.len(), map.most), (10, 10, 4.0));
    // The third tenth of a second is the column from 200 ms to 300 ms.
    assert_eq!(hot(&map), [(0, 2), (2, 7), (5, 2), (7, 7)]);
    assert_eq!(map.rows[0].cells[2], Some(1.0));
    assert_eq!(map.rows[0].cells[3], Some(0.0));
    assert_eq!(map.rows[0].label, "9 s before");
    assert_eq!(map.rows[9].label, "last second");
}

/// Too many seconds share rows, and a row is their mean.
#[test]
fn many_seconds_share_rows() {
    let heat = spikes(&[3, 28, 53, 78], SECOND_NS / 10);
    let map = matrix(&heat, HeatOptions::default(), 5).unwrap();
    assert_eq!(map.rows.len(), 5);
    assert_eq!(hot(&map), [(0, 2), (1, 7), (2, 2), (3, 7)]);
    assert_eq!(map.rows[0].cells[2], Some(0.5));
}

#[test]
fn processes_have_the_mean_of_all_seconds() {
    let heat = spikes(&[3, 28, 53, 78], SECOND_NS / 10);
    for (of, mean) in [(HeatOf::Cpu, 0.2), (HeatOf::Waiting, 0.1)] {
        let rows = HeatRows::Tasks;
        let map = matrix(&heat, HeatOptions { rows, of }, 100).unwrap();
        assert_eq!(map.rows.len(), 1);
        assert_eq!(map.rows[0].label, "spiker 7 · user3");
        assert_eq!(hot(&map), [(0, 2), (0, 7)]);
        let is = map.rows[0].cells[2].unwrap();
        assert!((is - mean).abs() < 1e-6, "{is}");
    }
}

#[test]
fn a_second_without_samples_is_blank() {
    let mut heat = spikes(&[3], SECOND_NS / 10);
    heat.moments
        .retain(|moment| !(30..40).contains(&((moment.boot_ns / 100_000_000) % 1_000)));
    let map = matrix(&heat, HeatOptions::default(), 100).unwrap();
    assert!(
        map.rows[3].cells[..9].iter().all(Option::is_none),
        "{map:?}"
    );
    assert!(map.rows[2].cells[..9].iter().all(Option::is_some));
}

#[test]
fn samples_that_are_too_far_apart_say_so() {
    let why = matrix(&spikes(&[], SECOND_NS / 2), HeatOptions::default(), 9).unwrap_err();
    assert!(
        why.contains("500 ms apart") && why.contains("-s 0.1"),
        "{why}"
    );
    let why = matrix(&Heat::default(), HeatOptions::default(), 9).unwrap_err();
    assert!(why.contains("no samples"), "{why}");
}

#[test]
fn what_is_old_is_forgotten() {
    let mut heat = spikes(&[3, 28, 53, 78], SECOND_NS / 10);
    heat.forget_before(105 * SECOND_NS);
    let map = matrix(&heat, HeatOptions::default(), 100).unwrap();
    assert_eq!(hot(&map).len(), 2, "{map:?}");
    let rows = HeatRows::Tasks;
    let options = HeatOptions {
        rows,
        of: HeatOf::Cpu,
    };
    assert_eq!(hot(&matrix(&heat, options, 9).unwrap()), [(0, 2), (0, 7)]);
    assert_eq!(heat.steps, 2);
}

/// The axes have the name of each row beside it, and each tenth of a second; the key says what
/// the full colour is.
#[test]
fn axes_name_rows_and_tenths() {
    let heat = spikes(&[3, 28, 53, 78], SECOND_NS / 10);
    let snapshot = Snapshot::new(host(), Sources::EbpfAndProc);
    let period = (0, u64::MAX);
    let scene = with_context((1_000.0, 600.0), |context| {
        let palette = Palette::new(Theme::Light, PaletteKind::Default, &Colors::default());
        heat.draw(
            HeatOptions::default(),
            (&snapshot, period),
            context,
            &palette,
        )
    });
    let place = |wanted: &str| {
        let texts = scene.items.iter().filter_map(|item| match item {
            Item::Text(text) if text.text == wanted => Some((text.x, text.y)),
            _ => None,
        });
        let found: Vec<_> = texts.collect();
        assert_eq!(found.len(), 1, "{wanted}: {found:?}");
        found[0]
    };
    let rects = scene.items.iter().filter_map(|item| match item {
        Item::Rect { at, .. } => Some(*at),
        _ => None,
    });
    let rects: Vec<_> = rects.collect();
    // The cells of the first row, and of the last.
    let (first, last) = (rects[0], rects[99]);
    for (name, (_, top, _, height)) in [("9 s before", first), ("last second", last)] {
        let (x, y) = place(name);
        assert!(x < first.0 && y > top && y < top + height, "{name}");
    }
    for (name, cell) in [
        ("0 ms", rects[0]),
        ("300 ms", rects[3]),
        ("900 ms", rects[9]),
    ] {
        let (x, y) = place(name);
        assert!((x - cell.0).abs() <= 1.0, "{name}: {x}, {cell:?}");
        assert!(y > last.1 + last.3, "{name}");
    }
    assert!((place("1 s").0 - (last.0 + last.2)).abs() <= 1.0);
    // The machine has four cores.
    let (unit, most) = (place("cores in use"), place("4"));
    assert!(most.0 > unit.0 && most.1 < unit.1, "{most:?} {unit:?}");
}
