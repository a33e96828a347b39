from words import longest, wrap


def test_nothing():
    assert wrap("", 10) == []
    assert longest("", 10) == 0


def test_fits():
    assert wrap("one two", 10) == ["one two"]


def test_breaks():
    assert wrap("one two three", 7) == ["one two", "three"]


def test_a_long_word_stays_whole():
    assert wrap("a incomprehensible b", 5) == ["a", "incomprehensible", "b"]


def test_longest():
    assert longest("aa bbbb c", 4) == 4
