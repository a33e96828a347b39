"""May this be written to the repository? The diff, what speaks for it, and what else there is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, OptionList, Static
from textual.widgets.option_list import Option

from agent.approval import Alternative, ApprovalAnswer, ApprovalRequest, Change, Revision
from agent.state import Kind, PlanItem, Status
from tui.editing import edited
from tui.screens.confirm import ConfirmScreen, LineScreen
from tui.view import RunView
from tui.widgets.diffview import DiffView
from tui.widgets.scrolling import Scrolling
from tui.words import cell


@dataclass(frozen=True)
class Decision:
    answer: ApprovalAnswer
    for_all: bool = False
    """Whether every later patch of this run is approved with it."""


class ApprovalScreen(ModalScreen[Decision | None]):
    """None when it was put aside; the run waits on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "approve", "Approve"),
        Binding("A", "approve_all", "Approve all"),
        Binding("c", "choose", "Choose another"),
        Binding("e", "edit", "Edit by hand"),
        Binding("n", "another", "Search on"),
        Binding("r", "reject", "Reject"),
        Binding("tab", "app.focus_next", "Next", show=False),
        Binding("escape", "dismiss(None)", "Put aside"),
    ]
    HELP = """\
# The approval

* `y` writes the files, `A` also every later patch of this run without asking
* `c` takes the alternative under the cursor; the tests run on it, then you are asked again
* `e` opens the files in `$EDITOR`; the tests run on what you wrote
* `n` refuses the edit with a reason and searches on
* `r` ends the run without writing anything; the patch file stays
"""

    def __init__(self, request: ApprovalRequest, view: RunView) -> None:
        super().__init__()
        self._request = request
        self._view = view
        self._whole = view.diff.diff if view.diff is not None else ""

    def compose(self) -> ComposeResult:
        with Vertical(id="approval"):
            yield Static(self._question(), id="question", markup=False)
            with Horizontal(id="matter"):
                yield DiffView(id="patch")
                with Vertical(id="beside"):
                    with Scrolling(id="evidence"):
                        yield Static(self._evidence(), markup=False)
                    yield OptionList(*self._options(), id="others")
            with Horizontal(id="answers"):
                yield Button("Approve (y)", variant="success", id="approve")
                yield Button("Approve all (A)", id="approve_all")
                if self._request.alternatives:
                    yield Button("Choose (c)", id="choose")
                yield Button("Edit (e)", id="edit")
                yield Button("Search on (n)", id="another")
                yield Button("Reject (r)", variant="error", id="reject")

    def on_mount(self) -> None:
        diff = self.query_one(DiffView)
        diff.can_focus = True
        diff.border_title = "Patch"
        diff.load(self._whole)
        diff.focus()
        self.query_one("#evidence").border_title = "Evidence"
        others = self.query_one("#others", OptionList)
        others.border_title = "Survivors"
        others.display = bool(self._request.alternatives)

    # -- what is shown --------------------------------------------------------------------------

    @property
    def _apart(self) -> list[Change]:
        return [change for change in self._request.changes if change.apart]

    def _question(self) -> Content:
        names = ", ".join(self._request.files)
        branch = self._request.branch
        what = f"Commit this on {branch} in " if branch else "Write this to "
        lines = [
            Content.assemble(
                (what, "bold"),
                cell(self._request.tree, "bold $text-primary"),
                ("?", "bold"),
            ),
            cell(names, "$muted"),
        ]
        lines += [cell(f"{change.file} {change.why}", "$text-warning") for change in self._apart]
        lines += [cell(f"Risk: {text}", "bold $text-error") for text in self._request.risks]
        if self._request.note:
            lines.append(cell(self._request.note, "$text-warning"))
        return Content("\n").join(lines)

    def _evidence(self) -> Content:
        view = self._view
        passing = sum(one.event.survived for one in view.attempts.values())
        lines: list[Content] = []
        if view.before is not None and view.latest is not None:
            good = "$text-success" if not view.latest.failing else "$text-warning"
            lines += [
                Content.assemble(
                    ("tests  ", "$muted"),
                    f"{view.before.passed} → ",
                    (f"{view.latest.passed} of {view.latest.total} pass", f"bold {good}"),
                )
            ]
        lines.append(
            Content.assemble(
                ("tried  ", "$muted"),
                f"{len(view.attempts)} candidates, {passing} pass the failing tests",
            )
        )
        for item in view.items.values():
            lines += _mended(item)
        return Content("\n").join(lines)

    def _options(self) -> list[Option]:
        if not self._request.alternatives:
            return []
        options = [Option(cell("the patch as it is", "bold"))]
        for one in self._request.alternatives:
            options.append(Option(Content("\n").join(_told(one))))
        return options

    @property
    def _chosen(self) -> Alternative | None:
        at = self.query_one("#others", OptionList).highlighted
        return self._request.alternatives[at - 1] if at else None

    @on(OptionList.OptionHighlighted)
    def _looked_at(self) -> None:
        diff = self.query_one(DiffView)
        chosen = self._chosen
        diff.border_title = "Patch" if chosen is None else f"Instead, for item {chosen.item}"
        diff.load(self._whole if chosen is None else chosen.diff)
        self.refresh_bindings()

    @on(OptionList.OptionSelected)
    def _selected(self) -> None:
        self.action_choose()

    # -- answers --------------------------------------------------------------------------------

    @on(Button.Pressed)
    async def _pressed(self, event: Button.Pressed) -> None:
        await self.run_action(event.button.id or "")

    @work
    async def action_approve(self) -> None:
        """Each file that steers how code is run is asked about by itself."""
        refused = set()
        for change in self._apart:
            question = f"{change.file} {change.why}. Write it, too?"
            if not await self.app.push_screen_wait(ConfirmScreen(question, "Write it")):
                refused.add(change.file)
        kept = tuple(file for file in self._request.files if file not in refused)
        answer = ApprovalAnswer(True)
        if refused:
            answer = ApprovalAnswer(bool(kept), "It was not approved.", kept)
        self.dismiss(Decision(answer))

    def action_approve_all(self) -> None:
        self.dismiss(Decision(ApprovalAnswer(True), for_all=True))

    def action_choose(self) -> None:
        chosen = self._chosen
        if chosen is None:
            if self._request.alternatives:
                self.query_one("#others").focus()
            return
        revision = Revision("alternative", chosen.item, chosen.place)
        self.dismiss(
            Decision(ApprovalAnswer(False, "Another survivor was chosen.", revision=revision))
        )

    @work
    async def action_edit(self) -> None:
        files = await edited(self.app, self._request)
        if files:
            revision = Revision("edited", files=files)
            self.dismiss(
                Decision(ApprovalAnswer(False, "The patch was edited by hand.", revision=revision))
            )

    @work
    async def action_another(self) -> None:
        question = "Why not this edit? The model reads your words when it searches on."
        reason = await self.app.push_screen_wait(LineScreen(question, placeholder="may be empty"))
        if reason is not None:
            self.dismiss(Decision(ApprovalAnswer(False, reason, revision=Revision("another"))))

    @work
    async def action_reject(self) -> None:
        question = "Reject the patch and end the run. Why? The summary quotes it."
        reason = await self.app.push_screen_wait(LineScreen(question, placeholder="may be empty"))
        if reason is not None:
            self.dismiss(Decision(ApprovalAnswer(False, reason or "It was not approved.")))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        if action == "choose":
            return bool(self._request.alternatives)
        return True


def _told(one: Alternative) -> list[Content]:
    changed = [
        row
        for row in one.diff.splitlines()
        if row.startswith(("+", "-")) and not row.startswith(("+++", "---"))
    ]
    first = next((row for row in changed if row.startswith("+")), changed[0] if changed else "")
    return [
        Content.assemble((f"item {one.item}  ", "$muted"), cell(first, "$text-success", 120)),
        Content.assemble("  ", cell(one.why, "$muted")),
    ]


def _mended(item: PlanItem) -> list[Content]:
    if item.status not in (Status.FIXED, Status.PARTLY):
        return []
    title = item.subject if item.kind is Kind.BUG else item.title
    lines = [
        Content(""),
        Content.assemble((f"{item.number}. {item.kind.value} ", "$muted"), cell(title, "bold")),
    ]
    if item.kind is Kind.BUG:
        lines.append(cell(f"{item.survivors} of {item.tried} candidates pass", "$muted"))
        if item.behaviours and item.agreeing:
            ways = f"{item.behaviours} behaviours" if item.behaviours > 1 else "one behaviour"
            lines.append(cell(f"{item.agreeing} behave like this one, {ways} in all", "$muted"))
    chosen = item.chosen
    if chosen is not None:
        how = f"{chosen.candidate.strategy} {chosen.candidate.operator}"
        lines.append(cell(how.strip(), "$muted"))
    lines += [cell(text.replace("`", "")) for text in item.evidence[:4]]
    if item.note:
        lines.append(cell(item.note, "$text-warning"))
    return lines
