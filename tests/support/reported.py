"""Small repositories whose tests pass, each with a bug that only a person's report tells of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Reported:
    """A repository in text, the report, and an assertion that only the mended code fulfils."""

    files: dict[str, str]
    issue: str
    hidden: str
    """Python statements, run with the repository as working directory."""

    def build(self, root: Path) -> Path:
        for path, text in self.files.items():
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return root


PRICES = Reported(
    files={
        "shop/__init__.py": "",
        "shop/money.py": '''\
"""Money as people write it."""


def parse_price(text):
    """The number in a text such as `12.50 EUR`."""
    number = text.strip().split(" ")[0]
    return float(number.replace(",", ""))


def format_price(value, currency="EUR"):
    """A number as a price with two digits."""
    return f"{value:.2f} {currency}"
''',
        "shop/cart.py": '''\
"""What a customer wants to buy."""

from shop.money import format_price, parse_price


class Cart:
    def __init__(self):
        self.prices = []

    def add(self, text):
        self.prices.append(parse_price(text))

    def total(self):
        return sum(self.prices)

    def receipt(self):
        return "Total: " + format_price(self.total())
''',
        "tests/test_money.py": (
            "from shop.money import format_price, parse_price\n\n\n"
            'def test_parse_price():\n    assert parse_price("12.50 EUR") == 12.5\n\n\n'
            'def test_format_price():\n    assert format_price(3) == "3.00 EUR"\n'
        ),
        "tests/test_cart.py": (
            "from shop.cart import Cart\n\n\n"
            "def test_total():\n"
            "    cart = Cart()\n"
            '    cart.add("1.50")\n'
            '    cart.add("2.00")\n'
            "    assert cart.total() == 3.5\n"
        ),
    },
    issue=(
        "Prices with a decimal comma come out a hundred times too large\n\n"
        'Our German customers write prices with a comma. `parse_price("1,50")` gives me 150.0, '
        "but it should be 1.5. With a point it works.\n"
    ),
    hidden=(
        "from shop.money import parse_price as p\n"
        "assert (p('1,50'), p('12,25 EUR'), p('2.5')) == (1.5, 12.25, 2.5)\n"
    ),
)

STOCK = Reported(
    files={
        "stock.py": '''\
"""How many pieces of each article lie in the store."""


class Stock:
    def __init__(self):
        self.pieces = {}

    def put(self, article, count):
        """Add pieces of an article; raises ValueError for less than one."""
        if count < 1:
            raise ValueError("at least one piece")
        self.pieces[article] = self.pieces.get(article, 0) + count

    def take(self, article, count):
        """Take pieces out; raises ValueError when there are not enough."""
        if article not in self.pieces:
            raise ValueError("no such article")
        self.pieces[article] -= count
        return self.pieces[article]

    def count(self, article):
        return self.pieces.get(article, 0)
''',
        "test_stock.py": (
            "import pytest\n\nfrom stock import Stock\n\n\n"
            "def test_put_and_take():\n"
            "    stock = Stock()\n"
            '    stock.put("bolt", 5)\n'
            '    assert stock.take("bolt", 2) == 3\n\n\n'
            "def test_unknown_article():\n"
            "    with pytest.raises(ValueError):\n"
            '        Stock().take("nut", 1)\n'
        ),
    },
    issue=(
        "Stock goes negative\n\n"
        "I put 5 bolts into the stock and take 7 out. There is no complaint and the count is -2 "
        "afterwards. Stock.take should raise a ValueError when there are not enough pieces.\n"
    ),
    hidden=(
        "from stock import Stock\n"
        "s = Stock(); s.put('a', 5)\n"
        "try:\n    s.take('a', 7)\n"
        "except ValueError:\n    pass\n"
        "else:\n    raise AssertionError\n"
        "assert s.take('a', 5) == 0\n"
    ),
)

DURATION = Reported(
    files={
        "clock/__init__.py": "",
        "clock/text.py": '''\
"""Times and durations as text."""


def format_duration(seconds):
    """A duration such as `1h 5m 3s`; parts that are zero are left out."""
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = []
    if hours > 1:
        parts.append(f"{hours}h")
    if minutes:
        parts.append(f"{minutes}m")
    if seconds or not parts:
        parts.append(f"{seconds}s")
    return " ".join(parts)


def format_time(minutes):
    """Minutes since midnight as `HH:MM`."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
''',
        "tests/test_text.py": (
            "from clock.text import format_duration, format_time\n\n\n"
            'def test_minutes():\n    assert format_duration(125) == "2m 5s"\n\n\n'
            'def test_hours():\n    assert format_duration(7200) == "2h"\n\n\n'
            'def test_time():\n    assert format_time(605) == "10:05"\n'
        ),
    },
    issue=(
        "One hour is shown as nothing\n\n"
        "A film of 5400 seconds is shown as 30m by format_duration. It should say 1h 30m. "
        "Films of two hours and more are fine.\n"
    ),
    hidden=(
        "from clock.text import format_duration as f\n"
        "assert (f(5400), f(3600), f(7260), f(59)) == ('1h 30m', '1h', '2h 1m', '59s')\n"
    ),
)

MEAN = Reported(
    files={
        "stats/__init__.py": "",
        "stats/basic.py": '''\
"""Numbers that sum up other numbers."""


def mean(values):
    """The arithmetic mean; 0.0 for no values at all."""
    return sum(values) / len(values)


def spread(values):
    """The largest value less the smallest."""
    return max(values) - min(values)


def median(values):
    """The value in the middle; of an even number the mean of the two in the middle."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return mean(ordered[middle - 1 : middle + 1])
''',
        "tests/test_basic.py": (
            "from stats.basic import mean, median, spread\n\n\n"
            "def test_mean():\n    assert mean([1, 2, 3]) == 2\n\n\n"
            "def test_median():\n    assert median([4, 1, 3, 2]) == 2.5\n\n\n"
            "def test_spread():\n    assert spread([3, 9, 4]) == 6\n"
        ),
    },
    issue=(
        "Crash for an empty list\n\n"
        "The mean of an empty list should be 0.0 as its documentation says, but it crashes:\n\n"
        "```\n"
        "Traceback (most recent call last):\n"
        '  File "/home/kim/report.py", line 8, in <module>\n'
        "    print(mean([]))\n"
        '  File "/home/kim/venv/lib/python3.12/site-packages/stats/basic.py", line 6, in mean\n'
        "    return sum(values) / len(values)\n"
        "ZeroDivisionError: division by zero\n"
        "```\n"
    ),
    hidden=(
        "from stats.basic import mean, median\n"
        "assert (mean([]), mean([2, 4]), median([1, 2])) == (0.0, 3, 1.5)\n"
    ),
)

WRAP = Reported(
    files={
        "words.py": '''\
"""Text cut into lines."""


def wrap(text, width):
    """Lines of at most `width` characters, cut between words."""
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return lines


def initials(name):
    """The first letters of all names, each with a point."""
    return " ".join(f"{part[0].upper()}." for part in name.split())
''',
        "test_words.py": (
            "from words import initials, wrap\n\n\n"
            'def test_initials():\n    assert initials("ada lovelace") == "A. L."\n\n\n'
            'def test_wrap_nothing():\n    assert wrap("", 10) == []\n\n\n'
            "def test_wrap_keeps_to_the_width():\n"
            '    assert all(len(line) <= 7 for line in wrap("one two three four", 7))\n'
        ),
    },
    issue=(
        "wrap swallows the end of the text\n\n"
        "When I wrap the text \"one two three\" to a width of 7, I only get ['one two'] and the "
        "last line is missing. I expected ['one two', 'three'].\n"
    ),
    hidden=(
        "from words import wrap\n"
        "assert wrap('one two three', 7) == ['one two', 'three']\n"
        "assert wrap('', 3) == [] and wrap('a', 3) == ['a']\n"
    ),
)

REPORTED = {"prices": PRICES, "stock": STOCK, "duration": DURATION, "mean": MEAN, "wrap": WRAP}
