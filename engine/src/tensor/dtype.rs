//! Element types.

use crate::error::{Error, Result};

/// The type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DType {
    /// Single precision, 4 bytes: what kernels compute in, whatever their tensors hold.
    F32,
    /// IEEE 754's binary16, 2 bytes: 5 bits of exponent, 10 of fraction.
    F16,
    /// The upper half of an f32, 2 bytes: 8 bits of exponent, 7 of fraction.
    BF16,
    /// Pixels from 0 to 255 before augmentation, raw bytes elsewhere.
    U8,
    /// Class labels and indices.
    I32,
}

/// What others call the types of activations, in lower case and with `-` for `_`: C and CUDA, NumPy, PyTorch, and the
/// settings of timm, Keras and Lightning.
const SPELLINGS: [(DType, &[&str]); 3] = [
    (DType::F32, &["fp32", "float32", "float", "single", "32-true"]),
    (DType::F16, &["fp16", "float16", "half", "mixed-float16", "16-mixed"]),
    (DType::BF16, &["bfloat16", "mixed-bfloat16", "bf16-mixed"]),
];

impl DType {
    /// The types of activations.
    pub const FLOATS: [DType; 3] = [DType::F32, DType::F16, DType::BF16];

    /// The type of that name: `f32`, `f16`, `bf16`, `u8`, `i32`.
    pub fn named(name: &str) -> Option<Self> {
        [DType::F32, DType::F16, DType::BF16, DType::U8, DType::I32].into_iter().find(|dtype| dtype.name() == name)
    }

    /// The type of activations that a person, or another tool's settings, calls `text`: `bf16`, `bfloat16`,
    /// `torch.bfloat16`, in any case.
    ///
    /// # Errors
    /// A word that is none of them: the names that we have.
    pub fn spelled(text: &str) -> Result<Self> {
        let word = text.to_lowercase().replace('_', "-");
        let word = word.strip_prefix("torch.").unwrap_or(&word);
        let called = |(dtype, names): &(Self, &[&str])| dtype.name() == word || names.contains(&word);
        let found = SPELLINGS.iter().find(|one| called(one)).map(|(dtype, _)| *dtype);
        found.ok_or_else(|| Error::usage(format!("unknown element type '{text}': use f32, f16 or bf16")))
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            DType::F32 => "f32",
            DType::F16 => "f16",
            DType::BF16 => "bf16",
            DType::U8 => "u8",
            DType::I32 => "i32",
        }
    }

    /// Whether it is one of [`DType::FLOATS`].
    pub fn is_float(self) -> bool {
        Self::FLOATS.contains(&self)
    }

    /// The largest relative error of rounding to it, where numbers are not too small for it; 0 for integers.
    pub fn roundoff(self) -> f64 {
        let fraction = match self {
            DType::F32 => 23,
            DType::F16 => 10,
            DType::BF16 => 7,
            DType::U8 | DType::I32 => return 0.0,
        };
        0.5f64.powi(fraction + 1)
    }

    /// The number nearest to `value` that it has.
    pub fn round(self, value: f64) -> f64 {
        match self {
            DType::F32 => f64::from(value as f32),
            DType::F16 => half::f16::from_f64(value).into(),
            DType::BF16 => half::bf16::from_f64(value).into(),
            DType::U8 => f64::from(value as u8),
            DType::I32 => f64::from(value as i32),
        }
    }

    /// Size of one element in bytes.
    pub fn bytes(self) -> usize {
        match self {
            DType::F32 | DType::I32 => 4,
            DType::F16 | DType::BF16 => 2,
            DType::U8 => 1,
        }
    }
}

impl std::fmt::Display for DType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A Rust type that tensors can hold.
pub trait Element: bytemuck::Pod {
    /// Its name at run time.
    const DTYPE: DType;
}

impl Element for f32 {
    const DTYPE: DType = DType::F32;
}
impl Element for half::f16 {
    const DTYPE: DType = DType::F16;
}
impl Element for half::bf16 {
    const DTYPE: DType = DType::BF16;
}
impl Element for u8 {
    const DTYPE: DType = DType::U8;
}
impl Element for i32 {
    const DTYPE: DType = DType::I32;
}
