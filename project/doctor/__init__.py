"""Is a deployment well set up? `manage.py doctor`.

`examination` asks one part after the other, each in a module of its own: `site` (settings), `keys` (of the
models), `store` (Redis), `database`, `workers`, `queues`, `responses`. In each, what asks is apart from what
judges: figures in, findings out. `report` shows the findings.
"""
