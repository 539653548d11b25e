"""MQTT 5 as both of its doors speak it: frames, and what one side still has to write."""
