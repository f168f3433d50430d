//! Which embedding model's vectors serve, and how another model's take their place.
//!
//! Vectors of different models cannot be compared, so each model's are a space of their own. There are two tables for them, used in
//! turn: one serves, and when the settings name another model, the other is filled beside it, group by group, while the first goes on
//! serving ([`begin`], [`batch`], [`fill`]). When every group that is prepared has its vectors, one row changes and the other table
//! serves ([`switch`]); what is left in the first is removed afterwards ([`clear_other`]). The row is all there is to it: a crash at
//! any moment leaves a table that serves, and work that goes on where it was committed.
//!
//! Passages that come while the model that serves cannot be asked have no vector of it. Should it stay or be chosen again, it is filled
//! beside itself in the same way, with all the vectors copied that there are.
//!
//! Where there is no row, `search.vector` serves with vectors of [`FIRST_MODEL`]: so it was before there was a choice.

use serde::{Deserialize, Serialize};

use super::Error;
use super::attached::EmbeddingModel;
use super::rows::{Group, Groups, Passage, Passages, group_of, number, range};
use super::vector_in;
use crate::store::{self, Read, Scan, WriteTx, tables};

/// The model of the vectors in data directories without a row, and how many numbers they have.
const FIRST_MODEL: (&str, usize) = ("all-minilm-l6-v2-int8-v1", 384);
/// The only key of the table.
const KEY: u8 = 0;
/// Groups that one look for work passes over because they have no passage left to embed.
const GROUPS_LOOKED_AT_MAX: usize = 256;

/// One of the two tables of vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Half {
    /// `search.vector`.
    First,
    /// `search.vector_other`.
    Second,
}

impl Half {
    fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// The vectors of one model, and where they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Space {
    pub(super) model: EmbeddingModel,
    pub(super) half: Half,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SpacesRow {
    serving: Serving,
    /// What is filled beside it.
    next: Option<Next>,
    /// The other table may hold vectors that nobody needs.
    left_over: bool,
    /// Passages were added without a vector while the model that serves could not be asked.
    #[serde(default)]
    gaps: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Serving {
    model: String,
    dimensions: usize,
    half: Half,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Next {
    model: String,
    /// Known from the first vector on.
    dimensions: Option<usize>,
    /// Every passage of a prepared group up to this one has its vector, or has none to have.
    after: u64,
    /// Passages done.
    done: u64,
    /// What it waits for, while it does not get on.
    waiting: Option<Waiting>,
}

/// Why something does not get on at the moment. It goes on by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Waiting {
    /// A stable code.
    pub code: String,
    /// What it waits for, or what is to be done.
    pub detail: String,
}

tables! {
    /// Which table serves with which model: one row.
    pub(super) Spaces = "search.space": u8 => SpacesRow;
}

fn load(tx: &impl Read) -> Result<SpacesRow, store::Error> {
    let unsaid = || {
        let (model, dimensions) = FIRST_MODEL;
        let serving = Serving { model: model.to_owned(), dimensions, half: Half::First };
        SpacesRow { serving, next: None, left_over: false, gaps: false }
    };
    Ok(tx.get::<Spaces>(&KEY)?.unwrap_or_else(unsaid))
}

fn save(tx: &mut WriteTx<'_>, row: &SpacesRow) -> Result<(), store::Error> {
    tx.put::<Spaces>(&KEY, row)
}

/// The vectors that serve.
pub(super) fn serving_space(tx: &impl Read) -> Result<Space, store::Error> {
    let Serving { model, dimensions, half } = load(tx)?.serving;
    Ok(Space { model: EmbeddingModel { id: model.into(), dimensions }, half })
}

fn is_empty(tx: &impl Read) -> Result<bool, store::Error> {
    Ok(tx.keys::<Groups>(&Scan::all(1))?.is_empty() && tx.keys::<Passages>(&Scan::all(1))?.is_empty())
}

/// The model that new passages are to be embedded with: the one that serves, or `wanted` where there is no passage yet.
///
/// # Errors
/// When the engine fails.
pub fn model_for_new(tx: &impl Read, wanted: &str) -> Result<String, store::Error> {
    let serving = load(tx)?.serving.model;
    Ok(if serving != wanted && is_empty(tx)? { wanted.to_owned() } else { serving })
}

/// Whether passages may be added with vectors of `model`, which have `dimensions` numbers (unknown while there is none). False when
/// another model serves by now. Where there is no passage yet, `model` serves from here on.
///
/// # Errors
/// [`Error::OtherDimensions`] when the model's vectors had another size before, or when the engine fails.
pub fn accepts(tx: &mut WriteTx<'_>, model: &str, dimensions: Option<usize>) -> Result<bool, Error> {
    let mut row = load(tx)?;
    if row.serving.model == model {
        return match dimensions.filter(|size| *size != row.serving.dimensions) {
            Some(size) => Err(Error::OtherDimensions {
                model: row.serving.model,
                before: row.serving.dimensions,
                now: size,
            }),
            None => Ok(true),
        };
    }
    if !is_empty(tx)? {
        return Ok(false);
    }
    if let Some(dimensions) = dimensions {
        row.left_over |= row.next.take().is_some();
        row.serving = Serving { model: model.to_owned(), dimensions, half: row.serving.half };
        save(tx, &row)?;
    }
    Ok(true)
}

/// What is to be done so that `wanted` serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing: it does.
    Done,
    /// Remove what is left in the other table, with [`clear_other`].
    Clear,
    /// Embed what [`batch`] says, [`fill`] it in, and when nothing is left, [`super::TenantIndex::switch`].
    Fill,
}

/// Notes which model is wanted, and says what comes next.
///
/// # Errors
/// When the engine fails.
pub fn begin(tx: &mut WriteTx<'_>, wanted: &str) -> Result<Step, store::Error> {
    let mut row = load(tx)?;
    // The same model again, where passages lack its vectors: those it has are copied.
    let serves = row.serving.model == wanted && !row.gaps;
    let keeps = !serves && row.next.as_ref().is_some_and(|next| next.model == wanted);
    if row.next.is_some() && !keeps {
        row.next = None;
        row.left_over = true;
        save(tx, &row)?;
    }
    if row.left_over {
        return Ok(Step::Clear);
    }
    if serves {
        return Ok(Step::Done);
    }
    if row.next.is_none() {
        let model = wanted.to_owned();
        row.next = Some(Next { model, dimensions: None, after: 0, done: 0, waiting: None });
        save(tx, &row)?;
    }
    Ok(Step::Fill)
}

/// Removes up to `rows_max` rows of the table that does not serve; how many there were. None left means 0.
///
/// # Errors
/// When the engine fails.
pub fn clear_other(tx: &mut WriteTx<'_>, rows_max: usize) -> Result<usize, store::Error> {
    let mut row = load(tx)?;
    if !row.left_over {
        return Ok(0);
    }
    let removed = vector_in::clear(tx, row.serving.half.other(), rows_max)?;
    if removed == 0 {
        row.left_over = false;
        save(tx, &row)?;
    }
    Ok(removed)
}

/// A passage that the next model has not embedded.
#[derive(Debug, Clone)]
pub struct Unembedded {
    /// Its number.
    pub chunk: u64,
    /// What its document calls itself.
    pub title: String,
    /// The passage.
    pub passage: Passage,
    /// The vector that the next model has given the same text elsewhere.
    pub known: Option<Vec<f32>>,
}

/// The next passages for the model that is to serve, at most `passages_max`, in the order of their numbers. Empty when all have
/// been passed.
///
/// # Errors
/// When the engine fails.
pub fn batch(tx: &impl Read, passages_max: usize) -> Result<Vec<Unembedded>, Error> {
    let SpacesRow { serving, next: Some(next), .. } = load(tx)? else { return Ok(Vec::new()) };
    let half = serving.half.other();
    let mut found = Vec::new();
    walk(tx, next.after, |number, group| {
        let wanted = passages_max.saturating_sub(found.len());
        let rows = tx.scan::<Passages>(&range(number, 0, wanted).after(&next.after.max(first_of(number))))?;
        for (chunk, passage) in rows {
            let known = match passage.hash.as_ref().try_into() {
                Ok(hash) => match vector_in::of_text(tx, half, hash)? {
                    None if next.model == serving.model => vector_in::of_text(tx, half.other(), hash)?,
                    known => known,
                },
                Err(_) => None,
            };
            found.push(Unembedded { chunk, title: group.title.clone(), passage, known });
        }
        Ok(found.len() < passages_max)
    })?;
    Ok(found)
}

/// The number before a group's first passage.
fn first_of(group: u64) -> u64 {
    number(group, 0).saturating_sub(1)
}

/// Visits prepared groups that may hold passages after `after`, until `visit` says false.
fn walk(
    tx: &impl Read,
    after: u64,
    mut visit: impl FnMut(u64, Group) -> Result<bool, Error>,
) -> Result<(), Error> {
    let mut from = group_of(after);
    loop {
        let scan = Scan::between(&from, &u64::MAX, GROUPS_LOOKED_AT_MAX);
        let rows = tx.scan::<Groups>(&scan)?;
        let Some((last, _)) = rows.last() else { return Ok(()) };
        from = last.saturating_add(1);
        for (number, group) in rows {
            if !visit(number, group)? {
                return Ok(());
            }
        }
    }
}

/// Stores vectors of `model` for passages that [`batch`] told of, without gaps from the first of them on; those without words have
/// none. False when something has come between and a new batch must be read.
///
/// # Errors
/// [`Error::OtherDimensions`] for vectors of another size than those before, or when the engine fails.
pub fn fill(tx: &mut WriteTx<'_>, model: &str, rows: &[(u64, Option<Vec<f32>>)]) -> Result<bool, Error> {
    let mut row = load(tx)?;
    let half = row.serving.half.other();
    let (Some(next), Some((first, _)), Some((last, _))) = (&mut row.next, rows.first(), rows.last()) else {
        return Ok(false);
    };
    // A group that was prepared meanwhile may have moved the place back: then what lies between is not done yet.
    if next.model != model || next.after >= *first || passages_between(tx, next.after, *first)? {
        return Ok(false);
    }
    for (chunk, vector) in rows {
        let Some(vector) = vector else {
            next.done = next.done.saturating_add(1);
            continue;
        };
        let size = *next.dimensions.get_or_insert(vector.len());
        if size != vector.len() {
            return Err(Error::OtherDimensions { model: model.to_owned(), before: size, now: vector.len() });
        }
        // What was withdrawn meanwhile and perhaps cleared must not leave a vector behind.
        if tx.get::<Groups>(&group_of(*chunk))?.is_some() {
            let new = vector_in::get(tx, half, *chunk)?.is_none();
            next.done = next.done.saturating_add(u64::from(new));
            vector_in::put(tx, half, *chunk, vector)?;
        }
    }
    next.after = *last;
    next.waiting = None;
    save(tx, &row)?;
    Ok(true)
}

/// Whether a prepared group has passages after `after` and before `before`.
fn passages_between(tx: &impl Read, after: u64, before: u64) -> Result<bool, Error> {
    let mut found = false;
    walk(tx, after, |group, _| {
        if number(group, 0) >= before {
            return Ok(false);
        }
        let next = tx.keys::<Passages>(&range(group, 0, 1).after(&after.max(first_of(group))))?;
        found = next.first().is_some_and(|chunk| *chunk < before);
        Ok(!found)
    })?;
    Ok(found)
}

/// A group was prepared whose vectors are of the model that serves: the place of the next model is moved back before it.
pub(super) fn prepared(tx: &mut WriteTx<'_>, group: u64) -> Result<(), store::Error> {
    let mut row = load(tx)?;
    if let Some(next) = row.next.as_mut().filter(|next| next.after > first_of(group)) {
        next.after = first_of(group);
        save(tx, &row)?;
    }
    Ok(())
}

/// Notes that a passage was added without a vector.
pub(super) fn note_gap(tx: &mut WriteTx<'_>) -> Result<(), store::Error> {
    let mut row = load(tx)?;
    if !row.gaps {
        row.gaps = true;
        save(tx, &row)?;
    }
    Ok(())
}

/// Notes why the next model does not get on.
///
/// # Errors
/// When the engine fails.
pub fn wait(tx: &mut WriteTx<'_>, waiting: &Waiting) -> Result<(), store::Error> {
    let mut row = load(tx)?;
    if let Some(next) = row.next.as_mut() {
        next.waiting = Some(waiting.clone());
        save(tx, &row)?;
    }
    Ok(())
}

/// The space that is to serve next, if it is complete.
pub(super) fn complete(tx: &impl Read, model: &str) -> Result<Option<Space>, Error> {
    let row = load(tx)?;
    let Some(next) = row.next.filter(|next| next.model == model) else { return Ok(None) };
    // Where nothing has a vector there is nothing to tell its size from: the first document says it.
    let Some(dimensions) = next.dimensions else { return Ok(None) };
    if passages_between(tx, next.after, u64::MAX)? {
        return Ok(None);
    }
    let model = EmbeddingModel { id: next.model.into(), dimensions };
    Ok(Some(Space { model, half: row.serving.half.other() }))
}

/// Lets the next model serve, if it is complete; whether it does.
pub(super) fn switch(tx: &mut WriteTx<'_>, model: &str) -> Result<bool, Error> {
    let Some(Space { model, half }) = complete(tx, model)? else { return Ok(false) };
    let serving = Serving { model: model.id.to_string(), dimensions: model.dimensions, half };
    save(tx, &SpacesRow { serving, next: None, left_over: true, gaps: false })?;
    Ok(true)
}

/// How far the next model has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct NextModel {
    /// The embedding model.
    pub model: String,
    /// Passages done.
    pub done: u64,
    /// Why it does not get on, while it does not.
    pub waiting: Option<Waiting>,
}

/// Which model serves, and which is going to.
///
/// # Errors
/// When the engine fails.
pub fn outlook(tx: &impl Read) -> Result<(String, Option<NextModel>), store::Error> {
    let SpacesRow { serving, next, .. } = load(tx)?;
    let next = next.map(|Next { model, done, waiting, .. }| NextModel { model, done, waiting });
    Ok((serving.model, next))
}
