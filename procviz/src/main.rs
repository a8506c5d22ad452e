//! Parses the command line, runs the subcommand, and maps the outcome to an exit status.

#![deny(unsafe_code)]

use std::process::ExitCode;

use procviz::{app, cli::Cli, model::Untrusted};

fn main() -> ExitCode {
    let cli = match Cli::from_args() {
        Ok(cli) => cli,
        // clap returns the help and the version as an error.
        Err(error) if !error.use_stderr() => {
            // A closed standard output is not an error here.
            _ = error.print();
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            print(&usage(&error));
            return ExitCode::from(2);
        }
    };
    match app::run(cli) {
        Ok(status) => ExitCode::from(status),
        Err(failure) => {
            print(&format!(
                "procviz: {:#}{}",
                failure.error,
                failure.hint().unwrap_or_default()
            ));
            ExitCode::from(failure.status)
        }
    }
}

/// The error message of clap, with newlines in typed values escaped.
fn usage(error: &clap::Error) -> String {
    let mut text = error.render().to_string();
    for arg in std::env::args_os().filter_map(|arg| arg.into_string().ok()) {
        let value = arg.split_once('=').map_or("", |(_, value)| value);
        for typed in [arg.as_str(), value] {
            if typed.contains('\n') {
                let escaped = Untrusted::new(typed.as_bytes()).terminal();
                text = text.replace(typed, &escaped);
            }
        }
    }
    let first = std::env::args_os()
        .nth(1)
        .and_then(|arg| arg.into_string().ok());
    let word = first.filter(|word| {
        error.kind() == clap::error::ErrorKind::UnknownArgument && !word.starts_with('-')
    });
    if let Some(similar) = word.and_then(|word| Cli::similar(&word)) {
        text = format!(
            "{}\n\n  tip: a similar subcommand exists: '{similar}'",
            text.trim_end()
        );
    }
    text.trim_end().to_owned()
}

/// Prints an error on stderr, with control characters escaped.
#[expect(clippy::print_stderr, reason = "the only place that prints errors")]
fn print(text: &str) {
    eprintln!("{}", Untrusted::new(text.as_bytes()).message());
}
