"""`manage.py up`: everything on one machine.

`environment` picks the embedded servers, `parts` plans the processes, `supervisor` runs them.
"""
