"""What is kept of a run so that it can be checked and repeated: decisions, calls, prompts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from agent.events import Event, ToolCalled
from agent.packing import packed
from agent.provenance import Provenance
from agent.record import Record
from tools.beneath import parse
from tools.errors import RefusedPath
from tools.files import FileText
from tools.gateway import Ruling, ToolRecord
from tools.report import TestReport
from tools.workspace import Workspace

TREE, DECISION, TOOL, MODEL = "tree", "decision", "tool", "model"
"""Kinds of the record's entries: the edits that a call finds in the copy, what was decided on it,
what came of it, and one exchange with a model."""
PARTS = ("messages", "before", "after", "forced", "continuations")
"""What a prompt is made of, by name."""
LONGEST_GIVEN = 20_000
"""Characters of a refused call's arguments that are kept; of longer ones there is the hash."""


class Trace:
    """Writes a run's tool calls to its record: each decision before its call is made."""

    def __init__(
        self,
        record: Record,
        workspace: Workspace,
        provenance: Provenance,
        emit: Callable[[Event], None],
        lane: int = 1,
    ) -> None:
        """`lane` is the number of the copy that the calls are made in; it is told of others than
        the first.
        """
        self._lane = {"lane": lane} if lane > 1 else {}
        self._record, self._workspace = record, workspace
        self._provenance, self._emit = provenance, emit
        self._tree: dict[str, bytes | None] = {}

    def beside(self, workspace: Workspace, lane: int) -> Self:
        """The same record for the calls that are made in another copy."""
        return type(self)(self._record, workspace, self._provenance, self._emit, lane)

    def on_ruling(self, ruling: Ruling) -> None:
        self._write_tree()
        told = ruling.model_dump(mode="json")
        self._record.write(DECISION, **self._lane, **told, given=self._kept(ruling))

    def on_end(self) -> None:
        """The run's last edits, before it says that it is done."""
        self._write_tree()

    def on_call(self, call: ToolRecord) -> None:
        self._record.write(TOOL, **call.model_dump(mode="json"))
        self._remember(call)
        self._emit(
            ToolCalled(
                tool=call.tool,
                caller=call.caller,
                arguments=str(call.arguments),
                verdict=call.decision.verdict,
                ok=call.ok,
                seconds=call.seconds,
                rule=call.decision.rule,
                summary=call.summary,
            )
        )

    def _write_tree(self) -> None:
        """The files that the engine changed, when they are others than at the last call."""
        changed = self._workspace.changed()
        tree = {path: after for path, (_, after) in changed.items()}
        if tree != self._tree:
            files = {path: packed(*pair) for path, pair in changed.items()}
            self._record.write(TREE, **self._lane, files=files)
            self._tree = tree

    def _kept(self, ruling: Ruling) -> dict[str, Any]:
        given = ruling.given
        if ruling.tool == "write_file" and isinstance(given.get("content"), str):
            try:
                before = self._workspace.original(parse(str(given.get("path", ""))))
                content = given["content"].encode("utf-8", "surrogateescape")
                return {**given, "content": packed(before, content)}
            except (RefusedPath, UnicodeEncodeError):
                pass  # it is refused, or fails: kept as it is
        text = json.dumps(given, default=str)
        if ruling.decision.verdict != "allow" and len(text) > LONGEST_GIVEN:
            return {"cut": len(text), "sha256": _hash(text)}
        return given

    def _remember(self, call: ToolRecord) -> None:
        """What the call read may enter a prompt."""
        if isinstance(call.data, TestReport):
            self._provenance.tests(call.call, call.data)
        elif isinstance(call.data, FileText):
            path, first = str(call.arguments.get("path", "")), call.data.first_line
            self._provenance.file(path, call.data.text, call.call, first)
        elif call.ok and call.content:
            self._provenance.tool(call.call, call.tool, call.content)


class Prompts:
    """What the record keeps of a prompt: its hash, where its parts come from, and its text."""

    def __init__(self, provenance: Provenance, *, texts: bool = True) -> None:
        """Without `texts` only hashes and places are kept, not what was asked."""
        self._provenance, self._texts = provenance, texts

    def __call__(self, prompt: Mapping[str, Any]) -> dict[str, Any]:
        """`prompt` is whatever the model is shown, by name."""
        context = [
            {"part": name, **piece} for name, part in prompt.items() for piece in self._pieces(part)
        ]
        told = {"prompt_sha256": prompt_hash(prompt), "context": context}
        return told | dict(prompt) if self._texts else told

    def _pieces(self, part: object) -> list[dict[str, Any]]:
        if isinstance(part, str):
            return self._provenance.pieces(part)
        if not isinstance(part, Sequence):
            return []
        pieces: list[dict[str, Any]] = []
        for number, message in enumerate(part):
            if isinstance(message, str):  # text of candidates, which the model is to weigh
                continue
            place = {"message": number}
            if message["role"] == "assistant":
                pieces.append(place | {"model": True, "sha256": _hash(str(message["content"]))})
            elif message["role"] == "system":
                pieces.append(place | {"ours": True, "sha256": _hash(str(message["content"]))})
            else:
                found = self._provenance.pieces(str(message["content"]))
                pieces += [place | piece for piece in found]
        return pieces


def prompt_hash(prompt: Mapping[str, Any]) -> str:
    """SHA-256 of a prompt's parts as canonical JSON."""
    return _hash(json.dumps(prompt, sort_keys=True, ensure_ascii=False))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
