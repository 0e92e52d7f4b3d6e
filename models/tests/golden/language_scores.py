"""What brevitas, transformers and lm-eval make of the golden language models: writes scores.json.

Versions: brevitas 0.12.1, lm_eval 0.4.13, transformers 4.57.6, torch 2.8.0 (CPU, one thread, float32), Python 3.11.
Command:  python models/tests/golden/language_scores.py models/tests/golden/language

Per model: `halves`, brevitas's compute_perplexity over the rows of `input_ids` one after the other, in windows of 10 tokens with 5 of
context; `sliding`, windows of 8 every 3 tokens over the same, each token but the first scored once (the loop of transformers' guide to
perplexity, with sums of token losses in place of means); `choices`, lm-eval's own scoring of questions whose characters are the tokens
3 to 46, `alphabet` in this order: log-likelihoods, acc, acc_norm and their standard errors.
"""
import json
import os
import random
import sys
import tempfile

import torch
from brevitas_examples.llm.llm_quant.eval import compute_perplexity
from lm_eval import simple_evaluate
from lm_eval.api.task import ConfigurableTask
from lm_eval.models.huggingface import HFLM
from safetensors.torch import load_file
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

torch.set_num_threads(1)

ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ "
assert len(ALPHABET) == 44


def tokenizer():
    vocab = {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 47, **{c: 3 + i for i, c in enumerate(ALPHABET)}}
    inner = Tokenizer(models.WordLevel(vocab, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    return PreTrainedTokenizerFast(tokenizer_object=inner, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>")


def questions():
    rng = random.Random(7)
    word = lambda low, high: "".join(rng.choice(ALPHABET[:43]) for _ in range(rng.randint(low, high)))
    items = []
    for number in range(40):
        context = " ".join(word(1, 5) for _ in range(rng.randint(1, 4)))
        context = ["", context + "  "][number % 2] if number < 4 else context
        choices = [" ".join(word(1, 4) for _ in range(rng.randint(1, 3))) for _ in range(rng.randint(2, 4))]
        items.append({"context": context, "choices": choices, "answer": rng.randrange(len(choices))})
    return items


class Task(ConfigurableTask):
    VERSION = 0

    def __init__(self, path):
        super().__init__(config={
            "task": "questions", "dataset_path": "json", "dataset_kwargs": {"data_files": {"test": path}}, "test_split": "test",
            "output_type": "multiple_choice", "doc_to_text": "{{context}}", "doc_to_choice": "{{choices}}", "doc_to_target": "{{answer}}",
            "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True},
                            {"metric": "acc_norm", "aggregation": "mean", "higher_is_better": True}]})


def choices(model, items):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "questions.jsonl")
        with open(path, "w") as file:
            file.writelines(json.dumps(item) + "\n" for item in items)
        lm = HFLM(pretrained=model, tokenizer=tokenizer(), batch_size=1, max_length=256)
        found = simple_evaluate(lm, tasks=[Task(path)], bootstrap_iters=1000, log_samples=True, random_seed=0)
    results = found["results"]["questions"]
    samples = sorted(found["samples"]["questions"], key=lambda sample: sample["doc_id"])
    return {"log_likelihoods": [[float(r[0][0]) for r in sample["resps"]] for sample in samples],
            **{key: results[f"{key},none"] for key in ("acc", "acc_norm", "acc_stderr", "acc_norm_stderr")}}


@torch.no_grad()
def sliding(model, ids, seqlen, stride):
    total, count, scored = 0.0, 0, 1
    for start in range(0, ids.shape[1], stride):
        end = min(start + seqlen, ids.shape[1])
        logits = model(ids[:, start:end]).logits[0].double()
        first = max(scored, start + 1) - start
        losses = torch.nn.functional.cross_entropy(logits[first - 1:-1], ids[0, start + first:end], reduction="none")
        total, count, scored = total + losses.sum().item(), count + len(losses), end
        if end == ids.shape[1]:
            break
    assert count == ids.shape[1] - 1
    return float(torch.tensor(total / count, dtype=torch.float64).exp())


def main(root):
    items = questions()
    found = {"alphabet": ALPHABET, "questions": items, "models": {}}
    for name in sorted(os.listdir(root)):
        folder = os.path.join(root, name)
        if not os.path.isdir(folder):
            continue
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
        ids = load_file(os.path.join(folder, "expected.safetensors"))["input_ids"].reshape(1, -1)
        windows = [{"input_ids": part, "attention_mask": torch.ones_like(part)} for part in ids[:, :40].split(10, 1)]
        found["models"][name] = {"halves": float(compute_perplexity(model, windows, 5, None)),
                                 "sliding": sliding(model, ids, 8, 3), "choices": choices(model, items)}
        print(name, {key: value for key, value in found["models"][name].items() if key != "choices"},
              {key: value for key, value in found["models"][name]["choices"].items() if key.startswith("acc")})
    with open(os.path.join(root, "scores.json"), "w") as file:
        file.write(json.dumps(found, indent=1) + "\n")


main(sys.argv[1])
