//! Keys whose encoded bytes sort like the values, so that a range of rows is a range of bytes.
//!
//! Integers are big-endian; a text ends with `00 00` and writes an inner `00` as `00 ff`; a tuple is its parts
//! one after another, so a prefix of its parts is a prefix of its bytes.

use crate::base::{
    AccountId, ApiKeyId, ConversationId, DocumentId, ImageId, InvitationId, JobId, MembershipId, MessageId,
    RoleId, SessionId, TenantId, Timestamp, TokenHash, VisitorId,
};

/// A value that can be (part of) a key.
pub trait Key: Sized {
    /// Appends the encoded bytes.
    fn encode(&self, out: &mut Vec<u8>);
    /// Takes a value off the front of `bytes`; nothing if they are not such a value.
    fn decode(bytes: &mut &[u8]) -> Option<Self>;

    /// The encoded bytes.
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(32);
        self.encode(&mut out);
        out
    }

    /// The value, if `bytes` are exactly one.
    fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let value = Self::decode(&mut bytes)?;
        bytes.is_empty().then_some(value)
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*head)
}

macro_rules! integer_keys {
    ($($name:ty),*) => {$(
        impl Key for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                out.extend(self.to_be_bytes());
            }
            fn decode(bytes: &mut &[u8]) -> Option<Self> {
                take(bytes).map(Self::from_be_bytes)
            }
        }
    )*};
}

integer_keys!(u8, u32, u64);

macro_rules! id_keys {
    ($($name:ty),*) => {$(
        impl Key for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                out.extend((*self).to_bytes());
            }
            fn decode(bytes: &mut &[u8]) -> Option<Self> {
                take(bytes).map(Self::from_bytes)
            }
        }
    )*};
}

id_keys!(
    AccountId,
    ApiKeyId,
    ConversationId,
    DocumentId,
    ImageId,
    InvitationId,
    JobId,
    MembershipId,
    MessageId,
    RoleId,
    SessionId,
    TenantId,
    VisitorId
);

impl Key for () {
    fn encode(&self, _: &mut Vec<u8>) {}
    fn decode(_: &mut &[u8]) -> Option<Self> {
        Some(())
    }
}

impl Key for Timestamp {
    fn encode(&self, out: &mut Vec<u8>) {
        self.as_millis().encode(out);
    }
    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        u64::decode(bytes).map(Self::from_millis)
    }
}

impl Key for TokenHash {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.0);
    }
    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        take(bytes).map(Self)
    }
}

impl Key for [u8; 32] {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self);
    }
    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        take(bytes)
    }
}

/// The bytes of `text` without its end, which every longer text with this beginning shares.
pub(super) fn encode_text_prefix(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        out.push(byte);
        if byte == 0 {
            out.push(0xff);
        }
    }
}

impl Key for String {
    fn encode(&self, out: &mut Vec<u8>) {
        encode_text_prefix(self, out);
        out.extend([0, 0]);
    }

    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        let mut text = Vec::new();
        let mut rest = *bytes;
        loop {
            let (byte, tail) = rest.split_first()?;
            rest = tail;
            if *byte == 0 {
                let (mark, tail) = rest.split_first()?;
                rest = tail;
                match mark {
                    0 => break,
                    0xff => {}
                    _ => return None,
                }
            }
            text.push(*byte);
        }
        *bytes = rest;
        Self::from_utf8(text).ok()
    }
}

macro_rules! tuple_keys {
    ($(($($part:ident $place:tt),*);)*) => {$(
        impl<$($part: Key),*> Key for ($($part,)*) {
            fn encode(&self, out: &mut Vec<u8>) {
                $(self.$place.encode(out);)*
            }
            fn decode(bytes: &mut &[u8]) -> Option<Self> {
                Some(($($part::decode(bytes)?,)*))
            }
        }
    )*};
}

tuple_keys! {
    (A 0, B 1);
    (A 0, B 1, C 2);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn encoded_keys_round_trip_and_sort_like_the_values(
            a in ("[\\x00-\\x02a-c]{0,6}", any::<u64>(), "[\\x00-\\x02é]{0,4}"),
            b in ("[\\x00-\\x02a-c]{0,6}", any::<u64>(), "[\\x00-\\x02é]{0,4}"),
        ) {
            let (x, y) = (a.to_bytes(), b.to_bytes());
            prop_assert_eq!(x.cmp(&y), a.cmp(&b));
            let back = <(String, u64, String)>::from_bytes(&x);
            prop_assert_eq!(back, Some(a));
        }

        #[test]
        fn foreign_bytes_never_panic(bytes: Vec<u8>) {
            let _ = <(String, u32, String)>::from_bytes(&bytes);
            let _ = <(TenantId, Timestamp)>::from_bytes(&bytes);
        }
    }
}
