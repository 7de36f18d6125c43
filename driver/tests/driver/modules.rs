//! Images: which are loaded, and which are refused.

use std::ffi::CString;

use crate::interface::{Gpu, made};
use crate::process::tells;

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_loads_images() {
    let gpu = Gpu::open();
    let load = |image: &[u8]| {
        let mut module = 0;
        // SAFETY: every image ends where it says, or with NUL.
        unsafe { (gpu.cu.cuModuleLoadData)(&mut module, image.as_ptr().cast()) }
    };
    let text = include_str!("kernels.ptx");
    let with = |from: &str, to: &str| CString::new(text.replacen(from, to, 1)).unwrap().into_bytes_with_nul();
    assert_eq!(load(b"no module\0"), 200);
    assert_eq!(load(&with("sm_90a", "sm_80")), 0);
    assert_eq!(load(&with("sm_90a", "sm_100")), 218);
    assert_eq!(load(&with("sm_90a", "sm_80a")), 218);
    assert_eq!(load(&with("9.0", "9.1")), 222);
    assert_eq!(load(&with("ret;", "ret.what;")), 218);
    // Containers: PTX as it is, one for a newer device before it; then only that.
    assert_eq!(load(&container(&[(120, text), (80, text)])), 0);
    assert_eq!(load(&container(&[(120, text)])), 209);
    // What CUDA 13's `fatbinary --compress-mode=speed` makes of kernels.ptx, and what it makes by default.
    for file in [include_bytes!("kernels_speed.fatbin").as_slice(), include_bytes!("kernels_default.fatbin")] {
        assert_eq!(load(file), 0);
        let mut broken = file.to_vec();
        broken[200..220].fill(0xFF);
        assert_eq!(load(&broken), 209);
    }

    let module = gpu.module;
    let (mut address, mut bytes) = (0, 0);
    // SAFETY: pointers to live values.
    unsafe {
        assert_eq!((gpu.cu.cuModuleGetFunction)(&mut 0, module, c"nothing".as_ptr()), 500);
        assert_eq!((gpu.cu.cuModuleGetGlobal_v2)(&mut address, &mut bytes, module, c"counter".as_ptr()), 0);
    }
    assert_eq!((bytes, gpu.read(address, 1)), (4, vec![7]));
    let kernel = gpu.kernel("increment");
    let version = made::<i32>(|to| unsafe { (gpu.cu.cuFuncGetAttribute)(to, 5, kernel) });
    assert_eq!(version, 90);
}

/// A fat binary of texts for architectures.
fn container(entries: &[(u32, &str)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (arch, text) in entries {
        let size = (text.len() + 1).next_multiple_of(8);
        let mut header = [0u8; 64];
        header[0] = 1;
        header[4] = 64;
        header[8..16].copy_from_slice(&(size as u64).to_le_bytes());
        header[28..32].copy_from_slice(&arch.to_le_bytes());
        body.extend_from_slice(&header);
        body.extend_from_slice(text.as_bytes());
        body.resize(body.len() + size - text.len(), 0);
    }
    let mut all = vec![0x50, 0xED, 0x55, 0xBA, 1, 0, 16, 0];
    all.extend_from_slice(&(body.len() as u64).to_le_bytes());
    all.extend(body);
    all
}

#[test]
fn images_are_loaded_or_refused_with_a_reason() {
    let lines = [
        "neither a cubin, nor a fat binary, nor PTX",
        "the module is for sm_100, and this device is sm_90",
        "the module is for sm_80a",
        "compiled by CUDA 13.1",
        "of the PTX cannot be run",
        "has nothing for sm_90",
        "compressed contents cannot be read",
        "compressed contents cannot be read",
        "at the end",
    ];
    tells("modules::child_loads_images", &[], &lines);
}
