"""Run everything on one machine, from one command: `manage.py up`.

The command parses the options, `environment` decides which servers are embedded, `parts` describes each part,
`supervisor` starts, restarts and stops them.
"""
