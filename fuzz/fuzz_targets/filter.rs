#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| corescope_fuzz::filter(data));
