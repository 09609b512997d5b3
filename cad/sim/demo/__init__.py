"""The main job from end to end, on real processes and sockets, for people to watch."""
