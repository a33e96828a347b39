from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.repair.python.probes import PythonProbes
from agent.repair.python.probing.values import canonical, variants
from agent.repair.seams import Evidence
from tools.report import Outcome, TestReport, TestResult

OWN_TESTS = sorted(Path(__file__).parents[3].rglob("test_*.py"))
STATEMENTS = (
    "assert f(1) == 2",
    "self.assertRaises(ValueError, f, 'x')",
    "with pytest.raises(ValueError):\n    f(a.f(3), b=[f])",
    "x = await f(1)",
    "for y in f(2): assert y, f'{f(y)!r}'",
    "def inner():\n    nonlocal_ = f(1)\n    return nonlocal_",
    "global g\ng = f",
    "class Local:\n    def f(self): return f(1)",
    "'''a text'''",
    "assert isinstance(f(1), f) and (z := f(3))",
    "pass",
)
HEADS = (
    "'''About it.'''\n",
    "from __future__ import annotations\n",
    "import pytest\nfrom m import f\n",
)


def modules(source: str, *names: str, code: str = "", failing: str = "test_0") -> dict[str, str]:
    texts = {"t/test_m.py": source, "m.py": code}
    test = TestResult(id=f"t/test_m.py::{failing}", outcome=Outcome.FAILED, path="t/test_m.py")
    evidence = Evidence(
        root=Path("/nowhere"), failing=(test,), baseline=TestReport(), suspects=(), seed=3
    )
    probes = PythonProbes(reader=lambda _root, path: texts[path])
    return dict(probes.modules(evidence, {"m.py": names or ("f",)}))


def only(source: str, *names: str, code: str = "") -> str:
    (text,) = modules(source, *names, code=code).values()
    return text


def indented(text: str, by: str = "    ") -> str:
    return "".join(f"{by}{line}\n" for line in text.splitlines())


@st.composite
def files(draw: st.DrawFn) -> str:
    text = "".join(head for head in HEADS if draw(st.booleans()))
    for number in range(draw(st.integers(1, 4))):
        body = "".join(
            map(indented, draw(st.lists(st.sampled_from(STATEMENTS), min_size=1, unique=True)))
        )
        test = f"async def test_{number}(a, self=None):\n{body}"
        text += f"class Test{number}:\n{indented(test)}" if draw(st.booleans()) else test
    return text


@given(source=files())
def test_a_probe_module_always_parses(source: str):
    for text in modules(source).values():
        compile(text, "probe", "exec")
        assert "_locum.called(" in text or "_locum.passed(" in text


@pytest.mark.parametrize("path", OWN_TESTS, ids=lambda path: path.name)
def test_real_test_files_become_probe_modules_that_parse(path: Path):
    source = path.read_text("utf-8")
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    names = {call.func.id for call in calls if isinstance(call.func, ast.Name)}
    for text in modules(source, *sorted(names)).values():
        compile(text, "probe", "exec")
        assert "with _locum.test(" in text


def test_a_test_keeps_its_parameters_and_set_up_and_others_go():
    text = only(
        "import pytest\nfrom m import f, g\n\n\n"
        "@pytest.mark.parametrize('n', [1])\ndef test_0(n, tmp_path):\n"
        "    x = n + 1\n    assert f(x) == 2\n\n\ndef test_other():\n    assert g(1)\n"
    )
    tree = ast.parse(text)
    (test,) = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name != "_locum_load"]
    assert ast.unparse(test) == (
        "@pytest.mark.parametrize('n', [1])\ndef test_0(n, tmp_path):\n"
        "    with _locum.test(1):\n        x = n + 1\n        try:\n"
        "            assert _locum.called(f, 1)(x) == 2\n        except Exception:\n"
        "            pass"
    )


def test_helpers_that_call_it_are_followed_and_generated_inputs_left_alone():
    text = only(
        "from hypothesis import given\nfrom m import f\n\n\ndef check(x):\n    assert f(x)\n\n\n"
        "def test_0():\n    check(1)\n\n\n@given(x=1)\ndef test_1(x):\n    f(x)\n"
    )
    assert "_locum.called(f, 1)(x)" in text
    assert "def test_0" in text
    assert "def test_1" not in text


def test_docstring_examples_are_calls_to_probe_too():
    code = "def f(a):\n    '''Give a.\n\n    >>> x = f(3)\n    >>> f(x)\n    3\n    '''\n"
    text = only("from m import f\n\n\ndef test_0():\n    pass\n", code=code)
    assert "def test_locum_example_0" in text
    assert "_locum.called(f, 2)(x)" in text


def test_what_calls_nothing_of_the_edit_has_no_probes():
    assert modules("def test_0():\n    assert 1\n") == {}
    assert modules("def test_0(:\n") == {}


def test_the_class_stands_for_its_constructor():
    text = only("from m import A\n\n\ndef test_0():\n    assert A(1).x\n", "A.__init__")
    assert "_locum.called(A, 1)(1).x" in text


def test_the_same_question_has_the_same_module():
    source = "from m import f\n\n\ndef test_0():\n    assert f([1, 2])\n"
    assert modules(source) == modules(source)
    ((path, _),) = modules(source).items()
    assert path.startswith("t/test_locum_")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner)
        | st.frozensets(st.integers())
    ),
    max_leaves=6,
)  # fmt: skip


@given(value=VALUES)
def test_changed_values_differ_and_are_of_the_same_type(value: object):
    for new in variants(value):
        assert type(new) is type(value)
        assert canonical(new) != canonical(value)


def test_file_names_are_never_changed():
    assert variants("/etc/passwd") == variants("..") == variants("~") == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({1, 2}, {2, 1}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (0.1 + 0.2, 0.3),
        (iter([1, 2]), (n for n in (1, 2))),
        (object(), object()),
        (len, len),
    ],
)
def test_values_that_a_test_would_hardly_tell_apart(one: object, other: object):
    assert canonical(one) == canonical(other)


def test_values_that_a_test_tells_apart():
    texts = {canonical(value) for value in ([1], (1,), [1, 1], "1", 1, None, {1: 1}, {1}, [[1]])}
    assert len(texts) == 9
