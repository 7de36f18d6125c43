//! Arrays, textures and surfaces: what programs do with them, and what they do wrong.

use std::ffi::c_void;

use crate::interface::{Gpu, made};
use crate::process::{tells, told};

/// What a newer NVRTC than this driver's wrote, though nothing in it is newer.
fn kernels() -> Gpu {
    let text = include_str!("../../../ptx/tests/machine/texts/textures.ptx");
    Gpu::open_with(&text.replace(".version 9.5", ".version 9.0"))
}

/// `CU_AD_FORMAT_UNSIGNED_INT8`, `CU_AD_FORMAT_FLOAT`
const BYTES: u64 = 1;
const FLOATS: u64 = 0x20;

/// A pointer to a structure as cuda.h lays it out.
fn words<T>(words: &[T]) -> *const c_void {
    words.as_ptr().cast()
}

/// `CUDA_ARRAY3D_DESCRIPTOR`
fn descriptor(size: [u64; 3], format: u64, channels: u64, flags: u64) -> [u64; 5] {
    [size[0], size[1], size[2], format | channels << 32, flags]
}

/// `CUDA_RESOURCE_DESC`: its kind and first words.
fn resource<const N: usize>(given: [u64; N]) -> [u64; 18] {
    std::array::from_fn(|at| given.get(at).copied().unwrap_or(0))
}

/// `CUDA_TEXTURE_DESC`: a rule for all axes, filter, flags; levels up to 9.
fn sampling(rule: u32, filter: u32, flags: u32) -> [u32; 26] {
    let mut all = [0; 26];
    all[..5].copy_from_slice(&[rule, rule, rule, filter, flags]);
    all[9] = 9f32.to_bits();
    all
}

// SAFETY of what follows: structures are as cuda.h lays them out, and memory that they name is there, or refused.
impl Gpu {
    fn array(&self, descriptor: [u64; 5]) -> u64 {
        made(|to| unsafe { (self.cu.cuArray3DCreate_v2)(to, words(&descriptor)) })
    }

    fn texture(&self, resource: [u64; 18], sampling: [u32; 26]) -> u64 {
        made(|to| unsafe { (self.cu.cuTexObjectCreate)(to, words(&resource), words(&sampling), std::ptr::null()) })
    }

    /// Copies values, of which `size` says how many there are along each axis, into an array (`CUDA_MEMCPY3D`).
    fn put<T>(&self, array: u64, values: &[T], size: [u64; 3]) {
        let row = size[0] * size_of::<T>() as u64;
        let from = [0, 0, 0, 0, 1, values.as_ptr() as u64, 0, 0, 0, row, size[1]];
        let to = [0, 0, 0, 0, 3, 0, 0, array, 0, 0, 0];
        let copy = [&from[..], &to, &[row, size[1], size[2]]].concat();
        unsafe { assert_eq!((self.cu.cuMemcpy3D_v2)(words(&copy)), 0) };
    }

    fn destroy(&self, arrays: &[u64], textures: &[u64], surfaces: &[u64]) {
        unsafe {
            textures.iter().for_each(|texture| assert_eq!((self.cu.cuTexObjectDestroy)(*texture), 0));
            surfaces.iter().for_each(|surface| assert_eq!((self.cu.cuSurfObjectDestroy)(*surface), 0));
            arrays.iter().for_each(|array| assert_eq!((self.cu.cuArrayDestroy)(*array), 0));
        }
    }
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_samples() {
    let gpu = kernels();
    // 8 columns, 4 rows: as an array, and as rows in ordinary memory, 64 bytes apart.
    let values: Vec<f32> = (0..32).map(|at| (16 * (at % 8) + 4 * (at / 8)) as f32).collect();
    let array = made(|to| unsafe { (gpu.cu.cuArrayCreate_v2)(to, words(&[8, 4, FLOATS | 1 << 32])) });
    gpu.put(array, &values, [8, 4, 1]);
    let (rows, line, out) = (gpu.alloc(256), gpu.alloc(320), gpu.alloc(256));
    // CUDA_MEMCPY2D, from the array to memory.
    let copy = [0, 0, 3, 0, 0, array, 0, 0, 0, 2, 0, rows, 0, 64, 32, 4];
    unsafe { assert_eq!((gpu.cu.cuMemcpy2D_v2)(words(&copy)), 0) };
    let texels: Vec<[f32; 4]> = (0..20).map(|at| [0.0, at as f32, 0.0, 0.0]).collect();
    unsafe { assert_eq!((gpu.cu.cuMemcpyHtoDAsync_v2)(line, texels.as_ptr().cast(), 320, 0), 0) };
    let plane = gpu.texture(resource([0, array]), sampling(1, 1, 0));
    let pitched = gpu.texture(resource([3, rows, FLOATS | 1 << 32, 8, 4, 64]), sampling(1, 1, 0));
    let row = gpu.texture(resource([2, line, FLOATS | 4 << 32, 320]), sampling(0, 0, 0));
    for texture in [plane, pitched] {
        assert_eq!(gpu.launch(gpu.kernel("sample"), [1; 3], [32, 1, 1], 0, 0, &[texture, row, out]), 0);
        for (thread, found) in gpu.read(out, 64).chunks(2).enumerate() {
            let column = (thread as f32 * 0.5 - 0.5).clamp(0.0, 7.0);
            let beside = if thread < 20 { thread as f32 } else { 0.0 };
            assert_eq!([found[0], found[1]].map(f32::from_bits), [16.0 * column + 6.0, beside]);
        }
    }
    gpu.destroy(&[array], &[plane, pitched, row], &[]);
    unsafe { [rows, line, out].iter().for_each(|memory| assert_eq!((gpu.cu.cuMemFree_v2)(*memory), 0)) };
    gpu.close();
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_turns_a_surface() {
    let gpu = kernels();
    let (width, rows) = (30u32, 7u32);
    let texels: Vec<[u8; 4]> = (0..210).map(|at| [(at % 30 + 1) as u8, (at / 30) as u8, 3, 4]).collect();
    let made_so = descriptor([30, 7, 0], BYTES, 4, 2);
    let [from, to] = [gpu.array(made_so), gpu.array(made_so)];
    let mut told = [0u64; 5];
    unsafe { assert_eq!((gpu.cu.cuArray3DGetDescriptor_v2)(told.as_mut_ptr().cast(), from), 0) };
    assert_eq!(told, made_so);
    gpu.put(from, &texels, [30, 7, 1]);
    let surfaces = [from, to]
        .map(|array| made(|surface| unsafe { (gpu.cu.cuSurfObjectCreate)(surface, words(&resource([0, array]))) }));
    let outside = gpu.alloc(1024);
    let arguments = [surfaces[0], surfaces[1], width.into(), outside];
    assert_eq!(gpu.launch(gpu.kernel("turn"), [1; 3], [32, 8, 1], 0, 0, &arguments), 0);
    let mut turned = vec![[0u8; 4]; 210];
    let copy = [0, 0, 3, 0, 0, to, 0, 0, 0, 1, turned.as_mut_ptr() as u64, 0, 0, 0, 120, 7];
    unsafe { assert_eq!((gpu.cu.cuMemcpy2D_v2)(words(&copy)), 0) };
    for (at, texel) in turned.iter().enumerate() {
        let (x, y) = (at as u32 % width, at as u32 / width);
        assert_eq!(*texel, [(width - x) as u8, y as u8, 3, 4]);
    }
    assert_eq!(gpu.read(outside, 256).iter().sum::<u32>(), 256 - width * rows);
    gpu.destroy(&[from, to], &[], &surfaces);
    unsafe { assert_eq!((gpu.cu.cuMemFree_v2)(outside), 0) };
    gpu.close();
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_has_one_of_each() {
    let gpu = kernels();
    let values: Vec<f32> = (0..96).map(|at| (1000 * (at / 16) + 10 * (at / 4 % 4) + at % 4) as f32).collect();
    let sizes = [([4, 4, 3], 1), ([4, 4, 4], 0), ([4, 4, 6], 4)];
    let arrays = sizes.map(|(size, flags)| {
        let array = gpu.array(descriptor(size, FLOATS, 1, flags));
        gpu.put(array, &values, size);
        array
    });
    let size = descriptor([4, 4, 0], FLOATS, 1, 0);
    let mipmaps = made(|to| unsafe { (gpu.cu.cuMipmappedArrayCreate)(to, words(&size), 9) });
    for level in 0..3 {
        let array = made(|to| unsafe { (gpu.cu.cuMipmappedArrayGetLevel)(to, mipmaps, level) });
        let side = 4 >> level;
        gpu.put(array, &vec![level as f32; side * side], [side as u64, side as u64, 1]);
    }
    let [layers, solid] = [arrays[0], arrays[1]].map(|array| gpu.texture(resource([0, array]), sampling(1, 0, 0)));
    let cube = gpu.texture(resource([0, arrays[2]]), sampling(1, 0, 2));
    let levels = gpu.texture(resource([1, mipmaps]), sampling(0, 0, 2));
    let out = gpu.alloc(24);
    assert_eq!(gpu.launch(gpu.kernel("all"), [1; 3], [1; 3], 0, 0, &[layers, solid, cube, levels, out]), 0);
    let found: Vec<f32> = gpu.read(out, 6).into_iter().map(f32::from_bits).collect();
    assert_eq!(found, [2001.0, 2001.0, 3022.0, 1.0, 2.0, 0.0]);
    // A line of three texels, written and read by bytes.
    let row = made(|to| unsafe { (gpu.cu.cuArrayCreate_v2)(to, words(&[3, 0, FLOATS | 1 << 32])) });
    let mut back = [0f32; 2];
    unsafe {
        assert_eq!((gpu.cu.cuMemcpyHtoA_v2)(row, 0, words(&[1f32, 2.0, 3.0]), 12), 0);
        assert_eq!((gpu.cu.cuMemcpyAtoH_v2)(back.as_mut_ptr().cast(), row, 4, 8), 0);
        assert_eq!(back, [2.0, 3.0]);
        gpu.destroy(&[arrays[0], arrays[1], arrays[2], row], &[layers, solid, cube, levels], &[]);
        assert_eq!((gpu.cu.cuMipmappedArrayDestroy)(mipmaps), 0);
        assert_eq!((gpu.cu.cuMemFree_v2)(out), 0);
    }
    gpu.close();
}

#[test]
fn textures_and_surfaces_are_used_and_given_back() {
    for name in ["child_samples", "child_turns_a_surface", "child_has_one_of_each"] {
        let strict = [("WARPTAPE_DRIVER_STRICT", "1")];
        assert_eq!(told(&format!("textures::{name}"), &strict), [""; 0]);
    }
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn child_misuses_textures() {
    let gpu = kernels();
    let cu = &gpu.cu;
    let make = |size, format, channels, flags| {
        let given = descriptor(size, format, channels, flags);
        unsafe { (cu.cuArray3DCreate_v2)(&mut 0, words(&given)) }
    };
    assert_eq!(make([4, 4, 0], FLOATS, 3, 0), 1);
    assert_eq!(make([4, 4, 5], FLOATS, 1, 4), 1);
    assert_eq!(make([4, 5, 6], FLOATS, 1, 4), 1);
    assert_eq!(make([4, 0, 2], FLOATS, 1, 0), 1);
    assert_eq!(make([4, 70_000, 0], FLOATS, 1, 0), 1);
    assert_eq!(make([4, 4, 0], 0xB0, 1, 0), 801);
    assert_eq!(make([4, 4, 0], FLOATS, 1, 16), 801);
    let array = gpu.array(descriptor([4, 4, 0], BYTES, 1, 0));
    let texture = |resource: [u64; 18], sampling: [u32; 26]| unsafe {
        (cu.cuTexObjectCreate)(&mut 0, words(&resource), words(&sampling), std::ptr::null())
    };
    assert_eq!(texture(resource([0, array + 16]), sampling(1, 0, 0)), 400);
    assert_eq!(texture(resource([0, array]), sampling(1, 1, 1)), 1);
    assert_eq!(texture(resource([0, array]), sampling(4, 0, 1)), 1);
    assert_eq!(texture(resource([7, array]), sampling(1, 0, 1)), 1);
    let memory = gpu.alloc(256);
    assert_eq!(texture(resource([2, memory + 64, FLOATS | 1 << 32, 64]), sampling(1, 0, 1)), 1);
    assert_eq!(texture(resource([2, memory, FLOATS | 1 << 32, 512]), sampling(1, 0, 1)), 1);
    assert_eq!(texture(resource([3, memory, FLOATS | 1 << 32, 8, 4, 40]), sampling(1, 0, 1)), 1);
    let surface = unsafe { (cu.cuSurfObjectCreate)(&mut 0, words(&resource([0, array]))) };
    assert_eq!(surface, 1);
    // Five bytes of a row of four.
    assert_eq!(unsafe { (cu.cuMemcpyHtoA_v2)(array, 0, words(&[0u8; 5]), 5) }, 1);
    assert_eq!(unsafe { (cu.cuTexObjectDestroy)(99) }, 1);
    // A texture of an array that is no more.
    let floats = gpu.array(descriptor([4, 4, 0], FLOATS, 1, 0));
    let late = gpu.texture(resource([0, floats]), sampling(1, 0, 0));
    gpu.destroy(&[floats], &[], &[]);
    assert_eq!(unsafe { (cu.cuArrayDestroy)(floats) }, 400);
    assert_eq!(gpu.launch(gpu.kernel("sample"), [1; 3], [32, 1, 1], 0, 0, &[late, late, memory]), 0);
    assert_eq!(unsafe { (cu.cuCtxSynchronize)() }, 700);
}

#[test]
fn every_misuse_of_textures_is_a_line() {
    let lines = [
        "3 channels, where texels have 1, 2 or 4",
        "has no six faces of each cube",
        "has faces that are no squares",
        "has planes without rows",
        "leaves the sizes from [1, 0, 0] to [131072, 65536, 0]",
        "the array format 0xb0 is not there",
        "arrays with flags 0x10 are not there",
        "is no array",
        "a linear filter of U8, which are read as integers",
        "there is no address mode 4",
        "there is no kind 7 of resources",
        "is no multiple of 512",
        "512 bytes at 0x",
        "4 rows of 32 bytes, 40 bytes apart, where multiples of 32 are wanted",
        "the array was made without CUDA_ARRAY3D_SURFACE_LDST",
        "[5, 1, 1] at [0, 0, 0] of an array of [4, 4, 1] with texels of 1 bytes",
        "0x63 is no texture, or it was destroyed",
        "was destroyed",
        "which was freed",
        "at the end",
    ];
    tells("textures::child_misuses_textures", &[], &lines);
}
