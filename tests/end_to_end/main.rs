//! Runs the binary as a user would, against the real kernel and real child processes
//! with known results. A test that needs root and does not have it prints SKIPPED and
//! the reason; with `PROCVIZ_NO_SKIP` set, a skipped test fails.
//!
//! The same program is the workload: `end_to_end --workload NAME` (see `workload`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a failed check must stop the test and print the values"
)]

mod bad_input;
mod bombs;
mod browser;
mod called;
mod charts;
mod clock;
mod confinement;
mod containers;
mod cost;
mod csv;
mod culprits;
mod damage;
mod deaths;
mod disks;
mod ending;
mod figures;
mod files;
mod findings;
mod format;
mod healthy;
mod kernels;
mod killers;
mod limits;
mod memory;
mod names;
mod namespaces;
mod notes;
mod packaging;
mod pages;
mod pictures;
mod privilege;
mod proc_alone;
mod pty;
mod recording;
mod ring;
mod rules;
mod skip;
mod states;
mod storm;
mod summary;
mod support;
mod terminal;
mod terminal_replay;
mod terminal_view;
mod threads;
mod timeline;
mod truth;
mod watchdog;
mod window;
mod window_view;
mod workload;

use libtest_mimic::{Arguments, Failed, Trial};

/// What a test needs from the machine.
#[derive(Clone, Copy, PartialEq)]
enum Needs {
    Nothing,
    Events,
}

/// Tests whose first run failed.
static RUN_TWICE: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());

type Test = (&'static str, Needs, fn() -> Result<(), Failed>);

fn main() {
    let args: Vec<String> = std::env::args_os()
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    if args.get(1).is_some_and(|arg| arg == "--workload") {
        workload::run(&args[2..]);
        return;
    }
    watchdog::start();
    let why_not = support::why_no_events();
    let modules = [
        ("bad_input", bad_input::TESTS as &[Test]),
        ("files", files::TESTS),
        ("ending", ending::TESTS),
        ("limits", limits::TESTS),
        ("names", names::TESTS),
        ("containers", containers::TESTS),
        ("notes", notes::TESTS),
        ("namespaces", namespaces::TESTS),
        ("rules", rules::TESTS),
        ("packaging", packaging::TESTS),
        ("pictures", pictures::TESTS),
        ("pages", pages::TESTS),
        ("charts", charts::TESTS),
        ("csv", csv::TESTS),
        ("privilege", privilege::TESTS),
        ("confinement", confinement::TESTS),
        ("truth", truth::TESTS),
        ("deaths", deaths::TESTS),
        ("killers", killers::TESTS),
        ("figures", figures::TESTS),
        ("memory", memory::TESTS),
        ("called", called::TESTS),
        ("states", states::TESTS),
        ("proc_alone", proc_alone::TESTS),
        ("cost", cost::TESTS),
        ("storm", storm::TESTS),
        ("kernels", kernels::TESTS),
        ("findings", findings::TESTS),
        ("healthy", healthy::TESTS),
        ("culprits", culprits::TESTS),
        ("recording", recording::TESTS),
        ("clock", clock::TESTS),
        ("format", format::TESTS),
        ("damage", damage::TESTS),
        ("bombs", bombs::TESTS),
        ("disks", disks::TESTS),
        ("ring", ring::TESTS),
        ("terminal_view", terminal_view::TESTS),
        ("terminal_replay", terminal_replay::TESTS),
        ("threads", threads::TESTS),
        ("timeline", timeline::TESTS),
        ("summary", summary::TESTS),
        ("window_view", window_view::TESTS),
    ];
    let in_vm = [("vm", kernels::IN_VM), ("locked", kernels::LOCKED)];
    let in_vm = in_vm
        .into_iter()
        .filter(|_| std::env::var_os("PROCVIZ_TEST_IN_VM").is_some());
    let mut arguments = Arguments::from_args();
    // The tests load the machine and measure it, so they run one at a time.
    arguments.test_threads = Some(1);
    let mut trials = Vec::new();
    for (module, tests) in modules.into_iter().chain(in_vm) {
        for (name, needs, test) in tests {
            let skip = why_not.clone().filter(|_| *needs == Needs::Events);
            let name = format!("{module}::{name}");
            // A test that fails is not marked as ignored.
            let skipped = skip.map(|why| support::skip(&format!("{name}: {why}")));
            let is_ignored = matches!(skipped, Some(Ok(())));
            let of_test = name.clone();
            let run = move || match skipped {
                Some(skipped) => skipped,
                // On a shared machine a workload does not always get a CPU in time, and a
                // browser does not always answer. A real fault also fails the second time.
                // A second run is reported at the end.
                None if ["states", "findings", "culprits", "pages"].contains(&module) => {
                    twice(&of_test, *test)
                }
                None => watchdog::watched(&of_test, test),
            };
            trials.push(Trial::test(name, run).with_ignored_flag(is_ignored));
        }
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    for name in &*RUN_TWICE.lock().unwrap() {
        println!("RUN TWICE: {name}: its first run failed (see above)");
    }
    conclusion.exit();
}

/// Runs a test, and once more if it fails. A test that hangs is not run again.
fn twice(name: &str, test: fn() -> Result<(), Failed>) -> Result<(), Failed> {
    let first = std::panic::catch_unwind(|| watchdog::watched(name, test));
    match first {
        Ok(Ok(())) => Ok(()),
        _ if watchdog::has_timed_out() => Err("the test hung".into()),
        _ => {
            println!("the first run failed, running the test again");
            RUN_TWICE.lock().unwrap().push(name.to_owned());
            watchdog::watched(name, test)
        }
    }
}
