import pytest

from buildgraph import (
    CriticalPath,
    CycleFound,
    Graph,
    Target,
    critical_path,
    order,
    outdated,
    waves,
)


@pytest.fixture
def ladder() -> Graph:
    """Each rung needs both of the one below."""
    graph = Graph([Target("l0"), Target("r0")])
    for rung in range(1, 4):
        for side in "lr":
            graph.add(Target(f"{side}{rung}", (f"l{rung - 1}", f"r{rung - 1}"), cost=rung))
    return graph


def test_shared_needs_are_no_cycle(ladder: Graph) -> None:
    found = order(ladder)
    assert len(found) == len(set(found)) == 8
    assert found.index("l1") < found.index("r2") < found.index("l3")


def test_waves_of_a_ladder(ladder: Graph) -> None:
    assert waves(ladder) == [["l0", "r0"], ["l1", "r1"], ["l2", "r2"], ["l3", "r3"]]


def test_path_of_a_cycle_behind_a_side_branch() -> None:
    graph = Graph(
        [
            Target("top", ("side", "a")),
            Target("side"),
            Target("a", ("side", "b")),
            Target("b", ("a",)),
        ]
    )
    with pytest.raises(CycleFound) as caught:
        order(graph)
    assert caught.value.path == ["a", "b", "a"]


def test_costs_add_up_along_the_path(ladder: Graph) -> None:
    assert critical_path(ladder) == CriticalPath(("l0", "l1", "l2", "l3"), 7)


def test_many_small_ones_can_outweigh_a_large_one() -> None:
    steps = [Target(str(n), (str(n - 1),) if n else (), cost=2) for n in range(6)]
    found = critical_path(Graph([*steps, Target("large", cost=11)]))
    assert found.seconds == 12
    assert found.targets == ("0", "1", "2", "3", "4", "5")


def test_far_dependents(ladder: Graph) -> None:
    assert ladder.dependents("l2") == {"l3", "r3"}
    assert ladder.dependents("r0") == {"l1", "r1", "l2", "r2", "l3", "r3"}


def test_outdated_spreads(ladder: Graph) -> None:
    built = {target.name: 1.0 for target in ladder}
    assert outdated(ladder, built) == []
    assert set(outdated(ladder, {**built, "l1": 2.0})) == {"l2", "r2", "l3", "r3"}
