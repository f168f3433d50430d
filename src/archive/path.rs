//! Which paths an archive may name: plain ones, that lead into the folder that they are joined to and nowhere else.

/// The longest path, in bytes.
const PATH_BYTES_MAX: usize = 1_024;
/// The most parts of a path.
const PARTS_MAX: usize = 32;

/// Whether `path` is relative, with `/` between parts that are names.
#[must_use]
pub fn is_plain_path(path: &str) -> bool {
    let is_name = |part: &str| !part.is_empty() && part != "." && part != "..";
    path.len() <= PATH_BYTES_MAX
        && path.split('/').count() <= PARTS_MAX
        && path.split('/').all(is_name)
        && !path.chars().any(|c| c == '\\' || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_paths_are_accepted() {
        for plain in ["system.redb", "tenants/tnt_1/files/ab/cd", "tls/own.pem", "...", "a b/ü"] {
            assert!(is_plain_path(plain), "{plain}");
        }
        let long = "a/".repeat(32) + "a";
        for other in
            ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/", "./a", "a\\..\\b", "a\0b", "a\nb", &long]
        {
            assert!(!is_plain_path(other), "{other:?}");
        }
        assert!(!is_plain_path(&"x".repeat(1_025)));
    }
}
