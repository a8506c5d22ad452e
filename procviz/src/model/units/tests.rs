//! Tests of `units`.

use super::*;

#[test]
fn bytes_have_three_digits() {
    let texts = [0, 812, 1_000, 4 << 30, 1_310_720, 1_023 << 20, u64::MAX].map(bytes_text);
    assert_eq!(
        texts,
        [
            "0 B", "812 B", "0.98 KiB", "4 GiB", "1.25 MiB", "1 GiB", "16 EiB"
        ]
    );
}

#[test]
fn durations_have_two_figures() {
    let texts = [
        5,
        40_000_000,
        3_000_000_000,
        3_240_000_000,
        125_000_000_000,
        12_000_000_000_000,
    ]
    .map(duration_text);
    assert_eq!(
        texts,
        ["5 ns", "40 ms", "3 s", "3.24 s", "2 min 5 s", "3 h 20 min"]
    );
}

#[test]
fn counts_are_grouped() {
    assert_eq!(
        [7, 2_000, 20_000, 1_234_567].map(count_text),
        ["7", "2000", "20,000", "1,234,567"]
    );
}

#[test]
fn no_rate_above_zero_reads_as_zero() {
    let cases = [
        (0, "0/s"),
        (1, "<0.1/s"),
        (10, "0.2/s"),
        (300, "5.0/s"),
        (1_200, "20/s"),
    ];
    for (count, text) in cases {
        assert_eq!(per_second_text(count, 60.0), text);
    }
}
