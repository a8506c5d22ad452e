//! Turns scenes into pixels and files. Painters know only scenes.

mod animation;
mod discs;
mod glyphs;
mod png;
mod raster;
mod svg;

pub use animation::{AnimationError, MOST_FRAMES, apng, gif};
pub use png::{PngError, encode};
pub use raster::{Raster, RasterError};
pub use svg::svg;
