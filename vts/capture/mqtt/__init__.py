"""MQTT 5 as the broker's client and the direct endpoint use it: frames, and what one side still has to write."""
