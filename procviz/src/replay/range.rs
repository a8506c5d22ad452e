//! Finds the part of a recording to show.

use super::{
    archive::{RecordingFile, spans},
    moment::{Moment, Span},
};
use crate::{
    cli::RangeArgs,
    export::time,
    runtime::{Failure, text::escaped},
};

/// The part of a recording to show; wall clock, ns since 1970.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Range {
    pub(super) begin: Option<i128>,
    pub(super) end: Option<i128>,
    /// Only the last sample of the part is shown.
    pub(super) is_moment: bool,
}

impl Range {
    pub(super) fn new(args: &RangeArgs, archive: &[RecordingFile]) -> Result<Self, Failure> {
        let spans = spans(archive);
        let zone = time::zone(&archive[0].facts.machine());
        let find = |option: &'static str, text: &Option<String>| {
            let Some(text) = text else { return Ok(None) };
            let moment = Moment::parse(option, text)?;
            if let (Moment::At(at), true) = (&moment, spans.is_empty()) {
                // A stream has no known span: the samples show when the moment comes.
                return Ok(Some(at.as_nanosecond()));
            }
            moment.find((option, text), &spans, &zone).map(Some)
        };
        if args.at.is_some() {
            return Ok(Self {
                begin: None,
                end: find("--at", &args.at)?,
                is_moment: true,
            });
        }
        let (begin, end) = (find("--begin", &args.begin)?, find("--end", &args.end)?);
        if let (Some(begin), Some(end)) = (begin, end)
            && begin > end
        {
            return Err(Failure::usage(format!(
                "`--begin {}` is later than `--end {}`",
                escaped(args.begin.as_deref().unwrap_or_default()),
                escaped(args.end.as_deref().unwrap_or_default())
            )));
        }
        Ok(Self {
            begin,
            end,
            is_moment: false,
        })
    }

    /// First and last moment of the part; an open end is the smallest or largest value.
    pub(super) fn span(&self) -> Span {
        let end = self.end.unwrap_or(i128::MAX);
        let begin = match self.is_moment {
            true => end,
            false => self.begin.unwrap_or(i128::MIN),
        };
        (begin, end)
    }
}
