/// What somebody did, told by a window or a terminal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Input {
    /// A key was pressed.
    Key(Key),
    /// The pointer moved to a place of the scene.
    Move(f32, f32),
    /// The pointer left the window; that of a terminal never says so.
    #[cfg(feature = "window")]
    Leave,
    /// The first button was pressed and let go at a place.
    Click(f32, f32),
    /// The pointer was moved by so much with the first button held.
    Drag(f32, f32),
    /// The pointer, with the first button held since it was on the time bar, is there.
    Scrub(f32),
    /// The wheel of a terminal was turned: lines, down is positive.
    Wheel(i32),
    /// The wheel of a window was turned over a place: steps, up is positive.
    #[cfg(feature = "window")]
    Zoom(f32, f32, f32),
}

/// A key by what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// A character, with shift and layout applied.
    Char(char),
    /// Enter or return.
    Enter,
    /// Escape.
    Escape,
    /// Takes the last character back.
    Backspace,
    /// An arrow.
    Left,
    /// An arrow.
    Right,
    /// An arrow.
    Up,
    /// An arrow.
    Down,
    /// A screen up.
    PageUp,
    /// A screen down.
    PageDown,
}
