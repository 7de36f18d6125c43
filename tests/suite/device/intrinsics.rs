//! CUDA's vector types and functions that users' kernels rely on, against values known from their definitions.

use warptape::device::{Defines, Source};
use warptape::launch_plan::Plan;

use crate::support::{on_gpu, orders};

/// Runs `body` in one block of `threads` threads with `out`, all 0 before, and gives what it holds after.
fn run(body: &str, threads: usize) -> Vec<Vec<f64>> {
    let text = format!("extern \"C\" __global__ void k(double* out) {{ {body} }}");
    let toml = format!("grid = 1\nblock = {threads}\n[args]\nout = \"f64[64] zeros\"");
    let plan = Plan::from_toml(&toml).unwrap();
    let source = Source::from_text("mine.cu", &text, &Defines::new()).unwrap();
    let run = |(_, device)| {
        let ready = plan.prepare(&device, &source).unwrap();
        crate::support::launch_prepared(&ready, &device).unwrap();
        bytemuck::pod_collect_to_vec(&ready.bytes("out").unwrap())
    };
    orders().into_iter().map(run).collect()
}

fn check(threads: usize, cases: &[(&str, f64)]) {
    let body: Vec<_> =
        cases.iter().enumerate().map(|(i, (value, _))| format!("out[{i}] = (double)({value});")).collect();
    for out in run(&body.join("\n"), threads) {
        for ((value, expected), found) in cases.iter().zip(out) {
            assert!((found - expected).abs() <= 1e-5 * expected.abs(), "{value} is {found}, not {expected}");
        }
    }
}

#[test]
fn vector_types() {
    check(
        1,
        &[
            ("sizeof(float2) * 100 + alignof(float2)", 808.0),
            ("sizeof(float3) * 100 + alignof(float3)", 1204.0),
            ("sizeof(float4) * 100 + alignof(float4)", 1616.0),
            ("sizeof(int2) * 100 + alignof(int4)", 816.0),
            ("sizeof(int3) * 100 + alignof(uint2)", 1208.0),
            ("sizeof(uchar4) * 100 + alignof(uchar4)", 404.0),
            ("sizeof(double2) * 100 + alignof(double2)", 1616.0),
            ("make_float4(1, 2, 3, 4).w + make_float2(1, 2).y + make_float3(1, 2, 3).z", 9.0),
            ("make_int2(1, -2).y + make_int3(1, 2, 3).x + make_int4(1, 2, 3, 4).z", 2.0),
            ("make_uint2(1, 2).x + make_uint4(1, 2, 3, 4).w + make_uchar4(1, 2, 3, 255).w", 260.0),
            ("make_double2(0.5, 0.25).y", 0.25),
        ],
    );
}

#[test]
fn mathematics() {
    check(
        1,
        &[
            ("__fdividef(1.0f, 8.0f) + __expf(0.0f) + __logf(1.0f)", 1.125),
            ("__fmaf_rn(2.0f, 3.0f, 4.0f) + __fsqrt_rn(9.0f) + __frcp_rn(4.0f)", 13.25),
            ("__fadd_rn(1.0f, 2.0f) + __fmul_rn(3.0f, 4.0f)", 15.0),
            ("fminf(1.0f, 2.0f) + fmaxf(1.0f, 2.0f) + fmodf(7.0f, 4.0f)", 6.0),
            ("abs(-3) + abs(-2.5f) + fabs(-0.5) + fabsf(-1.0f)", 7.0),
            ("exp(1.0)", std::f64::consts::E),
            ("log(exp(2.0f)) + sqrt(2.25) + sqrt(2.25f) + rsqrt(0.25)", 7.0),
            ("pow(2.0f, 3.0f) + pow(2.0, 4.0) + __powf(2.0f, 1.0f)", 26.0),
            ("min(1.5f, 0.5f) + max(1.5, 2.5) + max(3, 2u) + min(7ll, 6ll)", 12.0),
            ("max(-1, 1u) == 4294967295u", 1.0),
            ("round(2.5f) + floor(-0.5) + ceil(0.25) + trunc(-1.5f)", 2.0),
            ("__saturatef(1.5f) + __saturatef(-1.0f) + __saturatef(0.5f)", 1.5),
            ("atan2f(1.0f, 1.0f) * 4.0f", std::f64::consts::PI),
            ("__float2int_rn(2.5f) + __float2int_rz(-1.5f)", 1.0),
        ],
    );
}

#[test]
fn bits_and_atomics() {
    check(
        1,
        &[
            ("__mul24(-3, 5) + (int)__umul24(0x1000003u, 5u)", 0.0),
            ("__mulhi(1 << 30, 8)", 2.0),
            ("__brev(1u) >> 28", 8.0),
            ("__ffsll(1ll << 40) + __popcll(~0ull) + __clzll(1ll)", 168.0),
            ("__funnelshift_l(0x80000000u, 1u, 1) + __funnelshift_r(0u, 1u, 31)", 5.0),
            ("__longlong_as_double(__double_as_longlong(0.1)) == 0.1", 1.0),
            ("__activemask() == 1u", 1.0),
        ],
    );
    let wrapping = "__shared__ unsigned up, down; if (threadIdx.x == 0) up = down = 0; __syncthreads();
        atomicInc(&up, 4u); atomicDec(&down, 6u); __syncthreads(); out[threadIdx.x] = up * 10 + down;";
    for out in run(wrapping, 7) {
        // 0 1 2 3 4 0 1 2; 0 6 5 4 3 2 1 0
        assert_eq!(out[..7], [20.0; 7]);
    }
    let clock = "const long long before = clock64(); out[0] = clock64() > before;";
    assert!(run(clock, 1).iter().all(|out| out[0] == 1.0));
}

/// Reductions over the lanes of a warp need compute capability 8.0; over part of a warp and in a last one of eight lanes.
#[test]
fn warp_reductions() {
    let body = "const int t = threadIdx.x; const unsigned mask = t < 32 ? 0xffffffffu : 0xffu;
        out[t] = __reduce_add_sync(mask, t) + 1000 * __reduce_max_sync(mask, t);
        if (t < 4) out[t + 40] = __reduce_min_sync(0xfu, t + 5) + 100 * __reduce_or_sync(0xfu, 1u << t);
        if (t < 4) out[t + 50] = __reduce_and_sync(0xfu, 8u + t) + 100 * __reduce_xor_sync(0xfu, 1u + t);";
    for out in run(body, 40) {
        assert_eq!(out[..32], [31_496.0; 32]);
        assert_eq!(out[32..40], [39_284.0; 8]);
        assert_eq!(out[40..44], [1505.0; 4]);
        assert_eq!(out[50..54], [408.0; 4]);
    }
}

/// What a C++ program has from its headers, and NVRTC has not.
#[test]
fn constants_and_assertions() {
    if on_gpu() {
        return;
    }
    check(
        1,
        &[("INFINITY > FLT_MAX", 1.0), ("NAN != NAN", 1.0), ("M_PI", std::f64::consts::PI), ("INT_MAX", 2147483647.0)],
    );
    check(1, &[("sizeof(uint8_t) + sizeof(int16_t) * 10 + sizeof(uint32_t) * 100 + sizeof(int64_t) * 1000", 8421.0)]);
    let text =
        "extern \"C\" __global__ void k(double* out) {\n    assert(threadIdx.x < 3);\n    out[threadIdx.x] = 1;\n}";
    let plan = Plan::from_toml("grid = 1\nblock = 4\n[args]\nout = \"f64[4]\"").unwrap();
    let source = Source::from_text("mine.cu", text, &Defines::new()).unwrap();
    for (label, device) in orders() {
        let error =
            crate::support::launch_prepared(&plan.prepare(&device, &source).unwrap(), &device).unwrap_err().to_string();
        assert!(error.contains("mine.cu:2") && error.contains("thread (3, 0, 0)"), "{label}: {error}");
        assert!(error.contains("calls __trap") || error.contains("asserts what does not hold"), "{label}: {error}");
    }
}
