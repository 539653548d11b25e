"""What the process is told: settings, their layers and their faults."""
