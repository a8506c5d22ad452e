use super::*;
use crate::{
    chart::{
        Arguments,
        golden::{found, host, with_context},
    },
    model::{Change, Comm, End, Sample, Sources, Stamp, Status},
    scene::Scene,
    tracker::Tracker,
};

const SECOND: u64 = 1_000_000_000;

fn id(tid: u32) -> TaskId {
    TaskId {
        tid,
        start_ns: u64::from(tid) * SECOND,
    }
}

/// A process that used some CPU in the last interval.
fn begin(snapshot: &mut Snapshot, (tid, ppid): (u32, u32), cpu_ns: u64, rss: Option<u64>) {
    let slot = snapshot.threads.insert(Thread {
        id: id(tid),
        comm: Comm::new(format!("p{tid}").as_bytes()),
        uid: Some(tid % 2),
        state: State::Sleeping,
        ..Thread::default()
    });
    let process = snapshot.processes.insert(Process {
        id: id(tid),
        leader: Some(slot),
        members: vec![slot],
        ppid,
        rss,
        threads: 1,
        change: Change {
            tick: snapshot.tick,
            ran: true,
            cpu_ns,
            ..Change::default()
        },
        ..Process::default()
    });
    snapshot.threads.get_mut(slot).unwrap().process = process;
    snapshot.changed.push(process);
}

/// 10 is the parent of 11 and 12, and 12 is that of 13; 14 has the pid of nobody as its parent.
fn machine() -> Snapshot {
    let mut snapshot = Snapshot::new(host(), Sources::EbpfAndProc);
    snapshot.tick = 5;
    snapshot.stamp = Stamp {
        boot_ns: 100 * SECOND,
        interval_ns: 2 * SECOND,
    };
    begin(&mut snapshot, (10, 1), SECOND / 10, Some(1 << 20));
    begin(&mut snapshot, (11, 10), SECOND / 5, Some(4 << 20));
    begin(&mut snapshot, (12, 10), SECOND, Some(2 << 20));
    begin(&mut snapshot, (13, 12), SECOND / 2, None);
    begin(&mut snapshot, (14, 999), 0, Some(3 << 20));
    snapshot
}

fn end(snapshot: &mut Snapshot, tid: u32, zombie: bool) {
    let tick = snapshot.tick;
    let mut processes = snapshot.processes.iter_mut();
    let process = processes.find(|process| process.id.tid == tid).unwrap();
    process.end = Some(End {
        tick,
        status: Some(Status(9)),
        zombie,
    });
    let slot = process.leader.unwrap();
    snapshot.threads.get_mut(slot).unwrap().end = process.end;
}

/// Calls `look` with the table.
fn table(
    snapshot: &Snapshot,
    dead: &RecentlyDead,
    order: TableOrder,
    look: impl FnOnce(&Table<'_>, &Context<'_>),
) {
    with_context((0.0, 0.0), |context| {
        look(
            &Table::new(snapshot, (dead, &|_, _| true), order, context),
            context,
        );
        Scene::new(0.0, 0.0, crate::scene::Color(0, 0, 0, 255))
    });
}

fn tids(snapshot: &Snapshot, column: Column, is_reversed: bool, is_tree: bool) -> Vec<u32> {
    let order = TableOrder {
        column,
        is_reversed,
        is_tree,
    };
    let mut tids = Vec::new();
    let dead = RecentlyDead::default();
    table(snapshot, &dead, order, |table, _| {
        tids = table.ids().iter().map(|id| id.tid).collect();
    });
    tids
}

#[test]
fn the_table_is_sorted_by_each_column() {
    let snapshot = machine();
    assert_eq!(
        tids(&snapshot, Column::Cpu, false, false),
        [12, 13, 11, 10, 14]
    );
    assert_eq!(
        tids(&snapshot, Column::Cpu, true, false),
        [14, 10, 11, 13, 12]
    );
    assert_eq!(
        tids(&snapshot, Column::Pid, false, false),
        [10, 11, 12, 13, 14]
    );
    assert_eq!(
        tids(&snapshot, Column::Command, true, false),
        [14, 13, 12, 11, 10]
    );
    assert_eq!(
        tids(&snapshot, Column::Age, false, false),
        [10, 11, 12, 13, 14]
    );
    assert_eq!(
        tids(&snapshot, Column::User, false, false),
        [10, 12, 14, 11, 13]
    );
    // What is not known is last in both orders.
    assert_eq!(
        tids(&snapshot, Column::Rss, false, false),
        [11, 14, 12, 10, 13]
    );
    assert_eq!(
        tids(&snapshot, Column::Rss, true, false),
        [10, 12, 14, 11, 13]
    );
}

#[test]
fn in_a_tree_children_are_below_their_parents() {
    let snapshot = machine();
    assert_eq!(
        tids(&snapshot, Column::Cpu, false, true),
        [10, 12, 13, 11, 14]
    );
    assert_eq!(
        tids(&snapshot, Column::Pid, true, true),
        [14, 10, 12, 13, 11]
    );
    let order = TableOrder {
        is_tree: true,
        ..TableOrder::default()
    };
    table(
        &snapshot,
        &RecentlyDead::default(),
        order,
        |table, context| {
            let command = |index| table.row(index, &[Column::Command], context).unwrap().cells;
            assert_eq!(command(0), ["p10"]);
            assert_eq!(command(2), ["p13"]);
            let depth = |index| table.row(index, &[], context).unwrap().depth;
            assert_eq!([0, 1, 2, 3, 4].map(depth), [0, 1, 2, 1, 0]);
        },
    );
}

#[test]
fn cells_have_the_figures_of_the_interval() {
    let snapshot = machine();
    let order = TableOrder::default();
    table(
        &snapshot,
        &RecentlyDead::default(),
        order,
        |table, context| {
            let first = table.row(0, &Column::ALL, context).unwrap();
            assert_eq!((first.id.tid, first.tone), (12, Tone::Busy));
            let cells = first.cells;
            // Half a core in an interval of two seconds; nothing is known of its IO.
            let expected = [
                "12",
                "user0",
                "sleeping",
                "50.0",
                "0 ns",
                "2 MiB",
                "0",
                "?",
                "?",
                "1",
                "1 min 28 s",
                "p12",
            ];
            assert_eq!(cells, expected);
            let cells = table.row(1, &[Column::Rss], context).unwrap().cells;
            assert_eq!(cells, ["?"]);
            assert_eq!(table.title(), "5 processes");
            assert!(table.row(5, &Column::ALL, context).is_none());
            assert_eq!(context.arguments, Arguments::Hidden);
        },
    );
}

/// Who exited is listed for a minute, a zombie once, and who exited before the run never.
#[test]
fn the_dead_of_the_last_minute_are_listed() {
    let mut snapshot = machine();
    let mut dead = RecentlyDead::default();
    end(&mut snapshot, 12, false);
    end(&mut snapshot, 13, true);
    dead.observe(&snapshot);
    let order = TableOrder::default();
    let listed = |snapshot: &Snapshot, dead: &RecentlyDead| {
        let mut listed = (Vec::new(), String::new());
        table(snapshot, dead, order, |table, context| {
            let rows = (0..table.ids().len()).map(|index| {
                let columns = [Column::Pid, Column::State, Column::Cpu];
                table.row(index, &columns, context).unwrap().cells.join(" ")
            });
            listed = (rows.collect(), table.title());
        });
        listed
    };
    let (rows, title) = listed(&snapshot, &dead);
    assert_eq!(
        rows,
        [
            "13 zombie, SIGKILL 25.0",
            "11 sleeping 10.0",
            "10 sleeping 5.0",
            "14 sleeping 0.0",
            "12 SIGKILL, 0 s ago "
        ]
    );
    assert_eq!(title, "4 processes; exited in the last 2 s: 1");
    // They leave the snapshot, and a folded life is counted.
    snapshot.changed.clear();
    for (slot, tid) in [(2, 12), (3, 13)] {
        assert_eq!(snapshot.processes.remove(slot).unwrap().id.tid, tid);
    }
    snapshot.stamp.boot_ns += 59 * SECOND;
    snapshot.folds.push(crate::model::Fold {
        origin: id(10),
        comm: Comm::new(b"true"),
        uid: 0,
        status: Status(0),
        count: 40,
        cpu_ns: 0,
        watched: false,
    });
    dead.observe(&snapshot);
    let (rows, title) = listed(&snapshot, &dead);
    assert!(
        rows.contains(&"12 SIGKILL, 59 s ago ".to_owned()),
        "{rows:?}"
    );
    assert!(
        rows.contains(&"13 SIGKILL, 59 s ago ".to_owned()),
        "{rows:?}"
    );
    assert_eq!(
        title,
        "3 processes; exited in the last 60 s: 2, and 40 that are not listed"
    );
    snapshot.stamp.boot_ns += 2 * SECOND;
    snapshot.folds.clear();
    dead.observe(&snapshot);
    let (rows, title) = listed(&snapshot, &dead);
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert_eq!(
        title,
        "3 processes; exited in the last 60 s: 0, and 40 that are not listed"
    );
}

/// Without kernel events, only the next census shows that a process has exited.
#[test]
fn who_is_missing_in_a_census_is_listed_as_exited() {
    let mut tracker = Tracker::new(host(), Sources::ProcOnly);
    let mut dead = RecentlyDead::default();
    let mut sample = Sample::new(Sources::ProcOnly);
    sample.complete = true;
    sample.found = [21, 22]
        .map(|tid| found(tid, tid, State::Sleeping))
        .to_vec();
    for second in [100, 101] {
        sample.stamp = Stamp {
            boot_ns: second * SECOND,
            interval_ns: SECOND,
        };
        tracker.update(&sample);
        dead.observe(tracker.snapshot());
        sample.found.pop();
    }
    table(
        tracker.snapshot(),
        &dead,
        TableOrder::default(),
        |table, context| {
            assert_eq!(table.title(), "1 process; exited in the last 2 s: 1");
            let columns = [Column::Pid, Column::State];
            let last = table.row(1, &columns, context).unwrap().cells;
            assert_eq!(last, ["22", "exited, 0 s ago"]);
        },
    );
}
