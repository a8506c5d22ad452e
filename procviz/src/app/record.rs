//! Runs `procviz record`: writes samples to a file, or to many files in a folder.

use std::time::Duration;

use crate::{
    cli::{FilesArgs, FilterArgs, RecordArgs},
    model::Scope,
    recorder::{
        Files, Folder, Limits, Place, RecordingOptions, RingPlan, replace_notes, trigger::Triggers,
    },
    runtime::{
        Failure,
        config::{self, Schedule},
        output::split,
        text::escaped,
    },
    session::{Plan, Session, rules},
    source::privileges::{Extra, has_extra},
};

/// In a folder with `--max-size`, a file takes at most one part in this many.
const PART: u64 = 8;

pub(super) fn run(args: &RecordArgs) -> Result<u8, Failure> {
    let schedule = Schedule::new(&args.sampling, 1.0)?;
    let mode = config::mode(&args.mode)?;
    let (place, files) = place(args)?;
    let options = RecordingOptions {
        place,
        force: args.force,
        mode,
        redacts: args.redact.is_some(),
        scope: if args.no_threads {
            Scope::Processes
        } else {
            Scope::Threads
        },
    };
    // A recording holds all tasks: other filters apply when it is read.
    let filter = FilterArgs {
        trees: args.trees.clone(),
        ..FilterArgs::default()
    };
    let folder = options.place.nearest().clone();
    let is_whole = schedule.samples.is_none() && schedule.duration.is_none();
    let plan = Plan {
        save: Some(options),
        files,
        summary: Some(args.summary),
        rules: rules::settings(&args.rules)?.hide_files(args.redact.is_some()),
        ..Plan::plain(&schedule, &args.sampling, &filter, &args.run)
    };
    let (mut session, ()) = Session::start(plan, |_| Ok(()))?;
    let mut notes = session.notes()?;
    while let Some(next) = session.next()? {
        // Without its file, a run that only records has nothing to do.
        if next.is_last || session.recording_is_gone() {
            break;
        }
    }
    let snapshot = session.snapshot();
    let end_ns = snapshot.host.boot_wall_ns + i128::from(snapshot.stamp.boot_ns);
    let status = session.status();
    if args.sampling.from.is_some() && args.output.is_file() {
        notes.retain(|(wall_ns, _)| is_whole || *wall_ns <= end_ns);
        let notes = notes.into_iter().map(|(_, note)| note);
        replace_notes(&folder, split(&args.output).1, &notes.collect::<Vec<_>>())?;
    }
    Ok(status)
}

/// Where to record, and when to begin another file.
fn place(args: &RecordArgs) -> Result<(Place, Files), Failure> {
    let typed = &args.files;
    let path = &args.output;
    let typed_path = escaped(path);
    let is_folder = path.is_dir() || path.as_os_str().as_encoded_bytes().ends_with(b"/");
    let of_folders = [
        ("--rotate", &typed.rotate),
        ("--max-age", &typed.max_age),
        ("--max-size", &typed.max_size),
        ("--ring", &typed.ring),
        ("--keep", &typed.keep),
    ];
    let given = of_folders.iter().find(|(_, value)| value.is_some());
    if !is_folder {
        return match given {
            Some((option, _)) => Err(Failure::usage(format!(
                "`{option}` needs a folder, but `-o {typed_path}` is a file: for a folder, add `/` at the end"
            ))),
            None => Ok((Place::file(path, args.force)?, Files::One)),
        };
    }
    if args.sampling.from.is_some() {
        return Err(Failure::usage(format!(
            "`-o {typed_path}` is a folder, but with `--from` procviz records to one file: type the name of a file"
        )));
    }
    let duration = |option: &str, text: &Option<String>| {
        let text = text.as_deref();
        text.map(|text| config::duration(option, text, text))
            .transpose()
    };
    let bytes = |option: &str, text: &Option<String>| {
        let text = text.as_deref();
        text.map(|text| config::bytes(option, text, text))
            .transpose()
    };
    let max_size = bytes("--max-size", &typed.max_size)?;
    let files = match &typed.ring {
        None => {
            let rotate = duration("--rotate", &typed.rotate)?;
            Files::Rotated(
                rotate.unwrap_or(Duration::from_secs(3_600)),
                max_size.map(|most| most / PART),
            )
        }
        Some(_) => Files::Ring(ring(typed)?),
    };
    let keep = typed.keep.as_deref();
    let keep = keep
        .map(|text| config::whole("--keep", text, 1, 1_000_000))
        .transpose()?;
    let limits = Limits {
        max_age: duration("--max-age", &typed.max_age)?,
        max_size,
        keep: keep.or(typed.ring.is_some().then_some(20)),
    };
    Ok((Place::Folder(Folder::new(path, limits)?), files))
}

fn ring(typed: &FilesArgs) -> Result<RingPlan, Failure> {
    let duration = |option: &str, text: &Option<String>, usual: &str| {
        let text = text.as_deref().unwrap_or(usual);
        config::duration(option, text, text)
    };
    let size = typed.ring_size.as_deref().unwrap_or("64M");
    let triggers = Triggers::parse(&typed.triggers)?;
    if let Some(text) = triggers
        .on_pressure()
        .filter(|_| !has_extra(Extra::Pressure))
    {
        return Err(Failure::usage(format!(
            "`--on {}` can never fire: this kernel has no pressure stall information ({})",
            escaped(text),
            Extra::Pressure.fix()
        )));
    }
    Ok(RingPlan {
        span: duration("--ring", &typed.ring, "5m")?,
        bytes: config::bytes("--ring-size", size, size)?,
        after: duration("--after", &typed.after, "30s")?,
        cool_down: duration("--cool-down", &typed.cool_down, "1m")?,
        triggers,
    })
}
