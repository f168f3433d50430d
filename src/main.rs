//! Parses nothing itself: hands the command line to `cli` and returns its exit code.

fn main() -> std::process::ExitCode {
    // Whatever is written is the owner's alone to read, the databases' files too, which no mode is asked for.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    // An error means that it is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    frontdesk::cli::run()
}
