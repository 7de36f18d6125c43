//! The functions of `cuda.h` that programs find, under the names that a driver's library has.
//!
//! What is not here is not there: `cuGetProcAddress` says so, and programs that load by name see it.

#![allow(non_snake_case, reason = "the names are cuda.h's")]

mod array;
mod context;
mod copy;
mod device;
mod event;
mod fill;
mod function;
mod general;
mod graph;
mod launch;
mod library;
mod memory;
mod module;
mod object;
mod occupancy;
mod pointer;
mod pool;
mod rectangle;
mod stream;
mod tensor_map;

use std::ffi::{CStr, c_char};

use crate::status::{Answer, Status, wrong};

/// A pointer to where a result goes. A program promises, as for any C function, that it is null or points to a `T`.
#[repr(transparent)]
pub struct Out<T>(*mut T);

impl<T> Out<T> {
    /// Puts the result there.
    pub fn put(&self, value: T) -> Answer {
        if self.0.is_null() {
            return wrong(Status::INVALID_VALUE, "a null pointer for the result");
        }
        // SAFETY: the program's promise.
        unsafe { self.0.write_unaligned(value) };
        Ok(())
    }

    /// Puts a result there that the program may do without.
    pub fn offer(&self, value: T) {
        if !self.0.is_null() {
            _ = self.put(value);
        }
    }

    /// What is there now.
    pub fn get(&self) -> Answer<T> {
        In(self.0.cast_const()).get()
    }
}

/// A pointer to a value. A program promises that it is null or points to a `T`.
#[repr(transparent)]
pub struct In<T>(*const T);

impl<T> In<T> {
    /// The value.
    pub fn get(&self) -> Answer<T> {
        if self.0.is_null() {
            return wrong(Status::INVALID_VALUE, "a null pointer instead of a value");
        }
        // SAFETY: the program's promise.
        Ok(unsafe { self.0.read_unaligned() })
    }

    /// The value number `index` of a row of them, which the program promises to be that long.
    pub fn nth(&self, index: usize) -> Answer<T> {
        if self.0.is_null() {
            return wrong(Status::INVALID_VALUE, "a null pointer instead of values");
        }
        // SAFETY: the program's promise.
        Ok(unsafe { self.0.add(index).read_unaligned() })
    }

    pub fn is_null(&self) -> bool {
        self.0.is_null()
    }
}

/// A pointer to a text. A program promises that it is null or points to bytes that end with NUL.
#[repr(transparent)]
pub struct Text(*const c_char);

impl Text {
    /// The text.
    pub fn get(&self) -> Answer<String> {
        if self.0.is_null() {
            return wrong(Status::INVALID_VALUE, "a null pointer instead of a text");
        }
        // SAFETY: the program's promise.
        Ok(unsafe { CStr::from_ptr(self.0) }.to_string_lossy().into_owned())
    }
}
