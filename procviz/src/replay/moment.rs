//! Parses moments of a recording: a date, a time of day in the time zone of the recorded
//! machine, or a time before the end.

use jiff::{
    Timestamp, ToSpan as _, Zoned,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};

use crate::runtime::{Failure, config, text::escaped};

/// A moment as the user typed it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Moment {
    /// A time with its offset from UTC.
    At(Timestamp),
    /// A day and a time, in the time zone of the recorded machine.
    There(DateTime),
    /// A time of day, in the time zone of the recorded machine.
    Clock(Time),
    /// A time before the end of the recording, ns.
    BeforeTheEnd(i128),
}

/// Wall clock of the first and the last sample of a period, ns since 1970.
pub(crate) type Span = (i128, i128);

impl Moment {
    /// Parses the value of `option`.
    ///
    /// # Errors
    ///
    /// When the text is not a moment.
    pub(crate) fn parse(option: &str, text: &str) -> Result<Self, Failure> {
        let text = text.trim();
        if let Some(ago) = text.strip_prefix('-') {
            let ago = config::duration(option, text, ago)?;
            return Ok(Self::BeforeTheEnd(ago.as_nanos() as i128));
        }
        if let Ok(at) = text.parse::<Timestamp>() {
            return Ok(Self::At(at));
        }
        if let Ok(at) = text.parse::<Zoned>() {
            return Ok(Self::At(at.timestamp()));
        }
        let is_clock = text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b':' || byte == b'.')
            && text.contains(':');
        if is_clock && let Ok(time) = padded(text).parse::<Time>() {
            return Ok(Self::Clock(time));
        }
        match text.parse::<DateTime>() {
            Ok(at) if text.contains(':') => Ok(Self::There(at)),
            _ => Err(Failure::usage(format!(
                "invalid time in `{option} {}`: expected a time such as `03:12`, `03:12:30` or `2026-11-22T03:12` (in the time zone of the recorded machine), `2026-11-22T03:12:30Z`, or `-30s` (before the end)",
                escaped(text)
            ))),
        }
    }

    /// The wall clock of the moment, ns since 1970. `spans` are the recorded periods, in
    /// order.
    ///
    /// # Errors
    ///
    /// When nothing was recorded at the moment, or when a time of day was recorded on
    /// several days.
    pub(crate) fn find(
        &self,
        (option, text): (&str, &str),
        spans: &[Span],
        zone: &TimeZone,
    ) -> Result<i128, Failure> {
        // A clock that was set back shows a smaller time at the end than before.
        let first = spans.iter().map(|(first, _)| first).min();
        let last = spans.iter().map(|(_, last)| last).max();
        let (Some(first), Some(last)) = (first, last) else {
            return Err(Failure::usage(format!(
                "cannot find `{option} {text}` in a stream or a recording without samples: expected a date and time, such as `2026-11-22T03:12:30Z`"
            )));
        };
        let date = |ns: i128| {
            Timestamp::from_nanosecond(ns).map_or_else(
                |_| "an unknown time".to_owned(),
                |at| {
                    at.to_zoned(zone.clone())
                        .strftime("%Y-%m-%d %H:%M:%S %Z")
                        .to_string()
                },
            )
        };
        let outside = || {
            Failure::usage(format!(
                "`{option} {text}` is outside of the recording, which lasts from {} to {}",
                date(*first),
                date(*last)
            ))
        };
        let twice = |moments: &[&i128]| ambiguous((option, text), moments, zone);
        let at = match self {
            Self::At(at) => at.as_nanosecond(),
            Self::There(at) => {
                let all = in_zone(*at, zone);
                let recorded = all.iter().filter(|at| is_recorded(**at, spans));
                match recorded.collect::<Vec<_>>().as_slice() {
                    [] => *all.first().ok_or_else(outside)?,
                    [at] => **at,
                    several => return Err(twice(several)),
                }
            }
            Self::BeforeTheEnd(ago) => spans.last().map_or(*last, |(_, end)| *end) - ago,
            Self::Clock(time) => match on_days(*time, spans, zone).as_slice() {
                [] => return Err(outside()),
                [(_, at)] => *at,
                [(day, one), (same_day, other)] if day == same_day => {
                    return Err(twice(&[one, other]));
                }
                found => {
                    let days: Vec<String> = found.iter().map(|(day, _)| day.to_string()).collect();
                    return Err(Failure::usage(format!(
                        "`{option} {text}` was recorded on {} days: choose a day, such as `{}T{text}`, from {}",
                        days.len(),
                        days[days.len() - 1],
                        days.join(", ")
                    )));
                }
            },
        };
        // Users type moments with a precision of 1 s.
        let slack = 1_000_000_000;
        if at + slack < *first || at > last + slack {
            return Err(outside());
        }
        Ok(at)
    }
}

/// The error about a local time that was recorded twice.
fn ambiguous((option, text): (&str, &str), moments: &[&i128], zone: &TimeZone) -> Failure {
    let with_offset = |ns: &&i128| {
        let at = Timestamp::from_nanosecond(**ns).unwrap_or_default();
        let at = at.to_zoned(zone.clone());
        format!("`{}`", at.strftime("%Y-%m-%dT%H:%M:%S%:z"))
    };
    let moments: Vec<String> = moments.iter().map(with_offset).collect();
    Failure::usage(format!(
        "`{option} {text}` was recorded twice, because the clocks were set back: choose {}",
        moments.join(" or ")
    ))
}

/// A local time as ns since 1970. It is two moments in the hour that is repeated when the
/// clocks are set back, and none outside of the range of time stamps.
fn in_zone(at: DateTime, zone: &TimeZone) -> Vec<i128> {
    let ambiguous = zone.to_ambiguous_zoned(at);
    let both = [ambiguous.clone().earlier(), ambiguous.later()];
    let moments = both.into_iter().flatten();
    let mut moments: Vec<i128> = moments
        .map(|zoned| zoned.timestamp().as_nanosecond())
        .filter(|ns| is_local(*ns, at, zone))
        .collect();
    moments.dedup();
    if moments.is_empty() {
        // The hour that is left out when the clocks are set forward.
        let zoned = at.to_zoned(zone.clone()).ok();
        moments.extend(zoned.map(|zoned| zoned.timestamp().as_nanosecond()));
    }
    moments
}

/// Whether the clocks of the zone show `at` at a moment.
fn is_local(ns: i128, at: DateTime, zone: &TimeZone) -> bool {
    Timestamp::from_nanosecond(ns).is_ok_and(|ns| ns.to_zoned(zone.clone()).datetime() == at)
}

/// The days on which a time of day was recorded, with the moments, ns since 1970. A
/// time in a gap between two periods counts if no period has it: then the last state
/// before it is shown.
fn on_days(time: Time, spans: &[Span], zone: &TimeZone) -> Vec<(Date, i128)> {
    let within = |spans: &[Span]| -> Vec<(Date, i128)> {
        let days = days(spans, zone).into_iter();
        let moments = days.flat_map(|day| {
            let moments = in_zone(day.to_datetime(time), zone).into_iter();
            moments.map(move |at| (day, at))
        });
        moments.filter(|(_, at)| is_recorded(*at, spans)).collect()
    };
    let found = within(spans);
    match (found.is_empty(), spans.first(), spans.last()) {
        (true, Some((first, _)), Some((_, last))) => within(&[(*first, *last)]),
        _ => found,
    }
}

/// Whether a moment is within 1 s of a recorded period. Nothing was recorded between two
/// periods.
fn is_recorded(at: i128, spans: &[Span]) -> bool {
    let slack = 1_000_000_000;
    spans
        .iter()
        .any(|(first, last)| at + slack >= *first && at <= last + slack)
}

/// The days on which something was recorded, in the time zone of the recorded machine.
fn days(spans: &[Span], zone: &TimeZone) -> Vec<Date> {
    let day = |ns: i128| {
        let at = Timestamp::from_nanosecond(ns).ok()?;
        Some(at.to_zoned(zone.clone()).date())
    };
    let mut days: Vec<Date> = Vec::new();
    for (first, last) in spans {
        let (Some(mut at), Some(last)) = (day(*first), day(*last)) else {
            continue;
        };
        while at <= last && days.len() < 10_000 {
            if days.last().is_none_or(|known| *known < at) {
                days.push(at);
            }
            match at.checked_add(1.day()) {
                Ok(next) => at = next,
                Err(_) => break,
            }
        }
    }
    days
}

/// Adds the leading zero of an hour: `3:12` becomes `03:12`.
fn padded(text: &str) -> String {
    if text.find(':') == Some(1) {
        format!("0{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ns(text: &str) -> i128 {
        text.parse::<Timestamp>().unwrap().as_nanosecond()
    }

    fn berlin() -> TimeZone {
        TimeZone::get("Europe/Berlin").unwrap()
    }

    fn find(text: &str, spans: &[Span]) -> Result<i128, String> {
        let option = "--at";
        Moment::parse(option, text)
            .and_then(|moment| moment.find((option, text), spans, &berlin()))
            .map_err(|failure| format!("{:#}", failure.error))
    }

    #[test]
    fn as_people_say_it() {
        let spans = [(ns("2026-11-21T22:00:00Z"), ns("2026-11-22T03:00:00Z"))];
        for text in [
            "03:12:30",
            "3:12:30",
            "2026-11-22T03:12:30",
            "2026-11-22 03:12:30",
            "2026-11-22T02:12:30Z",
            "2026-11-22T03:12:30+01:00",
        ] {
            assert_eq!(find(text, &spans), Ok(ns("2026-11-22T02:12:30Z")), "{text}");
        }
        assert_eq!(find("23:30", &spans), Ok(ns("2026-11-21T22:30:00Z")));
        assert_eq!(find("-30s", &spans), Ok(ns("2026-11-22T02:59:30Z")));
    }

    /// On 2026-10-25 in Berlin, the hour from 2 to 3 comes twice.
    #[test]
    fn the_repeated_hour() {
        let summer = (ns("2026-10-25T00:00:00Z"), ns("2026-10-25T00:50:00Z"));
        let winter = (ns("2026-10-25T01:10:00Z"), ns("2026-10-25T03:00:00Z"));
        for text in ["02:30", "2026-10-25T02:30:00"] {
            assert_eq!(
                find(text, &[summer]),
                Ok(ns("2026-10-25T00:30:00Z")),
                "{text}"
            );
            assert_eq!(
                find(text, &[winter]),
                Ok(ns("2026-10-25T01:30:00Z")),
                "{text}"
            );
            let message = find(text, &[summer, winter]).unwrap_err();
            for choice in ["`2026-10-25T02:30:00+02:00`", "`2026-10-25T02:30:00+01:00`"] {
                assert!(message.contains(choice), "{message}");
            }
        }
        let both = [summer, winter];
        let later = find("2026-10-25T02:30:00+01:00", &both);
        assert_eq!(later, Ok(ns("2026-10-25T01:30:00Z")));
        // The hour from 2 to 3 on 2026-03-29 does not exist.
        let spring = [(ns("2026-03-29T00:00:00Z"), ns("2026-03-29T03:00:00Z"))];
        assert_eq!(find("02:30", &spring), Ok(ns("2026-03-29T01:30:00Z")));
    }

    #[test]
    fn what_was_not_recorded() {
        let two = [
            (ns("2026-11-20T02:00:00Z"), ns("2026-11-20T03:00:00Z")),
            (ns("2026-11-21T02:00:00Z"), ns("2026-11-22T03:00:00Z")),
        ];
        let message = find("03:12", &two).unwrap_err();
        assert!(
            message.contains("2026-11-20, 2026-11-21, 2026-11-22"),
            "{message}"
        );
        assert_eq!(find("12:00", &two), Ok(ns("2026-11-21T11:00:00Z")));
        let message = find("2026-11-23T00:00", &two).unwrap_err();
        assert!(
            message.contains("2026-11-20 03:00:00 CET to 2026-11-22 04:00:00 CET"),
            "{message}"
        );
        for bad in ["", "noon", "25:00", "-3x", "2026-11-22"] {
            assert!(find(bad, &two).unwrap_err().contains("invalid"), "{bad}");
        }
        assert!(find("03:12", &[]).is_err());
    }
}
