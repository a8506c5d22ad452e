//! Parses numbers, durations and sizes from the command line, or reports what is allowed.

use std::time::Duration;

use jiff::{SpanRelativeTo, fmt::friendly::SpanParser};

use super::{Failure, text::escaped};
use crate::{cli::SamplingArgs, model::count_text};

/// When to sample, and when to stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Schedule {
    pub(crate) interval: Duration,
    pub(crate) samples: Option<u64>,
    pub(crate) duration: Option<Duration>,
    pub(crate) require_ebpf: bool,
}

/// Allowed intervals, seconds: from 1,000 samples per second to 1 sample per day.
const INTERVALS: std::ops::RangeInclusive<f64> = 0.001..=86_400.0;

impl Schedule {
    /// All samples of a recording.
    pub(crate) fn all() -> Self {
        Self {
            interval: Duration::from_secs(1),
            samples: None,
            duration: None,
            require_ebpf: false,
        }
    }

    /// Parses the options; `usual` is the default interval, seconds.
    pub(crate) fn new(args: &SamplingArgs, usual: f64) -> Result<Self, Failure> {
        let seconds = match (&args.interval, &args.hz) {
            (Some(text), _) => number(
                "--interval",
                text,
                "a number of seconds from 0.001 to 86400",
                |value| INTERVALS.contains(&value),
            )?,
            (None, Some(text)) => {
                1.0 / number(
                    "--hz",
                    text,
                    "a number of samples per second up to 1000",
                    |value| value > 0.0 && INTERVALS.contains(&(1.0 / value)),
                )?
            }
            (None, None) => usual,
        };
        let samples = args
            .samples
            .as_deref()
            .map(|text| whole("--samples", text, 1, u64::from(u32::MAX)))
            .transpose()?;
        let duration = args
            .duration
            .as_deref()
            .map(|text| self::duration("--duration", text, text))
            .transpose()?;
        Ok(Self {
            interval: Duration::from_secs_f64(seconds),
            samples,
            duration,
            require_ebpf: args.require_ebpf,
        })
    }

    /// Whether the run is over after this many samples or this much time.
    pub(crate) fn is_over(&self, samples: u64, elapsed: Duration) -> bool {
        let is_late = |duration: Duration| elapsed + self.interval / 2 >= duration;
        self.samples.is_some_and(|wanted| samples >= wanted) || self.duration.is_some_and(is_late)
    }

    /// Approximate number of intervals of the run; `None`: until a signal.
    pub(crate) fn intervals(&self) -> Option<u64> {
        let by_time = self.duration.map(|duration| {
            (duration.as_secs_f64() / self.interval.as_secs_f64())
                .ceil()
                .max(1.0) as u64
        });
        match (self.samples, by_time) {
            (Some(samples), Some(by_time)) => Some(samples.min(by_time)),
            (samples, by_time) => samples.or(by_time),
        }
    }
}

/// Parses a finite number that `is_allowed` accepts. `allowed` describes these
/// numbers in the error message.
pub(crate) fn number(
    option: &str,
    text: &str,
    allowed: &str,
    is_allowed: impl Fn(f64) -> bool,
) -> Result<f64, Failure> {
    text.trim()
        .parse::<f64>()
        .ok()
        .filter(|value| value.is_finite() && is_allowed(*value))
        .ok_or_else(|| {
            Failure::usage(format!(
                "invalid value in `{option} {}`: expected {allowed}",
                escaped(text)
            ))
        })
}

/// Parses a whole number from `least` to `most`.
pub(crate) fn whole(option: &str, text: &str, least: u64, most: u64) -> Result<u64, Failure> {
    text.trim()
        .parse::<u64>()
        .ok()
        .filter(|value| (least..=most).contains(value))
        .ok_or_else(|| {
            Failure::usage(format!(
                "invalid value in `{option} {}`: expected a whole number from {least} to {most}",
                escaped(text)
            ))
        })
}

/// A size that is typed is smaller than this number of bytes.
const MOST_BYTES: u64 = 1_000_000_000_000_000_000;

/// Upper limit for a duration that is typed: 366 days.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// Parses a duration such as `30s`, `1.5m`, `1h30m` or `500ms`; a number without a unit is
/// seconds. `typed` is the whole value of the option, for the error message.
pub(crate) fn duration(option: &str, typed: &str, text: &str) -> Result<Duration, Failure> {
    duration_of(text)
        .filter(|duration| !duration.is_zero() && *duration <= LONGEST)
        .ok_or_else(|| {
            Failure::usage(format!(
                "invalid duration in `{option} {}`: expected a number with ms, s, m, h or d, such as `30s`, up to 366d",
                escaped(typed)
            ))
        })
}

fn duration_of(text: &str) -> Option<Duration> {
    let is_number = |text: &str| text.bytes().all(|ch| ch.is_ascii_digit() || ch == b'.');
    // jiff has fractions of hours and of shorter units only, and no number without a unit.
    let days = text.strip_suffix('d');
    if let Some(days) = days.filter(|days| is_number(days)) {
        return Duration::try_from_secs_f64(days.parse::<f64>().ok()? * 86_400.0).ok();
    }
    if is_number(text) {
        return Duration::try_from_secs_f64(text.parse().ok()?).ok();
    }
    // jiff wants a digit before the point.
    let zero = if text.starts_with('.') { "0" } else { "" };
    let span = SpanParser::new().parse_span(format!("{zero}{text}")).ok()?;
    let day = SpanRelativeTo::days_are_24_hours();
    Duration::try_from(span.to_duration(day).ok()?).ok()
}

/// Parses a size such as `64M` or `2G`, in powers of 1024, into bytes. `typed` is the
/// whole value of the option, for the error message.
pub(crate) fn bytes(option: &str, typed: &str, text: &str) -> Result<u64, Failure> {
    parse_size::Config::new()
        .with_binary()
        .parse_size(text)
        .ok()
        .filter(|bytes| (1..MOST_BYTES).contains(bytes))
        .ok_or_else(|| {
            Failure::usage(format!(
                "invalid size in `{option} {}`: expected a number of bytes, or a number with K, M, G or T, such as `64M`",
                escaped(typed)
            ))
        })
}

/// Parses octal permissions; the owner must be able to read and write the file.
pub(crate) fn mode(text: &str) -> Result<u32, Failure> {
    u32::from_str_radix(text, 8)
        .ok()
        .filter(|mode| *mode <= 0o666 && mode & 0o600 == 0o600 && mode & 0o111 == 0)
        .ok_or_else(|| {
            Failure::usage(format!(
                "invalid value in `--mode {}`: expected octal permissions from 600 to 666, such as `640`",
                escaped(text)
            ))
        })
}

/// Parses the width and height of a picture, such as `1600x900`.
pub(crate) fn size(text: &str) -> Result<(f32, f32), Failure> {
    let sides = text.split_once('x').and_then(|(width, height)| {
        Some((width.parse::<u32>().ok()?, height.parse::<u32>().ok()?))
    });
    match sides {
        Some((width @ 480..=16_384, height @ 240..=16_384)) => Ok((width as f32, height as f32)),
        _ => Err(Failure::usage(format!(
            "invalid value in `--size {}`: expected WIDTHxHEIGHT from 480x240 to 16384x16384, such as `1600x900`",
            escaped(text)
        ))),
    }
}

/// Upper limit for the pixels of a picture: 8192 times 8192. Each pixel takes 4 bytes
/// of memory.
const MOST_PIXELS: f64 = 67_108_864.0;

/// Checks that a picture of that size and scale has at most [`MOST_PIXELS`]. `args`
/// are the typed values of `--size` and `--scale`, for the error message.
pub(crate) fn check_pixels(
    (width, height): (f32, f32),
    scale: f64,
    args: (&str, &str),
) -> Result<(), Failure> {
    let pixels = (f64::from(width) * scale).round() * (f64::from(height) * scale).round();
    if pixels <= MOST_PIXELS {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "`--size {} --scale {}` makes a picture of {} pixels, but the upper limit is {}: choose a smaller size or scale, or write an .svg file",
        escaped(args.0),
        escaped(args.1),
        count_text(pixels as u64),
        count_text(MOST_PIXELS as u64)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values that a parser could take for a number, or fail to reject.
    fn hostile() -> Vec<String> {
        let nines = "9".repeat(5_000);
        let mut all = [
            "",
            " ",
            ".",
            "..",
            "-",
            "-1",
            "-1M",
            "-1s",
            "0",
            "0.0",
            "0x10",
            "nan",
            "NaN",
            "inf",
            "infinity",
            "1e30T",
            "1e400",
            "1e-400d",
            "1..2s",
            "1..2M",
            "much",
            "5X",
            "5x",
            "\u{661}\u{662}s",
            "\u{ff11}M",
            "\u{b5}",
            "5\u{b5}",
            "5\u{1f4a9}",
            "\0",
            "5\0s",
            "5\u{301}M",
        ]
        .map(str::to_owned)
        .to_vec();
        for unit in ["", "d", "h", "ms", "T", "KiB"] {
            all.push(format!("{nines}{unit}"));
            all.push(format!("{nines}.{nines}{unit}"));
            all.push(format!("-{nines}{unit}"));
        }
        all.push("1h ".repeat(5_000));
        all
    }

    #[test]
    fn durations() {
        let duration = |text: &str| duration("--duration", text, text);
        for (text, ms) in [
            ("500ms", 500),
            ("7", 7_000),
            ("1.5", 1_500),
            (".5", 500),
            (".5s", 500),
            ("30s", 30_000),
            ("1.5m", 90_000),
            ("2min", 120_000),
            ("1.5h", 5_400_000),
            ("1h30m", 5_400_000),
            ("2d", 172_800_000),
            ("0.5d", 43_200_000),
            ("1d12h", 129_600_000),
            ("366d", 31_622_400_000),
        ] {
            assert_eq!(duration(text).unwrap(), Duration::from_millis(ms), "{text}");
        }
        let bad = [
            "s",
            "0s",
            "-3s",
            "3s ago",
            "999999999d",
            "367d",
            "1M",
            "1mo",
            "1y",
        ];
        for bad in hostile().iter().map(String::as_str).chain(bad) {
            let failure = duration(bad).unwrap_err();
            assert_eq!(failure.status, 2, "{bad}");
            let text = format!("{:#}", failure.error);
            assert!(
                text.contains("with ms, s, m, h or d, such as `30s`"),
                "{text}"
            );
        }
    }

    #[test]
    fn amounts() {
        let bytes = |text: &str| bytes("--max-size", text, text);
        for (text, expected) in [
            ("64M", 64 << 20),
            ("1.5g", 3 << 29),
            ("2GiB", 2 << 30),
            ("2GB", 2 << 30),
            ("700", 700),
            ("700B", 700),
            ("1k", 1_024),
            ("3T", 3 << 40),
        ] {
            assert_eq!(bytes(text).unwrap(), expected, "{text}");
        }
        let bad = ["G", "iB", "B", "999999T", "1000000000000000000"];
        for bad in hostile().iter().map(String::as_str).chain(bad) {
            let failure = bytes(bad).unwrap_err();
            assert_eq!(failure.status, 2, "{bad}");
            let text = format!("{:#}", failure.error);
            assert!(text.contains("with K, M, G or T, such as `64M`"), "{text}");
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(size("800x600").unwrap(), (800.0, 600.0));
        for bad in ["800", "0x0", "99999x99999", "axb", "-1x5"] {
            assert_eq!(size(bad).unwrap_err().status, 2, "{bad}");
        }
    }
}
