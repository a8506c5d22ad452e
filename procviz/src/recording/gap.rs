//! Gap blocks: periods that a recording does not cover.

use super::block::Header;

/// Upper limit for the length of a reason, characters.
const MOST_OF_WHY: usize = 200;

/// A period that the recording does not cover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Times of the first and the last lost sample, ns since boot.
    pub span_ns: (u64, u64),
    /// Number of lost samples.
    pub samples: u64,
    /// Number of lost exit records.
    pub deaths: u64,
    /// Reason for the loss, such as the error of write(2).
    pub why: String,
}

impl Gap {
    /// Parses the payload of a gap block. A missing number becomes 0, a number above
    /// `u32::MAX` becomes `u32::MAX`.
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
