//! Gap blocks: periods that a recording does not cover.

use super::block::Header;

/// Characters of why something was not kept.
const MOST_OF_WHY: usize = 200;

/// A period that the recording does not cover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Time of its first and last sample, ns since boot.
    pub span_ns: (u64, u64),
    /// Samples that were lost.
    pub samples: u64,
    /// Exit records that were lost.
    pub deaths: u64,
    /// The reason, such as the error of write(2).
    pub why: String,
}

impl Gap {
    /// Parses the payload of a gap block; what is missing in it is 0.
    pub(super) fn of(header: &Header, payload: &[u8]) -> Self {
        let text: serde_json::Value = serde_json::from_slice(payload).unwrap_or_default();
        let number = |name: &str| text[name].as_u64().unwrap_or(0).min(u32::MAX.into());
        let why = text["why"].as_str().unwrap_or_default();
        Self {
            span_ns: (header.begin_ns, header.end_ns),
            samples: number("samples"),
            deaths: number("deaths"),
            why: why.chars().take(MOST_OF_WHY).collect(),
        }
    }
}
