//! Builds a filter from the filter line of a live view.

use glob::Pattern;
use regex::bytes::Regex;
use rustc_hash::FxHashSet;

use crate::{
    model::{Snapshot, State, TaskId},
    runtime::text::escaped,
    source::Users,
    tracker::{Filter, TaskKind},
};

/// What a filter line is read with.
pub(crate) struct Typed<'a> {
    /// The filter of the command line, which the line narrows.
    pub(crate) base: &'a Filter,
    pub(crate) users: &'a Users,
    /// Tasks that start later do not match a pid, ns since boot; `None`: all do.
    pub(crate) pids_until_ns: Option<u64>,
    pub(crate) snapshot: &'a Snapshot,
}

/// Whether the tasks that a line shows can change without the line: then it must be read again
/// with each sample.
pub(crate) fn moves(line: &str) -> bool {
    line.split_whitespace()
        .any(|word| word.starts_with("tree:") || word.starts_with("state:"))
}

impl Typed<'_> {
    /// Reads a line: words that must all match, separated by blanks.
    ///
    /// # Errors
    ///
    /// When a word is wrong: the reason, and at which character of the line.
    pub(crate) fn filter(&self, line: &str) -> Result<Filter, String> {
        let mut filter = self.base.clone();
        for word in line.split_whitespace() {
            let offset = word.as_ptr() as usize - line.as_ptr() as usize;
            let before = line[..offset].chars().count();
            let mut part = self
                .word(word)
                .map_err(|(at, why)| format!("character {}: {why}", before + at + 1))?;
            part.and = Some(Box::new(filter));
            filter = part;
        }
        Ok(filter)
    }

    /// Reads a word. An error has the place in the word, in characters.
    fn word(&self, word: &str) -> Result<Filter, (usize, String)> {
        let mut part = Filter::default();
        let Some((kind, value)) = word.split_once(':').filter(|(kind, _)| is_kind(kind)) else {
            part.commands.push(pattern(word)?);
            return Ok(part);
        };
        let at = kind.chars().count() + 1;
        let wrong = |why: String| (at, why);
        match kind {
            "user" => {
                // A confined procviz cannot ask the name service; users with tasks are known.
                let id = value.parse().ok().or_else(|| self.users.id(value));
                let unknown = || wrong(format!("no user `{}` has tasks", escaped(value)));
                part.users.push(id.ok_or_else(unknown)?);
            }
            "pid" => {
                part.pids.push(pid(value).map_err(wrong)?);
                part.pids_until_ns = self.pids_until_ns;
            }
            "tree" => part.tree = Some(self.descendants(pid(value).map_err(wrong)?)),
            "state" => {
                let letter = value.as_bytes().first().filter(|_| value.len() == 1);
                let state = letter.and_then(|letter| State::from_letter(*letter));
                let unknown = || wrong("expected a state: R, S, D, I, T, t, Z or X".to_owned());
                part.states.push(state.ok_or_else(unknown)?);
            }
            "kind" => {
                let kinds = [("kernel", TaskKind::Kernel), ("user", TaskKind::User)];
                let known = kinds.iter().find(|(word, _)| *word == value);
                let unknown = || wrong("expected `kernel` or `user`".to_owned());
                part.kind = Some(known.ok_or_else(unknown)?.1);
            }
            _ => {
                let pattern = Pattern::new(value);
                let pattern = pattern.map_err(|error| (at + error.pos, error.msg.to_owned()))?;
                let list = match kind {
                    "container" => &mut part.owner.containers,
                    "pod" => &mut part.owner.pods,
                    "unit" => &mut part.owner.units,
                    _ => &mut part.cgroups,
                };
                list.push(pattern);
            }
        }
        Ok(part)
    }

    /// The process and its living descendants.
    fn descendants(&self, root: u32) -> FxHashSet<TaskId> {
        let mut all: Vec<_> = self.snapshot.processes.iter().collect();
        let roots = all.iter().filter(|process| process.id.tid == root);
        let mut found: Vec<TaskId> = roots.map(|process| process.id).collect();
        let mut known: FxHashSet<TaskId> = found.iter().copied().collect();
        all.sort_unstable_by_key(|process| process.ppid);
        let mut at = 0;
        while let Some(parent) = found.get(at).copied() {
            let from = all.partition_point(|process| process.ppid < parent.tid);
            let children = all[from..].iter();
            let children = children.take_while(|process| process.ppid == parent.tid);
            // A pid is used again only after its process: a child is younger than its parent.
            for child in children.filter(|process| process.id.start_ns >= parent.start_ns) {
                if known.insert(child.id) {
                    found.push(child.id);
                }
            }
            at += 1;
        }
        known
    }
}

fn is_kind(word: &str) -> bool {
    [
        "user",
        "pid",
        "tree",
        "cgroup",
        "container",
        "pod",
        "unit",
        "state",
        "kind",
    ]
    .contains(&word)
}

fn pid(text: &str) -> Result<u32, String> {
    let pid = text.parse();
    pid.map_err(|_| format!("expected a pid, not `{}`", escaped(text)))
}

/// A pattern for names and command lines.
fn pattern(word: &str) -> Result<Regex, (usize, String)> {
    Regex::new(word).map_err(|_| {
        let mut parser = regex_syntax::ParserBuilder::new().utf8(false).build();
        let (offset, why) = match parser.parse(word) {
            Err(regex_syntax::Error::Parse(error)) => {
                (error.span().start.offset, error.kind().to_string())
            }
            Err(regex_syntax::Error::Translate(error)) => {
                (error.span().start.offset, error.kind().to_string())
            }
            _ => (0, "the pattern is too large".to_owned()),
        };
        (word[..offset.min(word.len())].chars().count(), why)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Host, Sources};

    fn read(line: &str) -> Result<Filter, String> {
        let snapshot = Snapshot::new(Host::new("test", 1), Sources::EbpfAndProc);
        let typed = Typed {
            base: &Filter::default(),
            users: &Users::of_recording(&Default::default()),
            pids_until_ns: None,
            snapshot: &snapshot,
        };
        typed.filter(line)
    }

    #[test]
    fn a_wrong_word_is_named_with_its_place() {
        for (line, expected) in [
            ("é a(b", "character 4: unclosed group"),
            (
                "[z-a]",
                "character 2: invalid character class range, the start must be <= the end",
            ),
            ("x user:absent", "character 8: no user `absent` has tasks"),
            ("pid:7x", "character 5: expected a pid, not `7x`"),
            ("tree:", "character 6: expected a pid, not ``"),
            (
                "state:Q",
                "character 7: expected a state: R, S, D, I, T, t, Z or X",
            ),
            ("kind:both", "character 6: expected `kernel` or `user`"),
            (
                "cgroup:***",
                "character 10: wildcards are either regular `*` or recursive `**`",
            ),
            (
                "pod:***",
                "character 7: wildcards are either regular `*` or recursive `**`",
            ),
        ] {
            assert_eq!(read(line).unwrap_err(), expected, "{line}");
        }
    }

    #[test]
    fn words_add_up() {
        let filter = read("state:D kind:user  a:b").unwrap();
        // A word with a colon that is no kind is a pattern.
        assert_eq!(filter.commands[0].as_str(), "a:b");
        let kind = filter.and.unwrap();
        assert_eq!(kind.kind, Some(TaskKind::User));
        assert_eq!(kind.and.unwrap().states, [State::Blocked]);
        assert!(moves("x tree:7") && !moves("treeish:7 xtree:7"));
        let owner = read("container:web* unit:ssh").unwrap();
        assert_eq!(owner.owner.units[0].as_str(), "ssh");
        assert_eq!(owner.and.unwrap().owner.containers[0].as_str(), "web*");
        assert!(read("").unwrap().is_none());
    }
}
