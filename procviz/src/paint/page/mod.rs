//! Makes one HTML file of many pictures: it holds the first scene and what
//! changes, and the browser only paints. Nothing is fetched, and no text of
//! it is ever taken for markup.

mod frames;

use std::io::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::{Compression, write::DeflateEncoder};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use self::frames::Encoder;
pub use self::frames::Frame;
use super::svg::{escape, still};
use crate::{
    model::{Place, TaskId},
    scene::{Color, Font, Scene},
};

const SCRIPT: &str = include_str!("page.js");
const STYLE: &str = include_str!("page.css");
/// Packed data of a page at most, bytes: a browser has to hold all of it.
const MOST_BYTES: usize = 64 << 20;
/// Upper limit for the tasks of a picture in a page.
const MOST_TASKS: usize = 30_000;

/// A page that is being made, a frame at a time.
pub struct Page {
    font: Font,
    out: DeflateEncoder<Vec<u8>>,
    encoder: Encoder,
    frames: usize,
    last: Option<Scene>,
}

/// A page that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// Something could not be put into JSON.
    #[error("failed to describe a frame")]
    Json(#[from] serde_json::Error),
    /// A browser could not hold it.
    #[error(
        "a page holds up to {} tasks, and this picture has {}: choose some of them with -p or a filter, or draw a .png",
        crate::model::count_text(MOST_TASKS as u64),
        crate::model::count_text(*.0 as u64)
    )]
    TooMany(usize),
    /// Something could not be packed.
    #[error("failed to pack a frame")]
    Pack(#[from] std::io::Error),
}

/// What a page tells beside its pictures.
#[derive(Serialize)]
pub struct Story {
    /// What stood out, in the order of its beginning.
    pub findings: Vec<StoodOut>,
    /// Who ended, in that order.
    pub exits: Vec<Ended>,
    /// Those that are too many for a line each, by kind.
    pub more_exits: Vec<Kind>,
    /// Lives of which only the number is known.
    pub counted: u64,
    /// Whether arguments are shown.
    pub has_args: bool,
}

/// What stood out.
#[derive(Serialize)]
pub struct StoodOut {
    /// Its first frame and its last, from 0.
    pub frames: (usize, usize),
    /// The name of whom it is about.
    pub who: String,
    /// What it said last.
    pub text: String,
    /// The mark that carried its number, see [`Page::mark_of`].
    pub dot: Option<usize>,
}

/// An end.
#[derive(Serialize)]
pub struct Ended {
    /// The frame at which it was known, from 0.
    pub frame: usize,
    /// Local time of the end.
    pub time: String,
    /// Process id.
    pub pid: u32,
    /// Of the parent.
    pub ppid: u32,
    /// The user's name.
    pub user: String,
    /// The name.
    pub comm: String,
    /// How.
    pub ended: String,
    /// How long it lived, ns; `None` when not known, as with all that follows.
    pub lived_ns: Option<u64>,
    /// CPU time, ns.
    pub cpu_ns: Option<u64>,
    /// Largest resident set, bytes.
    pub max_rss_bytes: Option<u64>,
    /// Arguments, where they are shown and known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub args: Option<String>,
}

/// Ends of one kind.
#[derive(Serialize)]
pub struct Kind {
    /// How many.
    pub count: u64,
    /// Of the parent.
    pub ppid: u32,
    /// The user's name.
    pub user: String,
    /// The name.
    pub comm: String,
    /// How.
    pub ended: String,
}

/// The theme with which a page opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opens {
    /// That of the browser.
    AsBrowser,
    /// Dark on white.
    Light,
    /// Light on black.
    Dark,
}

#[derive(Serialize)]
struct Head {
    width: f32,
    height: f32,
    background: [String; 2],
    /// Lines that can be said of a task.
    places: usize,
    /// Those in which somebody is looked for.
    sought: [usize; 4],
}

impl Page {
    /// An empty one.
    pub fn new(font: Font) -> Self {
        Self {
            font,
            out: DeflateEncoder::new(Vec::new(), Compression::best()),
            encoder: Encoder::default(),
            frames: 0,
            last: None,
        }
    }

    /// Whether a picture of so many tasks can be added.
    ///
    /// # Errors
    ///
    /// When there are more than a browser can hold.
    pub fn check(tasks: usize) -> Result<(), PageError> {
        if tasks > MOST_TASKS {
            return Err(PageError::TooMany(tasks));
        }
        Ok(())
    }

    /// Adds a picture.
    ///
    /// # Errors
    ///
    /// When it cannot be packed.
    pub fn add(&mut self, frame: &Frame<'_>) -> Result<(), PageError> {
        let [light, dark] = frame.scenes;
        if self.frames == 0 {
            let hex = |Color(r, g, b, _)| format!("#{r:02x}{g:02x}{b:02x}");
            let head = Head {
                width: light.width,
                height: light.height,
                background: [hex(light.background), hex(dark.background)],
                places: Place::COUNT,
                sought: [Place::Name, Place::Args, Place::User, Place::Cgroup]
                    .map(|place| place as usize),
            };
            self.out.write_all(b"{\"head\":")?;
            serde_json::to_writer(&mut self.out, &head)?;
            self.out.write_all(b",\"frames\":[")?;
        } else {
            self.out.write_all(b",")?;
        }
        let delta = self.encoder.encode(frame, &self.font);
        serde_json::to_writer(&mut self.out, &delta)?;
        self.frames += 1;
        self.last = Some(light.clone());
        Ok(())
    }

    /// Bytes of the data so far, as they stand in the file.
    pub fn bytes(&self) -> usize {
        self.out.get_ref().len().div_ceil(3) * 4
    }

    /// Whether a browser could not hold much more.
    pub fn is_full(&self) -> bool {
        self.out.get_ref().len() > MOST_BYTES
    }

    /// The number of a task's mark, if it had one in any picture so far.
    pub fn mark_of(&self, id: TaskId) -> Option<usize> {
        self.encoder.mark_of(id)
    }

    /// Pictures so far.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// The page as a file; empty where it has no picture.
    ///
    /// # Errors
    ///
    /// When its end cannot be packed.
    pub fn finish(mut self, story: &Story, opens: Opens) -> Result<Vec<u8>, PageError> {
        let Some(last) = &self.last else {
            return Ok(Vec::new());
        };
        self.out.write_all(b"],\"story\":")?;
        serde_json::to_writer(&mut self.out, story)?;
        self.out.write_all(b"}")?;
        let data = STANDARD.encode(self.out.finish()?);
        let hash = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
        let theme = match opens {
            Opens::AsBrowser => "",
            Opens::Light => " data-theme=\"light\"",
            Opens::Dark => " data-theme=\"dark\"",
        };
        let page = format!(
            "<!DOCTYPE html>\n<html lang=\"en\"{theme}>\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'sha256-{script_hash}'; \
             style-src 'sha256-{style_hash}'; base-uri 'none'; form-action 'none'\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"generator\" content=\"procviz {version}\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
             {BODY}<div id=\"stage\"><div id=\"still\">{still}</div>{STAGE}\
             <script type=\"application/octet-stream\" id=\"data\">{data}</script>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
            script_hash = hash(SCRIPT),
            style_hash = hash(STYLE),
            version = env!("CARGO_PKG_VERSION"),
            title = escape(&last.title),
            still = still(last, &self.font),
        );
        Ok(page.into_bytes())
    }
}

/// What is above the picture.
const BODY: &str = "<noscript><p>This is the last picture. With JavaScript there are all of them, and tables.</p></noscript>\n\
<p id=\"trouble\" hidden></p>\n\
<header id=\"bar\" hidden><button id=\"play\" aria-label=\"play\">\u{25b6}</button>\
<select id=\"speed\" aria-label=\"speed\"><option value=\"1\">1x</option><option value=\"4\">4x</option><option value=\"16\">16x</option></select>\
<div id=\"track\"><div id=\"ticks\"></div><input id=\"slider\" type=\"range\" min=\"0\" value=\"0\" aria-label=\"moment\"></div>\
<output id=\"moment\"></output><input id=\"filter\" type=\"search\" placeholder=\"name, pid, user\" aria-label=\"show only\"><output id=\"found\"></output>\
<button id=\"theme\">light or dark</button></header>\n";

/// What comes after the picture.
const STAGE: &str = "<canvas id=\"picture\" role=\"img\" hidden></canvas><div id=\"popups\"></div></div>\n\
<p id=\"help\" hidden>space: play   left, right: step   [ ]: what stands out   hover: figures   click: pin   Esc: unpin   /: filter</p>\n\
<section id=\"findings\" hidden><h2>What stood out</h2><ol></ol></section>\n\
<section id=\"exits\" hidden><h2>Who ended</h2><p></p><table><thead></thead><tbody></tbody></table></section>\n";
