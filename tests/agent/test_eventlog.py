from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import story

from agent.eventlog import EventLog, read


def test_every_event_comes_back_as_it_was(tmp_path: Path) -> None:
    events = story.whole()
    log = EventLog(tmp_path / "events.jsonl")
    for event in events[:5]:
        log.write(event)
    log.close()
    again = EventLog(tmp_path / "events.jsonl")
    for event in events[5:]:
        again.write(event)
    again.close()
    found = list(read(tmp_path / "events.jsonl"))
    assert [event for _, event in found] == events
    assert all(earlier <= later for (earlier, _), (later, _) in pairwise(found))


def test_lines_that_cannot_be_read_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    log = EventLog(path)
    log.write(story.call("read_file"))
    log.close()
    good = path.read_text()
    path.write_text('[]\n{"at": 1, "event": "of a later version"}\n' + good + good[:40])
    assert len(list(read(path))) == 1
    assert list(read(tmp_path / "none")) == []


def test_secrets_stay_out_of_it(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    secret = "ghp_" + "a1B2c3D4e5" * 4
    log.write(story.call("read_file").model_copy(update={"summary": f"token = {secret}"}))
    log.close()
    text = (tmp_path / "events.jsonl").read_text()
    assert "token" in text
    assert secret not in text
