//! Runs `procviz exits`: prints a line for every process that exits, as it exits.

use std::{
    io::{self, IsTerminal},
    time::{Duration, Instant},
};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    cli::ExitsArgs,
    export::{exit_columns, json},
    model::{ExitRecord, Host, Sources},
    replay::Player,
    runtime::{
        Failure,
        config::{self, Schedule},
        ending::{self, ShutdownTime},
        stderr::summary,
        stdout::{Out, Reader},
        text::noun,
        warning::{Warning, warn},
    },
    session::{command::Child, exit_status::StatusFilter, open, selection::Selection},
    source::{Exits, Users, back_to_normal, boot_wall_ns, host},
    tracker::Filter,
};

/// How often lines are printed.
const PERIOD: Duration = Duration::from_millis(20);
/// How long to wait for the exit record of the command after its exit.
const PATIENCE: Duration = Duration::from_millis(1_500);

pub(super) fn run(args: &ExitsArgs) -> Result<u8, Failure> {
    let status = StatusFilter::new(&args.status)?;
    if let Some(path) = &args.from {
        return read(path, args, status);
    }
    let duration = args.duration.as_deref();
    let duration = duration
        .map(|text| config::duration("--duration", text, text))
        .transpose()?;
    // After a signal, the current line is completed, unless its reader has stopped.
    ending::listen(ShutdownTime::AsNeeded)?;
    let mut selection = Selection::new(&args.filter)?;
    let child = if args.command.is_empty() {
        None
    } else {
        Some(Child::prepare(&args.command, None)?)
    };
    let why = |why| {
        Failure::privilege(format!(
            "`exits` needs kernel events, but they are not available: {why}"
        ))
    };
    let kernel = open::kernel().map_err(why)?;
    let host = host()?;
    if let Some(child) = &child {
        selection = selection.only(child.pid());
    }
    let users = Users::read();
    // Before any thread starts: a thread keeps the privileges that it starts with.
    open::confine_watcher(child.as_ref().map(Child::pid));
    let mut exits = Exits::start(&host, kernel, args.threads, selection.roots.as_deref())?;
    back_to_normal();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut printer = Printer {
        out: Out::new(),
        host,
        users,
        json: args.json,
        threads: args.threads,
        printed: 0,
        filter: selection.filter,
        status,
    };
    if !args.json {
        printer.head()?;
    }
    let status = runtime.block_on(follow(&mut exits, &mut printer, child, duration))?;
    let tally = exits.tally();
    let others = if tally.lost_others > 0 {
        format!(", other events lost: {}", tally.lost_others)
    } else {
        String::new()
    };
    summary(format!(
        "{} {} seen, {} lost{others}",
        printer.printed,
        noun(printer.printed, "exit", "exits"),
        tally.lost
    ));
    Ok(status)
}

/// Prints the exits in a recording.
fn read(path: &std::path::Path, args: &ExitsArgs, status: StatusFilter) -> Result<u8, Failure> {
    if !args.command.is_empty() {
        return Err(Failure::usage(
            "a command cannot run with `--from`: leave out the command or `--from`".to_owned(),
        ));
    }
    open::confine_reader(&[]);
    let mut player = Player::open(path, &args.range, &Schedule::all())?;
    let users = Users::of_recording(&player.facts().users);
    let selection = Selection::in_recording(&args.filter, player.facts(), &users)?;
    if let Some(roots) = &selection.roots {
        player.watch_only(roots);
    }
    let mut printer = Printer {
        out: Out::new(),
        host: player.facts().machine(),
        users,
        json: args.json,
        threads: false,
        printed: 0,
        filter: selection.filter,
        status,
    };
    if !args.json {
        printer.head()?;
    }
    let is_moment = args.range.at.is_some();
    let (mut folded, mut without_events) = (0, 0);
    while let Some(step) = player.next(None)? {
        if let Some(names) = player.new_users() {
            printer.users = Users::of_recording(names);
        }
        let sample = step.sample;
        printer.host = Host {
            boot_wall_ns: player.boot_wall_ns(),
            ..player.facts().machine()
        };
        let is_wanted = step.is_shown || !is_moment;
        let ended = sample
            .ended()
            .filter(|record| is_wanted && player.is_asked_for(record.time_ns));
        let mut ended: Vec<_> = ended.cloned().collect();
        let later = player.take_ended().into_iter();
        ended.extend(later.filter(|record| !is_moment && player.is_asked_for(record.time_ns)));
        if step.is_shown || !args.range.is_given() {
            without_events += u64::from(sample.sources == Sources::ProcOnly);
            folded += sample.folds.iter().map(|fold| fold.count).sum::<u64>();
        }
        if printer.print(&ended)? == Reader::Left {
            return Ok(0);
        }
    }
    if folded > 0 {
        warn(Warning::FoldedExits { count: folded });
    }
    if without_events > 0 {
        warn(Warning::RecordedWithoutEvents {
            samples: without_events,
        });
    }
    Ok(player.status())
}

/// Prints until a signal asks procviz to stop, the reader leaves, the command exits, or
/// the time is over.
async fn follow(
    exits: &mut Exits,
    printer: &mut Printer,
    mut child: Option<Child>,
    duration: Option<Duration>,
) -> Result<u8, Failure> {
    let mut stop = Stop::new()?;
    let begun = Instant::now();
    let mut tick = tokio::time::interval(PERIOD);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let pid = child.as_ref().map(Child::pid);
    if let Some(child) = &child {
        child.start()?;
    }
    let mut ended: Option<(u8, Instant)> = None;
    let mut is_command_reported = false;
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            asked = stop.asked() => match &child {
                // The command has received Ctrl-C, too, and decides when to exit.
                Some(child) if ended.is_none() => child.pass_on(asked),
                _ => {
                    printer.print(exits.take()?)?;
                    return Ok(0);
                }
            },
        }
        let records = exits.take()?;
        printer.host.boot_wall_ns = boot_wall_ns();
        is_command_reported |= records
            .iter()
            .any(|record| Some(record.process.tid) == pid && record.thread.is_none());
        if printer.print(records)? == Reader::Left && child.is_none() {
            return Ok(0);
        }
        if child.is_none() && duration.is_some_and(|duration| begun.elapsed() >= duration) {
            return Ok(0);
        }
        if let (Some(child), None) = (&mut child, &ended) {
            ended = child.status()?.map(|status| (status, Instant::now()));
        }
        if let Some((status, at)) = ended
            && (is_command_reported || at.elapsed() > PATIENCE)
        {
            return Ok(status);
        }
    }
}

struct Stop([Signal; 3]);

impl Stop {
    fn new() -> io::Result<Self> {
        Ok(Self([
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        ]))
    }

    /// Waits for one of the signals, and returns the signal.
    async fn asked(&mut self) -> nix::sys::signal::Signal {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => nix::sys::signal::Signal::SIGINT,
            _ = terminate.recv() => nix::sys::signal::Signal::SIGTERM,
            _ = hangup.recv() => nix::sys::signal::Signal::SIGHUP,
        }
    }
}

struct Printer {
    out: Out,
    host: Host,
    users: Users,
    json: bool,
    threads: bool,
    printed: u64,
    filter: Filter,
    status: StatusFilter,
}

impl Printer {
    /// Prints the titles of the columns if standard output is a terminal.
    fn head(&mut self) -> io::Result<()> {
        if io::stdout().is_terminal() {
            let threads = self.threads;
            self.out.write(|out| exit_columns::head(out, threads))?;
        }
        Ok(())
    }

    fn print(&mut self, records: &[std::sync::Arc<ExitRecord>]) -> io::Result<Reader> {
        if records.is_empty() {
            return Ok(Reader::Reads);
        }
        self.users.look_up(records.iter().map(|record| record.uid));
        let (host, users, json, threads) = (&self.host, &self.users, self.json, self.threads);
        let is_shown = |record: &&std::sync::Arc<ExitRecord>| {
            self.status.shows(record.status) && self.filter.shows_record(record)
        };
        let reader = self.out.write(|out| {
            for record in records.iter().filter(is_shown) {
                if json {
                    json::exit(out, host, record, &|uid| users.name(uid))?;
                } else {
                    exit_columns::line(out, host, &|uid| users.name(uid), record, threads)?;
                }
            }
            Ok(())
        })?;
        self.printed += records
            .iter()
            .filter(|record| record.thread.is_none() && is_shown(record))
            .count() as u64;
        Ok(reader)
    }
}
