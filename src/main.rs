//! `regtree`: parse, run, exit.

use std::process::ExitCode;

fn main() -> ExitCode {
    regtree::cli::main(std::env::args_os())
}
