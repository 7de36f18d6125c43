//! What must not be done with textures, as it is told; what is not known.

use warptape_ptx::lane::Isa;
use warptape_ptx::memory::Memory;
use warptape_ptx::program::Program;
use warptape_ptx::texture::{Array, Format, Geometry, Level, Object, Sampler};

use super::{array, device, floats, run, texture, words};

const FLOATS: &str = "tex.2d.v4.f32.f32 {%d0, %d1, %d2, %d3}, [%t, {%c0, %c1}];";
const INTEGERS: &str = "tex.2d.v4.u32.f32 {%d0, %d1, %d2, %d3}, [%t, {%c0, %c1}];";

/// The fault of reading a plane of `format`.
fn fault(instruction: &str, format: Format, sampler: Sampler) -> String {
    let mut device = device(instruction);
    let array = array(&mut device, (format, 1, Geometry::Plane), [4, 4, 1], 1, |_, _| vec![0u32]);
    let handle = texture(&mut device, &array, sampler);
    run(&mut device, handle, &[floats([1.0, 1.0])]).unwrap_err()
}

#[test]
fn types_and_geometries_must_fit() {
    let usual = Sampler::default();
    let linear = Sampler { linear: true, ..usual };
    let solid = "tex.3d.v4.f32.f32 {%d0, %d1, %d2, %d3}, [%t, {%c0, %c1, %c1, %c1}];";
    let line = "tex.1d.v4.f32.s32 {%d0, %d1, %d2, %d3}, [%t, {%c0}];";
    for (instruction, format, sampler, told) in [
        (FLOATS, Format::U32, usual, "reads floats from a texture of U32 that gives integers"),
        (FLOATS, Format::S8, usual, "reads floats from a texture of S8 that gives integers"),
        (INTEGERS, Format::F32, usual, "reads integers from a texture of F32 that gives floats"),
        (
            INTEGERS,
            Format::U16,
            Sampler { as_float: true, ..usual },
            "reads integers from a texture of U16 that gives floats",
        ),
        (INTEGERS, Format::U8, linear, "mixes neighbours of a texture of U8 that gives integers"),
        (solid, Format::F32, usual, "reads a texture as Solid by floats, but it is Plane"),
        (line, Format::F32, usual, "reads a texture as Line by integers, but it is Plane"),
        ("suld.b.2d.b32.trap %d0, [%t, {%c0, %c1}];", Format::F32, usual, "which is a texture's"),
        ("txq.depth.b32 %d0, [%t];", Format::F32, usual, "asks for Size(2) of a texture that is Plane"),
        ("txq.array_size.b32 %d0, [%t];", Format::F32, usual, "asks for Layers of a texture that is Plane"),
        ("suq.width.b32 %d0, [%t];", Format::F32, usual, "asks of a surface by the handle"),
    ] {
        let why = fault(instruction, format, sampler);
        assert!(why.contains(told), "{instruction}: {why}");
    }
}

#[test]
fn handles_and_memory_must_live() {
    let mut device = device(FLOATS);
    let array = array(&mut device, (Format::F32, 1, Geometry::Plane), [4, 4, 1], 1, |_, _| vec![1f32]);
    let address = array.levels[0].address;
    let surface = device.object(Object::Surface(array.clone()));
    let (first, second) =
        (texture(&mut device, &array, Sampler::default()), texture(&mut device, &array, Sampler::default()));
    let read = |device: &mut _, handle| run(device, handle, &[floats([1.0, 1.0])]);
    assert!(read(&mut device, first).is_ok());
    assert!(read(&mut device, surface).unwrap_err().contains("which is a surface's"));
    device.destroy(first);
    assert!(read(&mut device, first).unwrap_err().contains("which was destroyed"));
    assert!(read(&mut device, 77).unwrap_err().contains("reads a texture by the handle 0x4d, which is none"));
    device.free(address);
    assert!(read(&mut device, second).unwrap_err().contains("which was freed"));
}

#[test]
fn linear_memory_is_read_by_integers_and_ends() {
    let mut device = device("tex.1d.v4.s32.s32 {%d0, %d1, %d2, %d3}, [%t, {%c0}];");
    let values: Vec<i16> = (0..50).map(|n| n - 25).collect();
    let size = [50, 1, 1];
    let levels = vec![Level { address: device.buffer(&values), size, pitch: 100, slice: 100 }];
    let array = Array { format: Format::S16, channels: 1, geometry: Geometry::Linear, layers: 1, levels };
    let handle = texture(&mut device, &array, Sampler::default());
    let given: Vec<_> = (-2..53).map(|at: i32| words([at as u32])).collect();
    let found: Vec<i32> = run(&mut device, handle, &given).unwrap().iter().map(|texel| texel[0] as i32).collect();
    let expected = (-2..53).map(|at| if (0..50).contains(&at) { at - 25 } else { 0 });
    assert_eq!(found, expected.collect::<Vec<_>>());
}

#[test]
fn what_is_not_known_is_an_error_with_its_line() {
    for instruction in [
        "tex.2dms.v4.f32.s32 {%f0, %f1, %f2, %f3}, [%t, {%r0, %r0, %r0, %r0}];",
        "tex.2d.v2.f16x2.f32 {%r0, %r1}, [%t, {%f0, %f1}];",
        "tex.2d.v4.f32.f32 {%f0, %f1, %f2, %f3}, [%t, {%f0, %f1}], %f2;",
        "tex.2d.v4.f32.f32 {%f0, %f1, %f2, %f3}, [%t, %t, {%f0, %f1}];",
        "tex.cube.v4.f32.s32 {%f0, %f1, %f2, %f3}, [%t, {%r0, %r0, %r0, %r0}];",
        "tex.2d.v4.f32.f32 {%f0, %f1, %f2, %f3}, [%t, {%f0}];",
        "tex.2d.v4.f32.f32 {%f0, %f1, %f2}, [%t, {%f0, %f1}];",
        "tex.2d.v4.f32.f32 {%f0, %f1, %f2, %f3}, [plane, {%f0, %f1}];",
        "tld4.r.3d.v4.f32.f32 {%f0, %f1, %f2, %f3}, [%t, {%f0, %f1, %f1, %f1}];",
        "txq.channel_order.b32 %r0, [%t];",
        "suld.b.cube.b32.trap %r0, [%t, {%r0, %r0}];",
        "sust.p.2d.b32.trap [%t, {%r0, %r0}], %r0;",
        "suld.b.2d.v4.b64.trap {%t, %t, %t, %t}, [%t, {%r0, %r0}];",
        "sured.b.add.2d.u32.trap [%t, {%r0, %r0}], %r0;",
    ] {
        let text = format!(
            ".version 9.0\n.target sm_90a\n.address_size 64\n.global .texref plane;\n.visible .entry k() {{\n\
             .reg .b32 %f<4>, %r<4>; .reg .b64 %t;\n{instruction}\nret; }}"
        );
        let failed = Program::load(&text, &mut Memory::new().unwrap(), Isa::detect()).map(|_| ());
        assert_eq!(failed.as_ref().map_err(|(line, _)| *line), Err(7), "{instruction}: {failed:?}");
    }
}
