from ranges import merge, total


def test_nothing():
    assert merge([]) == []
    assert total([]) == 0


def test_one():
    assert merge([(3, 4)]) == [(3, 4)]


def test_apart():
    assert merge([(7, 9), (1, 2)]) == [(1, 2), (7, 9)]


def test_overlapping():
    assert merge([(1, 5), (3, 8)]) == [(1, 8)]


def test_inside():
    assert merge([(1, 9), (3, 4), (20, 21)]) == [(1, 9), (20, 21)]


def test_total_counts_once():
    assert total([(1, 5), (2, 3), (10, 10)]) == 6
