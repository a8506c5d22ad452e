//! Implements the live view: an interaction model that is independent of window and
//! terminal, and the drawing in a terminal.

#[cfg(feature = "window")]
pub(crate) mod bar;
mod boxes;
mod governor;
mod hits;
mod input;
mod keys;
mod line;
#[cfg(feature = "window")]
mod overlay;
#[cfg(feature = "window")]
mod pane;
mod popup;
mod state;
mod table;
mod table_hits;
pub(crate) mod terminal;
#[cfg(test)]
mod tests;
mod timebar;

pub(crate) use self::{
    boxes::{Bounds, Boxes},
    governor::Governor,
    hits::{Hits, Target, TaskPosition},
    input::{Input, Key},
    keys::{RECORDING_KEYS, help},
    popup::{Popup, Subject, popup},
    state::{ChartKind, Effect, Mode, Stage, View},
    table::{ShownTable, TableView},
    table_hits::TableHits,
    timebar::{TimeBar, TimeGraph},
};
#[cfg(feature = "window")]
pub(crate) use self::{overlay::Overlay, pane::Pane};
