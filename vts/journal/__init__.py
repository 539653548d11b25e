"""What was acknowledged: durable before the answer."""
