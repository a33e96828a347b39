"""One sample while it is decoded: chooses its tokens and turns them into text."""

from runtime.constraint import Guide
from runtime.core import Vocabulary
from runtime.engine_api import Finish, Generation, Sample, TokenScore
from runtime.sampling import Logits, Sampler, token_score
from runtime.text_stream import TextStream


class RunningSample:
    """Sample ``index`` of a request, at most ``limit`` tokens long."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        request: Generation,
        index: int,
        limit: int,
        guide: Guide | None,
    ) -> None:
        self.index = index
        self.tokens: list[int] = []
        self.finish: Finish | None = None
        self._vocabulary = vocabulary
        self._limit = limit
        self._likeliest = request.likeliest
        self._sampler = Sampler(request.sampling, index)
        self._guide = guide
        self._stream = TextStream(request.stop)
        self._scores: list[TokenScore] = []
        self._ended_by_token = False

    @property
    def plain(self) -> bool:
        """Whether each token is simply the likeliest one and nobody asks how likely."""
        return self._sampler.plain and self._guide is None and self._likeliest is None

    @property
    def room(self) -> int:
        """Tokens that may still come."""
        return self._limit - len(self.tokens)

    def take(self, logits: Logits) -> str:
        """Choose the next token; returns the new text and may set ``finish``."""
        token = self._choose(logits)
        if self._vocabulary.ends(token):
            self._ended_by_token = True
            self.finish = "stop"
            return self._stream.finish()
        self.tokens.append(token)
        text = self._stream.push(self._vocabulary.piece(token))
        if self._stream.stopped:
            self.finish = "stop"
        elif (complete := self._complete(token)) or not self.room:
            text += self._stream.finish()
            self.finish = "stop" if self._stream.stopped or complete else "length"
        if self._likeliest is not None and not self._stream.stopped:
            self._scores.append(token_score(self._vocabulary, logits, token, self._likeliest))
        return text

    def sample(self) -> Sample:
        """The finished sample."""
        # The token that ended the answer was generated too, so it counts.
        count = len(self.tokens) + self._ended_by_token
        return Sample(self._stream.text, self.finish or "length", count, tuple(self._scores))

    def _choose(self, logits: Logits) -> int:
        token = self._sampler.choose(logits)
        if self._guide is not None and not self._guide.allows(token):
            # Drawing again among what is allowed gives exactly the distribution given that.
            token = self._sampler.choose(logits, self._guide.mask(len(logits)))
        self._sampler.accept(token)
        return token

    def _complete(self, token: int) -> bool:
        """Whether the answer is whole and nothing may follow it."""
        if self._guide is None:
            return False
        self._guide.accept(token)
        return self._guide.finished
