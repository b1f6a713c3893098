//! Tells the binary which commit it is, and cargo when the embedded page has changed.

use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=../public/dist");
    // A source archive has no repository, and a path that is not there would build anew each time.
    let moves_with_each_commit = "../.git/logs/HEAD";
    if Path::new(moves_with_each_commit).exists() {
        println!("cargo:rerun-if-changed={moves_with_each_commit}");
    }
    println!("cargo:rerun-if-env-changed=SOURCE_DATE_EPOCH");

    let commit = Command::new("git").args(["rev-parse", "--short", "HEAD"]).output().ok();
    let commit = commit.filter(|output| output.status.success());
    let commit = commit
        .map_or_else(|| "unknown".into(), |output| String::from_utf8_lossy(&output.stdout).into_owned());
    println!("cargo:rustc-env=CORESCOPE_COMMIT={}", commit.trim());

    let given = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|seconds| seconds.parse().ok());
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    println!("cargo:rustc-env=CORESCOPE_BUILT_AT={}", given.unwrap_or_else(now));
}
