"""Tiny models of each architecture in GGUF files, and their weights under Hugging Face's names: writes ARCHITECTURE.gguf.gz and
ARCHITECTURE.json for llama, mistral, qwen2 and qwen3.

Versions: transformers 4.57.6 (with accelerate), gguf 0.19.0, torch 2.8.0, numpy 2.4.6 (PyPI), Python 3.11.
Command:  python models/tests/golden/gguf/checkpoints.py models/tests/golden/gguf

A random model is converted as llama.cpp's convert_hf_to_gguf.py does (names by gguf's own map; rows of queries and keys of `llama`
permuted; one type of blocks after the other), written by gguf's GGUFWriter, and loaded by transformers
(`from_pretrained(folder, gguf_file=...)`), whose state_dict is the expectation. It is also checked here that this is the random
model, dequantized. transformers reads a Mistral model as `llama`, which has the same weights.

ARCHITECTURE.json has the model's config, and of each weight its shape and its digest: the sum of every value's bits times
1, 3, 5, ..., modulo 2^64.
"""
import gzip
import json
import sys
import tempfile
from pathlib import Path

import gguf
import numpy as np
import torch
import transformers
from gguf import GGMLQuantizationType as T
from gguf.quants import dequantize, quantize

SIZES = dict(vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=16384, rms_norm_eps=1e-6, bos_token_id=1, eos_token_id=2)
LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=8192)
MODELS = {
    "llama": transformers.LlamaConfig(**SIZES, tie_word_embeddings=True, rope_theta=500000.0, rope_scaling=LLAMA3),
    "mistral": transformers.MistralConfig(**SIZES | dict(num_hidden_layers=1), tie_word_embeddings=False, sliding_window=16, rope_theta=10000.0),
    "qwen2": transformers.Qwen2Config(**SIZES | dict(num_hidden_layers=1), tie_word_embeddings=False, rope_theta=1000000.0),
    # transformers takes every Qwen 3 model's head to be 128 wide.
    "qwen3": transformers.Qwen3Config(**SIZES | dict(num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1),
                                      head_dim=128, tie_word_embeddings=True, rope_theta=1000000.0),
}
TYPES = [T.F32, T.F16, T.BF16, T.Q8_0, T.Q4_0, T.Q4_1, T.MXFP4]


def permute(weights, n_head):
    """llama.cpp's LlamaModel.permute, in NumPy."""
    return (weights.reshape(n_head, 2, weights.shape[0] // n_head // 2, *weights.shape[1:])
            .swapaxes(1, 2).reshape(weights.shape))


def rope_freqs(config):
    """llama.cpp's LlamaModel.generate_extra_tensors."""
    scaling, dim = config.rope_scaling, config.hidden_size // config.num_attention_heads
    freqs = 1.0 / (config.rope_theta ** (torch.arange(0, dim, 2, dtype=torch.float32) / dim))
    low = scaling["original_max_position_embeddings"] / scaling["low_freq_factor"]
    high = scaling["original_max_position_embeddings"] / scaling["high_freq_factor"]
    factors = []
    for freq in freqs:
        length = 2 * np.pi / freq
        if length < high:
            factors.append(1)
        elif length > low:
            factors.append(scaling["factor"])
        else:
            smooth = (scaling["original_max_position_embeddings"] / length - scaling["low_freq_factor"]) / (
                scaling["high_freq_factor"] - scaling["low_freq_factor"])
            factors.append(1 / ((1 - smooth) / scaling["factor"] + smooth))
    return np.array(factors, dtype=np.float32)


def write(path, name, config, state):
    """The file; returns the weights that it stands for."""
    arch = "llama" if name == "mistral" else name
    model_arch = {v: k for k, v in gguf.MODEL_ARCH_NAMES.items()}[arch]
    names = gguf.get_tensor_name_map(model_arch, config.num_hidden_layers)
    writer = gguf.GGUFWriter(path, arch)
    writer.add_name(f"tiny {name}")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    writer.add_bos_token_id(config.bos_token_id)
    writer.add_eos_token_id(config.eos_token_id)
    if arch == "llama":
        writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    if name == "qwen3":
        writer.add_key_length(config.head_dim)
        writer.add_value_length(config.head_dim)
    if name == "mistral":
        writer.add_sliding_window(config.sliding_window)
    meant, turn = {}, 0
    for key, weights in state.items():
        if config.tie_word_embeddings and key == "lm_head.weight":
            continue
        part, suffix = key.rsplit(".", 1)
        own = f"{names.get_name(part)}.{suffix}"
        heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}.get(part.split(".")[-1])
        permuted = arch == "llama" and heads is not None
        if permuted:
            weights = permute(weights, heads)
        kind = T.F32
        if weights.ndim == 2:
            kind, turn = TYPES[turn % len(TYPES)], turn + 1
        data = quantize(weights, kind)
        back = dequantize(data, kind).astype(np.float32).reshape(weights.shape)
        if permuted:
            # The inverse, by asking where each row went.
            back = back[np.argsort(permute(np.arange(len(back)), heads))]
        meant[key] = back
        writer.add_tensor(own, data, raw_dtype=kind)
    if name == "llama":
        writer.add_tensor("rope_freqs.weight", rope_freqs(config))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return meant


def digest(values):
    bits = values.view(np.uint32).astype(np.uint64).ravel()
    return int(np.sum(bits * (np.arange(bits.size, dtype=np.uint64) * np.uint64(2) + np.uint64(1)), dtype=np.uint64))


def main(folder):
    for name, config in MODELS.items():
        torch.manual_seed(7)
        model = transformers.AutoModelForCausalLM.from_config(config)
        state = {}
        for key, value in model.state_dict().items():
            # Also norms and biases are random here.
            value = value if value.ndim == 2 else torch.rand(value.shape) + 0.5
            state[key] = value.to(torch.float32).numpy()
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "model.gguf"
            meant = write(path, name, config, state)
            loaded = transformers.AutoModelForCausalLM.from_pretrained(scratch, gguf_file="model.gguf", dtype=torch.float32)
            bytes_ = path.read_bytes()
        weights = {key: value.numpy().copy() for key, value in loaded.state_dict().items()}
        if config.tie_word_embeddings:
            del weights["lm_head.weight"]
        assert weights.keys() == meant.keys(), weights.keys() ^ meant.keys()
        for key, value in weights.items():
            assert np.array_equal(value, meant[key]), key
        with gzip.GzipFile(f"{folder}/{name}.gguf.gz", "wb", 9, mtime=0) as file:
            file.write(bytes_)
        with open(f"{folder}/{name}.json", "w") as file:
            tensors = {key: {"shape": value.shape, "digest": str(digest(value))} for key, value in weights.items()}
            json.dump({"config": config.to_dict(), "weights": tensors}, file, indent=1)
        print(name, len(bytes_), len(weights))


main(sys.argv[1])
