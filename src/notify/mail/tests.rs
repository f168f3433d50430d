//! Letters exist exactly when their cause does, are sealed while they wait, are written whole, and are never too many.

use std::sync::Arc;

use super::*;
use crate::base::{Clock, LetterId, ManualClock, Sealer, SystemClock, TenantId, Timestamp};
use crate::outbound::{SmtpEncryption, SmtpServer};
use crate::store::{self, Extensions, Store, StoreOptions, WriteTx};

const NOW: u64 = 1_795_000_000_000;
const LINK: &str = "https://desk.example.com/reset#token=hS3cr3tT0k3n";

fn settings() -> MailSettings {
    MailSettings {
        server: SmtpServer {
            url: "https://mail.example.com:587/".parse().unwrap(),
            encryption: SmtpEncryption::StartTls,
            credentials: None,
            roots_pem: None,
            hello: None,
        },
        from: "Frontdesk <desk@example.com>".into(),
        reply_to: Some("help@example.com".into()),
        public_address: "https://desk.example.com".into(),
        per_hour_per_recipient: 3,
        per_hour_per_workspace: 4,
    }
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn words(template: Template) -> Words {
    let (at, address_of, device) = (at(NOW), Chosen::new("203.0.113.9"), Chosen::new("Firefox on Linux"));
    let chosen = Chosen::new;
    match template {
        Template::PasswordReset => Words::PasswordReset { link: LINK.into(), minutes: 30 },
        Template::Invitation => Words::Invitation {
            workspace: chosen("Acme"),
            inviter: chosen("Ada Lovelace"),
            role: chosen("Agent"),
            link: LINK.into(),
            days: 7,
        },
        Template::NewSignIn => Words::NewSignIn { at, address_of, device },
        Template::MfaChanged => Words::MfaChanged { change: MfaChange::Enabled, at, address_of, device },
        Template::PasswordChanged => Words::PasswordChanged { at, address_of, device },
        Template::Test => Words::Test { at },
    }
}

fn written(words: &Words, to: &str) -> Composed {
    let sheet = Sheet { id: LetterId::new(at(NOW)), to, words, locale: Locale::default(), at: at(NOW) };
    compose(&settings(), &sheet).unwrap()
}

/// Headers and their unfolded values.
fn headers(letter: &Composed) -> Vec<(String, String)> {
    let text = String::from_utf8(letter.letter.clone()).unwrap();
    let (head, _) = text.split_once("\r\n\r\n").unwrap();
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let lines = unfolded.split("\r\n").map(|line| line.split_once(": ").unwrap());
    lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn each_letter_is_written_in_each_language_twice_with_a_short_subject_and_nothing_to_fetch() {
    for locale in Locale::ALL {
        for template in Template::ALL {
            let words = words(template);
            let sheet = Sheet {
                id: LetterId::new(at(NOW)),
                to: "bob@example.com",
                words: &words,
                locale,
                at: at(NOW),
            };
            let letter = compose(&settings(), &sheet).unwrap();
            let name = template.name();
            assert!((8..=40).contains(&letter.subject.chars().count()), "{name}: {}", letter.subject);
            assert!(
                letter.text.contains("https://desk.example.com") && letter.text.contains("bob@example.com")
            );
            assert!(!letter.text.contains("{{") && !letter.text.contains('<'), "{name}: {}", letter.text);
            for foreign in ["<img", "src=", "@import", "url(", "<link", "<script"] {
                assert!(!letter.html.contains(foreign), "{name} holds {foreign}");
            }
            assert!(letter.html.contains("<html lang=\"en\" dir=\"ltr\">"), "{name}");
            assert!(letter.letter.is_ascii() && letter.letter.len() < LETTER_BYTES_MAX / 2, "{name}");
        }
    }
}

#[test]
fn a_letter_says_who_it_is_from_that_a_machine_wrote_it_and_keeps_its_id() {
    let letter = written(&words(Template::PasswordReset), "bob@example.com");
    let headers = headers(&letter);
    let of = |name: &str| headers.iter().find(|(one, _)| one == name).map_or("", |(_, value)| value.as_str());
    assert_eq!(of("From"), "Frontdesk <desk@example.com>");
    assert_eq!((of("To"), of("Reply-To")), ("bob@example.com", "help@example.com"));
    assert_eq!((of("Auto-Submitted"), of("MIME-Version")), ("auto-generated", "1.0"));
    assert!(
        of("Message-ID").starts_with("<let_") && of("Message-ID").ends_with("@example.com>"),
        "{headers:?}"
    );
    assert!(of("Content-Type").starts_with("multipart/alternative"), "{headers:?}");
    assert!(of("Date").contains("2026"), "{headers:?}");
    assert_eq!(letter.subject, "Choose a new password");
    assert!(letter.text.contains(LINK) && letter.html.contains("within 30 minutes"));
}

#[test]
fn chosen_words_begin_no_header_and_no_tag() {
    let words = Words::Invitation {
        workspace: Chosen::new("Acme\r\nBcc: eve@evil.example"),
        inviter: Chosen::new("<script>alert(1)</script> \"עדה\""),
        role: Chosen::new("Agent & friend"),
        link: "https://desk.example.com/invite#token=a\"><b>".into(),
        days: 1,
    };
    let letter = written(&words, "bob@example.com");
    assert!(headers(&letter).iter().all(|(name, _)| name != "Bcc"), "{:?}", headers(&letter));
    assert!(!letter.html.contains("<script>") && !letter.html.contains("<b>"), "{}", letter.html);
    assert!(letter.html.contains("Agent &amp; friend") && letter.html.contains("within 1 day."));
    assert!(letter.text.contains('\u{2068}') && letter.text.contains('\u{2069}'), "{}", letter.text);
    // A subject from a hand that knows `lettre` only: encoded, one line.
    let raw = String::from_utf8(letter.letter.clone()).unwrap();
    assert!(!raw.contains("\r\nBcc:"), "{raw}");
}

#[test]
fn an_address_that_is_none_is_this_letter_s_fault() {
    for to in ["bob", "bob@", "a b@example.com", "bob@example.com\r\nRCPT TO:<eve@evil.example>"] {
        let sheet = Sheet {
            id: LetterId::new(at(NOW)),
            to,
            words: &words(Template::Test),
            locale: Locale::default(),
            at: at(NOW),
        };
        assert!(matches!(compose(&settings(), &sheet), Err(Error::BadAddress { .. })), "{to}");
    }
}

#[test]
fn words_are_not_printed() {
    let letter = Letter::new("bob@example.com", words(Template::PasswordReset));
    let printed = format!("{letter:?} {:?}", Mail::new(Some(settings())));
    assert!(!printed.contains("hS3cr3t"), "{printed}");
}

struct Desk {
    folder: tempfile::TempDir,
    store: Store,
}

impl Desk {
    fn open(mail: Option<MailSettings>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mail = Mail::new(mail);
        mail.seal_with(Sealer::new(&[7; 32]));
        let extensions = Extensions::default().with(Arc::new(mail));
        let options = StoreOptions { extensions, ..StoreOptions::default() };
        let store = Store::open(folder.path(), options, Arc::new(SystemClock)).unwrap();
        Self { folder, store }
    }

    async fn post(
        &self,
        now: u64,
        letter: impl Fn(&mut WriteTx<'_>, Timestamp) -> Result<Posted, store::Error> + Send + Sync + 'static,
    ) -> Posted {
        self.store.system().write(move |tx| letter(tx, at(now))).await.unwrap()
    }

    fn waiting(&self) -> usize {
        self.store.system().read(|tx| crate::jobs::waiting(tx, 100)).unwrap()
    }
}

#[tokio::test]
async fn a_link_that_waits_is_sealed_on_disk() {
    let desk = Desk::open(Some(settings()));
    let posted = desk.post(NOW, |tx, now| password_reset(tx, now, "bob@example.com", LINK, 30)).await;
    assert!(posted.is_queued());
    assert_eq!(desk.waiting(), 1);
    let file = std::fs::read(desk.folder.path().join("system.redb")).unwrap();
    let holds = |text: &str| file.windows(text.len()).any(|piece| piece == text.as_bytes());
    assert!(holds("bob@example.com") && !holds("hS3cr3tT0k3n") && !holds("/reset#"));
}

#[tokio::test]
async fn without_a_mail_server_nothing_is_posted_and_who_posts_is_told() {
    let desk = Desk::open(None);
    let posted = desk.post(NOW, |tx, now| password_reset(tx, now, "bob@example.com", LINK, 30)).await;
    assert_eq!((posted, desk.waiting()), (Posted::NotSetUp, 0));
    let bare = Desk::open(Some(settings()));
    let posted = bare.post(NOW, |tx, now| password_reset(tx, now, "nobody", LINK, 30)).await;
    assert_eq!((posted, bare.waiting()), (Posted::Unsendable, 0));
}

#[tokio::test]
async fn the_same_letter_waits_once_and_one_too_many_of_a_kind_is_not_sent() {
    let desk = Desk::open(Some(settings()));
    let reset = |link: &'static str| {
        move |tx: &mut WriteTx<'_>, now| password_reset(tx, now, "bob@example.com", link, 30)
    };
    assert!(matches!(desk.post(NOW, reset("https://a.example/1")).await, Posted::Queued(_)));
    assert_eq!(desk.post(NOW, reset("https://a.example/1")).await, Posted::Waiting);
    assert!(matches!(desk.post(NOW, reset("https://a.example/2")).await, Posted::Queued(_)));
    assert_eq!(desk.post(NOW, reset("https://a.example/3")).await, Posted::Limited);
    assert_eq!(desk.waiting(), 2);
    // Another spelling is the same person, another kind is not used up, and the next hour is a new one.
    let other =
        |tx: &mut WriteTx<'_>, now| password_reset(tx, now, "BOB@example.com", "https://a.example/4", 30);
    assert_eq!(desk.post(NOW, other).await, Posted::Limited);
    let how = Circumstances { at: at(NOW), address: "203.0.113.9", user_agent: "" };
    assert!(
        desk.post(NOW, move |tx, now| password_changed(tx, now, "bob@example.com", &how)).await.is_queued()
    );
    assert!(desk.post(NOW + 3_600_000, reset("https://a.example/5")).await.is_queued());
}

#[tokio::test]
async fn a_workspace_has_its_own_count_whoever_it_invites() {
    let desk = Desk::open(Some(settings()));
    let clock = ManualClock::at(at(NOW));
    let (acme, globex) = (TenantId::new(clock.now()), TenantId::new(clock.now()));
    let mut taken = Vec::new();
    for (place, tenant) in [(0, acme), (1, acme), (2, acme), (3, acme), (4, acme), (5, globex)] {
        let posted = desk.post(NOW, move |tx, now| {
            let wish = Invitation { tenant, workspace: "A", inviter: "B", role: "C", link: LINK, days: 7 };
            invitation(tx, now, &format!("guest{place}@example.com"), &wish)
        });
        taken.push(posted.await.is_queued());
    }
    assert_eq!(taken, [true, true, true, true, false, true]);
}
