"""Evaluates spreadsheet formulas."""

from exprcalc.errors import FormulaError
from exprcalc.evaluator import evaluate
from exprcalc.parser import parse
from exprcalc.tokenizer import Token, tokenize

__all__ = ["FormulaError", "Token", "evaluate", "parse", "tokenize"]
