"""Sentences and codes of model servers' errors, as patterns on lower-case text. Pure."""

import re


def _any(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives))


NO_CREDIT = _any(
    r"insufficient[_ ](?:user[_ ])?(?:quota|balance|credits?|funds)",
    r"(?:exceeded[_ ](?:your[_ ])?|over )current[_ ]quota",
    r"(?:balance|credit) (?:is )?(?:too low|insufficient|exhausted)",
    r"requires? more credits",
    r"(?:out of|not enough|used all available|no remaining) credits",
    r"billing_(?:hard_limit_reached|not_active)|billing hard limit",
    r"not active, please check your billing",
    r"arrearage|account is in good standing",  # Alibaba
    r"payment required",
    r"余额不足|欠费",
)
# Gemini words its rate limit as a quota
PER_TIME = _any(r"retrydelay", r"per ?(?:minute|day)", r"please retry in")
RETRY_DELAY = re.compile(
    r"(?:retrydelay|retry in|try again in|retry after)\W{0,4}(\d{1,6}(?:\.\d+)?) ?(ms\b|milli|s\b|sec)"
)

# prompt and limit together are above the context
TOO_MUCH = tuple(
    re.compile(pattern)
    for pattern in (
        # OpenAI, vLLM, SGLang, OpenRouter, DeepSeek
        r"context length (?:is|of) (?P<context>\d+) tokens.{0,40}?requested (?:about |a total of )?"
        r"(?P<total>\d+) tokens",
        # vLLM
        r"context length is (?P<context>\d+) tokens and your request has (?P<prompt>\d+) input tokens",
        r"context length is (?P<context>\d+) tokens.{0,40}requested \d+ output tokens"
        r".{0,60}?(?P<prompt>\d+) input tokens",
        r"max_tokens=\d+ cannot be greater than max_model_len=(?:\w+=)?(?P<context>\d+)",
        # TGI, Together
        r"must be <= (?P<context>\d+)\. given: (?P<prompt>\d+) `inputs` tokens",
        # Anthropic
        r"exceed context limit: (?P<prompt>\d+) \+ \d+ > (?P<context>\d+)",
        # Moonshot
        r"model token limit: (?P<context>\d+) \(requested: (?P<total>\d+)\)",
    )
)
CONTEXT_CODE = _any(r"context_length_exceeded|exceed_context_size_error")
# a server under load also speaks of tokens and contexts
BUSY = _any(r"\bwait\b", r"\btry(?:ing)? again(?! with)", r"\brate\b", r"throttl", r"overload")
CONTEXT_FULL = _any(
    r"context_length_exceeded|exceed_context_size|context_?window_?exceeded",
    r"prompt (?:is )?too long|input is too long for requested model",
    r"(?:maximum|available|model's|max|total) context (?:length|size|window)",
    r"exceeds? (?:the |model )?context|context (?:the )?overflows",
    r"(?:exceed|overflow|larger|longer|greater)\w* (?:\w+ ){0,4}context (?:length|size|limit)",
    r"longer than the maximum model length",
    r"number of tokens to keep from the initial prompt",  # LM Studio
    r"model token limit",
    r"max_(?:model_len|seq_len|total_tokens)",
    r"input token count .{0,40}exceeds|maximum number of tokens allowed",  # Gemini
    r"range of input length",  # Alibaba
    r"tokens in the prompt cannot exceed",  # Cohere
    r"`inputs`? (?:tokens \+|must have less than)",  # TGI
    r"exceeds (?:the )?max(?:imum)? (?:input|prompt|sequence) (?:length|tokens)",
    r"too many (?:input )?tokens",
    r"reduce the length of the (?:messages|input|prompt)",
)

OF_LIMIT = _any(
    r"max(?:imum)?[_ ]?(?:completion_|new_|output_?)?tokens",
    r"(?:output|completion) tokens",
)
AT_MOST = _any(
    r"(?:at most|up to|no more than|(?:model )?limit of|maximum (?:value )?(?:is|of)|between [01] and"
    r"|(?:less|smaller|lower) than or equal to|less or equal to|not (?:be )?greater than"
    r"|(?:can|must) ?not exceed|<=|>|\[\s*[01]\s*,)\s*[`'\"]?(?P<most>\d{1,9})\b",
    r"\bto (?P<below>\d{1,9}) \(exclusive\)",  # Gemini
)
# a limit of this prompt, not of the model
OF_PROMPT = _any(r"prompt|remain|for this (?!model)|\binput(?! should)")

UNSUPPORTED = _any(
    r"unsupported|unknown|unexpected|unrecogni[sz]ed|deprecated",
    r"not (?:currently |yet )?(?:supported|permitted|allowed|available|recognized|implemented|valid)",
    r"(?:doesn't|don't|does not|do not|cannot|can't) (?:support|accept|allow|take)",
    r"extra_forbidden|extra (?:inputs|fields)|extraneous key|additional ?(?:property|properties)",
    r"cannot find field|no such field|is not a (?:valid|known)",
    r"only (?:be )?(?:allowed|set|defined|supported)",
    r"invalid (?:field|argument|parameter)",
)

# the name is refused, whatever else the text says of values
OF_NAME = _any(
    r"(?:unsupported|unknown|unexpected|unrecogni[sz]ed)[_ ](?:request )?"
    r"(?:param|argument|field|name|key|propert)",
    r"extra_forbidden|extra (?:inputs|fields)|extraneous key|additional ?propert",
)
OF_VALUE = _any(
    r"(?:must|should) be|\bbetween\b|\brange\b|(?:less|greater) than|at most|invalid[_ ]value",
)
_KIND = r"(?:param(?:eter)?|argument|field|option|propert(?:y|ie)|input|name|key)s?"
# directly before and after the name of a refused field
BEFORE_NAME = re.compile(
    rf"(?:\b{_KIND}(?: supplied| received)?"
    r"|\b(?:support|accept|allow|take)(?: (?:the|a|an|any|custom|setting|values? (?:for|of)))*"
    r"|\bvalues? (?:for|of)"
    r"|(?:unsupported|unknown|unexpected|unrecogni[sz]ed|deprecated)(?: (?!error)\w+){0,3} ?:)\W{1,4}$"
)
AFTER_NAME = re.compile(
    r"\W{1,4}(?:(?:is|are|was|were) (?:\w+ )?(?:not|un\w+|deprecated|only|too|out of)\b"
    r"|(?:must|should|does not|doesn't|cannot|can't|not) "
    rf"|(?:extra |unknown |unsupported |invalid )?{_KIND}\b)"
)

FILTERED = _any(r"content_?filter|responsibleaipolicyviolation|content_?policy_?violation|moderation|flagged")

WRONG_KEY = _any(r"\bapi_?key_?invalid\b", r"\bapi key (?:is )?(?:not valid|invalid|expired)")
MODEL_UNKNOWN = _any(
    r"model_?not_?found|deploymentnotfound|model_not_available|unknown_model|invalid_model",
    r"(?:not a valid|invalid|no such|unknown|unsupported) (?:model|deployment)",
    r"no endpoints found|no model named|model identifier is invalid",
    r"\b(?:model|deployment)\b.{0,120}(?:not found|not exist)",
)
OF_MODEL = _any(r"\b(?:model|deployment)s?\b")
WRONG_PATH = _any(
    r"(?:invalid|unknown request|unrecognized request) url",
    r"unexpected endpoint|(?:page|file) not found|no route|cannot (?:post|get) /",
    r"http request was sent to https port",
)
