/// User input from a window or a terminal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Input {
    /// A key was pressed.
    Key(Key),
    /// The pointer moved to a position in the scene.
    Move(f32, f32),
    /// The pointer left the window. A terminal does not report this.
    #[cfg(feature = "window")]
    Leave,
    /// The first button was pressed and released at a position.
    Click(f32, f32),
    /// The pointer moved by this distance with the first button held.
    Drag(f32, f32),
    /// The horizontal position of the pointer, while the first button is held since a
    /// press on the time bar.
    Scrub(f32),
    /// The wheel was turned in a terminal: position, and number of lines, down is positive.
    Wheel(f32, f32, i32),
    /// The wheel was turned in a window: position, and number of steps, up is positive.
    #[cfg(feature = "window")]
    Zoom(f32, f32, f32),
}

/// A key by its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// A character, with shift and layout applied.
    Char(char),
    /// Enter or Return.
    Enter,
    /// Escape.
    Escape,
    /// Backspace, which deletes the character before the cursor.
    Backspace,
    /// Delete, which deletes the character at the cursor.
    Delete,
    /// Ctrl-U, which deletes all before the cursor.
    EraseLine,
    /// Ctrl-W, which deletes the word before the cursor.
    EraseWord,
    /// Home.
    Home,
    /// End.
    End,
    /// Left arrow.
    Left,
    /// Right arrow.
    Right,
    /// Up arrow.
    Up,
    /// Down arrow.
    Down,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
}
