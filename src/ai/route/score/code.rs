//! How much of a text is code: fences, commands, paths, calls, the names of errors.

/// Words of the trade that stand beside code in any language.
const TECHNICAL: [&str; 34] = [
    "exception",
    "traceback",
    "stacktrace",
    "curl",
    "json",
    "xml",
    "yaml",
    "regex",
    "sql",
    "webhook",
    "webhooks",
    "endpoint",
    "payload",
    "undefined",
    "segfault",
    "kubectl",
    "docker",
    "kubernetes",
    "oauth",
    "saml",
    "scim",
    "cors",
    "jwt",
    "api",
    "sdk",
    "graphql",
    "http",
    "https",
    "tls",
    "hmac",
    "idempotency",
    "nginx",
    "npm",
    "websocket",
];

/// What makes a word look like code, wherever in it.
const SIGNS: [&str; 13] = ["::", "->", "=>", "==", "()", "{", "}", "</", "/>", "();", "&&", "||", "`"];

/// Points that a fence counts.
const FENCE: f64 = 2.0;
/// Points that a word counts that can only be code.
const SIGN: f64 = 1.0;
/// Points that a technical word counts.
const WORD: f64 = 0.5;

/// Code in one word as it stands in the text, between blanks.
pub(super) fn points_of_piece(piece: &str) -> f64 {
    if piece.starts_with("```") {
        return FENCE;
    }
    let bare =
        piece.trim_matches(|c: char| matches!(c, ',' | '.' | '?' | '!' | ':' | ';' | '(' | ')' | '"' | '\''));
    let looks_like_code = SIGNS.iter().any(|sign| piece.contains(sign))
        || is_flag(bare)
        || is_snake(bare)
        || is_path(bare)
        || is_assignment(bare)
        || bare.ends_with("Exception")
        || bare.ends_with("Error") && bare.len() > "Error".len()
        || bare.starts_with("0x") && bare.len() > 4
        || bare.starts_with("ERR_");
    if looks_like_code { SIGN } else { 0.0 }
}

/// Code in one folded word.
pub(super) fn points_of_word(word: &str) -> f64 {
    if TECHNICAL.contains(&word) { WORD } else { 0.0 }
}

/// `--verbose`
fn is_flag(word: &str) -> bool {
    word.strip_prefix("--").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()))
}

/// `retry_count`, `MAX_SIZE`
fn is_snake(word: &str) -> bool {
    let is_name = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    word.split_once('_').is_some_and(|(before, after)| {
        !before.is_empty() && !after.is_empty() && is_name(before) && after.split('_').all(is_name)
    })
}

/// `/etc/nginx/nginx.conf`, `C:\Users`; the address of a page is none.
fn is_path(word: &str) -> bool {
    let is_unix = word.strip_prefix('/').is_some_and(|rest| rest.contains('/') || rest.contains('.'));
    is_unix || word.contains(":\\")
}

/// `limit=50`
fn is_assignment(word: &str) -> bool {
    !word.contains("://")
        && word.split_once('=').is_some_and(|(name, value)| !name.is_empty() && !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_told_from_prose() {
        for piece in [
            "foo::bar",
            "main()",
            "=>",
            "--verbose",
            "retry_count",
            "/etc/hosts",
            "limit=50",
            "TypeError:",
            "0x80070005",
            "C:\\Users\\me",
            "`x`",
            "NullPointerException",
        ] {
            assert!(points_of_piece(piece) > 0.0, "{piece}");
        }
        for piece in [
            "and/or",
            "https://desk.example/a?b=c",
            "hello,",
            "24/7",
            "--",
            "Error",
            "(really)",
            "_",
            "e-mail",
            "/",
        ] {
            assert!(points_of_piece(piece) == 0.0, "{piece}");
        }
    }
}
