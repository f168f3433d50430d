//! Parses nothing itself: hands the command line to `cli` and returns its exit code.

fn main() -> std::process::ExitCode {
    // An error means that it is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    frontdesk::cli::run()
}
