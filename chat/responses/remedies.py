"""The operator's remedy for each failure, for logs and the doctor. The person's: `error_help.js`."""

REMEDIES: dict[str, str] = {
    "upstream_unreachable": "Start the model's server, or correct host and port of its base URL.",
    "upstream_unauthorized": "Correct the key in the variable that `key_env` names, where the workers run.",
    "upstream_not_found": "Correct `upstream_model` (OPENAI_MODEL): `doctor --ask` lists what there is.",
    "upstream_wrong_address": "Correct the base URL: most end in /v1, and none in /chat/completions.",
    "upstream_rejected": "Leave the refused field out (`without`), or correct `parameters`: docs/models.md.",
    "upstream_no_credit": "Add credit to the account of this key, or use another key.",
    "context_length_exceeded": "Set `context` to the model's size: earlier turns are then left out in time.",
    "rate_limit_exceeded": "Ask the provider for a higher limit, or lower TAILRACE_CONCURRENCY.",
    "upstream_error": "Read the log of the model's server.",
    "upstream_malformed": "Check that the server speaks OpenAI's chat completions: `manage.py doctor --ask`.",
    "empty_answer": "Raise `max_output_tokens`, or check the model's chat template.",
    "upstream_cut": "Check the log of the model's server, and the time-outs of proxies before it.",
    "timeout_connect": "Check the network and the load of the model's server, or raise `connect`.",
    "timeout_first_token": "Raise `first_token`: the model loads, or reasons without showing it.",
    "timeout_between_tokens": "Raise `between_tokens`, or check the load of the model's server.",
    "timeout_total": "Raise `total`, or lower `max_output_tokens`.",
    "model_removed": "Add the model to the catalog again.",
    "queue_unavailable": "Check Redis: `manage.py doctor`.",
    "worker_lost": "Check memory and logs of the workers: two in a row were lost with this answer.",
    "worker_error": "Read the worker's log: it has the traceback.",
}
