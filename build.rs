//! Stops the build early, with what to do, when something that is compiled in was not made yet.
//!
//! Nothing is fetched or generated here: `make assets` does that, so that `cargo build` needs no network.
#![allow(clippy::print_stdout, reason = "printing is how a build script speaks to cargo")]

use std::path::Path;

/// What the binary includes and git does not hold, relative to the crate root.
const INCLUDED: &[&str] = &["data/models/all-minilm-l6-v2-int8.onnx", "data/models/tokenizer.json"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for path in INCLUDED {
        println!("cargo::rerun-if-changed={path}");
        if !Path::new(path).is_file() {
            println!("cargo::error={path} is missing: run `make assets` once, then build again.");
        }
    }
}
