use std::fmt::Write as _;

/// Text that a process chose and that may be meant to harm: a name, arguments,
/// a cgroup's path. It has no `Display`; each way out escapes for one place.
#[derive(Clone, Copy, Debug)]
pub struct Untrusted<'a>(&'a [u8]);

impl<'a> Untrusted<'a> {
    /// Takes bytes of any kind.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// For a terminal or a message: what could move the cursor or reorder
    /// text is spelled out as `\x1b` or `\u{202e}`, and so are bytes that are no UTF-8.
    pub fn terminal(self) -> String {
        let mut out = String::with_capacity(self.0.len());
        for chunk in self.0.utf8_chunks() {
            for ch in chunk.valid().chars() {
                match ch {
                    '\\' => out.push_str("\\\\"),
                    ch if !is_harmful(ch) => out.push(ch),
                    // Writing to a String cannot fail.
                    ch if (ch as u32) < 0x100 => _ = write!(out, "\\x{:02x}", ch as u32),
                    ch => _ = write!(out, "\\u{{{:x}}}", ch as u32),
                }
            }
            for byte in chunk.invalid() {
                _ = write!(out, "\\x{byte:02x}");
            }
        }
        out
    }

    /// For a picture: what has no shape of its own becomes U+FFFD.
    pub fn picture(self) -> String {
        String::from_utf8_lossy(self.0)
            .chars()
            .map(|ch| {
                if is_harmful(ch) {
                    char::REPLACEMENT_CHARACTER
                } else {
                    ch
                }
            })
            .collect()
    }

    /// For a JSON string: bytes that are no UTF-8 become U+FFFD. The writer of
    /// JSON escapes control and bidi characters (`export::json`).
    pub fn json(self) -> String {
        String::from_utf8_lossy(self.0).into_owned()
    }
}

/// Whether a character controls, reorders or hides instead of showing something.
pub(crate) fn is_harmful(ch: char) -> bool {
    ch.is_control()
        || matches!(ch, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || (ch as u32) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_spells_out_what_harms() {
        let text = Untrusted::new(b"a\x1b]0;x\x07\xff\xe2\x80\xae\\n").terminal();
        assert_eq!(text, r"a\x1b]0;x\x07\xff\u{202e}\\n");
    }

    #[test]
    fn picture_has_no_control() {
        let text = Untrusted::new(b"<&\"\x1b\xc2\x9b\xff\xe2\x80\xae").picture();
        assert_eq!(text, "<&\"\u{fffd}\u{fffd}\u{fffd}\u{fffd}");
    }
}
