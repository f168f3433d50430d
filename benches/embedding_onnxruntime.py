"""The other side of `embedding.rs`: the same model, texts and threads in ONNX Runtime.

Reads a request a line, {"threads", "queries", "chunks"}, and answers with [milliseconds of each query,
milliseconds of all chunks together]. As on our side, a query is one text over all threads, and chunks are spread
over the threads, one each.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

FOLDER = Path(sys.argv[1])
TOKENIZER = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
TOKENIZER.no_padding()
TOKENIZER.enable_truncation(256)


@cache
def session(threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    path = FOLDER / "all-minilm-l6-v2-int8.onnx"
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


@cache
def lanes(threads):
    return ThreadPoolExecutor(threads)


def embed(threads, text):
    ids = np.array(TOKENIZER.encode(text).ids, np.int64)
    (mean,) = session(threads).run(None, {"input_ids": ids})
    return mean / np.linalg.norm(mean)


def measure(threads, queries, chunks):
    session(threads), session(1), lanes(threads)
    queries_ms = []
    for query in queries:
        begun = time.perf_counter()
        embed(threads, query)
        queries_ms.append((time.perf_counter() - begun) * 1000)
    begun = time.perf_counter()
    if threads == 1:
        for chunk in chunks:
            embed(1, chunk)
    else:
        list(lanes(threads).map(lambda chunk: embed(1, chunk), chunks))
    return queries_ms, (time.perf_counter() - begun) * 1000


for line in sys.stdin:
    print(json.dumps(measure(**json.loads(line))), flush=True)
