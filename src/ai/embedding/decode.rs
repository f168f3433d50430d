//! An answer with vectors, read and checked. Voyage, OpenAI and compatible servers answer alike.
//!
//! A vector may be a list of numbers or the base64 of little-endian 32-bit floats, whichever was asked for: not every
//! server listens. Nothing is repaired: a vector that is missing, of another size, not finite or without a direction would
//! make passages impossible to find, silently and for as long as the index lives.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::Value;

use super::super::Error;
use super::super::provider::{Asked, Refusal};

/// Numbers that a vector may have.
pub const DIMENSIONS_MAX: usize = 8_192;

#[derive(Deserialize)]
struct Answer {
    data: Vec<Item>,
    #[serde(default)]
    usage: Value,
}

#[derive(Deserialize)]
struct Item {
    index: Option<usize>,
    embedding: Numbers,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Numbers {
    Base64(String),
    Floats(Vec<f32>),
}

/// What an answer says.
pub(super) struct Told {
    /// Tokens read, where it says so.
    pub(super) tokens: Option<u64>,
    /// The vectors in the order of the texts, or what is wrong with them.
    pub(super) vectors: Result<Vec<Vec<f32>>, String>,
}

/// Reads the answer to `texts` texts. `dimensions` are those that every vector must have, where they are known.
pub(super) fn read(
    body: &[u8],
    texts: usize,
    dimensions: Option<usize>,
    asked: &Asked<'_>,
) -> Result<Told, Error> {
    let answer: Answer = serde_json::from_slice(body).map_err(|_| {
        let value: Option<Value> = serde_json::from_slice(body).ok();
        match value.as_ref().and_then(Refusal::find) {
            Some(refusal) => asked.error(None, &refusal, None),
            None => asked.malformed("the answer is no list of vectors"),
        }
    })?;
    let count = |field: &str| answer.usage.get(field).and_then(Value::as_u64);
    let tokens = count("total_tokens").or_else(|| count("prompt_tokens"));
    Ok(Told { tokens, vectors: in_order(answer.data, texts, dimensions) })
}

fn in_order(items: Vec<Item>, texts: usize, dimensions: Option<usize>) -> Result<Vec<Vec<f32>>, String> {
    if items.len() != texts {
        return Err(format!("{} vectors for {texts} texts", items.len()));
    }
    let mut places: Vec<Option<Vec<f32>>> = vec![None; texts];
    let mut wanted = dimensions;
    for (position, item) in items.into_iter().enumerate() {
        let index = item.index.unwrap_or(position);
        let vector = directed(numbers(item.embedding)?, wanted)?;
        wanted = Some(vector.len());
        match places.get_mut(index) {
            None => return Err(format!("a vector for text {index} of {texts}")),
            Some(Some(_)) => return Err(format!("two vectors for text {index}")),
            Some(place) => *place = Some(vector),
        }
    }
    places.into_iter().collect::<Option<_>>().ok_or_else(|| "a vector is missing".to_owned())
}

fn numbers(embedding: Numbers) -> Result<Vec<f32>, String> {
    let text = match embedding {
        Numbers::Floats(numbers) => return Ok(numbers),
        Numbers::Base64(text) => text,
    };
    let bytes = BASE64_STANDARD.decode(text).map_err(|_| "a vector is not base64")?;
    let (floats, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err("a vector is no whole number of floats".to_owned());
    }
    Ok(floats.iter().map(|float| f32::from_le_bytes(*float)).collect())
}

/// The vector with length 1.
#[allow(clippy::cast_possible_truncation, reason = "a number of length at most 1 is rounded to a float")]
fn directed(vector: Vec<f32>, wanted: Option<usize>) -> Result<Vec<f32>, String> {
    let size = vector.len();
    if let Some(wanted) = wanted.filter(|wanted| *wanted != size) {
        return Err(format!("a vector of {size} numbers where {wanted} are wanted"));
    }
    if size == 0 || size > DIMENSIONS_MAX {
        return Err(format!("a vector of {size} numbers"));
    }
    if !vector.iter().all(|number| number.is_finite()) {
        return Err("a vector is not finite".to_owned());
    }
    // The square of no f32 overflows an f64, nor does it vanish.
    let length = vector.iter().map(|number| f64::from(*number).powi(2)).sum::<f64>().sqrt();
    if length == 0.0 {
        return Err("a vector has no direction".to_owned());
    }
    Ok(vector.into_iter().map(|number| (f64::from(number) / length) as f32).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const ASKED: Asked<'static> = Asked { provider: "house", model: "m", key: Some("sk-hunter2") };

    fn vectors(data: &Value, texts: usize, dimensions: Option<usize>) -> Result<Vec<Vec<f32>>, String> {
        let body = json!({"data": data}).to_string();
        read(body.as_bytes(), texts, dimensions, &ASKED).map_err(|error| error.to_string())?.vectors
    }

    fn base64(numbers: &[f32]) -> String {
        BASE64_STANDARD.encode(numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>())
    }

    #[test]
    fn vectors_come_as_floats_or_as_base64_and_leave_in_the_order_of_the_texts() {
        let data = json!([
            {"index": 1, "embedding": base64(&[0.0, -2.0])},
            {"index": 0, "embedding": [3, 4.0]},
        ]);
        assert_eq!(vectors(&data, 2, Some(2)).unwrap(), [[0.6, 0.8], [0.0, -1.0]]);
        let unnumbered = json!([{"embedding": [1, 0]}, {"embedding": [0, 1]}]);
        assert_eq!(vectors(&unnumbered, 2, None).unwrap(), [[1.0, 0.0], [0.0, 1.0]]);
    }

    #[test]
    fn what_would_spoil_the_index_is_refused_and_named() {
        let one = |embedding: Value| json!([{"index": 0, "embedding": embedding}]);
        for (data, texts, reason) in [
            (json!([]), 1, "0 vectors for 1 texts"),
            (one(json!([1, 0])), 2, "1 vectors for 2 texts"),
            (one(json!([1, 0, 0])), 1, "3 numbers where 2 are wanted"),
            (one(json!([])), 1, "0 numbers where 2 are wanted"),
            (one(json!([0, 0])), 1, "no direction"),
            (one(json!([1e300, 0])), 1, "not finite"),
            (one(json!(base64(&[f32::NAN, 1.0]))), 1, "not finite"),
            (one(json!("AAA")), 1, "not base64"),
            (one(json!("AAAA")), 1, "no whole number of floats"),
            (one(json!([1, null])), 1, "no list of vectors"),
            (json!([{"index": 1, "embedding": [1, 0]}]), 1, "for text 1 of 1"),
            (
                json!([{"index": 0, "embedding": [1, 0]}, {"index": 0, "embedding": [1, 0]}]),
                2,
                "two vectors for text 0",
            ),
        ] {
            let refused = vectors(&data, texts, Some(2)).unwrap_err();
            assert!(refused.contains(reason), "{data}: {refused}");
        }
        let mixed = json!([{"embedding": [1, 0]}, {"embedding": [1]}]);
        assert!(vectors(&mixed, 2, None).unwrap_err().contains("1 numbers where 2 are wanted"));
    }

    #[test]
    fn an_error_with_a_good_status_is_an_error() {
        let body = br#"{"error":{"message":"bad key sk-hunter2","code":"invalid_api_key"}}"#;
        let error = read(body, 1, None, &ASKED).err().unwrap();
        assert!(matches!(error, Error::CredentialRefused { .. }), "{error:?}");
    }

    proptest! {
        #[test]
        fn a_vector_keeps_its_direction_and_gets_length_1(
            numbers in prop::collection::vec(prop::num::f32::NORMAL | prop::num::f32::SUBNORMAL, 1..20),
        ) {
            let read = vectors(&json!([{"embedding": base64(&numbers)}]), 1, None).unwrap().remove(0);
            let length: f32 = read.iter().map(|number| number * number).sum();
            prop_assert!((length - 1.0).abs() < 1e-5);
            for (before, after) in numbers.iter().zip(&read) {
                prop_assert!(*after == 0.0 || before.signum() == after.signum());
            }
        }

        #[test]
        fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..200), texts in 0_usize..4) {
            let _ = read(&body, texts, None, &ASKED);
        }
    }
}
