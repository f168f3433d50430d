//! Markdown: `CommonMark` with tables, task lists, footnotes, definition lists, alerts and front matter.
//!
//! The events of the parser are written out again in one plain form. Emphasis goes, inline code keeps its
//! backticks, pictures leave their description, and a link keeps its address only where the author of a
//! Markdown file wrote it, not where a web page did.

use super::document::Writer;
use super::error::Error;
use super::html;
use super::limits::Limits;
use pulldown_cmark::{BlockQuoteKind, CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// An address longer than this is for machines.
const LINK_BYTES_MAX: usize = 200;
/// A picture's description with fewer words is a file name or a badge.
const ALT_WORDS_MIN: usize = 3;

/// What becomes of the addresses of links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    /// Written after the words: `terms (https://example.com/terms)`.
    Keep,
    /// Left out.
    Drop,
}

/// Writes the blocks of `source`; the title in its front matter is the answer.
pub(super) fn write(
    source: &str,
    links: Links,
    limits: &Limits,
    writer: &mut Writer,
) -> Result<Option<String>, Error> {
    let mut rendering = Rendering {
        writer,
        limits,
        links,
        words: String::new(),
        prefix: None,
        lists: Vec::new(),
        marker: None,
        rows: Vec::new(),
        link_starts: Vec::new(),
        image_starts: Vec::new(),
        capture: None,
        title: None,
    };
    for event in Parser::new_ext(source, options()) {
        rendering.event(event)?;
    }
    rendering.flush()?;
    Ok(rendering.title)
}

fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
        | Options::ENABLE_PLUSES_DELIMITED_METADATA_BLOCKS
        | Options::ENABLE_GFM
        | Options::ENABLE_DEFINITION_LIST
}

/// Text that is collected whole before it is understood.
enum Capture {
    Code { language: String, body: String },
    Html(String),
    FrontMatter(String),
}

struct Rendering<'a> {
    writer: &'a mut Writer,
    limits: &'a Limits,
    links: Links,
    /// The words of the block at hand.
    words: String,
    /// Put before the next paragraph: the kind of an alert, the term of a definition.
    prefix: Option<String>,
    /// The next number of each open list, `None` for bullets.
    lists: Vec<Option<u64>>,
    /// The marker of an item whose first words have not been written yet.
    marker: Option<String>,
    rows: Vec<Vec<String>>,
    link_starts: Vec<(usize, String)>,
    image_starts: Vec<usize>,
    capture: Option<Capture>,
    title: Option<String>,
}

impl Rendering<'_> {
    fn event(&mut self, event: Event<'_>) -> Result<(), Error> {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => {
                self.text(&text);
                Ok(())
            }
            Event::Html(html) => {
                self.text(&html);
                Ok(())
            }
            Event::Code(code) => {
                self.words.push('`');
                self.words.push_str(&code);
                self.words.push('`');
                Ok(())
            }
            Event::InlineHtml(tag) => {
                if tag.to_ascii_lowercase().starts_with("<br") {
                    self.words.push('\n');
                }
                Ok(())
            }
            Event::InlineMath(math) | Event::DisplayMath(math) => {
                self.words.push_str(&math);
                Ok(())
            }
            Event::SoftBreak => {
                self.words.push(' ');
                Ok(())
            }
            Event::HardBreak => {
                self.words.push('\n');
                Ok(())
            }
            Event::TaskListMarker(done) => {
                self.words.push_str(if done { "[x] " } else { "[ ] " });
                Ok(())
            }
            Event::Rule => self.flush(),
            Event::FootnoteReference(_) => Ok(()),
        }
    }

    fn text(&mut self, text: &str) {
        match &mut self.capture {
            Some(Capture::Code { body, .. } | Capture::Html(body) | Capture::FrontMatter(body)) => {
                body.push_str(text);
            }
            None => self.words.push_str(text),
        }
    }

    fn start(&mut self, tag: Tag<'_>) -> Result<(), Error> {
        match tag {
            Tag::Paragraph | Tag::Heading { .. } | Tag::FootnoteDefinition(_) | Tag::DefinitionListTitle => {
                self.flush()?;
            }
            Tag::BlockQuote(kind) => {
                self.flush()?;
                self.prefix = kind.map(|kind| format!("{}: ", alert(kind)));
            }
            Tag::CodeBlock(kind) => {
                self.flush()?;
                let language = match kind {
                    CodeBlockKind::Fenced(language) => language.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.capture = Some(Capture::Code { language, body: String::new() });
            }
            Tag::HtmlBlock => {
                self.flush()?;
                self.capture = Some(Capture::Html(String::new()));
            }
            Tag::MetadataBlock(_) => self.capture = Some(Capture::FrontMatter(String::new())),
            Tag::List(first) => {
                self.flush()?;
                self.lists.push(first);
            }
            Tag::Item => {
                self.flush()?;
                self.marker = Some(match self.lists.last_mut() {
                    Some(Some(number)) => {
                        let marker = format!("{number}.");
                        *number = number.saturating_add(1);
                        marker
                    }
                    _ => "-".to_owned(),
                });
            }
            Tag::Table(_) => {
                self.flush()?;
                self.rows.clear();
            }
            Tag::TableHead | Tag::TableRow => self.rows.push(Vec::new()),
            Tag::TableCell => self.words.clear(),
            Tag::Link { dest_url, .. } => self.link_starts.push((self.words.len(), dest_url.to_string())),
            Tag::Image { .. } => self.image_starts.push(self.words.len()),
            Tag::DefinitionList
            | Tag::DefinitionListDefinition
            | Tag::Emphasis
            | Tag::Strong
            | Tag::Strikethrough
            | Tag::Superscript
            | Tag::Subscript => {}
        }
        Ok(())
    }

    fn end(&mut self, tag: TagEnd) -> Result<(), Error> {
        match tag {
            TagEnd::Heading(level) => {
                let words = std::mem::take(&mut self.words);
                self.writer.heading(level as u8, &words)?;
            }
            TagEnd::CodeBlock | TagEnd::HtmlBlock | TagEnd::MetadataBlock(_) => self.end_capture()?,
            TagEnd::List(_) => {
                self.flush()?;
                self.lists.pop();
            }
            TagEnd::Item => {
                self.flush()?;
                self.marker = None;
            }
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.words);
                if let Some(row) = self.rows.last_mut() {
                    row.push(cell);
                }
            }
            TagEnd::Table => {
                let rows = std::mem::take(&mut self.rows);
                self.writer.table(&rows)?;
            }
            TagEnd::DefinitionListTitle => {
                let term = std::mem::take(&mut self.words);
                self.prefix = Some(format!("{}: ", term.trim()));
            }
            TagEnd::Link => self.end_link(),
            TagEnd::Image => self.end_image(),
            TagEnd::Paragraph
            | TagEnd::BlockQuote(_)
            | TagEnd::FootnoteDefinition
            | TagEnd::DefinitionListDefinition => self.flush()?,
            TagEnd::DefinitionList
            | TagEnd::TableHead
            | TagEnd::TableRow
            | TagEnd::Emphasis
            | TagEnd::Strong
            | TagEnd::Strikethrough
            | TagEnd::Superscript
            | TagEnd::Subscript => {}
        }
        Ok(())
    }

    /// Writes the words collected so far as a list item or a paragraph.
    fn flush(&mut self) -> Result<(), Error> {
        if self.words.trim().is_empty() {
            self.words.clear();
            return Ok(());
        }
        let mut words = std::mem::take(&mut self.words);
        if let Some(prefix) = self.prefix.take() {
            words.insert_str(0, &prefix);
        }
        match self.marker.take() {
            Some(marker) => {
                let depth = u8::try_from(self.lists.len().saturating_sub(1)).unwrap_or(u8::MAX);
                self.writer.list_item(depth, &marker, &words)
            }
            None => self.writer.paragraph(&words),
        }
    }

    fn end_capture(&mut self) -> Result<(), Error> {
        match self.capture.take() {
            Some(Capture::Code { language, body }) => {
                // A code block that opens an item takes the item's place, and its marker goes.
                self.marker = None;
                self.writer.code(&language, &body)
            }
            Some(Capture::Html(source)) => {
                let inner = html::fragment_to_markdown(&source, self.limits)?;
                // Converted HTML holds no HTML blocks of its own, so this does not recurse further.
                if !inner.trim().is_empty() && inner.trim() != source.trim() {
                    write(&inner, self.links, self.limits, self.writer)?;
                }
                Ok(())
            }
            Some(Capture::FrontMatter(source)) => {
                self.title = front_matter_title(&source);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn end_link(&mut self) {
        let Some((start, address)) = self.link_starts.pop() else { return };
        let shown = self.words.get(start..).unwrap_or_default();
        let absolute =
            ["http://", "https://", "mailto:", "tel:"].iter().any(|scheme| address.starts_with(scheme));
        let bare = address.trim_start_matches("mailto:").trim_start_matches("tel:");
        if self.links == Links::Keep
            && absolute
            && address.len() <= LINK_BYTES_MAX
            && !shown.trim().is_empty()
            && !shown.contains(bare)
        {
            self.words.push_str(" (");
            self.words.push_str(bare);
            self.words.push(')');
        }
    }

    fn end_image(&mut self) {
        let Some(start) = self.image_starts.pop() else { return };
        let description = self.words.get(start..).unwrap_or_default();
        if description.split_whitespace().count() < ALT_WORDS_MIN || !self.link_starts.is_empty() {
            self.words.truncate(start);
        }
    }
}

fn alert(kind: BlockQuoteKind) -> &'static str {
    match kind {
        BlockQuoteKind::Note => "Note",
        BlockQuoteKind::Tip => "Tip",
        BlockQuoteKind::Important => "Important",
        BlockQuoteKind::Warning => "Warning",
        BlockQuoteKind::Caution => "Caution",
    }
}

/// The value of a top-level `title` in YAML or TOML, as far as one line can hold it.
fn front_matter_title(source: &str) -> Option<String> {
    source.lines().find_map(|line| {
        let value = line.strip_prefix("title")?.trim_start().strip_prefix([':', '='])?.trim();
        let value = value.strip_prefix(['"', '\'']).map_or(value, |rest| rest.trim_end_matches(['"', '\'']));
        (!value.is_empty()).then(|| value.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::super::document::{BlockKind, Extracted};
    use super::super::sniff::Format;
    use super::*;

    fn read(source: &str) -> Extracted {
        let limits = Limits::default();
        let mut writer = Writer::new(&limits);
        let title = write(source, Links::Keep, &limits, &mut writer).unwrap();
        writer.finish(Format::Markdown, title.as_deref(), None).unwrap()
    }

    #[test]
    fn structure_is_kept_in_one_plain_form() {
        let source = "---\ntitle: \"Returns\"\n---\nReturns\n=======\n\nSend it *back* within **30 days**, see\n[the form](https://e.example/f).\n\n* One\n* Two\n  continued\n    1. Deep\n\n| A | B |\n|---|:-:|\n| 1 | `x` |\n\n```sh\nrun  it\n```\n";
        let document = read(source);
        assert_eq!(document.title.as_deref(), Some("Returns"));
        assert_eq!(
            document.text,
            "# Returns\n\nSend it back within 30 days, see the form (https://e.example/f).\n\n- One\n- Two continued\n  1. Deep\n\n| A | B |\n| --- | --- |\n| 1 | `x` |\n\n```sh\nrun  it\n```"
        );
        let kinds: Vec<BlockKind> = document.blocks.iter().map(|block| block.kind).collect();
        assert_eq!(
            kinds,
            [
                BlockKind::Heading { level: 1 },
                BlockKind::Paragraph,
                BlockKind::ListItem { depth: 0 },
                BlockKind::ListItem { depth: 0 },
                BlockKind::ListItem { depth: 1 },
                BlockKind::Table,
                BlockKind::Code
            ]
        );
    }

    #[test]
    fn html_in_markdown_leaves_its_words() {
        let document = read(
            "<div align=\"center\"><b>Hello</b> there</div>\n\nA<br>B <span>c</span>\n\n<script>alert(1)</script>\n",
        );
        assert_eq!(document.text, "Hello there\n\nA\nB c");
    }

    #[test]
    fn alerts_and_definitions_say_what_they_are() {
        let document = read("> [!WARNING]\n> Hot.\n\nTerm\n: What it means\n");
        assert_eq!(document.text, "Warning: Hot.\n\nTerm: What it means");
    }
}
