//! Makes one HTML file from many pictures. The file contains the first scene and the
//! changes, and the browser only paints. The page loads nothing from elsewhere, and
//! never treats text as markup.

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
/// Upper limit for the compressed data of a page, in bytes. A browser must hold all of
/// this data.
const MOST_BYTES: usize = 64 << 20;
/// Upper limit for the tasks of a picture in a page.
const MOST_TASKS: usize = 30_000;

/// A page that is made frame by frame.
pub struct Page {
    font: Font,
    out: DeflateEncoder<Vec<u8>>,
    encoder: Encoder,
    frames: usize,
    last: Option<Scene>,
}

/// The reason why a page cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// Data could not be converted to JSON.
    #[error("failed to convert a frame to JSON")]
    Json(#[from] serde_json::Error),
    /// The picture has more tasks than a browser can handle.
    #[error(
        "a page holds up to {} tasks, but this picture has {}: show only processes with `-p`, use a filter such as `--user`, or write a `.png` file",
        crate::model::count_text(MOST_TASKS as u64),
        crate::model::count_text(*.0 as u64)
    )]
    TooMany(usize),
    /// Data could not be compressed.
    #[error("failed to compress a frame")]
    Pack(#[from] std::io::Error),
}

/// The content of a page besides its pictures.
#[derive(Serialize)]
pub struct PageContent {
    /// Findings, in the order of their start.
    pub findings: Vec<PageFinding>,
    /// Exited processes, in the order of exit.
    pub exits: Vec<PageExit>,
    /// Further exited processes, which have no row of their own, by kind.
    pub more_exits: Vec<PageExitKind>,
    /// Short-lived processes of which only the number is known.
    pub counted: u64,
    /// Whether arguments are shown.
    pub has_args: bool,
}

/// A finding.
#[derive(Serialize)]
pub struct PageFinding {
    /// First and last frame with the finding, from 0.
    pub frames: (usize, usize),
    /// Name of the subject of the finding.
    pub who: String,
    /// Last text of the finding.
    pub text: String,
    /// The mark with the number of the finding, see [`Page::mark_of`].
    pub dot: Option<usize>,
}

/// An exited process.
#[derive(Serialize)]
pub struct PageExit {
    /// First frame after the exit, from 0.
    pub frame: usize,
    /// Local time of the exit.
    pub time: String,
    /// Process id.
    pub pid: u32,
    /// Process id of the parent.
    pub ppid: u32,
    /// Name of the user.
    pub user: String,
    /// Name of the process.
    pub comm: String,
    /// Exit status, as text.
    pub ended: String,
    /// Lifetime, ns; `None` if unknown. The same holds for the next fields.
    pub lived_ns: Option<u64>,
    /// CPU time, ns.
    pub cpu_ns: Option<u64>,
    /// Largest resident set, bytes.
    pub max_rss_bytes: Option<u64>,
    /// Arguments, if they are shown and known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub args: Option<String>,
}

/// Exited processes of one kind.
#[derive(Serialize)]
pub struct PageExitKind {
    /// Number of processes.
    pub count: u64,
    /// Process id of the parent.
    pub ppid: u32,
    /// Name of the user.
    pub user: String,
    /// Name of the processes.
    pub comm: String,
    /// Exit status, as text.
    pub ended: String,
}

/// The theme with which a page opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageTheme {
    /// The theme of the browser.
    AsBrowser,
    /// Dark text on a white background.
    Light,
    /// Light text on a dark background.
    Dark,
}

#[derive(Serialize)]
struct Head {
    width: f32,
    height: f32,
    background: [String; 2],
    /// Number of possible lines about a task.
    places: usize,
    /// Lines that the filter searches.
    sought: [usize; 4],
}

impl Page {
    /// Makes an empty page.
    pub fn new(font: Font) -> Self {
        Self {
            font,
            out: DeflateEncoder::new(Vec::new(), Compression::best()),
            encoder: Encoder::default(),
            frames: 0,
            last: None,
        }
    }

    /// Checks whether a picture with this number of tasks can be added.
    ///
    /// # Errors
    ///
    /// If there are more tasks than a browser can handle.
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
    /// If the picture cannot be compressed.
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

    /// Size of the data so far in the file, in bytes.
    pub fn bytes(&self) -> usize {
        self.out.get_ref().len().div_ceil(3) * 4
    }

    /// Whether the page has reached its upper limit of data.
    pub fn is_full(&self) -> bool {
        self.out.get_ref().len() > MOST_BYTES
    }

    /// The number of the mark of a task; `None` if no picture so far has a mark.
    pub fn mark_of(&self, id: TaskId) -> Option<usize> {
        self.encoder.mark_of(id)
    }

    /// Number of pictures so far.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// The page as a file; empty if the page has no picture.
    ///
    /// # Errors
    ///
    /// If the end of the data cannot be compressed.
    pub fn finish(mut self, content: &PageContent, theme: PageTheme) -> Result<Vec<u8>, PageError> {
        let Some(last) = &self.last else {
            return Ok(Vec::new());
        };
        self.out.write_all(b"],\"story\":")?;
        serde_json::to_writer(&mut self.out, content)?;
        self.out.write_all(b"}")?;
        let data = STANDARD.encode(self.out.finish()?);
        let hash = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
        let theme = match theme {
            PageTheme::AsBrowser => "",
            PageTheme::Light => " data-theme=\"light\"",
            PageTheme::Dark => " data-theme=\"dark\"",
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

/// HTML above the picture.
const BODY: &str = "<noscript><p>This is the last picture. Enable JavaScript to see all pictures and the tables.</p></noscript>\n\
<p id=\"trouble\" hidden></p>\n\
<header id=\"bar\" hidden><button id=\"play\" aria-label=\"play\">\u{25b6}</button>\
<select id=\"speed\" aria-label=\"speed\"><option value=\"1\">1x</option><option value=\"4\">4x</option><option value=\"16\">16x</option></select>\
<div id=\"kinds\" aria-hidden=\"true\"><div>CPU</div><div>memory pressure</div><div>IO pressure</div></div>\
<div id=\"track\"><canvas id=\"busy\" role=\"img\" aria-label=\"CPU, memory pressure and IO pressure over time\"></canvas><div id=\"ticks\"></div><input id=\"slider\" type=\"range\" min=\"0\" value=\"0\" aria-label=\"time\"></div>\
<output id=\"moment\"></output><input id=\"filter\" type=\"search\" placeholder=\"name, pid, user\" aria-label=\"filter\"><output id=\"found\"></output>\
<button id=\"theme\">light/dark</button></header>\n";

/// HTML of the picture and below.
const STAGE: &str = "<canvas id=\"picture\" role=\"img\" hidden></canvas><div id=\"popups\"></div></div>\n\
<p id=\"help\" hidden>space: play   left, right: step   [ ]: previous, next finding   hover: details   click: pin   Esc: unpin   /: filter   + - 0 or Ctrl and wheel: enlarge   drag: move</p>\n\
<section id=\"findings\" hidden><h2>Findings</h2><ol></ol></section>\n\
<section id=\"exits\" hidden><h2>Exited processes</h2><p></p><table><thead></thead><tbody></tbody></table></section>\n";
