//! The `warptape` command.

fn main() {
    std::process::exit(warptape::cli::run());
}
