//! A heat map in character cells.

use super::{
    Heat, HeatOptions,
    draw::words,
    key::{color, scale},
};
use crate::chart::{
    Context,
    palette::Palette,
    timeline::rows::{LifeCell, LifeRow, LifeRows, LifeSign},
};

impl Heat {
    /// The rows of a period in this many columns and rows.
    pub(in crate::chart::timeline) fn rows(
        &self,
        options: HeatOptions,
        when: ((u64, u64), u32),
        (columns, rows): (usize, usize),
        (context, palette): (&Context<'_>, &Palette),
    ) -> LifeRows {
        let matrix = match self.matrix(options, when, rows.max(1), context) {
            Ok(matrix) => matrix,
            Err(why) => {
                return LifeRows {
                    begin: why,
                    ..LifeRows::default()
                };
            }
        };
        let rows = matrix.rows.iter().map(|row| {
            let cell = |x: usize| {
                // The largest of the columns in a cell of the screen: a spike must not vanish.
                let from = x * matrix.columns / columns.max(1);
                let until = ((x + 1) * matrix.columns).div_ceil(columns.max(1));
                let values = row
                    .cells
                    .get(from..until.min(matrix.columns))?
                    .iter()
                    .flatten();
                let value = values.copied().reduce(f32::max)?;
                let share = value / matrix.most;
                Some(LifeCell {
                    id: row.id,
                    sign: LifeSign::Cpu(share.clamp(0.0, 1.0)),
                    color: color(share, options.of, palette),
                })
            };
            LifeRow {
                label: row.label.clone(),
                is_group: row.id.is_some(),
                cells: (0..columns).map(cell).collect(),
            }
        });
        LifeRows {
            rows: rows.collect(),
            begin: "0 ms".to_owned(),
            end: "1 s".to_owned(),
            rest: words(options, &matrix),
            scale: scale(options, matrix.most),
        }
    }
}
