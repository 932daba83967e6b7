#!/usr/bin/env python3
"""Time ggml's quantizers on the rows of BenchmarkLeast.

    MQ_BENCH_ROWS=rows.bin go test ./quantize -run '^$' -bench 'Least/Q4_K$' -cpu 1
    chunks.py libggml-base.so rows.bin Q4_K+ 5

A "+" takes the weights of the columns, too; the last argument is for how many seconds.
The sum of the least times of the rows is printed, in nanoseconds for a value. rows.sh
runs both in turn.
"""
import ctypes
import struct
import sys
import time

COLUMNS, ROWS = 2048, 64


def main():
    ggml = ctypes.CDLL(sys.argv[1])
    ggml.ggml_type_name.restype = ctypes.c_char_p
    ggml.ggml_blck_size.restype = ctypes.c_int64
    ggml.ggml_quantize_requires_imatrix.restype = ctypes.c_bool
    ggml.ggml_quantize_chunk.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p] + [ctypes.c_int64] * 3 + [ctypes.c_void_p]
    ids = {ggml.ggml_type_name(id).decode().upper(): id for id in range(43) if ggml.ggml_blck_size(id)}
    data = open(sys.argv[2], "rb").read()
    values = (ctypes.c_float * ((ROWS + 1) * COLUMNS))(*struct.unpack(f"<{(ROWS + 1) * COLUMNS}f", data))
    at = lambda row: ctypes.addressof(values) + 4 * COLUMNS * row
    out = ctypes.create_string_buffer(4 * COLUMNS)
    name, seconds = sys.argv[3], float(sys.argv[4])
    id = ids[name.rstrip("+").upper()]
    weighted = name.endswith("+") or ggml.ggml_quantize_requires_imatrix(id)
    weights = at(ROWS) if weighted else None
    ggml.ggml_quantize_init(id)
    least = [float("inf")] * ROWS
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for i in range(ROWS):
            start = time.perf_counter_ns()
            ggml.ggml_quantize_chunk(id, at(i), out, 0, 1, COLUMNS, weights)
            least[i] = min(least[i], time.perf_counter_ns() - start)
    print(f"{name:10} {sum(least) / (ROWS * COLUMNS):.3f}")


if __name__ == "__main__":
    main()
