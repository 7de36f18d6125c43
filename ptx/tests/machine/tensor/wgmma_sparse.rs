//! `wgmma.mma_async.sp` against a plain loop over what is there of A, with metadata where CuTe's layouts have them.

use warptape_ptx::lane::Isa;
use warptape_ptx::tensor::Lanes;
use warptape_ptx::tensor::swizzle::Swizzle;
use warptape_ptx::tensor::wgmma::{Descriptor, Major, Operand, Sums};

use super::Random;
use super::sparse::place_of;
use super::swizzle::SWIZZLES;
use super::wgmma::{Case, PLAIN, hold, named};

/// Multiplies with random metadata, in all places that the selector can name.
fn check(name: &str, case: Case) {
    let instruction = named(Isa::detect(), &format!("sp.{name}")).unwrap_or_else(|| panic!("{name} is not found"));
    let sparse = instruction.sparse.unwrap();
    let (bits, k) = (instruction.a.bits(), instruction.shape.k);
    let mut random = Random(77);
    for selector in 0..if bits >= 16 { 2 } else { 1 } {
        // Metadata of lanes that do not count are noise.
        let mut metadata: [Lanes; 4] = std::array::from_fn(|_| std::array::from_fn(|_| random.word()));
        let (wide, there) = if bits == 32 { (2, 1) } else { (4, 2) };
        let mut places = vec![0; 64 * k / 2];
        for (row, chunk) in (0..64).flat_map(|row| (0..k / wide).map(move |chunk| (row, chunk))) {
            let first = random.next() as usize % 4;
            let second = (first + 1 + random.next() as usize % 3) % 4;
            // One of two is named by its halves of 16 bits.
            let two = if bits == 32 { [first / 2 * 2, first / 2 * 2 + 1] } else { [first, second] };
            let (lane, bit) = place_of(bits, k, row % 16, chunk, selector);
            let word = &mut metadata[row / 16][lane];
            *word = *word & !(15 << bit) | ((two[0] | two[1] << 2) as u32) << bit;
            for index in 0..there {
                let place = if bits == 32 { first / 2 } else { two[index] };
                places[row * k / 2 + chunk * there + index] = chunk * wide + place;
            }
        }
        let meets = metadata.map(|words| sparse.meets(&words, selector as u32).unwrap());
        hold(name, instruction, case, Some(meets.each_ref()), |row, at| places[row * k / 2 + at]);
    }
}

#[test]
fn every_layout_gives_the_product() {
    let wide = [Swizzle::None, Swizzle::B64, Swizzle::B128];
    for swizzle in wide {
        for name in
            ["m64n8k16.f32.tf32.tf32", "m64n40k64.f32.e4m3.e5m2", "m64n48k64.s32.s8.u8", "m64n72k64.f16.e5m2.e5m2"]
        {
            check(name, Case { swizzle, ..PLAIN });
            check(name, Case { swizzle, registers: true, ..PLAIN });
        }
    }
    for swizzle in SWIZZLES {
        for (a_major, b_major) in
            [(Major::K, Major::K), (Major::K, Major::Mn), (Major::Mn, Major::K), (Major::Mn, Major::Mn)]
        {
            // Columns of B have 64 bytes along k, which 32-byte swizzles do not hold.
            if b_major == Major::K && !wide.contains(&swizzle) {
                continue;
            }
            for name in ["m64n64k32.f32.f16.f16", "m64n128k32.f32.bf16.bf16", "m64n256k32.f16.f16.f16"] {
                check(name, Case { swizzle, a_major, b_major, ..PLAIN });
            }
            check("m64n192k32.f32.f16.f16", Case { swizzle, b_major, registers: true, ..PLAIN });
        }
    }
    let sums = Sums { add: false, negate: true };
    check("m64n24k32.f32.f16.f16", Case { sums, ..PLAIN });
    check("m64n16k64.s32.u8.u8.satfinite", PLAIN);
}

#[test]
fn what_is_no_instruction_is_not_found() {
    for name in [
        "sp.m64n8k16.f32.f16.f16",
        "sp.m64n8k8.f32.tf32.tf32",
        "sp.m64n8k32.f16.bf16.bf16",
        "sp.m64n8k32.s32.s8.s8",
        "sp.m64n40k64.s32.s8.s8",
        "sp.m64n8k512.s32.b1.b1.and.popc",
        "m64n8k32.f32.f16.f16",
    ] {
        assert_eq!(named(Isa::Base, name), None, "{name}");
    }
}

#[test]
fn rows_that_a_swizzle_does_not_hold_are_refused() {
    let descriptor = Descriptor { start: 0, leading: 16, stride: 256, base: 0, swizzle: Swizzle::B32 };
    let element = named(Isa::Base, "sp.m64n8k32.f32.f16.f16").unwrap().b;
    let refused = Operand::new(descriptor.encode(), element, Major::K, 8, 64).unwrap_err();
    assert!(refused.contains("begins 0 bytes into a row of a 32-byte swizzle needs 64 bytes"), "{refused}");
}
