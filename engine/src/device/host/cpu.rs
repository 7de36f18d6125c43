//! This machine's processor, for people.

/// Model, cores and vectors: `AMD EPYC 9B45, 2 cores, 512-bit vectors (AVX-512)`.
pub fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|l| l.strip_prefix("model name")?.split_once(": ").map(|p| p.1.trim()));
    let (bits, name) = vectors();
    format!("{}, {cores} cores, {bits}-bit vectors ({name})", model.unwrap_or(std::env::consts::ARCH))
}

/// Width and name of the widest vectors of this CPU.
fn vectors() -> (usize, &'static str) {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            return (512, "AVX-512");
        }
        if std::arch::is_x86_feature_detected!("avx2") {
            return (256, "AVX2");
        }
        return (128, "SSE2");
    }
    #[cfg(target_arch = "aarch64")]
    return (128, "NEON");
    #[allow(unreachable_code)]
    (128, "assumed")
}
