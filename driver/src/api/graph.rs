//! Graphs and captures (`cuda.h`: "Graph Management"): there are none, and programs are told so.

use std::ffi::c_void;

use super::Out;
use crate::state::enter::in_context;
use crate::status::Status;

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
    cuStreamBeginCapture_v2(stream, mode)
    cuStreamEndCapture(stream, graph)
    cuGraphCreate(graph, flags)
    cuGraphDestroy(graph)
    cuGraphInstantiateWithFlags(exec, graph, flags)
    cuGraphUpload(exec, stream)
    cuGraphLaunch(exec, stream)
    cuGraphExecDestroy(exec)
    cuStreamAttachMemAsync(stream, address, bytes, flags)
    cuImportExternalMemory(memory, description)
    cuExternalMemoryGetMappedBuffer(address, memory, description)
    cuDestroyExternalMemory(memory)
}

/// `CU_STREAM_CAPTURE_STATUS_NONE`
#[unsafe(no_mangle)]
extern "C" fn cuStreamIsCapturing(stream: u64, status: Out<u32>) -> u32 {
    in_context("cuStreamIsCapturing", |driver, context| {
        driver.stream(context, stream)?;
        status.put(0)
    })
}
