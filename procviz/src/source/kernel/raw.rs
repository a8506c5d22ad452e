//! Holds all `unsafe` code of user space: maps of the kernel that are mapped into
//! memory, the claim that the offsets are plain bytes, and calls of the C library.

use std::{
    os::fd::{BorrowedFd, OwnedFd},
    sync::atomic::AtomicU64,
};

use procviz_common::Offsets;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use tokio::io::{Interest, unix::AsyncFd};

/// The offsets, in a wrapper that can implement aya's `Pod`.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct OffsetBytes(pub(crate) Offsets);

// SAFETY: `Offsets` is `repr(C)` and made of `u32` alone, so it has no padding
// and every bit pattern is valid.
unsafe impl aya::Pod for OffsetBytes {}

/// Returns freed memory to the kernel: parsing the kernel's BTF needs megabytes once.
/// Only glibc keeps freed memory.
pub(crate) fn trim_heap() {
    #[cfg(target_env = "gnu")]
    {
        unsafe extern "C" {
            fn malloc_trim(pad: usize) -> std::ffi::c_int;
        }
        // SAFETY: the function takes no pointer, and can be called at any time.
        unsafe { malloc_trim(0) };
    }
}

/// Lets all threads share one heap: else each thread has its own, and what one thread needed in a
/// storm, another cannot use. Only glibc has several. Call this before threads are started.
pub(crate) fn share_heap() {
    #[cfg(target_env = "gnu")]
    {
        /// `M_ARENA_MAX` of mallopt(3).
        const ARENA_MAX: std::ffi::c_int = -8;
        unsafe extern "C" {
            fn mallopt(parameter: std::ffi::c_int, value: std::ffi::c_int) -> std::ffi::c_int;
        }
        // SAFETY: the function takes no pointer. If it refuses, the heaps stay as they are.
        unsafe { mallopt(ARENA_MAX, 1) };
    }
}

/// Whether the caller of this program can have fewer rights than the program itself:
/// `AT_SECURE` of getauxval(3), set by the kernel.
pub(crate) fn is_secure_exec() -> bool {
    const AT_SECURE: std::ffi::c_ulong = 23;
    unsafe extern "C" {
        fn getauxval(kind: std::ffi::c_ulong) -> std::ffi::c_ulong;
    }
    // SAFETY: the function takes no pointer, and reads values that the kernel set at the
    // start of the program.
    unsafe { getauxval(AT_SECURE) != 0 }
}

/// Registers a file descriptor, so that a task of tokio can wait until it is readable.
///
/// # Errors
///
/// When the descriptor cannot be polled.
pub(crate) fn readable(fd: OwnedFd) -> std::io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is open until it is dropped, which only the
    // `AsyncFd` that owns it from here on can do.
    unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }.map_err(std::io::Error::from)
}

/// An mmapable array map, as words that the kernel and procviz both write.
pub(crate) struct Words {
    base: *mut AtomicU64,
    len: usize,
}

// SAFETY: the memory stays mapped until `drop`, and every access uses atomics, which
// threads can share.
unsafe impl Send for Words {}
// SAFETY: as above.
unsafe impl Sync for Words {}

impl Words {
    /// Maps `len` words of a map that was created with `BPF_F_MMAPABLE`.
    ///
    /// # Errors
    ///
    /// The error of mmap(2).
    pub(crate) fn new(map: BorrowedFd<'_>, len: usize) -> rustix::io::Result<Self> {
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping at an address that the kernel chooses; nothing else refers
        // to it.
        let base = unsafe {
            mmap(
                std::ptr::null_mut(),
                len * 8,
                protection,
                MapFlags::SHARED,
                map,
                0,
            )?
        };
        Ok(Self {
            base: base.cast(),
            len,
        })
    }

    /// The words.
    pub(crate) fn get(&self) -> &[AtomicU64] {
        // SAFETY: `base` is page-aligned and maps `len * 8` bytes until `drop`;
        // `AtomicU64` has the layout of `u64` and no invalid values.
        unsafe { std::slice::from_raw_parts(self.base, self.len) }
    }
}

impl Drop for Words {
    fn drop(&mut self) {
        // SAFETY: `base` is the address from mmap, the length is the argument of that call
        // of mmap, and borrows from `get` cannot outlive `self`.
        _ = unsafe { munmap(self.base.cast(), self.len * 8) };
    }
}
