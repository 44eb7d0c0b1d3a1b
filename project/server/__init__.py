"""The web server: Daphne with limits on what it reads, and for how long."""
