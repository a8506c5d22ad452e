//! Chooses between a window and the terminal.

use std::io::IsTerminal as _;

#[cfg(feature = "window")]
use super::display::{Display, Forwarded};
use crate::{
    cli::{PictureArgs, ViewArg},
    runtime::Failure,
};

/// Where the live view is shown.
pub(super) enum Place {
    #[cfg(feature = "window")]
    Window(Display),
    Terminal,
}

/// A window if a display answers, else the terminal if stdout is one.
///
/// # Errors
///
/// When there is neither, or not the one that `--view` names.
pub(super) fn place(args: &PictureArgs) -> Result<Place, Failure> {
    #[cfg(feature = "window")]
    let why_no_window = match args.view {
        Some(ViewArg::Terminal) => "--view terminal was given".to_owned(),
        wanted => {
            let forwarded = match wanted {
                Some(ViewArg::Window) => Forwarded::Counts,
                _ => Forwarded::No,
            };
            match Display::find(forwarded) {
                Ok(display) => return Ok(Place::Window(display)),
                Err(why) => why,
            }
        }
    };
    #[cfg(not(feature = "window"))]
    let why_no_window = "this procviz was built without windows";
    if args.view == Some(ViewArg::Window) {
        return Err(Failure::usage(format!(
            "no window: {why_no_window}; use `-o FILE` to draw into a file, or `--view terminal`"
        )));
    }
    if !std::io::stdout().is_terminal() {
        return Err(Failure::usage(format!(
            "no window ({why_no_window}), and stdout is not a terminal: name a file with -o, as in `procviz grid -o tasks.png`"
        )));
    }
    // A terminal that cannot move the cursor (an editor's shell, some CI logs).
    if matches!(
        std::env::var("TERM").as_deref(),
        Ok("dumb" | "unknown") | Err(_)
    ) {
        return Err(Failure::usage(format!(
            "no window ({why_no_window}), and the terminal cannot show a live view (TERM is `dumb` or not set): draw into a file with `-o tasks.png`, or print samples with `procviz dump`"
        )));
    }
    Ok(Place::Terminal)
}
