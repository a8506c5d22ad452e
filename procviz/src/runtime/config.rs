//! Parses numbers, durations and sizes from the command line, or reports what is allowed.

use std::time::Duration;

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

/// Parses a duration such as `30s`, `1.5m` or `500ms`; a number without a unit is
/// seconds. `typed` is the whole value of the option, for the error message.
pub(crate) fn duration(option: &str, typed: &str, text: &str) -> Result<Duration, Failure> {
    let bad = || {
        Failure::usage(format!(
            "invalid duration in `{option} {}`: expected a number with ms, s, m, h or d, such as `30s`, up to 366d",
            escaped(typed)
        ))
    };
    let split = text
        .find(|ch: char| !ch.is_ascii_digit() && ch != '.')
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let factor = match unit {
        "ms" => 0.001,
        "s" | "" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        _ => return Err(bad()),
    };
    let seconds = digits.parse::<f64>().map_err(|_| bad())? * factor;
    if seconds > 0.0 && seconds <= 366.0 * 86_400.0 {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err(bad())
    }
}

/// Parses a size such as `64M` or `2G`, in powers of 1024, into bytes. `typed` is the
/// whole value of the option, for the error message.
pub(crate) fn bytes(option: &str, typed: &str, text: &str) -> Result<u64, Failure> {
    let split = text
        .find(|ch: char| !ch.is_ascii_digit() && ch != '.')
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let unit = unit.to_ascii_uppercase();
    let unit = unit.strip_suffix("IB").or(unit.strip_suffix('B'));
    let unit = unit.map_or_else(|| text[split..].to_ascii_uppercase(), str::to_owned);
    let factor = match unit.as_str() {
        "" => Some(1.0),
        "K" => Some(1024.0),
        "M" => Some(1024.0 * 1024.0),
        "G" => Some(1024.0 * 1024.0 * 1024.0),
        "T" => Some(1024.0 * 1024.0 * 1024.0 * 1024.0),
        _ => None,
    };
    let bytes = digits.parse::<f64>().ok().zip(factor);
    let bytes = bytes.map(|(number, factor)| number * factor);
    bytes
        .filter(|bytes| *bytes >= 1.0 && *bytes < 1e18)
        .map(|bytes| bytes as u64)
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

    #[test]
    fn durations() {
        let duration = |text: &str| duration("--duration", text, text);
        assert_eq!(duration("500ms").unwrap(), Duration::from_millis(500));
        assert_eq!(duration("1.5m").unwrap(), Duration::from_secs(90));
        assert_eq!(duration("7").unwrap(), Duration::from_secs(7));
        for bad in ["", "s", "0s", "5x", "-3s", "1..2s", "999999999d"] {
            assert_eq!(duration(bad).unwrap_err().status, 2, "{bad}");
        }
    }

    #[test]
    fn amounts() {
        let bytes = |text: &str| bytes("--max-size", text, text);
        assert_eq!(bytes("64M").unwrap(), 64 << 20);
        assert_eq!(bytes("1.5g").unwrap(), 3 << 29);
        assert_eq!(bytes("2GiB").unwrap(), 2 << 30);
        assert_eq!(bytes("700").unwrap(), 700);
        for bad in ["", "G", "0", "-1M", "5X", "1e30T", "much"] {
            assert_eq!(bytes(bad).unwrap_err().status, 2, "{bad}");
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
