"""The words that servers use for the end of an answer. Pure."""

import re

from workers.providers.base import FinishReason, ProviderError

# without case, separators and the name of an enumeration
_WORDS: dict[FinishReason, str] = {
    "stop": """
        stop normal stopsequence stopsequencereached stoptoken stopword stopwords matchedstop endid
        eos eostoken eostokenid eotid eosfound eosreached endturn endofturn endofsequence endoftext
        complete completed finish finished done success
        toolcall toolcalls tooluse functioncall
    """,
    "length": """
        length maxtokens maxoutputtokens maxcompletiontokens maxnewtokens maxlen maxlength modellength
        maximumtokens maxnewtokensreached lengthlimit tokenlimitreached
        tokenlimit errorlimit maxpredictedtokensreached contextlengthreached contextlength
        contextlengthexceeded modelcontextwindowexceeded
    """,
    "content_filter": """
        contentfilter contentfiltered guardrail guardrailintervened safety recitation language blocklist
        blacklist prohibitedcontent spii modelarmor imagesafety imageprohibitedcontent imagerecitation
        sensitive refusal errortoxic moderation
    """,
}
_UNFINISHED = ("", "null", "none", "notfinished", "unspecified", "inprogress", "incomplete")
_REASONS: dict[str, FinishReason] = {
    word: reason for reason, words in _WORDS.items() for word in words.split()
}
_NOISE = re.compile(r"[\W_]+")


def finish_reason(word: str) -> FinishReason | None:
    """Return the reason; None: the answer continues. Raises ProviderError for a failure or an unknown word.

    Gemini writes `content_filter: SAFETY`, enumerations `FinishReason.STOP` or `FINISH_REASON_STOP`.
    """
    plain = _plain(word.partition(": ")[0])
    if plain in _UNFINISHED:
        return None
    if plain not in _REASONS:
        raise ProviderError("upstream_error")
    return _REASONS[plain]


def _plain(word: str) -> str:
    return _NOISE.sub("", word).lower().removeprefix("finishreason").removeprefix("reason")
