"""A last, bounded conversation: the model looks around with tools, then mends one function."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from textwrap import dedent
from typing import Any, Protocol

from agent.prompts import prompt
from agent.repair.budget import Budget
from agent.repair.edit import SourceReader, read_source
from agent.repair.novelty import Novelty
from agent.repair.prompt import FixPrompt, Shown
from agent.repair.rewrite import FENCED, Sampler, code_of, narrowed, replacement
from agent.repair.seams import Candidate, Evidence, Language, Suspect
from runtime.client import Answer, ToolCall
from tools.text import head_and_tail

SECONDS = 60.0
"""With less left a conversation would only cut itself short."""
TURNS, CALLS_A_TURN, SAME_CALLS = 4, 3, 3
TURN_TOKENS = 120
ANSWER_TOKENS = 700
SPREAD: tuple[tuple[int, float], ...] = ((1, 0.0), (7, 0.6))
"""Final answers and their temperature; all from the same conversation."""
TOOL_TEXT = 2_500
"""Characters of a tool's answer that the model gets to see; about 700 tokens, 4 s of prefill."""
_PLACE = re.compile(r"([\w./\\-]+\.\w+)`?\s*:+\s*`?(?:def\s+|function\s+)?([\w.]+)")


class Talker(Sampler, Protocol):
    """A sampler that may also ask for tools."""

    def chat(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        purpose: str = "propose",
        n: int = 1,
        max_tokens: int = 512,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | None = None,
        tools: Sequence[Mapping[str, Any]] = (),
    ) -> Answer: ...


class ReadingTools(Protocol):
    """Tools that change nothing, as the model may call them."""

    def specs(self) -> Sequence[Mapping[str, Any]]:
        """The `tools` array of the OpenAI API."""

    def call(self, name: str, arguments: str) -> str:
        """The answer to one call; a bad call is answered too."""


class ConverseProposer:
    """Some turns with tools, then several answers, each one function of any source file."""

    name = "converse"

    def __init__(
        self,
        talker: Talker,
        tools: ReadingTools,
        languages: Sequence[Language],
        *,
        reader: SourceReader = read_source,
        seconds: float = SECONDS,
    ) -> None:
        self._talker = talker
        self._tools = tools
        self._prompt = FixPrompt(languages, reader)
        self._reader = reader
        self._seconds = seconds

    def propose(self, evidence: Evidence, budget: Budget) -> Iterator[Candidate]:
        """Nothing when less than the wanted seconds are left, or no suspect can be shown."""
        if budget.spent or budget.seconds_left < self._seconds or not evidence.suspects:
            return
        shown = self._prompt.shown(evidence, evidence.suspects[0])
        if shown is None:
            return
        messages = self._talk(evidence, shown, budget)
        messages.append({"role": "user", "content": prompt("answer")})
        seen: dict[tuple[str, int], Novelty] = {}
        for turn, (count, temperature) in enumerate(SPREAD):
            if budget.spent:
                return
            answer = self._talker.chat(
                messages,
                purpose=self.name,
                n=count,
                max_tokens=ANSWER_TOKENS,
                temperature=temperature,
                seed=evidence.seed + turn,
            )
            for text in answer.texts:
                yield from self._candidate(text, evidence, seen)

    def _talk(self, evidence: Evidence, shown: Shown, budget: Budget) -> list[dict[str, Any]]:
        """The conversation up to the question for the answer."""
        messages: list[dict[str, Any]] = list(self._prompt.messages(evidence, shown))
        messages[0] = {"role": "system", "content": prompt("converse")}
        asked: Counter[tuple[str, str]] = Counter()
        for _ in range(TURNS):
            if budget.spent:
                break
            answer = self._talker.chat(
                messages,
                purpose=self.name,
                max_tokens=TURN_TOKENS,
                seed=evidence.seed,
                tools=self._tools.specs(),
            )
            calls = answer.tool_calls[:CALLS_A_TURN]
            asked.update((call.name, call.arguments) for call in calls)
            if not calls or max(asked.values()) >= SAME_CALLS:
                break
            messages += self._called(answer.texts[0], calls)
        return messages

    def _called(self, text: str, calls: Sequence[ToolCall]) -> list[dict[str, Any]]:
        """The model's message with its calls, and their answers."""
        functions = [{"name": call.name, "arguments": call.arguments} for call in calls]
        spoken = [
            {"id": call.id, "type": "function", "function": function}
            for call, function in zip(calls, functions, strict=True)
        ]
        answers = [
            {
                "role": "tool",
                "tool_call_id": call.id,
                "content": head_and_tail(self._tools.call(call.name, call.arguments), TOOL_TEXT),
            }
            for call in calls
        ]
        return [{"role": "assistant", "content": text, "tool_calls": spoken}, *answers]

    def _candidate(
        self, answer: str, evidence: Evidence, seen: dict[tuple[str, int], Novelty]
    ) -> Iterator[Candidate]:
        """The edit of the function that the answer names, if there is one and it is new."""
        suspect = self._named(answer, evidence)
        shown = self._prompt.shown(evidence, suspect) if suspect is not None else None
        language = self._prompt.language(suspect.path) if suspect is not None else None
        if suspect is None or shown is None or language is None:
            return
        code = replacement(answer, shown, suspect.name, language)
        edit = narrowed(shown, code) if code is not None else None
        place = (shown.path, shown.start)
        novelty = seen.setdefault(place, Novelty(shown, language))
        new = novelty.new(edit) if edit is not None else None
        if new is not None:
            operator = f"{suspect.name} in {suspect.path}"
            splice = new.splice(suspect.path)
            yield Candidate(strategy=self.name, operator=operator, splices=(splice,))

    def _named(self, answer: str, evidence: Evidence) -> Suspect | None:
        """The function whose code the answer holds: where it says, else among the suspects."""
        if FENCED.search(answer) is None:
            return None
        before = answer.partition("```")[0]
        places = [(m[1].removeprefix("./"), m[2]) for m in _PLACE.finditer(before)]
        places += [(suspect.path, suspect.name) for suspect in evidence.suspects]
        for path, name in places:
            found = self._defined(path, name, code_of(answer), evidence)
            if found is not None:
                return found
        return None

    def _defined(self, path: str, name: str, code: str, evidence: Evidence) -> Suspect | None:
        """The function of that file which the code defines first, if there is one.

        Of several that end alike the one so named is meant, or the one that the code has.
        """
        language = self._prompt.language(path)
        if language is None:
            return None
        try:
            spans = language.spans(self._reader(evidence.root, path))
        except OSError:
            return None
        written = [span.name for span in language.spans(dedent(code)) if not span.is_class][:1]
        same = [s for s in spans if not s.is_class and [_last(s.name)] == list(map(_last, written))]
        if not same:
            return None
        span = max(same, key=lambda s: (s.name == name, s.name in written))
        return Suspect(
            path=path,
            name=span.name,
            first_line=span.first_line,
            last_line=span.last_line,
            score=0.0,
        )


def _last(name: str) -> str:
    return name.rpartition(".")[2]
