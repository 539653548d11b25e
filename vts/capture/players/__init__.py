"""One path for every player: topics and payloads, the decision, the reply."""
