//! Trails as people read them: newest first, with names beside the ids.
//!
//! A workspace's view is two trails read as one: what the appliance's trail tells of this workspace, and the workspace's own.
//! Each keeps its own order, and of the two next entries the later one comes first. A cursor is a place in each, so what
//! is written meanwhile shifts nothing.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::trail::{BY_TENANT, Link, Trail};
use super::{Action, Entry};
use crate::base::{
    AccountId, Actor, ApiKeyId, Cursor, InvitationId, Page, PageRequest, RequestId, RoleId, TenantId,
    Timestamp,
};
use crate::identity::pass::{ManageAppliance, ReadAudit};
use crate::identity::{Error, MemberRole, Pass, account, api_key, custom_role, invitation};
use crate::store::{Key as _, Read as _, ReadTx, Scan};

/// Entries that are looked at for one page; a page of a narrow filter may hold fewer rows than asked for, and go on.
const LOOKED_AT_MAX: usize = 5_000;
const CHUNK_ROWS: usize = 100;

/// Whose trail an entry stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrailKind {
    /// The appliance's: accounts, members, roles, keys, workspaces.
    Appliance,
    /// The workspace's own: what happened to its data.
    Workspace,
}

impl TrailKind {
    /// As answers and exports name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Appliance => "appliance",
            Self::Workspace => "workspace",
        }
    }
}

/// Which entries are wanted.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only what happened so.
    pub action: Option<Action>,
    /// Only what this one did: an id, or `console`, `appliance`, `nobody`.
    pub actor: Option<String>,
}

impl Filter {
    fn wants(&self, entry: &Entry) -> bool {
        self.action.is_none_or(|action| action == entry.action)
            && self.actor.as_ref().is_none_or(|actor| *actor == entry.actor.to_string())
    }
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ActorView {
    /// `account`, `api_key`, `visitor`, `console`, `appliance` or `nobody`.
    pub kind: &'static str,
    /// The id, of what has one.
    pub id: Option<String>,
    /// What people call it, as long as it is there.
    pub name: Option<String>,
}

/// An entry as people see it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct EntryView {
    /// Its place in its trail, from 1.
    pub sequence: u64,
    /// Which trail that is.
    pub trail: TrailKind,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it.
    pub actor: ActorView,
    /// What happened.
    pub action: Action,
    /// The workspace that it concerns, if it concerns one.
    pub tenant: Option<TenantId>,
    /// What it happened to: the id of an account, a key, a document.
    pub subject: Option<String>,
    /// What people call that, as long as it is there.
    pub subject_name: Option<String>,
    /// How it happened, in words that depend on the action.
    pub details: BTreeMap<String, String>,
    /// The network address that it was asked from.
    #[schema(value_type = Option<String>)]
    pub address: Option<IpAddr>,
    /// The request, as in the log.
    #[schema(value_type = String)]
    pub request: RequestId,
}

/// One page of the appliance's trail.
///
/// # Errors
/// When the store fails.
pub fn list_of_appliance(
    system: &ReadTx,
    _: Pass<ManageAppliance>,
    filter: &Filter,
    request: &PageRequest,
) -> Result<Page<EntryView>, Error> {
    let [before, _] = places(request);
    page(system, vec![Source::new(system, TrailKind::Appliance, None, before)], filter, request)
}

/// One page of what concerns the pass's workspace, whose keyspace `own` is a snapshot of.
///
/// # Errors
/// When the store fails.
pub fn list_of_workspace(
    system: &ReadTx,
    own: &ReadTx,
    pass: Pass<ReadAudit>,
    filter: &Filter,
    request: &PageRequest,
) -> Result<Page<EntryView>, Error> {
    let tenant = pass.workspace()?;
    let [of_system, of_own] = places(request);
    let sources = vec![
        Source::new(system, TrailKind::Appliance, Some(tenant), of_system),
        Source::new(own, TrailKind::Workspace, None, of_own),
    ];
    page(system, sources, filter, request)
}

/// Where the cursor stands in each trail: before these places. From the end when there is none, or it is none of ours.
fn places(request: &PageRequest) -> [u64; 2] {
    let cursor = request.after.as_ref().and_then(|cursor| <(u64, u64)>::from_bytes(&cursor.0));
    cursor.map_or([u64::MAX; 2], |(one, other)| [one, other])
}

/// One trail, read backwards a chunk at a time.
struct Source<'a> {
    tx: &'a ReadTx,
    kind: TrailKind,
    /// Only what the trail tells of this tenant.
    about: Option<TenantId>,
    /// Everything from here on was taken.
    taken: u64,
    /// Everything from here on was read.
    read: u64,
    waiting: VecDeque<Entry>,
}

impl<'a> Source<'a> {
    fn new(tx: &'a ReadTx, kind: TrailKind, about: Option<TenantId>, before: u64) -> Self {
        Self { tx, kind, about, taken: before, read: before, waiting: VecDeque::new() }
    }

    /// When the next entry was written, if there is one.
    fn next_at(&mut self) -> Result<Option<Timestamp>, Error> {
        while self.waiting.is_empty() {
            let chunk = self.older()?;
            let Some(last) = chunk.last().copied() else { return Ok(None) };
            self.read = last;
            for sequence in chunk {
                self.waiting.extend(self.readable(sequence));
            }
        }
        Ok(self.waiting.front().map(|entry| entry.at))
    }

    fn older(&self) -> Result<Vec<u64>, Error> {
        let Some(last) = self.read.checked_sub(1) else { return Ok(Vec::new()) };
        let Some(tenant) = self.about else {
            return Ok(self.tx.keys::<Trail>(&Scan::between(&0_u64, &last, CHUNK_ROWS).reversed())?);
        };
        let rows = Scan::between(&(tenant, 0_u64), &(tenant, last), CHUNK_ROWS).reversed();
        let pairs = BY_TENANT.keys(self.tx, &rows)?;
        Ok(pairs.iter().filter_map(|(_, key)| u64::from_bytes(key)).collect())
    }

    /// The entry; nothing where it was damaged, which only verification names.
    fn readable(&self, sequence: u64) -> Option<Entry> {
        let link = self.tx.get::<Trail>(&sequence);
        let entry =
            link.ok().flatten().and_then(|link: Link| serde_json::from_slice::<Entry>(&link.entry).ok());
        let entry = entry.filter(|entry| self.about.is_none() || entry.tenant == self.about);
        if entry.is_none() {
            tracing::error!(sequence, "an entry of the audit trail cannot be read");
        }
        entry.map(|entry| Entry { sequence, ..entry })
    }

    fn take(&mut self) -> Option<Entry> {
        let entry = self.waiting.pop_front()?;
        self.taken = entry.sequence;
        Some(entry)
    }
}

fn page(
    system: &ReadTx,
    mut sources: Vec<Source<'_>>,
    filter: &Filter,
    request: &PageRequest,
) -> Result<Page<EntryView>, Error> {
    let (mut items, mut looked_at) = (Vec::new(), 0);
    loop {
        let mut newest: Option<(Timestamp, usize)> = None;
        for (place, source) in sources.iter_mut().enumerate() {
            if let Some(at) = source.next_at()?
                && newest.is_none_or(|(latest, _)| at > latest)
            {
                newest = Some((at, place));
            }
        }
        let Some((_, place)) = newest else { return Ok(Page { items, next_cursor: None }) };
        if items.len() >= request.rows() || looked_at >= LOOKED_AT_MAX {
            let mut taken = sources.iter().map(|source| source.taken);
            let cursor = (taken.next().unwrap_or_default(), taken.next().unwrap_or_default());
            return Ok(Page { items, next_cursor: Some(Cursor(cursor.to_bytes())) });
        }
        looked_at += 1;
        let Some(source) = sources.get_mut(place) else { continue };
        let kind = source.kind;
        if let Some(entry) = source.take().filter(|entry| filter.wants(entry)) {
            items.push(view(system, kind, entry)?);
        }
    }
}

fn view(system: &ReadTx, trail: TrailKind, entry: Entry) -> Result<EntryView, Error> {
    let subject_name = match &entry.subject {
        Some(subject) => name_of(system, entry.tenant, subject)?,
        None => None,
    };
    Ok(EntryView {
        sequence: entry.sequence,
        trail,
        at: entry.at,
        actor: actor_view(system, entry.tenant, entry.actor)?,
        action: entry.action,
        tenant: entry.tenant,
        subject: entry.subject,
        subject_name,
        details: entry.details,
        address: entry.address,
        request: entry.request,
    })
}

fn actor_view(system: &ReadTx, tenant: Option<TenantId>, actor: Actor) -> Result<ActorView, Error> {
    let kind = match actor {
        Actor::Account(_) => "account",
        Actor::ApiKey(_) => "api_key",
        Actor::Visitor(_) => "visitor",
        Actor::Console | Actor::Appliance | Actor::Nobody => {
            let kind = match actor {
                Actor::Console => "console",
                Actor::Appliance => "appliance",
                _ => "nobody",
            };
            return Ok(ActorView { kind, id: None, name: None });
        }
    };
    let id = actor.to_string();
    let name = name_of(system, tenant, &id)?;
    Ok(ActorView { kind, id: Some(id), name })
}

/// What people call the account, key or role of this id.
fn name_of(system: &ReadTx, tenant: Option<TenantId>, id: &str) -> Result<Option<String>, Error> {
    if let Ok(account) = AccountId::parse(id) {
        return Ok(account::load(system, account)?.map(|account| account.name));
    }
    let Some(tenant) = tenant else { return Ok(None) };
    if let Ok(key) = ApiKeyId::parse(id) {
        return api_key::name(system, tenant, key);
    }
    if let Ok(invitation) = InvitationId::parse(id) {
        return invitation::email_of(system, tenant, invitation);
    }
    let Ok(role) = RoleId::parse(id) else { return Ok(None) };
    Ok(custom_role::resolve(system, tenant, MemberRole::Custom(role))?.map(|(name, _)| name))
}
