"""The worker side: it claims a response, asks the model and publishes its text."""
