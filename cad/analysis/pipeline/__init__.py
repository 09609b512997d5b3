"""What happens to a frame: sampling, batching, tracking, rules, alarm."""
