//! A line that the user edits, with the keys of a shell.

use super::Key;

/// Upper limit for the characters of a line.
const MOST: usize = 200;

/// Text with a cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line {
    text: String,
    /// Number of characters before the cursor.
    cursor: usize,
}

impl Line {
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The text before the cursor and after it.
    pub(crate) fn parts(&self) -> (&str, &str) {
        self.text.split_at(self.byte(self.cursor))
    }

    fn byte(&self, character: usize) -> usize {
        let mut places = self.text.char_indices();
        places.nth(character).map_or(self.text.len(), |(at, _)| at)
    }

    /// Removes the characters from `from` to the cursor.
    fn erase(&mut self, from: usize) {
        self.text
            .replace_range(self.byte(from)..self.byte(self.cursor), "");
        self.cursor = from;
    }

    /// Where the word before the cursor begins.
    fn word(&self) -> usize {
        let before: Vec<char> = self.parts().0.chars().collect();
        let end = before.iter().rposition(|ch| !ch.is_whitespace());
        let word = &before[..end.map_or(0, |end| end + 1)];
        let blank = word.iter().rposition(|ch| ch.is_whitespace());
        blank.map_or(0, |blank| blank + 1)
    }

    /// Handles a key. Returns whether the line can have changed.
    pub(crate) fn key(&mut self, key: Key) -> bool {
        let count = self.text.chars().count();
        match key {
            Key::Left => self.cursor = self.cursor.saturating_sub(1),
            Key::Right => self.cursor = (self.cursor + 1).min(count),
            Key::Home => self.cursor = 0,
            Key::End => self.cursor = count,
            Key::Backspace => self.erase(self.cursor.saturating_sub(1)),
            Key::Delete if self.cursor < count => {
                self.cursor += 1;
                self.erase(self.cursor - 1);
            }
            Key::EraseLine => self.erase(0),
            Key::EraseWord => self.erase(self.word()),
            Key::Char(ch) if !ch.is_control() && count < MOST => {
                self.text.insert(self.byte(self.cursor), ch);
                self.cursor += 1;
            }
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_edited_like_that_of_a_shell() {
        let mut line = Line::default();
        let keys = |line: &mut Line, keys: &[Key]| {
            keys.iter().for_each(|key| _ = line.key(*key));
            let (before, after) = line.parts();
            format!("{before}|{after}")
        };
        let typed: Vec<Key> = "user:é  ab cd".chars().map(Key::Char).collect();
        assert_eq!(keys(&mut line, &typed), "user:é  ab cd|");
        assert_eq!(keys(&mut line, &[Key::EraseWord]), "user:é  ab |");
        assert_eq!(keys(&mut line, &[Key::EraseWord]), "user:é  |");
        assert_eq!(
            keys(&mut line, &[Key::Left, Key::Left, Key::Backspace]),
            "user:|  "
        );
        assert_eq!(
            keys(&mut line, &[Key::Char('ü'), Key::Home, Key::Delete]),
            "|ser:ü  "
        );
        assert_eq!(
            keys(&mut line, &[Key::Backspace, Key::Left, Key::EraseWord]),
            "|ser:ü  "
        );
        assert_eq!(keys(&mut line, &[Key::Right, Key::EraseLine]), "|er:ü  ");
        assert_eq!(
            keys(&mut line, &[Key::End, Key::Delete, Key::Right]),
            "er:ü  |"
        );
        let long: Vec<Key> = vec![Key::Char('x'); 300];
        keys(&mut line, &long);
        assert_eq!(line.text().chars().count(), MOST);
        assert!(!line.key(Key::Up));
    }
}
