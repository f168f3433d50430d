//! One type per kind of id, so that a conversation's can never be passed where a tenant's is meant.
//!
//! Each is a UUIDv7 (RFC 9562: ordered by time of creation), stored as its 16 bytes and written as a TypeID
//! (<https://github.com/jetify-com/typeid/tree/main/spec>): a prefix, an underscore and 26 characters of
//! Crockford's base32. Serde writes the text form for people (JSON) and the bytes for the database.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Timestamp;

/// Why a text is not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id of this kind: expected {expected}_ and 26 characters")]
pub struct IdError {
    /// The prefix that was expected.
    pub expected: &'static str,
}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const SUFFIX_CHARS: usize = 26;

/// Writes 128 bits as 26 characters of base32, most significant first; the first character is at most `7`.
fn encode_suffix(value: u128) -> String {
    (0..SUFFIX_CHARS)
        .map(|place| {
            let five = (value >> (5 * (SUFFIX_CHARS - 1 - place))) & 31;
            ALPHABET.get(usize::try_from(five).unwrap_or(0)).copied().map_or('0', char::from)
        })
        .collect()
}

fn decode_suffix(text: &str) -> Option<u128> {
    if text.len() != SUFFIX_CHARS || text.as_bytes().first().is_none_or(|first| *first > b'7') {
        return None;
    }
    text.bytes().try_fold(0u128, |value, byte| {
        let five = ALPHABET.iter().position(|letter| *letter == byte)?;
        Some((value << 5) | five as u128)
    })
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// What its text form starts with.
            pub const PREFIX: &'static str = $prefix;

            /// A new id that sorts after all that were made before `now`.
            #[must_use]
            pub fn new(now: Timestamp) -> Self {
                let random: [u8; 10] = rand::random();
                Self(uuid::Builder::from_unix_timestamp_millis(now.as_millis(), &random).into_uuid().as_u128())
            }

            /// Reads the text form.
            ///
            /// # Errors
            /// When the prefix or the suffix is not this kind's.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                text.strip_prefix($prefix)
                    .and_then(|rest| rest.strip_prefix('_'))
                    .and_then(decode_suffix)
                    .map(Self)
                    .ok_or(IdError { expected: $prefix })
            }

            /// The 16 bytes, which sort like the ids.
            #[must_use]
            pub fn to_bytes(self) -> [u8; 16] {
                self.0.to_be_bytes()
            }

            /// The inverse of [`Self::to_bytes`].
            #[must_use]
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(u128::from_be_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", $prefix, encode_suffix(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    serializer.serialize_bytes(&self.to_bytes())
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                    Self::parse(&text).map_err(serde::de::Error::custom)
                } else {
                    deserializer.deserialize_bytes(IdBytes).map(Self::from_bytes)
                }
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .pattern(Some(concat!("^", $prefix, "_[0-7][0-9a-hjkmnp-tv-z]{25}$")))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    )*};
}

struct IdBytes;

impl serde::de::Visitor<'_> for IdBytes {
    type Value = [u8; 16];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("16 bytes")
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<[u8; 16], E> {
        bytes.try_into().map_err(|_| E::invalid_length(bytes.len(), &self))
    }
}

ids! {
    /// A tenant; people read "workspace".
    TenantId = "tnt";
    /// An account: a person who signs in, in any number of tenants.
    AccountId = "acc";
    /// A membership: an account's role in a tenant.
    MembershipId = "mem";
    /// A sign-in session.
    SessionId = "ses";
    /// An API key.
    ApiKeyId = "key";
    /// A visitor of a tenant's chat.
    VisitorId = "vis";
    /// A conversation.
    ConversationId = "cnv";
    /// A message of a conversation.
    MessageId = "msg";
    /// A picture that somebody shows in a conversation.
    ImageId = "img";
    /// A document of a tenant's knowledge.
    DocumentId = "doc";
    /// A role that a workspace has made for itself.
    RoleId = "rol";
    /// An invitation to a workspace.
    InvitationId = "inv";
    /// A letter that is mailed.
    LetterId = "let";
    /// A durable job.
    JobId = "job";
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_of_another_kind_is_refused() {
        let text = TenantId::new(Timestamp::from_millis(1)).to_string();
        assert!(text.starts_with("tnt_"));
        assert_eq!(AccountId::parse(&text), Err(IdError { expected: "acc" }));
        for bad in
            ["", "tnt_", "tnt", "tnt_8zzzzzzzzzzzzzzzzzzzzzzzzz", "tnt_0123456789abcdefghjkmnpqri", "tnt_é"]
        {
            assert!(TenantId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_type_id_specification_example_holds() {
        let uuid = uuid::uuid!("01890a5d-ac96-774b-bcce-b302099a8057");
        assert_eq!(TenantId(uuid.as_u128()).to_string(), "tnt_01h455vb4pex5vsknk084sn02q");
    }

    #[test]
    fn later_ids_sort_later() {
        assert!(MessageId::new(Timestamp::from_millis(5)) < MessageId::new(Timestamp::from_millis(6)));
    }

    proptest! {
        #[test]
        fn text_json_and_bytes_round_trip(value: u128) {
            let id = MessageId(value);
            prop_assert_eq!(MessageId::parse(&id.to_string()), Ok(id));
            prop_assert_eq!(serde_json::from_str::<MessageId>(&serde_json::to_string(&id).unwrap()).unwrap(), id);
            prop_assert_eq!(rmp_serde::from_slice::<MessageId>(&rmp_serde::to_vec_named(&id).unwrap()).unwrap(), id);
            prop_assert_eq!(rmp_serde::to_vec_named(&id).unwrap().len(), 18);
        }
    }
}
