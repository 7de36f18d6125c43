//! Copies and reductions of tensors.

use crate::device::{Device, shape};
use crate::running::ORDERS;
use warptape_ptx::run::Fault;
use warptape_ptx::tensor::map::{Encode, im2col, tiled};

/// A kernel `k(map, out)` of 32 threads with a mbarrier at `b` and 4096 bytes at `s`; at the end `out` gets the first 1024 bytes.
fn text(body: &str) -> String {
    format!(
        ".version 8.5\n.target sm_90a\n.address_size 64
        .visible .entry k(.param .align 64 .b8 map[128], .param .u64 out) {{
            .reg .pred %p<5>; .reg .b32 %r<20>; .reg .b64 %a<10>; .reg .b16 %h<3>;
            .shared .align 1024 .b8 s[4096]; .shared .align 8 .b64 b;
            mov.u32 %r1, %tid.x; mov.u32 %r2, s; mov.u32 %r3, b; mov.b64 %a0, map; cvta.param.u64 %a1, %a0; ld.param.u64 %a2, [out];
            setp.ne.u32 %p0, %r1, 0; @%p0 bra READY; mbarrier.init.shared.b64 [b], 1;
            {body}
            READY: bar.sync 0;
            WAIT: mbarrier.try_wait.parity.shared.b64 %p1, [b], 0; @!%p1 bra WAIT;
            mad.lo.u32 %r4, %r1, 32, %r2; mad.wide.u32 %a3, %r1, 32, %a2;
            ld.shared.v4.u32 {{%r5, %r6, %r7, %r8}}, [%r4]; st.global.v4.u32 [%a3], {{%r5, %r6, %r7, %r8}};
            ld.shared.v4.u32 {{%r5, %r6, %r7, %r8}}, [%r4+16]; st.global.v4.u32 [%a3+16], {{%r5, %r6, %r7, %r8}}; ret;
        }}"
    )
}

fn encode<'a>(address: u64, rank: u32, dimensions: &'a [u64], strides: &'a [u64], steps: &'a [u32]) -> Encode<'a> {
    let (data, interleave, swizzle, l2_promotion, oob_fill) = (7, 0, 0, 0, 0);
    Encode {
        data,
        rank,
        address,
        dimensions,
        strides,
        element_strides: steps,
        interleave,
        swizzle,
        l2_promotion,
        oob_fill,
    }
}

/// Floats of a tensor that hold their own number, and what the kernel leaves of 256 floats.
fn run(body: &str, count: usize, map: impl Fn(u64) -> [u8; 128]) -> Result<(Vec<f32>, Vec<f32>), Fault> {
    let mut device = Device::new(&text(body));
    let tensor: Vec<f32> = (0..count).map(|at| at as f32).collect();
    let tensor = device.buffer(&tensor);
    let out = device.buffer(&[0f32; 256]);
    device.run("k", shape([1, 1], 32, ORDERS[0]), &[&map(tensor), &out.to_le_bytes()])?;
    Ok((device.read(out, 256), device.read(tensor, count)))
}

#[test]
fn a_tile_beyond_the_edge_is_filled_with_zeros() {
    let body = "mbarrier.arrive.expect_tx.shared.b64 _, [b], 1024; mov.u32 %r10, -2; mov.u32 %r11, 17;
        cp.async.bulk.tensor.2d.shared::cta.global.tile.mbarrier::complete_tx::bytes [%r2], [%a1, {%r10, %r11}], [%r3];";
    // 20 rows of 24; the box has 32 rows of 8.
    let map = |at| tiled(&encode(at, 2, &[24, 20], &[96], &[1, 1]), &[8, 32]).unwrap().encode();
    let (out, _) = run(body, 480, map).unwrap();
    for (at, value) in out.iter().enumerate() {
        let (row, column) = (at / 8 + 17, (at % 8) as i32 - 2);
        let expected = if row < 20 && column >= 0 { row as i32 * 24 + column } else { 0 };
        assert_eq!(*value, expected as f32, "at {at}");
    }
}

#[test]
fn a_column_of_pixels() {
    let body = "mbarrier.arrive.expect_tx.shared.b64 _, [b], 1024; mov.u32 %r10, 0; mov.u32 %r11, -1; mov.u16 %h0, 2; mov.u16 %h1, 1;
        cp.async.bulk.tensor.4d.shared::cluster.global.im2col.mbarrier::complete_tx::bytes [%r2], [%a1, {%r10, %r11, %r11, %r10}], [%r3], {%h0, %h1};";
    // One image of 8 × 8 pixels and 8 channels, filter 3 × 3 with a border of 1: the filter's place (2, 1) of 32 pixels.
    let map = |at| im2col(&encode(at, 4, &[8, 8, 8, 1], &[32, 256, 2048], &[1; 4]), &[-1, -1], &[-1, -1], 8, 32);
    let (out, _) = run(body, 512, |at| map(at).unwrap().encode()).unwrap();
    for (at, value) in out.iter().enumerate() {
        let (pixel, channel) = (at / 8, at % 8);
        let (x, y) = ((pixel % 8) as i32 - 1 + 2, (pixel / 8) as i32 - 1 + 1);
        let inside = (0..8).contains(&x) && (0..8).contains(&y);
        let expected = if inside { (y * 8 + x) * 8 + channel as i32 } else { 0 };
        assert_eq!(*value, expected as f32, "at {at}");
    }
}

#[test]
fn what_is_added_to_a_tensor_stays_within_it() {
    let body = "mov.f32 %r5, 0f3F800000; mov.u32 %r6, 0; FILL: add.u32 %r7, %r2, %r6; st.shared.b32 [%r7], %r5; add.u32 %r6, %r6, 4; setp.lt.u32 %p2, %r6, 1024; @%p2 bra FILL;
        fence.proxy.async.shared::cta; mov.u32 %r10, 16; mov.u32 %r11, -30;
        cp.reduce.async.bulk.tensor.2d.global.shared::cta.add.tile.bulk_group [%a1, {%r10, %r11}], [%r2];
        cp.async.bulk.commit_group; cp.async.bulk.wait_group 0; mbarrier.arrive.shared.b64 _, [b];";
    let map = |at| tiled(&encode(at, 2, &[20, 24], &[96], &[1, 1]), &[8, 32]).unwrap().encode();
    // Rows have 24 floats, of which the map knows 20.
    let (_, tensor) = run(&body.replace("mov.f32 %r5", "mov.b32 %r5"), 576, map).unwrap();
    for (at, value) in tensor.iter().enumerate() {
        let added = at / 24 < 2 && (16..20).contains(&(at % 24));
        assert_eq!(*value, at as f32 + f32::from(u8::from(added)), "at {at}");
    }
}

#[test]
fn maps_that_do_not_fit_are_told() {
    let copy = "mov.u32 %r10, 0; cp.async.bulk.tensor.2d.shared::cta.global.tile.mbarrier::complete_tx::bytes [%r2], [%a1, {%r10, %r10}], [%r3];";
    let map = |at| tiled(&encode(at, 2, &[24, 20], &[96], &[1, 1]), &[8, 32]).unwrap().encode();
    let said = |body: &str, count, map: &dyn Fn(u64) -> [u8; 128]| run(body, count, map).unwrap_err().to_string();
    assert!(said(copy, 400, &map).contains("behind the end of its buffer"));
    assert!(said(copy, 480, &|_| [7; 128]).contains("copies a part of a tensor, but"));
    assert!(
        said(&copy.replace("mov.u32 %r10, 0;", "mov.u32 %r10, 0; add.u32 %r2, %r2, 16;"), 480, &map)
            .contains("aligned to 128")
    );
    assert!(
        said(&copy.replace("mov.u32 %r10, 0;", "mov.u32 %r10, 0; add.u64 %a1, %a1, 8;"), 480, &map)
            .contains("aligned to 64 bytes")
    );
    let three = copy.replace(".2d", ".3d").replace("{%r10, %r10}", "{%r10, %r10, %r10}");
    assert!(said(&three, 480, &map).contains("of 3 dimensions, tiled, with a map of 2, tiled"));
}

#[test]
fn a_map_is_changed_in_shared_memory_and_published() {
    // The kernel's own copy of its map gets another address, 32 floats on.
    let body = "ld.param.v2.u64 {%a4, %a5}, [map]; st.shared.v2.u64 [s+1024], {%a4, %a5}; ld.param.v2.u64 {%a4, %a5}, [map+16]; st.shared.v2.u64 [s+1040], {%a4, %a5};
        ld.param.v2.u64 {%a4, %a5}, [map+32]; st.shared.v2.u64 [s+1056], {%a4, %a5}; ld.param.v2.u64 {%a4, %a5}, [map+48]; st.shared.v2.u64 [s+1072], {%a4, %a5};
        ld.param.v2.u64 {%a4, %a5}, [map+64]; st.shared.v2.u64 [s+1088], {%a4, %a5}; ld.param.v2.u64 {%a4, %a5}, [map+80]; st.shared.v2.u64 [s+1104], {%a4, %a5};
        ld.param.v2.u64 {%a4, %a5}, [map+96]; st.shared.v2.u64 [s+1120], {%a4, %a5}; ld.param.v2.u64 {%a4, %a5}, [map+112]; st.shared.v2.u64 [s+1136], {%a4, %a5};
        ld.shared.u64 %a6, [s+1064]; add.u64 %a6, %a6, 128; add.u32 %r12, %r2, 1024; cvt.u64.u32 %a7, %r12; cvta.shared.u64 %a7, %a7;
        tensormap.replace.tile.global_address.b1024.b64 [%a7], %a6; tensormap.replace.tile.box_dim.shared::cta.b1024.b32 [%r12], 1, 16;
        mbarrier.arrive.expect_tx.shared.b64 _, [b], 512; mov.u32 %r10, 0;
        cp.async.bulk.tensor.2d.shared::cta.global.tile.mbarrier::complete_tx::bytes [%r2], [%a7, {%r10, %r10}], [%r3];";
    let map = |at| tiled(&encode(at, 2, &[24, 20], &[96], &[1, 1]), &[8, 32]).unwrap().encode();
    let (out, _) = run(body, 32 + 480, map).unwrap();
    for (at, value) in out[..128].iter().enumerate() {
        assert_eq!(*value, (32 + at / 8 * 24 + at % 8) as f32, "at {at}");
    }
}
