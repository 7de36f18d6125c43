//! A few results that can be read off the manual.

use super::warp::{Warp, lane, levels};
use warptape_ptx::lane::LANES;

fn f(value: f32) -> u64 {
    value.to_bits() as u64
}

#[test]
fn integers() {
    assert_eq!(lane("add.sat.s32", &[0x7fff_ffff, 1]), [0x7fff_ffff]);
    assert_eq!(lane("mul.hi.s32", &[0xffff_ffff, 0xffff_ffff]), [0]);
    assert_eq!(lane("mul.wide.u16", &[0xffff, 0xffff]), [0xfffe_0001]);
    assert_eq!(lane("mad.wide.s32", &[0xffff_ffff, 5, 3]), [0xffff_ffff_ffff_fffe]);
    assert_eq!(lane("div.s32", &[0x8000_0000, 0xffff_ffff]), [0x8000_0000]);
    assert_eq!(lane("div.u32", &[7, 0]), [0xffff_ffff]);
    assert_eq!(lane("rem.s16", &[0xfff9, 2]), [0xffff]);
    assert_eq!(lane("shr.s16", &[0x8000, 99]), [0xffff]);
    assert_eq!(lane("shl.b64", &[1, 64]), [0]);
    assert_eq!(lane("shf.l.wrap.b32", &[0x8000_0000, 1, 33]), [3]);
    assert_eq!(lane("shf.r.clamp.b32", &[1, 2, 40]), [2]);
    assert_eq!(lane("lop3.b32", &[0xff00_ff00, 0xffff_0000, 0x0f0f_0f0f, 0xe8]), [0xff0f_0f00]);
    assert_eq!(lane("prmt.b32", &[0x0302_0180, 0x0706_0504, 0x8765]), [0xff07_0605]);
    assert_eq!(lane("bfind.s64", &[u64::MAX]), [0xffff_ffff]);
    assert_eq!(lane("bfe.s32", &[0x0000_0080, 4, 4]), [0xffff_fff8]);
    assert_eq!(lane("bfi.b32", &[0xff, 0, 8, 4]), [0x0f00]);
}

#[test]
fn floats() {
    assert_eq!(lane("add.f32", &[f(1.0), f(2.0)]), [f(3.0)]);
    assert_eq!(lane("add.f32", &[f(f32::INFINITY), f(f32::NEG_INFINITY)]), [0x7fff_ffff]);
    assert_eq!(lane("add.rp.f32", &[f(1.0), 1]), [0x3f80_0001]);
    assert_eq!(lane("add.rm.f32", &[f(1.0), f(-1.0)]), [0x8000_0000]);
    assert_eq!(lane("fma.rn.ftz.sat.f32", &[f(2.0), f(2.0), 1]), [f(1.0)]);
    assert_eq!(lane("mul.f16x2", &[0x3c00_4000, 0x4200_4200]), [0x4200_4600]);
    assert_eq!(lane("fma.rn.bf16", &[0x3f80, 0x3f80, 0x3f80]), [0x4000]);
    assert_eq!(lane("min.NaN.f32", &[f(1.0), 0x7fc0_0000]), [0x7fff_ffff]);
    assert_eq!(lane("max.f32", &[0x8000_0000, 0]), [0]);
    assert_eq!(lane("cvt.rni.s32.f32", &[f(2.5)]), [2]);
    assert_eq!(lane("cvt.rzi.s64.f32", &[0x7fc0_0000]), [1 << 63]);
    assert_eq!(lane("cvt.sat.u8.s32", &[300]), [255]);
    assert_eq!(lane("cvt.s8.s32", &[0x80]), [0xff80]);
    assert_eq!(lane("ex2.approx.ftz.f32", &[f(3.0)]), [f(8.0)]);
}

#[test]
fn predicates() {
    assert_eq!(lane("setp.gt.s32", &[1, 0xffff_ffff]), [1]);
    assert_eq!(lane("setp.lt.u32", &[1, 0xffff_ffff]), [1]);
    assert_eq!(lane("setp.ltu.f32", &[f(2.0), 0x7fc0_0000]), [1]);
    assert_eq!(lane("set.ne.and.f32.s32", &[1, 2, 1]), [f(1.0)]);
    assert_eq!(lane("selp.b64", &[1, 2, 0]), [2]);
    assert_eq!(lane("add.cc.u32", &[0xffff_ffff, 1, 0]), [0, 1]);
    assert_eq!(lane("subc.cc.u32", &[0, 0, 1]), [0xffff_ffff, 1]);
}

#[test]
fn lanes_outside_the_mask_stay() {
    for isa in levels() {
        for name in ["add.f32", "add.f64", "add.f16x2", "setp.lt.f32", "mad.wide.s32", "cvt.rp.f16.f32", "add.cc.u32"] {
            let mut warp = Warp::of(isa, name);
            let sources = warp.sources();
            for lane in 0..LANES {
                for &at in &sources {
                    warp.set(at, lane, 0x3c00_3c00_3c00_3c00);
                }
                warp.set(0, lane, 1 - (lane as u64 & 1));
            }
            let mask = 0xf0f1_8001u32;
            let before: Vec<u64> = (0..LANES).map(|lane| warp.get(0, lane)).collect();
            warp.run(mask);
            let after: Vec<u64> = (0..LANES).map(|lane| warp.get(0, lane)).collect();
            for lane in (0..LANES).filter(|lane| mask >> lane & 1 == 0) {
                assert_eq!(before[lane], after[lane], "{name} lane {lane} {isa:?}");
            }
            assert_eq!(after[0], after[31], "{name} {isa:?}");
        }
    }
}

#[test]
fn a_destination_may_be_a_source() {
    for isa in levels() {
        for (name, value) in
            [("sub.s32", 3), ("mul.wide.u32", 3), ("add.cc.u64", 3), ("selp.f32", 3), ("prmt.b32", 0x3210)]
        {
            let mut apart = Warp::of(isa, name);
            let mut shared = Warp::of(isa, name);
            let source = (1..apart.found.slots.len())
                .find(|&at| apart.found.slots[at].width == apart.found.slots[0].width)
                .unwrap_or(0);
            if source > 0 {
                shared.share(0, source);
            }
            for warp in [&mut apart, &mut shared] {
                for at in warp.sources() {
                    for lane in 0..LANES {
                        warp.set(at, lane, value + lane as u64 * (at as u64 + 1));
                    }
                }
                warp.run(u32::MAX);
            }
            for lane in 0..LANES {
                assert_eq!(apart.get(0, lane), shared.get(0, lane), "{name} lane {lane} {isa:?}");
            }
        }
    }
}
