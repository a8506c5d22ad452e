//! Prints shell completions and the man page: `procviz completions`, `procviz man`.

use crate::{
    cli::Cli,
    runtime::{Failure, stdout::Out},
};

pub(super) fn completions(shell: clap_complete::Shell) -> Result<u8, Failure> {
    let mut bytes = Vec::new();
    clap_complete::generate(shell, &mut Cli::brief(), "procviz", &mut bytes);
    print(&bytes)
}

pub(super) fn man() -> Result<u8, Failure> {
    let mut bytes = Vec::new();
    let command = Cli::brief();
    clap_mangen::Man::new(command.clone()).render(&mut bytes)?;
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        let title = format!("procviz-{}", sub.get_name());
        clap_mangen::Man::new(sub.clone())
            .title(title)
            .render(&mut bytes)?;
    }
    print(&bytes)
}

fn print(bytes: &[u8]) -> Result<u8, Failure> {
    use std::io::Write as _;
    Out::new().write(|out| out.write_all(bytes))?;
    Ok(0)
}
