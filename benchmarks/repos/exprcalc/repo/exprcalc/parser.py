"""Builds the tree of a formula by recursive descent."""

from __future__ import annotations

from exprcalc.errors import FormulaError
from exprcalc.tokenizer import Token, tokenize
from exprcalc.tree import Binary, Call, Expression, Literal, Name, Unary

COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")


class Parser:
    """One method for each level of precedence, loosest first."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.index = 0

    @property
    def current(self) -> Token:
        return self.tokens[self.index]

    def formula(self) -> Expression:
        tree = self.comparison()
        if self.current.kind != "end":
            raise self._unexpected()
        return tree

    def comparison(self) -> Expression:
        left = self.joined()
        if operator := self._take(*COMPARISONS):
            return Binary(operator, left, self.joined())
        return left

    def joined(self) -> Expression:
        left = self.sum()
        while operator := self._take("&"):
            left = Binary(operator, left, self.sum())
        return left

    def sum(self) -> Expression:
        left = self.product()
        while operator := self._take("+", "-"):
            left = Binary(operator, left, self.product())
        return left

    def product(self) -> Expression:
        left = self.unary()
        while operator := self._take("*", "/"):
            left = Binary(operator, left, self.unary())
        return left

    def unary(self) -> Expression:
        if operator := self._take("-", "+"):
            return Unary(operator, self.unary())
        return self.power()

    def power(self) -> Expression:
        """Binds tighter than a sign at its left, and groups from the right."""
        base = self.atom()
        if operator := self._take("**"):
            return Binary(operator, base, self.atom())
        return base

    def atom(self) -> Expression:
        token = self.current
        if token.kind == "number":
            self.index += 1
            return Literal(float(token.value))
        if token.kind == "text":
            self.index += 1
            return Literal(token.value)
        if token.kind == "name":
            self.index += 1
            if self._take("("):
                return Call(token.value.lower(), self._arguments())
            return Name(token.value)
        if self._take("("):
            inner = self.comparison()
            self._expect(")")
            return inner
        raise self._unexpected()

    def _arguments(self) -> tuple[Expression, ...]:
        if self._take(")"):
            return ()
        found = [self.comparison()]
        while self._take(","):
            found.append(self.comparison())
        self._expect(")")
        return tuple(found)

    def _take(self, *symbols: str) -> str | None:
        """Step over one of the symbols, if it is next."""
        token = self.current
        if token.kind == "symbol" and token.value in symbols:
            self.index += 1
            return token.value
        return None

    def _expect(self, symbol: str) -> None:
        if not self._take(symbol):
            raise FormulaError(f"expected {symbol} at {self.current.line}:{self.current.column}")

    def _unexpected(self) -> FormulaError:
        token = self.current
        what = repr(token.value) if token.value else "end"
        return FormulaError(f"unexpected {what} at {token.line}:{token.column}")


def parse(source: str) -> Expression:
    return Parser(tokenize(source)).formula()
