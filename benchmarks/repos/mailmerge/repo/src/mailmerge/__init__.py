"""Templates for letters: `{{ name | filter }}`, `{% for %}`, `{% if %}`."""

from mailmerge.errors import TemplateError
from mailmerge.template import Template

__all__ = ["Template", "TemplateError"]
