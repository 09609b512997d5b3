"""What the box has and uses."""
