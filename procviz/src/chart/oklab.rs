//! Mixes colours in a perceptual colour space (OKLab, Bjorn Ottosson 2020).

use crate::scene::Color;

/// Lightness and the two colour axes.
pub(super) type Lab = [f32; 3];

/// Converts from sRGB.
pub(super) fn lab(Color(r, g, b, _): Color) -> Lab {
    let [r, g, b] = [r, g, b].map(|value| linear(f32::from(value) / 255.0));
    lab_of_linear([r, g, b])
}

pub(super) fn lab_of_linear([r, g, b]: [f32; 3]) -> Lab {
    let l = (0.412_221_46 * r + 0.536_332_55 * g + 0.051_445_995 * b).cbrt();
    let m = (0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b).cbrt();
    let s = (0.088_302_46 * r + 0.281_718_85 * g + 0.629_978_7 * b).cbrt();
    [
        0.210_454_26 * l + 0.793_617_8 * m - 0.004_072_047 * s,
        1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s,
        0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s,
    ]
}

/// Converts to sRGB. Clamps colours that sRGB does not contain.
pub(super) fn color([l, a, b]: Lab) -> Color {
    let cube = |value: f32| value * value * value;
    let x = cube(l + 0.396_337_78 * a + 0.215_803_76 * b);
    let y = cube(l - 0.105_561_346 * a - 0.063_854_17 * b);
    let z = cube(l - 0.089_484_18 * a - 1.291_485_5 * b);
    let rgb = [
        4.076_741_7 * x - 3.307_711_6 * y + 0.230_969_94 * z,
        -1.268_438 * x + 2.609_757_4 * y - 0.341_319_4 * z,
        -0.004_196_086_3 * x - 0.703_418_6 * y + 1.707_614_7 * z,
    ];
    let [r, g, b] = rgb.map(|value| (encoded(value.clamp(0.0, 1.0)) * 255.0).round() as u8);
    Color(r, g, b, 255)
}

/// Mixes two colours: `part` 0 is `from`, `part` 1 is `to`.
pub(super) fn mix(from: Color, to: Color, part: f32) -> Color {
    let (from, to) = (lab(from), lab(to));
    color(std::array::from_fn(|axis| {
        from[axis] + (to[axis] - from[axis]) * part
    }))
}

pub(super) fn linear(value: f32) -> f32 {
    if value <= 0.040_45 {
        value / 12.92
    } else {
        ((value + 0.055) / 1.055).powf(2.4)
    }
}

fn encoded(value: f32) -> f32 {
    if value <= 0.003_130_8 {
        value * 12.92
    } else {
        1.055 * value.powf(1.0 / 2.4) - 0.055
    }
}
