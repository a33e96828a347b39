import pytest

from buildgraph import CriticalPath, Graph, MakefileError, Target, critical_path, outdated, read

MAKEFILE = """\
# a small program
app: main.o \\
     util.o [2.5]
main.o: main.c   # no headers
util.o: util.c [4]
"""
BUILT = {"main.c": 1, "util.c": 1, "main.o": 2, "util.o": 3, "app": 4}


@pytest.fixture
def program() -> Graph:
    return read(MAKEFILE)


def test_read(program: Graph) -> None:
    assert program["app"] == Target("app", ("main.o", "util.o"), 2.5)
    assert program["main.o"] == Target("main.o", ("main.c",))
    assert program["util.c"] == Target("util.c", cost=0.0)
    assert len(program) == 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("app", "line 1: expected `target: needs`"),
        ("a: b\n\n: c", "line 3: expected"),
        ("a: b [soon]", "line 1: not a cost"),
    ],
)
def test_read_errors(text: str, message: str) -> None:
    with pytest.raises(MakefileError, match=message):
        read(text)


class TestCriticalPath:
    def test_nothing(self) -> None:
        assert critical_path(Graph()) == CriticalPath((), 0.0)

    def test_one(self) -> None:
        assert critical_path(Graph([Target("a", cost=3)])) == CriticalPath(("a",), 3)

    def test_longest_chain(self) -> None:
        graph = Graph(
            [
                Target("a", cost=2),
                Target("b", cost=5),
                Target("c", ("a", "b"), cost=1),
                Target("d", ("c",), cost=1),
                Target("e", cost=6.5),
            ]
        )
        assert critical_path(graph) == CriticalPath(("b", "c", "d"), 7)

    def test_program(self, program: Graph) -> None:
        assert critical_path(program) == CriticalPath(("util.c", "util.o", "app"), 6.5)


class TestOutdated:
    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({}, []),
            ({"util.o": 5}, ["app"]),
            ({"main.c": 2.5}, ["main.o", "app"]),
            ({"app": 3}, []),
        ],
    )
    def test_changed(self, program: Graph, changes: dict, expected: list[str]) -> None:
        assert outdated(program, {**BUILT, **changes}) == expected

    def test_never_built(self, program: Graph) -> None:
        sources = {"main.c": 1, "util.c": 1}
        assert outdated(program, sources) == ["main.o", "util.o", "app"]
