//! cuDNN's f32 convolutions, NHWC, without TF32: the fastest of all its algorithms, which it finds itself by trying them.

use std::ffi::{c_int, c_void};
use std::path::Path;
use std::ptr::null_mut;
use std::rc::Rc;

use super::Run;
use super::library::Loaded;
use crate::check::{Input, Values};
use crate::device::Device;
use crate::device::cuda::locate::CUDNN;
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::op::conv2d::Sizes;
use crate::op::workload;
use crate::tensor::{DType, Shape, Tensor};

type Handle = *mut c_void;
type Descriptor = *mut c_void;
type Create = unsafe extern "C" fn(*mut Descriptor) -> c_int;
type SetFour = unsafe extern "C" fn(Descriptor, c_int, c_int, c_int, c_int, c_int, c_int) -> c_int;
type SetMoves = unsafe extern "C" fn(Descriptor, c_int, c_int, c_int, c_int, c_int, c_int, c_int, c_int) -> c_int;
type SetMath = unsafe extern "C" fn(Descriptor, c_int) -> c_int;
/// `cudnnFindConvolution…Algorithm`: two operands, the moves, the result.
type Find = unsafe extern "C" fn(
    Handle,
    Descriptor,
    Descriptor,
    Descriptor,
    Descriptor,
    c_int,
    *mut c_int,
    *mut Performance,
) -> c_int;
/// `cudnnConvolutionForward`, `…BackwardData` and `…BackwardFilter`, whose parameters are alike.
type Convolve = unsafe extern "C" fn(
    Handle,
    *const f32,
    Descriptor,
    *const c_void,
    Descriptor,
    *const c_void,
    Descriptor,
    c_int,
    *mut c_void,
    usize,
    *const f32,
    Descriptor,
    *mut c_void,
) -> c_int;

/// `cudnnConvolution…AlgoPerf_t`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Performance {
    algorithm: c_int,
    status: c_int,
    milliseconds: f32,
    memory: usize,
    _determinism: c_int,
    _math: c_int,
    _reserved: [c_int; 3],
}

// From cudnn_graph.h and cudnn_ops.h.
const NHWC: c_int = 1;
const FLOAT: c_int = 0;
const CROSS_CORRELATION: c_int = 1;
/// Multiply-adds in f32 alone; the default would allow TF32.
const FMA_MATH: c_int = 3;
/// More than any direction has.
const ALGORITHMS: usize = 32;

/// Which of the three convolutions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Forward,
    InputGradient,
    FilterGradient,
}

/// The ladders' names of the directions.
pub(super) const DIRECTIONS: [(&str, Direction); 3] = [
    ("conv2d_forward", Direction::Forward),
    ("conv2d_backward_input", Direction::InputGradient),
    ("conv2d_backward_filter", Direction::FilterGradient),
];

/// The library with a handle that queues work on our stream.
pub(super) struct Cudnn(Rc<Opened>);

struct Opened {
    handle: Handle,
    version: usize,
    library: Loaded,
}

fn checked(code: c_int, what: &str) -> Result<(), String> {
    if code == 0 { Ok(()) } else { Err(format!("{what} fails with status {code}")) }
}

impl Cudnn {
    /// Loads the library; its context must be current.
    pub(super) fn open(stream: *mut c_void, theirs: Option<&Path>, environment: &Environment) -> Result<Self, String> {
        // It opens its other parts itself, which lie beside it.
        let library = Loaded::find(&CUDNN, theirs, &[], environment)?;
        let mut handle = null_mut();
        // SAFETY: the signatures are those of cudnn_graph.h of cuDNN 9; the pointer is to a live variable.
        unsafe {
            let version: unsafe extern "C" fn() -> usize = library.get("cudnnGetVersion")?;
            let create: Create = library.get("cudnnCreate")?;
            let set_stream: unsafe extern "C" fn(Handle, *mut c_void) -> c_int = library.get("cudnnSetStream")?;
            checked(create(&mut handle), "cudnnCreate")?;
            checked(set_stream(handle, stream), "cudnnSetStream")?;
            Ok(Self(Rc::new(Opened { handle, version: version(), library })))
        }
    }

    /// `9.10.2`
    pub(super) fn version(&self) -> String {
        let number = self.0.version;
        format!("{}.{}.{}", number / 10_000, number / 100 % 100, number % 100)
    }

    /// The convolution of `sizes` in one direction by each algorithm that can, in the order of cuDNN's own times.
    pub(super) fn convolutions(&self, device: &Device, direction: Direction, sizes: Sizes) -> Result<Vec<Run>, String> {
        let Sizes { n, h, w, c, k, r, s, p, q, .. } = sizes;
        let (x, filters, y) = ([n, h, w, c], [k, r, s, sizes.channels()], [n, p, q, k]);
        // Operands and result in cuDNN's order; `swap` where a ladder's job draws them in the other.
        let (of_two, of_result, find, convolve, swap) = match direction {
            Direction::Forward => ([x, filters], y, "ForwardAlgorithm", "Forward", false),
            Direction::InputGradient => ([filters, y], x, "BackwardDataAlgorithm", "BackwardData", true),
            Direction::FilterGradient => ([x, y], filters, "BackwardFilterAlgorithm", "BackwardFilter", true),
        };
        // SAFETY: the signatures are those of cudnn_cnn.h of cuDNN 9.
        let (find, convolve) = unsafe {
            let library = &self.0.library;
            let find: Find = library.get(&format!("cudnnFindConvolution{find}"))?;
            (find, library.get::<Convolve>(&format!("cudnnConvolution{convolve}"))?)
        };
        let described = self.described(&sizes, direction)?;
        let algorithms = self.algorithms(find, &described)?;

        let mut drawn = of_two.map(|shape| Input::new(shape, Values::Uniform));
        if swap {
            drawn.reverse();
        }
        let text = |error: Error| error.to_string();
        let mut operands = workload::tensors(device, &drawn, DType::F32).map_err(text)?;
        if swap {
            operands.reverse();
        }
        let operands = Rc::new(operands);
        // Its workspace is there when it runs and not before: not all algorithms' need fit in beside each other.
        let run = |algorithm: Performance| -> Run {
            let (opened, device, operands) = (self.0.clone(), device.clone(), operands.clone());
            Box::new(move || opened.convolve(&device, convolve, described, &operands, of_result, algorithm))
        };
        Ok(algorithms.into_iter().map(run).collect())
    }
    /// Descriptors of the two operands, the moves and the result. They are few and small, and live as long as the process.
    fn described(&self, sizes: &Sizes, direction: Direction) -> Result<[Descriptor; 4], String> {
        let Sizes { n, h, w, c, k, r, s, p, q, params } = *sizes;
        let channels = sizes.channels() as c_int;
        let library = &self.0.library;
        let [n, h, w, c, k, r, s, p, q] = [n, h, w, c, k, r, s, p, q].map(|size| size as c_int);
        let [[u, v], [top, left], [down, across]] =
            [params.stride, params.padding, params.dilation].map(|pair| pair.map(|size| size as c_int));
        // SAFETY: the signatures are those of cudnn_ops.h and cudnn_cnn.h of cuDNN 9; pointers are to live variables.
        unsafe {
            let make = |name: &str| -> Result<Descriptor, String> {
                let (mut descriptor, create) = (null_mut(), library.get::<Create>(name)?);
                checked(create(&mut descriptor), name).map(|()| descriptor)
            };
            let set_tensor: SetFour = library.get("cudnnSetTensor4dDescriptor")?;
            let tensor = |[n, h, w, c]: [c_int; 4]| {
                let descriptor = make("cudnnCreateTensorDescriptor")?;
                checked(set_tensor(descriptor, NHWC, FLOAT, n, c, h, w), "cudnnSetTensor4dDescriptor")?;
                Ok::<_, String>(descriptor)
            };
            let (x, y) = (tensor([n, h, w, c])?, tensor([n, p, q, k])?);
            let filters = make("cudnnCreateFilterDescriptor")?;
            // Here the type stands before the layout.
            let set_filter: SetFour = library.get("cudnnSetFilter4dDescriptor")?;
            checked(set_filter(filters, FLOAT, NHWC, k, channels, r, s), "cudnnSetFilter4dDescriptor")?;
            let moves = make("cudnnCreateConvolutionDescriptor")?;
            let set_moves: SetMoves = library.get("cudnnSetConvolution2dDescriptor")?;
            let set_math: SetMath = library.get("cudnnSetConvolutionMathType")?;
            let code = set_moves(moves, top, left, u, v, down, across, CROSS_CORRELATION, FLOAT);
            checked(code, "cudnnSetConvolution2dDescriptor")?;
            if params.groups > 1 {
                let set_groups: unsafe extern "C" fn(Descriptor, c_int) -> c_int =
                    library.get("cudnnSetConvolutionGroupCount")?;
                checked(set_groups(moves, params.groups as c_int), "cudnnSetConvolutionGroupCount")?;
            }
            checked(set_math(moves, FMA_MATH), "cudnnSetConvolutionMathType")?;
            Ok(match direction {
                Direction::Forward => [x, filters, moves, y],
                Direction::InputGradient => [filters, y, moves, x],
                Direction::FilterGradient => [x, y, moves, filters],
            })
        }
    }

    /// The algorithms that can, the fastest by its own trial first. Which math they name is not asked: no document says
    /// what a plain one is labelled, and results tell.
    fn algorithms(
        &self,
        find: Find,
        &[first, second, moves, result]: &[Descriptor; 4],
    ) -> Result<Vec<Performance>, String> {
        let (mut found, mut count) = ([Performance::default(); ALGORITHMS], 0);
        // SAFETY: it writes no more entries than it is allowed to.
        let code = unsafe {
            let most = ALGORITHMS as c_int;
            find(self.0.handle, first, second, moves, result, most, &mut count, found.as_mut_ptr())
        };
        checked(code, "cuDNN's search for an algorithm")?;
        let mut able: Vec<_> = found.into_iter().take(count.max(0) as usize).filter(|one| one.status == 0).collect();
        able.sort_by(|a, b| a.milliseconds.total_cmp(&b.milliseconds));
        Ok(able)
    }
}

impl Opened {
    /// One convolution by `algorithm` into a tensor of shape `of_result`.
    fn convolve(
        &self,
        device: &Device,
        convolve: Convolve,
        [of_first, of_second, moves, described]: [Descriptor; 4],
        operands: &[Tensor; 2],
        of_result: [usize; 4],
        algorithm: Performance,
    ) -> Result<Tensor> {
        let Performance { algorithm, memory, .. } = algorithm;
        // SAFETY: the library's own scratch memory; a result that it writes all of.
        let [workspace, result] = [Shape::from([memory.div_ceil(4).max(1)]), of_result.into()]
            .map(|shape| unsafe { Tensor::uninitialized(device, shape, DType::F32) });
        let (workspace, result) = (workspace?, result?);
        let (one, zero) = (1.0f32, 0.0f32);
        let [first, second] = operands.each_ref().map(|tensor| tensor.address() as *const c_void);
        let (space, result_at) = (workspace.address() as *mut c_void, result.address() as *mut c_void);
        // SAFETY: descriptors and memory of the sizes that were described; what is freed here is freed in stream order.
        let code = unsafe {
            convolve(
                self.handle,
                &one,
                of_first,
                first,
                of_second,
                second,
                moves,
                algorithm,
                space,
                memory,
                &zero,
                described,
                result_at,
            )
        };
        checked(code, "cuDNN's convolution").map_err(|what| Error::device("cuda", what))?;
        Ok(result)
    }
}
