"""The native part has what its stubs say, and nothing else."""

import ast
from pathlib import Path

import fewbit
from fewbit import _fewbit


def test_the_stubs_are_the_module():
    stubs = ast.parse(Path(fewbit.__file__).with_name("_fewbit.pyi").read_text())
    functions = {node.name: node for node in stubs.body if isinstance(node, ast.FunctionDef)}
    classes = {node.name: node for node in stubs.body if isinstance(node, ast.ClassDef)}
    there = {name for name in dir(_fewbit) if not name.startswith("__")}
    assert there == set(functions) | set(classes)
    for name, node in functions.items():
        told = getattr(_fewbit, name).__text_signature__.strip("()").split(", ")
        assert [part for part in told if part] == [argument.arg for argument in node.args.args], name
    for name, node in classes.items():
        members = {item.name for item in node.body if isinstance(item, ast.FunctionDef)} - {"__init__"}
        found = {member for member in vars(getattr(_fewbit, name)) if not member.startswith("__")}
        assert members == found, name


def test_every_public_name_is_documented():
    for name in fewbit.__all__:
        if name != "__version__":
            assert getattr(fewbit, name).__doc__, name
