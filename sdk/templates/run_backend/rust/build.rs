// SPDX-License-Identifier: Apache-2.0

// A plugin is never unloaded, says so in its file, and finds all symbols when it is loaded.
fn main() {
    for option in ["-z,nodelete", "-z,relro,-z,now", "-z,defs"] {
        println!("cargo:rustc-cdylib-link-arg=-Wl,{option}");
    }
    println!("cargo:rerun-if-changed=manifest.json");
}
