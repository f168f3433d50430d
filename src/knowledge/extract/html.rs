//! Web pages: the article without the page around it, as Markdown, then as blocks.
//!
//! Readability finds the article. Where it finds nothing, or drops most of what is there (a page of short
//! entries, a table), the whole page serves instead, without navigation, header and footer. Nesting is measured
//! before either sees the page.

use super::document::{Extracted, Writer};
use super::error::Error;
use super::html_depth;
use super::limits::Limits;
use super::markdown::{self, Links};
use super::sniff::Format;
use dom_smoothie::{Config, Readability};
use htmd::HtmlToMarkdown;
use htmd::options::{BulletListMarker, Options};

/// Never words for a reader.
const NOISE: &[&str] = &[
    "script", "style", "noscript", "template", "iframe", "object", "embed", "svg", "canvas", "audio",
    "video", "head", "input", "select", "textarea", "dialog", "link", "meta",
];
/// The page around the article.
const FURNITURE: &[&str] = &["nav", "footer", "header"];
/// Readability's article must hold at least this share of the whole page's text.
const ARTICLE_SHARE_MIN_PERCENT: usize = 40;
/// And this share of its headings: it drops buttons and asides, and with them the questions of many a FAQ.
const HEADING_SHARE_MIN_PERCENT: usize = 60;
/// Elements Readability looks at: its scoring is not linear in them.
const READABILITY_ELEMENTS_MAX: usize = 50_000;
/// Pages larger than this go without Readability, for the same reason.
const READABILITY_BYTES_MAX: usize = 4 << 20;

/// The text of a page.
pub(super) fn extract(page: &str, limits: &Limits) -> Result<Extracted, Error> {
    if html_depth::exceeds(page, limits.html_depth_max) {
        return Err(Error::TooDeep);
    }
    let mut whole = to_markdown(page, true)?;
    if whole.trim().is_empty() {
        // Some pages put everything into <header>.
        whole = to_markdown(page, false)?;
    }
    let (title, article) = readability(page);
    let chosen = match article.map(|article| to_markdown(&article, false)).transpose()? {
        Some(article) if stands_for(&article, &whole) => with_first_heading(article, &whole),
        _ => whole,
    };
    let mut writer = Writer::new(limits);
    markdown::write(&chosen, Links::Drop, limits, &mut writer)?;
    let title = title.filter(|title| !title.trim().is_empty()).or_else(|| title_element(page));
    let title = title.map(|title| without_site_name(&title, writer.first_heading().as_deref()));
    writer.finish(Format::Html, title.as_deref(), None)
}

/// A piece of HTML inside another format, as Markdown.
pub(super) fn fragment_to_markdown(fragment: &str, limits: &Limits) -> Result<String, Error> {
    if html_depth::exceeds(fragment, limits.html_depth_max) {
        return Err(Error::TooDeep);
    }
    to_markdown(fragment, false)
}

fn to_markdown(page: &str, skip_furniture: bool) -> Result<String, Error> {
    let mut skipped = NOISE.to_vec();
    if skip_furniture {
        skipped.extend_from_slice(FURNITURE);
    }
    let options =
        Options { bullet_list_marker: BulletListMarker::Dash, ul_bullet_spacing: 1, ..Options::default() };
    HtmlToMarkdown::builder()
        .options(options)
        .skip_tags(skipped)
        // A data: picture would carry its bytes into the text.
        .add_handler(vec!["img"], |_: &dyn htmd::element_handler::Handlers, element: htmd::Element| {
            let alt = element.attrs.iter().find(|attribute| &*attribute.name.local == "alt");
            let words = alt.map(|attribute| attribute.value.trim().to_owned()).unwrap_or_default();
            (words.split_whitespace().count() >= 3).then(|| words.into())
        })
        .build()
        .convert(page)
        .map_err(|error| Error::Damaged { format: Format::Html, detail: error.to_string() })
}

/// The title and the HTML of the article, as far as Readability finds them.
fn readability(page: &str) -> (Option<String>, Option<String>) {
    if page.len() > READABILITY_BYTES_MAX {
        return (None, None);
    }
    let config = Config { max_elements_to_parse: READABILITY_ELEMENTS_MAX, ..Config::default() };
    let Ok(mut reader) = Readability::new(page, None, Some(config)) else { return (None, None) };
    let title = reader.get_article_title().to_string();
    let article = reader.parse().ok();
    (Some(title), article.map(|article| article.content.to_string()))
}

/// Readability drops the heading that repeats the title; the text should begin with it.
fn with_first_heading(article: String, whole: &str) -> String {
    let heading = whole.lines().find(|line| line.starts_with("# "));
    match heading {
        Some(heading) if !article.contains(heading) => format!("{heading}\n\n{article}"),
        _ => article,
    }
}

/// Whether `article` holds enough of the `whole` page to be shown in its place.
fn stands_for(article: &str, whole: &str) -> bool {
    words(article) * 100 >= words(whole) * ARTICLE_SHARE_MIN_PERCENT
        && (headings(article) + 1) * 100 >= headings(whole) * HEADING_SHARE_MIN_PERCENT
}

fn headings(markdown: &str) -> usize {
    markdown.lines().filter(|line| line.starts_with('#')).count()
}

fn words(markdown: &str) -> usize {
    markdown.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count()
}

/// `Returns | Acme` is `Returns` where the page itself is headed so.
fn without_site_name(title: &str, heading: Option<&str>) -> String {
    let mut parts = [" | ", " - ", " – ", " — ", " · ", " :: "].iter().flat_map(|mark| title.split(*mark));
    let own = heading.and_then(|heading| parts.find(|part| part.trim().eq_ignore_ascii_case(heading)));
    own.unwrap_or(title).trim().to_owned()
}

fn title_element(page: &str) -> Option<String> {
    let lower = page.get(..page.floor_char_boundary(64 << 10))?.to_ascii_lowercase();
    let start = lower.find("<title")?;
    let start = start + lower.get(start..)?.find('>')? + 1;
    let end = start + lower.get(start..)?.find("</title")?;
    let title = page.get(start..end)?.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">");
    Some(title)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(page: &str) -> Extracted {
        extract(page, &Limits::default()).unwrap()
    }

    #[test]
    fn the_article_is_kept_and_the_page_around_it_is_not() {
        let paragraph = "You may send the product back within thirty days of delivery, as long as it is complete, undamaged and in its box. ";
        let page = format!(
            "<!DOCTYPE html><html><head><title>Returns | Acme</title><style>p{{}}</style></head><body><nav><a href='/'>Home</a> <a href='/x'>Shop</a></nav><article><h1>Returns</h1><p>{p}</p><h2>How</h2><p>{p}{p}</p><ul><li>Print the label</li><li>Pack the box</li></ul><table><tr><th>Plan</th><th>Days</th></tr><tr><td>Basic</td><td>30</td></tr></table><p>{p}<img src='data:image/png;base64,AAAA'></p></article><script>var secret = 1;</script><footer>Imprint and cookies</footer></body></html>",
            p = paragraph
        );
        let document = read(&page);
        assert!(document.title.as_deref().unwrap().starts_with("Returns"));
        assert!(document.text.starts_with("# Returns\n\nYou may send"), "{}", document.text);
        assert!(document.text.contains("## How"));
        assert!(document.text.contains("- Print the label\n- Pack the box"));
        assert!(
            document.text.contains("| Plan | Days |\n| --- | --- |\n| Basic | 30 |"),
            "{}",
            document.text
        );
        for gone in ["secret", "Imprint", "Home", "base64", "AAAA"] {
            assert!(!document.text.contains(gone), "{gone} is still there");
        }
    }

    #[test]
    fn a_page_of_short_entries_is_kept_whole() {
        let entries: String =
            (0..40).map(|i| format!("<div class=entry><b>E-{i:02}</b> Fault {i}</div>")).collect();
        let document = read(&format!("<html><head><title>Codes</title></head><body>{entries}</body></html>"));
        assert!(document.text.contains("E-00 Fault 0") && document.text.contains("E-39 Fault 39"));
        assert_eq!(document.title.as_deref(), Some("Codes"));
    }

    #[test]
    fn a_page_nested_too_deeply_is_refused() {
        let page = format!("<html>{}", "<div>".repeat(100_000));
        assert!(matches!(extract(&page, &Limits::default()), Err(Error::TooDeep)));
    }
}
