use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar as _;

/// Text that a process chose and that can be hostile: a name, arguments, the path
/// of a cgroup. The type has no `Display`; each method escapes for one output.
#[derive(Clone, Copy, Debug)]
pub struct Untrusted<'a>(&'a [u8]);

impl<'a> Untrusted<'a> {
    /// Takes any bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Escapes for a terminal, without loss. Characters that can move the cursor,
    /// reorder text or hide text are written as `\x1b` or `\u{202e}`, and so are
    /// bytes that are not UTF-8. A backslash is doubled, so that a process cannot
    /// forge such an escape.
    pub fn terminal(self) -> String {
        self.escaped("\\\\")
    }

    /// Escapes a text whose names are already escaped, for a terminal or a message.
    /// Works as [`terminal`](Self::terminal), but keeps backslashes, so escaping
    /// twice changes nothing. Line breaks are kept.
    pub fn message(self) -> String {
        let lines: Vec<String> = self
            .0
            .split(|byte| *byte == b'\n')
            .map(|line| Untrusted(line).escaped("\\"))
            .collect();
        lines.join("\n")
    }

    /// Escapes for use inside a sentence. A name that can be mistaken for a part of
    /// the sentence is put in quotation marks.
    pub fn name(self) -> String {
        let text = self.terminal();
        let is_plain =
            |ch: char| ch.is_alphanumeric() || "-_./@+#:()[]<>=~%$!*?&^{}|;".contains(ch);
        if !text.is_empty() && text.chars().all(is_plain) && !text.ends_with(':') {
            return text;
        }
        format!("'{}'", text.replace('\'', "\\'"))
    }

    fn escaped(self, backslash: &str) -> String {
        let mut out = String::with_capacity(self.0.len());
        for chunk in self.0.utf8_chunks() {
            for ch in chunk.valid().chars() {
                match ch {
                    '\\' => out.push_str(backslash),
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

    /// Escapes for a picture: characters without a visible shape become U+FFFD.
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

    /// Escapes for a JSON string: bytes that are not UTF-8 become U+FFFD. The JSON
    /// writer escapes control and bidi characters (`export::json`).
    pub fn json(self) -> String {
        String::from_utf8_lossy(self.0).into_owned()
    }
}

/// Whether a character controls, reorders or hides text and shows no shape of its
/// own. This includes characters without width: marks that combine with the
/// character before them, soft hyphens and tags.
pub(crate) fn is_harmful(ch: char) -> bool {
    if matches!(ch, ' '..='~') {
        return false;
    }
    ch.is_control()
        || matches!(ch, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
        || matches!(ch, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || (ch as u32) & 0xfffe == 0xfffe
        || ch.width() == Some(0)
}

#[cfg(test)]
mod tests;
