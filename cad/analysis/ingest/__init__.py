"""Where frames come from: the only home of PyAV."""
