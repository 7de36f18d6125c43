//! What is left of a process that a kernel ended: the signal, the address and the code, and what that means to a person.

use std::fs::File;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::fence::GAP;
use super::module::Loaded;
use super::symbols::Symbols;
use crate::device::Function;

/// What has to be known of a launch before it, to explain its end.
#[derive(Serialize, Deserialize)]
pub struct Launch {
    /// Kernel and file.
    pub kernel: String,
    /// The buffers that it was given.
    pub buffers: Vec<Region>,
    /// The shared object with its code, and where that lies; none where the system does not tell.
    pub code: Option<(PathBuf, std::ops::Range<u64>)>,
}

/// A buffer.
#[derive(Serialize, Deserialize)]
pub struct Region {
    /// The parameter's name.
    pub name: String,
    /// `f32`
    pub element: String,
    /// Bytes of one number.
    pub size: usize,
    /// How many numbers.
    pub count: usize,
    /// The first byte's address.
    pub address: u64,
}

/// The shared object of a function and where its code lies.
pub fn code_of(function: &Function) -> Option<(PathBuf, std::ops::Range<u64>)> {
    let Loaded { kernel, module } = function.handle()?;
    let image = kernel.image()?;
    Some((module.path.clone(), image.base..image.span.end))
}

/// What the signal's handler wrote.
pub struct Fault {
    signal: i32,
    detail: i32,
    address: u64,
    code: u64,
    stack: u64,
}

impl Fault {
    /// Bytes that the handler writes.
    pub const BYTES: usize = 40;

    /// The fault that the handler wrote as `bytes`.
    pub fn read(bytes: &[u8; Self::BYTES]) -> Self {
        let word = |i: usize| u64::from_ne_bytes(bytes[8 * i..8 * i + 8].try_into().expect("eight bytes"));
        Self { signal: word(0) as i32, detail: word(1) as i32, address: word(2), code: word(3), stack: word(4) }
    }

    /// Whether an address was no multiple of what is accessed there, or such as no memory can have.
    #[cfg(unix)]
    pub fn is_unaligned(&self) -> bool {
        // On x86 the kernel tells neither which of the two nor the address.
        const SI_KERNEL: i32 = 0x80;
        match self.signal {
            libc::SIGSEGV => self.detail == SI_KERNEL,
            libc::SIGBUS => self.detail == libc::BUS_ADRALN,
            _ => false,
        }
    }

    /// `mine.cu:3: reaches index 1024 of y, which is f32[1024]`
    #[cfg(unix)]
    pub fn explain(&self, launch: &Launch) -> String {
        let what = match self.signal {
            libc::SIGFPE => "divides an integer by zero, or the least integer by -1".into(),
            libc::SIGILL | libc::SIGTRAP => {
                "runs into __trap(), or where no code is: a path that the compiler took to be impossible".into()
            }
            libc::SIGABRT => "calls abort()".into(),
            _ => self.access(launch),
        };
        match self.line(launch) {
            Some(line) => format!("{line}: {what}"),
            None => what,
        }
    }

    #[cfg(unix)]
    fn access(&self, launch: &Launch) -> String {
        let at = self.address;
        let beyond = |r: &&Region| {
            let end = r.address + (r.count * r.size) as u64;
            at.saturating_sub(end).max(r.address.saturating_sub(at))
        };
        let nearest = launch.buffers.iter().min_by_key(beyond).filter(|r| beyond(r) < GAP as u64);
        if self.is_unaligned() {
            return "accesses an address that no memory has, or a vector at one that is no multiple of its size".into();
        }
        if let Some(Region { name, element, size, count, address }) = nearest {
            let index = (at.wrapping_sub(*address) as i64).div_euclid(*size as i64);
            return format!("reaches index {index} of {name}, which is {element}[{count}]");
        }
        if at < 64 << 10 {
            return format!("accesses address {at:#x} through a null pointer");
        }
        // A frame begins at the stack pointer, and what is called writes a little below it.
        if (self.stack.saturating_sub(64 << 10)..self.stack + (64 << 20)).contains(&at) {
            return "overflows the stack of a thread: its local arrays are too large, or it calls itself too often"
                .into();
        }
        format!("accesses address {at:#x}, which is in no buffer")
    }

    /// The line of the user's that the code stands in.
    fn line(&self, launch: &Launch) -> Option<String> {
        let (path, span) = launch.code.as_ref().filter(|(_, span)| span.contains(&self.code))?;
        let symbols = Symbols::read(&std::fs::read(path).ok()?).ok()?;
        let lines = symbols.lines().ok()?;
        lines.of(self.code - span.start + 1).first().map(ToString::to_string)
    }
}

/// From now on, a signal that a kernel's fault raises ends the process with exit code 1, after a [`Fault`] in `file`.
#[cfg(unix)]
pub fn report_to(file: File) {
    use std::os::fd::IntoRawFd;
    use std::sync::atomic::Ordering;

    FILE.store(file.into_raw_fd(), Ordering::SeqCst);
    for signal in [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGABRT] {
        // SAFETY: a handler that calls only what may be called in one. Rust gives every thread a stack for handlers, which
        // the overflow of a thread's own stack needs.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            libc::sigaction(signal, &action, std::ptr::null_mut());
        }
    }
}

/// The file of [`report_to`]; -1 once a fault was written to it.
#[cfg(unix)]
static FILE: std::sync::atomic::AtomicI32 = std::sync::atomic::AtomicI32::new(-1);

#[cfg(unix)]
unsafe extern "C" fn handler(signal: i32, info: *mut libc::siginfo_t, context: *mut std::ffi::c_void) {
    let file = FILE.swap(-1, std::sync::atomic::Ordering::SeqCst);
    // SAFETY: the system passes both; only calls that are allowed in a handler.
    unsafe {
        if file < 0 {
            // Another thread was first, and ends the process now.
            libc::sleep(60);
        }
        let (code, stack) = registers(context);
        let record = [signal as u64, (*info).si_code as u64, (*info).si_addr() as u64, code, stack];
        libc::write(file, record.as_ptr().cast(), Fault::BYTES);
        libc::_exit(1);
    }
}

/// Where the code and the stack were.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
unsafe fn registers(context: *mut std::ffi::c_void) -> (u64, u64) {
    // SAFETY: on this system the context is of this type.
    let registers = unsafe { &(*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs };
    (registers[libc::REG_RIP as usize] as u64, registers[libc::REG_RSP as usize] as u64)
}

#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
unsafe fn registers(context: *mut std::ffi::c_void) -> (u64, u64) {
    // SAFETY: on this system the context is of this type.
    let registers = unsafe { &(*context.cast::<libc::ucontext_t>()).uc_mcontext };
    (registers.pc, registers.sp)
}

#[cfg(all(unix, not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))))]
unsafe fn registers(_context: *mut std::ffi::c_void) -> (u64, u64) {
    (0, 0)
}
