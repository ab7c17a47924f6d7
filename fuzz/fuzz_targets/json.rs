#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| regtree_fuzz::json(bytes));
