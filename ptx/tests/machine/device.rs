//! A device that kernels of a PTX text run on, with buffers of any type.

use warptape_ptx::lane::Isa;
use warptape_ptx::memory::{Holds, Memory};
use warptape_ptx::program::Program;
use warptape_ptx::run::{Fault, Launch, Order, launch};
use warptape_ptx::texture::Object;
use warptape_ptx::watch::Watch;

/// Memory and the loaded text.
pub struct Device {
    memory: Memory,
    program: Program,
}

/// How many threads, and how they run.
#[derive(Clone, Copy)]
pub struct Shape {
    pub grid: [u32; 3],
    pub block: [u32; 3],
    pub cluster: [u32; 3],
    pub shared: u32,
    pub workspace: u64,
    pub order: Order,
}

/// A launch of so many blocks of so many threads.
pub fn shape(grid: [u32; 2], threads: u32, order: Order) -> Shape {
    Shape { grid: [grid[0], grid[1], 1], block: [threads, 1, 1], cluster: [1; 3], shared: 0, workspace: 0, order }
}

impl Device {
    pub fn new(text: &str) -> Self {
        let mut memory = Memory::new().unwrap();
        let program = Program::load(text, &mut memory, Isa::detect());
        let program = program.unwrap_or_else(|(line, why)| {
            panic!("line {line}: {why}: {}", text.lines().nth(line.saturating_sub(1) as usize).unwrap_or(""))
        });
        Self { memory, program }
    }

    /// A buffer with these values: its address.
    pub fn buffer<T: Copy>(&mut self, values: &[T]) -> u64 {
        let address = self.memory.allocate(size_of_val(values), Holds::Buffer).unwrap();
        // SAFETY: the buffer was just allocated for as many.
        unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), address as *mut T, values.len()) };
        address
    }

    /// The handle of a texture or surface.
    pub fn object(&mut self, object: Object) -> u64 {
        self.memory.objects.add(object)
    }

    /// Ends a handle.
    pub fn destroy(&mut self, handle: u64) {
        self.memory.objects.remove(handle).unwrap();
    }

    pub fn free(&mut self, address: u64) {
        self.memory.free(address);
    }

    pub fn read<T: Copy>(&self, address: u64, count: usize) -> Vec<T> {
        assert!(self.memory.allows(address, (count * size_of::<T>()) as u64, false));
        // SAFETY: within a buffer.
        unsafe { std::slice::from_raw_parts(address as *const T, count) }.to_vec()
    }

    /// Runs a kernel with parameters, each as its bytes.
    pub fn run(&self, kernel: &str, shape: Shape, params: &[&[u8]]) -> Result<(), Fault> {
        self.run_watched(kernel, shape, params, None)
    }

    /// Likewise, while somebody watches.
    pub fn run_watched(
        &self,
        kernel: &str,
        shape: Shape,
        params: &[&[u8]],
        watch: Option<&mut dyn Watch>,
    ) -> Result<(), Fault> {
        let number = self.program.kernel(kernel).unwrap();
        let places = self.program.params(number);
        assert_eq!(places.len(), params.len(), "parameters of {kernel}");
        let mut all = vec![0; places.last().map_or(0, |last| last.offset + last.bytes)];
        for (place, param) in places.iter().zip(params) {
            all[place.offset..][..place.bytes].copy_from_slice(param);
        }
        let Shape { grid, block, cluster, shared, workspace, order } = shape;
        let (memory, program) = (&self.memory, &self.program);
        let what = Launch {
            memory,
            program,
            kernel: number,
            grid,
            block,
            cluster,
            shared,
            workspace,
            params: &all,
            order,
            cores: 2,
        };
        launch(&what, watch).map(|_| ()).map_err(|fault| *fault)
    }
}
