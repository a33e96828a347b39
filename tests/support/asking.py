"""Short ways to ask an engine, and the bug that the tests ask about."""

from runtime import chat_template
from runtime.engine import LlamaEngine
from runtime.engine_api import Cancellation, Generated, Generation, Prompt

BUG = '''def calculate_interest(principal, rate):
    """Interest of one year; the rate is in percent."""
    return principal / rate
'''
TASK = f"""Fix the bug in this function.
```python
{BUG}```
The test fails: assert calculate_interest(1000, 5) == 50
"""


def prompt(engine: LlamaEngine, text: str) -> Prompt:
    return chat_template.render(engine.family, [{"role": "user", "content": text}])


def ask(engine: LlamaEngine, text: str, **settings: object) -> Generated:
    request = Generation(prompt(engine, text), **settings)  # type: ignore[arg-type]
    return engine.generate(request, None, Cancellation())
