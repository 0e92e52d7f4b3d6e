"""The code of docs/python.md and README.md does what they print; FEWBIT_WRITE_DOCS=1 writes what it prints, and the pictures.

A section runs after the first block of the document, in a folder of its own. A `text` block that follows a `python` block is
what that prints.
"""

import contextlib
import importlib.util
import io
import os
import re
import shutil
from pathlib import Path

import pytest

PYTHON = Path(__file__).resolve().parent.parent
DOCUMENTS = [PYTHON.parent / "docs" / "python.md", PYTHON / "README.md"]
#: Of the repository's README the one part that is about Python.
WHOLE = PYTHON.parent / "README.md"
PICTURES = PYTHON.parent / "docs" / "img"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
WRITE = os.environ.get("FEWBIT_WRITE_DOCS") == "1"


def sections(document):
    """(heading, text) of each part, the introduction first."""
    parts = re.split(r"^(?=## )", document.read_text(), flags=re.MULTILINE)
    return [(part.split("\n", 1)[0], part) for part in parts]


PARTS = [(document, index) for document in DOCUMENTS for index in range(len(sections(document)))]
PARTS += [(WHOLE, index) for index, (heading, _) in enumerate(sections(WHOLE)) if heading == "## From Python"]


def blocks(text):
    """Pairs of code and what it prints (None where nothing follows)."""
    found = [(match.group(1), match.group(2)) for match in BLOCK.finditer(text)]
    assert {kind for kind, _ in found} <= {"python", "text"}, "every block is Python or what it prints"
    pairs = []
    for (kind, body), after in zip(found, [*found[1:], ("", "")]):
        if kind == "python":
            pairs.append((body, after[1] if after[0] == "text" else None))
    return pairs


def run(code, names):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "<documentation>", "exec"), names)
    return printed.getvalue()


def missing(text):
    wanted = {"torch", "brevitas", "matplotlib", "pandas", "ml_dtypes"} & set(re.findall(r"\w+", " ".join(c for c, _ in blocks(text))))
    if "plot()" in text:
        wanted.add("matplotlib")
    return sorted(name for name in wanted if importlib.util.find_spec(name) is None)


@pytest.mark.parametrize("document, index", PARTS, ids=[f"{d.parent.name}-{d.stem}-{i}" for d, i in PARTS])
def test_what_the_code_prints(document, index, tmp_path, monkeypatch):
    every = sections(document)
    _, text = every[index]
    if missing(text):
        pytest.skip(f"without {', '.join(missing(text))}")
    if importlib.util.find_spec("matplotlib"):
        import matplotlib

        matplotlib.use("Agg")
        monkeypatch.setitem(matplotlib.rcParams, "svg.hashsalt", "fewbit")
    monkeypatch.chdir(tmp_path)
    names = {}
    if index and document != WHOLE:
        run(blocks(every[0][1])[0][0], names)
    changed = text
    for code, expected in blocks(text):
        printed = run(code, names)
        if WRITE and expected is not None:
            changed = changed.replace(f"{code}```\n\n```text\n{expected}```", f"{code}```\n\n```text\n{printed}```")
        else:
            assert printed == (expected or ""), code
    for picture in tmp_path.glob("*.svg"):
        if WRITE:
            shutil.copy(picture, PICTURES / picture.name)
        there, drawn = (PICTURES / picture.name).read_text(), picture.read_text()
        version = re.compile(r"Matplotlib v[\d.]+")
        # Another version draws other details.
        if version.search(there).group() == version.search(drawn).group():
            assert there == drawn, picture.name
        assert f"img/{picture.name}" in text
    if WRITE and changed != text:
        document.write_text(document.read_text().replace(text, changed))


def test_every_picture_is_there():
    for document in DOCUMENTS:
        for name in re.findall(r"\]\(img/([\w.-]+)\)", document.read_text()):
            assert (PICTURES / name).exists(), name
