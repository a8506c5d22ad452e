//! Puts samples into cells: rows of seconds or processes, columns of offsets.

use super::{
    Heat, HeatOf, HeatOptions, HeatRows, Moment, SECOND_NS,
    sums::{Sums, spread},
};
use crate::{
    chart::Context,
    model::{TaskId, duration_text},
};

/// Numbers of columns: with fewer, nothing is seen within a second.
const COLUMNS: [u64; 6] = [100, 50, 40, 25, 20, 10];
/// The full colour stands for at least this, cores or threads.
const LEAST_SCALE: f32 = 0.05;

/// The cells of a heat map.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Matrix {
    pub(super) columns: usize,
    /// Number of seconds in a row.
    pub(super) each: u64,
    pub(super) rows: Vec<Row>,
    /// The value that has the full colour.
    pub(super) most: f32,
}

/// A row of cells.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// The process; `None`: the row is of seconds.
    pub(super) id: Option<TaskId>,
    pub(super) label: String,
    /// Cores, or threads that wait; `None`: no sample is about this time.
    pub(super) cells: Vec<Option<f32>>,
}

impl Heat {
    /// The cells of the samples in a period, ns since boot, in at most so many rows.
    ///
    /// # Errors
    ///
    /// A text for the user if the samples are too far apart.
    pub(super) fn matrix(
        &self,
        options: HeatOptions,
        ((from_ns, until_ns), cpus): ((u64, u64), u32),
        most_rows: usize,
        context: &Context<'_>,
    ) -> Result<Matrix, String> {
        let is_shown = |moment: &&Moment| moment.boot_ns > from_ns && moment.boot_ns <= until_ns;
        let moments: Vec<&Moment> = self.moments.iter().filter(is_shown).collect();
        let columns = columns(&moments)?;
        if options.of == HeatOf::Waiting && moments.iter().all(|moment| moment.waiting.is_none()) {
            return Err("Without kernel events, it is not known who waits for a CPU.".to_owned());
        }
        let (each, rows) = match options.rows {
            HeatRows::Seconds => seconds(&moments, (options.of, columns), most_rows),
            HeatRows::Tasks => {
                let rows = self.tasks(&moments, (options.of, columns), most_rows, context);
                (1, rows)
            }
        };
        let values = rows.iter().flat_map(|row| row.cells.iter().flatten());
        let largest = values.copied().fold(0.0, f32::max);
        let most = match (options.of, options.rows) {
            (HeatOf::Cpu, HeatRows::Seconds) => cpus.max(1) as f32,
            _ => largest.max(LEAST_SCALE),
        };
        Ok(Matrix {
            columns,
            each,
            rows,
            most,
        })
    }

    fn tasks(
        &self,
        moments: &[&Moment],
        (of, columns): (HeatOf, usize),
        most_rows: usize,
        context: &Context<'_>,
    ) -> Vec<Row> {
        let (Some(first), Some(last)) = (moments.first(), moments.last()) else {
            return Vec::new();
        };
        let is_in = |moment: &Moment| (first.boot_ns..=last.boot_ns).contains(&moment.boot_ns);
        let mut whole = Sums::new(columns);
        for moment in moments {
            spread(moment, columns, |_, column, ns| whole.add_time(column, ns));
        }
        let mut all: Vec<(u64, Row)> = Vec::new();
        for (id, process) in &self.processes {
            let mut sums = whole.clone();
            let mut total = 0;
            for step in &process.steps {
                let place = step.sample.checked_sub(self.forgotten);
                let moment = place.and_then(|place| self.moments.get(place as usize));
                let Some(moment) = moment.filter(|moment| is_in(moment)) else {
                    continue;
                };
                let us = match of {
                    HeatOf::Cpu => Some(step.cpu_us),
                    HeatOf::Waiting => step.wait_us,
                };
                let Some(us) = us else { continue };
                total += u64::from(us);
                let share = f64::from(us) * 1e3 / moment.interval_ns as f64;
                spread(moment, columns, |_, column, ns| {
                    sums.add(column, share * ns)
                });
            }
            if total > 0 {
                let who = format!("{} {}", process.name.text().picture(), id.tid);
                all.push((
                    total,
                    Row {
                        id: Some(*id),
                        label: context.with_user(&who, process.uid),
                        cells: sums.means(),
                    },
                ));
            }
        }
        all.sort_by_key(|(total, row)| (std::cmp::Reverse(*total), row.id));
        all.into_iter()
            .take(most_rows)
            .map(|(_, row)| row)
            .collect()
    }
}

/// The number of columns: about as many as there are samples in a second.
fn columns(moments: &[&Moment]) -> Result<usize, String> {
    let mut intervals: Vec<u64> = moments.iter().map(|moment| moment.interval_ns).collect();
    if intervals.is_empty() {
        return Err("There are no samples in this period.".to_owned());
    }
    intervals.sort_unstable();
    let usual_ns = intervals[intervals.len() / 2].max(1);
    // Samples are a little further apart than they should be.
    let most = SECOND_NS * 11 / 10 / usual_ns;
    let columns = COLUMNS.into_iter().find(|columns| *columns <= most);
    columns.map(|columns| columns as usize).ok_or_else(|| {
        format!(
            "A heat map needs at least 10 samples per second, and these are {} apart: sample with `-s 0.1` or less, and see what `--max-cpu` allows.",
            duration_text(usual_ns)
        )
    })
}

/// Rows of one second, or of several if there are too many.
fn seconds(
    moments: &[&Moment],
    (of, columns): (HeatOf, usize),
    most_rows: usize,
) -> (u64, Vec<Row>) {
    let (Some(first), Some(last)) = (moments.first(), moments.last()) else {
        return (1, Vec::new());
    };
    let begin = first.wall_ns.saturating_sub(first.interval_ns) / SECOND_NS;
    // A sample at the end of a second is about that second.
    let end = last.wall_ns.saturating_sub(1) / SECOND_NS;
    let count = end.saturating_sub(begin) + 1;
    let each = count.div_ceil(most_rows.max(1) as u64);
    let mut sums = vec![Sums::new(columns); count.div_ceil(each) as usize];
    for moment in moments {
        let value = match of {
            HeatOf::Cpu => moment.busy,
            HeatOf::Waiting => moment.waiting,
        };
        let Some(value) = value else { continue };
        spread(moment, columns, |second, column, ns| {
            let row = second.saturating_sub(begin) / each;
            // The wall clock can have been set back.
            if let Some(row) = sums.get_mut(row as usize) {
                row.add_time(column, ns);
                row.add(column, f64::from(value) * ns);
            }
        });
    }
    let label = |row: usize| match end.saturating_sub(begin + row as u64 * each) {
        0 => "last second".to_owned(),
        before => format!("{} before", duration_text(before * SECOND_NS)),
    };
    let rows = sums.into_iter().enumerate().map(|(row, sums)| Row {
        id: None,
        label: label(row),
        cells: sums.means(),
    });
    (each, rows.collect())
}
