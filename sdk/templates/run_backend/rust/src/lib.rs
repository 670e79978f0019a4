// SPDX-License-Identifier: Apache-2.0

//! What stands between the host and the backend. Calls here are short, so each is answered within
//! invoke: no thread is left to end and nothing to cancel. No panic leaves a function that C calls.

mod abi;
mod backend;
mod json;

use abi::{Bytes, HostApi, PluginApi};
use backend::{Backend, Failure};
use std::ffi::c_void;
use std::os::raw::c_char;
use std::panic::{catch_unwind, AssertUnwindSafe};

/// In a section that is read before anything of the plugin runs. The entry is the only symbol that a
/// cdylib exports, since it is the only one that is not mangled.
#[used]
#[link_section = ".dcp.manifest"]
static MANIFEST: [u8; include_bytes!("../manifest.json").len()] =
    *include_bytes!("../manifest.json");

struct Instance {
    host: *const HostApi,
    backend: Backend,
}

fn guard<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(Failure::new(abi::INTERNAL, "the plugin panicked; stderr says where", ""))
    })
}

unsafe fn configure(host: *const HostApi, config: Bytes) -> Result<Backend, i32> {
    guard(|| Backend::new(config.slice())).map_err(|why| {
        ((*host).set_error)((*host).host, why.code, Bytes::view(why.message.as_bytes()));
        why.code
    })
}

unsafe extern "C" fn validate(host: *const HostApi, config: Bytes) -> i32 {
    configure(host, config).err().unwrap_or(abi::OK)
}

unsafe extern "C" fn create(host: *const HostApi, config: Bytes, out: *mut *mut c_void) -> i32 {
    match configure(host, config) {
        Ok(backend) => {
            *out = Box::into_raw(Box::new(Instance { host, backend })) as *mut c_void;
            abi::OK
        }
        Err(code) => code,
    }
}

unsafe extern "C" fn destroy(instance: *mut c_void) {
    drop(Box::from_raw(instance as *mut Instance));
}

unsafe extern "C" fn invoke(
    instance: *mut c_void,
    call: *mut c_void,
    method: Bytes,
    request: Bytes,
) -> i32 {
    let here = &*(instance as *const Instance);
    let (code, body) = match guard(|| here.backend.call(method.slice(), request.slice())) {
        Ok(answer) => (abi::OK, answer),
        Err(why) => (why.code, why.to_json()),
    };
    ((*here.host).complete)(call, code, Bytes::view(body.as_bytes()));
    abi::OK
}

unsafe extern "C" fn cancel(_instance: *mut c_void, _call: *mut c_void) {}

unsafe extern "C" fn extension(_id: *const c_char) -> *const c_void {
    std::ptr::null()
}

static TABLE: PluginApi = PluginApi {
    struct_size: std::mem::size_of::<PluginApi>() as u32,
    abi_minor: 0,
    min_host_minor: 0,
    flags: abi::FLAG_PARALLEL,
    descriptor: Bytes::of(&MANIFEST),
    validate,
    create,
    destroy,
    invoke,
    cancel,
    extension,
};

#[no_mangle]
pub extern "C" fn dcp_plugin_v1() -> *const PluginApi {
    &TABLE
}
