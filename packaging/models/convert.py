"""Makes the bundled embedding model: all-MiniLM-L6-v2 as ONNX, in int8 for the binary and in f32 as the yardstick.

The graph takes the token ids of ONE text and gives the mean of its last hidden states; there is no batch
and no attention mask, because activations are quantised over the whole tensor and a text's vector must not
depend on the texts beside it. Both graphs are written node by node, so that any engine with these few
operators can run them.

Quantisation: matrices are int8 per output column, symmetric, kept within [-64, 64]: CPUs without VNNI add
pairs of u8*i8 products in 16 bits, which saturates with the full range. The word table is int8 per row over
the full range, as it is only looked up. Activations are quantised while running (DynamicQuantizeLinear).

The same inputs give the same bytes.
"""

import argparse
import base64
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file
from tokenizers import Tokenizer

SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
HIDDEN, HEADS, LAYERS, TOKENS_MAX, EPSILON = 384, 12, 6, 256, 1e-12
HEAD = HIDDEN // HEADS
WEIGHT_LIMIT = 64
# How much of the width of an activation moves into the weights. Found by trying .3 to .9; the output of the
# GELU is left alone, as it is four times as wide and gains little.
SMOOTHING = 0.65
# Twice what the scores behind the first layer reach over ordinary and random texts; 256 times its power is still a float.
SCORE_MAX = 60
OPSET, IR_VERSION = 20, 9
COSINE_EACH_MIN, COSINE_MEAN_MIN = 0.98, 0.99


class GraphWriter:
    """Collects nodes and constants: `product` is where the two graphs differ."""

    def __init__(self, widths=None):
        """`widths` says how wide each channel of each activation gets; with it the graph is int8."""
        self.quantised, self.widths = widths is not None, widths
        self.nodes, self.constants = [], []

    def constant(self, name, array):
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, operator, inputs, name, **attributes):
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def narrowing(self, x, *weights):
        """What to divide each channel of `x` by, and multiply the rows of `weights` with, in int8."""
        if not self.quantised:
            return np.ones(weights[0].shape[0], np.float32)
        rows = np.max([np.abs(weight).max(axis=1) for weight in weights], axis=0)
        factors = np.maximum(self.widths[x], 1e-3) ** SMOOTHING / np.maximum(rows, 1e-3) ** (1 - SMOOTHING)
        return (factors / np.exp(np.log(factors).mean())).astype(np.float32)

    def quantise_input(self, x, factors=None):
        """What `linear` takes: in int8, the values, scale and zero point, shared by all who read `x`."""
        if not self.quantised:
            return x
        if factors is not None:
            x = self.node("Mul", [x, self.constant(f"{x}_narrowing", 1 / factors)], f"{x}_narrowed")
        outputs = [f"{x}_u8", f"{x}_scale", f"{x}_zero"]
        self.nodes.append(helper.make_node("DynamicQuantizeLinear", [x], outputs, name=f"{x}_quantise"))
        return outputs

    def linear(self, x, weight, bias, name):
        """`x @ weight + bias`, weight of shape [in, out], with or without a bias."""
        product = self.product(x, weight, name)
        return product if bias is None else self.node("Add", [product, self.constant(f"{name}_bias", bias)], name)

    def product(self, x, weight, name):
        if not self.quantised:
            return self.node("MatMul", [x, self.constant(f"{name}_weight", weight)], f"{name}_product")
        integers, scales = quantise_columns(weight)
        x_u8, x_scale, x_zero = x
        product = self.node("MatMulInteger", [
            x_u8, self.constant(f"{name}_weight", integers),
            x_zero, self.constant(f"{name}_zero", np.zeros(weight.shape[1], np.int8)),
        ], f"{name}_integers")
        as_float = self.node("Cast", [product], f"{name}_cast", to=TensorProto.FLOAT)
        scale = self.node("Mul", [x_scale, self.constant(f"{name}_scales", scales)], f"{name}_scale")
        return self.node("Mul", [as_float, scale], f"{name}_product")

    def norm(self, x, tensors, prefix, name):
        scale = self.constant(f"{name}_weight", tensors[f"{prefix}.weight"])
        shift = self.constant(f"{name}_bias", tensors[f"{prefix}.bias"])
        return self.node("LayerNormalization", [x, scale, shift], name, axis=-1, epsilon=EPSILON)


def quantise_columns(weight):
    """int8 in [-64, 64] and one f32 scale per output column."""
    scales = np.maximum(np.abs(weight).max(axis=0), 1e-12).astype(np.float32) / np.float32(WEIGHT_LIMIT)
    return np.rint(weight / scales).astype(np.int8), scales


def quantise_rows(table):
    """int8 over the full range and one f32 scale per row, as a column."""
    scales = np.maximum(np.abs(table).max(axis=1, keepdims=True), 1e-12).astype(np.float32) / np.float32(127)
    return np.rint(table / scales).astype(np.int8), scales


def embeddings(graph, tensors):
    words = tensors["embeddings.word_embeddings.weight"]
    # Every text is one segment, so its segment row is added to the positions here.
    positions = tensors["embeddings.position_embeddings.weight"][:TOKENS_MAX]
    positions = positions + tensors["embeddings.token_type_embeddings.weight"][0]
    if graph.quantised:
        integers, scales = quantise_rows(words)
        rows = graph.node("Gather", [graph.constant("words", integers), "input_ids"], "word_rows")
        rows = graph.node("Cast", [rows], "word_floats", to=TensorProto.FLOAT)
        scale = graph.node("Gather", [graph.constant("word_scales", scales), "input_ids"], "word_row_scales")
        rows = graph.node("Mul", [rows, scale], "word_vectors")
    else:
        rows = graph.node("Gather", [graph.constant("words", words), "input_ids"], "word_vectors")
    length = graph.node("Shape", ["input_ids"], "length")
    start = graph.constant("start", np.zeros(1, np.int64))
    places = graph.constant("positions", positions)
    places = graph.node("Slice", [places, start, length, "token_axis"], "position_vectors")
    total = graph.node("Add", [rows, places], "embedded")
    return graph.norm(total, tensors, "embeddings.LayerNorm", "hidden_0")


def mix(graph, scores, value, layer, name):
    """`softmax(scores) @ value`.

    The first layer's scores pass 100, beyond what `exp` takes. Those of the others stay below 30, so there the softmax needs
    no search for the largest, and divides the narrow product instead of the wide weights: a seventh of the whole time.
    """
    if layer == 0:
        weights = graph.node("Softmax", [scores], f"{name}_weights", axis=-1)
        return graph.node("MatMul", [weights, value], f"{name}_mixed")
    bounded = graph.node("Clip", [scores, "", "score_max"], f"{name}_bounded")
    weights = graph.node("Exp", [bounded], f"{name}_weights")
    sums = graph.node("ReduceSum", [weights, "last_axis"], f"{name}_sums", keepdims=1)
    # So that a row of scores far below zero is no division by zero.
    sums = graph.node("Add", [sums, "sum_min"], f"{name}_sums_bounded")
    return graph.node("Div", [graph.node("MatMul", [weights, value], f"{name}_products"), sums], f"{name}_mixed")


def attention(graph, tensors, hidden, layer):
    prefix, name = f"encoder.layer.{layer}.attention", f"layer_{layer}"

    def matrix(part):
        return tensors[f"{prefix}.{part}.weight"].T.copy(), tensors[f"{prefix}.{part}.bias"].copy()

    parts = {part: matrix(f"self.{part}") for part in ("query", "key", "value")}
    factors = graph.narrowing(hidden, *(weight for weight, _ in parts.values()))
    # What can be put into matrices is: the 1/sqrt(head) of attention, and the narrowing of what it mixes. The bias
    # of the keys adds the same to all scores of a row, which the softmax ignores; that of the values passes through,
    # as the weights of a row sum to one.
    out_weight, out_bias = matrix("output.dense")
    out_bias = out_bias + parts["value"][1] @ out_weight
    mixed_factors = graph.narrowing(f"{name}_context", out_weight)
    divisors = {"query": np.float32(HEAD**0.5), "key": np.float32(1), "value": mixed_factors}
    shared = graph.quantise_input(hidden, factors)
    by_head = {}
    for part, (weight, bias) in parts.items():
        bias = bias / divisors[part] if part == "query" else None
        flat = graph.linear(shared, weight * factors[:, None] / divisors[part], bias, f"{name}_{part}")
        heads = graph.node("Reshape", [flat, "heads_shape"], f"{name}_{part}_split")
        order = [1, 2, 0] if part == "key" else [1, 0, 2]
        by_head[part] = graph.node("Transpose", [heads], f"{name}_{part}_heads", perm=order)
    scores = graph.node("MatMul", [by_head["query"], by_head["key"]], f"{name}_scores")
    mixed = mix(graph, scores, by_head["value"], layer, name)
    mixed = graph.node("Transpose", [mixed], f"{name}_joined", perm=[1, 0, 2])
    mixed = graph.node("Reshape", [mixed, "hidden_shape"], f"{name}_context")
    out_weight = out_weight * mixed_factors[:, None]
    out = graph.linear(graph.quantise_input(mixed), out_weight, out_bias, f"{name}_attention")
    total = graph.node("Add", [out, hidden], f"{name}_attention_total")
    return graph.norm(total, tensors, f"{prefix}.output.LayerNorm", f"{name}_attended")


def feed_forward(graph, tensors, attended, layer):
    prefix, name = f"encoder.layer.{layer}", f"layer_{layer}"
    weight, bias = tensors[f"{prefix}.intermediate.dense.weight"].T, tensors[f"{prefix}.intermediate.dense.bias"]
    factors = graph.narrowing(attended, weight)
    wide = graph.linear(graph.quantise_input(attended, factors), weight * factors[:, None], bias, f"{name}_wide")
    wide = graph.node("Gelu", [wide], f"{name}_gelu")
    weight, bias = tensors[f"{prefix}.output.dense.weight"].T, tensors[f"{prefix}.output.dense.bias"]
    narrow = graph.linear(graph.quantise_input(wide), weight, bias, f"{name}_narrow")
    total = graph.node("Add", [narrow, attended], f"{name}_total")
    return graph.norm(total, tensors, f"{prefix}.output.LayerNorm", f"hidden_{layer + 1}")


def build(tensors, widths=None):
    """The whole model, in int8 if `widths` are given: `input_ids` i64 [tokens] -> `embedding` f32 [384], the mean, not yet of length one."""
    graph = GraphWriter(widths)
    graph.constant("heads_shape", np.array([-1, HEADS, HEAD], np.int64))
    graph.constant("hidden_shape", np.array([-1, HIDDEN], np.int64))
    graph.constant("token_axis", np.array([0], np.int64))
    graph.constant("last_axis", np.array([-1], np.int64))
    graph.constant("score_max", np.float32(SCORE_MAX))
    graph.constant("sum_min", np.float32(1e-30))
    hidden = embeddings(graph, tensors)
    for layer in range(LAYERS):
        attended = attention(graph, tensors, hidden, layer)
        hidden = feed_forward(graph, tensors, attended, layer)
    graph.node("ReduceMean", [hidden, "token_axis"], "embedding", keepdims=0)
    model = helper.make_model(
        helper.make_graph(
            graph.nodes, "all-MiniLM-L6-v2",
            [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["tokens"])],
            [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [HIDDEN])],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="frontdesk",
    )
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)


def open_tokenizer(path):
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.enable_truncation(TOKENS_MAX)
    tokenizer.encode_special_tokens = True
    return tokenizer


def open_session(model, threads=1):
    """`model` is a path or the bytes themselves."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def embed(session, tokenizer, text):
    ids = np.array(tokenizer.encode(text).ids, np.int64)
    (mean,) = session.run(None, {"input_ids": ids})
    return mean / np.linalg.norm(mean)


def measure_widths(exact_path, tokenizer, texts):
    """The largest absolute value of each channel of each activation that `narrowing` asks about."""
    model = onnx.load(exact_path)
    names = [name for layer in range(LAYERS)
             for name in (f"hidden_{layer}", f"layer_{layer}_context", f"layer_{layer}_attended")]
    model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    session = open_session(model.SerializeToString())
    widths = {name: np.zeros(HIDDEN, np.float32) for name in names}
    for text in texts:
        ids = np.array(tokenizer.encode(text).ids, np.int64)
        for name, values in zip(names, session.run(names, {"input_ids": ids})):
            widths[name] = np.maximum(widths[name], np.abs(values).max(axis=0))
    # Rounded, so that the last bit of another CPU's floats does not make another model.
    return {name: np.round(width, 2) for name, width in widths.items()}


def compare(exact, quantised, tokenizer, texts):
    """Refuses a model that drifted from its f32 original."""
    cosines = [float(embed(exact, tokenizer, t) @ embed(quantised, tokenizer, t)) for t in texts]
    least, mean = min(cosines), sum(cosines) / len(cosines)
    print(f"int8 against f32 over {len(texts)} texts: cosine least {least:.4f}, mean {mean:.4f}")
    if least < COSINE_EACH_MIN or mean < COSINE_MEAN_MIN:
        sys.exit("The int8 model is too far from the f32 one; nothing was installed.")


def write_references(path, exact, tokenizer, texts):
    """The f32 vectors the tests compare with: little-endian i16, one being 32767, in base64."""
    with path.open("w", encoding="utf-8") as file:
        for text in texts:
            vector = np.rint(embed(exact, tokenizer, text) * 32767).astype("<i2")
            line = {"text": text, "tokens": len(tokenizer.encode(text).ids),
                    "reference": base64.b64encode(vector.tobytes()).decode()}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def check_sources(folder):
    for name, expected in SHA256.items():
        actual = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        if actual != expected:
            sys.exit(f"{name} has sha256 {actual}, not {expected}: it is not the file this was made for.")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, required=True, help="folder with model.safetensors and tokenizer.json")
    parser.add_argument("--output", type=Path, required=True, help="folder for both ONNX files")
    parser.add_argument("--calibration", type=Path, required=True, help="texts to measure widths with, one a line")
    parser.add_argument("--texts", type=Path, required=True, help="texts to verify with, one JSON string a line")
    parser.add_argument("--references", type=Path, help="also write the f32 vectors of the texts here")
    arguments = parser.parse_args()
    check_sources(arguments.source)
    tensors = load_file(arguments.source / "model.safetensors")
    arguments.output.mkdir(parents=True, exist_ok=True)
    tokenizer = open_tokenizer(arguments.source / "tokenizer.json")
    exact_path, int8_path = (arguments.output / f"all-minilm-l6-v2-{name}.onnx" for name in ("f32", "int8"))
    exact_path.write_bytes(build(tensors))
    widths = measure_widths(exact_path, tokenizer, arguments.calibration.read_text(encoding="utf-8").splitlines())
    int8_path.write_bytes(build(tensors, widths))
    texts = [json.loads(line) for line in arguments.texts.read_text(encoding="utf-8").splitlines()]
    exact, quantised = open_session(exact_path), open_session(int8_path)
    compare(exact, quantised, tokenizer, texts)
    if arguments.references:
        write_references(arguments.references, exact, tokenizer, texts)


if __name__ == "__main__":
    main()
