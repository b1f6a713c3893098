//! Writes inputs to start fuzzing from: a folder per target, a file per input.
//!
//! ```text
//! cargo run --manifest-path fuzz/Cargo.toml --no-default-features --example seeds -- fuzz/seeds
//! ```
//!
//! With `--own` only inputs made for this project: what may be committed.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::Path;
use std::{env, fs, io};

use corescope_fuzz::seeds::{captured, own};

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let only_own = arguments.iter().any(|argument| argument == "--own");
    let folder = arguments.iter().find(|argument| !argument.starts_with('-')).map_or("seeds", |path| path);

    let mut seeds = own();
    match captured() {
        _ if only_own => {}
        Some(captured) => seeds.extend(captured),
        None => eprintln!("skipped: no captured frames next to the workspace"),
    }
    for (law, bytes) in &seeds {
        let folder = Path::new(folder).join(law);
        fs::create_dir_all(&folder)?;
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        fs::write(folder.join(format!("{:016x}", hasher.finish())), bytes)?;
    }
    println!("{} inputs in {folder}", seeds.len());
    Ok(())
}
