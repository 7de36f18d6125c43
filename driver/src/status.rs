//! What calls return: `CUresult`, with the names and words that programs are told (`cuda.h`).

/// A result of the driver's interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub u32);

/// Defines the results that are returned here, and what [`Status::name`] and [`Status::words`] say of all that are known.
macro_rules! statuses {
    ($($number:literal $name:ident $words:literal)*) => {
        #[allow(dead_code, reason = "the table of names has all results, also those that nothing here returns")]
        impl Status {
            $(pub const $name: Status = Status($number);)*
        }

        /// Number, name and words of each result; strings end with NUL.
        const ALL: &[(u32, &str, &str)] =
            &[$(($number, concat!("CUDA_ERROR_", stringify!($name), "\0"), concat!($words, "\0"))),*];
    };
}

statuses! {
    1 INVALID_VALUE "invalid argument"
    2 OUT_OF_MEMORY "out of memory"
    3 NOT_INITIALIZED "initialization error"
    4 DEINITIALIZED "driver shutting down"
    5 PROFILER_DISABLED "profiler disabled while using external profiling tool"
    34 STUB_LIBRARY "CUDA driver is a stub library"
    46 DEVICE_UNAVAILABLE "CUDA-capable device(s) is/are busy or unavailable"
    100 NO_DEVICE "no CUDA-capable device is detected"
    101 INVALID_DEVICE "invalid device ordinal"
    200 INVALID_IMAGE "device kernel image is invalid"
    201 INVALID_CONTEXT "invalid device context"
    209 NO_BINARY_FOR_GPU "no kernel image is available for execution on the device"
    214 ECC_UNCORRECTABLE "uncorrectable ECC error encountered"
    215 UNSUPPORTED_LIMIT "limit is not supported on this architecture"
    216 CONTEXT_ALREADY_IN_USE "exclusive-thread device already in use by a different thread"
    217 PEER_ACCESS_UNSUPPORTED "peer access is not supported between these two devices"
    218 INVALID_PTX "a PTX JIT compilation failed"
    222 UNSUPPORTED_PTX_VERSION "the provided PTX was compiled with an unsupported toolchain."
    300 INVALID_SOURCE "device kernel image is invalid"
    301 FILE_NOT_FOUND "file not found"
    302 SHARED_OBJECT_SYMBOL_NOT_FOUND "shared object symbol not found"
    303 SHARED_OBJECT_INIT_FAILED "shared object initialization failed"
    304 OPERATING_SYSTEM "OS call failed or operation not supported on this OS"
    400 INVALID_HANDLE "invalid resource handle"
    401 ILLEGAL_STATE "the operation cannot be performed in the present state"
    500 NOT_FOUND "named symbol not found"
    600 NOT_READY "device not ready"
    700 ILLEGAL_ADDRESS "an illegal memory access was encountered"
    701 LAUNCH_OUT_OF_RESOURCES "too many resources requested for launch"
    702 LAUNCH_TIMEOUT "the launch timed out and was terminated"
    704 PEER_ACCESS_ALREADY_ENABLED "peer access is already enabled"
    705 PEER_ACCESS_NOT_ENABLED "peer access has not been enabled"
    708 PRIMARY_CONTEXT_ACTIVE "cannot set while device is active in this process"
    709 CONTEXT_IS_DESTROYED "context is destroyed"
    710 ASSERT "device-side assert triggered"
    712 HOST_MEMORY_ALREADY_REGISTERED "part or all of the requested memory range is already mapped"
    713 HOST_MEMORY_NOT_REGISTERED "pointer does not correspond to a registered memory region"
    714 HARDWARE_STACK_ERROR "hardware stack error"
    715 ILLEGAL_INSTRUCTION "an illegal instruction was encountered"
    716 MISALIGNED_ADDRESS "misaligned address"
    717 INVALID_ADDRESS_SPACE "operation not supported on global/shared address space"
    718 INVALID_PC "invalid program counter"
    719 LAUNCH_FAILED "unspecified launch failure"
    720 COOPERATIVE_LAUNCH_TOO_LARGE "too many blocks in cooperative launch"
    800 NOT_PERMITTED "operation not permitted"
    801 NOT_SUPPORTED "operation not supported"
    802 SYSTEM_NOT_READY "system not yet initialized"
    803 SYSTEM_DRIVER_MISMATCH "system has unsupported display driver / cuda driver combination"
    900 STREAM_CAPTURE_UNSUPPORTED "operation not permitted when stream is capturing"
    901 STREAM_CAPTURE_INVALIDATED "operation failed due to a previous error during capture"
    902 STREAM_CAPTURE_MERGE "operation would result in a merge of separate capture sequences"
    903 STREAM_CAPTURE_UNMATCHED "capture was not ended in the same stream as it began"
    904 STREAM_CAPTURE_UNJOINED "capturing stream has unjoined work"
    905 STREAM_CAPTURE_ISOLATION "dependency created on uncaptured work in another stream"
    906 STREAM_CAPTURE_IMPLICIT "operation would make the legacy stream depend on a capturing blocking stream"
    907 CAPTURED_EVENT "operation not permitted on an event last recorded in a capturing stream"
    908 STREAM_CAPTURE_WRONG_THREAD "attempt to terminate a thread-local capture sequence from another thread"
    910 GRAPH_EXEC_UPDATE_FAILURE "the graph update was not performed because it included changes which violated constraints specific to \
         instantiated graph update"
    912 INVALID_CLUSTER_SIZE "cluster misconfiguration"
    999 UNKNOWN "unknown error"
}

impl Status {
    pub const SUCCESS: Status = Status(0);

    /// `CUDA_ERROR_INVALID_VALUE`, with a NUL behind it; none for a number that means nothing.
    pub fn name(self) -> Option<&'static str> {
        if self == Self::SUCCESS {
            return Some("CUDA_SUCCESS\0");
        }
        ALL.iter().find(|(number, ..)| *number == self.0).map(|(_, name, _)| *name)
    }

    /// What it means, with a NUL behind it; none for a number that means nothing.
    pub fn words(self) -> Option<&'static str> {
        if self == Self::SUCCESS {
            return Some("no error\0");
        }
        ALL.iter().find(|(number, ..)| *number == self.0).map(|(.., words)| *words)
    }
}

/// Why a call is refused: what it returns, and a line about what the program did wrong. Without one it is no mistake.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub status: Status,
    pub why: Option<String>,
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        Self { status, why: None }
    }
}

/// What calls come to.
pub type Answer<T = ()> = Result<T, Refusal>;

/// A mistake of the program, which is told.
pub fn wrong<T>(status: Status, why: impl Into<String>) -> Answer<T> {
    Err(Refusal { status, why: Some(why.into()) })
}
