//! Converts times since boot to dates.

use jiff::{Timestamp, tz::TimeZone};

use crate::model::{Host, duration_text};

fn timestamp(host: &Host, boot_ns: u64) -> Option<Timestamp> {
    Timestamp::from_nanosecond(host.boot_wall_ns + i128::from(boot_ns)).ok()
}

/// The time zone of `host`, or of this machine if `host` has none. UTC if this machine
/// has no data about the zone.
pub(crate) fn zone(host: &Host) -> TimeZone {
    if host.time_zone.is_empty() {
        return TimeZone::system();
    }
    let name = &host.time_zone;
    let zone = TimeZone::get(name).or_else(|_| TimeZone::posix(name));
    zone.unwrap_or(TimeZone::UTC)
}

/// `2026-11-22 03:12:30 CET`, in the machine's zone.
pub(crate) fn local(host: &Host, boot_ns: u64) -> String {
    let zoned = timestamp(host, boot_ns).map(|time| time.to_zoned(zone(host)));
    zoned.map_or_else(
        || "time unknown".to_owned(),
        |time| time.strftime("%Y-%m-%d %H:%M:%S %Z").to_string(),
    )
}

/// A period that ends at `boot_ns`, in the machine's zone:
/// `2026-11-22 03:12:27 to 03:12:30 CET (3.0 s)`.
pub(crate) fn period(host: &Host, boot_ns: u64, length_ns: u64) -> String {
    let zone = zone(host);
    let at = |boot_ns| timestamp(host, boot_ns).map(|time| time.to_zoned(zone.clone()));
    let (Some(begin), Some(end)) = (at(boot_ns.saturating_sub(length_ns)), at(boot_ns)) else {
        return "time unknown".to_owned();
    };
    // Whole seconds say too little about a short period.
    let clock = match length_ns < 2_000_000_000 {
        true => "%H:%M:%S%.3f",
        false => "%H:%M:%S",
    };
    let dated = format!("%Y-%m-%d {clock} %Z");
    let is_one_day = begin.date() == end.date() && begin.offset() == end.offset();
    let (first, last) = match is_one_day {
        true => (format!("%Y-%m-%d {clock}"), format!("{clock} %Z")),
        false => (dated.clone(), dated),
    };
    let (begin, last) = (begin.strftime(&first), end.strftime(&last));
    let length = match length_ns {
        0..60_000_000_000 => format!("{:.1} s", length_ns as f64 / 1e9),
        longer => duration_text(longer),
    };
    format!("{begin} to {last} ({length})")
}

/// `2026-11-22 03:12:30.123 CET`, in the machine's zone.
pub(crate) fn local_precise(host: &Host, boot_ns: u64) -> String {
    let zoned = timestamp(host, boot_ns).map(|time| time.to_zoned(zone(host)));
    zoned.map_or_else(
        || "time unknown".to_owned(),
        |time| time.strftime("%Y-%m-%d %H:%M:%S%.3f %Z").to_string(),
    )
}

/// `03:12:30.123`, in the machine's zone.
pub(crate) fn local_clock(host: &Host, boot_ns: u64) -> String {
    let zoned = timestamp(host, boot_ns).map(|time| time.to_zoned(zone(host)));
    zoned.map_or_else(
        || "unknown".to_owned(),
        |time| time.strftime("%H:%M:%S%.3f").to_string(),
    )
}

/// As [`local`], of a wall clock time, ns since 1970.
pub(crate) fn local_wall(host: &Host, wall_ns: i128) -> String {
    let time = Timestamp::from_nanosecond(wall_ns);
    time.map_or_else(
        |_| "time unknown".to_owned(),
        |time| {
            let zoned = time.to_zoned(zone(host));
            zoned.strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
        },
    )
}

/// As [`rfc3339`], of a wall clock time, ns since 1970.
pub(crate) fn rfc3339_wall(wall_ns: i128) -> Option<String> {
    Some(format!("{:.9}", Timestamp::from_nanosecond(wall_ns).ok()?))
}

/// RFC 3339, UTC, with nanoseconds.
pub(crate) fn rfc3339(host: &Host, boot_ns: u64) -> Option<String> {
    Some(format!("{:.9}", timestamp(host, boot_ns)?))
}

/// `20261122T021230.123Z`: a time for a file name.
pub(crate) fn for_file_name(host: &Host, boot_ns: u64) -> String {
    timestamp(host, boot_ns).map_or_else(
        || "unknown".to_owned(),
        |time| time.strftime("%Y%m%dT%H%M%S%.3fZ").to_string(),
    )
}
