//! The index as its callers see it.

use super::*;

fn entry(chunk: u64, body: &str) -> Entry<'_> {
    Entry { chunk, document: u128::from(chunk), language: Language::ENGLISH, title: "", headings: &[], body }
}

fn index_of(entries: &[Entry<'_>]) -> KeywordIndex {
    let index = KeywordIndex::in_memory().unwrap();
    let changes: Vec<Change<'_>> = entries.iter().copied().map(Change::Put).collect();
    index.apply(&changes, 1).unwrap();
    index
}

fn found(index: &KeywordIndex, question: &str) -> Vec<u64> {
    index.search(question, 10, None).unwrap().hits.into_iter().map(|hit| hit.chunk).collect()
}

#[test]
fn a_word_is_found_in_its_other_forms_in_every_stemmed_language() {
    let pairs = [
        ("en", "resetting your passwords", "reset password"),
        ("de", "Die Passwörter zurücksetzen", "Passwort"),
        ("fr", "les utilisateurs connectés", "utilisateur connecté"),
        ("es", "las configuraciones guardadas", "configuración"),
        ("it", "le impostazioni salvate", "impostazione"),
        ("pt", "as configurações guardadas", "configuração"),
        ("nl", "de gebruikers zijn geblokkeerd", "gebruiker"),
        ("sv", "användarnas inställningar", "användare"),
        ("da", "brugernes indstillinger", "bruger indstilling"),
        ("fi", "kaikki asetukset", "asetuksen"),
        ("ru", "настройки пользователей", "пользователь"),
        ("hu", "a felhasználók jelszavai", "felhasználó"),
        ("tr", "kullanıcıların parolaları", "kullanıcı"),
        ("ro", "utilizatorii conectați", "utilizator"),
        ("pl", "hasła użytkowników", "użytkownika"),
        ("cs", "hesla uživatelů", "uživatel"),
        ("ar", "كلمات المرور للمستخدمين", "المستخدمين"),
    ];
    for (code, body, question) in pairs {
        let language = Language::from_code(code);
        let index = index_of(&[Entry { language, ..entry(7, body) }]);
        assert_eq!(found(&index, question), [7], "{code}: {question}");
        let other_way = index_of(&[Entry { language, ..entry(8, question) }]);
        assert_eq!(found(&other_way, body), [8], "{code}: {body}");
    }
}

#[test]
fn accents_may_be_left_out_and_letters_may_be_capitals() {
    let french = Language::from_code("fr");
    let index = index_of(&[Entry { language: french, ..entry(1, "Réinitialiser l'accès à la boîte") }]);
    for question in ["reinitialiser", "ACCES", "boite", "l’accès", "BOÎTE"] {
        assert_eq!(found(&index, question), [1], "{question}");
    }
    let german = Language::from_code("de");
    let index = index_of(&[Entry { language: german, ..entry(1, "Die Straße über den Fluß") }]);
    assert_eq!(found(&index, "STRASSE"), [1]);
}

#[test]
fn documents_of_several_languages_are_found_in_one_index() {
    let index = index_of(&[
        Entry { language: Language::from_code("de"), ..entry(1, "Rechnungen herunterladen") },
        Entry { language: Language::from_code("en"), ..entry(2, "downloading invoices") },
        Entry { language: Language::from_code("ja"), ..entry(3, "請求書をダウンロードする") },
    ]);
    assert_eq!(found(&index, "Rechnung"), [1]);
    assert_eq!(found(&index, "invoice"), [2]);
    assert_eq!(found(&index, "請求書"), [3]);
}

#[test]
fn scripts_without_spaces_are_found_by_any_part_of_a_run() {
    let texts = [
        ("ja", "パスワードを再設定する方法", "再設定"),
        ("zh", "如何重置您的密码", "密码"),
        ("ko", "비밀번호를 재설정하는 방법", "비밀번호"),
        ("th", "วิธีรีเซ็ตรหัสผ่าน", "รหัสผ่าน"),
    ];
    for (code, body, question) in texts {
        let other = entry(2, "nothing of the kind");
        let index = index_of(&[Entry { language: Language::from_code(code), ..entry(1, body) }, other]);
        assert_eq!(found(&index, question), [1], "{code}");
    }
    let index = index_of(&[entry(1, "黒猫が好き")]);
    assert_eq!(found(&index, "猫"), [1]);
}

#[test]
fn identifiers_are_found_as_written_and_by_their_parts() {
    let long = "spring.datasource.hikari.connection-timeout.milliseconds-before-giving-up";
    let key = "a9f".repeat(30);
    let key_sentence = format!("The key {key} has expired");
    let bodies = [
        "The browser says ERR_CONN_RESET after login",
        "Error E-1042 means that the tray is empty",
        "Order part XK-200/7 for the new printer",
        "Fixed in v2.0.1 of the agent",
        "Write to billing.team@example.co.uk",
        "Set spring.datasource.hikari.connection-timeout.milliseconds-before-giving-up to 30",
        key_sentence.as_str(),
        "Call getUserProfile first",
        "Error E-1043, version v2.0.2, part XK-200/8, ERR_CONN_REFUSED, sales@example.com",
    ];
    let entries: Vec<Entry<'_>> = (0_u64..).zip(bodies).map(|(chunk, body)| entry(chunk, body)).collect();
    let index = index_of(&entries);
    let expected: [(&str, u64); 17] = [
        ("ERR_CONN_RESET", 0),
        ("err_conn_reset", 0),
        ("reset", 0),
        ("what does E-1042 mean?", 1),
        ("e1042", 1),
        ("XK-200/7", 2),
        ("xk200/7", 2),
        ("is v2.0.1 out?", 3),
        ("2.0.1", 3),
        ("Billing.Team@example.co.uk", 4),
        ("billing", 4),
        (long, 5),
        ("hikari", 5),
        (&key, 6),
        ("getUserProfile", 7),
        ("getuserprofile", 7),
        ("user profile", 7),
    ];
    for (question, chunk) in expected {
        assert_eq!(found(&index, question).first(), Some(&chunk), "{question}");
    }
}

#[test]
fn a_word_of_seventy_thousand_letters_is_found_as_written() {
    let word = "x".repeat(70_000);
    let body = format!("before {word} after");
    let index = index_of(&[entry(1, &body)]);
    assert_eq!(found(&index, "after"), [1]);
    let shorter = "y".repeat(10_000);
    let body = format!("before {shorter} after");
    let index = index_of(&[entry(1, &body)]);
    assert_eq!(found(&index, &shorter), [1]);
}

#[test]
fn hostile_questions_are_words_and_nothing_else() {
    let index = index_of(&[entry(1, "Reset my password in C++ AND Rust"), entry(2, "me@x.com email")]);
    assert_eq!(found(&index, "how do I reset: my (password").first(), Some(&1));
    assert_eq!(found(&index, "C++ AND").first(), Some(&1));
    assert_eq!(found(&index, "NOT password").first(), Some(&1));
    assert_eq!(found(&index, "email:me@x.com").first(), Some(&2));
    for nothing in
        ["", "   ", "?!…()[]\"'*~^:\\/", "\u{200b}\u{feff}\u{200d}", "\0\0", "((((((((((", "-password:*"]
    {
        let hits = found(&index, nothing);
        assert!(hits.is_empty() || nothing == "-password:*", "{nothing:?} found {hits:?}");
    }
    let many: String = (0..20_000).map(|number| format!("w{number} ")).collect();
    assert!(found(&index, &many).is_empty());
    let repeated = "password ".repeat(12_000);
    assert_eq!(found(&index, &repeated), [1]);
    assert!(found(&index, &"é".repeat(50_000)).is_empty());
}

#[test]
fn zero_width_characters_inside_a_word_do_not_hide_it() {
    let index = index_of(&[entry(1, "pass\u{ad}word re\u{200d}set")]);
    assert_eq!(found(&index, "password"), [1]);
    assert_eq!(found(&index, "re\u{feff}set"), [1]);
}

#[test]
fn applying_the_same_changes_twice_leaves_one_of_each() {
    let index = KeywordIndex::in_memory().unwrap();
    let changes = [Change::Put(entry(1, "alpha")), Change::Put(entry(2, "alpha beta"))];
    index.apply(&changes, 2).unwrap();
    index.apply(&changes, 2).unwrap();
    assert_eq!(index.chunks(), 2);
    assert_eq!(found(&index, "alpha").len(), 2);
    index.apply(&[Change::Put(entry(1, "gamma")), Change::Put(entry(1, "delta"))], 3).unwrap();
    assert_eq!(found(&index, "alpha"), [2]);
    assert!(found(&index, "gamma").is_empty());
    assert_eq!(found(&index, "delta"), [1]);
}

#[test]
fn a_document_is_removed_with_all_its_chunks() {
    let of = |chunk, document| Change::Put(Entry { document, ..entry(chunk, "alpha") });
    let index = KeywordIndex::in_memory().unwrap();
    index.apply(&[of(1, 10), of(2, 10), of(3, 11), of(4, 12)], 1).unwrap();
    index.apply(&[Change::RemoveDocument(10), Change::RemoveChunk(4), Change::RemoveChunk(99)], 2).unwrap();
    assert_eq!(found(&index, "alpha"), [3]);
    assert!(index.scores("alpha", &[1, 4]).unwrap().iter().all(|weighed| weighed.score == 0.0));
}

#[test]
fn the_position_is_that_of_the_last_commit_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let index = KeywordIndex::open(folder.path()).unwrap();
    assert_eq!(index.position().unwrap(), None);
    index.apply(&[Change::Put(entry(1, "alpha"))], 41).unwrap();
    index.apply(&[], 42).unwrap();
    index.rest().unwrap();
    drop(index);
    let index = KeywordIndex::open(folder.path()).unwrap();
    assert_eq!(index.position().unwrap(), Some(42));
    assert_eq!(found(&index, "alpha"), [1]);
    index.apply(&[Change::Put(entry(2, "alpha"))], 43).unwrap();
    assert_eq!(index.position().unwrap(), Some(43));
}

#[test]
fn reading_works_while_another_writer_holds_the_folder_and_writing_says_busy() {
    let folder = tempfile::tempdir().unwrap();
    let first = KeywordIndex::open(folder.path()).unwrap();
    first.apply(&[Change::Put(entry(1, "alpha"))], 1).unwrap();
    let second = KeywordIndex::open(folder.path()).unwrap();
    assert_eq!(found(&second, "alpha"), [1]);
    assert!(matches!(second.apply(&[], 2), Err(Error::Busy { .. })));
    first.rest().unwrap();
    second.apply(&[Change::Put(entry(2, "alpha"))], 2).unwrap();
    first.reload().unwrap();
    assert_eq!(found(&first, "alpha").len(), 2);
}

#[test]
fn an_open_question_keeps_its_snapshot_while_changes_are_applied() {
    let index = index_of(&[entry(1, "alpha")]);
    let asked = index.ask("alpha").unwrap();
    index.apply(&[Change::RemoveChunk(1), Change::Put(entry(2, "alpha"))], 2).unwrap();
    let before: Vec<u64> = index.top(&asked, 5, None).unwrap().hits.iter().map(|hit| hit.chunk).collect();
    assert_eq!(before, [1]);
    assert_eq!(found(&index, "alpha"), [2]);
}

#[test]
fn damage_of_any_file_is_told_apart_from_other_faults() {
    let folder = tempfile::tempdir().unwrap();
    let fill = || {
        let index = KeywordIndex::open(folder.path()).unwrap();
        index.apply(&[Change::Put(entry(1, "alpha beta")), Change::Put(entry(2, "gamma"))], 7).unwrap();
        index.rest().unwrap();
    };
    fill();
    let layout = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let names: Vec<_> = std::fs::read_dir(&layout)
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .filter(|name| !name.to_string_lossy().ends_with(".lock"))
        .collect();
    assert!(names.len() > 4, "{names:?}");
    for kind in ["flip", "cut", "gone"] {
        for extension in ["meta.json", ".managed.json", "idx", "term", "fast", "fieldnorm"] {
            std::fs::remove_dir_all(folder.path()).unwrap();
            fill();
            let victim = std::fs::read_dir(&layout)
                .unwrap()
                .map(|file| file.unwrap().path())
                .find(|path| path.to_string_lossy().ends_with(extension))
                .unwrap();
            let mut bytes = std::fs::read(&victim).unwrap();
            match kind {
                "flip" => bytes[0] ^= 0x55,
                _ => bytes.truncate(bytes.len() / 2),
            }
            if kind == "gone" {
                std::fs::remove_file(&victim).unwrap();
            } else {
                std::fs::write(&victim, bytes).unwrap();
            }
            let outcome = KeywordIndex::open(folder.path());
            if kind == "gone" && extension == ".managed.json" {
                continue;
            }
            assert!(matches!(outcome, Err(Error::Unusable { .. })), "{kind} {extension}: {outcome:?}");
        }
    }
}

#[test]
fn what_a_batch_had_written_is_forgotten_when_its_writer_dies_before_the_commit() {
    let folder = tempfile::tempdir().unwrap();
    let index = KeywordIndex::open(folder.path()).unwrap();
    index.apply(&[Change::Put(entry(1, "alpha"))], 1).unwrap();
    index.abandon(&[Change::Put(entry(2, "alpha")), Change::RemoveChunk(1)]).unwrap();
    drop(index);
    let index = KeywordIndex::open(folder.path()).unwrap();
    assert_eq!(index.position().unwrap(), Some(1));
    assert_eq!(found(&index, "alpha"), [1]);
}

#[test]
fn an_index_of_another_layout_is_left_unread_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("v0")).unwrap();
    std::fs::write(folder.path().join("v0/meta.json"), "{}").unwrap();
    let index = KeywordIndex::open(folder.path()).unwrap();
    assert_eq!(index.position().unwrap(), None);
    assert!(!folder.path().join("v0").exists());
}

#[test]
fn the_condition_is_obeyed_and_what_it_kept_out_is_counted() {
    let entries: Vec<Entry<'_>> = (0..50).map(|chunk| entry(chunk, "alpha beta")).collect();
    let index = index_of(&entries);
    let even = |chunk: u64| chunk.is_multiple_of(2);
    let found = index.search("alpha", 5, Some(&even)).unwrap();
    let chunks: Vec<u64> = found.hits.iter().map(|hit| hit.chunk).collect();
    assert_eq!(chunks, [0, 2, 4, 6, 8]);
    assert!(found.passed_over > 0);
    assert!(index.search("alpha", 5, Some(&|_| false)).unwrap().hits.is_empty());
}

#[test]
fn given_chunks_score_as_they_do_in_the_list() {
    let bodies: Vec<String> = (0..200_u64)
        .map(|n| format!("alpha {} {} E-{}", "beta ".repeat(usize::try_from(n % 7).unwrap()), n % 5, n % 9))
        .collect();
    let index = KeywordIndex::in_memory().unwrap();
    for (batch, bodies) in (0_u64..).zip(bodies.chunks(40)) {
        let changes: Vec<Change<'_>> =
            (batch * 40..).zip(bodies).map(|(chunk, body)| Change::Put(entry(chunk, body))).collect();
        index.apply(&changes, batch).unwrap();
    }
    let question = "alpha beta 3 E-4 unknown";
    let top = index.search(question, 50, None).unwrap().hits;
    let chunks: Vec<u64> = top.iter().map(|hit| hit.chunk).collect();
    let weighed = index.scores(question, &chunks).unwrap();
    for (hit, weighed) in top.iter().zip(&weighed) {
        assert_eq!(hit.chunk, weighed.chunk);
        assert!((hit.score - weighed.score).abs() < 1e-3, "{hit:?} {weighed:?}");
        assert!(weighed.coverage > 0.0 && weighed.coverage < 1.0, "{weighed:?}");
    }
    assert!(index.scores(question, &[]).unwrap().is_empty());
    assert_eq!(index.scores(question, &[9_999]).unwrap()[0].score, 0.0);
}

#[test]
fn a_word_in_the_title_counts_more_than_in_the_body() {
    let index = index_of(&[
        Entry { title: "notes", ..entry(1, "invoices once upon a time") },
        Entry { title: "invoices", ..entry(2, "notes once upon a time") },
    ]);
    assert_eq!(found(&index, "invoices"), [2, 1]);
}

#[test]
fn the_question_tells_what_it_knows_about_itself() {
    let index = index_of(&[entry(1, "Error E-1042 means an empty tray")]);
    let evidence = index.ask("what is E-1042 or ERR_77 in the flurbl tray").unwrap().evidence();
    assert_eq!((evidence.identifiers, evidence.identifiers_known), (2, 1));
    assert!(evidence.words_unknown >= 3 && evidence.words_unknown < evidence.words, "{evidence:?}");
    for (question, only) in [("E-1042?", true), ("E-1042 tray", false), ("ERR_77", false), ("tray", false)] {
        assert_eq!(index.ask(question).unwrap().evidence().identifiers_only, only, "{question}");
    }
}
