use std::sync::atomic::{AtomicU32, Ordering};

/// `struct io_uring_params` of the kernel: only the members that are needed have names.
#[repr(C)]
#[derive(Default)]
struct Params {
    sq_entries: u32,
    cq_entries: u32,
    flags: u32,
    sq_thread_cpu: u32,
    sq_thread_idle: u32,
    features: u32,
    wq_fd: u32,
    reserved: [u32; 3],
    sq_off: Offsets,
    cq_off: Offsets,
}

/// `struct io_sqring_offsets`; the other offsets have the same size.
#[repr(C)]
#[derive(Default)]
struct Offsets {
    head: u32,
    tail: u32,
    ring_mask: u32,
    ring_entries: u32,
    flags: u32,
    dropped: u32,
    array: u32,
    reserved: u32,
    user_addr: u64,
}

const SQPOLL: u32 = 2;
const OFF_SQES: i64 = 0x1000_0000;
/// The request is given to a worker thread at once.
const ASYNC: u8 = 1 << 4;
const NOP: u8 = 0;
const WAKE_POLLER: u32 = 2;

/// Starts the kernel's polling thread of an io_uring, gives it a request for a worker, and
/// prints `ready`. The polling thread stays busy for 30 s.
pub(super) fn run() {
    let mut params = Params {
        flags: SQPOLL,
        sq_thread_idle: 30_000,
        ..Params::default()
    };
    // SAFETY: plain calls with valid arguments; the kernel wrote the sizes of the maps.
    unsafe {
        let fd = libc::syscall(libc::SYS_io_uring_setup, 8, &raw mut params) as i32;
        assert!(
            fd >= 0,
            "io_uring_setup: {}",
            std::io::Error::last_os_error()
        );
        let map = |bytes: usize, offset: i64| {
            let at = libc::mmap(
                std::ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_POPULATE,
                fd,
                offset,
            );
            assert!(
                at != libc::MAP_FAILED,
                "{}",
                std::io::Error::last_os_error()
            );
            at.cast::<u8>()
        };
        let ring = map((params.sq_off.array + params.sq_entries * 4) as usize, 0);
        // Each request has 64 bytes: first the operation, then the flags.
        let requests = map(params.sq_entries as usize * 64, OFF_SQES);
        requests.write(NOP);
        requests.add(1).write(ASYNC);
        ring.add(params.sq_off.array as usize)
            .cast::<u32>()
            .write(0);
        AtomicU32::from_ptr(ring.add(params.sq_off.tail as usize).cast())
            .store(1, Ordering::Release);
        // The polling thread may sleep already.
        libc::syscall(libc::SYS_io_uring_enter, fd, 1, 0, WAKE_POLLER, 0, 0);
    }
    std::thread::sleep(std::time::Duration::from_millis(200));
    println!("ready");
    std::thread::sleep(std::time::Duration::from_secs(100));
}
