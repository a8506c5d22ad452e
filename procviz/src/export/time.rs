//! Converts times since boot to dates.

use jiff::{Timestamp, tz::TimeZone};

use crate::model::Host;

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
