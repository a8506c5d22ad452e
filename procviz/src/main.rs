//! Parses, runs, and maps the outcome to an exit status.

use std::process::ExitCode;

use clap::Parser as _;

#[expect(clippy::print_stderr, reason = "the one place that prints errors")]
fn main() -> ExitCode {
    let cli = procviz::cli::Cli::parse();
    match procviz::app::run(cli) {
        Ok(status) => ExitCode::from(status),
        Err(failure) => {
            eprintln!("procviz: {:#}", failure.error);
            ExitCode::from(failure.status)
        }
    }
}
