"""Tiny language models of every architecture, and what transformers computes with them: writes a folder per model.

Versions: transformers 4.57.6, torch 2.8.0 (CPU, one thread, float32, eager attention), safetensors 0.8.0, Python 3.11.
Command:  python models/tests/golden/language.py models/tests/golden/language

A folder has what `save_pretrained` writes (config.json, generation_config.json, model.safetensors or its shards with their index),
and expected.safetensors: `input_ids` int64 [batch, sequence], `logits` float32 [batch, sequence, vocab_size], and `greedy` int64
[20], the first row of the ids and what greedy generation appends to it. Weights are random, and large enough that attention is far
from uniform; those of a narrow type are rounded to it before anything is computed.
"""
import os
import shutil
import sys

import torch
from safetensors.torch import save_file
from transformers import (GenerationConfig, LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM, Qwen2Config,
                          Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM)

torch.set_num_threads(1)

SIZES = dict(vocab_size=48, hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
             max_position_embeddings=256, bos_token_id=1, eos_token_id=2)
LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=64)

# Name: classes, configuration, type of the weights, greatest shard.
MODELS = {
    # Llama 2: as many heads of keys as of queries, untied.
    "llama2": (LlamaConfig, LlamaForCausalLM, dict(num_key_value_heads=4, rms_norm_eps=1e-5, tie_word_embeddings=False),
               torch.float16, "1GB"),
    # Llama 3: grouped queries, three kinds of wavelengths (6, 35, 199 and 1117 tokens; short below 16, long above 64), tied, shards.
    "llama3": (LlamaConfig, LlamaForCausalLM, dict(num_key_value_heads=2, rope_theta=1000.0, rope_scaling=LLAMA3,
                                                   tie_word_embeddings=True), torch.bfloat16, "12KB"),
    # Linear scaling, biases everywhere, heads narrower than hidden_size / heads.
    "llama_linear": (LlamaConfig, LlamaForCausalLM, dict(num_key_value_heads=1, head_dim=6, attention_bias=True, mlp_bias=True,
                                                         rope_scaling=dict(rope_type="linear", factor=2.5),
                                                         tie_word_embeddings=False), torch.float16, "1GB"),
    # Biases of queries, keys and values; tied.
    "qwen2": (Qwen2Config, Qwen2ForCausalLM, dict(num_key_value_heads=2, rope_theta=1e6, tie_word_embeddings=True,
                                                  hidden_size=24, intermediate_size=32, use_sliding_window=False),
              torch.float32, "1GB"),
    # Norms of queries and keys, heads wider than hidden_size / heads, untied.
    "qwen3": (Qwen3Config, Qwen3ForCausalLM, dict(num_key_value_heads=2, head_dim=12, rope_theta=1e6, tie_word_embeddings=False),
              torch.bfloat16, "1GB"),
    # A window of five tokens.
    "mistral": (MistralConfig, MistralForCausalLM, dict(num_key_value_heads=2, head_dim=8, sliding_window=5,
                                                        tie_word_embeddings=False), torch.float16, "1GB"),
}


def randomize(model, generator):
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if "norm" in name:
            value = 1.0 + 0.3 * noise
        elif name.endswith("bias"):
            value = 0.3 * noise
        elif "embed_tokens" in name:
            value = noise
        else:
            value = noise * (1.5 / parameter.shape[1] ** 0.5)
        parameter.data.copy_(value)


def main(root):
    for number, (name, (config_class, model_class, changes, dtype, shard)) in enumerate(MODELS.items()):
        generator = torch.Generator().manual_seed(100 + number)
        config = config_class(**{**SIZES, **changes})
        config._attn_implementation = "eager"
        model = model_class(config)
        randomize(model, generator)
        folder = os.path.join(root, name)
        shutil.rmtree(folder, ignore_errors=True)
        model.generation_config = GenerationConfig(bos_token_id=1, eos_token_id=[2, 47])
        model.to(dtype).save_pretrained(folder, max_shard_size=shard)
        model = model_class.from_pretrained(folder, torch_dtype=torch.float32, attn_implementation="eager").eval()
        ids = torch.randint(3, SIZES["vocab_size"] - 1, (2, 21), generator=generator)
        with torch.no_grad():
            logits = model(input_ids=ids).logits
            prompt = ids[:1, :8]
            greedy = model.generate(prompt, attention_mask=torch.ones_like(prompt), do_sample=False, max_new_tokens=12,
                                    pad_token_id=0, eos_token_id=[2, 47])[0]
        expected = dict(input_ids=ids, logits=logits, greedy=greedy)
        save_file(expected, os.path.join(folder, "expected.safetensors"))
        size = sum(os.path.getsize(os.path.join(folder, file)) for file in os.listdir(folder))
        print(f"{name}: {size} bytes, logits {logits.std():.2f}, greedy {greedy.tolist()}")


main(sys.argv[1])
