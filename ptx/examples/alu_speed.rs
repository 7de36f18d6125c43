//! Nanoseconds that instructions take for a warp, at each level that this processor has: `cargo run --release -p warptape-ptx
//! --example alu_speed [NAME…]`.

use std::time::Instant;
use warptape_ptx::alu::find;
use warptape_ptx::lane::{Isa, Operands, Place};

#[repr(align(64))]
struct Registers([u32; 1024]);

const NAMES: &[&str] = &[
    "fma.rn.f32",
    "fma.rn.ftz.f32",
    "fma.rm.f32",
    "add.f32",
    "add.ftz.f32",
    "div.rn.f32",
    "sqrt.rn.f32",
    "ex2.approx.ftz.f32",
    "lg2.approx.f32",
    "sin.approx.f32",
    "tanh.approx.f32",
    "max.f32",
    "fma.rn.f64",
    "mad.lo.s32",
    "mad.wide.s32",
    "mul.hi.u32",
    "add.s32",
    "add.s64",
    "div.u32",
    "rem.s64",
    "shl.b32",
    "shf.l.wrap.b32",
    "lop3.b32",
    "prmt.b32",
    "bfe.u32",
    "popc.b32",
    "setp.lt.s32",
    "setp.lt.and.f32",
    "setp.ge.s64",
    "selp.f32",
    "mov.b32",
    "mov.b64",
    "and.pred",
    "add.f16x2",
    "fma.rn.f16x2",
    "fma.rn.bf16x2",
    "cvt.f32.f16",
    "cvt.rn.f16.f32",
    "cvt.rn.bf16x2.f32",
    "cvt.rn.f32.s32",
    "cvt.rzi.s32.f32",
    "cvt.u64.u32",
    "cvt.rp.f16.f32",
    "add.rp.f64",
    "add.cc.u32",
    "madc.hi.cc.u32",
];

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let names = if asked.is_empty() { NAMES.iter().map(|name| name.to_string()).collect() } else { asked };
    let levels = match Isa::detect() {
        Isa::Base => vec![Isa::Base],
        Isa::Avx2 => vec![Isa::Base, Isa::Avx2],
        Isa::Avx512 => vec![Isa::Base, Isa::Avx2, Isa::Avx512],
    };
    println!(
        "{:24}{}",
        "ns per warp",
        levels.iter().map(|isa| format!("{:>10}", format!("{isa:?}"))).collect::<String>()
    );
    for name in names {
        let times = levels.iter().map(|&isa| format!("{:10.2}", time(isa, &name))).collect::<String>();
        println!("{name:24}{times}");
    }
}

/// Nanoseconds of one instruction whose operands lie in the first-level cache.
fn time(isa: Isa, name: &str) -> f64 {
    let parts: Vec<&str> = name.split('.').collect();
    let Some(found) = (1..=6).find_map(|operands| find(isa, &parts, operands, false)) else { return f64::NAN };
    let mut registers = Box::new(Registers([0x3f80_0001; 1024]));
    let mut operands = Operands { control: found.control, ..Operands::default() };
    for (at, slot) in found.slots.iter().enumerate() {
        let field = match slot.place {
            Place::D => &mut operands.d,
            Place::P | Place::Carry => &mut operands.p,
            Place::A => &mut operands.a,
            Place::B => &mut operands.b,
            Place::C => &mut operands.c,
            Place::E => &mut operands.e,
            Place::F => &mut operands.f,
        };
        *field = 128 * at as u32;
    }
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let begun = Instant::now();
        for _ in 0..20_000 {
            // SAFETY: operands lie apart in registers that are aligned and long enough.
            unsafe { std::hint::black_box(found.run)(registers.0.as_mut_ptr(), u32::MAX, &operands) };
        }
        best = best.min(begun.elapsed().as_nanos() as f64 / 20_000.0);
    }
    best
}
