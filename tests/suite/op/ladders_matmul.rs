//! The ladder of the matrix product: each rung improves on the one below in the quantity that it is about, counted by the
//! profiler with a GPU's tiles.

use warptape::device::host::Order;
use warptape::device::profiled::Profile;
use warptape::device::{Arg, Geometry, Source};
use warptape::op::entry::sources;
use warptape::op::matmul::{Form, OP, matmul};
use warptape::{DType, Device, Tape, Tensor};

use crate::device::profiler::profiled;
use crate::support::{devices, has_compiler};

/// C = A B, of which every tile is a whole one.
const SIZES: [usize; 3] = [128, 256, 64];

fn operand(device: &Device, rows: usize, columns: usize) -> Tensor {
    let values: Vec<f32> = (0..rows * columns).map(|i| (i * 37 % 11) as f32 - 5.0).collect();
    Tensor::from_slice(device, [rows, columns], &values).unwrap()
}

/// What rung `rung` does for a product of `SIZES`.
fn rung(rung: u32) -> Profile {
    let [m, n, k] = SIZES;
    let (device, profiles) = profiled(Order::Forward);
    device.choices().force("matmul_forward", Some(rung));
    matmul(&mut Tape::new(), Form::NN, &operand(&device, m, k), &operand(&device, k, n)).unwrap();
    checked(profiles.list().remove(0))
}

fn checked(profile: Profile) -> Profile {
    // The same FLOPs for all, so that ratios of counts are ratios of counts per FLOP.
    let [m, n, k] = SIZES.map(|size| size as u64);
    let operations = profile.total.operations;
    assert_eq!((operations.fused, operations.flops()), (m * n * k, 2 * m * n * k), "{}", profile.file);
    assert_eq!((profile.read, profile.written), (4 * (m * k + k * n), 4 * m * n), "{}", profile.file);
    profile
}

/// The variants of the last rung in f32 with the large tile, which only outputs of millions of elements get.
fn large_tiles() -> Vec<Source> {
    let of_f32 = |one: &Source| one.defines.iter().all(|(name, _)| name != "ELEMENT");
    let of_large =
        |one: &Source| one.file == "matmul/8_warp_tile.cu" && one.defines.get("BN") == Some(256) && of_f32(one);
    let found: Vec<_> = sources(&[&OP]).unwrap().into_iter().filter(of_large).collect();
    assert_eq!(found.len(), 6);
    found
}

fn launch(variant: &Source, [m, n, k]: [usize; 3], [a, b]: [&Tensor; 2]) -> Tensor {
    let device = a.device();
    let get = |name| variant.defines.get(name).unwrap();
    let function = device.function(&variant.file, "matmul_forward", &variant.defines).unwrap();
    let c = Tensor::zeros(device, [m, n], DType::F32).unwrap();
    let sizes = [m, n, k].map(|size| Arg::I32(size as i32));
    let args = [&[c.arg(), a.arg(), b.arg(), Arg::Ptr(0)], &sizes[..]].concat();
    let geometry = Geometry::grid(n.div_ceil(get("BN")), m.div_ceil(get("BM")), 1, get("THREADS"));
    crate::support::launch(device, &function, geometry, &args).unwrap();
    c
}

#[test]
fn each_rung_improves_its_quantity() {
    if !has_compiler() {
        return;
    }
    let rungs: Vec<Profile> = (1..=7).map(rung).collect();
    let counts = |number: usize| rungs[number - 1].total;

    // 1 to 2: sectors per request. A column of A is 32 sectors, one element of B 1; one element of A is 1, a row of B 4.
    let loads = |number| counts(number).global_loads;
    assert_eq!(2 * loads(1).transactions, (32 + 1) * loads(1).requests);
    assert_eq!(2 * loads(2).transactions, (1 + 4) * loads(2).requests);
    // 2 to 3: requests of global loads.
    assert_eq!(loads(2).requests, 32 * loads(3).requests);
    // 3 to 4: wavefronts of shared loads, 9 for 8 multiply-adds instead of 16; and half the global loads.
    let wavefronts = |number| counts(number).shared_loads.transactions;
    assert_eq!(9 * wavefronts(3), 16 * wavefronts(4));
    assert_eq!(loads(3).requests, 2 * loads(4).requests);
    assert_eq!((counts(4).shared_loads.conflicts(), counts(4).shared_stores.conflicts()), (0, 0));
    // 4 to 5: wavefronts of shared loads, a sixth: those of 16 bytes that lanes want alike are packed.
    assert_eq!(wavefronts(4), 6 * wavefronts(5));
    // 5 to 6: requests of global loads, and of stores.
    assert_eq!(loads(5).requests, 4 * loads(6).requests);
    assert_eq!(counts(5).global_stores.requests, 4 * counts(6).global_stores.requests);
    // 6 to 7: barriers.
    assert_eq!(counts(6).barriers, 2 * counts(7).barriers);
    assert_eq!(wavefronts(6), wavefronts(7));

    // 7 to 8: wavefronts of shared loads, and none of bank conflicts anywhere.
    let (device, profiles) = profiled(Order::Forward);
    let [m, n, k] = SIZES;
    launch(&large_tiles()[0], SIZES, [&operand(&device, m, k), &operand(&device, k, n)]);
    let last = checked(profiles.list().remove(0)).total;
    assert_eq!(5 * wavefronts(7), 6 * last.shared_loads.transactions);
    assert_eq!((last.shared_loads.conflicts(), last.shared_stores.conflicts()), (0, 0));
}

#[test]
fn the_large_tile_of_the_last_rung_multiplies() {
    for variant in large_tiles() {
        let get = |name| variant.defines.get(name).unwrap() != 0;
        let (turned_a, turned_b) = (get("TRANSPOSE_A"), get("TRANSPOSE_B"));
        let [m, n, k] = if variant.defines.get("GVEC") == Some(4) { [132, 260, 20] } else { [131, 259, 21] };
        for (label, device) in
            devices().into_iter().filter(|(label, _)| !label.starts_with("host ") || label.contains("GPU"))
        {
            let a = if turned_a { operand(&device, k, m) } else { operand(&device, m, k) };
            let b = if turned_b { operand(&device, n, k) } else { operand(&device, k, n) };
            let c = launch(&variant, [m, n, k], [&a, &b]).to_vec::<f32>().unwrap();
            let [a, b] = [a, b].map(|operand| operand.to_vec::<f32>().unwrap());
            let left = |i: usize, l: usize| a[if turned_a { l * m + i } else { i * k + l }];
            let right = |l: usize, j: usize| b[if turned_b { j * k + l } else { l * n + j }];
            for (at, &found) in c.iter().enumerate() {
                let expected: f32 = (0..k).map(|l| left(at / n, l) * right(l, at % n)).sum();
                assert_eq!(found, expected, "[{label}] element {at} with {:?}", variant.defines);
            }
            device.check_guards().unwrap();
        }
    }
}
