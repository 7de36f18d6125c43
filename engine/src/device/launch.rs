//! What a launch is told besides its kernel: the geometry and the arguments.

/// One kernel argument. Pointers are device addresses; the tree's kernels take `int` for sizes, `float` for scalars.
#[derive(Clone, Copy, Debug)]
pub enum Arg {
    /// A device address for a pointer parameter; 0 is null.
    Ptr(u64),
    /// The address of a tensor's elements for a pointer parameter; see [`Tensor::arg`](crate::Tensor::arg).
    Tensor {
        /// The first element's.
        address: u64,
        /// The number of the tensor's device: no other launches a kernel with it.
        device: u64,
    },
    /// An `int`: sizes and flags. Also any smaller integer, `bool` and `char` among them, whose value it has.
    I32(i32),
    /// An `unsigned`, or a smaller integer likewise.
    U32(u32),
    /// A 64-bit integer of either sign, by its bits, or a device address.
    U64(u64),
    /// A `float`.
    F32(f32),
    /// A `double`.
    F64(f64),
    /// A struct of ints, passed by value; the kernel's may be shorter.
    Ints([i32; 16]),
}

impl Default for Arg {
    /// A null pointer.
    fn default() -> Self {
        Arg::Ptr(0)
    }
}

impl Arg {
    /// Where the argument's value lies, as `cuLaunchKernel` wants it. A kernel whose parameter is smaller than an `I32` reads
    /// the first bytes of it, which on a little-endian machine, as all are that CUDA runs on, are the small integer.
    pub fn pointer(&self) -> *mut std::ffi::c_void {
        match self {
            Arg::Ptr(v) | Arg::U64(v) | Arg::Tensor { address: v, .. } => v as *const u64 as *mut _,
            Arg::I32(v) => v as *const i32 as *mut _,
            Arg::U32(v) => v as *const u32 as *mut _,
            Arg::F32(v) => v as *const f32 as *mut _,
            Arg::F64(v) => v as *const f64 as *mut _,
            Arg::Ints(v) => v as *const [i32; 16] as *mut _,
        }
    }
}

impl From<i32> for Arg {
    fn from(v: i32) -> Self {
        Arg::I32(v)
    }
}
impl From<f32> for Arg {
    fn from(v: f32) -> Self {
        Arg::F32(v)
    }
}
impl From<f64> for Arg {
    fn from(v: f64) -> Self {
        Arg::F64(v)
    }
}
impl From<u32> for Arg {
    fn from(v: u32) -> Self {
        Arg::U32(v)
    }
}
impl From<u64> for Arg {
    fn from(v: u64) -> Self {
        Arg::U64(v)
    }
}

/// Threads of a block, and bytes of its dynamic shared memory, at most.
const MAX_THREADS: usize = 1024;
const MAX_SHARED: u32 = 227 * 1024;
/// Blocks of a grid, and threads of a block, along each axis at most.
const MAX_GRID: [u32; 3] = [i32::MAX as u32, 65535, 65535];
const MAX_BLOCK: [u32; 3] = [1024, 1024, 64];

/// Refuses arguments that do not fit parameters of so many bytes: a driver would read beyond them, and the kernel take sizes for
/// addresses.
pub(super) fn accepts(parameters: &[usize], args: &[Arg]) -> Result<(), String> {
    if parameters.len() != args.len() {
        return Err(format!("takes {} arguments and was given {}", parameters.len(), args.len()));
    }
    let fits = |arg: &Arg, size: usize| match arg {
        Arg::Ptr(_) | Arg::Tensor { .. } | Arg::U64(_) | Arg::F64(_) => size == 8,
        // Of a smaller integer the kernel reads the first bytes (see `Arg::pointer`).
        Arg::I32(_) | Arg::U32(_) => size <= 4,
        Arg::F32(_) => size == 4,
        Arg::Ints(ints) => size <= size_of_val(ints),
    };
    match args.iter().zip(parameters).position(|(arg, &size)| !fits(arg, size)) {
        Some(i) => Err(format!("argument {i} has {} bytes there and is {:?}", parameters[i], args[i])),
        None => Ok(()),
    }
}

/// Launch geometry: blocks in the grid, threads in a block (x, y, z), bytes of dynamic shared memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Blocks along x, y, z; a 0 among them makes [`Device::launch`](super::Device::launch) do nothing.
    pub grid: [u32; 3],
    /// Threads of a block along x, y, z; 1 to 1024 in all.
    pub block: [u32; 3],
    /// Bytes of dynamic shared memory per block (`extern __shared__`), beside what the kernel declares itself.
    pub shared: u32,
}

impl Geometry {
    /// A one-dimensional launch without dynamic shared memory.
    pub fn linear(blocks: usize, threads: usize) -> Self {
        Self { grid: [blocks as u32, 1, 1], block: [threads as u32, 1, 1], shared: 0 }
    }

    /// A launch over a `x × y × z` grid of one-dimensional blocks.
    pub fn grid(x: usize, y: usize, z: usize, threads: usize) -> Self {
        Self { grid: [x as u32, y as u32, z as u32], block: [threads as u32, 1, 1], shared: 0 }
    }

    /// Refuses blocks that no device has.
    pub(super) fn fits_a_block(&self) -> Result<(), String> {
        let (threads, shared) = (self.threads(), self.shared);
        if threads == 0 || threads > MAX_THREADS {
            return Err(format!("a block has 1 to {MAX_THREADS} threads, not {threads}"));
        }
        if shared > MAX_SHARED {
            return Err(format!("{shared} bytes of shared memory, at most {MAX_SHARED} exist"));
        }
        Ok(())
    }

    /// Refuses what no GPU can launch (CUDA Programming Guide, Compute Capabilities).
    pub(super) fn fits_a_gpu(&self) -> Result<(), String> {
        self.fits_a_block()?;
        let Self { grid, block, .. } = self;
        let beyond = |size: &[u32; 3], most: [u32; 3]| (0..3).any(|axis| size[axis] > most[axis]);
        if beyond(grid, MAX_GRID) {
            return Err(format!("a grid has at most {MAX_GRID:?} blocks along its axes, not {grid:?}"));
        }
        if beyond(block, MAX_BLOCK) {
            return Err(format!("a block has at most {MAX_BLOCK:?} threads along its axes, not {block:?}"));
        }
        Ok(())
    }

    /// Number of blocks.
    pub fn blocks(&self) -> usize {
        self.grid.iter().map(|&d| d as usize).product()
    }

    /// Threads per block.
    pub fn threads(&self) -> usize {
        self.block.iter().map(|&d| d as usize).product()
    }
}
