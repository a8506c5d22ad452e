use super::path_end::path_end;
use crate::model::{
    Fact, Place, Snapshot, TaskView, Untrusted, Value, bytes_text, count_text, duration_text,
    known_bytes_text, owner_words,
};

/// The text about a task for an SVG title, one line per fact. Unknown values are
/// shown as unknown.
pub fn report(task: &TaskView<'_>, user: &str, snapshot: &Snapshot) -> String {
    let lines = facts(task, user);
    let lines: Vec<_> = lines
        .iter()
        .map(|fact| fact.text(snapshot.stamp.boot_ns))
        .collect();
    lines.join("\n")
}

/// The facts about a task, without its arguments, which can contain secrets.
pub fn facts(task: &TaskView<'_>, user: &str) -> Vec<Fact> {
    let id = task.id();
    let name = task.name().picture();
    let tid = id.tid.to_string();
    let mut facts = vec![
        if task.is_leader() {
            Fact::new(Place::Name, "{} {}", [name, tid])
        } else {
            let process = task.process.id.tid.to_string();
            Fact::new(Place::Name, "{} {} (thread of {})", [name, tid, process])
        },
        Fact::new(
            Place::User,
            "user {}, parent {}",
            [user.to_owned(), task.process.ppid.to_string()],
        ),
        state(task),
        Fact::new(
            Place::Cpu,
            "CPU {} % of a core, {} in total",
            [
                format!("{:.1}", task.cpu_share() * 100.0),
                duration_text(task.cpu_ns()),
            ],
        ),
    ];
    if let Some(wait) = task.change().wait_ns {
        facts.push(Fact::new(
            Place::Wait,
            "waited {} for a CPU",
            [duration_text(wait)],
        ));
    }
    let process = task.process;
    facts.push(Fact::new(
        Place::Memory,
        "RSS {}, address space {}",
        [
            known_bytes_text(process.rss),
            known_bytes_text(process.vsize),
        ],
    ));
    if let Some(parts) = process
        .parts
        .filter(|parts| parts.rss() > 0 || parts.private() > 0)
    {
        let sizes = [parts.anon, parts.file, parts.shmem, parts.swap];
        facts.push(Fact::new(
            Place::MemoryParts,
            "anonymous {}, file {}, shared {}, in swap {}",
            sizes.map(bytes_text),
        ));
    }
    facts.push(match task.io() {
        Some(io) => Fact::new(
            Place::Io,
            "read {}, written {}",
            [bytes_text(io.read), bytes_text(io.write)],
        ),
        None => Fact::new(Place::Io, "IO unknown", []),
    });
    facts.push(Fact::new(
        Place::Threads,
        if process.threads == 1 {
            "{} thread"
        } else {
            "{} threads"
        },
        [count_text(u64::from(process.threads))],
    ));
    if let Some(cgroup) = &process.cgroup {
        let path = path_end(&Untrusted::new(cgroup.as_bytes()).picture());
        facts.push(match owner_words(cgroup) {
            Some(owner) => Fact::new(Place::Cgroup, "in {}, cgroup {}", [owner, path]),
            None => Fact::new(Place::Cgroup, "cgroup {}", [path]),
        });
    }
    if task.end().is_some() {
        facts.push(Fact::new(Place::End, "exited: {}", [task.how()]));
    }
    facts
}

fn state(task: &TaskView<'_>) -> Fact {
    let word = Value::Text(task.state().word().to_owned());
    let (words, values) = match task.idle_since() {
        Some(since) if task.end().is_none() => {
            ("{}, no CPU for {}", vec![word, Value::Since(since)])
        }
        _ => ("{}", vec![word]),
    };
    Fact {
        place: Place::State,
        words,
        values,
    }
}
