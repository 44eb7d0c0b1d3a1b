"""The web side, and the contract that web and workers share: protocol, log, channel layer, rows."""
