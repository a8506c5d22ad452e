//! The signs of a timeline, and what they stand for.

use super::Look;
use crate::chart::LifeRows;

/// Heights of a share of a core.
const BLOCKS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
const ASCII: [&str; 8] = [".", ".", ":", ":", "+", "+", "#", "#"];

/// The signs and their meanings.
pub(super) fn legend(rows: &LifeRows, look: Look) -> String {
    if !rows.scale.is_empty() {
        let entries = rows.scale.iter();
        let entries = entries.map(|(share, words)| format!("{} {words}", height(*share, look)));
        return entries.collect::<Vec<_>>().join("  ");
    }
    let words = match look.ascii {
        true => {
            "- lives  .+# CPU  = io  w waits for a CPU  D blocked  % many short lives  x exit 0  ! failed  X crashed or killed"
        }
        false => {
            "─ lives  ▁▄█ CPU  = io  ░ waits for a CPU  D blocked  ▒ many short lives  ◇ exit 0  ! failed  ◆ crashed or killed"
        }
    };
    words.to_owned()
}

/// The sign of a share of the most.
pub(super) fn height(share: f32, look: Look) -> &'static str {
    let pick = |sign: &'static str, ascii: &'static str| if look.ascii { ascii } else { sign };
    if share <= 0.0 {
        return pick("─", "-");
    }
    let level = ((share * 8.0).ceil() as usize).clamp(1, 8) - 1;
    pick(BLOCKS[level], ASCII[level])
}
