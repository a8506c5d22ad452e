//! Defines the colours of activities: light theme, dark theme, and the colours of
//! the 2011 version.

use crate::{
    chart::oklab::mix,
    model::{Activity, TaskView},
    scene::Color,
};

/// The theme of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Dark text on a white background.
    Light,
    /// Light text on a dark background.
    Dark,
}

/// The set of colours for activities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PaletteKind {
    /// Colours that remain distinct with colour blindness. The more CPU a task used,
    /// the deeper its colour.
    #[default]
    Default,
    /// The colours of the 2011 version. CPU use does not change their depth.
    Original,
}

/// A text that is not a valid colour.
#[derive(Debug, thiserror::Error)]
#[error(
    "invalid colour `{}`: expected a CSS colour, such as `red`, `#ff8800` or `oklch(0.7 0.1 200)`",
    crate::model::Untrusted::new(.0.as_bytes()).terminal()
)]
pub struct ColorError(pub String);

/// The seven colours of the 2011 version, in its order. `None` keeps the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Colors {
    /// A task that did nothing.
    pub idle: Option<Color>,
    /// A task that used a CPU.
    pub cpu: Option<Color>,
    /// A task that read or wrote.
    pub io: Option<Color>,
    /// A task that used a CPU and read or wrote.
    pub cpu_io: Option<Color>,
    /// A task that exited.
    pub exited: Option<Color>,
    /// Background of popups.
    pub tip: Option<Color>,
    /// Background of the picture.
    pub background: Option<Color>,
}

impl Colors {
    /// Parses `normal,cpu,io,cpu+io,exited,tip,background`. Empty and missing
    /// colours keep the default.
    ///
    /// # Errors
    ///
    /// If there are more than seven colours, or if a colour is invalid.
    pub fn parse(text: &str) -> Result<Self, ColorError> {
        let mut colors = Self::default();
        let places = [
            &mut colors.idle,
            &mut colors.cpu,
            &mut colors.io,
            &mut colors.cpu_io,
            &mut colors.exited,
            &mut colors.tip,
            &mut colors.background,
        ];
        let parts = split_colors(text);
        if parts.len() > places.len() {
            return Err(ColorError(text.to_owned()));
        }
        for (place, part) in places.into_iter().zip(parts) {
            *place = if part.is_empty() {
                None
            } else {
                Some(parse_color(part)?)
            };
        }
        Ok(colors)
    }

    /// The colours of the 2011 version.
    pub fn original() -> Self {
        Self {
            idle: Some(Color(240, 255, 240, 255)),
            cpu: Some(Color(255, 0, 0, 255)),
            io: Some(Color(124, 252, 0, 255)),
            cpu_io: Some(Color(255, 165, 0, 255)),
            exited: Some(Color(255, 255, 0, 255)),
            tip: Some(Color(255, 255, 224, 255)),
            background: Some(Color(255, 255, 255, 255)),
        }
    }

    /// These colours. A colour that is `None` is taken from `other`.
    pub fn or(self, other: Self) -> Self {
        Self {
            idle: self.idle.or(other.idle),
            cpu: self.cpu.or(other.cpu),
            io: self.io.or(other.io),
            cpu_io: self.cpu_io.or(other.cpu_io),
            exited: self.exited.or(other.exited),
            tip: self.tip.or(other.tip),
            background: self.background.or(other.background),
        }
    }
}

/// Splits a list at commas that are not inside parentheses.
fn split_colors(text: &str) -> Vec<&str> {
    let mut depth = 0;
    text.split(|ch| {
        depth += i32::from(ch == '(') - i32::from(ch == ')');
        ch == ',' && depth == 0
    })
    .map(str::trim)
    .collect()
}

/// Parses a CSS colour.
///
/// # Errors
///
/// If the text is not a CSS colour.
pub fn parse_color(text: &str) -> Result<Color, ColorError> {
    let [r, g, b, a] = csscolorparser::parse(text)
        .map_err(|_| ColorError(text.to_owned()))?
        .to_rgba8();
    Ok(Color(r, g, b, a))
}

/// The colours of a picture.
#[derive(Clone, Debug)]
pub struct Palette {
    /// Background of the picture.
    pub background: Color,
    /// Text.
    pub ink: Color,
    /// Secondary text, and shapes without a colour of their own.
    pub faint: Color,
    /// Numbers of findings, and curves.
    pub accent: Color,
    /// Warnings, such as lost events.
    pub alarm: Color,
    /// A task that did nothing.
    pub idle: Color,
    /// A task that ran, but too little for the activity cpu.
    pub ran: Color,
    cpu: Color,
    io: Color,
    cpu_io: Color,
    exited: Color,
    /// The smallest part of a full colour that is still distinct from idle, for cpu,
    /// io and cpu+io. The OKLab distance to idle is then at least 0.10, for normal
    /// sight and three types of colour blindness.
    palest: [f32; 3],
    is_classic: bool,
}

impl Palette {
    /// The palette of a theme, with the user's own colours applied.
    pub fn new(theme: Theme, kind: PaletteKind, colors: &Colors) -> Self {
        let is_classic = kind == PaletteKind::Original;
        let colors = &match (kind, theme) {
            (PaletteKind::Default, _) => colors.clone(),
            (PaletteKind::Original, Theme::Light) => colors.clone().or(Colors::original()),
            (PaletteKind::Original, Theme::Dark) => colors.clone().or(Colors {
                background: None,
                ..Colors::original()
            }),
        };
        let base = match theme {
            Theme::Light => LIGHT,
            Theme::Dark => DARK,
        };
        let idle = colors.idle.unwrap_or(base.idle);
        let ran = if colors.idle.is_some() {
            mix(idle, base.ink, 0.12)
        } else {
            base.ran
        };
        Self {
            background: colors.background.unwrap_or(base.background),
            idle,
            ran,
            cpu: colors.cpu.unwrap_or(base.cpu),
            io: colors.io.unwrap_or(base.io),
            cpu_io: colors.cpu_io.unwrap_or(base.cpu_io),
            exited: colors.exited.unwrap_or(base.exited),
            is_classic,
            ..base
        }
    }

    /// The full colour of an activity.
    pub fn full(&self, activity: Activity) -> Color {
        match activity {
            Activity::Idle => self.idle,
            Activity::Cpu => self.cpu,
            Activity::Io => self.io,
            Activity::CpuIo => self.cpu_io,
            Activity::Exited => self.exited,
        }
    }

    /// Whether a colour gets deeper with more CPU use.
    pub(super) fn has_depth(&self) -> bool {
        !self.is_classic
    }

    /// The colour of a task. The more CPU the task used, the deeper its colour.
    pub fn of_task(&self, task: &TaskView<'_>) -> Color {
        let activity = match task.activity() {
            // A clean end is normal: what the task did matters more.
            Activity::Exited if !task.crashed() && !self.is_classic => task.work(),
            activity => activity,
        };
        let color = self.shade(activity, task.cpu_share(), task.change().ran);
        match activity == Activity::Io && !self.is_classic && task.does_little_io() {
            true => mix(self.idle, color, LITTLE_IO),
            false => color,
        }
    }

    /// The colour of an activity; the more CPU, the deeper.
    pub fn shade(&self, activity: Activity, cpu_share: f64, ran: bool) -> Color {
        let palest = match activity {
            Activity::Idle => {
                return if ran && !self.is_classic {
                    self.ran
                } else {
                    self.idle
                };
            }
            Activity::Exited => return self.exited,
            _ if self.is_classic => return self.full(activity),
            Activity::Cpu => self.palest[0],
            Activity::Io => self.palest[1],
            Activity::CpuIo => self.palest[2],
        };
        let depth = palest + (1.0 - palest) * (cpu_share.clamp(0.0, 1.0) as f32).sqrt();
        mix(self.idle, self.full(activity), depth)
    }
}

/// Depth of the colour of a task that does little IO.
const LITTLE_IO: f32 = 0.6;

const fn rgb(value: u32) -> Color {
    Color((value >> 16) as u8, (value >> 8) as u8, value as u8, 255)
}

const LIGHT: Palette = Palette {
    background: rgb(0xffffff),
    ink: rgb(0x1b2027),
    faint: rgb(0x5c6672),
    accent: rgb(0x1557b0),
    alarm: rgb(0xb00020),
    idle: rgb(0xbcc5cd),
    ran: rgb(0xa3adb6),
    cpu: rgb(0x9d0011),
    io: rgb(0x00ba81),
    cpu_io: rgb(0xe78722),
    exited: rgb(0xefe523),
    palest: [0.32, 1.0, 0.64],
    is_classic: false,
};

const DARK: Palette = Palette {
    background: rgb(0x14181d),
    ink: rgb(0xe6e9ed),
    faint: rgb(0x9aa5b1),
    accent: rgb(0x7db7ff),
    alarm: rgb(0xff7a70),
    idle: rgb(0x3f4349),
    ran: rgb(0x555a61),
    cpu: rgb(0xed5954),
    io: rgb(0x5dddb3),
    cpu_io: rgb(0xffa900),
    exited: rgb(0xfffc75),
    palest: [0.6, 0.35, 0.4],
    is_classic: false,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::oklab::{lab, lab_of_linear, linear};

    /// Colour vision matrices of Machado, Oliveira and Fernandes 2009, severity 1:
    /// normal sight, deuteranopia, protanopia, tritanopia.
    const SIGHTS: [[[f32; 3]; 3]; 4] = [
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_82, 0.042_94, 0.968_881],
        ],
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
        [
            [1.255_528, -0.076_749, -0.178_779],
            [-0.078_411, 0.930_809, 0.147_602],
            [0.004_733, 0.691_367, 0.303_9],
        ],
    ];

    fn distance(a: Color, b: Color) -> f32 {
        let seen = |Color(r, g, b, _): Color, sight: &[[f32; 3]; 3]| {
            let rgb = [r, g, b].map(|value| linear(f32::from(value) / 255.0));
            let seen = sight
                .map(|row| (row[0] * rgb[0] + row[1] * rgb[1] + row[2] * rgb[2]).clamp(0.0, 1.0));
            lab_of_linear(seen)
        };
        SIGHTS
            .iter()
            .map(|sight| {
                let (a, b) = (seen(a, sight), seen(b, sight));
                (0..3)
                    .map(|axis| (a[axis] - b[axis]).powi(2))
                    .sum::<f32>()
                    .sqrt()
            })
            .fold(f32::MAX, f32::min)
    }

    #[test]
    fn activities_differ_for_color_blind_eyes() {
        for theme in [Theme::Light, Theme::Dark] {
            let palette = Palette::new(theme, PaletteKind::Default, &Colors::default());
            for (index, one) in Activity::ALL.into_iter().enumerate() {
                for other in &Activity::ALL[index + 1..] {
                    let distance = distance(palette.full(one), palette.full(*other));
                    assert!(
                        distance >= 0.10,
                        "{theme:?}: {one:?} and {other:?} are {distance:.3} apart"
                    );
                }
                if one != Activity::Idle {
                    let distance = distance(palette.shade(one, 0.0, true), palette.idle);
                    assert!(
                        distance >= 0.10,
                        "{theme:?}: the palest {one:?} is {distance:.3} from idle"
                    );
                }
            }
        }
    }

    #[test]
    fn mixing_goes_there_and_back() {
        for value in [0x000000, 0xffffff, 0x9d0011, 0x123456] {
            assert_eq!(crate::chart::oklab::color(lab(rgb(value))), rgb(value));
        }
    }

    #[test]
    fn blanks_keep_the_default() {
        let colors = Colors::parse("white,,blue").unwrap();
        assert_eq!(
            (colors.idle, colors.cpu, colors.io),
            (Some(rgb(0xffffff)), None, Some(rgb(0x0000ff)))
        );
        assert_eq!(colors.background, None);
        assert!(Colors::parse("rgb(1,2,3),,").unwrap().idle.is_some());
        assert!(Colors::parse("no-such").is_err());
        assert!(Colors::parse("red,red,red,red,red,red,red,red").is_err());
    }
}
