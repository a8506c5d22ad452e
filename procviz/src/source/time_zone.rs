//! Names the time zone of this machine, so that a recording can be read elsewhere.

use jiff::tz::TimeZone;

/// The time zone: its name in the IANA database, such as `Europe/Berlin`. If it has none
/// (`TZ=UTC+5`, or an `/etc/localtime` that is a copy of a file), its rules as a POSIX time zone,
/// such as `CET-1CEST,M3.5.0,M10.5.0/3`. Empty if neither is known.
pub(crate) fn time_zone() -> String {
    let name = TimeZone::system().iana_name().map(str::to_owned);
    let variable = || std::env::var("TZ").ok();
    let rules = || {
        let file = std::fs::read("/etc/localtime").ok()?;
        footer(&file)
    };
    let posix = || variable().or_else(rules).and_then(|text| posix(&text));
    name.or_else(posix).unwrap_or_default()
}

/// The text, if it is the rules of a time zone.
fn posix(text: &str) -> Option<String> {
    let text = text.trim_start_matches(':');
    TimeZone::posix(text).is_ok().then(|| text.to_owned())
}

/// The rules for times after the last entry of a TZif file (RFC 9636): its last line.
fn footer(file: &[u8]) -> Option<String> {
    let file = file
        .strip_suffix(b"\n")
        .filter(|_| file.starts_with(b"TZif"))?;
    let line = file.rsplit(|byte| *byte == b'\n').next()?;
    line.is_ascii()
        .then(|| line.iter().map(|byte| char::from(*byte)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_without_a_name() {
        assert_eq!(posix("UTC+5").as_deref(), Some("UTC+5"));
        assert_eq!(posix(":<-03>3").as_deref(), Some("<-03>3"));
        assert_eq!(posix("Europe/Berlin"), None);
        let file = b"TZif2\0\0\n\x01\x02\nCET-1CEST,M3.5.0,M10.5.0/3\n";
        assert_eq!(footer(file).as_deref(), Some("CET-1CEST,M3.5.0,M10.5.0/3"));
        assert_eq!(footer(b"something else\n"), None);
    }
}
