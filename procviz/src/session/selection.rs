//! Builds a filter from the command line, or from the filter line of a live view.

use glob::Pattern;
use regex::bytes::Regex;

use crate::{
    cli::FilterArgs,
    recording::Facts,
    runtime::{Failure, config, text::escaped},
    source::{Users, accounts, boot_now_ns, capabilities},
    tracker::{Filter, OwnerFilter},
};

/// The tasks to show, and the processes to follow with their descendants.
pub(crate) struct Selection {
    pub(crate) filter: Filter,
    /// Pids of the processes to follow with their descendants; `None`: all processes.
    pub(crate) roots: Option<Vec<u32>>,
}

impl Selection {
    pub(crate) fn new(args: &FilterArgs) -> Result<Self, Failure> {
        let mut selection = Self::with_users(args, user)?;
        if !selection.filter.pids.is_empty() {
            selection.filter.pids_until_ns = Some(boot_now_ns());
        }
        // With `hidepid=2`, the processes of others are seen only with capabilities.
        let _raised = capabilities::raise();
        // `/proc/TID` exists for threads, too, although listing `/proc` does not show them.
        let is_gone = |pid: &&u32| !std::path::Path::new(&format!("/proc/{pid}")).exists();
        if let Some(pid) = selection.roots.iter().flatten().find(is_gone) {
            return Err(anyhow::anyhow!("`--tree {pid}`: no such process").into());
        }
        if let Some(pid) = selection.filter.pids.iter().find(is_gone) {
            return Err(anyhow::anyhow!("`--pid {pid}`: no such process or thread").into());
        }
        Ok(selection)
    }

    /// Builds a filter for a recording. User names come from the recorded machine. If the
    /// recording followed a command or a tree, only these processes are shown.
    pub(crate) fn in_recording(
        args: &FilterArgs,
        facts: &Facts,
        users: &Users,
    ) -> Result<Self, Failure> {
        let mut selection = Self::with_users(args, |text| {
            let id = text.parse().ok().or_else(|| users.id(text));
            id.ok_or_else(|| {
                Failure::usage(format!(
                    "`--user {}`: no such user in the recording",
                    escaped(text)
                ))
            })
        })?;
        selection.filter.descendants |= facts.only_watched;
        Ok(selection)
    }

    fn with_users(
        args: &FilterArgs,
        user: impl Fn(&str) -> Result<u32, Failure>,
    ) -> Result<Self, Failure> {
        let users = args.users.iter().map(|text| user(text));
        let pids = args.pids.iter().map(|text| pid("--pid", text));
        let trees = args.trees.iter().map(|text| pid("--tree", text));
        let commands = args.commands.iter().map(|text| {
            Regex::new(text).map_err(|error| {
                Failure::usage(format!(
                    "`--command {}`: invalid regular expression: {error}",
                    escaped(text)
                ))
            })
        });
        let owner = OwnerFilter {
            containers: patterns("--container", &args.containers)?,
            pods: patterns("--pod", &args.pods)?,
            units: patterns("--unit", &args.units)?,
        };
        let filter = Filter {
            users: users.collect::<Result<_, _>>()?,
            pids: pids.collect::<Result<_, _>>()?,
            commands: commands.collect::<Result<_, _>>()?,
            cgroups: patterns("--cgroup", &args.cgroups)?,
            owner,
            ..Filter::default()
        };
        let roots = trees.collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            filter: Filter {
                descendants: !roots.is_empty(),
                ..filter
            },
            roots: (!roots.is_empty()).then_some(roots),
        })
    }

    /// Shows only a command and its descendants.
    pub(crate) fn only(mut self, pid: u32) -> Self {
        self.filter.descendants = true;
        self.roots = Some(vec![pid]);
        self
    }
}

fn user(text: &str) -> Result<u32, Failure> {
    if let Ok(uid) = text.parse() {
        return Ok(uid);
    }
    match accounts::by_name(text) {
        Ok(Some(user)) => Ok(user.uid),
        _ => Err(Failure::usage(format!(
            "`--user {}`: no such user on this machine",
            escaped(text)
        ))),
    }
}

fn patterns(option: &str, texts: &[String]) -> Result<Vec<Pattern>, Failure> {
    let pattern = |text: &String| {
        Pattern::new(text).map_err(|error| {
            Failure::usage(format!(
                "`{option} {}`: invalid glob pattern: {error}",
                escaped(text)
            ))
        })
    };
    texts.iter().map(pattern).collect()
}

fn pid(option: &str, text: &str) -> Result<u32, Failure> {
    config::whole(option, text, 1, u64::from(u32::MAX) >> 1).map(|pid| pid as u32)
}
