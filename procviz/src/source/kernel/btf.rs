//! Reads the kernel's type information (BTF) and finds where the members that
//! the programs load lie. Format: Documentation/bpf/btf.rst.

use procviz_common::{ABSENT, Offsets};

/// Why BTF could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BtfError {
    /// The bytes are no BTF.
    #[error("the kernel's type information is malformed at byte {0}")]
    Malformed(usize),
    /// A type that every kernel has is not there.
    #[error("the kernel's type information has no `{0}`")]
    Missing(String),
}

const MAGIC: u16 = 0xeb9f;
const KIND_ARRAY: u32 = 3;
const KIND_STRUCT: u32 = 4;
const KIND_UNION: u32 = 5;
const KIND_PTR: u32 = 2;
const KIND_TYPEDEF: u32 = 8;
const KIND_VOLATILE: u32 = 9;
const KIND_CONST: u32 = 10;
const KIND_RESTRICT: u32 = 11;
const KIND_FUNC_PROTO: u32 = 13;
const KIND_TYPE_TAG: u32 = 18;

/// A parsed view of BTF bytes.
pub(crate) struct Btf<'a> {
    bytes: &'a [u8],
    strings: usize,
    /// Where each type begins; index 0 is `void`.
    types: Vec<usize>,
}

/// Where a member lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Member {
    bit: u32,
    type_id: u32,
}

impl<'a> Btf<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, BtfError> {
        if bytes.get(..2) != Some(&MAGIC.to_le_bytes()[..]) {
            return Err(BtfError::Malformed(0));
        }
        let header = word(bytes, 4)? as usize;
        let from = header + word(bytes, 8)? as usize;
        let to = from + word(bytes, 12)? as usize;
        let strings = header + word(bytes, 16)? as usize;
        if to > bytes.len() || strings > bytes.len() {
            return Err(BtfError::Malformed(8));
        }
        let mut types = vec![usize::MAX];
        let mut at = from;
        while at < to {
            types.push(at);
            at += 12 + tail_bytes(word(bytes, at + 4)?).ok_or(BtfError::Malformed(at))?;
        }
        Ok(Self {
            bytes,
            strings,
            types,
        })
    }

    /// The offsets of every member that the programs load.
    pub(crate) fn offsets(&self) -> Result<Offsets, BtfError> {
        let mut offsets = Offsets::NONE;
        for (paths, field) in Offsets::PATHS {
            for path in paths.split(" | ") {
                let Some((name, members)) = path.split_once(": ") else {
                    continue;
                };
                let Some(member) = self
                    .struct_named(name)
                    .and_then(|id| self.member(id, members))
                else {
                    continue;
                };
                *field(&mut offsets) = member.bit / 8;
                if members == "in_iowait" {
                    offsets.task_in_iowait_bit = member.bit % 8;
                }
                break;
            }
        }
        offsets.rss_stride = self.rss_stride();
        offsets.switch_has_state = u32::from(self.tracepoint_arguments("sched_switch") >= Some(4));
        offsets.exit_has_group_dead =
            u32::from(self.tracepoint_arguments("sched_process_exit") >= Some(2));
        Ok(offsets)
    }

    /// Bytes from one counter of `mm_struct.rss_stat` to the next.
    fn rss_stride(&self) -> u32 {
        let array = self
            .struct_named("mm_struct")
            .and_then(|id| self.member(id, "rss_stat"))
            .filter(|member| self.kind(self.strip(member.type_id)) == Some(KIND_ARRAY));
        array
            .and_then(|_| self.struct_named("percpu_counter"))
            .and_then(|id| self.word_of(id, 8))
            .unwrap_or(8)
    }

    /// Arguments of a tracepoint: its typedef's function has one more, for private data.
    fn tracepoint_arguments(&self, name: &str) -> Option<u32> {
        let id = self.named(KIND_TYPEDEF, &format!("btf_trace_{name}"))?;
        let pointer = self.word_of(id, 8)?;
        let function = self.word_of(pointer, 8)?;
        (self.kind(pointer)? == KIND_PTR && self.kind(function)? == KIND_FUNC_PROTO)
            .then(|| self.count(function).unwrap_or(1).saturating_sub(1))
    }

    fn struct_named(&self, name: &str) -> Option<u32> {
        self.named(KIND_STRUCT, name)
    }

    fn named(&self, kind: u32, name: &str) -> Option<u32> {
        (1..self.types.len() as u32)
            .find(|id| self.kind(*id) == Some(kind) && self.name(*id) == Some(name.as_bytes()))
    }

    /// Follows `a.b.c` from a struct; anonymous structs and unions are looked
    /// through, and of an array the first element is meant.
    fn member(&self, id: u32, path: &str) -> Option<Member> {
        let (first, rest) = path
            .split_once('.')
            .map_or((path, None), |(first, rest)| (first, Some(rest)));
        let found = self.direct_member(id, first)?;
        let Some(rest) = rest else { return Some(found) };
        let inner = self.member(self.strip(found.type_id), rest)?;
        Some(Member {
            bit: found.bit + inner.bit,
            type_id: inner.type_id,
        })
    }

    fn direct_member(&self, id: u32, name: &str) -> Option<Member> {
        let mut id = self.strip(id);
        if self.kind(id)? == KIND_ARRAY {
            id = self.strip(self.word_of(id, 12)?);
        }
        if !matches!(self.kind(id)?, KIND_STRUCT | KIND_UNION) {
            return None;
        }
        let bitfields = self.word_of(id, 4)? >> 31 == 1;
        for index in 0..self.count(id)? as usize {
            let at = 12 + index * 12;
            let raw = self.word_of(id, at + 8)?;
            let bit = if bitfields { raw & 0x00ff_ffff } else { raw };
            let type_id = self.word_of(id, at + 4)?;
            let member = self.string(self.word_of(id, at)?)?;
            if member == name.as_bytes() {
                return Some(Member { bit, type_id });
            }
            if member.is_empty()
                && let Some(inner) = self.direct_member(type_id, name)
            {
                return Some(Member {
                    bit: bit + inner.bit,
                    type_id: inner.type_id,
                });
            }
        }
        None
    }

    /// The type behind typedefs and qualifiers.
    fn strip(&self, mut id: u32) -> u32 {
        while let Some(KIND_TYPEDEF | KIND_VOLATILE | KIND_CONST | KIND_RESTRICT | KIND_TYPE_TAG) =
            self.kind(id)
        {
            match self.word_of(id, 8) {
                Some(next) => id = next,
                None => break,
            }
        }
        id
    }

    fn kind(&self, id: u32) -> Option<u32> {
        self.word_of(id, 4).map(|info| info >> 24 & 0x1f)
    }

    fn count(&self, id: u32) -> Option<u32> {
        self.word_of(id, 4).map(|info| info & 0xffff)
    }

    fn name(&self, id: u32) -> Option<&'a [u8]> {
        self.string(self.word_of(id, 0)?)
    }

    fn string(&self, offset: u32) -> Option<&'a [u8]> {
        self.bytes
            .get(self.strings + offset as usize..)?
            .split(|byte| *byte == 0)
            .next()
    }

    fn word_of(&self, id: u32, at: usize) -> Option<u32> {
        let from = *self.types.get(id as usize)?;
        word(self.bytes, from.checked_add(at)?).ok()
    }
}

/// Bytes that follow a type's first twelve.
fn tail_bytes(info: u32) -> Option<usize> {
    let count = (info & 0xffff) as usize;
    Some(match info >> 24 & 0x1f {
        1 | 14 | 17 => 4,
        2 | 7..=12 | 16 | 18 => 0,
        3 => 12,
        4 | 5 | 15 | 19 => count * 12,
        6 | 13 => count * 8,
        _ => return None,
    })
}

fn word(bytes: &[u8], at: usize) -> Result<u32, BtfError> {
    let raw = bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk::<4>())
        .ok_or(BtfError::Malformed(at))?;
    Ok(u32::from_le_bytes(*raw))
}

/// Reads the running kernel's BTF and resolves the offsets.
///
/// # Errors
///
/// When the file cannot be read or is malformed, or lacks what no kernel lacks.
pub(crate) fn kernel_offsets(bytes: &[u8]) -> Result<Offsets, BtfError> {
    let mut offsets = Btf::parse(bytes)?.offsets()?;
    // What is absent would be read as 0 and shown as known. Without IO
    // accounting or scheduler statistics `/proc` alone is the truer source.
    let is_optional = |path: &str| OPTIONAL.iter().any(|prefix| path.starts_with(prefix));
    let missing = Offsets::PATHS
        .iter()
        .find(|(path, member)| *member(&mut offsets) == ABSENT && !is_optional(path));
    match missing {
        Some((path, _)) => Err(BtfError::Missing((*path).to_owned())),
        None => Ok(offsets),
    }
}

/// Members whose absence is told from a value of 0: a cgroup without an id has
/// no path, a task without a last arrival no known time off its CPU.
const OPTIONAL: [&str; 7] = [
    "css_set:",
    "cgroup:",
    "cgroup_root:",
    "kernfs_node:",
    "task_struct: cgroups",
    "task_struct: sched_info.last_arrival",
    "signal_struct: oom_mm",
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_running_kernel_resolves() {
        let Ok(bytes) = std::fs::read("/sys/kernel/btf/vmlinux") else {
            println!("SKIPPED: this kernel has no /sys/kernel/btf/vmlinux");
            return;
        };
        let offsets = kernel_offsets(&bytes).unwrap();
        assert_ne!(offsets.task_in_iowait, ABSENT);
        assert_ne!(offsets.mm_rss_count, ABSENT);
        // pid and tgid are neighbours in every kernel.
        assert_eq!(offsets.task_tgid, offsets.task_pid + 4);
    }

    proptest! {
        #[test]
        fn random_bytes_do_not_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            if bytes.len() > 24 {
                bytes[..2].copy_from_slice(&MAGIC.to_le_bytes());
                bytes[4..8].copy_from_slice(&24u32.to_le_bytes());
            }
            _ = kernel_offsets(&bytes);
        }
    }
}
