"""The job side: it claims a response, asks the model and publishes what comes."""
