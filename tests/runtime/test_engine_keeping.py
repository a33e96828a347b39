"""Prompts on disk, from one loaded model to the next."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from asking import ask

from runtime.core import STABLE
from runtime.engine import Kept, LlamaEngine, Settings
from runtime.engine_api import EngineError
from runtime.prefix_files import BLOCK

QUESTION = "Count to five, then tell me which number is the largest. " * 25
Open = Callable[..., AbstractContextManager[LlamaEngine]]


@pytest.fixture
def opened(model_file: Callable[[str], Path], tmp_path: Path) -> Open:
    """An engine as a run of the server has it; all of them keep their prompts in one folder."""

    @contextmanager
    def open_engine(**changes: object) -> Iterator[LlamaEngine]:
        kept = Kept(tmp_path / "prompts", 256 << 20, "the hash of the model")
        settings = replace(Settings(context=1024, slots=4, kept=kept), **changes)  # type: ignore[arg-type]
        engine = LlamaEngine(model_file("smollm2-135m"), settings)
        yield engine
        engine.close()

    return open_engine


def answer(engine: LlamaEngine, owner: str = "ann", *, deterministic: bool = False) -> object:
    return ask(engine, QUESTION, max_tokens=12, owner=owner, deterministic=deterministic).samples


@pytest.mark.parametrize("deterministic", [False, True])
def test_the_next_run_reads_nothing_again(
    opened: Open, tmp_path: Path, deterministic: bool
) -> None:
    with opened() as engine:
        first = answer(engine, deterministic=deterministic)
        assert list((tmp_path / "prompts").iterdir()) == [], "asked once is not kept"
        assert answer(engine, deterministic=deterministic) == first
        state = engine.state()
        assert (state.disk_tokens, state.disk_capacity) == (0, 256 << 20)
    with opened() as engine:
        assert engine.state().disk_bytes > 0
        assert answer(engine, deterministic=deterministic) == first
        state = engine.state()
        whole = (state.prompt_tokens - STABLE) // BLOCK * BLOCK
        assert whole >= 2 * BLOCK
        assert state.disk_tokens == state.cached_tokens == whole


def test_neither_others_nor_other_settings_find_them(opened: Open) -> None:
    with opened() as engine:
        first = answer(engine), answer(engine)
    with opened() as engine:
        for owner in ("bob", ""):
            assert answer(engine, owner) == first[0]
        assert engine.state().disk_tokens == 0
        answer(engine)
        assert engine.state().disk_tokens > 0
    with opened(batch=256) as engine:
        answer(engine)
        assert engine.state().disk_tokens == 0


def test_damaged_files_are_read_from_the_prompt_instead(opened: Open, tmp_path: Path) -> None:
    with opened() as engine:
        first = answer(engine), answer(engine)
    files = list((tmp_path / "prompts").glob("*.cells"))
    for number, file in enumerate(files):
        content = bytearray(file.read_bytes())
        content[60 + number] ^= 1
        file.write_bytes(content[: len(content) - number])
    with opened() as engine:
        assert answer(engine) == first[0]
        assert engine.state().disk_tokens == 0


def test_a_folder_that_others_can_open_is_refused(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "prompts").mkdir(mode=0o755)
    with pytest.raises(EngineError, match="nobody but you"), opened():
        pass
