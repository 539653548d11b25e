"""How events come in: the door, the beacon, MQTT."""
