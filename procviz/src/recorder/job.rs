//! What the thread that writes is asked to do.

use super::{lost::Lost, part::Part};

/// What is asked of the thread.
pub(super) enum Job {
    /// Goes to the end of the file.
    Part(Part),
    /// The same, with everybody in it: what [`Shared::wants_all`] asks for.
    Anew(Vec<Part>),
    /// It was lost on the way here.
    Lost(Lost),
    /// Ends the file, if there is one, and begins the next.
    Begin(Begin),
    /// Ends the file.
    End,
}

impl Job {
    /// How much memory it takes, about.
    pub(super) fn bytes(&self) -> usize {
        let parts = match self {
            Self::Part(part) => std::slice::from_ref(part),
            Self::Anew(parts) => parts,
            Self::Lost(lost) => return size_of::<Self>() + lost.bytes,
            Self::Begin(begin) => &begin.parts,
            Self::End => &[],
        };
        let blocks = parts.iter().map(|(block, _)| block.bytes.len());
        size_of::<Self>() + size_of_val(parts) + blocks.sum::<usize>()
    }
}

/// A file that is to be begun.
pub(super) struct Begin {
    /// Wall clock, ns since 1970: of the name.
    pub(super) wall_ns: i128,
    /// Why; of the name, too.
    pub(super) why: Option<Why>,
    /// What stands in it first.
    pub(super) parts: Vec<Part>,
}

/// What has made somebody write.
#[derive(Clone, Debug)]
pub(super) struct Why {
    pub(super) trigger: String,
    pub(super) words: String,
}
