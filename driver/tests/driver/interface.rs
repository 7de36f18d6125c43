//! The library's functions, found by name, and what scenarios do all the time.

use std::ffi::{CString, c_char, c_void};
use std::path::PathBuf;

use libloading::Library;

/// Functions of the library by name, with their parameters.
macro_rules! functions {
    ($($name:ident($($type:ty),*))*) => {
        /// The driver's functions.
        pub struct Cu {
            $(pub $name: unsafe extern "C" fn($($type),*) -> u32,)*
        }

        impl Cu {
            /// Finds all of them.
            pub fn open() -> Self {
                // SAFETY: a library of this package, and the types are cuda.h's.
                unsafe {
                    let library = Box::leak(Box::new(Library::new(library()).expect("the library is built")));
                    Self { $($name: *library.get(stringify!($name).as_bytes()).expect(stringify!($name)),)* }
                }
            }
        }
    };
}

type Pointer = *mut c_void;
type Function = unsafe extern "C" fn(Pointer);

functions! {
    cuInit(u32)
    cuDriverGetVersion(*mut i32)
    cuDeviceGetAttribute(*mut i32, u32, i32)
    cuDevicePrimaryCtxRetain(*mut u64, i32)
    cuDevicePrimaryCtxRelease_v2(i32)
    cuCtxCreate_v2(*mut u64, u32, i32)
    cuCtxDestroy_v2(u64)
    cuCtxSetCurrent(u64)
    cuCtxGetCurrent(*mut u64)
    cuCtxSynchronize()
    cuStreamCreate(*mut u64, u32)
    cuStreamDestroy_v2(u64)
    cuStreamSynchronize(u64)
    cuStreamQuery(u64)
    cuStreamWaitEvent(u64, u64, u32)
    cuStreamBeginCapture_v2(u64, u32)
    cuStreamEndCapture(u64, *mut u64)
    cuStreamIsCapturing(u64, *mut u32)
    cuGraphInstantiateWithFlags(*mut u64, u64, u64)
    cuGraphGetNodes(u64, Pointer, *mut usize)
    cuGraphLaunch(u64, u64)
    cuGraphExecUpdate_v2(u64, u64, Pointer)
    cuGraphExecDestroy(u64)
    cuGraphDestroy(u64)
    cuLaunchHostFunc(u64, Function, Pointer)
    cuEventCreate(*mut u64, u32)
    cuEventDestroy_v2(u64)
    cuEventRecord(u64, u64)
    cuEventQuery(u64)
    cuEventSynchronize(u64)
    cuEventElapsedTime_v2(*mut f32, u64, u64)
    cuMemAlloc_v2(*mut u64, usize)
    cuMemAllocAsync(*mut u64, usize, u64)
    cuMemFree_v2(u64)
    cuMemFreeAsync(u64, u64)
    cuMemAllocHost_v2(*mut Pointer, usize)
    cuMemFreeHost(Pointer)
    cuMemGetInfo_v2(*mut usize, *mut usize)
    cuMemcpyHtoDAsync_v2(u64, *const c_void, usize, u64)
    cuMemcpyDtoH_v2(Pointer, u64, usize)
    cuMemcpyDtoHAsync_v2(Pointer, u64, usize, u64)
    cuMemcpy2D_v2(*const c_void)
    cuMemcpy3D_v2(*const c_void)
    cuMemcpyHtoA_v2(u64, usize, *const c_void, usize)
    cuMemcpyAtoH_v2(Pointer, u64, usize, usize)
    cuArrayCreate_v2(*mut u64, *const c_void)
    cuArray3DCreate_v2(*mut u64, *const c_void)
    cuArray3DGetDescriptor_v2(Pointer, u64)
    cuArrayDestroy(u64)
    cuMipmappedArrayCreate(*mut u64, *const c_void, u32)
    cuMipmappedArrayGetLevel(*mut u64, u64, u32)
    cuMipmappedArrayDestroy(u64)
    cuTexObjectCreate(*mut u64, *const c_void, *const c_void, *const c_void)
    cuTexObjectDestroy(u64)
    cuSurfObjectCreate(*mut u64, *const c_void)
    cuSurfObjectDestroy(u64)
    cuMemsetD32Async(u64, u32, usize, u64)
    cuDeviceGetDefaultMemPool(*mut u64, i32)
    cuMemPoolGetAttribute(u64, u32, Pointer)
    cuModuleLoadData(*mut u64, *const c_void)
    cuModuleUnload(u64)
    cuModuleGetFunction(*mut u64, u64, *const c_char)
    cuModuleGetGlobal_v2(*mut u64, *mut usize, u64, *const c_char)
    cuLibraryLoadData(*mut u64, *const c_void, Pointer, Pointer, u32, Pointer, Pointer, u32)
    cuLibraryUnload(u64)
    cuLibraryGetKernel(*mut u64, u64, *const c_char)
    cuLibraryGetKernelCount(*mut u32, u64)
    cuLibraryGetModule(*mut u64, u64)
    cuLibraryGetGlobal(*mut u64, *mut usize, u64, *const c_char)
    cuKernelGetFunction(*mut u64, u64)
    cuKernelGetAttribute(*mut i32, u32, u64, i32)
    cuKernelSetAttribute(u32, i32, u64, i32)
    cuTensorMapEncodeTiled(
        Pointer, u32, u32, u64, *const u64, *const u64, *const u32, *const u32, u32, u32, u32, u32
    )
    cuTensorMapEncodeIm2col(
        Pointer, u32, u32, u64, *const u64, *const u64, *const i32, *const i32, u32, u32, *const u32, u32, u32, u32, u32
    )
    cuTensorMapReplaceAddress(Pointer, u64)
    cuFuncGetAttribute(*mut i32, u32, u64)
    cuFuncSetAttribute(u64, u32, i32)
    cuFuncGetParamInfo(u64, usize, *mut usize, *mut usize)
    cuLaunchKernel(u64, u32, u32, u32, u32, u32, u32, u32, u64, *mut Pointer, *mut Pointer)
    cuLaunchKernelEx(*const c_void, u64, *mut Pointer, *mut Pointer)
    cuLaunchCooperativeKernel(u64, u32, u32, u32, u32, u32, u32, u32, u64, *mut Pointer)
    cuOccupancyMaxActiveBlocksPerMultiprocessor(*mut i32, u64, i32, usize)
    cuGetErrorName(u32, *mut *const c_char)
    cuGetProcAddress_v2(*const c_char, *mut Pointer, i32, u64, *mut u32)
}

/// The file of the library, which cargo builds for these tests.
pub fn library() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    tests.with_file_name(format!("{}warptape_driver{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX))
}

/// The driver with the primary context current and the kernels loaded.
pub struct Gpu {
    pub cu: Cu,
    pub module: u64,
}

/// What a call puts into its first argument; it must succeed.
pub fn made<T: Default>(call: impl FnOnce(*mut T) -> u32) -> T {
    let mut value = T::default();
    assert_eq!(call(&mut value), 0);
    value
}

// SAFETY of what follows: pointers are to live values, and scenarios only name memory that they have, or that the driver refuses.
impl Gpu {
    pub fn open() -> Self {
        Self::open_with(include_str!("kernels.ptx"))
    }

    /// Likewise, with other kernels.
    pub fn open_with(text: &str) -> Self {
        let cu = Cu::open();
        assert_eq!(unsafe { (cu.cuInit)(0) }, 0);
        let context = made(|to| unsafe { (cu.cuDevicePrimaryCtxRetain)(to, 0) });
        assert_eq!(unsafe { (cu.cuCtxSetCurrent)(context) }, 0);
        let text = CString::new(text).unwrap();
        let module = made(|to| unsafe { (cu.cuModuleLoadData)(to, text.as_ptr().cast()) });
        Self { cu, module }
    }

    /// Gives back what `open` took.
    pub fn close(self) {
        unsafe {
            assert_eq!((self.cu.cuModuleUnload)(self.module), 0);
            assert_eq!((self.cu.cuDevicePrimaryCtxRelease_v2)(0), 0);
        }
    }

    pub fn kernel(&self, name: &str) -> u64 {
        let name = CString::new(name).unwrap();
        made(|to| unsafe { (self.cu.cuModuleGetFunction)(to, self.module, name.as_ptr()) })
    }

    /// A stream that does not care for the default one.
    pub fn stream(&self) -> u64 {
        made(|to| unsafe { (self.cu.cuStreamCreate)(to, 1) })
    }

    pub fn event(&self) -> u64 {
        made(|to| unsafe { (self.cu.cuEventCreate)(to, 0) })
    }

    pub fn alloc(&self, bytes: usize) -> u64 {
        made(|to| unsafe { (self.cu.cuMemAlloc_v2)(to, bytes) })
    }

    /// Page-locked words.
    pub fn page_locked(&self, words: usize) -> &'static mut [u32] {
        let mut memory = std::ptr::null_mut();
        unsafe {
            assert_eq!((self.cu.cuMemAllocHost_v2)(&mut memory, 4 * words), 0);
            std::slice::from_raw_parts_mut(memory.cast(), words)
        }
    }

    /// Queues `increment` for one block.
    pub fn increment(&self, address: u64, threads: u32, stream: u64) -> u32 {
        self.launch(self.kernel("increment"), [1, 1, 1], [threads, 1, 1], 0, stream, &[address])
    }

    /// Queues a kernel with 64-bit arguments.
    pub fn launch(
        &self,
        kernel: u64,
        [gx, gy, gz]: [u32; 3],
        [bx, by, bz]: [u32; 3],
        shared: u32,
        stream: u64,
        arguments: &[u64],
    ) -> u32 {
        let mut pointers: Vec<Pointer> = arguments.iter().map(|word| (&raw const *word).cast_mut().cast()).collect();
        let extra = std::ptr::null_mut();
        let arguments = if pointers.is_empty() { extra } else { pointers.as_mut_ptr() };
        unsafe { (self.cu.cuLaunchKernel)(kernel, gx, gy, gz, bx, by, bz, shared, stream, arguments, extra) }
    }

    pub fn fill(&self, address: u64, word: u32, words: usize, stream: u64) {
        assert_eq!(unsafe { (self.cu.cuMemsetD32Async)(address, word, words, stream) }, 0);
    }

    /// Reads words when all that was queued is done.
    pub fn read(&self, address: u64, words: usize) -> Vec<u32> {
        let mut to = vec![0u32; words];
        unsafe {
            assert_eq!((self.cu.cuCtxSynchronize)(), 0);
            assert_eq!((self.cu.cuMemcpyDtoH_v2)(to.as_mut_ptr().cast(), address, 4 * words), 0);
        }
        to
    }
}
