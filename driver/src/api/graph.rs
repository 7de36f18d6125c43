//! Captures and graphs (`cuda.h`: "Stream Management", "Graph Management"). Graphs come from captures; those that programs put
//! together node by node are not there.

use std::ffi::c_void;

use super::Out;
use super::copy::watched;
use crate::state::Driver;
use crate::state::capture::exchange_mode;
use crate::state::enter::{call, in_context};
use crate::state::work::{Source, Work};
use crate::status::{Answer, Status, wrong};

/// Functions of so many words that are not supported.
macro_rules! unsupported {
    ($($name:ident($($arg:ident),*))*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $name($($arg: *mut c_void),*) -> u32 {
            _ = ($($arg,)*);
            in_context(stringify!($name), |_, _| Err(Status::NOT_SUPPORTED.into()))
        }
    )*};
}

unsupported! {
    cuGraphCreate(graph, flags)
    cuStreamAttachMemAsync(stream, address, bytes, flags)
    cuImportExternalMemory(memory, description)
    cuExternalMemoryGetMappedBuffer(address, memory, description)
    cuDestroyExternalMemory(memory)
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamBeginCapture_v2(stream: u64, mode: u32) -> u32 {
    in_context("cuStreamBeginCapture", |driver, context| {
        let stream = driver.stream(context, stream)?;
        driver.begin_capture(context, stream, mode)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamEndCapture(stream: u64, graph: Out<u64>) -> u32 {
    in_context("cuStreamEndCapture", |driver, context| {
        let stream = driver.stream(context, stream)?;
        graph.put(0)?;
        graph.put(driver.end_capture(stream)?)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamIsCapturing(stream: u64, status: Out<u32>) -> u32 {
    in_context("cuStreamIsCapturing", |driver, context| {
        let stream = driver.stream(context, stream)?;
        status.put(driver.capture_status(stream).0)
    })
}

fn info(stream: u64, status: &Out<u32>, id: &Out<u64>, more: &[*const c_void]) -> u32 {
    in_context("cuStreamGetCaptureInfo", |driver, context| {
        let stream = driver.stream(context, stream)?;
        let (found, number) = driver.capture_status(stream);
        status.put(found)?;
        id.offer(number);
        // A graph that is not whole yet is nobody's.
        if found == 1 && more.iter().any(|out| !out.is_null()) {
            return Err(Status::NOT_SUPPORTED.into());
        }
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamGetCaptureInfo(stream: u64, status: Out<u32>, id: Out<u64>) -> u32 {
    info(stream, &status, &id, &[])
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamGetCaptureInfo_v2(
    stream: u64,
    status: Out<u32>,
    id: Out<u64>,
    graph: *const c_void,
    dependencies: *const c_void,
    count: *const c_void,
) -> u32 {
    info(stream, &status, &id, &[graph, dependencies, count])
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamGetCaptureInfo_v3(
    stream: u64,
    status: Out<u32>,
    id: Out<u64>,
    graph: *const c_void,
    dependencies: *const c_void,
    edges: *const c_void,
    count: *const c_void,
) -> u32 {
    info(stream, &status, &id, &[graph, dependencies, edges, count])
}

#[unsafe(no_mangle)]
extern "C" fn cuThreadExchangeStreamCaptureMode(mode: Out<u32>) -> u32 {
    call("cuThreadExchangeStreamCaptureMode", |_| mode.put(exchange_mode(mode.get()?)?))
}

/// `CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH`, `_USE_NODE_PRIORITY`: without memory of its own and priorities a graph is
/// the same.
const KNOWN: u64 = 1 | 8;

fn instantiate(exec: &Out<u64>, graph: u64, flags: u64) -> u32 {
    in_context("cuGraphInstantiate", |driver, _| match flags & !KNOWN {
        0 => exec.put(driver.instantiate(graph)?),
        _ => Err(Status::NOT_SUPPORTED.into()),
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuGraphInstantiateWithFlags(exec: Out<u64>, graph: u64, flags: u64) -> u32 {
    instantiate(&exec, graph, flags)
}

/// What `cuGetProcAddress` gives programs since CUDA 12.
#[unsafe(no_mangle)]
extern "C" fn cuGraphInstantiate(exec: Out<u64>, graph: u64, flags: u64) -> u32 {
    instantiate(&exec, graph, flags)
}

/// How many nodes there are; their handles are nobody's.
#[unsafe(no_mangle)]
extern "C" fn cuGraphGetNodes(graph: u64, nodes: *const c_void, count: Out<usize>) -> u32 {
    in_context("cuGraphGetNodes", |driver, _| match nodes.is_null() {
        true => count.put(driver.graph(graph)?.nodes.len()),
        false => Err(Status::NOT_SUPPORTED.into()),
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuGraphUpload(exec: u64, stream: u64) -> u32 {
    in_context("cuGraphUpload", |driver, context| {
        driver.stream(context, stream)?;
        match driver.execs.contains_key(&exec) {
            true => Ok(()),
            false => wrong(Status::INVALID_VALUE, format!("{exec:#x} is no executable graph that lives")),
        }
    })
}

/// What page-locked memory holds when a graph is launched is what its copy must find.
fn prepare(driver: &Driver, work: &mut Work) {
    if let Work::Copy(copy) = work
        && let Source::Memory(from) = copy.from
    {
        copy.digest = watched(driver, from, copy.shape.span(copy.from_pitch));
    }
}

#[unsafe(no_mangle)]
extern "C" fn cuGraphLaunch(exec: u64, stream: u64) -> u32 {
    in_context("cuGraphLaunch", |driver, context| {
        let stream = driver.stream(context, stream)?;
        driver.launch_graph(exec, stream, prepare)?;
        driver.outcome(context)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuGraphExecDestroy(exec: u64) -> u32 {
    in_context("cuGraphExecDestroy", |driver, _| driver.end_exec(exec))
}

#[unsafe(no_mangle)]
extern "C" fn cuGraphDestroy(graph: u64) -> u32 {
    in_context("cuGraphDestroy", |driver, _| -> Answer {
        driver.graph(graph)?;
        driver.graphs.remove(&graph);
        Ok(())
    })
}

/// `CUgraphExecUpdateResultInfo`
#[repr(C)]
struct Updated {
    result: u32,
    node: u64,
    from: u64,
}

#[unsafe(no_mangle)]
extern "C" fn cuGraphExecUpdate_v2(exec: u64, graph: u64, info: Out<Updated>) -> u32 {
    /// `CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED`
    const CHANGED: u32 = 2;
    in_context("cuGraphExecUpdate", |driver, _| {
        let same = driver.update(exec, graph)?;
        info.offer(Updated { result: if same { 0 } else { CHANGED }, node: 0, from: 0 });
        if same { Ok(()) } else { Err(Status::GRAPH_EXEC_UPDATE_FAILURE.into()) }
    })
}
