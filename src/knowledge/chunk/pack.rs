//! Packing units into passages.

use super::cut::{Cutter, Unit, halve};
use super::passage::{Chunk, Settings};
use super::section::{Section, sections};
use super::sentence::sentences;
use crate::knowledge::extract::{BlockKind, Extracted};

/// Units that will be one passage, under the headings they share.
#[derive(Debug)]
struct Draft {
    path: Vec<String>,
    /// The heading right above, when the draft begins its section.
    heading: Option<Unit>,
    units: Vec<Unit>,
    tokens: usize,
    /// Whether it continues running text of the draft before.
    continues: bool,
}

/// Cuts `document` into passages. `count_tokens` counts what the embedding model will see of a text.
#[must_use]
pub fn chunk(document: &Extracted, count_tokens: &dyn Fn(&str) -> usize, settings: &Settings) -> Vec<Chunk> {
    let mut cutter = Cutter::new(document, count_tokens, settings);
    let mut drafts: Vec<Draft> = Vec::new();
    for section in sections(document) {
        let packed = pack(&mut cutter, &section);
        for draft in packed {
            match drafts.last_mut().and_then(|last| joint_path(last, &draft, settings)) {
                Some(shared) => {
                    if let Some(last) = drafts.last_mut() {
                        join(last, draft, shared);
                    }
                }
                None => drafts.push(draft),
            }
        }
    }
    let writer = PassageWriter { cutter: &cutter, prefix_title: document.title.as_deref() };
    let mut chunks = Vec::new();
    let mut before: Option<Unit> = None;
    for draft in drafts {
        let last = draft.units.last().cloned();
        writer.write(draft, before.as_ref(), &mut chunks);
        before = last;
    }
    chunks
}

/// Fills passages of one section up to the target, keeping groups together where they fit.
fn pack(cutter: &mut Cutter<'_>, section: &Section) -> Vec<Draft> {
    let units = cutter.units(section);
    let heading = section.heading.as_ref().map(|block| cutter.heading(block));
    let target = cutter.settings.tokens_target;
    let mut drafts: Vec<Vec<Unit>> = Vec::new();
    let mut current: Vec<Unit> = Vec::new();
    let mut filled = 0;
    let mut last_group = None;
    let mut totals = group_totals(&units).into_iter();
    for unit in units {
        if last_group != Some(unit.group) {
            last_group = Some(unit.group);
            let group_tokens = totals.next().unwrap_or(unit.tokens);
            let group_fits_alone = group_tokens <= target;
            if filled + group_tokens > target && group_fits_alone && filled >= cutter.settings.tokens_min {
                drafts.push(std::mem::take(&mut current));
                filled = 0;
            }
        }
        if filled + unit.tokens > target && !current.is_empty() {
            drafts.push(std::mem::take(&mut current));
            filled = 0;
        }
        filled += unit.tokens;
        current.push(unit);
    }
    if !current.is_empty() {
        drafts.push(current);
    }
    settle_tail(&mut drafts, cutter.settings);
    into_drafts(drafts, section, heading)
}

fn group_totals(units: &[Unit]) -> Vec<usize> {
    units.chunk_by(|a, b| a.group == b.group).map(total).collect()
}

fn total(units: &[Unit]) -> usize {
    units.iter().map(|unit| unit.tokens).sum()
}

/// A short last passage joins the one before, or takes units from it.
fn settle_tail(drafts: &mut Vec<Vec<Unit>>, settings: &Settings) {
    let Some(mut last) = drafts.pop() else { return };
    if total(&last) < settings.tokens_min
        && let Some(previous) = drafts.last_mut()
    {
        let room = settings.tokens_max.saturating_sub(settings.prefix_tokens_max);
        if total(previous) + total(&last) <= room {
            previous.append(&mut last);
            return;
        }
        while total(&last) < settings.tokens_min && previous.len() > 1 {
            if let Some(unit) = previous.pop() {
                last.insert(0, unit);
            }
        }
    }
    drafts.push(last);
}

fn into_drafts(drafts: Vec<Vec<Unit>>, section: &Section, mut heading: Option<Unit>) -> Vec<Draft> {
    let mut continues = false;
    drafts
        .into_iter()
        .map(|units| {
            let draft = Draft {
                path: section.path.clone(),
                heading: heading.take(),
                tokens: total(&units),
                continues,
                units,
            };
            continues = true;
            draft
        })
        .collect()
}

/// The headings that two short neighbouring sections share, if they should be one passage.
fn joint_path(last: &Draft, next: &Draft, settings: &Settings) -> Option<Vec<String>> {
    let shared = last.path.iter().zip(&next.path).take_while(|(a, b)| a == b).count();
    let short = next.tokens < settings.section_tokens_min && last.tokens < settings.tokens_target / 2;
    let last_short = last.tokens < settings.section_tokens_min || last.path.len() < next.path.len();
    let related = shared > 0 && shared + 1 >= last.path.len() && shared + 1 >= next.path.len();
    (!next.continues && short && last_short && related)
        .then(|| last.path.get(..shared).map(<[String]>::to_vec))
        .flatten()
}

fn join(last: &mut Draft, mut next: Draft, shared: Vec<String>) {
    if last.path.len() > shared.len()
        && let Some(heading) = last.heading.take()
    {
        last.tokens += heading.tokens;
        last.units.insert(0, heading);
    }
    if let Some(heading) = next.heading.take() {
        last.tokens += heading.tokens;
        last.units.push(heading);
    }
    last.tokens += next.tokens;
    last.units.append(&mut next.units);
    last.path = shared;
}

/// Turns drafts into passages, holding the hard limit.
struct PassageWriter<'a, 'b> {
    cutter: &'b Cutter<'a>,
    prefix_title: Option<&'a str>,
}

impl PassageWriter<'_, '_> {
    /// Writes `draft` as one passage, or as several if it turns out too long with its headings.
    fn write(&self, draft: Draft, before: Option<&Unit>, chunks: &mut Vec<Chunk>) {
        let Cutter { count_tokens, settings, .. } = self.cutter;
        let prefix = prefix(self.prefix_title, &draft.path, count_tokens, settings);
        let mut overlap = if draft.continues { before.and_then(|unit| self.overlap(unit)) } else { None };
        let mut waiting = vec![draft.units];
        while let Some(units) = waiting.pop() {
            let Some(first) = units.first() else { continue };
            let lead = first.lead.and_then(|lead| self.cutter.leads.get(lead)).map_or("", String::as_str);
            let repeated = overlap.take().unwrap_or_default();
            let body = self.body(&units);
            let attempts = [
                (prefix.as_str(), lead, repeated.as_str()),
                (prefix.as_str(), lead, ""),
                (prefix.as_str(), "", ""),
            ];
            let fitting = attempts.into_iter().find_map(|(prefix, lead, repeated)| {
                let embed_text = embed_text(prefix, repeated, lead, &body);
                ((self.cutter.count_tokens)(&embed_text) <= self.cutter.settings.tokens_max)
                    .then_some((lead, embed_text))
            });
            match fitting {
                Some((lead, embed_text)) => chunks.push(self.passage(&units, &draft.path, lead, embed_text)),
                None => match self.split(&units) {
                    Some((left, right)) => waiting.extend([right, left]),
                    // A single character too many for the limit: better without its headings than lost.
                    None => chunks.push(self.passage(&units, &draft.path, "", body)),
                },
            }
        }
    }

    fn split(&self, units: &[Unit]) -> Option<(Vec<Unit>, Vec<Unit>)> {
        if units.len() > 1 {
            let (left, right) = units.split_at(units.len() / 2);
            return Some((left.to_vec(), right.to_vec()));
        }
        let unit = units.first()?;
        let (left, right) = halve(&self.cutter.document.text, unit.range.clone())?;
        Some((vec![Unit { range: left, ..unit.clone() }], vec![Unit { range: right, ..unit.clone() }]))
    }

    fn passage(&self, units: &[Unit], path: &[String], lead: &str, embed_text: String) -> Chunk {
        let start = units.first().map_or(0, |unit| unit.range.start);
        let end = units.last().map_or(start, |unit| unit.range.end);
        let hash = *blake3::hash(embed_text.as_bytes()).as_bytes();
        Chunk {
            start,
            end,
            heading_path: path.to_vec(),
            page: units.first().and_then(|unit| unit.page),
            text: format!("{lead}{}", self.cutter.text(start..end)),
            embed_text,
            hash,
        }
    }

    /// The last sentence of the running text before a passage.
    fn overlap(&self, unit: &Unit) -> Option<String> {
        if !self.cutter.settings.overlap || unit.kind != BlockKind::Paragraph {
            return None;
        }
        let slice = self.cutter.text(unit.range.clone());
        slice.get(sentences(slice).pop()?).map(str::to_owned)
    }

    /// The units' words without markup: one line per block or row.
    fn body(&self, units: &[Unit]) -> String {
        let mut body = String::new();
        let mut block = None;
        for unit in units {
            let same_line = block == Some(unit.block_start)
                && matches!(
                    unit.kind,
                    BlockKind::Paragraph | BlockKind::ListItem { .. } | BlockKind::Heading { .. }
                );
            let words = without_markup(unit.kind, self.cutter.text(unit.range.clone()));
            if !body.is_empty() && !words.is_empty() {
                body.push(if same_line { ' ' } else { '\n' });
            }
            body.push_str(&words);
            block = Some(unit.block_start);
        }
        body
    }
}

/// Title and headings on one line, shortened from the middle if they are too long.
pub(super) fn prefix(
    title: Option<&str>,
    path: &[String],
    count_tokens: &dyn Fn(&str) -> usize,
    settings: &Settings,
) -> String {
    let repeats = |title: &&str| path.first().is_some_and(|first| first.eq_ignore_ascii_case(title));
    let title = title.filter(|title| !repeats(title));
    let mut parts: Vec<&str> = title.into_iter().chain(path.iter().map(String::as_str)).collect();
    let limit = settings.prefix_tokens_max.min(settings.tokens_max / 3);
    loop {
        let joined = parts.join(" > ");
        if count_tokens(&joined) <= limit {
            return joined;
        }
        match parts.len() {
            0 => return String::new(),
            1 | 2 => {
                parts.remove(0);
            }
            _ => {
                parts.remove(1);
            }
        }
    }
}

fn embed_text(prefix: &str, repeated: &str, lead: &str, body: &str) -> String {
    let lead_kind = if lead.starts_with('|') { BlockKind::Table } else { BlockKind::Code };
    let lead = without_markup(lead_kind, lead.trim_end());
    [prefix, repeated, &lead, body].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

pub(super) fn without_markup(kind: BlockKind, text: &str) -> String {
    match kind {
        BlockKind::Heading { .. } => text.trim_start_matches('#').trim().to_owned(),
        BlockKind::Paragraph => text.replace('`', ""),
        BlockKind::ListItem { .. } => {
            let item = text.trim_start();
            item.strip_prefix("- ").unwrap_or(item).replace('`', "")
        }
        BlockKind::Table => {
            let rows = text.split('\n').filter(|line| !is_rule(line)).map(|line| {
                let cells = line.trim().trim_start_matches('|').trim_end_matches('|').trim();
                cells.replace("\\|", "¦").replace('`', "").replace('¦', "|")
            });
            rows.collect::<Vec<_>>().join("\n")
        }
        BlockKind::Code => text
            .split('\n')
            .filter(|line| !line.trim_start().starts_with("```"))
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

fn is_rule(line: &str) -> bool {
    line.starts_with("| ---") && line.chars().all(|c| matches!(c, '|' | '-' | ' '))
}
