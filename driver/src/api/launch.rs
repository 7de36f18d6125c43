//! Launches (`cuda.h`: "Execution Control").

use std::ffi::c_void;

use super::In;
use crate::state::Driver;
use crate::state::enter::in_context;
use crate::state::limits::Wanted;
use crate::state::work::{Launch, Work};
use crate::status::{Answer, Status, wrong};

/// Arguments, in either form.
struct Arguments {
    /// A pointer for each parameter.
    params: In<*const c_void>,
    /// Words that lead to a buffer of all parameters.
    extra: In<usize>,
}

/// `CU_LAUNCH_PARAM_END`, `CU_LAUNCH_PARAM_BUFFER_POINTER`, `CU_LAUNCH_PARAM_BUFFER_SIZE`
const END: usize = 0;
const BUFFER: usize = 1;
const SIZE: usize = 2;

impl Arguments {
    /// The parameters of a kernel that has them at these offsets with these sizes, as they are now.
    fn read(&self, params: &[(usize, usize)]) -> Answer<Vec<u8>> {
        let bytes = params.iter().map(|(offset, bytes)| offset + bytes).max().unwrap_or(0);
        let mut all = vec![0u8; bytes];
        if !self.extra.is_null() {
            if !self.params.is_null() {
                return wrong(Status::INVALID_VALUE, "arguments both as kernelParams and as extra");
            }
            let buffer = self.buffer(bytes)?;
            // SAFETY: the program's promise: a buffer of as many bytes as it says, which are enough.
            unsafe { std::ptr::copy_nonoverlapping(buffer as *const u8, all.as_mut_ptr(), bytes) };
            return Ok(all);
        }
        if self.params.is_null() && !params.is_empty() {
            return wrong(Status::INVALID_VALUE, format!("no arguments for {} parameters", params.len()));
        }
        for (index, (offset, bytes)) in params.iter().enumerate() {
            let from = self.params.nth(index)?;
            if from.is_null() {
                let count = params.len();
                return wrong(Status::INVALID_VALUE, format!("a null pointer as argument {index} of {count}"));
            }
            // SAFETY: the program's promise: a value of the parameter's size.
            unsafe { std::ptr::copy_nonoverlapping(from.cast(), all[*offset..].as_mut_ptr(), *bytes) };
        }
        Ok(all)
    }

    /// The buffer that `extra` leads to, which must have `bytes` bytes.
    fn buffer(&self, bytes: usize) -> Answer<usize> {
        let (mut buffer, mut size, mut at) = (0, None, 0);
        loop {
            match self.extra.nth(at)? {
                END => break,
                BUFFER => buffer = self.extra.nth(at + 1)?,
                SIZE => size = Some(In(self.extra.nth(at + 1)? as *const usize).get()?),
                word => return wrong(Status::INVALID_VALUE, format!("extra has the word {word}, which means nothing")),
            }
            at += 2;
        }
        match size {
            // A structure of parameters may end with padding.
            Some(given) if given == bytes || given == bytes.next_multiple_of(8) => {}
            Some(given) => {
                return wrong(Status::INVALID_VALUE, format!("{given} bytes of arguments for {bytes} of parameters"));
            }
            None => return wrong(Status::INVALID_VALUE, "extra has no size"),
        }
        if buffer == 0 && bytes > 0 {
            return wrong(Status::INVALID_VALUE, "extra has no buffer");
        }
        Ok(buffer)
    }
}

fn launch(
    driver: &mut Driver,
    context: u64,
    function: u64,
    wanted: &Wanted,
    stream: u64,
    arguments: &Arguments,
    by: &'static str,
) -> Answer {
    let stream = driver.stream(context, stream)?;
    if driver.function(function)?.context != context {
        return wrong(Status::INVALID_HANDLE, "the function belongs to another context");
    }
    driver.check_launch(function, wanted)?;
    let found = driver.function(function)?;
    let (module, kernel, name) = (found.loaded.clone(), found.kernel, found.name.to_string_lossy().into_owned());
    let places: Vec<_> = module.program.params(kernel).iter().map(|param| (param.offset, param.bytes)).collect();
    let params = arguments.read(&places)?;
    // A kernel may write page-locked memory that it is given.
    for word in params.chunks_exact(8) {
        let address = u64::from_le_bytes(word.try_into().unwrap_or_default());
        let start = driver.allocations.page_locked(address).map(|(start, _)| start);
        if let Some(found) = start.and_then(|start| driver.allocations.at(start)) {
            found.in_kernels = true;
        }
    }
    let Wanted { grid, block, shared, cluster, .. } = *wanted;
    let launch = Launch { module, kernel, name, grid, block, cluster, shared, params };
    driver.queue(stream, Work::Launch(Box::new(launch)), by)?;
    driver.outcome(context)
}

#[unsafe(no_mangle)]
extern "C" fn cuLaunchKernel(
    function: u64,
    grid_x: u32,
    grid_y: u32,
    grid_z: u32,
    block_x: u32,
    block_y: u32,
    block_z: u32,
    shared: u32,
    stream: u64,
    params: In<*const c_void>,
    extra: In<usize>,
) -> u32 {
    let (grid, block) = ([grid_x, grid_y, grid_z], [block_x, block_y, block_z]);
    let wanted = Wanted { grid, block, shared, cluster: [1; 3], cooperative: false };
    let (by, arguments) = ("cuLaunchKernel", Arguments { params, extra });
    in_context(by, |driver, context| launch(driver, context, function, &wanted, stream, &arguments, by))
}

#[unsafe(no_mangle)]
extern "C" fn cuLaunchCooperativeKernel(
    function: u64,
    grid_x: u32,
    grid_y: u32,
    grid_z: u32,
    block_x: u32,
    block_y: u32,
    block_z: u32,
    shared: u32,
    stream: u64,
    params: In<*const c_void>,
) -> u32 {
    let (grid, block) = ([grid_x, grid_y, grid_z], [block_x, block_y, block_z]);
    let wanted = Wanted { grid, block, shared, cluster: [1; 3], cooperative: true };
    let (by, arguments) = ("cuLaunchCooperativeKernel", Arguments { params, extra: In(std::ptr::null()) });
    in_context(by, |driver, context| launch(driver, context, function, &wanted, stream, &arguments, by))
}

/// `CUlaunchConfig`
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Config {
    pub grid: [u32; 3],
    pub block: [u32; 3],
    pub shared: u32,
    stream: u64,
    attributes: *const Attribute,
    count: u32,
}

/// `CUlaunchAttribute`: what it is about, and a value of up to 64 bytes.
#[derive(Clone, Copy)]
#[repr(C)]
struct Attribute {
    id: u32,
    pad: u32,
    value: [u32; 16],
}

impl Config {
    /// What the launch asks for with its attributes. Of these, several only say how fast something may be.
    pub fn wanted(&self) -> Answer<Wanted> {
        let mut wanted =
            Wanted { grid: self.grid, block: self.block, shared: self.shared, cluster: [1; 3], cooperative: false };
        for index in 0..self.count as usize {
            let Attribute { id, value, .. } = In(self.attributes).nth(index)?;
            match id {
                // COOPERATIVE, CLUSTER_DIMENSION
                2 => wanted.cooperative = value[0] != 0,
                4 => wanted.cluster = [value[0], value[1], value[2]],
                // PROGRAMMATIC_EVENT, LAUNCH_COMPLETION_EVENT, DEVICE_UPDATABLE_KERNEL_NODE
                7 | 12 | 13 => return Err(Status::NOT_SUPPORTED.into()),
                0..=16 => {}
                _ => return wrong(Status::INVALID_VALUE, format!("there is no attribute {id} of launches")),
            }
        }
        Ok(wanted)
    }
}

#[unsafe(no_mangle)]
extern "C" fn cuLaunchKernelEx(config: In<Config>, function: u64, params: In<*const c_void>, extra: In<usize>) -> u32 {
    let (by, arguments) = ("cuLaunchKernelEx", Arguments { params, extra });
    in_context(by, |driver, context| {
        let config = config.get()?;
        launch(driver, context, function, &config.wanted()?, config.stream, &arguments, by)
    })
}
