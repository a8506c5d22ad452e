//! The one module of user space with `unsafe`: maps of the kernel mapped into
//! memory, the claim that the offsets are plain bytes, a word to the allocator.

use std::{
    os::fd::{BorrowedFd, OwnedFd},
    sync::atomic::AtomicU64,
};

use procviz_common::Offsets;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use tokio::io::{Interest, unix::AsyncFd};

/// The offsets, in the wrapper that aya asks for.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct OffsetBytes(pub(crate) Offsets);

// SAFETY: `Offsets` is `repr(C)` and made of `u32` alone, so it has no padding
// and every bit pattern is valid.
unsafe impl aya::Pod for OffsetBytes {}

/// Gives back to the kernel what was allocated and freed: reading the kernel's
/// types takes megabytes once. Only glibc keeps them.
pub(crate) fn give_back_freed() {
    #[cfg(target_env = "gnu")]
    {
        unsafe extern "C" {
            fn malloc_trim(pad: usize) -> std::ffi::c_int;
        }
        // SAFETY: takes no pointer, and may be called at any time.
        unsafe { malloc_trim(0) };
    }
}

/// Whether the kernel says that the caller of this program may have fewer
/// rights than the program itself: `AT_SECURE` of getauxval(3).
pub(crate) fn started_with_more_rights() -> bool {
    const AT_SECURE: std::ffi::c_ulong = 23;
    unsafe extern "C" {
        fn getauxval(kind: std::ffi::c_ulong) -> std::ffi::c_ulong;
    }
    // SAFETY: takes no pointer, and reads what the kernel gave at the start.
    unsafe { getauxval(AT_SECURE) != 0 }
}

/// Makes a descriptor something that can be waited for until it is readable.
///
/// # Errors
///
/// When it cannot be polled.
pub(crate) fn readable(fd: OwnedFd) -> std::io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is open until it is dropped, which only the
    // `AsyncFd` that owns it from here on can do.
    unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }.map_err(std::io::Error::from)
}

/// An mmapable array of the kernel as words that both sides change.
pub(crate) struct Words {
    base: *mut AtomicU64,
    len: usize,
}

// SAFETY: the memory stays mapped until `drop`, and every access goes through
// atomics, which may be shared between threads.
unsafe impl Send for Words {}
// SAFETY: as above.
unsafe impl Sync for Words {}

impl Words {
    /// Maps `len` words of a map that was made mmapable.
    ///
    /// # Errors
    ///
    /// What mmap(2) says.
    pub(crate) fn new(map: BorrowedFd<'_>, len: usize) -> rustix::io::Result<Self> {
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping at a place of the kernel's choice; nothing else refers to it.
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
        // SAFETY: `base` and the length are what mmap returned and was asked
        // for, and borrows from `get` cannot outlive `self`.
        _ = unsafe { munmap(self.base.cast(), self.len * 8) };
    }
}
