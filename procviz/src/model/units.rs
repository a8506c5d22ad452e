/// Sum of counters. Counters in a recording can be any numbers, so the sum stops
/// at the largest `u64` instead of wrapping around.
pub fn total(counters: impl IntoIterator<Item = u64>) -> u64 {
    counters.into_iter().fold(0, u64::saturating_add)
}

/// Bytes in binary units with three significant digits: `4 GiB`, `1.25 MiB`, `812 B`.
pub fn bytes_text(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    // 999.5 rounds to four digits.
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{} {}", three_digits(value), UNITS[unit])
}

/// The same for bytes that may be unknown.
pub fn known_bytes_text(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "unknown".to_owned(), bytes_text)
}

/// Bytes per second: `12 MiB/s`.
pub fn rate_text(bytes_per_second: f64) -> String {
    format!("{}/s", bytes_text(bytes_per_second.max(0.0) as u64))
}

/// KiB, rounded up: a little is not nothing.
pub(crate) fn kib(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX)
}

/// Events per second: whole numbers from 10 on, below that with one decimal. A rate above 0
/// never reads as 0.
pub fn per_second_text(count: u64, seconds: f64) -> String {
    let rate = count as f64 / seconds;
    match count {
        0 => "0/s".to_owned(),
        _ if rate < 0.05 => "<0.1/s".to_owned(),
        _ if rate < 9.95 => format!("{rate:.1}/s"),
        _ => format!("{rate:.0}/s"),
    }
}

/// A duration, ns, in at most two units: `40 ms`, `3 s`, `2 min 5 s`, `3 h 20 min`, `12 d 4 h`.
pub fn duration_text(ns: u64) -> String {
    let seconds = ns / 1_000_000_000;
    match seconds {
        0 if ns < 1_000 => format!("{ns} ns"),
        0 if ns < 1_000_000 => format!("{} us", ns / 1_000),
        0 => format!("{} ms", ns / 1_000_000),
        1..10 => format!("{} s", three_digits((ns / 10_000_000) as f64 / 100.0)),
        10..60 => format!("{seconds} s"),
        60..3_600 => two(seconds / 60, "min", seconds % 60, "s"),
        3_600..86_400 => two(seconds / 3_600, "h", seconds / 60 % 60, "min"),
        _ => two(seconds / 86_400, "d", seconds / 3_600 % 24, "h"),
    }
}

/// A count, from 10,000 up with commas between thousands: `20,000`, `2000`.
pub fn count_text(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && digits.len() > 4 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Several processes with one name: `30 × worker`.
pub fn many_text(count: u64, name: &str) -> String {
    format!("{} × {name}", count_text(count))
}

fn two(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    if small == 0 {
        format!("{large} {large_unit}")
    } else {
        format!("{large} {large_unit} {small} {small_unit}")
    }
}

fn three_digits(value: f64) -> String {
    let text = if value >= 99.95 {
        format!("{value:.0}")
    } else if value >= 9.995 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    };
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests;
