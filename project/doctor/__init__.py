"""Check whether a deployment is set up well: `manage.py doctor`.

`examination` checks one part after the other, each in a module of its own: `site` (settings), `keys` (of the
models), `store` (Redis), `database`, `workers`, `queues`, `responses`. Each separates asking from judging:
figures in, findings out. `report` shows the findings.
"""
