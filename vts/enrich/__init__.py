"""What the event itself does not say: address, viewer, device, country, local time."""
