"""Cuts a formula into tokens."""

from __future__ import annotations

from dataclasses import dataclass

from exprcalc.errors import FormulaError

SYMBOLS = ("<=", ">=", "<>", "**", "+", "-", "*", "/", "(", ")", ",", "<", ">", "=", "&")
QUOTE = '"'


@dataclass(frozen=True)
class Token:
    """A piece of a formula: kind is number, text, name, symbol or end."""

    kind: str
    value: str
    line: int
    column: int


class Tokenizer:
    """Goes through the characters of a formula once."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.position = 0
        self.line = 1
        self.column = 1

    def tokens(self) -> list[Token]:
        found = []
        while self.position < len(self.source):
            if self.source[self.position].isspace():
                self._advance()
            else:
                found.append(self._token())
        found.append(Token("end", "", self.line, self.column))
        return found

    def _advance(self, count: int = 1) -> str:
        """Take characters, and keep track of where they stood."""
        taken = self.source[self.position : self.position + count]
        for character in taken:
            if character == "\n":
                self.line += 1
                self.column = 1
            else:
                self.column += 1
        self.position += count
        return taken

    def _token(self) -> Token:
        line, column = self.line, self.column
        character = self.source[self.position]
        if character == QUOTE:
            return Token("text", self._text(), line, column)
        if character.isdigit() or character == ".":
            return Token("number", self._number(), line, column)
        if character.isalpha():
            return Token("name", self._while(lambda c: c.isalnum() or c == "_"), line, column)
        for symbol in SYMBOLS:
            if self.source.startswith(symbol, self.position):
                return Token("symbol", self._advance(len(symbol)), line, column)
        raise FormulaError(f"unexpected {character!r} at {line}:{column}")

    def _while(self, wanted) -> str:
        end = self.position
        while end < len(self.source) and wanted(self.source[end]):
            end += 1
        return self._advance(end - self.position)

    def _number(self) -> str:
        digits = self._while(lambda c: c.isdigit() or c == ".")
        if digits.count(".") > 1 or digits == ".":
            raise FormulaError(f"not a number: {digits}")
        return digits

    def _text(self) -> str:
        """The text between quotes; a doubled quote stands for one."""
        line, column = self.line, self.column
        self._advance()
        pieces = []
        while self.position < len(self.source):
            character = self._advance()
            if character != QUOTE:
                pieces.append(character)
            else:
                return "".join(pieces)
        raise FormulaError(f"text without end at {line}:{column}")


def tokenize(source: str) -> list[Token]:
    return Tokenizer(source).tokens()
