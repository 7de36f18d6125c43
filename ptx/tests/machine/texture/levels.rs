//! Mipmaps: which level is taken, and what is asked of it.

use warptape_ptx::texture::{Array, Format, Geometry, Sampler};

use super::{Words, device, floats, level, run, texture, words};
use crate::device::Device;

/// Levels of 16, 8, 4 and 2 texels each way, which hold 0, 256, 512, 768.
fn mipmaps(device: &mut Device) -> Array {
    let levels = (0..4).map(|at| level(device, 1, [16 >> at, 16 >> at, 1], 1, |_, _| vec![256.0 * at as f32]));
    Array { format: Format::F32, channels: 1, geometry: Geometry::Plane, layers: 1, levels: levels.collect() }
}

/// What is read in units of levels, with `given` as the words from the fifth on.
fn levels(instruction: &str, sampler: Sampler, given: &[Words]) -> Vec<f32> {
    let mut device = device(instruction);
    let array = mipmaps(&mut device);
    let handle = texture(&mut device, &array, sampler);
    run(&mut device, handle, given).unwrap().iter().map(|texel| f32::from_bits(texel[0]) / 256.0).collect()
}

const LEVEL: &str = "tex.level.2d.v4.f32.f32 {%d0, %d1, %d2, %d3}, [%t, {%c0, %c1}], %e0;";
const GRADIENT: &str = "tex.grad.2d.v4.f32.f32 {%d0, %d1, %d2, %d3}, [%t, {%c0, %c1}], {%e0, %e1}, {%e2, %e3};";

fn normalized() -> Sampler {
    Sampler { normalized: true, ..Sampler::default() }
}

#[test]
fn levels_are_rounded_mixed_and_bounded() {
    let wanted = [-1.0, 0.0, 0.5, 0.51, 1.5, 1.75, 2.99, 9.0];
    let given = wanted.map(|level| floats([0.3, 0.6, 0.0, 0.0, level]));
    assert_eq!(levels(LEVEL, normalized(), &given), [0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 3.0, 3.0]);
    let mixing = Sampler { mixes_levels: true, linear: true, ..normalized() };
    // In 256ths of a level: 0.51 is 131 of them, and 2.99 is 2 and 253.
    let mixed = [0.0, 0.0, 0.5, 131.0 / 256.0, 1.5, 1.75, 2.0 + 253.0 / 256.0, 3.0];
    assert_eq!(levels(LEVEL, mixing, &given), mixed);
    let bounded = Sampler { level_bias: -0.5, level_range: [0.75, 2.25], ..mixing };
    assert_eq!(levels(LEVEL, bounded, &given), [0.75, 0.75, 0.75, 0.75, 1.0, 1.25, 2.25, 2.25]);
    // Without a level there is the first.
    let plain = "tex.2d.v4.f32.f32 {%d0, %d1, %d2, %d3}, [%t, {%c0, %c1}];";
    assert_eq!(levels(plain, bounded, &given[..1]), [0.0]);
}

#[test]
fn gradients_choose_by_the_longer_one() {
    // A texel is a 16th: steps of 1, 2, 4 texels, along x, along y, and aslant.
    let step = |right: [f32; 2], down: [f32; 2]| {
        floats([0.3, 0.6, 0.0, 0.0, right[0] / 16.0, right[1] / 16.0, down[0] / 16.0, down[1] / 16.0])
    };
    let given = [
        step([1.0, 0.0], [0.0, 1.0]),
        step([2.0, 0.0], [0.0, 1.0]),
        step([1.0, 0.0], [0.0, -4.0]),
        step([2.4, 3.2], [0.0, 0.0]),
        step([0.0, 0.0], [0.0, 0.0]),
        step([64.0, 0.0], [0.0, 0.0]),
    ];
    assert_eq!(levels(GRADIENT, normalized(), &given), [0.0, 1.0, 2.0, 2.0, 0.0, 3.0]);
    let mixing = Sampler { mixes_levels: true, ..normalized() };
    let slope = step([3.0, 0.0], [0.0, 0.0]);
    assert_eq!(levels(GRADIENT, mixing, &[slope]), [1.0 + (0.584_962_5f32 * 256.0).round() / 256.0]);
}

#[test]
fn textures_tell_what_they_are() {
    use warptape_ptx::texture::Addressing;
    let mut device = device(
        "txq.width.b32 %d0, [%t]; txq.level.height.b32 %d1, [%t], %c0; txq.num_mipmap_levels.b32 %d2, [%t];
         txq.normalized_coords.b32 %d3, [%t]; txq.filter_mode.b32 %e0, [%t]; mad.lo.u32 %d3, %e0, 10, %d3;
         txq.addr_mode_0.b32 %e0, [%t]; mad.lo.u32 %d3, %e0, 100, %d3; txq.addr_mode_1.b32 %e0, [%t];
         mad.lo.u32 %d3, %e0, 1000, %d3; txq.addr_mode_2.b32 %e0, [%t]; mad.lo.u32 %d3, %e0, 10000, %d3;",
    );
    let array = mipmaps(&mut device);
    let addressing = [Addressing::Mirror, Addressing::Border, Addressing::Clamp];
    let handle = texture(&mut device, &array, Sampler { linear: true, addressing, ..normalized() });
    assert_eq!(run(&mut device, handle, &[words([2])]).unwrap(), [[16, 4, 4, 34_111]]);
    assert!(run(&mut device, handle, &[words([4])]).unwrap_err().contains("asks for level 4 of a texture of 4"));
}
