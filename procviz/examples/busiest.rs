//! Prints the ten threads that used the most CPU time in the last second.
//!
//! Run: `cargo run --example busiest`. As root it also sees threads that ran for less
//! than a second.

#![expect(clippy::print_stdout, reason = "an example prints its result")]

use std::{error::Error, thread::sleep, time::Duration};

use procviz::{
    model::{Sample, Scope},
    source::{Sampler, host, kernel::Kernel},
    tracker::Tracker,
};

fn main() -> Result<(), Box<dyn Error>> {
    let host = host()?;
    // Kernel events if they are permitted, otherwise `/proc` alone.
    let mut sampler = match Kernel::load() {
        Ok(kernel) => Sampler::with_events(&host, kernel)?,
        Err(_) => Sampler::proc_only(&host)?,
    };
    let mut tracker = Tracker::new(host, sampler.sources());
    let mut sample = Sample::new(sampler.sources());
    for _ in 0..2 {
        sampler.sample(&mut sample)?;
        sampler.handed_over(sample.stamp);
        tracker.update(&sample);
        sample.clear();
        sleep(Duration::from_secs(u64::from(tracker.snapshot().tick == 1)));
    }
    let mut tasks: Vec<_> = tracker.snapshot().tasks(Scope::Threads).collect();
    tasks.sort_by_key(|task| std::cmp::Reverse(task.change().cpu_ns));
    for task in tasks.iter().take(10) {
        println!(
            "{:>7} {:<15} {:>6.2} % of a core",
            task.id().tid,
            task.thread.comm.text().terminal(),
            task.cpu_share() * 100.0
        );
    }
    Ok(())
}
