//! Wraps texts.

use super::SIZE;
use crate::chart::Context;

/// Wraps a text at spaces. Cuts a word that is too wide.
pub(super) fn wrap(words: &str, context: &Context<'_>, width: f32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words.split(' ') {
        let longer = lines.last().map(|line| format!("{line} {word}"));
        match longer.filter(|longer| context.font.width(longer, SIZE) <= width) {
            Some(longer) => {
                lines.pop();
                lines.push(longer);
            }
            None => lines.push(context.font.fit(word, SIZE, width)),
        }
    }
    lines
}
