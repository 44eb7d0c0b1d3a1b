"""Everything on one machine, from one command: `manage.py up`.

The command reads the options, `environment` decides what the run brings along, `parts` says what each part
is, `supervisor` starts, keeps and stops them.
"""
