//! Recovery codes: ten words of twelve letters and digits, each good once.
//!
//! Twelve characters of Crockford's base32 are 60 random bits. They are kept as HMAC-SHA256 under the appliance's key, bound
//! to the account: a copied database alone gives nobody anything to try codes against.

use crate::base::{AccountId, Sealer, Secret, TokenHash};

/// How many an account is given.
pub const RECOVERY_CODES: usize = 10;
const CODE_CHARS: usize = 12;
const GROUP_CHARS: usize = 4;
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// New codes as people keep them, `xxxx-xxxx-xxxx`.
pub(super) fn random() -> Vec<Secret> {
    (0..RECOVERY_CODES).map(|_| one()).collect()
}

fn one() -> Secret {
    let random: [u8; CODE_CHARS] = rand::random();
    let letters =
        random.iter().map(|byte| ALPHABET.get(usize::from(byte & 31)).copied().map_or('0', char::from));
    let mut code = String::with_capacity(CODE_CHARS + 2);
    for (place, letter) in letters.enumerate() {
        if place > 0 && place % GROUP_CHARS == 0 {
            code.push('-');
        }
        code.push(letter);
    }
    Secret::new(code)
}

/// What is kept of them.
pub(super) fn hashes(sealer: &Sealer, account: AccountId, codes: &[Secret]) -> Vec<TokenHash> {
    codes
        .iter()
        .map(|code| TokenHash(sealer.sign(message(account, code.expose()).expose().as_bytes())))
        .collect()
}

/// The place of the code among the kept ones; compared in constant time.
pub(super) fn place_of(sealer: &Sealer, account: AccountId, kept: &[TokenHash], code: &str) -> Option<usize> {
    let message = message(account, code);
    kept.iter().position(|hash| sealer.verify_kept(message.expose().as_bytes(), &hash.0))
}

fn message(account: AccountId, code: &str) -> Secret {
    let code = Secret::new(folded(code));
    Secret::new(format!("recovery code of {account}: {}", code.expose()))
}

/// Letters and digits only, in small letters, what looks like a digit read as one: as people read them off paper.
fn folded(code: &str) -> String {
    let letters = code.chars().filter(char::is_ascii_alphanumeric).take(CODE_CHARS + 1);
    letters
        .map(|letter| match letter.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;

    #[test]
    fn a_code_is_found_however_it_is_typed_and_only_for_its_account() {
        let sealer = Sealer::new(&[7; 32]);
        let account = AccountId::new(Timestamp::from_millis(1));
        let codes = random();
        assert_eq!(codes.len(), RECOVERY_CODES);
        let kept = hashes(&sealer, account, &codes);
        for (place, code) in codes.iter().enumerate() {
            let text = code.expose();
            assert!(text.len() == 14 && text.split('-').all(|group| group.len() == 4), "{text}");
            let typed =
                format!(" {} ", text.replace('-', " ").to_uppercase().replace('0', "O").replace('1', "l"));
            assert_eq!(place_of(&sealer, account, &kept, &typed), Some(place));
        }
        let other = AccountId::new(Timestamp::from_millis(2));
        assert_eq!(place_of(&sealer, other, &kept, codes[0].expose()), None);
        assert_eq!(place_of(&Sealer::new(&[8; 32]), account, &kept, codes[0].expose()), None);
        assert_eq!(place_of(&sealer, account, &kept, ""), None);
        assert_eq!(place_of(&sealer, account, &kept, &format!("{}0", codes[0].expose())), None);
    }
}
