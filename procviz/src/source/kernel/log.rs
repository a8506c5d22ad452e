//! Prints the log of the eBPF programs, for work on these programs. This needs an
//! object built with `cargo xtask ebpf --log`, and a procviz built with `--features log`.

use std::{io::Write, time::Duration};

use aya::Ebpf;
use aya_log::EbpfLogger;

/// Time between two checks for new log lines.
const PERIOD: Duration = Duration::from_millis(100);

/// Reads the object that `cargo xtask ebpf --log` builds.
pub(super) fn object() -> std::io::Result<Vec<u8>> {
    std::fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../target/ebpf-log/procviz.bpf.o"
    ))
}

/// Starts a thread that prints lines to stderr.
pub(super) fn print(ebpf: &mut Ebpf) -> Result<(), String> {
    let mut logger =
        EbpfLogger::init_with_logger(ebpf, Stderr).map_err(|error| error.to_string())?;
    let body = move || {
        loop {
            std::thread::sleep(PERIOD);
            logger.flush();
        }
    };
    std::thread::Builder::new()
        .name("procviz-log".to_owned())
        .spawn(body)
        .map_err(|error| error.to_string())?;
    Ok(())
}

struct Stderr;

impl log::Log for Stderr {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        _ = writeln!(
            std::io::stderr(),
            "ebpf {}: {}",
            record.level(),
            record.args()
        );
    }

    fn flush(&self) {}
}
