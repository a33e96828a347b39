"""Gaps that a real model fills."""

import pytest
from asking import BUG

from runtime import completions
from runtime.engine import LlamaEngine
from runtime.engine_api import Cancellation, Generation, Sampling


@pytest.mark.model
def test_the_coder_writes_the_line_that_both_sides_ask_for(coder: LlamaEngine) -> None:
    before, _, after = BUG.partition("    return principal / rate\n")
    comment = "# calculate_interest(1000, 5) must be 50\n"
    prompt = completions.prompt(coder, comment + before, after or "\n\n# end\n")
    request = Generation(prompt, n=4, max_tokens=32, sampling=Sampling(seed=1), stop=("\n",))
    found = coder.generate(request, None, Cancellation())
    texts = [sample.text.strip() for sample in found.samples]
    assert any(text.startswith("return") and "100" in text for text in texts), texts


def test_a_model_that_never_saw_gaps_has_no_markers(engine: LlamaEngine) -> None:
    assert completions.prompt(engine, "a", None)
    with pytest.raises(completions.NoFillMarkers):
        completions.prompt(engine, "a", "b")
