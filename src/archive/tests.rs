use std::io::Read as _;
use std::str::FromStr as _;

use proptest::prelude::*;

use super::*;
use crate::base::{Secret, Timestamp};
use crate::store;

fn manifest() -> Manifest {
    let mut manifest = Manifest::new(Kind::Workspace, Timestamp::from_millis(1_700_000_000_000));
    manifest.left_out.push("models/: put them back by hand".to_owned());
    manifest.details.insert("slug".to_owned(), "acme".into());
    manifest
}

type RowOf = (String, Vec<u8>, Vec<u8>);

#[derive(Debug, Clone, PartialEq)]
enum Item {
    Keyspace(String, Vec<RowOf>),
    File(String, u32, Vec<u8>),
}

fn write(items: &[Item], protection: &Protection) -> Vec<u8> {
    let folder = std::env::temp_dir();
    let mut writer = Writer::create(Vec::new(), &manifest(), protection).unwrap();
    for item in items {
        match item {
            Item::Keyspace(path, rows) => {
                let audit = Some(AuditHead { sequence: 7, hash: "ab".into() });
                let mut aside = Rows::new(path, 1, audit, &folder).unwrap();
                for (table, key, value) in rows {
                    aside.row(table, key, value).unwrap();
                }
                assert_eq!(writer.keyspace(aside).unwrap(), rows.len() as u64);
            }
            Item::File(path, mode, bytes) => {
                let head = FileHead { path: path.clone(), mode: *mode, length: bytes.len() as u64 };
                writer.file(&head, &mut bytes.as_slice()).unwrap();
            }
        }
    }
    writer.finish().unwrap().0
}

fn read(bytes: &[u8], opening: &Opening) -> Result<Vec<Item>, Error> {
    let mut reader = Reader::open(bytes, opening, Limits::default())?;
    assert_eq!(reader.manifest(), &manifest());
    let mut items = Vec::new();
    while let Some(entry) = reader.next_entry()? {
        items.push(match entry {
            Entry::Keyspace(head) => {
                assert_eq!(head.audit, Some(AuditHead { sequence: 7, hash: "ab".into() }));
                let mut rows = Vec::new();
                while let Some(row) = reader.next_row()? {
                    rows.push((row.table.to_owned(), row.key.to_vec(), row.value.to_vec()));
                }
                assert_eq!(head.rows, rows.len() as u64);
                Item::Keyspace(head.path, rows)
            }
            Entry::File(head) => {
                let mut bytes = Vec::new();
                reader.content().read_to_end(&mut bytes).map_err(Error::io("read"))?;
                assert_eq!(head.length, bytes.len() as u64);
                Item::File(head.path, head.mode, bytes)
            }
        });
    }
    Ok(items)
}

fn small() -> Vec<Item> {
    vec![
        Item::Keyspace(
            "system.redb".into(),
            vec![
                ("a.b".into(), vec![1], vec![2; 40]),
                ("a.b".into(), vec![2], Vec::new()),
                ("c.d".into(), Vec::new(), b"words".to_vec()),
            ],
        ),
        Item::Keyspace("tenants/tnt_1/keyspace.redb".into(), Vec::new()),
        Item::File("appliance.key".into(), 0o600, vec![7; 32]),
        Item::File("tls/empty".into(), 0o644, Vec::new()),
    ]
}

fn some_items() -> impl Strategy<Value = Vec<Item>> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..300);
    let row = ("[a-c]\\.[a-c]", bytes(), bytes()).prop_map(|(table, key, value)| (table, key, value));
    let keyspace =
        ("[a-z]{1,8}", proptest::collection::vec(row, 0..20)).prop_map(|(p, rows)| Item::Keyspace(p, rows));
    let file = ("[a-z]{1,8}/[a-z]{1,8}", 0_u32..0o1000, bytes()).prop_map(|(p, m, b)| Item::File(p, m, b));
    proptest::collection::vec(prop_oneof![keyspace, file], 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_written_is_read(items in some_items()) {
        prop_assert_eq!(read(&write(&items, &Protection::None), &Opening::None).unwrap(), items);
    }
}

/// Row Q1.
#[test]
fn an_archive_larger_than_a_frame_comes_back_whole() {
    let noise: Vec<u8> = (0..100_000_u32).flat_map(|n| *blake3::hash(&n.to_le_bytes()).as_bytes()).collect();
    let rows = (0..3).map(|key| ("t".into(), vec![key], noise.clone())).collect();
    let items = vec![Item::Keyspace("k".into(), rows), Item::File("files/noise".into(), 0o600, noise)];
    assert!(read(&write(&items, &Protection::None), &Opening::None).unwrap() == items);
}

/// Rows Q1, Q2.
#[test]
fn an_archive_with_any_byte_altered_is_refused() {
    let whole = write(&small(), &Protection::None);
    assert_eq!(read(&whole, &Opening::None).unwrap(), small());
    for at in 0..whole.len() {
        for bit in [0x01, 0x80] {
            let mut altered = whole.clone();
            altered[at] ^= bit;
            let error = read(&altered, &Opening::None).expect_err(&format!("byte {at}"));
            match error {
                Error::NotAnArchive => assert!(at < 18),
                Error::FormatNewer { .. } => assert!((18..20).contains(&at)),
                Error::Altered { place } | Error::Truncated { place } => {
                    assert!(place.at <= whole.len() as u64, "{place}");
                }
                other => panic!("byte {at}: {other:?}"),
            }
        }
    }
}

/// Rows Q1, Q2.
#[test]
fn an_archive_cut_off_anywhere_or_followed_by_anything_is_refused() {
    let whole = write(&small(), &Protection::None);
    for length in 0..whole.len() {
        match read(&whole[..length], &Opening::None) {
            Err(Error::Truncated { place }) => assert_eq!(place.at, length as u64),
            Err(Error::NotAnArchive) => assert_eq!(length, 0),
            other => panic!("{length}: {other:?}"),
        }
    }
    let mut longer = whole.clone();
    longer.push(0);
    let error = read(&longer, &Opening::None).unwrap_err();
    assert_eq!(error.place().unwrap().at, whole.len() as u64);
}

#[test]
fn the_refusal_names_the_entry_and_the_byte() {
    let noise = |from: u32| -> Vec<u8> {
        (from..from + 40_000).flat_map(|n| *blake3::hash(&n.to_le_bytes()).as_bytes()).collect()
    };
    let file = |path: &str, from| Item::File(path.to_owned(), 0o600, noise(from));
    let items = vec![file("first", 0), file("second", 1 << 20)];
    let mut altered = write(&items, &Protection::None);
    let at = altered.len() * 3 / 4;
    altered[at] ^= 1;
    let error = read(&altered, &Opening::None).unwrap_err();
    let place = error.place().unwrap();
    assert_eq!(place.entry.as_deref(), Some("second"));
    assert!(place.at <= at as u64 && place.at + (1 << 20) > at as u64, "{place}");
    assert!(crate::base::Fault::public(&error).contains("in second"));
}

/// Row Q2.
#[test]
fn a_sealed_archive_opens_with_its_key_only_and_not_when_it_was_altered() {
    let identity = age::x25519::Identity::generate();
    let text = format!(
        "# public key: {}\n{}\n",
        identity.to_public(),
        age::secrecy::ExposeSecret::expose_secret(&identity.to_string())
    );
    let recipient = Recipient::parse(&identity.to_public().to_string()).unwrap();
    let (witness, once) = Opening::one_time();
    let sealed = write(&small(), &Protection::Recipients(vec![recipient.clone(), witness]));
    let opening = Opening::parse_identity(&text).unwrap();
    assert_eq!(read(&sealed, &opening).unwrap(), small());
    assert_eq!(read(&sealed, &once).unwrap(), small());
    assert_eq!(format!("{recipient:?}"), identity.to_public().to_string());
    assert!(matches!(read(&sealed, &Opening::None), Err(Error::Sealed { to_passphrase: false })));
    let other = Opening::Identity(Box::new(age::x25519::Identity::generate()));
    assert!(matches!(read(&sealed, &other), Err(Error::WrongKey)));
    for at in 0..sealed.len() {
        let mut altered = sealed.clone();
        altered[at] ^= 1;
        assert!(read(&altered, &opening).is_err(), "byte {at}");
        assert!(read(&sealed[..at], &opening).is_err(), "cut at {at}");
    }
}

/// Row Q2.
#[test]
fn a_passphrase_opens_what_it_sealed_and_another_does_not() {
    let passphrase = |text: &str| Secret::new(text.to_owned());
    let sealed = write(&small(), &Protection::Passphrase(passphrase("correct horse")));
    assert_eq!(read(&sealed, &Opening::Passphrase(passphrase("correct horse"))).unwrap(), small());
    assert!(matches!(read(&sealed, &Opening::Passphrase(passphrase("battery"))), Err(Error::WrongKey)));
    assert!(matches!(read(&sealed, &Opening::None), Err(Error::Sealed { to_passphrase: true })));
}

#[test]
fn what_is_no_key_is_refused() {
    assert!(matches!(Recipient::parse("age1nobody"), Err(Error::KeyUnusable { what: "recipient" })));
    assert!(matches!(Opening::parse_identity("# nothing\n"), Err(Error::KeyUnusable { what: "identity" })));
    assert!(age::x25519::Identity::from_str("x").is_err());
}

#[test]
fn paths_that_lead_elsewhere_are_neither_written_nor_read() {
    let mut writer = Writer::create(Vec::new(), &manifest(), &Protection::None).unwrap();
    let head = FileHead { path: "../outside".into(), mode: 0o600, length: 0 };
    assert!(matches!(writer.file(&head, &mut [].as_slice()), Err(Error::PathRefused { .. })));
    let aside = Rows::new("/etc/passwd", 1, None, &std::env::temp_dir());
    assert!(matches!(aside, Err(Error::PathRefused { .. })));
    // What a hostile writer could make: the same bytes with a path of the same length.
    let frames = super::frame::FrameWriter::begin(Vec::new()).unwrap();
    let mut packing = zstd::stream::write::Encoder::new(frames, 1).unwrap();
    let put = |packing: &mut zstd::stream::write::Encoder<'static, _>, tag: u8, json: Vec<u8>| {
        use std::io::Write as _;
        packing.write_all(&[tag]).unwrap();
        packing.write_all(&u32::try_from(json.len()).unwrap().to_le_bytes()).unwrap();
        packing.write_all(&json).unwrap();
    };
    put(&mut packing, b'M', serde_json::to_vec(&manifest()).unwrap());
    put(&mut packing, b'F', br#"{"path":"a/../../b","mode":420,"length":0}"#.to_vec());
    let hostile = packing.finish().unwrap().finish().unwrap().0;
    assert!(matches!(read(&hostile, &Opening::None), Err(Error::PathRefused { .. })));
}

#[test]
fn a_file_that_is_not_as_long_as_it_says_is_not_archived() {
    for length in [2, 4] {
        let mut writer = Writer::create(Vec::new(), &manifest(), &Protection::None).unwrap();
        let head = FileHead { path: "f".into(), mode: 0o600, length };
        assert!(matches!(writer.file(&head, &mut b"abc".as_slice()), Err(Error::Changed { .. })));
    }
}

#[test]
fn limits_hold() {
    let bytes = write(&small(), &Protection::None);
    for limits in [
        Limits { key_bytes_max: 0, ..Limits::default() },
        Limits { value_bytes_max: 39, ..Limits::default() },
        Limits { file_bytes_max: 31, ..Limits::default() },
        Limits { bytes_max: 78, ..Limits::default() },
    ] {
        let mut reader = Reader::open(bytes.as_slice(), &Opening::None, limits).unwrap();
        let error = loop {
            match reader.next_entry() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("{limits:?} was not held"),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, Error::TooLarge { .. }), "{error:?}");
    }
}

/// Row Q1.
#[test]
fn a_keyspace_and_a_file_come_back_on_disk() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let clock = std::sync::Arc::new(crate::base::ManualClock::default());
    let opened = store::Store::open(from.path(), store::StoreOptions::default(), clock.clone()).unwrap();
    opened.system().write_blocking(|tx| (0..1_000).try_for_each(|_| tx.next_number("n").map(drop))).unwrap();
    let mut writer = Writer::create(Vec::new(), &manifest(), &Protection::None).unwrap();
    let rows = opened.system().read(|tx| Rows::all("system.redb", tx, None, from.path())).unwrap();
    let rows = writer.keyspace(rows).unwrap();
    writer.file(&FileHead { path: "a/b".into(), mode: 0o600, length: 5 }, &mut b"bytes".as_slice()).unwrap();
    let (bytes, written) = writer.finish().unwrap();
    assert_eq!((written.contents.rows, written.contents.files), (rows, 1));

    let mut reader = Reader::open(bytes.as_slice(), &Opening::None, Limits::default()).unwrap();
    while let Some(entry) = reader.next_entry().unwrap() {
        match entry {
            Entry::Keyspace(head) => assert_eq!(reader.load(&head, to.path()).unwrap(), rows),
            Entry::File(head) => reader.save(&head, to.path()).unwrap(),
        }
    }
    assert_eq!(std::fs::read(to.path().join("a/b")).unwrap(), b"bytes");
    let restored = store::Store::open(to.path(), store::StoreOptions::default(), clock).unwrap();
    let next = restored.system().write_blocking(|tx| tx.next_number("n")).unwrap();
    assert_eq!(next, 1_001);
}
