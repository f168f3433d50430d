//! How deeply HTML is nested, before a parser builds a tree of it.
//!
//! Trees of elements are walked by recursion in the parsers further on, so a page of a hundred thousand nested
//! `<div>` must not reach them. This scan keeps the stack of open elements roughly the way the HTML standard's
//! tree construction does: elements whose end tag may be left out are not counted, an end tag closes what it
//! names unless something stronger stands between. It errs towards counting too much. It is linear in the size
//! of the page, because the stack never grows past the limit.

/// Elements that hold nothing.
const VOID: &[&str] = &[
    "area", "base", "basefont", "bgsound", "br", "col", "embed", "frame", "hr", "img", "input", "keygen",
    "link", "meta", "param", "source", "track", "wbr",
];
/// Elements that end by themselves where another of their kind or their parent ends, or cannot hold themselves.
const SELF_ENDING: &[&str] = &[
    "a", "body", "button", "colgroup", "dd", "dt", "head", "html", "li", "nobr", "optgroup", "option", "p",
    "rp", "rt", "tbody", "td", "tfoot", "th", "thead", "tr",
];
/// Elements whose content is not markup.
const RAW: &[&str] = &["iframe", "noembed", "noframes", "script", "style", "textarea", "title", "xmp"];
/// Elements that an end tag in the middle takes out without ending what stands inside them.
const FORMATTING: &[&str] =
    &["b", "big", "code", "em", "font", "i", "s", "small", "strike", "strong", "tt", "u"];
/// Elements that an end tag from inside does not reach past.
const SCOPES: &[&str] = &["applet", "caption", "marquee", "math", "object", "svg", "table", "template"];

/// Whether the elements of `page` stand more than `depth_max` deep in one another.
pub(super) fn exceeds(page: &str, depth_max: usize) -> bool {
    let mut open: Vec<String> = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        rest = rest.get(at + 1..).unwrap_or_default();
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.find("-->").and_then(|end| comment.get(end + 3..)).unwrap_or_default();
            continue;
        }
        let (closing, tag) = match rest.strip_prefix('/') {
            Some(tag) => (true, tag),
            None => (false, rest),
        };
        if !tag.starts_with(|c: char| c.is_ascii_alphabetic()) {
            continue;
        }
        let (name, attributes) = split_name(tag);
        let (self_closed, after) = tag_end(attributes);
        rest = after;
        if closing {
            close(&mut open, &name);
            continue;
        }
        if RAW.contains(&name.as_str()) {
            rest = after_raw(rest, &name);
            continue;
        }
        let foreign = open.iter().any(|element| element == "svg" || element == "math");
        let childless = VOID.contains(&name.as_str()) || SELF_ENDING.contains(&name.as_str());
        if childless || (self_closed && foreign) {
            continue;
        }
        open.push(name);
        if open.len() > depth_max {
            return true;
        }
    }
    false
}

fn split_name(tag: &str) -> (String, &str) {
    let end = tag.find(|c: char| c.is_whitespace() || c == '>' || c == '/').unwrap_or(tag.len());
    let (name, attributes) = tag.split_at(end);
    (name.to_ascii_lowercase(), attributes)
}

/// Whether the tag ends in `/>`, and what follows it. A `>` in a quoted attribute does not end it.
fn tag_end(attributes: &str) -> (bool, &str) {
    let mut quote: Option<u8> = None;
    let mut previous = 0_u8;
    for (at, byte) in attributes.bytes().enumerate() {
        match quote {
            Some(open) if byte == open => quote = None,
            None if byte == b'>' => return (previous == b'/', attributes.get(at + 1..).unwrap_or_default()),
            None if (byte == b'"' || byte == b'\'') && previous == b'=' => quote = Some(byte),
            Some(_) | None => {}
        }
        if !byte.is_ascii_whitespace() {
            previous = byte;
        }
    }
    (false, "")
}

fn after_raw<'a>(rest: &'a str, name: &str) -> &'a str {
    let mut tail = rest;
    while let Some(at) = tail.find("</") {
        tail = tail.get(at + 2..).unwrap_or_default();
        if tail.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)) {
            return tail.find('>').and_then(|end| tail.get(end + 1..)).unwrap_or_default();
        }
    }
    ""
}

fn close(open: &mut Vec<String>, name: &str) {
    let formatting = FORMATTING.contains(&name);
    let plain = formatting || name == "span";
    for index in (0..open.len()).rev() {
        let Some(element) = open.get(index) else { return };
        if element == name {
            if formatting {
                open.remove(index);
            } else {
                open.truncate(index);
            }
            return;
        }
        let weak = FORMATTING.contains(&element.as_str()) || element == "span";
        if SCOPES.contains(&element.as_str()) && name != "table" || (plain && !formatting && !weak) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_thousand_nested_elements_exceed_any_limit() {
        assert!(exceeds(&"<div>".repeat(100_000), 512));
        assert!(exceeds(&"<div></span>".repeat(100_000), 512));
        assert!(exceeds(&"<span><div></span>".repeat(100_000), 512));
        assert!(exceeds(&"<div><table><tr><td></div>".repeat(100_000), 512));
        assert!(exceeds(&"<DIV title='>'>".repeat(1000), 512));
        assert!(exceeds(&"<b>x".repeat(1000), 512));
    }

    #[test]
    fn a_long_flat_page_does_not() {
        assert!(!exceeds(&"<p>One<li>Two<td>Three<br><img src=x>".repeat(10_000), 512));
        assert!(!exceeds(&"<div><b><span>x</span></div></b>".repeat(10_000), 512));
        assert!(!exceeds(&"<svg><path d='M0'/><g/></svg>".repeat(10_000), 512));
        assert!(!exceeds(&"<script>if (a<b) document.write('<div>')</script>".repeat(10_000), 512));
        assert!(!exceeds(&"<!-- <div> -->a < b <3".repeat(10_000), 512));
    }
}
