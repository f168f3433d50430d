//! A cross-encoder small enough to be written here: its score for a pair is the number of words that both hold.
//!
//! The bytes are those of an ONNX file, written field by field after `onnx.proto3` of ONNX 1.16. Beside it lies a tokenizer with
//! few words. What is unknown to it counts for nothing.

/// Words that it knows.
const WORDS: [&str; 12] =
    ["how", "is", "the", "pump", "sealed", "ring", "rubber", "delivered", "colour", "red", "when", "a"];
/// `[PAD]`, `[UNK]`, `[CLS]` and `[SEP]` come before them.
const MARKS: usize = 4;
/// Tokens that it can read.
pub(crate) const POSITIONS: usize = 64;

const FLOAT: u64 = 1;
const INT64: u64 = 7;

/// What is to be wrong with a model.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Flaws {
    /// It answers two numbers for a pair.
    pub(crate) two_labels: bool,
    /// It wants something else than tokens.
    pub(crate) other_input: bool,
    /// It does not read tokens at all.
    pub(crate) no_tokens: bool,
}

/// A message as it grows.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.0.push(number.to_le_bytes()[0]);
    }

    fn number(mut self, field: u64, number: u64) -> Self {
        self.varint(field << 3);
        self.varint(number);
        self
    }

    fn bytes(mut self, field: u64, bytes: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend(bytes);
        self
    }

    fn text(self, field: u64, text: &str) -> Self {
        self.bytes(field, text.as_bytes())
    }

    fn message(self, field: u64, message: &Self) -> Self {
        self.bytes(field, &message.0)
    }
}

/// A graph as it grows.
struct Graph(Message);

impl Graph {
    fn node(self, operator: &str, inputs: &[&str], output: &str, attributes: &[(&str, u64)]) -> Self {
        let node = inputs.iter().fold(Message::default(), |node, input| node.text(1, input));
        let node = node.text(2, output).text(3, output).text(4, operator);
        let node = attributes.iter().fold(node, |node, (name, value)| {
            node.message(5, &Message::default().text(1, name).number(3, *value).number(20, 2))
        });
        Self(self.0.message(1, &node))
    }

    fn tensor(self, name: &str, dimensions: &[usize], kind: u64, raw: &[u8]) -> Self {
        let tensor =
            dimensions.iter().fold(Message::default(), |tensor, size| tensor.number(1, *size as u64));
        Self(self.0.message(5, &tensor.number(2, kind).text(8, name).bytes(9, raw)))
    }

    fn floats(self, name: &str, dimensions: &[usize], values: &[f32]) -> Self {
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensor(name, dimensions, FLOAT, &raw)
    }

    fn whole(self, name: &str, value: i64) -> Self {
        self.tensor(name, &[1], INT64, &value.to_le_bytes())
    }

    /// An input (11) or output (12) of two named dimensions.
    fn value(self, field: u64, name: &str, kind: u64, dimensions: [&str; 2]) -> Self {
        let shape = dimensions.iter().fold(Message::default(), |shape, dimension| {
            shape.message(1, &Message::default().text(2, dimension))
        });
        let tensor = Message::default().number(1, kind).message(2, &shape);
        let value = Message::default().text(1, name).message(2, &Message::default().message(1, &tensor));
        Self(self.0.message(field, &value))
    }
}

/// The file `model.onnx`.
pub(crate) fn model(flaws: Flaws) -> Vec<u8> {
    let size = MARKS + WORDS.len();
    let mut table = vec![0.0; size * size];
    (MARKS..size).for_each(|word| table[word * size + word] = 1.0);
    let tokens = if flaws.no_tokens { "attention_mask" } else { "input_ids" };
    let logits = if flaws.two_labels { "one" } else { "logits" };
    let mut graph = Graph(Message::default().text(2, "words in common"))
        .floats("table", &[size, size], &table)
        .floats("ones", &[POSITIONS], &[1.0; POSITIONS])
        .floats("unit", &[1], &[1.0])
        .whole("zero", 0)
        .whole("first", 1)
        .whole("second", 2)
        .node("Gather", &["table", tokens], "rows", &[])
        .node("Cast", &["token_type_ids"], "passage", &[("to", FLOAT)])
        .node("Cast", &["attention_mask"], "mask", &[("to", FLOAT)])
        .node("Shape", &[tokens], "shape", &[])
        .node("Slice", &["shape", "first", "second", "zero"], "length", &[])
        .node("Slice", &["ones", "zero", "length", "zero"], "places", &[])
        .node("Mul", &["mask", "places"], "present", &[])
        .node("Sub", &["unit", "passage"], "question", &[])
        .node("Mul", &["question", "present"], "question_present", &[])
        .node("Mul", &["passage", "present"], "passage_present", &[])
        .node("Unsqueeze", &["question_present", "second"], "question_column", &[])
        .node("Unsqueeze", &["passage_present", "second"], "passage_column", &[])
        .node("Mul", &["rows", "question_column"], "question_rows", &[])
        .node("Mul", &["rows", "passage_column"], "passage_rows", &[])
        .node("ReduceSum", &["question_rows", "first"], "question_words", &[("keepdims", 0)])
        .node("ReduceSum", &["passage_rows", "first"], "passage_words", &[("keepdims", 0)])
        .node("Mul", &["question_words", "passage_words"], "common", &[])
        .node("ReduceSum", &["common", "first"], logits, &[("keepdims", 1)]);
    if flaws.two_labels {
        graph = graph.node("Concat", &["one", "one"], "logits", &[("axis", 1)]);
    }
    if !flaws.no_tokens {
        graph = graph.value(11, "input_ids", INT64, ["batch", "tokens"]);
    }
    for name in ["attention_mask", "token_type_ids"] {
        graph = graph.value(11, name, INT64, ["batch", "tokens"]);
    }
    if flaws.other_input {
        graph = graph.value(11, "pixel_values", INT64, ["batch", "pixels"]);
    }
    let graph = graph.value(12, "logits", FLOAT, ["batch", "labels"]);
    let operators = Message::default().text(1, "").number(2, 13);
    let model = Message::default().number(1, 7).text(2, "frontdesk").message(7, &graph.0);
    model.message(8, &operators).0
}

/// The file `tokenizer.json`; without `pairs` it does not say how two texts are put together.
pub(crate) fn tokenizer(pairs: bool) -> String {
    let marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"];
    let vocabulary: serde_json::Map<String, serde_json::Value> =
        marks.iter().chain(&WORDS).zip(0..).map(|(word, id)| ((*word).to_owned(), id.into())).collect();
    let added: Vec<_> = marks
        .iter()
        .zip(0..)
        .map(|(content, id)| {
            serde_json::json!({
                "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": true,
            })
        })
        .collect();
    let mark = |id: &str, side: u8| serde_json::json!({"SpecialToken": {"id": id, "type_id": side}});
    let text = |id: &str, side: u8| serde_json::json!({"Sequence": {"id": id, "type_id": side}});
    let special = |id: &str, number: u8| serde_json::json!({"id": id, "ids": [number], "tokens": [id]});
    let processor = serde_json::json!({
        "type": "TemplateProcessing",
        "single": [mark("[CLS]", 0), text("A", 0), mark("[SEP]", 0)],
        "pair": [mark("[CLS]", 0), text("A", 0), mark("[SEP]", 0), text("B", 1), mark("[SEP]", 1)],
        "special_tokens": {"[CLS]": special("[CLS]", 2), "[SEP]": special("[SEP]", 3)},
    });
    serde_json::json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added,
        "normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": if pairs { processor } else { serde_json::Value::Null }, "decoder": null,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"},
    })
    .to_string()
}
