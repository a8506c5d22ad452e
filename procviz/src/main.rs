//! Parses, runs, and maps the outcome to an exit status.

use std::process::ExitCode;

#[expect(clippy::print_stderr, reason = "the one place that prints errors")]
fn main() -> ExitCode {
    let cli = procviz::cli::Cli::from_args();
    match procviz::app::run(cli) {
        Ok(status) => ExitCode::from(status),
        Err(failure) => {
            eprintln!("procviz: {:#}", failure.error);
            ExitCode::from(failure.status)
        }
    }
}
