//! An answer with places, read and checked, in each of the shapes that servers have.
//!
//! Cohere, Jina, vLLM and llama.cpp answer `results` with `relevance_score`, Voyage calls them `data`, and
//! text-embeddings-inference sends the bare list with `score`.

use serde_json::Value;

use super::super::provider::{Asked, Refusal};
use super::super::{Error, Usage};
use super::{Ranked, Reranked};

/// Reads the answer about `documents` documents with `input_bytes` in all, of which the `top` best were asked for.
pub(super) fn read(
    body: &[u8],
    (documents, top): (usize, usize),
    input_bytes: usize,
    asked: &Asked<'_>,
) -> Result<Reranked, Error> {
    let answer: Value =
        serde_json::from_slice(body).map_err(|_| asked.malformed("the answer is not JSON"))?;
    if let Some(refusal) = Refusal::find(&answer) {
        return Err(asked.error(None, &refusal, None));
    }
    let list = answer.as_array().or_else(|| answer.get("results")?.as_array());
    let list = list.or_else(|| answer.get("data")?.as_array());
    let list = list.ok_or_else(|| asked.malformed("the answer is no list of places"))?;
    let ranked = ranked(list, documents, top).map_err(|detail| asked.malformed(&detail))?;
    Ok(Reranked { ranked, usage: usage(&answer, input_bytes), search_units: search_units(&answer) })
}

fn ranked(list: &[Value], documents: usize, top: usize) -> Result<Vec<Ranked>, String> {
    if list.len() < top || list.len() > documents {
        return Err(format!("{} places for {documents} documents, of which {top} were wanted", list.len()));
    }
    let mut seen = vec![false; documents];
    let mut ranked = Vec::with_capacity(list.len());
    for item in list {
        let place = place(item).ok_or("a place without an index or a finite score")?;
        match seen.get_mut(place.index) {
            None => return Err(format!("a place for document {} of {documents}", place.index)),
            Some(true) => return Err(format!("two places for document {}", place.index)),
            Some(seen) => *seen = true,
        }
        ranked.push(place);
    }
    // Stable: where scores are equal, the server's own order says what they no longer tell.
    ranked.sort_by(|one, other| other.score.total_cmp(&one.score));
    ranked.truncate(top);
    Ok(ranked)
}

fn place(item: &Value) -> Option<Ranked> {
    let index = usize::try_from(item.get("index")?.as_u64()?).ok()?;
    let score = item.get("relevance_score").or_else(|| item.get("score"))?.as_f64()?;
    #[allow(
        clippy::cast_possible_truncation,
        reason = "what a float cannot hold becomes infinite, and that is checked"
    )]
    let score = score as f32;
    score.is_finite().then_some(Ranked { index, score })
}

fn usage(answer: &Value, input_bytes: usize) -> Usage {
    let paths = [
        "/usage/total_tokens",
        "/usage/prompt_tokens",
        "/meta/billed_units/input_tokens",
        "/meta/tokens/input_tokens",
    ];
    let tokens = paths.iter().find_map(|path| answer.pointer(path)?.as_u64());
    tokens.map_or_else(
        || Usage::estimate(input_bytes, 0),
        |input_tokens| Usage { input_tokens, ..Usage::default() },
    )
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float is cast within the bounds of u64"
)]
fn search_units(answer: &Value) -> Option<u64> {
    let units = answer.pointer("/meta/billed_units/search_units")?.as_f64()?;
    Some(units.ceil() as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const ASKED: Asked<'static> = Asked { provider: "house", model: "m", key: None };

    fn order(answer: &Value, documents: usize, top: usize) -> Result<Vec<usize>, String> {
        let read = read(answer.to_string().as_bytes(), (documents, top), 40, &ASKED);
        let read = read.map_err(|error| error.to_string())?;
        Ok(read.ranked.iter().map(|ranked| ranked.index).collect())
    }

    #[test]
    fn every_shape_is_read_and_leaves_best_first() {
        let scored =
            |name: &str| json!([{"index": 0, name: -1.5}, {"index": 2, name: 3}, {"index": 1, name: 0.5}]);
        for answer in [
            json!({"results": scored("relevance_score")}),
            json!({"data": scored("relevance_score"), "object": "list"}),
            json!({"results": scored("score")}),
            scored("score"),
        ] {
            assert_eq!(order(&answer, 3, 3).unwrap(), [2, 1, 0], "{answer}");
            assert_eq!(order(&answer, 3, 1).unwrap(), [2], "a server that does not know of top: {answer}");
        }
        assert_eq!(order(&json!([{"index": 0, "score": 0.5}]), 1, 1).unwrap(), [0]);
        let ties = json!([{"index": 2, "score": 1}, {"index": 0, "score": 1}, {"index": 1, "score": 1}]);
        assert_eq!(order(&ties, 3, 3).unwrap(), [2, 0, 1]);
    }

    #[test]
    fn an_order_that_cannot_be_is_refused_and_named() {
        let place = |index: i64, score: Value| json!({"index": index, "relevance_score": score});
        for (answer, reason) in [
            (json!({"results": []}), "0 places for 2 documents"),
            (json!([place(0, json!(1))]), "1 places for 2 documents"),
            (json!([place(0, json!(1)), place(1, json!(1)), place(2, json!(1))]), "3 places"),
            (json!([place(0, json!(1)), place(0, json!(1))]), "two places for document 0"),
            (json!([place(0, json!(1)), place(2, json!(1))]), "document 2 of 2"),
            (json!([place(0, json!(1)), place(-1, json!(1))]), "without an index"),
            (json!([place(0, json!(null)), place(1, json!(1))]), "finite score"),
            (json!([place(0, json!(1e300)), place(1, json!(1))]), "finite score"),
            (json!([place(0, json!("1")), place(1, json!(1))]), "finite score"),
            (json!([0, 1]), "without an index"),
            (json!({"message": "x"}), "no list of places"),
            (json!({"error": "overloaded"}), "overloaded"),
        ] {
            let refused = order(&answer, 2, 2).unwrap_err();
            assert!(refused.contains(reason), "{answer}: {refused}");
        }
    }

    #[test]
    fn what_is_charged_is_told_or_guessed() {
        let told = |more: Value| {
            let mut answer = json!({"results": [{"index": 0, "relevance_score": 1}]});
            answer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let read = read(answer.to_string().as_bytes(), (1, 1), 40, &ASKED).unwrap();
            (read.usage.input_tokens, read.usage.estimated, read.search_units)
        };
        assert_eq!(told(json!({})), (10, true, None));
        assert_eq!(told(json!({"usage": {"total_tokens": 7}})), (7, false, None));
        let cohere = json!({"meta": {"billed_units": {"search_units": 1.0}, "tokens": null}});
        assert_eq!(told(cohere), (10, true, Some(1)));
        assert_eq!(told(json!({"meta": {"billed_units": {"search_units": -3}}})).2, Some(0));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..200), documents in 0_usize..4) {
            let _ = read(&body, (documents, documents), 0, &ASKED);
        }
    }
}
