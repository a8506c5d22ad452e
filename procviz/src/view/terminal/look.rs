//! Chooses colours and symbols for a terminal.

use ratatui::style::{Color as Ink, Modifier, Style};

use crate::{
    model::{Activity, State},
    scene::Color,
};

/// The number of colours of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// 24-bit colours.
    True,
    /// The 256 colours of xterm.
    Indexed,
    /// The first 16 colours.
    Sixteen,
    /// No colours: `NO_COLOR` is set, or the terminal has none.
    None,
}

/// The features of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) depth: Depth,
    /// Whether to use only ASCII characters.
    pub(crate) ascii: bool,
}

/// Symbols of the five sizes.
const SIGNS: [&str; 5] = ["·", "•", "●", "■", "█"];
const ASCII: [&str; 5] = [".", "o", "O", "@", "#"];

impl Look {
    /// Derives the features from the environment variables.
    pub(crate) fn of_environment(ascii: bool, no_color: bool) -> Self {
        let var = |name: &str| std::env::var(name).unwrap_or_default();
        let term = var("TERM");
        let is_true = matches!(var("COLORTERM").as_str(), "truecolor" | "24bit");
        let depth = match term.as_str() {
            _ if no_color => Depth::None,
            "dumb" | "vt100" | "vt220" => Depth::None,
            "linux" | "ansi" | "xterm-16color" => Depth::Sixteen,
            _ if is_true => Depth::True,
            _ => Depth::Indexed,
        };
        let is_utf8 = ["LC_ALL", "LC_CTYPE", "LANG"]
            .map(var)
            .into_iter()
            .find(|value| !value.is_empty())
            .is_some_and(|value| {
                let value = value.to_ascii_lowercase();
                value.contains("utf-8") || value.contains("utf8")
            });
        Self {
            depth,
            ascii: ascii || !is_utf8,
        }
    }

    /// Style with a foreground colour.
    pub(crate) fn ink(self, color: Color) -> Style {
        match self.color(color) {
            Some(ink) => Style::new().fg(ink),
            None => Style::new(),
        }
    }

    /// Style with a background colour. The first 16 colours are too coarse for a
    /// background.
    pub(crate) fn behind(self, color: Color) -> Style {
        match (self.depth, self.color(color)) {
            (Depth::True | Depth::Indexed, Some(ink)) => Style::new().bg(ink),
            _ => Style::new(),
        }
    }

    fn color(self, Color(r, g, b, _): Color) -> Option<Ink> {
        match self.depth {
            Depth::True => Some(Ink::Rgb(r, g, b)),
            Depth::Indexed => Some(Ink::Indexed(nearest(r, g, b))),
            Depth::Sixteen => Some(sixteen(r, g, b)),
            Depth::None => None,
        }
    }

    /// The symbol of a size.
    pub(crate) fn sign(self, size: usize) -> &'static str {
        let signs = if self.ascii { ASCII } else { SIGNS };
        signs[size.min(signs.len() - 1)]
    }

    /// The symbol of an exited task or of a special state, which does not need colour.
    pub(crate) fn letter(self, activity: Activity, state: State) -> Option<&'static str> {
        match (activity, state) {
            (Activity::Exited, _) => Some(if self.ascii { "x" } else { "×" }),
            (_, State::Blocked) => Some("D"),
            (_, State::Zombie) => Some("Z"),
            (_, State::Stopped | State::Traced) => Some("T"),
            _ => None,
        }
    }

    /// Text attributes that show the activity if the terminal has no colours.
    pub(crate) fn emphasis(self, activity: Activity) -> Modifier {
        match (self.depth, activity) {
            (Depth::None, Activity::Cpu) => Modifier::BOLD | Modifier::REVERSED,
            (Depth::None, Activity::Io) => Modifier::UNDERLINED,
            (Depth::None, Activity::CpuIo) => Modifier::BOLD | Modifier::UNDERLINED,
            _ => Modifier::empty(),
        }
    }

    /// Replaces characters beyond ASCII, if the terminal cannot show them.
    pub(crate) fn words(self, text: &str) -> String {
        if !self.ascii {
            return text.to_owned();
        }
        text.chars()
            .map(|ch| match ch {
                '·' => '|',
                '…' => '~',
                '\u{2212}' => '-',
                '×' => 'x',
                ch if ch.is_ascii() => ch,
                _ => '?',
            })
            .collect()
    }
}

/// The nearest colour of the colour cube and the greys of xterm.
fn nearest(r: u8, g: u8, b: u8) -> u8 {
    const STEPS: [i32; 6] = [0, 95, 135, 175, 215, 255];
    let step = |value: u8| {
        let far = |at: &usize| (STEPS[*at] - i32::from(value)).abs();
        (0..6).min_by_key(far).unwrap_or(0)
    };
    let (x, y, z) = (step(r), step(g), step(b));
    let far = |(a, b_, c): (i32, i32, i32)| {
        let d = |one: i32, other: u8| (one - i32::from(other)).pow(2);
        d(a, r) + d(b_, g) + d(c, b)
    };
    let mean = (i32::from(r) + i32::from(g) + i32::from(b)) / 3;
    let grey = ((mean - 8).max(0) / 10).min(23);
    let level = 8 + 10 * grey;
    if far((level, level, level)) < far((STEPS[x], STEPS[y], STEPS[z])) {
        232 + grey as u8
    } else {
        16 + (36 * x + 6 * y + z) as u8
    }
}

/// One of the first 16 colours, by hue and lightness.
fn sixteen(r: u8, g: u8, b: u8) -> Ink {
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    if most - least < 40 {
        return match most {
            0..=60 => Ink::DarkGray,
            61..=120 => Ink::Gray,
            _ => Ink::White,
        };
    }
    let is = |value: u8| u16::from(value) * 5 > u16::from(most) * 3;
    match (is(r), is(g), is(b)) {
        (true, true, false) => Ink::Yellow,
        (true, false, false) => Ink::LightRed,
        (false, true, _) if b < g => Ink::LightGreen,
        (false, true, true) => Ink::LightCyan,
        (true, false, true) => Ink::LightMagenta,
        (false, false, true) => Ink::LightBlue,
        _ => Ink::White,
    }
}
