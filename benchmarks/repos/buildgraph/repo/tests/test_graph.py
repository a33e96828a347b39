import pytest

from buildgraph import CycleFound, Graph, Target, UnknownTarget, order, waves


@pytest.fixture
def program() -> Graph:
    return Graph(
        [
            Target("app", ("main", "util")),
            Target("main", ("headers",)),
            Target("util", ("headers",)),
            Target("headers"),
            Target("docs"),
        ]
    )


@pytest.fixture
def chain() -> Graph:
    return Graph([Target("c", ("b",)), Target("b", ("a",)), Target("a")])


def test_unknown(program: Graph) -> None:
    with pytest.raises(UnknownTarget, match="no target 'nope'"):
        program["nope"]


def test_added_twice(program: Graph) -> None:
    with pytest.raises(ValueError, match="docs is there already"):
        program.add(Target("docs"))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["headers"], {"main", "util", "app"}),
        (["main"], {"app"}),
        (["app"], set()),
        (["main", "util"], {"app"}),
        (["main", "app"], set()),
    ],
)
def test_dependents(program: Graph, names: list[str], expected: set[str]) -> None:
    assert program.dependents(*names) == expected


class TestOrder:
    def test_chain(self, chain: Graph) -> None:
        assert order(chain) == ["a", "b", "c"]

    def test_shared(self, program: Graph) -> None:
        assert order(program) == ["headers", "main", "util", "app", "docs"]

    def test_wanted(self, chain: Graph) -> None:
        assert order(chain, "b") == ["a", "b"]

    def test_cycle(self, chain: Graph) -> None:
        chain.add(Target("x", ("y",)))
        chain.add(Target("y", ("z", "a")))
        chain.add(Target("z", ("y",)))
        with pytest.raises(CycleFound) as caught:
            order(chain)
        assert caught.value.path == ["y", "z", "y"]

    def test_needs_itself(self) -> None:
        with pytest.raises(CycleFound, match="a -> a"):
            order(Graph([Target("a", ("a",))]))


def test_waves(chain: Graph) -> None:
    chain.add(Target("alone"))
    assert waves(chain) == [["a", "alone"], ["b"], ["c"]]
    assert waves(Graph()) == []
