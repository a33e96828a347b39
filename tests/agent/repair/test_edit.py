import pytest

from agent.repair.edit import apply_splices, read_source
from agent.repair.seams import Splice


def splice(start: int, end: int, text: str) -> Splice:
    return Splice(path="m.py", start=start, end=end, text=text)


def test_offsets_refer_to_the_text_before_any_splice():
    assert apply_splices("abcdef", [splice(4, 5, "E!"), splice(0, 2, "A")]) == "AcdE!f"


@pytest.mark.parametrize("second", [splice(1, 3, ""), splice(5, 9, ""), splice(3, 2, "")])
def test_overlapping_and_misplaced_splices_are_refused(second: Splice):
    with pytest.raises(ValueError, match="splice"):
        apply_splices("abcdef", [splice(0, 2, "x"), second])


def test_bytes_and_line_ends_survive_reading(tmp_path):
    data = b"# caf\xe9\r\nx = 1\r"
    (tmp_path / "m.py").write_bytes(data)
    text = read_source(tmp_path, "m.py")
    assert text.encode("utf-8", "surrogateescape") == data
