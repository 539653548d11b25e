"""The configuration of the process: settings, their layers and their faults."""
