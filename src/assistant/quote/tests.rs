//! Answers over small texts: with an embedder that knows only words, and once with the real one.

use std::convert::Infallible;

use proptest::prelude::*;

use super::*;
use crate::search::embedder::MiniLm;

/// Texts are alike as far as they share words: each word is a direction of its own, chosen by its hash.
fn by_words(texts: &[&str]) -> Result<Vec<Option<Vec<f32>>>, Infallible> {
    let vector = |text: &&str| {
        let mut vector = vec![0.0_f32; 256];
        for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 2) {
            let place = blake3::hash(word.to_lowercase().as_bytes()).as_bytes()[0];
            vector[usize::from(place)] += 1.0;
        }
        let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        (length > 0.0).then(|| vector.iter().map(|x| x / length).collect())
    };
    Ok(texts.iter().map(vector).collect())
}

fn passage(number: usize, title: &str, headings: &[&str], text: &str, score: f32) -> PassageGiven {
    PassageGiven {
        number,
        document: title.to_lowercase(),
        title: title.to_owned(),
        heading_path: headings.iter().map(|&heading| heading.to_owned()).collect(),
        page: None,
        text: text.to_owned(),
        score,
        cosine: score,
        bm25: Some(score * 10.0),
        semantic_rank: u32::try_from(number).ok(),
        keyword_rank: u32::try_from(number).ok(),
    }
}

fn shop() -> Vec<PassageGiven> {
    vec![
        passage(
            1,
            "Returns",
            &["Returning a parcel"],
            "You can return a parcel within 30 days of delivery. It must be unused.\n\nTo return a parcel:\n\n\
             1. Print the label.\n2. Pack the parcel.\n3. Hand it in at the shop.",
            0.7,
        ),
        passage(
            2,
            "Error codes",
            &["Codes"],
            "| Code | Meaning | Remedy |\n|---|---|---|\n| E-17 | The pump is dry | Fill the tank with water and start again |\n\
             | E-18 | The lid of the pump is open | Close the lid until it clicks and start again |\n\
             | E-19 | The filter of the pump is old | Replace the filter with a new one and start again |\n\
             | E-20 | The drain of the pump is blocked | Clean the drain with a brush and start again |",
            0.5,
        ),
        passage(3, "About us", &["History"], "We are a family business. Anna founded it in 1987.", 0.2),
    ]
}

fn ask(question: &str, passages: &[PassageGiven]) -> QuotedAnswer {
    let Ok(answer) = answer(question, passages, &by_words, &Settings::default());
    for citation in &answer.citations {
        assert_eq!(&passages[citation.passage].text[citation.range()], citation.quote);
        assert!(answer.text.contains(&format!("[{}]", citation.number)));
    }
    answer
}

#[test]
fn a_procedure_is_quoted_whole_with_what_leads_it_in() {
    let answer = ask("How do I return a parcel?", &shop());
    assert!(!answer.declined, "{answer:?}");
    let quote = &answer.citations[0].quote;
    assert!(
        quote.contains("To return a parcel:")
            && quote.contains("1. Print")
            && quote.ends_with("at the shop.")
    );
    assert!(answer.text.contains("From *Returns › Returning a parcel*:"));
}

#[test]
fn a_row_of_a_table_is_quoted_under_its_header() {
    let answer = ask("What does error code E-18 of the pump mean?", &shop());
    assert!(!answer.declined, "{answer:?}");
    let only = "| E-18 | The lid of the pump is open | Close the lid until it clicks and start again |";
    assert_eq!(answer.citations[0].quote, only);
    assert_eq!(answer.citations.len(), 1);
    assert!(answer.text.contains("| Code | Meaning | Remedy |\n|---|---|---|\n| E-18 |"));
    assert!(answer.text.ends_with("start again [1] |"));
}

#[test]
fn a_code_that_no_passage_holds_is_declined_however_well_the_rest_fits() {
    let answer = ask("What does error code E-99 of the pump mean?", &shop());
    assert!(answer.declined && answer.citations.is_empty());
    assert_eq!(answer.evidence.reason, Reason::IdentifierUnknown);
    assert!(answer.text.contains("E-99"));
}

#[test]
fn what_the_documents_do_not_hold_is_declined_with_what_to_do_next() {
    for question in ["Who won the football cup in Brazil?", "asdf qwer", "Which toaster do you recommend?"] {
        let answer = ask(question, &shop());
        assert!(answer.declined, "{question}: {answer:?}");
        assert!(answer.text.contains("other words"), "{}", answer.text);
    }
    assert_eq!(ask("Which refunds?", &[]).evidence.reason, Reason::NothingFound);
    assert_eq!(ask("thanks, bye", &shop()).evidence.reason, Reason::SmallTalk);
    assert!(ask("", &shop()).declined);
}

#[test]
fn a_procedure_cut_by_the_end_of_a_passage_goes_on_in_the_next() {
    let passages = vec![
        passage(
            1,
            "Setup",
            &["Setting up"],
            "To set up the router:\n\n1. Unpack the router.\n2. Plug it in.",
            0.8,
        ),
        passage(2, "Setup", &["Setting up"], "3. Wait for the light.\n4. Log in.", 0.6),
    ];
    let answer = ask("How do I set up the router?", &passages);
    let quotes: Vec<&str> = answer.citations.iter().map(|citation| citation.quote.as_str()).collect();
    assert_eq!(quotes.len(), 2);
    assert!(quotes[0].contains("2. Plug it in.") && quotes[1].contains("3. Wait"));
}

#[test]
fn the_real_model_answers_what_is_there_and_declines_what_is_not() {
    let model = MiniLm::bundled().unwrap();
    let embed = |texts: &[&str]| model.embed_sentences(texts);
    let scored = |question: &str| {
        let asked = model.embed_query(question).unwrap();
        let mut passages = shop();
        for passage in &mut passages {
            let text = format!("{}: {}\n{}", passage.title, passage.heading_path.join(" > "), passage.text);
            let vector = model.embed(&text).unwrap();
            passage.cosine = asked.iter().zip(&vector).map(|(a, b)| a * b).sum();
            passage.score = crate::search::fusion::Calibration::MINILM.shown(passage.cosine, 0.5);
        }
        passages.sort_by(|a, b| b.cosine.total_cmp(&a.cosine));
        answer(question, &passages, &embed, &Settings::default()).unwrap()
    };
    let refund = scored("How many days do I have to send a parcel back?");
    assert!(!refund.declined && refund.citations[0].quote.contains("30 days"), "{refund:?}");
    let founder = scored("Who founded the business?");
    assert!(!founder.declined && founder.citations[0].quote.contains("Anna"), "{founder:?}");
    for question in ["What is the capital of Portugal?", "How do I change the oil of my car?"] {
        assert!(scored(question).declined, "{question}");
    }
}

proptest! {
    #[test]
    fn every_quote_is_an_exact_part_of_a_passage(
        question in "[a-z E0-9?-]{0,40}",
        texts in prop::collection::vec("([a-zé?.:|#\\- `1\n]{0,6}){0,20}", 0..5),
    ) {
        let passages: Vec<PassageGiven> = (1..)
            .zip(&texts)
            .map(|(number, text)| passage(number, "Title", &["Heading"], text, 0.5))
            .collect();
        let settings = Settings { chance_min: 0.0, ..Settings::default() };
        let Ok(answer) = answer(&question, &passages, &by_words, &settings);
        prop_assert!(!answer.declined || answer.citations.is_empty());
        for (number, citation) in (1..).zip(&answer.citations) {
            prop_assert_eq!(citation.number, number);
            prop_assert_eq!(passages[citation.passage].text.get(citation.range()), Some(citation.quote.as_str()));
        }
    }
}
