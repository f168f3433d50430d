//! Making a tenant: on the roll, with a slug of its own and branding to begin with.

use unicode_normalization::UnicodeNormalization as _;

use super::branding::{NAME_CHARS_MAX, line};
use super::tenant::{Tenant, Tenants, by_slug};
use super::{Error, Rule};
use crate::base::{AccountId, Actor, Call, TenantId};
use crate::identity::audit::{Action, Note, record};
use crate::identity::pass::ManageTenants;
use crate::identity::{Pass, Role, membership, tenant_roll};
use crate::store::{Read, WriteTx};

const SLUG_CHARS_MIN: usize = 2;
const SLUG_CHARS_MAX: usize = 48;
/// How many numbers are tried behind a slug that is taken, before a random one.
const SLUG_NUMBERS_MAX: u32 = 100;
const ACCENT: &str = "#2563eb";
const GREETING: &str = "Hello! How can we help?";
const PLACEHOLDER: &str = "Ask a question…";

/// A tenant to be made.
#[derive(Debug, Clone)]
pub struct NewTenant {
    /// What people call it.
    pub name: String,
    /// Its slug; made from the name when nothing is given.
    pub slug: Option<String>,
}

/// Makes a tenant. When a signed-in person makes it, the person is its owner.
///
/// # Errors
/// [`Error::Field`] at `/name` or `/slug`; [`Error::SlugTaken`].
pub fn create(
    tx: &mut WriteTx<'_>,
    call: &Call,
    pass: Pass<ManageTenants>,
    new: &NewTenant,
) -> Result<Tenant, Error> {
    let owner = match call.actor {
        Actor::Account(account) => Some(account),
        Actor::Nobody | Actor::Visitor(_) | Actor::ApiKey(_) | Actor::Console | Actor::Appliance => None,
    };
    create_for(tx, call, pass, owner, new)
}

pub(super) fn create_for(
    tx: &mut WriteTx<'_>,
    call: &Call,
    pass: Pass<ManageTenants>,
    owner: Option<AccountId>,
    new: &NewTenant,
) -> Result<Tenant, Error> {
    let name = line("/name", &new.name, NAME_CHARS_MAX)?;
    let slug = match &new.slug {
        Some(slug) if !is_slug(slug) => {
            return Err(Error::Field { pointer: "/slug".into(), rule: Rule::NotASlug });
        }
        Some(slug) if by_slug(tx, slug)?.is_some() => return Err(Error::SlugTaken),
        Some(slug) => slug.clone(),
        None => free_slug(tx, &name)?,
    };
    let tenant = Tenant {
        id: TenantId::new(call.now),
        slug,
        name,
        accent: ACCENT.to_owned(),
        greeting: GREETING.to_owned(),
        placeholder: PLACEHOLDER.to_owned(),
        suggestions: Vec::new(),
        notice: None,
        uncited_claims: None,
        created: call.now,
    };
    tx.insert::<Tenants>(&tenant.id, &tenant)?;
    tenant_roll::enrol(tx, call.now, tenant.id)?;
    record(tx, call, Note::new(Action::WorkspaceCreated).of_tenant(tenant.id).about(tenant.id))?;
    if let Some(owner) = owner {
        membership::grant(tx, call, pass, owner, tenant.id, Role::Owner)?;
    }
    Ok(tenant)
}

pub(super) fn is_slug(text: &str) -> bool {
    (SLUG_CHARS_MIN..=SLUG_CHARS_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// The name in `a-z`, `0-9` and single hyphens; accents are dropped, other scripts too.
pub(super) fn slug_of(name: &str) -> String {
    let mut slug = String::new();
    for letter in name.nfkd().flat_map(char::to_lowercase) {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter);
        } else if !unicode_normalization::char::is_combining_mark(letter)
            && !slug.is_empty()
            && !slug.ends_with('-')
        {
            slug.push('-');
        }
        if slug.len() >= SLUG_CHARS_MAX {
            break;
        }
    }
    let slug = slug.trim_matches('-');
    if slug.len() < SLUG_CHARS_MIN { "workspace".to_owned() } else { slug.to_owned() }
}

/// `slug` and a hyphen and `suffix`, cut to what a slug may have.
fn with_suffix(slug: &str, suffix: &str) -> String {
    let room = SLUG_CHARS_MAX.saturating_sub(suffix.len() + 1);
    let head: String = slug.chars().take(room).collect();
    format!("{}-{suffix}", head.trim_end_matches('-'))
}

fn free_slug(tx: &impl Read, name: &str) -> Result<String, Error> {
    let slug = slug_of(name);
    if by_slug(tx, &slug)?.is_none() {
        return Ok(slug);
    }
    for number in 2..=SLUG_NUMBERS_MAX {
        let candidate = with_suffix(&slug, &number.to_string());
        if by_slug(tx, &candidate)?.is_none() {
            return Ok(candidate);
        }
    }
    Ok(with_suffix(&slug, &format!("{:08x}", rand::random::<u32>())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_slug_reads_like_the_name() {
        for (name, slug) in [
            ("Acme", "acme"),
            ("Café Zürich & Söhne", "cafe-zurich-sohne"),
            ("  --A  B-- ", "a-b"),
            ("東京", "workspace"),
            ("x", "workspace"),
            ("№ 5", "no-5"),
        ] {
            assert_eq!(slug_of(name), slug, "{name}");
        }
    }

    proptest! {
        #[test]
        fn whatever_the_name_the_slug_is_one(name: String, number in 2u32..1_000) {
            let slug = slug_of(&name);
            prop_assert!(is_slug(&slug), "{slug}");
            prop_assert!(is_slug(&with_suffix(&slug, &number.to_string())));
        }
    }
}
