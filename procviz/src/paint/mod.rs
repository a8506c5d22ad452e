//! Paints scenes to pixels and files. Painters depend only on scenes.

mod animation;
mod glyphs;
mod page;
mod png;
mod raster;
mod spans;
mod stamps;
mod svg;

pub use animation::{AnimationError, Frames, MOST_FRAMES, apng, gif};
pub use page::{
    Frame, Page, PageContent, PageError, PageExit, PageExitKind, PageFinding, PageTheme,
};
pub use png::{PngError, encode};
#[cfg(feature = "window")]
pub(crate) use raster::copy_pixels;
pub use raster::{Raster, RasterError};
pub use svg::svg;
