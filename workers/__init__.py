"""The worker tier: claims responses, calls models, publishes their text."""
