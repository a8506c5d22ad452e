//! Draws the head of a picture: the machine, the time and the figures of the machine.

use crate::{
    chart::{Context, palette::Palette},
    model::{
        Pressure, Scope, Snapshot, Sources, State, TaskView, bytes_text, count_text, duration_text,
        per_second_text,
    },
    scene::{Anchor, Scene},
};

/// Height of the head, in pixels.
pub(super) const HEIGHT: f32 = 74.0;
const LEFT: f32 = 16.0;

/// The counts of tasks for the head.
#[derive(Default)]
pub(crate) struct Counts {
    pub(super) tasks: u64,
    pub(super) blocked: u64,
    pub(super) zombies: u64,
    pub(super) stopped: u64,
    pub(super) wait_ns: Option<u64>,
}

impl Counts {
    pub(super) fn new(snapshot: &Snapshot) -> Self {
        Self {
            wait_ns: (snapshot.sources == Sources::EbpfAndProc).then_some(0),
            ..Self::default()
        }
    }

    /// Counts all tasks of a scope.
    pub(crate) fn of(snapshot: &Snapshot, scope: Scope) -> Self {
        let mut counts = Self::new(snapshot);
        snapshot.tasks(scope).for_each(|task| counts.add(&task));
        counts
    }

    pub(super) fn add(&mut self, task: &TaskView<'_>) {
        let state = task.state();
        self.tasks += u64::from(state != State::Dead);
        self.blocked += u64::from(state == State::Blocked);
        self.zombies += u64::from(state == State::Zombie);
        self.stopped += u64::from(matches!(state, State::Stopped | State::Traced));
        if let (Some(sum), Some(wait)) = (&mut self.wait_ns, task.change().wait_ns) {
            *sum += wait;
        }
    }
}

pub(super) fn draw(
    scene: &mut Scene,
    snapshot: &Snapshot,
    (chart, counts, scope): (&str, &Counts, Scope),
    context: &Context<'_>,
    palette: &Palette,
) {
    let Words {
        title,
        when,
        machine,
        tasks,
    } = words(snapshot, (chart, counts, scope), context);
    let mut line = |x: f32, y: f32, size: f32, anchor, color, text: String| {
        scene.text((x, y), (size, anchor, color), text);
    };
    let width = context.size.0;
    // A long command must not hide the time.
    let room = width - 2.0 * LEFT - context.font.width(&when, 14.0) - 24.0;
    let shown = context.font.fit(&title, 20.0, room.max(width / 3.0));
    let title_width = context.font.width(&shown, 20.0);
    line(LEFT, 26.0, 20.0, Anchor::Start, palette.ink, shown);
    let room = width - 2.0 * LEFT - title_width - 24.0;
    line(
        width - LEFT,
        26.0,
        14.0,
        Anchor::End,
        palette.ink,
        context.font.fit(&when, 14.0, room),
    );
    let machine = context.font.fit(&machine, 14.0, width - 2.0 * LEFT);
    line(LEFT, 47.0, 14.0, Anchor::Start, palette.ink, machine);
    let tasks = context.font.fit(&tasks, 14.0, width - 2.0 * LEFT);
    line(LEFT, 66.0, 14.0, Anchor::Start, palette.ink, tasks);
    scene.title = format!("procviz: {title}, {when}");
}

/// The texts of a head, for pictures and terminals.
pub(crate) struct Words {
    pub(crate) title: String,
    pub(crate) when: String,
    pub(crate) machine: String,
    pub(crate) tasks: String,
}

/// Makes the texts of a head.
pub(crate) fn words(
    snapshot: &Snapshot,
    (chart, counts, scope): (&str, &Counts, Scope),
    context: &Context<'_>,
) -> Words {
    let hidden = snapshot.hidden(scope) as u64;
    let all = counts.tasks.saturating_add(hidden);
    let what = match (scope, all) {
        (Scope::Threads, 1) => "thread",
        (Scope::Threads, _) => "threads",
        (Scope::Processes, 1) => "process",
        (Scope::Processes, _) => "processes",
    };
    let of_all = match snapshot.is_filtered {
        true => format!(" of {} {what} shown (filter)", count_text(all)),
        false => format!(" {what}"),
    };
    let shown = count_text(counts.tasks);
    let tasks = format!("{shown}{of_all}  ·  {}", tasks_line(snapshot, counts));
    Words {
        title: title(snapshot, chart, context),
        when: when(snapshot, context),
        machine: machine_line(snapshot, counts),
        tasks,
    }
}

fn title(snapshot: &Snapshot, chart: &str, context: &Context<'_>) -> String {
    let parts = [chart, snapshot.host.name.as_str()].into_iter();
    let parts = parts.chain(context.selection.iter().map(String::as_str));
    parts.collect::<Vec<_>>().join(" · ")
}

/// The period that the picture shows.
fn when(snapshot: &Snapshot, context: &Context<'_>) -> String {
    let (time, missing) = (&context.time, missing(snapshot));
    if !context.is_live {
        return format!("{time}{missing}");
    }
    format!(
        "{time}   last interval {}{missing}, watched {}",
        duration_text(rounded(snapshot.stamp.interval_ns)),
        duration_text(rounded(snapshot.watched_ns()))
    )
}

/// The text about a gap in the recording before or in the interval of this snapshot;
/// empty without a gap. `missing_ns` is the part of the gap within the interval.
fn missing(snapshot: &Snapshot) -> String {
    let Some((begin, end)) = snapshot.gap_ns else {
        return String::new();
    };
    match snapshot.missing_ns() {
        0 => format!(
            ", {} missing before it",
            duration_text(rounded(end - begin))
        ),
        part => format!(", {} of it missing", duration_text(rounded(part))),
    }
}

/// Rounds durations from 100 ms on to hundredths of a second: 998 ms becomes 1 s.
pub(super) fn rounded(ns: u64) -> u64 {
    let step = if ns < 100_000_000 { 1 } else { 10_000_000 };
    ns.saturating_add(step / 2) / step * step
}

fn machine_line(snapshot: &Snapshot, counts: &Counts) -> String {
    let machine = &snapshot.machine;
    let interval = snapshot.stamp.interval_ns.max(1) as f64;
    let cores = |ns: Option<u64>| {
        known(snapshot, ns).map_or_else(
            || "unknown".to_owned(),
            |ns| format!("{:.2}", ns as f64 / interval),
        )
    };
    let mut parts = vec![
        format!(
            "cores busy {} of {}",
            cores(snapshot.busy_ns()),
            snapshot.host.cpus
        ),
        format!("tasks waiting for a CPU {}", cores(counts.wait_ns)),
    ];
    // Early in the line, so that a narrow picture does not lose them.
    let psi_cpu = known(snapshot, machine.psi_cpu_some_us);
    parts.extend(pressure("cpu", psi_cpu, None, interval));
    let psi = |name, value: Option<Pressure>| {
        let value = known(snapshot, value);
        pressure(
            name,
            value.map(|p| p.some_us),
            value.map(|p| p.full_us),
            interval,
        )
    };
    parts.extend(psi("memory", machine.psi_memory));
    parts.extend(psi("io", machine.psi_io));
    match (machine.mem_available_bytes, machine.mem_total_bytes) {
        (Some(available), Some(total)) => {
            parts.push(format!(
                "memory available {} of {}",
                bytes_text(available),
                bytes_text(total)
            ));
        }
        _ => parts.push("memory unknown".to_owned()),
    }
    if let Some(swap) = machine.swap_used_bytes.filter(|swap| *swap > 0) {
        parts.push(format!("swap used {}", bytes_text(swap)));
    }
    parts.push(format!("IO wait {}", cores(machine.iowait_ns)));
    parts.push(format!("cores stolen {}", cores(machine.steal_ns)));
    parts.push(format!(
        "load {}",
        machine
            .load1
            .map_or_else(|| "unknown".to_owned(), |load| format!("{load:.2} (1 min)"))
    ));
    parts.join("  ·  ")
}

/// A change in the interval; `None` for the first census, which has no interval.
fn known<T>(snapshot: &Snapshot, change: Option<T>) -> Option<T> {
    change.filter(|_| snapshot.stamp.interval_ns > 0)
}

/// The text about a pressure (PSI); `None` below 0.5 %.
fn pressure(name: &str, some: Option<u64>, full: Option<u64>, interval: f64) -> Option<String> {
    let percent = |us: u64| us as f64 * 1e5 / interval;
    let some = percent(some?);
    if some < 0.5 {
        return None;
    }
    let full = full
        .map(percent)
        .filter(|full| *full >= 0.5)
        .map_or(String::new(), |full| format!(", full {full:.0} %"));
    Some(format!("{name} pressure {some:.0} %{full}"))
}

fn tasks_line(snapshot: &Snapshot, counts: &Counts) -> String {
    let seconds = snapshot.stamp.interval_ns.max(1) as f64 / 1e9;
    let rate = |count: Option<u64>| {
        known(snapshot, count).map_or_else(
            || "unknown".to_owned(),
            |count| per_second_text(count, seconds),
        )
    };
    [
        format!("blocked (D) {}", counts.blocked),
        format!("zombies {}", counts.zombies),
        format!("stopped {}", counts.stopped),
        format!("forks {}", rate(snapshot.machine.forks)),
        format!("exits {}", rate(snapshot.machine.deaths)),
    ]
    .join("  ·  ")
}
