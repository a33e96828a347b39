"""What can go wrong with a template."""


class TemplateError(Exception):
    """A template is malformed, or names something that is not there."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message if line is None else f"line {line}: {message}")
        self.line = line
