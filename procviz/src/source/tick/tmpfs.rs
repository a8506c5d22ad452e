//! Watches whether shared memory and tmpfs grow. The kernel does not count per process
//! what is written to a tmpfs, so while they grow, procviz reads what each process that
//! runs passes to write calls.

/// Growth that starts the reading, bytes per second.
const THRESHOLD: u64 = 4 * 1024 * 1024;
/// How long the reading goes on after that, ns. Writers that rest are not forgotten.
const GOES_ON_NS: u64 = 5_000_000_000;

/// The machine's shared memory at the last tick.
#[derive(Default)]
pub(super) struct Tmpfs {
    /// Size, bytes, and time, ns since boot.
    last: Option<(u64, u64)>,
    /// When it last grew, ns since boot.
    grew_ns: Option<u64>,
    now_ns: u64,
}

impl Tmpfs {
    /// Takes in the size at this tick.
    pub(super) fn take(&mut self, shmem_bytes: Option<u64>, now_ns: u64) {
        self.now_ns = now_ns;
        let now = shmem_bytes.map(|bytes| (bytes, now_ns));
        if let (Some((bytes, _)), Some((before, then_ns))) = (now, self.last) {
            let span_ns = now_ns.saturating_sub(then_ns).max(1);
            let least = u128::from(THRESHOLD) * u128::from(span_ns) / 1_000_000_000;
            if u128::from(bytes.saturating_sub(before)) > least {
                self.grew_ns = Some(now_ns);
            }
        }
        self.last = now;
    }

    /// Whether it grew within the last seconds.
    pub(super) fn is_growing(&self) -> bool {
        self.grew_ns
            .is_some_and(|grew_ns| self.now_ns.saturating_sub(grew_ns) < GOES_ON_NS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_noticed_and_forgotten() {
        const SECOND: u64 = 1_000_000_000;
        let mut tmpfs = Tmpfs::default();
        tmpfs.take(Some(1 << 30), SECOND);
        assert!(!tmpfs.is_growing(), "nothing to compare with");
        tmpfs.take(Some((1 << 30) + (1 << 20)), 2 * SECOND);
        assert!(!tmpfs.is_growing(), "1 MiB/s is little");
        tmpfs.take(Some((1 << 30) + (9 << 20)), 3 * SECOND);
        assert!(tmpfs.is_growing());
        tmpfs.take(Some(1 << 20), 7 * SECOND);
        assert!(tmpfs.is_growing(), "a pause of 4 s");
        tmpfs.take(None, 9 * SECOND);
        assert!(!tmpfs.is_growing());
    }
}
