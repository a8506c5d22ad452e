//! Measures `top -b -H`, if it is installed.

use std::process::{Command, Stdio};

use anyhow::Result;

/// CPU time of a sample, ms: (six samples - two samples) / 4. `None` without `top`.
pub(super) fn ms_a_sample() -> Result<Option<f64>> {
    if Command::new("top")
        .arg("-v")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_err()
    {
        return Ok(None);
    }
    let mut values = Vec::new();
    for _ in 0..3 {
        values.push((cpu_ms(6)? - cpu_ms(2)?) / 4.0);
    }
    Ok(Some(super::median(values)))
}

fn cpu_ms(samples: u32) -> Result<f64> {
    let before = children_ms();
    Command::new("top")
        .args(["-b", "-H", "-d", "1", "-n", &samples.to_string()])
        .stdout(Stdio::null())
        .status()?;
    Ok(children_ms() - before)
}

/// CPU time of all children that were waited for, ms.
fn children_ms() -> f64 {
    // SAFETY: zero bytes are a valid `rusage`, and the pointer is writable.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage);
        usage
    };
    let ms = |time: libc::timeval| time.tv_sec as f64 * 1e3 + time.tv_usec as f64 / 1e3;
    ms(usage.ru_utime) + ms(usage.ru_stime)
}
