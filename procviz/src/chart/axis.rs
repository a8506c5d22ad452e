//! Computes axes with readable ticks: shares of a core on a scale that spreads
//! small values, bytes in powers of two, and time.

use crate::model::{bytes_text, duration_text};

/// Ticks of the CPU share axis, in percent of a core.
const SHARES: [f64; 18] = [
    0.0, 0.1, 1.0, 5.0, 10.0, 25.0, 50.0, 100.0, 200.0, 400.0, 800.0, 1_600.0, 3_200.0, 6_400.0,
    12_800.0, 25_600.0, 51_200.0, 102_400.0,
];
/// Exponent of the CPU share axis. An exponent below 1 spreads small shares.
const POWER: f64 = 0.4;

/// Position of a CPU share on its axis, 0 to 1. `share` and the end of the axis,
/// `most`, are in cores.
pub(crate) fn share_at(share: f64, most: f64) -> f32 {
    (share.clamp(0.0, most) / most).powf(POWER) as f32
}

/// Ticks of the CPU share axis: value in cores, and text.
pub(crate) fn share_ticks(most: f64) -> Vec<(f64, String)> {
    let shown = SHARES.iter().map(|percent| percent / 100.0);
    shown
        .filter(|share| *share <= most)
        .map(|share| (share, format!("{} %", share * 100.0)))
        .collect()
}

/// The smallest axis end that is not below `share`: 0.25, 0.5, 1, 2 ... cores.
pub(crate) fn share_end(share: f64) -> f64 {
    let mut end = 0.25;
    while end < share && end < 1e6 {
        end *= 2.0;
    }
    end
}

/// The range of exponents of two that encloses `least` to `most` bytes.
pub(super) fn bytes_range(least: u64, most: u64) -> (f64, f64) {
    let low = (least.max(4096) as f64).log2().floor();
    let high = (most.max(4096) as f64).log2().ceil();
    (low, high.max(low + 2.0))
}

/// Ticks of a linear CPU share axis from 0 to `most` cores: value and text.
pub(super) fn even_share_ticks(most: f64) -> Vec<(f64, String)> {
    even(most, even_step(most), |share| {
        // Steps are 1, 2 or 5 times a power of ten. Further digits are rounding errors.
        format!("{} %", (share * 1e5).round() / 1e3)
    })
}

/// Ticks of an axis in powers of two: bytes and text, at most twelve ticks.
pub(super) fn power_ticks((low, high): (f64, f64)) -> Vec<(f64, String)> {
    let step = ((high - low) / 11.0).ceil().max(1.0);
    let count = ((high - low) / step).floor() as usize;
    (0..=count)
        .map(|index| {
            let power = low + index as f64 * step;
            let bytes = power.exp2();
            (bytes, bytes_text(bytes.min(u64::MAX as f64) as u64))
        })
        .collect()
}

/// A step of 1, 2 or 5 times a power of ten. At most five steps reach `most`.
fn even_step(most: f64) -> f64 {
    let rough = (most / 5.0).max(f64::MIN_POSITIVE);
    let power = 10f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= rough * 0.999)
        .unwrap_or(power * 10.0)
}

/// Ticks of a time axis from 0 to `most` seconds: value and text.
pub(super) fn time_ticks(most: f64) -> Vec<(f64, String)> {
    const STEPS: [f64; 14] = [
        0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 1_800.0, 3_600.0, 21_600.0,
    ];
    let step = STEPS
        .into_iter()
        .find(|step| most / step <= 7.0)
        .unwrap_or_else(|| even_step(most));
    even(most, step, |seconds| {
        duration_text((seconds * 1e9).round() as u64)
    })
}

/// Ticks of a linear axis from 0 to `most` cores: value and text.
pub(super) fn core_ticks(most: f64) -> Vec<(f64, String)> {
    even(most, even_step(most), |cores| {
        // Steps are 1, 2 or 5 times a power of ten. Further digits are rounding errors.
        format!("{}", (cores * 1e5).round() / 1e5)
    })
}

/// Ticks of a linear axis from 0 to `most` bytes, with a step that is a power of
/// two: value and text.
pub(super) fn bytes_ticks(most: f64) -> Vec<(f64, String)> {
    let rough = (most / 5.0).max(1.0);
    let step = rough.log2().ceil().exp2();
    even(most, step, |bytes| bytes_text(bytes as u64))
}

/// The labels that have room, the first of them first: where they are, and their texts.
/// `labels` has for each its middle and half of its length, in pixels, in order.
pub(super) fn apart(
    labels: impl IntoIterator<Item = (f32, f32, String)>,
    between: f32,
) -> Vec<(f32, String)> {
    let mut shown = Vec::new();
    let mut last: Option<(f32, f32)> = None;
    for (at, half, text) in labels {
        let has_room = |(before, of_it): (f32, f32)| (at - before).abs() >= half + of_it + between;
        if last.is_none_or(has_room) {
            last = Some((at, half));
            shown.push((at, text));
        }
    }
    shown
}

fn even(most: f64, step: f64, text: impl Fn(f64) -> String) -> Vec<(f64, String)> {
    let count = (most / step).floor() as usize;
    (0..=count.min(20))
        .map(|index| index as f64 * step)
        .map(|value| {
            (
                value,
                if value == 0.0 {
                    "0".to_owned()
                } else {
                    text(value)
                },
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(ticks: Vec<(f64, String)>) -> Vec<String> {
        ticks.into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn labels_do_not_touch() {
        let labels = |ats: &[f32]| -> Vec<f32> {
            let labels = ats.iter().map(|at| (*at, 5.0, String::new()));
            apart(labels, 2.0).into_iter().map(|(at, _)| at).collect()
        };
        assert_eq!(labels(&[0.0, 11.0, 12.0, 30.0]), [0.0, 12.0, 30.0]);
        assert_eq!(labels(&[30.0, 20.0, 18.0]), [30.0, 18.0]);
    }

    #[test]
    fn ticks_read_well() {
        assert_eq!(
            texts(share_ticks(1.0)),
            [
                "0 %", "0.1 %", "1 %", "5 %", "10 %", "25 %", "50 %", "100 %"
            ]
        );
        assert_eq!(
            texts(power_ticks(bytes_range(5 << 20, 9 << 30))),
            [
                "4 MiB", "16 MiB", "64 MiB", "256 MiB", "1 GiB", "4 GiB", "16 GiB"
            ]
            .map(str::to_owned)
            .to_vec()
            .into_iter()
            .flat_map(|text| [text])
            .collect::<Vec<_>>()
        );
        assert_eq!(
            texts(even_share_ticks(2.0)),
            ["0", "50 %", "100 %", "150 %", "200 %"]
        );
        assert_eq!(texts(time_ticks(16.0)), ["0", "5 s", "10 s", "15 s"]);
        assert_eq!(
            texts(bytes_ticks(5e9)),
            ["0", "1 GiB", "2 GiB", "3 GiB", "4 GiB"]
        );
        assert!(share_end(1.3) == 2.0 && share_at(2.0, 2.0) == 1.0);
    }
}
