//! Names of instructions: those of the manual's examples and of compilers are known, and nothing in a name is passed over.

use super::warp::named;
use warptape_ptx::alu::{Written, find, find_video};
use warptape_ptx::lane::Isa;

#[rustfmt::skip]
const KNOWN: &[&str] = &[
    "abs.bf16x2", "abs.f64", "abs.ftz.f16", "abs.s32", "add.bf16x2", "add.cc.s64", "add.cc.u32", "add.f32.f16",
    "add.f32.rn", "add.f64", "add.rn.bf16", "add.rn.f32x2", "add.rn.ftz.f16x2", "add.rz.f32", "add.rz.sat.f32.bf16",
    "add.sat.f16", "add.sat.s32", "add.u16x2", "add.u32", "addc.cc.u32", "addc.u32", "and.b16", "and.b32",
    "and.pred", "bfe.u64", "bfi.b32", "bfi.b64", "bfind.s32", "bfind.shiftamt.s64", "bfind.u32", "bmsk.clamp.b32",
    "bmsk.wrap.b32", "brev.b32", "brev.b64", "clz.b32", "clz.b64", "cnot.b32", "cnot.b64", "copysign.f32",
    "copysign.f64", "cos.approx.ftz.f32", "cvt.bf16.u64.rz", "cvt.f32.bf16", "cvt.f32.f32", "cvt.f64.bf16.rp",
    "cvt.f64.f32", "cvt.ftz.f32.bf16", "cvt.ftz.f32.f32", "cvt.ftz.sat.f32.f16", "cvt.pack.sat.s16.s32",
    "cvt.pack.sat.s4.s32.b32", "cvt.pack.sat.u8.s32.b32", "cvt.rm.f64.s64", "cvt.rmi.f32.f32", "cvt.rn.bf16.f16",
    "cvt.rn.bf16.f32", "cvt.rn.bf16.s32", "cvt.rn.bf16x2.ue8m0x2", "cvt.rn.f16.f64", "cvt.rn.f16x2.e2m3x2",
    "cvt.rn.f16x2.e4m3x2", "cvt.rn.f16x2.e5m2x2", "cvt.rn.f32.s32", "cvt.rn.ftz.f16.f32", "cvt.rn.relu.bf16x2.f32",
    "cvt.rn.relu.f16.f32", "cvt.rn.relu.f16x2.e2m1x2", "cvt.rn.relu.f16x2.e3m2x2",
    "cvt.rn.relu.satfinite.e5m2x2.f16x2", "cvt.rn.relu.satfinite.f16x2.f32", "cvt.rn.relu.tf32.f32",
    "cvt.rn.satfinite.e2m1x2.f32", "cvt.rn.satfinite.e2m3x2.f32", "cvt.rn.satfinite.e4m3x2.f32",
    "cvt.rn.satfinite.relu.e3m2x2.f32", "cvt.rn.satfinite.relu.e4m3x2.f32", "cvt.rn.satfinite.tf32.f32",
    "cvt.rna.satfinite.tf32.f32", "cvt.rna.tf32.f32", "cvt.rni.f32.f32", "cvt.rni.ftz.s32.f32", "cvt.rni.s16.f16",
    "cvt.rp.f16.u16", "cvt.rp.ue8m0x2.bf16x2", "cvt.rpi.ftz.f32.f32", "cvt.rs.f16x2.f32",
    "cvt.rs.relu.satfinite.bf16x2.f32", "cvt.rz.bf16.f64", "cvt.rz.f16x2.f32",
    "cvt.rz.f32.u64", "cvt.rz.relu.tf32.f32", "cvt.rz.satfinite.bf16x2.f32", "cvt.rz.satfinite.ue8m0x2.f32",
    "cvt.rzi.f64.f64", "cvt.rzi.s32.f32", "cvt.rzi.u32.bf16", "cvt.rzi.u64.f64", "cvt.s64.s32", "cvt.s8.bf16.rpi",
    "cvt.s8.s32", "cvt.sat.f32.f32", "cvt.sat.s8.s32", "cvt.sat.u16.s16", "cvt.u32.u16", "cvt.u8.u32",
    "div.approx.f32", "div.full.ftz.f32", "div.rn.f64", "div.rp.ftz.f32", "div.s32", "dp2a.hi.s32.s32",
    "dp2a.hi.u32.s32", "dp2a.lo.u32.u32", "dp4a.s32.u32", "dp4a.u32.s32", "dp4a.u32.u32", "ex2.approx.f16x2",
    "ex2.approx.ftz.bf16", "ex2.approx.ftz.f32", "fma.rn.bf16", "fma.rn.f16", "fma.rn.f32.f16", "fma.rn.f64",
    "fma.rn.ftz.f32", "fma.rn.ftz.relu.f16", "fma.rn.oob.bf16x2", "fma.rn.oob.relu.f16",
    "fma.rn.relu.bf16x2", "fma.rn.relu.f16x2", "fma.rn.sat.f16x2",
    "fma.rp.ftz.f32x2", "fns.b32", "lg2.approx.ftz.f32", "lop3.and.b32", "lop3.b32", "lop3.or.b32", "mad.hi.cc.s32",
    "mad.hi.sat.s32", "mad.lo.cc.u32", "mad.lo.s32", "mad.rn.f32", "mad.rn.f64", "mad.rz.ftz.sat.f32",
    "mad.wide.s16", "mad.wide.u32", "mad24.hi.sat.s32", "mad24.lo.s32", "madc.hi.cc.u32", "madc.hi.u32",
    "madc.lo.cc.u64", "max.NaN.bf16x2", "max.f64", "max.relu.s16x2", "max.s32", "max.u16x2", "max.u32",
    "max.xorsign.abs.bf16", "min.NaN.f16", "min.ftz.NaN.xorsign.abs.f32", "min.relu.s32", "min.s16x2.relu",
    "min.s32", "min.s64", "min.u16", "min.xorsign.abs.f16x2", "mov.b128", "mov.b16", "mov.f32", "mov.f64",
    "mov.pred", "mov.s32", "mov.u16", "mov.u32", "mov.u64", "mul.f16", "mul.ftz.sat.f16x2", "mul.hi.s64",
    "mul.hi.u32", "mul.lo.s16", "mul.lo.u32", "mul.rm.ftz.sat.f32", "mul.rn.bf16", "mul.wide.s16", "mul.wide.s32",
    "mul.wide.u16", "mul24.lo.s32", "neg.bf16", "neg.bf16x2", "neg.f16", "neg.ftz.f16x2", "neg.ftz.f32", "neg.s32",
    "not.b16", "not.b32", "not.pred", "or.b32", "or.b64", "or.pred", "popc.b32", "popc.b64", "prmt.b32",
    "prmt.b32.ecl", "prmt.b32.f4e", "prmt.b32.rc16", "prmt.f4e.b32", "rcp.approx.ftz.f32", "rcp.approx.ftz.f64",
    "rcp.rn.f64", "rcp.rn.ftz.f32", "rcp.rz.f32", "rem.s32", "rsqrt.approx.f64", "rsqrt.approx.ftz.f32",
    "rsqrt.approx.ftz.f64", "sad.s32", "sad.u32", "selp.b16", "selp.f32", "selp.f64", "selp.s32", "set.eq.bf16.f32",
    "set.eq.u32.u32", "set.gtu.xor.ftz.u16.f16", "set.le.f16x2.f16x2", "set.lt.and.f32.s32", "set.lt.f16.f32",
    "set.ne.u32.bf16x2", "setp.eq.b16", "setp.eq.u32", "setp.geu.ftz.f32", "setp.gt.and.ftz.f16", "setp.hs.u64",
    "setp.le.bf16", "setp.lt.and.s32", "setp.nan.f64", "setp.ne.or.b64", "setp.s32.lt", "shf.l.clamp.b32",
    "shf.r.wrap.b32", "shl.b16", "shr.s64", "shr.u16", "sin.approx.ftz.f32", "slct.f32.f32", "slct.ftz.u64.f32",
    "slct.s64.s32", "slct.u32.s32", "sqrt.approx.ftz.f32", "sqrt.rm.ftz.f32", "sqrt.rn.f64", "sqrt.rn.ftz.f32",
    "sub.cc.u32", "sub.f16x2", "sub.f32.bf16", "sub.rn.bf16x2", "sub.s32", "subc.cc.u32", "subc.u32",
    "szext.clamp.s32", "szext.wrap.u32", "tanh.approx.bf16x2", "tanh.approx.f16", "tanh.approx.f32",
    "testp.infinite.f64", "testp.notanumber.f32", "testp.subnormal.f64", "vabsdiff.s32.s32.s32.sat",
    "vabsdiff4.u32.u32.u32.add", "vadd.s32.u32.s32.sat", "vadd2.s32.s32.u32.sat", "vadd4.s32.s32.u32.sat",
    "vavrg4.u32.u32.u32.add", "vmad.s32.s32.u32.sat", "vmad.u32.u32.u32.po.sat.shr7", "vmad.u32.u32.u32.shr15",
    "vmax4.s32.s32.s32", "vmin.s32.s32.s32.sat.add", "vmin2.s32.u32.u32.add", "vmin4.s32.u32.u32.add",
    "vset.s32.u32.lt", "vset.u32.u32.ne", "vset2.s32.u32.lt", "vset2.u32.u32.ne.add", "vset4.s32.u32.lt",
    "vset4.u32.u32.ge.add", "vshl.s32.u32.u32.clamp", "vshl.u32.u32.u32.sat.wrap.max", "vshr.u32.u32.u32.wrap",
    "vsub.s32.s32.u32.sat", "vsub2.s32.s32.s32.sat", "vsub4.s32.s32.s32.sat", "xor.b16", "xor.b32", "xor.pred",
];

fn is_known(name: &str) -> bool {
    named(Isa::Base, name).is_some()
}

#[test]
fn known_names_are_found() {
    let missing: Vec<_> = KNOWN.iter().filter(|name| !is_known(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_part_counts() {
    for name in KNOWN {
        let parts: Vec<&str> = name.split('.').collect();
        for at in 1..=parts.len() {
            for more in ["volatile", "sats", "", "f33", "u128", "FTZ"] {
                let mut longer = parts.clone();
                longer.insert(at, more);
                assert!(!is_known(&longer.join(".")), "{longer:?}");
            }
        }
        // No modifier may stand twice (types may, and what one type's name is for another instruction).
        for at in 1..parts.len() - 1 {
            if parts[at].starts_with(|letter: char| "usbf".contains(letter))
                && parts[at].ends_with(|last: char| last.is_ascii_digit())
            {
                continue;
            }
            let mut twice = parts.clone();
            twice.insert(at, parts[at]);
            assert!(!is_known(&twice.join(".")), "{twice:?}");
        }
    }
}

#[test]
fn nonsense_is_nothing() {
    for name in [
        "",
        "add",
        "add.f31",
        "add.sat.u32",
        "add.ftz.f64",
        "add.ftz.bf16",
        "add.sat.bf16",
        "add.rm.f16",
        "add.rn.s32",
        "add.pred",
        "addc",
        "addc.s16",
        "sub.cc.u16",
        "mul.u32",
        "mul.s32.wide",
        "mul.wide.u64",
        "mul.lo.f32",
        "mul.lo.rn.u32",
        "mad.u32",
        "mad.lo.sat.s32",
        "mad.hi.sat.u32",
        "mad.cc.lo.u32",
        "mul24.wide.u32",
        "mul24.lo.u64",
        "fma.f32",
        "fma.rn.relu.f32",
        "fma.rna.f32",
        "fma.rm.f16",
        "fma.rn.sat.relu.f16",
        "fma.rn.sat.f64",
        "div.f32",
        "div.approx.f64",
        "div.full.rn.f32",
        "div.rn.s32",
        "rcp.full.f32",
        "rcp.f64",
        "rcp.approx.f64",
        "sqrt.approx.f64",
        "rsqrt.rn.f32",
        "sin.f32",
        "sin.approx.f64",
        "ex2.approx.bf16",
        "tanh.approx.ftz.f32",
        "tanh.f16",
        "abs.u32",
        "neg.b32",
        "abs.ftz.f64",
        "neg.ftz.bf16",
        "min.b32",
        "min.relu.u32",
        "min.xorsign.f32",
        "min.abs.f16",
        "max.NaN.f64",
        "max.ftz.bf16",
        "popc.u32",
        "clz.b16",
        "bfind.b32",
        "bfe.b32",
        "bfi.u32",
        "brev.u32",
        "dp4a.u32",
        "dp2a.u32.u32",
        "prmt.u32",
        "prmt.b32.f8e",
        "szext.u32",
        "bmsk.clamp.u32",
        "lop3.xor.b32",
        "and.u32",
        "and.f32",
        "shl.u32",
        "shl.b8",
        "shr.f32",
        "shf.l.b32",
        "shf.wrap.l.b32",
        "shf.l.wrap.b64",
        "selp.pred",
        "selp.f16",
        "slct.f32",
        "slct.ftz.f32.s32",
        "slct.f32.u32",
        "setp.s32",
        "setp.lo.s32",
        "setp.lo.f32",
        "setp.lt.b32",
        "setp.num.u32",
        "setp.lt.not.s32",
        "setp.lt.ftz.f64",
        "setp.lt.ftz.bf16",
        "set.lt.s32",
        "set.lt.f64.s32",
        "set.lt.u16.s32",
        "set.lt.f16x2.f16",
        "mov.f16",
        "mov.u8",
        "mov.v2.b32",
        "cvt.f32.f64",
        "cvt.rn.f64.f32",
        "cvt.rn.f32.f32",
        "cvt.s32.f32",
        "cvt.rn.s32.f32",
        "cvt.f32.s32",
        "cvt.rni.f32.s32",
        "cvt.rni.f32.f64",
        "cvt.ftz.f64.f64",
        "cvt.ftz.s32.s32",
        "cvt.sat.u32.u16",
        "cvt.sat.s32.s32",
        "cvt.rna.f32.f64",
        "cvt.relu.f32.f32",
        "cvt.rn.relu.f16.f64",
        "cvt.rm.relu.f16.f32",
        "cvt.rn.satfinite.f32.f64",
        "cvt.sat.bf16.bf16",
        "cvt.rn.e4m3x2.f32",
        "cvt.rn.satfinite.e4m3.f32",
        "cvt.rm.f16x2.f32",
        "cvt.rn.satfinite.f16x2.e4m3x2",
        "cvt.rna.relu.tf32.f32",
        "cvt.rn.tf32.f64",
        "cvt.rn.ue8m0x2.f32",
        "cvt.pack.u8.s32.b32",
        "cvt.pack.sat.u8.s32",
        "cvt.pack.sat.u16.s32.b32",
        "testp.f32",
        "testp.finite.f16",
        "copysign.f16",
        "vadd.u32.u32",
        "vadd.u32.u32.u32.mul",
        "vadd.u64.u32.u32",
        "vavrg.u32.u32.u32",
        "vadd2.u32.u32.u32.sat.add",
        "vadd3.u32.u32.u32",
        "vshl.u32.u32.s32.clamp",
        "vshl.u32.u32.u32",
        "vmad.u32.u32.u32.shr8",
        "vset.u32.u32",
        "ld.global.f32",
        "bra",
        "ret",
        "atom.add.u32",
        "shfl.idx.b32",
    ] {
        assert!(!is_known(name), "{name}");
    }
}

#[test]
fn operands_are_counted() {
    let parts = |name: &'static str| name.split('.').collect::<Vec<_>>();
    let known = |name, operands, pair| find(Isa::Base, &parts(name), operands, pair).is_some();
    assert!(
        known("add.f32", 3, false)
            && !known("add.f32", 2, false)
            && !known("add.f32", 4, false)
            && !known("add.f32", 3, true)
    );
    assert!(known("min.f32", 3, false) && known("min.f32", 4, false) && !known("min.f64", 4, false));
    assert!(known("setp.lt.f32", 3, false) && known("setp.lt.f32", 3, true) && !known("setp.lt.f32", 4, false));
    assert!(known("setp.lt.and.f32", 4, true) && !known("setp.lt.f16", 3, true) && !known("setp.lt.f16x2", 3, false));
    assert!(known("setp.lt.f16x2", 3, true) && known("lop3.or.b32", 6, true) && !known("lop3.or.b32", 6, false));
    assert!(known("lop3.b32", 5, false) && known("add.cc.u32", 3, false) && known("madc.lo.cc.u32", 4, false));
}

#[test]
fn selectors_are_checked() {
    let known = |name: &str, operands: &[&str]| {
        let operands: Vec<Written> = operands
            .iter()
            .map(|text| Written { selector: text.trim_start_matches('-'), negative: text.starts_with('-') })
            .collect();
        find_video(&name.split('.').collect::<Vec<_>>(), &operands).is_some()
    };
    assert!(known("vadd.u32.u32.u32", &["", "b0", "h1"]) && known("vadd.u32.u32.u32", &["b3", "b0", "h1", ""]));
    assert!(!known("vadd.u32.u32.u32", &["", "b4", ""]) && !known("vadd.u32.u32.u32", &["b3", "b0", "h1"]));
    assert!(!known("vadd.u32.u32.u32.add", &["b3", "", "", ""]) && !known("vadd.u32.u32.u32", &["", "-", ""]));
    assert!(known("vadd2.u32.u32.u32", &["h1", "h33", "h01", ""]) && !known("vadd2.u32.u32.u32", &["h01", "", "", ""]));
    assert!(!known("vadd2.u32.u32.u32", &["", "h4", "", ""]) && !known("vadd2.u32.u32.u32", &["", "b10", "", ""]));
    assert!(
        known("vadd4.u32.u32.u32", &["b310", "b7654", "b0011", ""])
            && !known("vadd4.u32.u32.u32", &["", "b8000", "", ""])
    );
    assert!(known("vmad.s32.s32.u32", &["", "-b0", "", ""]) && known("vmad.s32.s32.u32", &["", "", "", "-"]));
    assert!(!known("vmad.s32.s32.u32", &["", "-", "", "-"]) && !known("vmad.s32.s32.u32.po", &["", "", "", "-"]));
}
