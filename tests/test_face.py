"""What is public reads alike: options by keyword, every argument with a comment, arrays with their shape."""

import ast
import re
import tokenize
from functools import cache

import pytest
from project import MODULES, source_notebook

# of the command line only options and files are public, and its own help explains them
NUMBERED = [module for module in MODULES if source_notebook(module).name[0].isdigit() and module.stem != "command_line"]
PLAIN = {"seed", "generator", "device", "progress", "workers", "path", "title", "name"}  # arguments that have neither unit nor shape
POSITIONAL = {"generator", "mask", "prior"}  # optional, and yet by place: randomness, which emitters are real, what frames may hold
EXPLAINED = {"Camera", "Prior", "Frames", "Simulation", "Posterior", "ChainPosterior", "ExactPosterior", "PosteriorModel", "Preset", "Movie", "Settings",
             "TrainingConfig", "Schedule", "TiffFile", "nn.Module", "Callable"}  # types that say it all  # fmt: skip
ARRAY = re.compile(r"\b(Tensor|np\.ndarray)\b")


def wanting(module) -> list[str]:
    "What is not told of the public functions of a module."
    checks = (options_by_place, unexplained_arguments, unexplained_results, untold_errors)
    return [line for check in checks for line in check(module)]


@pytest.mark.parametrize("module", NUMBERED, ids=lambda module: module.stem)
def test_public_functions_are_explained(module):
    assert wanting(module) == []


@cache
def comments(module) -> dict[int, str]:
    "The comment of each line of a module that has one."
    with open(module, "rb") as file:
        tokens = [token for token in tokenize.tokenize(file.readline) if token.type == tokenize.COMMENT]
    return {token.start[0]: token.string for token in tokens}


def public_functions(module) -> list[tuple[str, ast.FunctionDef]]:
    "Public functions and the public methods of public classes, by name."
    found = []
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        owner = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        for function in node.body if owner else [node]:
            if isinstance(function, ast.FunctionDef) and not f"{owner}{function.name}".startswith("_") and function.name[0] != "_":
                found.append((f"{module.stem}.{owner}{function.name}", function))
    return found


def parameters(function) -> list[ast.arg]:
    "All but `self`."
    every = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return [parameter for parameter in every if parameter.arg not in ("self", "cls")]


def options_by_place(module):
    "After the first argument, what has a default is keyword-only; randomness and masks excepted."
    found = []
    for name, function in public_functions(module):
        by_place = [argument.arg for argument in function.args.args if argument.arg not in ("self", "cls")]
        optional = by_place[len(by_place) - len(function.args.defaults) :] if function.args.defaults else []
        if not {argument for argument in optional if argument != by_place[0]} <= POSITIONAL or len(by_place) > 7:
            found.append(f"{name}: too much by place")
    return found


def unexplained_arguments(module):
    "Every argument has a comment, unless its type says it all; that of an array names its shape."
    found = []
    for name, function in public_functions(module):
        for parameter in parameters(function):
            kind = ast.unparse(parameter.annotation) if parameter.annotation else ""
            comment = comments(module).get(parameter.end_lineno, "")
            if parameter.arg in PLAIN or "→" in (ast.get_docstring(function) or "") + comments(module).get(function.lineno, ""):
                continue
            if not comment and kind.split("[")[0].split(" ")[0] not in EXPLAINED:
                found.append(f"{name}: {parameter.arg} has no comment")
            elif ARRAY.search(kind) and not re.search(r"[(\[]|likewise|scalar|shape|the same|map", comment):
                found.append(f"{name}: {parameter.arg} has no shape")
    return found


def unexplained_results(module):
    "A function that returns arrays says their shape; every function has a docstring."
    found = []
    for name, function in public_functions(module):
        kind = ast.unparse(function.returns) if function.returns else ""
        line = function.returns.end_lineno if function.returns else function.lineno
        said = comments(module).get(line, "") + (ast.get_docstring(function) or "")
        if ARRAY.search(kind) and not kind.startswith("Callable") and not re.search(r"[(\[]|likewise|scalar|shape|the same|one number", said):
            found.append(f"{name}: result has no shape")
        if not ast.get_docstring(function) and "→" not in comments(module).get(function.lineno, ""):
            found.append(f"{name}: no docstring")
    return found


def untold_errors(module):
    "A public function that raises says so in its docstring, by the error's name or as 'one line'."
    found = []
    for name, function in public_functions(module):
        raised = {node.exc.func.id for node in ast.walk(function)
                  if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name)}  # fmt: skip
        text = ast.get_docstring(function) or ""
        if raised and not any(error in text for error in raised) and "one line" not in text:
            found.append(f"{name}: {', '.join(sorted(raised))} not told")
    return found
