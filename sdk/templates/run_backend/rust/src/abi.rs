// SPDX-License-Identifier: Apache-2.0

//! dcp/plugin.h in Rust, as far as it is used: the tables of ABI 1.0.

use std::ffi::c_void;
use std::os::raw::c_char;

pub const OK: i32 = 0;
pub const INVALID_ARGUMENT: i32 = 3;
pub const UNIMPLEMENTED: i32 = 12;
pub const INTERNAL: i32 = 13;
pub const FLAG_PARALLEL: u32 = 1;

/// A view of bytes, borrowed for the time of a call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Bytes {
    pub data: *const u8,
    pub size: usize,
}

impl Bytes {
    pub const fn of(bytes: &'static [u8]) -> Bytes {
        Bytes { data: bytes.as_ptr(), size: bytes.len() }
    }
    pub fn view(bytes: &[u8]) -> Bytes {
        Bytes { data: bytes.as_ptr(), size: bytes.len() }
    }
    /// # Safety
    /// The bytes must be the host's, and are not kept beyond the call that brought them.
    pub unsafe fn slice<'a>(self) -> &'a [u8] {
        if self.size == 0 {
            return &[];
        }
        std::slice::from_raw_parts(self.data, self.size)
    }
}

type Opaque = *mut c_void;

#[repr(C)]
pub struct HostApi {
    pub struct_size: u32,
    pub abi_minor: u32,
    pub host: Opaque,
    pub log: unsafe extern "C" fn(Opaque, i32, Opaque, Bytes),
    pub cancelled: unsafe extern "C" fn(Opaque) -> i32,
    pub deadline_ns: unsafe extern "C" fn(Opaque) -> i64,
    pub emit: unsafe extern "C" fn(Opaque, u32, Bytes) -> i32,
    pub complete: unsafe extern "C" fn(Opaque, i32, Bytes),
    pub set_error: unsafe extern "C" fn(Opaque, i32, Bytes),
    pub extension: unsafe extern "C" fn(Opaque, *const c_char) -> *const c_void,
}

#[repr(C)]
pub struct PluginApi {
    pub struct_size: u32,
    pub abi_minor: u32,
    pub min_host_minor: u32,
    pub flags: u32,
    pub descriptor: Bytes,
    pub validate: unsafe extern "C" fn(*const HostApi, Bytes) -> i32,
    pub create: unsafe extern "C" fn(*const HostApi, Bytes, *mut Opaque) -> i32,
    pub destroy: unsafe extern "C" fn(Opaque),
    pub invoke: unsafe extern "C" fn(Opaque, Opaque, Bytes, Bytes) -> i32,
    pub cancel: unsafe extern "C" fn(Opaque, Opaque),
    pub extension: unsafe extern "C" fn(*const c_char) -> *const c_void,
}

// Constant data and functions: any thread may read it.
unsafe impl Sync for PluginApi {}
