//! Parses the kernel's type information (BTF), and finds the offsets of the struct
//! members that the eBPF programs load. Format: Documentation/bpf/btf.rst.

use procviz_common::{ABSENT, Offsets, WIDTH_SHIFT};

/// Why BTF could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BtfError {
    /// The bytes are not BTF.
    #[error("malformed kernel type information (BTF) at byte {0}")]
    Malformed(usize),
    /// A struct member that procviz needs is missing.
    #[error("the kernel's type information (BTF) has no `{0}`")]
    Missing(String),
}

const MAGIC: u16 = 0xeb9f;
const KIND_INT: u32 = 1;
const KIND_ARRAY: u32 = 3;
const KIND_STRUCT: u32 = 4;
const KIND_UNION: u32 = 5;
const KIND_ENUM: u32 = 6;
const KIND_PTR: u32 = 2;
const KIND_TYPEDEF: u32 = 8;
const KIND_VOLATILE: u32 = 9;
const KIND_CONST: u32 = 10;
const KIND_RESTRICT: u32 = 11;
const KIND_FUNC_PROTO: u32 = 13;
const KIND_TYPE_TAG: u32 = 18;
const KIND_ENUM64: u32 = 19;

/// BTF bytes, with the positions of all types.
pub(crate) struct Btf<'a> {
    bytes: &'a [u8],
    /// Position of the string section.
    strings: usize,
    /// Position of each type; index 0 is `void`.
    types: Vec<usize>,
}

/// The place of a member in its struct, and its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Member {
    /// Offset from the start of the struct, bits.
    bit: u32,
    /// Size of a bit field, bits; 0: an ordinary member.
    bits: u32,
    type_id: u32,
}

/// How the programs read a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// A load through a typed pointer.
    Load,
    /// `bpf_probe_read_kernel` of this many bytes.
    Probe(u32),
    /// Not at all: the member is wider than the programs expect, or no number.
    None,
}

impl<'a> Btf<'a> {
    /// Parses the header, and finds the position of each type.
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

    /// The offsets of all members that the eBPF programs load.
    pub(crate) fn offsets(&self) -> Result<Offsets, BtfError> {
        let mut offsets = Offsets::NONE;
        for (paths, width, field) in Offsets::PATHS {
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
                *field(&mut offsets) = match self.way(member, *width) {
                    Way::Load => member.bit / 8,
                    Way::Probe(size) => (member.bit / 8) | (size << WIDTH_SHIFT),
                    Way::None => ABSENT,
                };
                if members == "in_iowait" {
                    offsets.task_in_iowait_bit = member.bit % 8;
                }
                break;
            }
        }
        offsets.rss_stride = self.rss_stride();
        let action = self.struct_named("k_sigaction");
        if let Some(bytes) = action.and_then(|id| self.word_of(id, 8)) {
            offsets.sigaction_bytes = bytes;
        }
        offsets.switch_has_state = u32::from(self.tracepoint_arguments("sched_switch") >= Some(4));
        offsets.exit_has_group_dead =
            u32::from(self.tracepoint_arguments("sched_process_exit") >= Some(2));
        Ok(offsets)
    }

    /// How the programs read `width` bytes of a member.
    fn way(&self, member: Member, width: u32) -> Way {
        let id = self.strip(member.type_id);
        match self.kind(id) {
            _ if width == 0 => Way::Load,
            // Of a bit field, the programs load the byte.
            _ if member.bits > 0 => match width == 1 && member.bit % 8 + member.bits <= 8 {
                true => Way::Load,
                false => Way::None,
            },
            // Names: the whole array is loaded, word by word.
            Some(KIND_ARRAY) if width > 8 => {
                let (element, count) = (self.word_of(id, 12), self.word_of(id, 20));
                let size = element.and_then(|element| self.size(element));
                match size.zip(count) {
                    Some((size, count)) if size.saturating_mul(count) >= width => Way::Load,
                    _ => Way::None,
                }
            }
            // The verifier does not follow an array of structs to a number.
            Some(KIND_ARRAY) => match self.word_of(id, 12).and_then(|of| self.size(of)) {
                Some(size) if size == width => Way::Probe(width),
                // The counters have a stride.
                Some(size) if size > width => Way::Load,
                _ => Way::None,
            },
            _ => match self.size(id) {
                Some(size) if size == width => Way::Load,
                Some(size) if size < width && size.is_power_of_two() => Way::Probe(size),
                _ => Way::None,
            },
        }
    }

    /// Size of a number, an enum, a pointer, or of a struct that holds one of them, bytes.
    fn size(&self, type_id: u32) -> Option<u32> {
        let id = self.strip(type_id);
        match self.kind(id)? {
            KIND_PTR => Some(8),
            KIND_INT | KIND_ENUM | KIND_ENUM64 | KIND_STRUCT | KIND_UNION => self.word_of(id, 8),
            _ => None,
        }
    }

    /// Distance between two counters of `mm_struct.rss_stat`, bytes.
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

    /// Number of arguments of a tracepoint. The function type behind its typedef has one
    /// more argument, for private data.
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

    /// The first type of this kind and name.
    fn named(&self, kind: u32, name: &str) -> Option<u32> {
        (1..self.types.len() as u32)
            .find(|id| self.kind(*id) == Some(kind) && self.name(*id) == Some(name.as_bytes()))
    }

    /// Follows a path such as `a.b.c` from a struct. Members of anonymous structs and
    /// unions count as direct members; an array counts as its first element.
    fn member(&self, id: u32, path: &str) -> Option<Member> {
        let (first, rest) = path
            .split_once('.')
            .map_or((path, None), |(first, rest)| (first, Some(rest)));
        let found = self.direct_member(id, first)?;
        let Some(rest) = rest else { return Some(found) };
        let inner = self.member(self.strip(found.type_id), rest)?;
        Some(Member {
            bit: found.bit + inner.bit,
            ..inner
        })
    }

    /// The member `name` of a struct or union, or of an anonymous struct or union in it.
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
            let (bit, bits) = match bitfields {
                true => (raw & 0x00ff_ffff, raw >> 24),
                false => (raw, 0),
            };
            let type_id = self.word_of(id, at + 4)?;
            let member = self.string(self.word_of(id, at)?)?;
            if member == name.as_bytes() {
                return Some(Member { bit, bits, type_id });
            }
            if member.is_empty()
                && let Some(inner) = self.direct_member(type_id, name)
            {
                return Some(Member {
                    bit: bit + inner.bit,
                    ..inner
                });
            }
        }
        None
    }

    /// Removes typedefs and qualifiers from a type.
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

    /// The 32-bit word at byte `at` of a type.
    fn word_of(&self, id: u32, at: usize) -> Option<u32> {
        let from = *self.types.get(id as usize)?;
        word(self.bytes, from.checked_add(at)?).ok()
    }
}

/// Number of bytes that follow the first 12 bytes of a type; `None` for unknown kinds.
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

/// Finds the offsets in the BTF of the running kernel.
///
/// # Errors
///
/// When the BTF is malformed, or lacks a member that is not in [`OPTIONAL`].
pub(crate) fn kernel_offsets(bytes: &[u8]) -> Result<Offsets, BtfError> {
    let mut offsets = Btf::parse(bytes)?.offsets()?;
    // A missing member would be read as 0, and shown as if it were known. So on a
    // kernel without IO accounting or scheduler statistics, `/proc` alone gives better data.
    let is_optional = |path: &str| OPTIONAL.iter().any(|prefix| path.starts_with(prefix));
    let missing = Offsets::PATHS
        .iter()
        .find(|(path, _, member)| *member(&mut offsets) == ABSENT && !is_optional(path));
    match missing {
        Some((path, ..)) => Err(BtfError::Missing((*path).to_owned())),
        None => Ok(offsets),
    }
}

/// Members that can be missing, because a missing value differs from a real one: a
/// cgroup with id 0 has no path, and with a last arrival of 0 the time since the task
/// last had a CPU is unknown. A kernel without huge pages has none in use.
const OPTIONAL: [&str; 8] = [
    "css_set:",
    "cgroup:",
    "cgroup_root:",
    "kernfs_node:",
    "task_struct: cgroups",
    "task_struct: sched_info.last_arrival",
    "signal_struct: oom_mm",
    "mm_struct: hugetlb_usage",
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
        // `tgid` directly follows `pid` in every kernel.
        assert_eq!(offsets.task_tgid, offsets.task_pid + 4);
    }

    /// Builds BTF with `struct task_struct` and `struct mm_struct`, with the members that
    /// have differed between kernels.
    struct Types {
        types: Vec<u8>,
        strings: Vec<u8>,
        count: u32,
    }

    impl Types {
        fn new() -> Self {
            Self {
                types: Vec::new(),
                strings: vec![0],
                count: 0,
            }
        }

        /// Adds a type; returns its id.
        fn add(&mut self, name: &str, kind: u32, len: u32, size: u32, tail: &[u32]) -> u32 {
            let name = self.string(name);
            for word in [name, (kind << 24) | len, size].iter().chain(tail) {
                self.types.extend(word.to_le_bytes());
            }
            self.count += 1;
            self.count
        }

        fn string(&mut self, text: &str) -> u32 {
            let at = self.strings.len() as u32;
            self.strings.extend(text.as_bytes());
            self.strings.push(0);
            at
        }

        /// Adds a struct; members are name, type and offset in bytes.
        fn object(&mut self, name: &str, size: u32, members: &[(&str, u32, u32)]) -> u32 {
            let mut tail = Vec::new();
            for (name, type_id, at) in members {
                tail.extend([self.string(name), *type_id, at * 8]);
            }
            self.add(name, KIND_STRUCT, members.len() as u32, size, &tail)
        }

        fn offsets(&self) -> Offsets {
            let mut bytes = Vec::new();
            bytes.extend(MAGIC.to_le_bytes());
            bytes.extend([1, 0]);
            let (types, strings) = (self.types.len() as u32, self.strings.len() as u32);
            for word in [24, 0, types, types, strings] {
                bytes.extend(word.to_le_bytes());
            }
            bytes.extend(&self.types);
            bytes.extend(&self.strings);
            Btf::parse(&bytes).unwrap().offsets().unwrap()
        }
    }

    /// Each kernel has its way to read a member: as it was in Linux 6.1, since 6.2, and
    /// since 7.2.
    #[test]
    fn widths_that_differ_between_kernels() {
        let mut old = Types::new();
        let int = old.add("int", KIND_INT, 0, 4, &[32]);
        let long = old.add("long", KIND_INT, 0, 8, &[64]);
        let atomic = old.object("", 8, &[("counter", long, 0)]);
        let atomic = old.add("atomic_long_t", KIND_TYPEDEF, 0, atomic, &[]);
        let array = old.add("", KIND_ARRAY, 0, 0, &[atomic, int, 4]);
        let stat = old.object("mm_rss_stat", 32, &[("count", array, 0)]);
        old.object("mm_struct", 800, &[("rss_stat", stat, 700)]);
        old.object("task_struct", 9_000, &[("on_cpu", int, 52)]);
        let offsets = old.offsets();
        assert_eq!(offsets.mm_rss_count, 700 | (8 << WIDTH_SHIFT));
        assert_eq!(offsets.rss_stride, 8);
        assert_eq!(offsets.task_on_cpu, 52);

        let mut new = Types::new();
        let int = new.add("int", KIND_INT, 0, 4, &[32]);
        let byte = new.add("unsigned char", KIND_INT, 0, 1, &[8]);
        let long = new.add("long", KIND_INT, 0, 8, &[64]);
        let counter = new.object(
            "percpu_counter",
            40,
            &[("lock", int, 0), ("count", long, 8)],
        );
        let array = new.add("", KIND_ARRAY, 0, 0, &[counter, int, 4]);
        new.object("mm_struct", 900, &[("rss_stat", array, 700)]);
        let name = new.add("", KIND_ARRAY, 0, 0, &[byte, int, 16]);
        let members = [
            ("on_cpu", byte, 51),
            ("comm", name, 100),
            ("pid", long, 120),
        ];
        new.object("task_struct", 9_000, &members);
        let offsets = new.offsets();
        assert_eq!(offsets.mm_rss_count, 708);
        assert_eq!(offsets.rss_stride, 40);
        assert_eq!(offsets.task_on_cpu, 51 | (1 << WIDTH_SHIFT));
        assert_eq!(offsets.task_comm, 100);
        // A member that is wider than the programs expect is unknown, and not cut.
        assert_eq!(offsets.task_pid, ABSENT);

        let mut cut = Types::new();
        let byte = cut.add("unsigned char", KIND_INT, 0, 1, &[8]);
        let array = cut.add("", KIND_ARRAY, 0, 0, &[byte, byte, 8]);
        cut.object("task_struct", 9_000, &[("comm", array, 100)]);
        assert_eq!(cut.offsets().task_comm, ABSENT);
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
